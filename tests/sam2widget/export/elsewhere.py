"""A film of two squares, and what other programs say of it."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sam2_backend.video import Video
from sam2widget import import_masks, open_video

FRAMES, HEIGHT, WIDTH = 6, 30, 40


def square(frame: int, top: int = 15) -> NDArray[np.bool_]:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[top : top + 10, 4 + 3 * frame : 14 + 3 * frame] = True
    return mask


TRUTH = np.stack([square(t) for t in range(FRAMES)])
OTHER = np.stack([square(t, 2) for t in range(FRAMES)])
LABELS = (TRUTH + 2 * OTHER).astype(np.uint8)
NAMELESS = open_video(np.zeros((FRAMES, HEIGHT, WIDTH, 3), np.uint8))


def folder(place: Path, names: Sequence[str], picture: Callable[[int], Any] | None = None) -> Path:
    """Pictures of these names: frames, or what `picture` gives for each."""
    for n, name in enumerate(names):
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        frame = np.full((HEIGHT, WIDTH, 3), 20 * n, np.uint8)
        image = frame if picture is None else picture(n)
        image = image if isinstance(image, Image.Image) else Image.fromarray(image)
        image.save(path)
    return place


def video_of(place: Path, names: Sequence[str]) -> Video:
    """A video of these files, in this order."""
    folder(place, names)
    return open_video([place / name for name in names])


def import_noting(source: Any, video: Video, format: str | None = None):
    """What is imported, and the warnings that it takes."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        found = import_masks(source, video, format)
    return found, [str(one.message) for one in said]


def assert_masks(found: Any, *wanted: dict[int, NDArray[np.bool_]]) -> None:
    """That the objects' masks by frame are these, the objects in the order of their ids."""
    ids = sorted({obj for obj, _ in found.masks})
    assert len(ids) == len(wanted)
    for obj, masks in zip(ids, wanted, strict=True):
        assert sorted(t for o, t in found.masks if o == obj) == sorted(masks)
        for frame, mask in masks.items():
            np.testing.assert_array_equal(found.masks[obj, frame].to_array(), mask)


def corners(frame: int) -> list[int]:
    """Of the first square, x and y in pixels."""
    x = 4 + 3 * frame
    return [x, 15, x + 10, 15, x + 10, 25, x, 25]


def coco(path: Path, names: Sequence[str], **extra: Any) -> Path:
    """A COCO file with the first square on pictures of these names; values of `extra` may be
    functions of the frame."""
    images = [
        {"id": n, "file_name": name, "width": WIDTH, "height": HEIGHT}
        for n, name in enumerate(names)
    ]
    notes = [
        {
            "id": n,
            "image_id": n,
            "category_id": 1,
            "bbox": [0, 0, 1, 1],
            "segmentation": [corners(n)],
            **{key: value(n) if callable(value) else value for key, value in extra.items()},
        }
        for n in range(len(names))
    ]
    categories = [{"id": n, "name": name} for n, name in enumerate(("cell", "box"))]
    document = {"images": images, "categories": categories, "annotations": notes}
    path.write_text(json.dumps(document))
    return path
