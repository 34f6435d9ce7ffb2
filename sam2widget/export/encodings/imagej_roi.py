"""Masks as ROIs of ImageJ, and ROIs as masks, through roifile."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..optional_library import import_library
from ..reading.entries import EntryError
from .outlines import fill
from .rings import OutlinePolygon, Ring

ENTRY_SUFFIX = ".roi"
INSTEAD = "export as 'geojson'"
"""Said where roifile is not installed."""
_MAX_POINTS = 2**16 - 1
"""Of a polygon; a composite ROI has any number."""
_FARTHEST_PX = 10.0**6
_OVAL_POINTS = 720
_CURVE_POINTS = 32
_MOVE, _LINE, _QUAD, _CUBIC, _CLOSE = range(5)
"""Commands of a path, as Java has them."""
_HEADER_AT, _HEADER_BYTES, _PROPERTIES_AT = 60, 52, 40
"""Where it says where the second header is, its size, and where that says where properties are."""
_POINTS_OF = {_MOVE: 1, _LINE: 1, _QUAD: 2, _CUBIC: 3, _CLOSE: 0}


@dataclass(frozen=True)
class Roi:
    """What is read of a ROI."""

    name: str
    kind: str
    """In ImageJ's words."""
    rings: tuple[Ring, ...] | None = None
    """Of an area, which is filled by the even-odd rule; None of anything else."""
    box: tuple[float, float, float, float] | None = None
    """Of a rectangle: x0, y0, x1, y1 in pixels."""
    stack: int = 0
    """Image of the stack that it is on, from 1; 0 where it says none."""
    z: int = 0
    t: int = 0
    properties: Mapping[str, str] = field(default_factory=dict[str, str])


def encode_parts(
    parts: Sequence[OutlinePolygon],
    *,
    name: str,
    color: str,
    position: Mapping[str, int],
    properties: Mapping[str, str],
) -> bytes:
    """Encode the parts of a mask, one or more, as the bytes of one ROI.

    Parameters
    ----------
    color : "#rrggbb".
    position : from 1, by "stack", "t" or "z".
    properties : texts by keys without blanks.

    Raises
    ------
    SessionError
        When roifile is not installed.
    """
    roifile = import_library("roifile", INSTEAD)
    roi: Any = roifile.ImagejRoi()
    roi.name = name
    roi.stroke_color = b"\xff" + bytes.fromhex(color[1:])
    roi.position = position.get("stack", 0)
    roi.t_position, roi.z_position = position.get("t", 0), position.get("z", 0)
    # As Java reads properties: in ASCII, with what is not by its number.
    lines = (f"{key}: {json.dumps(value)[1:-1]}\n" for key, value in properties.items())
    roi.props = "".join(lines)
    rings = [ring for one in parts for ring in (one.outline, *one.holes)]
    corners = np.concatenate(rings)
    roi.left, roi.top = (int(value) for value in corners.min(axis=0))
    roi.right, roi.bottom = (int(value) for value in corners.max(axis=0))
    if len(rings) == 1 and len(corners) <= _MAX_POINTS:
        roi.roitype = roifile.ROI_TYPE.TRACED
        roi.n_coordinates = len(corners)
        roi.integer_coordinates = (corners - (roi.left, roi.top)).astype(np.int32)
    else:
        roi.roitype = roifile.ROI_TYPE.RECT
        path = np.concatenate([_path_of(ring) for ring in rings])
        roi.multi_coordinates, roi.shape_roi_size = path, len(path)
    return roi.tobytes()


def _path_of(ring: Ring) -> NDArray[np.float32]:
    commands = np.full((len(ring), 1), _LINE)
    commands[0] = _MOVE
    return np.append(np.hstack((commands, ring)), _CLOSE).astype(np.float32)


def decode_roi(content: bytes) -> Roi:
    """Decode the bytes of a ROI.

    Raises
    ------
    EntryError
        When they are none, or damaged.
    SessionError
        When roifile is not installed.
    """
    roifile = import_library("roifile", INSTEAD)
    try:
        roi: Any = roifile.ImagejRoi.frombytes(content)
        said: dict[str, Any] = {
            "name": roi.name,
            "kind": _kind(roi),
            "stack": max(roi.position, 0),
            "z": max(roi.z_position, 0),
            "t": max(roi.t_position, 0),
            "properties": _parse_properties(_find_properties(content)),
        }
        if said["kind"] == "rectangle":
            x0, y0, x1, y1 = _sides(roi)
            _check_corners(np.array([[x0, y0], [x1, y1]]))
            return Roi(**said, box=(x0, y0, x1, y1))
        rings = _rings(roi, said["kind"])
    except EntryError:
        raise
    except Exception as error:  # whatever damaged bytes make of roifile
        raise EntryError(f"it is no ROI of ImageJ, or damaged ({error})") from error
    for ring in rings or ():
        _check_corners(ring)
    return Roi(**said, rings=rings)


def fill_roi(roi: Roi, hw: tuple[int, int]) -> NDArray[np.bool_]:
    """Give the (H, W) mask, bool, of the pixels whose centres an area encloses."""
    mask_hw = np.zeros(hw, np.bool_)
    for ring in roi.rings or ():
        mask_hw ^= fill(ring, hw)
    return mask_hw


def _kind(roi: Any) -> str:
    if roi.subtype.name in ("TEXT", "IMAGE"):
        return str(roi.subtype.name).lower()
    if roi.composite:
        return "composite"
    word = str(roi.roitype.name).lower()
    return "rectangle" if word == "rect" else word


def _rings(roi: Any, kind: str) -> tuple[Ring, ...] | None:
    match kind:
        case "composite":
            return tuple(_follow(roi.multi_coordinates.tolist()))
        case "oval":
            x0, y0, x1, y1 = _sides(roi)
            turn = np.linspace(0, 2 * np.pi, _OVAL_POINTS, endpoint=False)
            circle = np.stack((np.cos(turn), np.sin(turn)), axis=1)
            return ((np.array([x0 + x1, y0 + y1]) + circle * (x1 - x0, y1 - y0)) / 2,)
        case "polygon" | "freehand" | "traced":
            return (np.asarray(roi.coordinates(), np.float64).reshape(-1, 2),)
        case _:
            return None


def _sides(roi: Any) -> tuple[float, float, float, float]:
    if roi.subpixelrect:
        x0, y0 = roi.xd, roi.yd
        return float(x0), float(y0), float(x0 + roi.widthd), float(y0 + roi.heightd)
    return float(roi.left), float(roi.top), float(roi.right), float(roi.bottom)


def _follow(path: list[float]) -> list[Ring]:
    """Give the rings of a path of commands and corners; curves become many corners."""
    rings: list[list[Any]] = []
    at = 0
    while at < len(path):
        command = path[at]
        count = _POINTS_OF.get(int(command)) if command == command // 1 else None
        points = np.array(path[at + 1 : at + 1 + 2 * (count or 0)], np.float64)
        if count is None or len(points) != 2 * count or (command != _MOVE and not rings):
            raise EntryError(f"its path is damaged at place {at}")
        at += 1 + 2 * count
        corners = points.reshape(count, 2)
        if command == _MOVE:
            rings.append([corners[0]])
        elif command == _LINE:
            rings[-1].append(corners[0])
        elif command != _CLOSE:
            rings[-1] += _bend([rings[-1][-1], *corners])
    return [np.array(ring) for ring in rings]


def _bend(controls: Sequence[NDArray[np.float64]]) -> list[NDArray[np.float64]]:
    """Points of a Bézier curve after its first."""
    share = np.linspace(0, 1, _CURVE_POINTS + 1)[1:, None]
    points = [np.broadcast_to(one, (_CURVE_POINTS, 2)) for one in controls]
    while len(points) > 1:
        points = [first + share * (second - first) for first, second in pairwise(points)]
    return list(points[0])


def _check_corners(corners_p2: NDArray[np.float64]) -> None:
    if not np.isfinite(corners_p2).all() or np.abs(corners_p2).max(initial=0) > _FARTHEST_PX:
        raise EntryError("its corners are not finite, or farther off than a picture is large")


def _find_properties(content: bytes) -> str:
    """Find the text of the properties; roifile before 2026.1.29 looks in the wrong place."""
    (header,) = struct.unpack_from(">i", content, _HEADER_AT)
    if not 0 < header <= len(content) - _HEADER_BYTES:
        return ""
    at, length = struct.unpack_from(">ii", content, header + _PROPERTIES_AT)
    if at <= 0 or length <= 0 or at + 2 * length > len(content):
        return ""
    return content[at : at + 2 * length].decode("utf-16-be")


def _parse_properties(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in text.splitlines():
        key, colon, value = line.partition(":")
        if colon:
            try:
                found[key.strip()] = str(json.loads(f'"{value.strip()}"'))
            except ValueError:  # of another program
                found[key.strip()] = value.strip()
    return found
