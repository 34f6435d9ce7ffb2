"""Opening a data set by its path, its format told by what is there."""

from __future__ import annotations

import os
from pathlib import Path

from ...arguments import check_flag
from .coco import open_coco
from .folders import open_davis, open_image_masks, open_youtube_vos
from .records import DatasetError, VideoRecords
from .sa_v import open_sa_v

DATASET_FORMATS = ("davis", "youtube-vos", "sa-v", "coco", "folder")
"""Formats that `open_dataset` takes."""


def open_dataset(
    root: str | os.PathLike[str],
    format: str | None = None,
    *,
    annotations: str | os.PathLike[str] | None = None,
    indexed: bool = False,
) -> VideoRecords:
    """Open a data set on disk, with augmentation.

    Parameters
    ----------
    root : its folder; of COCO that of the pictures.
    format : one of `DATASET_FORMATS`; told by what is there if None. A "folder" has the folders
        ``images`` and ``masks`` in it.
    annotations : COCO's JSON file.
    indexed : of the masks of a "folder", see `open_image_masks`.

    Returns
    -------
    VideoRecords
        Over all its videos and pictures.

    Raises
    ------
    DatasetError
        When it is of no known format, or not complete.
    """
    indexed = check_flag(indexed, "indexed")
    root = Path(root).expanduser()
    if root.is_file():
        raise DatasetError(f"{root} is a file and no data set: give the folder of one.")
    if not root.is_dir():
        raise DatasetError(f"There is no folder {root}: expected a data set.")
    format = format or ("coco" if annotations is not None else _recognise_format(root))
    if format == "davis":
        return open_davis(root)
    if format == "youtube-vos":
        return open_youtube_vos(root)
    if format == "sa-v":
        return open_sa_v(root)
    if format == "folder":
        return open_image_masks(root / "images", root / "masks", indexed=indexed)
    if format != "coco":
        raise DatasetError(
            f"Unknown format {format!r}: choose one of {', '.join(DATASET_FORMATS)}."
        )
    if annotations is None:
        raise DatasetError(
            f"COCO's pictures in {root} need annotations: say where the JSON file is, such as "
            "annotations/instances_train2017.json."
        )
    return open_coco(root, annotations)


def _recognise_format(root: Path) -> str:
    if (root / "ImageSets").is_dir():
        return "davis"
    if (root / "meta.json").is_file():
        return "youtube-vos"
    if (root / "images").is_dir() and (root / "masks").is_dir():
        return "folder"
    if any(path.with_name(f"{path.stem}_manual.json").is_file() for path in root.rglob("*.mp4")):
        return "sa-v"
    raise DatasetError(
        f"{root} is no data set of a known form: expected ImageSets (DAVIS), meta.json "
        "(YouTube-VOS), images and masks (a folder of your own), videos with *_manual.json "
        "(SA-V), or COCO's pictures with its annotations given. Say which with format."
    )
