"""What nothing may write over: the files that a video is read from."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from sam2_backend.video import Video
from sam2_backend.video.pictures.images import IMAGE_SUFFIXES

from .errors import SessionError

_FileId = tuple[int, int | str]
"""Of a file system and of a file in it: the same whatever links lead there."""


class ProtectedFiles:
    """The files of a video, as they are when this is made.

    Parameters
    ----------
    video : any; one in memory has none.
    """

    def __init__(self, video: Video) -> None:
        place = _place(video)
        files = list(video.files)
        is_folder = place is not None and place.is_dir()
        self._folder = _identify(place) if place is not None and is_folder else None
        self._is_store = is_folder and not files
        if place is not None and not is_folder:
            files.append(place)
        self._files = {_identify(path) for path in files} - {None}

    def check(self, targets: Iterable[Path], *, instead: Path | None = None) -> None:
        """Raise SessionError where writing to one of some files would change the video.

        Such a file is one of the video's, lies in its store, or would be one more picture of its
        folder.

        Parameters
        ----------
        instead : the name to suggest; one made of the target's if None.
        """
        if not self._files and self._folder is None:
            return
        folders: dict[Path, _FileId | None] = {}
        for path in targets:
            better = instead or path.with_name(f"{path.stem}-masks{path.suffix}")
            if _identify(path) in self._files:
                raise SessionError(
                    f"{path} is the video itself, or a part of it, and would be written over: "
                    f"choose another name, such as {better.name}."
                )
            if self._folder is None:
                continue
            parent = path.parent
            if parent not in folders:
                folders[parent] = _identify(parent)
            if self._is_store and self._is_below(parent):
                raise SessionError(
                    f"{path} lies in the video itself: choose another place, such as "
                    f"{Path('..', better.name)}."
                )
            if folders[parent] == self._folder and path.suffix.lower() in IMAGE_SUFFIXES:
                raise SessionError(
                    f"{path} lies in the folder of the video's pictures, and would be one of them: "
                    f"choose another place, such as {Path('..', better.name)}."
                )

    def check_folder(self, folder: Path) -> None:
        """Raise SessionError where a folder is the video's, or lies in its store."""
        if self._folder is None:
            return
        if _identify(folder) == self._folder or (self._is_store and self._is_below(folder)):
            name = folder.absolute().name
            raise SessionError(
                f"{folder} is the video itself: choose another folder, such as {name}-masks."
            )

    def _is_below(self, folder: Path) -> bool:
        real = Path(os.path.realpath(folder))
        return any(_identify(one) == self._folder for one in (real, *real.parents))


def _place(video: Video) -> Path | None:
    """The file or folder on disk that a video was opened from: of an array in a file, the file."""
    if video.path is None:
        return None
    found = next((one for one in (video.path, *video.path.parents) if one.exists()), None)
    return found if found == video.path or (found is not None and found.is_file()) else None


def _identify(path: Path) -> _FileId | None:
    try:
        found = path.stat()
    except OSError:
        return None
    # File systems without numbers of files, as of some networks, give 0 for every one.
    number = found.st_ino or os.path.normcase(os.path.realpath(path))
    return found.st_dev, number
