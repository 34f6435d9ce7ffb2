"""The formats by name, and which one a path is of."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from sam2_backend.video import FrameSource, Video

from ..records import SessionError
from .arrays import from_arrays, read_npz, write_npz
from .coco import read_coco, write_coco
from .cvat import read_cvat, write_cvat
from .files import read_json, reason
from .indexed_png import read_indexed, write_davis, write_youtube_vos
from .movies import write_animation, write_mp4
from .pictures import write_cutouts
from .sa_v import read_sa_v, write_sa_v
from .segmentation import Imported, Segmentation, SegmentationSource
from .table import write_csv
from .yolo import read_yolo, write_yolo


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
        Format("npz", ".npz", write_npz, lambda path, _: read_npz(path)),
        Format("davis", "", write_davis, lambda path, _: read_indexed(path)),
        Format("youtube-vos", "", write_youtube_vos, lambda path, _: read_indexed(path)),
        Format("coco", ".json", write_coco, lambda path, _: read_coco(path)),
        Format("sa-v", ".json", write_sa_v, lambda path, _: read_sa_v(path)),
        Format("yolo", "", write_yolo, read_yolo),
        Format("cvat", ".xml", write_cvat, lambda path, _: read_cvat(path)),
        Format("csv", ".csv", write_csv),
        Format("cutouts", "", write_cutouts),
        Format("mp4", ".mp4", write_mp4),
        Format("gif", ".gif", write_animation),
        Format("webp", ".webp", write_animation),
    )
}
"""By name."""


MaskSource: TypeAlias = str | os.PathLike[str] | Sequence[ArrayLike] | Mapping[int, ArrayLike]
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
        When there is no such format or option, or nothing to write.
    OSError
        When it cannot be written.

    Examples
    --------
    >>> export_masks("dog.sam2.zip", "dog.mp4")
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
    folder = path if not chosen.suffix else path.parent
    folder.mkdir(parents=True, exist_ok=True)
    if chosen.suffix and path.suffix.lower() != chosen.suffix:
        path = path.with_name(path.name + chosen.suffix)
    return chosen.write(segmentation, path, **options)


def import_masks(source: MaskSource, video: Video, format: str | None = None) -> Imported:
    """Read masks that another program wrote.

    Parameters
    ----------
    source : path of the file or folder; or arrays, (H, W) of frame 0 or (T, H, W), as a list of
        one for each object, or by object id.
    video : that they are of, from `open_video`.
    format : one of those of `FORMATS` that can be read; what is found there if None.

    Raises
    ------
    SessionError
        When it cannot be read, or does not fit the video.
    """
    if not isinstance(source, (str, os.PathLike)):
        by_id = source if isinstance(source, Mapping) else dict(enumerate(source, 1))
        arrays = {str(obj): np.asarray(array) for obj, array in by_id.items()}
        return from_arrays(arrays, "masks")
    path = Path(source).expanduser()
    if not path.exists():
        raise SessionError(f"There is no {path}: check the path.")
    chosen = _format(format) if format is not None else _look(path)
    if chosen.read is None:
        readable = ", ".join(one.name for one in FORMATS.values() if one.read is not None)
        raise SessionError(f"{chosen.name!r} is written only. Formats to read: {readable}.")
    try:
        return chosen.read(path, video)
    except SessionError:
        raise
    except Exception as error:  # whatever another program may have written
        raise SessionError(f"{path} cannot be read as {chosen.name} ({reason(error)}).") from error


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
    if path.is_dir():
        if (path / "data.yaml").is_file() or not any(path.rglob("*.png")):
            return FORMATS["yolo"]
        return FORMATS["youtube-vos" if (path / "meta.json").is_file() else "davis"]
    raise SessionError(
        f"{path} is of no format that is known: {', '.join(FORMATS)}. Say which with format=."
    )
