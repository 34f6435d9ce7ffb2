"""Pictures as OME-Zarr (NGFF 0.1 to 0.5) describes them: axes, levels and channels."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..contrast import Channel, Contrast
from ..errors import VideoError
from ..options import Plane
from ..pixel_size import PixelSize, find_pixel_size
from ..times import find_seconds
from .arrays import ArrayVideo


@dataclass(frozen=True)
class Multiscale:
    """One level of a picture in several sizes."""

    array: Any
    axes: str
    """A letter for each axis."""
    channels: list[dict[str, Any]]
    """What the file says of each channel's colour and window; may be empty."""
    pixel_size: PixelSize | None = None
    interval_s: float | None = None
    """Seconds from one time to the next."""

    smaller: Sequence[Any] = ()
    """The arrays of the smaller levels."""

    @property
    def arrays(self) -> list[Any]:
        """Of this level and the smaller ones."""
        return [self.array, *self.smaller]

    def open(self, name: str, axes: str | None, z: Plane) -> ArrayVideo:
        """Make a video of it; `axes` and `z` as of `open_video`."""
        video = ArrayVideo(self.array, name, axes=axes or self.axes, z=z)
        video.found_pixel_size = self.pixel_size
        # Not where another axis was said to be that of times.
        if video.are_times and (axes or self.axes).upper().find("T") == self.axes.find("T"):
            video.found_interval_s = self.interval_s
        contrast = self.make_contrast(video.num_channels)
        if contrast is not None:
            video.contrast = contrast
        return video

    def make_contrast(self, num_channels: int) -> Contrast | None:
        """The file's own; None where it has none for every channel, or there is nothing to set."""
        try:
            channels = tuple(_channel(one) for one in self.channels)
        except (KeyError, TypeError, ValueError):
            return None
        return Contrast(channels) if channels and len(channels) == num_channels else None


def find_multiscale(top: Any, inside: str, place: str) -> Multiscale | None:
    """Find the picture that a path in a zarr group is of.

    Parameters
    ----------
    top : the group.
    inside : path in it, of a picture or of one of its levels; "" for itself.
    place : path or URL of the group, for errors.

    Returns
    -------
    Multiscale or None
        None where nothing is said of it.

    Raises
    ------
    VideoError
        When it is a plate or another collection of pictures.
    """
    parts = inside.split("/") if inside else []
    for length in range(len(parts), -1, -1):
        group = top["/".join(parts[:length])] if length else top
        if hasattr(group, "shape"):
            continue
        described = _description(group)
        level = "/".join(parts[length:])
        for image in described.get("multiscales") or []:
            paths = [dataset["path"] for dataset in image["datasets"]]
            if level in ("", *paths):
                array = group[level or paths[0]]
                omero = described.get("omero") or {}
                channels = omero.get("channels") or []
                dataset = image["datasets"][paths.index(level or paths[0])]
                size, interval_s = _pixel_size(image, dataset), _interval_s(image, dataset)
                return Multiscale(array, _axes(image, array), channels, size, interval_s)
        if level == "":
            _refuse_collection(group, described, "/".join([place, *parts]))
    return None


def find_levels(group: Any) -> Multiscale | None:
    """Find the first picture of a group with all of its levels; None where it is no such group."""
    if hasattr(group, "shape"):
        return None
    described = _description(group)
    for image in described.get("multiscales") or []:
        arrays = [group[dataset["path"]] for dataset in image["datasets"]]
        channels = (described.get("omero") or {}).get("channels") or []
        size = _pixel_size(image, image["datasets"][0])
        return Multiscale(arrays[0], _axes(image, arrays[0]), channels, size, smaller=arrays[1:])
    return None


def _description(group: Any) -> dict[str, Any]:
    attributes = dict(group.attrs)
    return attributes.get("ome") or attributes  # 0.5 has a place of its own


def _refuse_collection(group: Any, described: dict[str, Any], place: str) -> None:
    if "plate" in described:
        inside = [well["path"] + "/0" for well in described["plate"].get("wells", [])]
    elif "well" in described:
        inside = [image["path"] for image in described["well"].get("images", [])]
    elif "bioformats2raw.layout" in described:
        inside = sorted(key for key in group if key.isdecimal())
        inside = inside or ["0"]
    else:
        return
    listed = ", ".join(inside[:10]) + (f" and {len(inside) - 10} more" if len(inside) > 10 else "")
    first = inside[0] if inside else "0"
    raise VideoError(
        f"{place} holds several pictures: {listed}. Open one, such as "
        f"open_video({f'{place}/{first}'!r})."
    )


def _axes(image: dict[str, Any], array: Any) -> str:
    said = image.get("axes")
    if not said:  # before 0.3
        return "TCZYX"[-len(array.shape) :]
    names = [axis["name"] if isinstance(axis, dict) else axis for axis in said]
    return "".join(str(name)[:1].upper() for name in names)


def _pixel_size(image: dict[str, Any], dataset: dict[str, Any]) -> PixelSize | None:
    """Of a level; None where its axes have no unit, or there is no scale."""
    try:
        (x, x_unit), (y, y_unit) = (_step(image, dataset, name) for name in "xy")
    except (KeyError, IndexError, TypeError, ValueError, AttributeError):
        return None
    return find_pixel_size(x, y, x_unit, "OME-Zarr metadata") if x_unit == y_unit else None


def _interval_s(image: dict[str, Any], dataset: dict[str, Any]) -> float | None:
    """Seconds between times; None where their axis has no unit, or there is no scale."""
    try:
        if not any(of.get("coordinateTransformations") for of in (image, dataset)):
            return None
        span, unit = _step(image, dataset, "t")
        return find_seconds(span, str(unit))
    except (KeyError, IndexError, TypeError, ValueError, AttributeError):
        return None


def _step(image: dict[str, Any], dataset: dict[str, Any], name: str) -> tuple[float, Any]:
    """How long it is from one index of an axis to the next, of a level, and in which unit."""
    axes = {str(axis["name"]).lower(): n for n, axis in enumerate(image["axes"])}
    at = axes[name]
    return _scale(dataset, at) * _scale(image, at), image["axes"][at].get("unit")


def _scale(of: dict[str, Any], axis: int) -> float:
    """By what a picture, or a level of it, is scaled along an axis."""
    steps = of.get("coordinateTransformations") or []
    return math.prod(float(step["scale"][axis]) for step in steps if step.get("type") == "scale")


def _channel(said: dict[str, Any]) -> Channel:
    window = said["window"]
    color = str(said.get("color", "FFFFFF")).lstrip("#")[:6]
    if not re.fullmatch("[0-9a-fA-F]{6}", color):
        color = "ffffff"
    return Channel(
        low=float(window["start"]),
        high=float(window["end"]),
        color=f"#{color.lower()}",
        visible=bool(said.get("active", True)),
    )
