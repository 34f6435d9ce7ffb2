"""COCO instances, and the masks that COCO and SA-V write as run lengths."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from ...arguments import check_flag
from .files import read_image, read_json
from .records import DatasetError, Frames, VideoRecords


@dataclass(frozen=True)
class CocoRecord:
    """One picture with the segmentations of its objects."""

    name: str
    picture: Path
    segmentations: tuple[Any, ...]
    source: Path
    """The JSON file, for errors."""

    def __len__(self) -> int:
        return 1

    def read(self, positions: Sequence[int]) -> Frames:
        """Decode the picture and its masks; see `Record`."""
        rgb_hw3 = read_image(self.picture)
        height, width = rgb_hw3.shape[:2]
        where = f"{self.source}, {self.name}"
        masks = {
            obj: decode_segmentation(segmentation, height, width, where)
            for obj, segmentation in enumerate(self.segmentations, start=1)
        }
        return [(rgb_hw3, masks)] * len(positions)


def open_coco(
    images: str | os.PathLike[str],
    annotations: str | os.PathLike[str],
    *,
    augment: bool = True,
) -> VideoRecords:
    """Open pictures annotated as COCO has it (Lin et al. 2014); each becomes a clip by moving.

    ::

        train2017/000000000009.jpg, …
        annotations/instances_train2017.json
            {"images": [{"id", "file_name"}], "annotations": [{"image_id", "segmentation"}]}

    Segmentations are polygons or run lengths, compressed or not. Regions of crowds and
    pictures without objects are left out.

    Parameters
    ----------
    images : folder of the pictures.
    annotations : the JSON file.
    augment : see `VideoRecords`. Without it the picture stands still.

    Raises
    ------
    DatasetError
        When the file is missing or of another form, or no picture has an object.
    """
    augment = check_flag(augment, "augment")
    source, images = Path(annotations).expanduser(), Path(images).expanduser()
    form = '{"images": [{"id", "file_name"}], "annotations": [{"image_id", "segmentation"}]}'
    document = read_json(source, form)
    try:
        names = {image["id"]: str(image["file_name"]) for image in document["images"]}
        found: defaultdict[Any, list[Any]] = defaultdict(list)
        for annotation in document["annotations"]:
            if not annotation.get("iscrowd"):
                found[annotation["image_id"]].append(annotation["segmentation"])
        records = [
            CocoRecord(names[image], images / names[image], tuple(segmentations), source)
            for image, segmentations in found.items()
        ]
    except (KeyError, TypeError, AttributeError) as error:
        raise DatasetError(f"{source} is of another form ({error!r}): expected {form}.") from error
    if not records:
        raise DatasetError(f"{source} annotates no object: expected {form}.")
    return VideoRecords(records, augment=augment)


def decode_segmentation(
    segmentation: object, height: int, width: int, where: str
) -> NDArray[np.bool_]:
    """Decode a mask as COCO writes it into an (H, W) bool array.

    Parameters
    ----------
    segmentation : a list of polygons [x0, y0, x1, y1, …] in pixels, or ``{"size": [H, W],
        "counts": …}`` with run lengths, column by column, in a list or in COCO's compressed text.
    height, width : of the picture.
    where : names it in errors.

    Returns
    -------
    ndarray
        (H, W) bool.

    Raises
    ------
    DatasetError
        When it is neither, or of another size.
    """
    try:
        if isinstance(segmentation, dict):
            rle = cast("dict[str, Any]", segmentation)
            if list(rle["size"]) != [height, width]:
                raise DatasetError(
                    f"{where} has a mask of size {rle['size']}: expected [{height}, {width}], the "
                    "height and width of its picture."
                )
            return _from_counts(rle["counts"], height, width)
        if not isinstance(segmentation, list):
            raise TypeError(f"a {type(segmentation).__name__}")
        return _from_polygons(cast("list[list[float]]", segmentation), height, width)
    except DatasetError:
        raise
    except Exception as error:
        # Of what is wrong with a mask, pycocotools makes any kind of exception.
        raise DatasetError(
            f"{where} has a mask that cannot be decoded ({error!r}): expected polygons "
            '[[x0, y0, x1, y1, ...]] or run lengths {"size": [H, W], "counts": ...}.'
        ) from error


def _from_polygons(polygons: list[list[float]], height: int, width: int) -> NDArray[np.bool_]:
    reach = 2 * max(height, width)
    for polygon in polygons:
        # Checked here: pycocotools takes memory for whatever it is told.
        if len(polygon) % 2 or not (np.abs(np.asarray(polygon, np.float64)) <= reach).all():
            raise ValueError("a polygon is x and y of points in or near the picture")
    from pycocotools import mask as coco_mask  # pictures without polygons do without

    # Fewer than three points enclose nothing; pycocotools would take two for a box.
    enclosing = [polygon for polygon in polygons if len(polygon) >= 6]
    if not enclosing:
        return np.zeros((height, width), np.bool_)
    encoded: Any = coco_mask.frPyObjects(cast("Any", enclosing), height, width)
    return np.any(coco_mask.decode(encoded), axis=2)


def _from_counts(counts: list[int] | str, height: int, width: int) -> NDArray[np.bool_]:
    lengths = _decompress(counts) if isinstance(counts, str) else np.asarray(counts, np.int64)
    if (lengths < 0).any() or lengths.sum() != height * width:
        raise ValueError(f"run lengths cover {lengths.sum()} pixels, not {height * width}")
    inside: NDArray[np.bool_] = np.arange(len(lengths)) % 2 == 1
    return np.repeat(inside, lengths).reshape(width, height).T


def _decompress(counts: str) -> NDArray[np.int64]:
    """Decode run lengths from COCO's compressed text.

    Each number is written in groups of 5 bits, the lowest first, in characters from "0" on; 32 says
    that another group follows. From the fourth number on it is the difference to the one two
    before. (pycocotools decodes it too, but does not check it: what is damaged becomes some other
    mask.)
    """
    groups = np.frombuffer(counts.encode("ascii"), np.uint8).astype(np.int64) - ord("0")
    last = groups & 32 == 0
    if not last[-1:].any():
        raise ValueError("the compressed run lengths end within a number")
    ends = np.flatnonzero(last)
    starts = np.concatenate(([0], ends[:-1] + 1))
    position = np.arange(len(groups)) - np.repeat(starts, ends + 1 - starts)
    if ((groups < 0) | (groups > 63)).any() or position.max() > 7:
        raise ValueError("the compressed run lengths hold characters that cannot be there")
    numbers = np.add.reduceat((groups & 31) << 5 * position, starts)
    # The highest bit of the last group is the sign.
    numbers -= np.where(groups[ends] & 16, 32 << 5 * position[ends], 0)
    for parity in 1, 2:
        numbers[parity::2] = np.cumsum(numbers[parity::2])
    return numbers
