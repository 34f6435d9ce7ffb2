"""COCO's instance JSON, each frame an image: writing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pycocotools import mask as coco_mask

from ..core.errors import SessionError
from .files import JPEG_QUALITY, save_below
from .folders import open_folder
from .outlines import polygons_of
from .segmentation import Segmentation

Outline = Literal["rle", "polygons"]


def write_coco(
    segmentation: Segmentation, path: Path, *, outline: Outline = "rle", frames: bool = False
) -> Path:
    """Write one JSON file.

    Images have the names of the source's frames; where it has none they are called
    `NAME/00000.jpg`. With `frames` they are beside the file, in a folder that is named after it:
    for `dataset.json`, `dataset-frames/00000.jpg`, by number or by name. Objects of one name are
    one category; which of them an annotation is of says its ``track_id``, the object's id.

    Parameters
    ----------
    outline : "rle" is exact; "polygons" is what some tools read only, and has holes as cuts.
    frames : write the pictures beside the file too.
    """
    if outline not in ("rle", "polygons"):
        raise SessionError(f"outline is 'rle' or 'polygons', got {outline!r}.")
    folder = f"{path.stem}-frames" if frames else None
    images = [_image(segmentation, frame, folder) for frame in range(len(segmentation))]
    if folder is not None:
        files = [path.parent / image["file_name"] for image in images]
        open_folder(segmentation, path.parent, files, [path.parent / folder])
    categories = list(dict.fromkeys(info.name for info in segmentation.objects))
    document: dict[str, Any] = {
        "info": {"description": segmentation.video.name, "version": "1.0"},
        "licenses": [],
        "videos": [{"id": 1, "name": segmentation.name}],
        "images": images,
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
        for frame, image in enumerate(images):
            picture = Image.fromarray(segmentation.video[frame])
            save_below(path.parent, image["file_name"], picture, quality=JPEG_QUALITY)
    return path


def encode(mask_hw: NDArray[np.bool_]) -> Any:
    """pycocotools' run lengths."""
    return coco_mask.encode(np.asfortranarray(mask_hw, np.uint8))


def as_text(encoded: Any) -> dict[str, Any]:
    """The same as JSON has it."""
    return {"size": [int(n) for n in encoded["size"]], "counts": str(encoded["counts"], "ascii")}


def _image(segmentation: Segmentation, frame: int, folder: str | None) -> dict[str, Any]:
    """As COCO describes it; `folder` is where its picture is written to, None where it is not."""
    height, width = segmentation.size_hw(frame)
    names = segmentation.frame_names
    own = names.known and folder is None
    return {
        "id": frame + 1,
        "video_id": 1,
        "frame_id": frame,
        "file_name": names.name(frame)
        if own
        else f"{folder or segmentation.name}/{names.stem(frame)}.jpg",
        "width": width,
        "height": height,
    }
