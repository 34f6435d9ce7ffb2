"""Files and folders that are written.

Nothing of the video's is lost there, and what is left from before is said.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from ...core.protected_files import ProtectedFiles
from ...core.user_warnings import warn
from ..segmentation import Segmentation
from ..wording import pluralize

JPEG_QUALITY = 95
_LISTED = 3


def open_folder(
    segmentation: Segmentation, root: Path, files: Iterable[Path], own: Sequence[Path]
) -> None:
    """Check a folder before it is written to.

    What an earlier export has left in it, and this one does not write, stays; a warning names it.

    Parameters
    ----------
    root : the folder.
    files : all that will be written.
    own : folders in it that hold nothing but what is of this export.

    Raises
    ------
    SessionError
        When a file of the video would be written over, or get one more picture beside it.
    """
    files = list(files)
    ProtectedFiles(segmentation.video).check(files)
    written = set(files)
    left: defaultdict[Path, list[str]] = defaultdict(list)
    for folder in own:
        for path in sorted(folder.rglob("*")):
            if path not in written and path.is_file() and not path.name.startswith("."):
                left[path.parent].append(path.name)
    if left:
        busy = {path.parent for path in files}
        named = [
            f"{folder.relative_to(root).as_posix()}/"
            + (
                names[0]
                if len(names) == 1 and folder in busy
                else f" ({_describe_files(names, folder in busy)})"
            )
            for folder, names in left.items()
        ]
        more = (
            f" and {pluralize(len(named) - _LISTED, 'more folder')}" if len(named) > _LISTED else ""
        )
        warn(
            f"{root} has files from before that are not of this export, and stay: "
            f"{', '.join(named[:_LISTED])}{more}. Readers find them too: remove them if they are "
            "of no use, or export to an empty folder."
        )


def _describe_files(names: list[str], some: bool) -> str:
    """Say how many files are left in a folder, and where others are written there, which."""
    told = pluralize(len(names), "file")
    return f"{told} such as {names[0]}" if some else told


def save_below(folder: Path, name: str, picture: Image.Image, **options: Any) -> Path:
    """Save a picture in a folder, by a name that may have folders before a "/"; give its path."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path, **options)
    return path
