"""The formats by name, and which one a path is of."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import Any, TypeAlias, cast

from numpy.typing import ArrayLike

from sam2_backend.video import FrameSource, Video, open_video

from ..core.errors import SessionError
from ..core.sources import Sources
from ..core.user_warnings import warn
from .arrays import read_npz, write_npz
from .coco import write_coco
from .coco_reader import read_coco
from .cvat import write_cvat
from .cvat_reader import read_cvat
from .files import check_frame_size, read_json, reason
from .indexed_png import write_davis, write_youtube_vos
from .label_pictures import MASK_SUFFIXES, list_pictures, read_picture_files, read_pictures
from .mask_arrays import read_arrays
from .movies import write_animation, write_mp4
from .pictures import write_cutouts
from .sa_v import read_sa_v, write_sa_v
from .segmentation import Imported, Segmentation, SegmentationSource
from .table import write_csv
from .yolo import write_yolo
from .yolo_reader import read_yolo


@dataclass(frozen=True)
class Format:
    """How masks are written to files, and read."""

    name: str
    suffix: str
    """Of the file; "" for a folder."""
    write: Callable[..., Path]
    """Of a segmentation to a path, with options of its own."""
    read: Callable[[Path, Video], Imported] | None = None


FORMATS: dict[str, Format] = {
    one.name: one
    for one in (
        Format("npz", ".npz", write_npz, read_npz),
        Format("davis", "", write_davis, read_pictures),
        Format("youtube-vos", "", write_youtube_vos, read_pictures),
        Format("coco", ".json", write_coco, read_coco),
        Format("sa-v", ".json", write_sa_v, read_sa_v),
        Format("yolo", "", write_yolo, read_yolo),
        Format("cvat", ".xml", write_cvat, read_cvat),
        Format("csv", ".csv", write_csv),
        Format("cutouts", "", write_cutouts),
        Format("mp4", ".mp4", write_mp4),
        Format("gif", ".gif", write_animation),
        Format("webp", ".webp", write_animation),
    )
}
"""By name."""


MaskSource: TypeAlias = (
    str
    | os.PathLike[str]
    | ArrayLike
    | Sequence[ArrayLike | str | os.PathLike[str]]
    | Mapping[Any, Any]
)
"""What `import_masks` takes."""


def export_masks(
    source: SegmentationSource,
    path: str | os.PathLike[str],
    format: str | None = None,
    *,
    video: FrameSource | None = None,
    **options: Any,
) -> Path:
    """Write masks for another program.

    Parameters
    ----------
    source : a widget, a session file, or what is in one.
    path : of the file, or of the folder.
    format : one of `FORMATS`; the one of the path's suffix if None.
    video : of a session whose video is not where the session says.
    options : of the format, as `docs/formats.md` lists them; a wrong one is named with those that
        there are.

    Returns
    -------
    Path
        What was written.

    Raises
    ------
    SessionError
        When there is no such format or option, nothing to write, or a file of the video would be
        written over.
    OSError
        When it cannot be written.

    Examples
    --------
    >>> export_masks("dog.sam2.zip", "dog-overlay.mp4")
    >>> export_masks(w, "dataset", "coco", frames=True)
    """
    path = Path(path).expanduser()
    chosen = _format(format) if format is not None else _by_suffix(path)
    known = list(signature(chosen.write).parameters)[2:]
    if not options.keys() <= set(known):
        wrong = ", ".join(sorted(options.keys() - set(known)))
        raise SessionError(
            f"The format {chosen.name!r} has no option {wrong}. It has: "
            f"{', '.join(known) or 'none'}."
        )
    segmentation = Segmentation.of(source, video)
    if not segmentation.results:
        raise SessionError("There are no masks to export: prompt an object first.")
    sources = Sources(segmentation.video)
    if not chosen.suffix:
        sources.refuse_folder(path)
        path.mkdir(parents=True, exist_ok=True)
    else:
        if path.suffix.lower() != chosen.suffix:
            path = path.with_name(path.name + chosen.suffix)
        sources.refuse([path])
        path.parent.mkdir(parents=True, exist_ok=True)
    return chosen.write(segmentation, path, **options)


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
    """As `import_masks`, but what had to be guessed is in `Imported.notes` alone."""
    video = open_video(video)
    paths = _paths(source)
    if paths is None:
        return _fitting(read_arrays(source, video), video, "these arrays")
    if len(paths) != 1 or isinstance(source, (list, tuple)):
        found = read_picture_files(paths, video, "The list of masks")
        return _fitting(found, video, "this list")
    (path,) = paths
    if not path.exists():
        raise SessionError(f"There is no {path}: {_others(path) or 'check the path.'}")
    chosen = _format(format) if format is not None else _look(path)
    if chosen.read is None:
        raise SessionError(f"{chosen.name!r} is written only. Formats to read: {_readable()}.")
    try:
        return _fitting(chosen.read(path, video), video, str(path))
    except SessionError:
        raise
    except Exception as error:  # whatever another program may have written
        raise SessionError(f"{path} cannot be read as {chosen.name} ({reason(error)}).") from error


def _paths(source: Any) -> list[Path] | None:
    """What a source is paths of; None where it is arrays."""
    if isinstance(source, (str, os.PathLike)):
        return [Path(source).expanduser()]
    if isinstance(source, (list, tuple)):
        listed = [one for one in cast("list[Any]", source) if isinstance(one, (str, os.PathLike))]
        if listed and len(listed) == len(cast("list[Any]", source)):
            return [Path(one).expanduser() for one in listed]
    return None


def _fitting(found: Imported, video: Video, where: str) -> Imported:
    """What was read, if there is any mask in it, and all are of frames of the video."""
    if not found.masks:
        said = " ".join(("", *found.notes))
        raise SessionError(f"There is no mask in {where}, only background.{said}")
    total = len(video)
    for (obj, frame), mask in found.masks.items():
        what = f"The mask of object {obj} on frame {frame} in {where}"
        if not 0 <= frame < total:
            raise SessionError(f"{what} is of no frame: the video has frames 0 to {total - 1}.")
        check_frame_size(mask.shape, video.size_hw(frame), what)
    return found


def _format(name: str) -> Format:
    if name not in FORMATS:
        raise SessionError(f"There is no format {name!r}. Formats: {', '.join(FORMATS)}.")
    return FORMATS[name]


def _by_suffix(path: Path) -> Format:
    found = [one for one in FORMATS.values() if one.suffix and one.suffix == path.suffix.lower()]
    if len(found) == 1:
        return found[0]
    names = ", ".join(one.name for one in (found or FORMATS.values()))
    raise SessionError(f"Which format shall {path} have? Say format= one of {names}.")


def _look(path: Path) -> Format:
    """The format of what is there."""
    suffix = path.suffix.lower()
    if path.is_file() and suffix == ".json":
        return FORMATS["sa-v" if "masklet" in read_json(path) else "coco"]
    if path.is_file() and suffix in (".npz", ".xml"):
        return _by_suffix(path)
    if path.is_file() and suffix == ".npy":
        return FORMATS["npz"]
    if path.is_file() and suffix in MASK_SUFFIXES - {".gif", ".webp"}:
        return FORMATS["davis"]
    if path.is_dir():
        if (path / "data.yaml").is_file() or _has_labels(path):
            return FORMATS["yolo"]
        return FORMATS["youtube-vos" if (path / "meta.json").is_file() else "davis"]
    raise SessionError(
        f"{path} is of no format that can be read: {_readable()}. Say which it is with format=."
    )


def _readable() -> str:
    return ", ".join(one.name for one in FORMATS.values() if one.read is not None)


def _others(path: Path) -> str:
    """Which files of the same name have a suffix that masks are read from; "" where none has."""
    if not path.name:
        return ""
    suffixes = sorted({".npy", *MASK_SUFFIXES, *(f.suffix for f in FORMATS.values() if f.read)})
    found = [path.with_name(path.name + one) for one in suffixes if one]
    names = [str(one) for one in found if one.is_file()]
    return f"did you mean {' or '.join(names)}?" if names else ""


def _has_labels(path: Path) -> bool:
    """Whether a folder is of YOLO's text files."""
    if (path / "labels").is_dir() or (path / "obj.names").is_file():
        return True
    return not list_pictures(path, deep=True) and any(path.rglob("*.txt"))
