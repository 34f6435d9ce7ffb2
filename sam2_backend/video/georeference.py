"""Where on the earth the pixels of a raster lie, as GeoTIFF tags say it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_USER_DEFINED = 32767
_PIXEL_IS_POINT = 2

Affine = tuple[float, float, float, float, float, float]
"""a, b, c, d, e, f of ``X = a x + b y + c`` and ``Y = d x + e y + f``."""


@dataclass(frozen=True)
class GeoReference:
    """The transform of a raster and its coordinate reference system.

    Parameters
    ----------
    transform : a, b, c, d, e, f: a place (x, y) in pixels, whose centres lie at +0.5, is at
        ``X = a x + b y + c`` and ``Y = d x + e y + f``. As rasterio's ``Affine``.
    crs : such as "EPSG:32633"; None where the file does not name one by a code.
    is_projected : whether X and Y are lengths, so that areas are too; degrees are none.
    """

    transform: Affine
    crs: str | None = None
    is_projected: bool = False

    @property
    def pixel_area(self) -> float:
        """Area of a pixel, in the square of the system's unit."""
        a, b, _, d, e, _ = self.transform
        return abs(a * e - b * d)


def find_georeference(tags: Mapping[str, Any] | None) -> GeoReference | None:
    """Find the transform and the system in GeoTIFF tags, as tifffile gives them.

    Parameters
    ----------
    tags : ``TiffPage.geotiff_tags``.

    Returns
    -------
    GeoReference or None
        None where they have no transform that is affine.
    """
    transform = _transform(tags) if tags else None
    if tags is None or transform is None:
        return None
    if int(tags.get("GTRasterTypeGeoKey", 1)) == _PIXEL_IS_POINT:
        a, b, c, d, e, f = transform  # its places are the pixels' centres
        transform = a, b, c - (a + b) / 2, d, e, f - (d + e) / 2
    for key in ("ProjectedCSTypeGeoKey", "GeographicTypeGeoKey"):
        code = int(tags.get(key, 0) or 0)
        if code and code != _USER_DEFINED:
            return GeoReference(transform, f"EPSG:{code}", key.startswith("Projected"))
    return GeoReference(transform, None, int(tags.get("GTModelTypeGeoKey", 0)) == 1)


def _transform(tags: Mapping[str, Any]) -> Affine | None:
    matrix: Any = tags.get("ModelTransformation")
    if matrix is not None:
        (a, b, _, c), (d, e, _, f) = ([float(one) for one in row] for row in matrix[:2])
        return a, b, c, d, e, f
    scale: Any = tags.get("ModelPixelScale")
    points: Any = tags.get("ModelTiepoint")
    if scale is None or points is None:
        return None
    flat = [float(one) for row in points for one in (row if hasattr(row, "__len__") else [row])]
    if len(flat) != 6:  # several places are a warp, not a transform
        return None
    x, y, _, east, north, _ = flat
    width, height = float(scale[0]), float(scale[1])
    return width, 0.0, east - x * width, 0.0, -height, north + y * height
