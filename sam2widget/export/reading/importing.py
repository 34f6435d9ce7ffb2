"""Masks read from files of other programs, and from arrays."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias, cast

from numpy.typing import ArrayLike

from sam2_backend.video import FrameSource, Video, open_video

from ...core.errors import SessionError
from ...core.user_warnings import warn
from ..registry import FORMATS, find_format, format_for_reading, list_readable
from ..segmentation import Imported
from .arrays import read_arrays
from .entries import check_frame_size, describe_error
from .pictures import read_picture_files

MaskSource: TypeAlias = (
    str
    | os.PathLike[str]
    | ArrayLike
    | Sequence[ArrayLike | str | os.PathLike[str]]
    | Mapping[Any, Any]
)
"""What `import_masks` takes."""


def import_masks(source: MaskSource, video: FrameSource, format: str | None = None) -> Imported:
    """Read masks that another program wrote, or that are in arrays.

    Files are matched with frames by the names that the video's source gives them, else by the
    order of numbers in both, else by number. What had to be guessed, and what was left out, is
    said in `UserWarning`s.

    Parameters
    ----------
    source : a path of a file or folder, or paths of mask files named as the frames. Or arrays,
        tensors, or run lengths: one array (H, W) of frame 0, (T, H, W) of one object or of labels,
        (N, H, W) of N objects on frame 0, (N, T, H, W); a list with such an array for each object;
        a dictionary of them by object id, or of (H, W) masks by frame, then object id. Their values
        are flags, labels, 0 and 255 (with grey edges, too), probabilities or logits.
    video : that they are of, from `open_video`, or what that takes.
    format : one of those of `FORMATS` that can be read; what is found there if None.

    Raises
    ------
    SessionError
        When it cannot be read, or does not fit the video.
    """
    found = read_masks(source, video, format)
    for note in found.notes:
        warn(note)
    return found


def read_masks(source: MaskSource, video: FrameSource, format: str | None = None) -> Imported:
    """Read masks as `import_masks` does, but without warnings.

    What had to be guessed is in `Imported.notes` alone.
    """
    video = open_video(video)
    paths = _paths(source)
    if paths is None:
        return _checked(read_arrays(source, video), video, "these arrays")
    if len(paths) != 1 or isinstance(source, (list, tuple)):
        found = read_picture_files(paths, video, "The list of masks")
        return _checked(found, video, "this list")
    (path,) = paths
    if not path.exists():
        raise SessionError(f"There is no {path}: {_suggest(path) or 'check the path.'}")
    chosen = find_format(format) if format is not None else format_for_reading(path)
    if chosen.read is None:
        raise SessionError(f"{chosen.name!r} is written only. Formats to read: {list_readable()}.")
    try:
        return _checked(chosen.read(path, video), video, str(path))
    except SessionError:
        raise
    except Exception as error:  # whatever another program may have written
        raise SessionError(
            f"{path} cannot be read as {chosen.name} ({describe_error(error)})."
        ) from error


def _paths(source: Any) -> list[Path] | None:
    """Give the paths that a source is; None where it is arrays."""
    if isinstance(source, (str, os.PathLike)):
        return [Path(source).expanduser()]
    if isinstance(source, (list, tuple)):
        listed = [one for one in cast("list[Any]", source) if isinstance(one, (str, os.PathLike))]
        if listed and len(listed) == len(cast("list[Any]", source)):
            return [Path(one).expanduser() for one in listed]
    return None


def _checked(found: Imported, video: Video, where: str) -> Imported:
    """Return what was read, if there is any mask in it, and all are of frames of the video."""
    if not found.masks and not found.boxes:
        said = " ".join(("", *found.notes))
        raise SessionError(f"There is no mask in {where}, only background.{said}")
    total = len(video)
    for (obj, frame), mask in found.masks.items():
        what = f"The mask of object {obj} on frame {frame} in {where}"
        if not 0 <= frame < total:
            raise SessionError(f"{what} is of no frame: the video has frames 0 to {total - 1}.")
        check_frame_size(mask.shape, video.size_hw(frame), what)
    for obj, frame in found.boxes:
        if not 0 <= frame < total:
            what = f"The box of object {obj} on frame {frame} in {where}"
            raise SessionError(f"{what} is of no frame: the video has frames 0 to {total - 1}.")
    return found


def _suggest(path: Path) -> str:
    """Suggest files called as the path with a suffix that masks are read from; "" if none are."""
    if not path.name:
        return ""
    suffixes = {suffix for one in FORMATS.values() for suffix in one.read_suffixes}
    found = [path.with_name(path.name + suffix) for suffix in sorted(suffixes) if suffix]
    names = [str(one) for one in found if one.is_file()]
    return f"did you mean {' or '.join(names)}?" if names else ""
