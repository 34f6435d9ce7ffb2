"""`supervision.Detections` of a frame."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.arguments import as_int
from ...core.errors import SessionError
from ..optional_library import import_library
from ..segmentation import Segmentation, SegmentationSource


def to_supervision(source: SegmentationSource, frame: int) -> Any:
    """Give the objects of a frame as `supervision.Detections`, which its annotators draw.

    Parameters
    ----------
    source : a widget, a session file, or what is in one.
    frame : counted from 0.

    Returns
    -------
    supervision.Detections
        Of N objects that have a pixel there: `xyxy` (N, 4) in pixels up to the outer edges, `mask`
        (N, H, W) bool, `confidence` the predicted IoU, `class_id` the place of the class in
        ``metadata["classes"]``, `tracker_id` the object's id, and ``data`` with "class_name" and
        "object_name".

    Raises
    ------
    SessionError
        When supervision is not installed, or there is no such frame.
    """
    supervision = import_library("supervision", "export as 'coco'")
    segmentation = Segmentation.of(source)
    frame = as_int(frame, "A frame")
    if not 0 <= frame < len(segmentation):
        raise SessionError(
            f"There is no frame {frame}: the video has frames 0 to {len(segmentation) - 1}."
        )
    shown = list(segmentation.shown(frame))
    results = [segmentation.results[info.id, frame] for info, _ in shown]
    boxes = [one.mask.box or (0, 0, 0, 0) for one in results]
    categories = segmentation.categories
    names = [segmentation.category(info) for info, _ in shown]
    return supervision.Detections(
        xyxy=np.array([(x0, y0, x1, y1) for y0, x0, y1, x1 in boxes], np.float32).reshape(-1, 4),
        mask=np.array([mask_hw for _, mask_hw in shown], np.bool_).reshape(
            len(shown), *segmentation.size_hw(frame)
        ),
        confidence=np.array([one.iou for one in results], np.float32),
        class_id=np.array([categories.index(name) for name in names], np.int64),
        tracker_id=np.array([info.id for info, _ in shown], np.int64),
        data={
            "class_name": np.array(names, np.str_),
            "object_name": np.array([info.name for info, _ in shown], np.str_),
        },
        metadata={"classes": categories, "frame": frame},
    )
