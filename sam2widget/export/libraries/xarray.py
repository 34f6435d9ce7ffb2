"""An `xarray.Dataset` with a mask for each object and frame, decoded as it is looked at."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..optional_library import import_library
from ..segmentation import Segmentation, SegmentationSource, check_one_size


def to_xarray(source: SegmentationSource) -> Any:
    """Give all masks and scores as an `xarray.Dataset`, whose masks are decoded where read.

    Parameters
    ----------
    source : a widget, a session file, or what is in one.

    Returns
    -------
    xarray.Dataset
        `mask` (object, frame, y, x) bool; `score`, the object-score logit, and `iou` (object,
        frame) float32, NaN where there is no mask; `source` and `state` as text. Coordinates are
        the objects' ids and, beside them, `name` and `class`; the frames' numbers and, beside
        them, `time` in seconds and `frame_name`, where there are such; `y` and `x` of pixel
        centres, in pixels, or in the unit of the pixel's size where that is known.

    Raises
    ------
    SessionError
        When xarray is not installed, or the pictures are of several sizes.
    """
    xarray = import_library("xarray", "export as 'npz'")
    segmentation = Segmentation.of(source)
    video = segmentation.video
    check_one_size(video)
    objects, total = segmentation.objects, len(segmentation)
    height, width = segmentation.size_hw(0)
    shape = len(objects), total
    scores, ious = (np.full(shape, np.nan, np.float32) for _ in range(2))
    sources, states = (np.full(shape, "", "<U8") for _ in range(2))
    rows = {info.id: n for n, info in enumerate(objects)}
    for (obj, frame), result in segmentation.results.items():
        at = rows[obj], frame
        scores[at], ious[at] = result.score, result.iou
        sources[at], states[at] = result.source, result.state
    per_frame = "object", "frame"
    coordinates: dict[str, Any] = {
        "object": [info.id for info in objects],
        "name": ("object", [info.name for info in objects]),
        "class": ("object", [info.class_name for info in objects]),
        "frame": np.arange(total),
    }
    if video.kind == "video":
        coordinates["time"] = ("frame", video.times_s, {"units": "s"})
    if segmentation.frame_names.known:
        names = [segmentation.frame_names.name(frame) for frame in range(total)]
        coordinates["frame_name"] = ("frame", names)
    size = video.pixel_size
    unit, y_size, x_size = ("px", 1.0, 1.0) if size is None else (size.unit, size.y, size.x)
    coordinates["y"] = ("y", (np.arange(height) + 0.5) * y_size, {"units": unit})
    coordinates["x"] = ("x", (np.arange(width) + 0.5) * x_size, {"units": unit})
    return xarray.Dataset(
        {
            "mask": ((*per_frame, "y", "x"), _lazy_masks(segmentation, (*shape, height, width))),
            "score": (per_frame, scores, {"long_name": "object-score logit"}),
            "iou": (per_frame, ious, {"long_name": "predicted IoU"}),
            "source": (per_frame, sources),
            "state": (per_frame, states),
        },
        coordinates,
        {"video": video.name},
    )


def _lazy_masks(segmentation: Segmentation, shape: tuple[int, ...]) -> Any:
    """Give an array of all masks that xarray reads parts of, as it does of files."""
    backends = import_library("xarray.backends", "export as 'npz'")
    indexing = import_library("xarray.core.indexing", "export as 'npz'")
    ids = np.array([info.id for info in segmentation.objects], np.int64)

    def read(key: tuple[Any, ...]) -> NDArray[np.bool_]:
        objects, frames = ids[key[0]], np.arange(shape[1])[key[1]]
        masks_nthw = np.stack(
            [
                segmentation.mask(int(obj), int(frame))[key[2:]]
                for obj in np.ravel(objects)
                for frame in np.ravel(frames)
            ]
            or [np.zeros(shape[2:], np.bool_)[key[2:]]]
        )[: np.size(objects) * np.size(frames)]
        sides = np.shape(objects) + np.shape(frames)
        return masks_nthw.reshape(*sides, *masks_nthw.shape[1:])

    class Masks(backends.BackendArray):
        def __init__(self) -> None:
            self.shape = shape
            self.dtype = np.dtype(np.bool_)

        def __getitem__(self, key: Any) -> Any:
            support = indexing.IndexingSupport.BASIC
            return indexing.explicit_indexing_adapter(key, self.shape, support, read)

    return indexing.LazilyIndexedArray(Masks())
