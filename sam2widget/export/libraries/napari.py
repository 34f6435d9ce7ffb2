"""Layers for napari, and the plugin by which napari opens a session file.

The manifest is `sam2widget/napari.yaml`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from ...storage.session_file import SUFFIX
from ..segmentation import Segmentation, SegmentationSource, check_one_size
from ._lazy_frames import LazyFrames

Layer: TypeAlias = tuple[Any, dict[str, Any], str]
"""Data, options and kind of a layer, as napari's readers give them."""


def to_napari(source: SegmentationSource) -> list[Layer]:
    """Give layers for napari: the picture, the labels, and a track of each object.

    Frames are read as napari shows them. Labels are object ids; where two objects overlap, the
    larger shows. Tracks go through the centroids, and
    their graph says which objects came from which.

    Parameters
    ----------
    source : a widget, a session file, or what is in one.

    Returns
    -------
    list of (data, options, kind)
        As napari's readers give them. `napari` is not needed for it.

    Raises
    ------
    SessionError
        When the pictures are of several sizes.

    Examples
    --------
    >>> for data, options, kind in w.to_napari():
    ...     getattr(viewer, f"add_{kind}")(data, **options)
    """
    segmentation = Segmentation.of(source)
    video = segmentation.video
    check_one_size(video)
    shape = len(video), *segmentation.size_hw(0)
    size = video.pixel_size
    scale: dict[str, Any] = {}
    if size is not None:
        scale = {"scale": (1.0, size.y, size.x), "units": ("pixel", size.unit, size.unit)}
    picture = LazyFrames(segmentation.picture, (*shape, 3), np.uint8)
    labels = LazyFrames(segmentation.label_map, shape, np.int32)
    colors: dict[int | None, str] = {info.id: info.color for info in segmentation.objects}
    features = {
        "index": [0, *(info.id for info in segmentation.objects)],
        "name": ["", *(info.name for info in segmentation.objects)],
        "class": ["", *(info.class_name for info in segmentation.objects)],
    }
    layers: list[Layer] = [
        (picture, {"name": segmentation.name, "rgb": True, **scale}, "image"),
        (
            labels,
            {
                "name": "masks",
                "features": features,
                "colormap": {None: "transparent", **colors},
                **scale,
            },
            "labels",
        ),
    ]
    tracks = _tracks(segmentation)
    if len(tracks):
        tracked = set(tracks[:, 0].astype(int).tolist())
        graph = {
            info.id: [parent for parent in info.parents if parent in tracked]
            for info in segmentation.objects
            if info.id in tracked and tracked.intersection(info.parents)
        }
        layers.append((tracks, {"name": "tracks", "graph": graph, **scale}, "tracks"))
    return layers


def napari_get_reader(path: str | Sequence[str]) -> Callable[[Any], list[Layer]] | None:
    """Give napari the reader of a session file; None for any other."""
    if not isinstance(path, (str, os.PathLike)) or not str(path).endswith(SUFFIX):
        return None
    return read_session_layers


def read_session_layers(path: str | Sequence[str]) -> list[Layer]:
    """Read a session file as `to_napari` gives it, with the video that it was made on."""
    return to_napari(Path(str(path)))


def _tracks(segmentation: Segmentation) -> Any:
    """(N, 4) of object id, frame, y and x of centroids, in pixels whose centres are whole."""
    rows: list[tuple[float, ...]] = []
    for (obj, frame), result in segmentation.results.items():
        centroid = result.mask.centroid
        if centroid is not None:
            rows.append((obj, frame, centroid[1] - 0.5, centroid[0] - 0.5))
    return np.array(sorted(rows), np.float64).reshape(-1, 4)
