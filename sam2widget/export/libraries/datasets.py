"""A `datasets.Dataset` of Hugging Face: a row for each frame, its picture and its objects."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image

from ...core.arguments import as_flag
from ...core.errors import SessionError
from ..optional_library import import_library
from ..segmentation import Segmentation, SegmentationSource
from ..writing.folders import JPEG_QUALITY


def to_datasets(source: SegmentationSource, *, pictures: bool = True) -> Any:
    """Give the frames that have masks as a `datasets.Dataset` of Hugging Face.

    Parameters
    ----------
    source : a widget, a session file, or what is in one.
    pictures : whether the frames' pictures are in it, as JPEG.

    Returns
    -------
    datasets.Dataset
        A row for each frame with a mask: `image`, `frame`, `frame_name`, `width`, `height`,
        `label_map`, a picture whose values are object ids (the larger shows where two overlap),
        and `objects`, each with `id`, `name`, `category`, a `ClassLabel`; `bbox` as COCO has it,
        x, y, width and height in pixels; `area` in pixels; `score`, the object-score logit; `iou`
        that is predicted; and `size` and `counts`, COCO's run lengths.

    Raises
    ------
    SessionError
        When the library is not installed, or there are no masks.
    """
    pictures = as_flag(pictures, "pictures")
    datasets = import_library("datasets", "export as 'coco'")
    segmentation = Segmentation.of(source)
    frames = segmentation.frames
    if not frames:
        raise SessionError("There are no masks to hand over: prompt an object first.")
    value = datasets.Value
    features = {
        "frame": value("int32"),
        "frame_name": value("string"),
        "width": value("int32"),
        "height": value("int32"),
        "label_map": datasets.Image(),
        "objects": [
            {
                "id": value("int32"),
                "name": value("string"),
                "category": datasets.ClassLabel(names=segmentation.categories),
                "bbox": [value("float32")],
                "area": value("int64"),
                "score": value("float32"),
                "iou": value("float32"),
                "size": [value("int32")],
                "counts": value("string"),
            }
        ],
    }
    if pictures:
        features = {"image": datasets.Image(), **features}
    rows = [_row(segmentation, frame, pictures) for frame in frames]
    return datasets.Dataset.from_list(rows, features=datasets.Features(features))


def _row(segmentation: Segmentation, frame: int, pictures: bool) -> dict[str, Any]:
    # Imported only now: a widget starts without pycocotools.
    from ..encodings.coco_segmentation import as_text, encode

    height, width = segmentation.size_hw(frame)
    labels_hw = segmentation.label_map(frame)
    kind = "uint8" if labels_hw.max() < 256 else "uint16" if labels_hw.max() < 2**16 else "int32"
    row: dict[str, Any] = {
        "frame": frame,
        "frame_name": segmentation.frame_names.name(frame, "{:05}"),
        "width": width,
        "height": height,
        "label_map": _encoded(Image.fromarray(labels_hw.astype(kind)), "PNG"),
        "objects": [],
    }
    if pictures:
        picture = Image.fromarray(segmentation.picture(frame))
        row["image"] = _encoded(picture, "JPEG", quality=JPEG_QUALITY)
    for info, mask_hw in segmentation.shown(frame):
        result = segmentation.results[info.id, frame]
        y0, x0, y1, x1 = result.mask.box or (0, 0, 0, 0)
        row["objects"].append(
            {
                "id": info.id,
                "name": info.name,
                "category": segmentation.categories.index(segmentation.category(info)),
                "bbox": [x0, y0, x1 - x0, y1 - y0],
                "area": result.mask.area,
                "score": result.score,
                "iou": result.iou,
                **as_text(encode(mask_hw)),
            }
        )
    return row


def _encoded(picture: Image.Image, kind: str, **options: Any) -> dict[str, Any]:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return {"bytes": file.getvalue(), "path": None}
