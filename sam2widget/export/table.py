"""A row for each object and frame: area, box, centroid, scores."""

from __future__ import annotations

import json
from typing import Any

from ..annotation.records import ObjectInfo
from .segmentation import Segmentation

COLUMNS = (
    *(
        "frame",
        "frame_name",
        "time_s",
        "object",
        "name",
        "class",
        "attributes",
        "area_px",
        "x0",
        "y0",
        "x1",
        "y1",
    ),
    *("centroid_x", "centroid_y", "score", "iou", "source", "state"),
)
"""`attributes` are JSON; `frame_name` is empty where the source has no names. Boxes reach to the
outer edges of their pixels; centroids are means of pixel centres, at +0.5. Both are empty where the
mask is."""


def columns(segmentation: Segmentation) -> list[str]:
    """`COLUMNS`, and where the size of a pixel is known the area in its unit, as "area_um2"."""
    found = list(COLUMNS)
    if (name := _area_column(segmentation)) is not None:
        found.insert(found.index("area_px") + 1, name)
    return found


def rows(segmentation: Segmentation) -> list[dict[str, Any]]:
    """List all results by frame and object, each a row with the keys `columns`."""
    video, objects = segmentation.video, {info.id: info for info in segmentation.objects}
    frames, size, times_s = segmentation.frame_names, video.pixel_size, video.times_s
    names_of_columns, area = columns(segmentation), _area_column(segmentation)
    found = []
    for (obj, frame), result in sorted(segmentation.results.items(), key=lambda one: one[0][::-1]):
        row: dict[str, Any] = dict.fromkeys(names_of_columns, "")
        row |= {
            "frame": frame,
            "frame_name": frames.name(frame, ""),
            "time_s": round(float(times_s[frame]), 6) if video.kind == "video" else "",
            "object": obj,
            "name": objects[obj].name,
            "class": objects[obj].class_name,
            "attributes": _attributes(objects[obj]),
            "area_px": result.mask.area,
            "score": round(result.score, 6),
            "iou": round(result.iou, 6),
            "source": result.source,
            "state": result.state,
        }
        if area is not None and size is not None:
            row[area] = float(f"{result.mask.area * size.area:.9g}")
        if (box := result.mask.box) is not None:
            row |= dict(zip(("y0", "x0", "y1", "x1"), box, strict=True))
        if (centroid := result.mask.centroid) is not None:
            row["centroid_x"], row["centroid_y"] = (round(value, 3) for value in centroid)
        found.append(row)
    return found


def _attributes(info: ObjectInfo) -> str:
    """The attributes of an object as JSON; "" for none."""
    return json.dumps(dict(info.attributes), ensure_ascii=False) if info.attributes else ""


def _area_column(segmentation: Segmentation) -> str | None:
    size = segmentation.video.pixel_size
    return None if size is None else f"area_{size.ascii_unit}2"
