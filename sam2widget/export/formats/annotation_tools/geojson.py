"""Outlines as GeoJSON: on the map where a raster has its place there, else in pixels, as QuPath."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any, cast

import numpy as np

from sam2_backend.video.georeference import GeoReference

from ....annotation.records import ObjectInfo
from ....core.arguments import as_float
from ....core.errors import SessionError
from ....core.masks import Mask
from ...encodings.rings import Ring, simplify_ring, trace_polygons
from ...registry import Format
from ...segmentation import Segmentation

_NAMESPACE = uuid.UUID("6f1a3a52-52a5-4c6e-9c0b-6d1a6a0a2f4e")
"""Of ids of features, so that a second export gives the same ones."""


def write_geojson(
    segmentation: Segmentation, path: Path, *, coordinates: str = "auto", simplify: float = 0.0
) -> Path:
    """Write a GeoJSON file with a feature for each object and frame.

    Outlines go along the edges of pixels. Properties are those that QuPath reads and writes:
    ``objectType``, ``name``, ``classification``, ``color``, ``isLocked`` and ``measurements``.

    Parameters
    ----------
    coordinates : "map" by the raster's transform, with its reference system in ``crs``, as GDAL and
        QGIS read it; "pixels", as QuPath does; "auto" is "map" where there is a transform.
    simplify : corners are left out that are no farther than so many pixels from the line without
        them; 0 is exact.
    """
    if coordinates not in ("auto", "map", "pixels"):
        raise SessionError(f"coordinates is 'auto', 'map' or 'pixels', got {coordinates!r}.")
    simplify = as_float(simplify, "simplify=")
    if simplify < 0:
        raise SessionError(f"simplify is a number of pixels from 0 up, got {simplify!r}.")
    reference = segmentation.video.georeference
    if coordinates == "map" and reference is None:
        raise SessionError(
            f"{segmentation.video.name} has no place on the map: GeoTIFF tags would say it. Write "
            "it with coordinates='pixels'."
        )
    placed = None if coordinates == "pixels" else reference
    features: list[dict[str, Any]] = []
    for frame in segmentation.frames:
        if segmentation.on_frame is not None:
            segmentation.on_frame(frame)
        for info in segmentation.objects:
            result = segmentation.results.get((info.id, frame))
            if result is not None and result.mask.area:
                geometry = _geometry(result.mask, placed, simplify)
                features.append(_feature(segmentation, info, frame, geometry))
    document: dict[str, Any] = {"type": "FeatureCollection"}
    if placed is not None and placed.crs is not None:
        name = f"urn:ogc:def:crs:{placed.crs.replace(':', '::')}"
        document["crs"] = {"type": "name", "properties": {"name": name}}
    document["features"] = features
    path.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    return path


def _feature(
    segmentation: Segmentation, info: ObjectInfo, frame: int, geometry: dict[str, Any]
) -> dict[str, Any]:
    result = segmentation.results[info.id, frame]
    properties: dict[str, Any] = {
        "objectType": "annotation",
        "name": info.name,
        "color": list(info.rgb),
        "isLocked": info.locked,
        "measurements": _measurements(segmentation, result.mask, result.iou),
        "object": info.id,
    }
    if info.class_name:
        colors = {one.name: one.color for one in segmentation.classes}
        color = colors.get(info.class_name, info.color)
        properties["classification"] = {
            "name": info.class_name,
            "color": list(bytes.fromhex(color[1:])),
        }
    if info.attributes:
        properties["attributes"] = dict(info.attributes)
    if len(segmentation) > 1:
        properties |= {"frame": frame, "image": segmentation.frame_names.name(frame, "")}
    name = f"{segmentation.video.name}/{frame}/{info.id}"
    return {
        "type": "Feature",
        "id": str(uuid.uuid5(_NAMESPACE, name)),
        "geometry": geometry,
        "properties": properties,
    }


def _measurements(segmentation: Segmentation, mask: Mask, iou: float) -> dict[str, float]:
    """By the names that QuPath gives them, and how sure the model was."""
    found: dict[str, float] = {"Area px^2": mask.area}
    size = segmentation.video.pixel_size
    if size is not None:
        found[f"Area {size.unit}^2"] = float(f"{mask.area * size.area:.9g}")
    return found | {"Predicted IoU": round(iou, 4)}


def _geometry(mask: Mask, reference: GeoReference | None, simplify: float) -> dict[str, Any]:
    polygons = [
        [
            _place(simplify_ring(ring, simplify), reference, is_hole=n > 0)
            for n, ring in enumerate((one.outline, *one.holes))
        ]
        for one in trace_polygons(mask)
    ]
    if len(polygons) == 1:
        return {"type": "Polygon", "coordinates": polygons[0]}
    return {"type": "MultiPolygon", "coordinates": polygons}


def _place(ring: Ring, reference: GeoReference | None, *, is_hole: bool) -> list[list[float]]:
    """A closed ring of a file: outlines counterclockwise and holes clockwise, as RFC 7946 says."""
    x, y = ring.T
    if reference is not None:
        a, b, c, d, e, f = reference.transform
        x, y = a * x + b * y + c, d * x + e * y + f
    area = float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum())
    if (area < 0) != is_hole:
        x, y = x[::-1], y[::-1]
    corners = cast("list[list[float]]", np.stack((x, y), axis=1).tolist())
    whole = [[int(one) if one == int(one) else one for one in corner] for corner in corners]
    return [*whole, whole[0]]


FORMAT = Format(
    "geojson",
    ".geojson",
    write_geojson,
    description="outlines of each object as polygons with holes, for QuPath, QGIS and GDAL",
    options={
        "coordinates": "'map' where the raster has a transform, 'pixels', or 'auto'",
        "simplify": "pixels that outlines may be off; 0 is exact",
    },
    is_sparse=True,
)
