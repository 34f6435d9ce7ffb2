"""Indexed PNGs as DAVIS and YouTube-VOS have them: a pixel's value is the number of its object.

Where objects overlap, the one with the larger id shows: an indexed picture holds one number a
pixel.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..masks import Mask
from ..records import SessionError
from .files import JPEG_QUALITY, list_pngs, pick_folder, read_json
from .segmentation import Imported, Segmentation

LARGEST_ID = 254
"""255 stands for pixels that belong to nothing for certain."""


def write_davis(segmentation: Segmentation, path: Path, *, frames: bool = False) -> Path:
    """Write `Annotations/RESOLUTION/NAME/00000.png`…, and the list `ImageSets/2017/train.txt`.

    Parameters
    ----------
    path : the folder, as the data set's `DAVIS`.
    frames : write the pictures too, as `JPEGImages`.
    """
    resolution = "480p" if segmentation.video.height == 480 else "Full-Resolution"
    place = Path(resolution, segmentation.name)
    _write(segmentation, path, place, range(len(segmentation)), frames)
    lists = path / "ImageSets" / "2017"
    lists.mkdir(parents=True, exist_ok=True)
    (lists / "train.txt").write_text(segmentation.name + "\n", encoding="utf-8")
    return path


def write_youtube_vos(segmentation: Segmentation, path: Path, *, frames: bool = False) -> Path:
    """Write `Annotations/NAME/00000.png`… of the frames that have masks, and `meta.json`.

    Parameters
    ----------
    path, frames : as in `write_davis`.
    """
    place = Path(segmentation.name)
    _write(segmentation, path, place, segmentation.frames, frames)
    objects = {
        str(info.id): {
            "category": info.name,
            "frames": [f"{t:05}" for obj, t in segmentation.results if obj == info.id],
        }
        for info in segmentation.objects
    }
    meta = {"videos": {segmentation.name: {"objects": objects}}}
    (path / "meta.json").write_text(json.dumps(meta), encoding="utf-8")
    return path


def read_indexed(path: Path) -> Imported:
    """Read a folder of indexed PNGs, named by frame, or a data set of DAVIS' or YouTube-VOS'
    layout with one video in it."""
    folder = path
    for below in ("Annotations", "480p", "Full-Resolution"):
        folder = folder / below if (folder / below).is_dir() else folder
    folder = pick_folder(folder)
    masks: dict[tuple[int, int], Mask] = {}
    for frame, file in list_pngs(folder):
        values_hw = _values(file)
        for value in np.unique(values_hw).tolist():
            if 0 < value <= LARGEST_ID:
                masks[value, frame] = Mask.from_array(values_hw == value)
    names: dict[int, str] = {}
    if (path / "meta.json").is_file():
        videos = read_json(path / "meta.json", "videos")["videos"]
        for obj, said in videos.get(folder.name, {}).get("objects", {}).items():
            names[int(obj)] = said.get("category", f"Object {obj}")
    return Imported(masks, names)


def _values(file: Path) -> NDArray[np.uint8]:
    """(H, W) the numbers in an indexed picture."""
    try:
        with Image.open(file) as image:
            if image.mode in ("P", "L", "1"):
                return np.asarray(image).astype(np.uint8)
            raise SessionError(
                f"{file} has the colours of a picture (mode {image.mode}): expected a mask "
                "whose pixels are object numbers, such as an indexed PNG."
            )
    except OSError as error:
        raise SessionError(f"{file} cannot be read as a picture ({error}).") from error


def _write(
    segmentation: Segmentation, root: Path, place: Path, frames: range | list[int], pictures: bool
) -> None:
    ids = [info.id for info in segmentation.objects]
    if max(ids, default=0) > LARGEST_ID:
        raise SessionError(
            f"Object {max(ids)} does not fit into an indexed PNG, whose numbers end at "
            f"{LARGEST_ID}: choose another format."
        )
    (root / "Annotations" / place).mkdir(parents=True, exist_ok=True)
    palette = _palette(segmentation)
    for frame in frames:
        image = Image.fromarray(segmentation.label_map(frame).astype(np.uint8))
        image.putpalette(palette.tobytes())
        image.save(root / "Annotations" / place / f"{frame:05}.png")
    if pictures:
        (root / "JPEGImages" / place).mkdir(parents=True, exist_ok=True)
        for frame in frames:
            file = root / "JPEGImages" / place / f"{frame:05}.jpg"
            Image.fromarray(segmentation.video[frame]).save(file, quality=JPEG_QUALITY)


def _palette(segmentation: Segmentation) -> NDArray[np.uint8]:
    """(256, 3): each object in its own colour, void white."""
    palette = np.zeros((256, 3), np.uint8)
    palette[255] = 255
    for info in segmentation.objects:
        palette[info.id] = info.rgb
    return palette
