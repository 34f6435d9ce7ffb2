"""Figures of a segmentation, by Matplotlib's object API.

Each call gives a `Plot`, which shows itself in a notebook and is saved with ``savefig``.
`matplotlib.pyplot` is not used.

>>> from sam2widget import plots
>>> plots.contact_sheet(w)
>>> plots.over_time(w, "area_px").savefig("area.pdf")
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import Normal, Stroke

from ..annotation.records import ObjectInfo
from ..core.arguments import as_int
from ..core.errors import SessionError
from ..core.palette import ink_on
from ..core.protected_files import ProtectedFiles
from .effects.overlay import overlay as overlaid
from .segmentation import Segmentation, SegmentationSource
from .table import rows

SHEET_COLUMNS = 4
SHEET_FRAMES = 12

Measure = Literal["area_px", "area", "score", "iou", "centroid_x", "centroid_y"]
"""What `over_time` plots."""
_LABELS: dict[str, str] = {
    "area_px": "area (pixels)",
    "area": "area ({unit}²)",
    "score": "object score (logit)",
    "iou": "predicted IoU",
    "centroid_x": "centroid x (pixels)",
    "centroid_y": "centroid y (pixels)",
}


class Plot(Figure):
    """A figure that notebooks show without pyplot."""

    protected: ProtectedFiles | None = None
    """What it is not to be saved over."""

    def savefig(self, fname: Any, *, transparent: bool | None = None, **options: Any) -> None:
        """Save the figure as Matplotlib does, but never over the video.

        Raises
        ------
        SessionError
            When the file is one of the video's, or would be one more picture of its folder.
        """
        if self.protected is not None and isinstance(fname, (str, os.PathLike)):
            path = Path(cast("str | os.PathLike[str]", fname))
            # Without a suffix, Matplotlib adds the one of the picture's format.
            form = str(options.get("format") or "png")
            self.protected.check([path if path.suffix else path.with_name(f"{path.name}.{form}")])
        super().savefig(fname, transparent=transparent, **options)

    def _repr_png_(self) -> bytes:
        file = io.BytesIO()
        self.savefig(file, format="png", dpi=100, bbox_inches="tight")
        return file.getvalue()


def contact_sheet(
    source: SegmentationSource, frames: Iterable[int] | None = None, *, columns: int = SHEET_COLUMNS
) -> Plot:
    """Plot several frames with their masks, side by side.

    Parameters
    ----------
    source : a widget, a session file, or what is in one.
    frames : which; a dozen, evenly spread, if None.
    columns : pictures side by side.
    """
    segmentation = Segmentation.of(source)
    if frames is None:
        last = len(segmentation) - 1
        spread = np.linspace(0, last, SHEET_FRAMES).round().astype(int)
        frames = cast("list[int]", np.unique(spread).tolist())
    columns = as_int(columns, "columns")
    try:
        listed = None if isinstance(frames, (str, bytes)) else list(frames)
    except TypeError:
        listed = None
    if listed is None:
        raise SessionError(f"frames is a list of frames, such as range(0, 40, 5), got {frames!r}.")
    frames = [as_int(frame, "A frame") for frame in listed]
    if not len(frames) or columns < 1:
        raise SessionError("A contact sheet needs at least one frame and one column.")
    columns = min(columns, len(frames))
    sheet_rows = -(-len(frames) // columns)
    aspect = segmentation.video.height / segmentation.video.width
    figure = Plot(figsize=(3.2 * columns, (3.2 * aspect + 0.28) * sheet_rows), layout="constrained")
    figure.protected = ProtectedFiles(segmentation.video)
    axes = figure.subplots(sheet_rows, columns, squeeze=False).ravel()
    for axis in axes:
        axis.set_axis_off()
    for axis, frame in zip(axes, frames, strict=False):
        axis.imshow(overlaid(segmentation, frame))
        axis.set_title(f"frame {frame}", fontsize=9)
    return figure


def overlay(source: SegmentationSource, frame: int) -> Plot:
    """Plot one frame with its masks and the names of its objects.

    `source` is as in `contact_sheet`.
    """
    segmentation = Segmentation.of(source)
    figure, axis = _picture_axes(segmentation)
    axis.imshow(overlaid(segmentation, frame))
    for info, mask_hw in segmentation.shown(frame):
        y, x = np.argwhere(mask_hw).mean(axis=0)
        label = {"facecolor": info.color, "edgecolor": "none", "boxstyle": "round,pad=0.2"}
        ink = ink_on(info.color)
        axis.text(x, y, info.name, color=ink, fontsize=9, ha="center", va="center", bbox=label)
    return figure


def over_time(source: SegmentationSource, measure: Measure = "area_px") -> Plot:
    """Plot area, score, predicted IoU or place of each object by frame, in the objects' colours.

    Frames that were prompted or accepted are marked. `source` is as in `contact_sheet`; "area" is
    in the unit of the pixel size, which must be known.
    """
    if measure not in _LABELS:
        raise SessionError(f"measure is one of {', '.join(_LABELS)}, got {measure!r}.")
    segmentation = Segmentation.of(source)
    size = segmentation.video.pixel_size
    if measure == "area" and size is None:
        raise SessionError(
            'The size of a pixel is not known: say pixel_size="0.65 µm", or plot "area_px".'
        )
    scale, column = (size.area, "area_px") if measure == "area" and size else (1, measure)
    figure = Plot(figsize=(8, 2.6), layout="constrained")
    figure.protected = ProtectedFiles(segmentation.video)
    axis = figure.subplots()
    table = rows(segmentation)
    for info in segmentation.objects:
        values_t = np.full(len(segmentation), np.nan)
        sure: list[int] = []
        for row in table:
            if row["object"] == info.id and row[column] != "":
                values_t[row["frame"]] = scale * row[column]
                if row["source"] != "track" or row["state"] == "accepted":
                    sure.append(row["frame"])
        axis.plot(values_t, label=info.name, **_line(info, 1.5))
        axis.plot(sure, values_t[sure], "o", color=info.color, markersize=4)
    axis.set_xlabel("frame")
    axis.set_ylabel(_LABELS[measure].format(unit=size.unit if size else ""))
    axis.spines[["top", "right"]].set_visible(False)
    axis.margins(x=0.01)
    if segmentation.objects:
        axis.legend(frameon=False, ncols=4)
    return figure


def trajectory(source: SegmentationSource, frame: int = 0) -> Plot:
    """Plot the way of each object's centroid, over one frame of the video.

    `source` is as in `contact_sheet`.
    """
    segmentation = Segmentation.of(source)
    figure, axis = _picture_axes(segmentation)
    grey = segmentation.video[frame].mean(axis=2)
    axis.imshow(grey, cmap="gray", vmin=0, vmax=255, alpha=0.55)
    table = rows(segmentation)
    for info in segmentation.objects:
        way = np.array(
            [
                (row["centroid_x"], row["centroid_y"])
                for row in table
                if row["object"] == info.id and row["area_px"]
            ]
        ).reshape(-1, 2)
        axis.plot(*(way - 0.5).T, label=info.name, **_line(info, 2))
        axis.plot(*(way[-1:] - 0.5).T, "o", color=info.color)
    if segmentation.objects:
        axis.legend(loc="upper right", fontsize=8)
    return figure


def _picture_axes(segmentation: Segmentation) -> tuple[Plot, Axes]:
    """Make a figure that one picture fills."""
    figure = Plot(figsize=(8, 8 * segmentation.video.height / segmentation.video.width))
    figure.protected = ProtectedFiles(segmentation.video)
    axis: Any = figure.add_axes((0, 0, 1, 1))
    axis.set_axis_off()
    return figure, axis


def _line(info: ObjectInfo, width: float) -> dict[str, Any]:
    """How an object's line looks: its colour and dash, and a grey rim where white would hide it."""
    line: dict[str, Any] = {"color": info.color, "linewidth": width}
    if info.dash:
        line["linestyle"] = 0, tuple(length / 2 for length in info.dash)
    if ink_on(info.color) == "#000000":
        line["path_effects"] = [Stroke(linewidth=width + 1, foreground="#8b8d98"), Normal()]
    return line
