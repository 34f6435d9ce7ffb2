"""COCO's instance JSON, each frame an image."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pycocotools import mask as coco_mask

from ..masks import Mask
from ..records import SessionError
from .files import JPEG_QUALITY, check_size, frame_number, read_json, reason
from .outlines import fill, polygons_of
from .segmentation import Imported, Segmentation

Outline = Literal["rle", "polygons"]


def write_coco(
    segmentation: Segmentation, path: Path, *, outline: Outline = "rle", frames: bool = False
) -> Path:
    """Write one JSON file.

    Images are called `NAME/00000.jpg`. Objects of one name are one category; which of them an
    annotation is of says its ``track_id``, the object's id.

    Parameters
    ----------
    outline : "rle" is exact; "polygons" is what some tools read only, and has holes as cuts.
    frames : write the pictures beside the file too.
    """
    if outline not in ("rle", "polygons"):
        raise SessionError(f"outline is 'rle' or 'polygons', got {outline!r}.")
    categories = list(dict.fromkeys(info.name for info in segmentation.objects))
    document: dict[str, Any] = {
        "info": {"description": segmentation.video.name, "version": "1.0"},
        "licenses": [],
        "videos": [{"id": 1, "name": segmentation.name}],
        "images": [_image(segmentation, frame) for frame in range(len(segmentation))],
        "categories": [
            {"id": n, "name": name, "supercategory": "object"}
            for n, name in enumerate(categories, 1)
        ],
        "annotations": [],
    }
    for frame in segmentation.frames:
        for info, mask_hw in segmentation.shown(frame):
            encoded = encode(mask_hw)
            result = segmentation.results[info.id, frame]
            document["annotations"].append(
                {
                    "id": len(document["annotations"]) + 1,
                    "image_id": frame + 1,
                    "category_id": categories.index(info.name) + 1,
                    "track_id": info.id,
                    "iscrowd": 0,
                    "area": int(mask_hw.sum()),
                    "bbox": [float(value) for value in coco_mask.toBbox(encoded)],
                    "segmentation": as_text(encoded)
                    if outline == "rle"
                    else [part.ravel().tolist() for part in polygons_of(mask_hw)],
                    "score": round(result.iou, 4),
                }
            )
    path.write_text(json.dumps(document), encoding="utf-8")
    if frames:
        (path.parent / segmentation.name).mkdir(parents=True, exist_ok=True)
        for frame, image in enumerate(document["images"]):
            picture = Image.fromarray(segmentation.video[frame])
            picture.save(path.parent / image["file_name"], quality=JPEG_QUALITY)
    return path


def read_coco(path: Path) -> Imported:
    """Read a COCO file whose images are the frames of one video, in the order of ``frame_id`` or
    else of the numbers in their names. Without ``track_id`` each category is an object."""
    document = read_json(path, "images", "annotations")
    images = {image["id"]: image for image in document["images"]}
    categories = {one["id"]: one["name"] for one in document.get("categories", ())}
    masks: dict[tuple[int, int], NDArray[np.bool_]] = {}
    names: dict[int, str] = {}
    for said in document["annotations"]:
        try:
            image = images[said["image_id"]]
            frame = image.get("frame_id", None)
            frame = frame_number(Path(image["file_name"])) if frame is None else int(frame)
            obj = int(said.get("track_id", said["category_id"]))
            hw = int(image["height"]), int(image["width"])
            mask_hw = decode(said["segmentation"], hw)
        except (KeyError, TypeError, ValueError) as error:
            raise SessionError(
                f"{path} has an annotation that cannot be read: {reason(error)}."
            ) from error
        masks[obj, frame] = masks.get((obj, frame), False) | mask_hw
        names[obj] = categories.get(said.get("category_id"), f"Object {obj}")
    return Imported({key: Mask.from_array(mask) for key, mask in masks.items()}, names)


def encode(mask_hw: NDArray[np.bool_]) -> Any:
    """pycocotools' run lengths."""
    return coco_mask.encode(np.asfortranarray(mask_hw, np.uint8))


def as_text(encoded: Any) -> dict[str, Any]:
    """The same as JSON has it."""
    return {"size": [int(n) for n in encoded["size"]], "counts": str(encoded["counts"], "ascii")}


def decode(said: Any, hw: tuple[int, int]) -> NDArray[np.bool_]:
    """(H, W) of polygons or of run lengths, compressed or not.

    Raises
    ------
    ValueError
        When they are not of this size, or damaged.
    """
    check_size(hw)
    if isinstance(said, list):
        masks = [fill(np.array(one, np.float64).reshape(-1, 2), hw) for one in said]
        return np.any([np.zeros(hw, bool), *masks], axis=0)
    if tuple(said["size"]) != hw:
        raise ValueError(f"run lengths of {said['size']} for a picture of {list(hw)}")
    counts = said["counts"]
    lengths = np.array(_decompress(counts) if isinstance(counts, str) else counts, np.int64)
    height, width = hw
    if (lengths < 0).any() or lengths.sum() != height * width:
        raise ValueError(f"run lengths cover {lengths.sum()} pixels, not {height * width}")
    return np.repeat(np.arange(len(lengths)) % 2 == 1, lengths).reshape(width, height).T


def _decompress(counts: str) -> list[int]:
    """Run lengths from COCO's text: groups of 5 bits, the lowest first, in characters from "0" on;
    32 says that another follows, 16 in the last is the sign. From the fourth number on it is the
    difference to the one two before. (pycocotools writes outside its memory where the text is
    damaged.)"""
    lengths: list[int] = []
    number = bits = 0
    for character in counts:
        group = ord(character) - ord("0")
        if not 0 <= group < 64 or bits > 35:
            raise ValueError("compressed run lengths hold what cannot be there")
        number |= (group & 31) << bits
        bits += 5
        if group & 32:
            continue
        if group & 16:
            number -= 1 << bits
        lengths.append(number + (lengths[-2] if len(lengths) > 2 else 0))
        number = bits = 0
    if bits:
        raise ValueError("compressed run lengths end within a number")
    return lengths


def _image(segmentation: Segmentation, frame: int) -> dict[str, Any]:
    height, width = segmentation.size_hw(frame)
    return {
        "id": frame + 1,
        "video_id": 1,
        "frame_id": frame,
        "file_name": f"{segmentation.name}/{frame:05}.jpg",
        "width": width,
        "height": height,
    }
