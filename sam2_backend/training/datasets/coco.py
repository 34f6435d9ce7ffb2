"""COCO instances, and the run lengths that COCO and SA-V write masks in."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

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
        """Decode the picture and its masks."""
        rgb_hw3 = read_image(self.picture)
        height, width = rgb_hw3.shape[:2]
        where = f"{self.source}, {self.name}"
        masks = {
            obj: decode_segmentation(segmentation, height, width, where)
            for obj, segmentation in enumerate(self.segmentations, start=1)
        }
        return [(rgb_hw3, masks)] * len(positions)


class Coco(VideoRecords):
    """Pictures annotated as COCO has it (Lin et al. 2014); each becomes a clip by moving a little.

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

    def __init__(
        self,
        images: str | os.PathLike[str],
        annotations: str | os.PathLike[str],
        *,
        augment: bool = True,
    ) -> None:
        source = Path(annotations)
        form = '{"images": [{"id", "file_name"}], "annotations": [{"image_id", "segmentation"}]}'
        document = read_json(source, form)
        try:
            names = {image["id"]: str(image["file_name"]) for image in document["images"]}
            found: defaultdict[Any, list[Any]] = defaultdict(list)
            for annotation in document["annotations"]:
                if not annotation.get("iscrowd"):
                    found[annotation["image_id"]].append(annotation["segmentation"])
            records = [
                CocoRecord(names[image], Path(images) / names[image], tuple(segmentations), source)
                for image, segmentations in found.items()
            ]
        except (KeyError, TypeError, AttributeError) as error:
            raise DatasetError(
                f"{source} is of another form ({error!r}): expected {form}."
            ) from error
        if not records:
            raise DatasetError(f"{source} annotates no object: expected {form}.")
        super().__init__(records, augment=augment)


def decode_segmentation(
    segmentation: object, height: int, width: int, where: str
) -> NDArray[np.bool_]:
    """A mask as COCO writes it, as an (H, W) array.

    Parameters
    ----------
    segmentation : a list of polygons [x0, y0, x1, y1, …] in pixels, or ``{"size": [H, W],
        "counts": …}`` with run lengths, column by column, in a list or in COCO's compressed text.
    height, width : of the picture.
    where : names it in errors.

    Raises
    ------
    DatasetError
        When it is neither, or of another size.
    """
    coco = _pycocotools()
    try:
        if isinstance(segmentation, dict):
            rle = cast("dict[str, Any]", segmentation)
            if list(rle["size"]) != [height, width]:
                raise DatasetError(
                    f"{where} has a mask of size {rle['size']}: expected [{height}, {width}], the "
                    "height and width of its picture."
                )
            if isinstance(rle["counts"], list):
                return _from_counts(cast("list[int]", rle["counts"]), height, width)
        else:
            rle = coco.merge(coco.frPyObjects(segmentation, height, width))
        return coco.decode(rle).astype(np.bool_)
    except DatasetError:
        raise
    except Exception as error:
        # The decoder fails in its own ways: IndexError, TypeError, ValueError, …
        raise DatasetError(
            f"{where} has a mask that cannot be decoded ({error!r}): expected polygons "
            '[[x0, y0, x1, y1, ...]] or run lengths {"size": [H, W], "counts": ...}.'
        ) from error


def _from_counts(counts: list[int], height: int, width: int) -> NDArray[np.bool_]:
    lengths = np.asarray(counts, np.int64)
    if (lengths < 0).any() or lengths.sum() != height * width:
        raise ValueError(f"run lengths cover {lengths.sum()} pixels, not {height * width}")
    inside: NDArray[np.bool_] = np.arange(len(lengths)) % 2 == 1
    return np.repeat(inside, lengths).reshape(width, height).T


def _pycocotools() -> Any:
    try:
        from pycocotools import mask
    except ImportError as error:
        raise DatasetError(
            "Masks in COCO's forms are read with pycocotools, which is not installed: "
            "pip install 'sam2widget[training]'."
        ) from error
    return mask
