"""DAVIS' folders of indexed PNGs."""

from __future__ import annotations

from pathlib import Path

from ...reading.pictures import MASK_SUFFIXES, read_pictures
from ...registry import Format
from ...segmentation import Segmentation
from ._indexed_png import write_indexed


def write_davis(segmentation: Segmentation, path: Path, *, frames: bool = False) -> Path:
    """Write `Annotations/RESOLUTION/NAME/00000.png`…, and the list `ImageSets/2017/train.txt`.

    Files have the names of the source's frames, where it has some.

    Parameters
    ----------
    path : the folder, as the data set's `DAVIS`.
    frames : write the pictures too, as `JPEGImages`.
    """
    resolution = "480p" if segmentation.video.height == 480 else "Full-Resolution"
    place = Path(resolution, segmentation.name)
    write_indexed(segmentation, path, place, range(len(segmentation)), pictures=frames)
    lists = path / "ImageSets" / "2017"
    lists.mkdir(parents=True, exist_ok=True)
    (lists / "train.txt").write_text(segmentation.name + "\n", encoding="utf-8")
    return path


FORMAT = Format(
    "davis",
    "",
    write_davis,
    read_pictures,
    description="a folder as DAVIS: indexed PNGs, ImageSets",
    options={"frames": "True writes the pictures too, as JPEGImages"},
    more_suffixes=MASK_SUFFIXES - {".gif", ".webp"},
)
