"""A companion to put beside the widget: swatches of the objects and their scores over time.

Drawn with ipycanvas, on whose topmost layer a user may draw too. ipycanvas collects commands in one
manager for all canvases and threads; the panel's own layers have one of their own, which only the
panel's thread touches, so that neither drawing gets into the other.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from ipycanvas import Canvas, MultiCanvas

from ..annotation.records import Changed, ObjectInfo
from ..annotation.view import SessionView
from ..runtime.widget_state import WidgetState
from ..runtime.worker import Worker
from .panel_picture import BothLayers, PanelPicture, SvgLayer

WIDTH, HEIGHT = 480, 180
INTERVAL_S = 0.2
"""Least time between two drawings."""
LEFT, TOP, RIGHT, BOTTOM = 30, 38, 10, 20
"""Around the plot, in pixels: numbers, swatches, nothing, numbers."""
SWATCH = 12
"""Side of a swatch in pixels."""
MAX_PICTURES = 4
"""That are kept up to date at a time."""
_TICKS = 4
"""About how many scores have a line across."""
# Seen on light and on dark: the panel does not know what it stands on.
_INK, _FAINT = "#737a82", "#737a8240"
_FONT = "{}12px system-ui, sans-serif"
_SMALL = "11px system-ui, sans-serif"


class Panel(MultiCanvas):
    """Swatches, scores over time and a marker of the current frame.

    A click on a swatch selects the object, one on the plot goes to the frame.

    Parameters
    ----------
    state : whose frame and selection it shows.
    session : what it draws.

    Examples
    --------
    >>> HBox([w, w.panel])
    >>> w.panel.canvas.stroke_rect(10, 40, 100, 50)
    """

    def __init__(self, state: WidgetState, session: SessionView) -> None:
        # As large as it is drawn and no larger, which would blur it.
        layout = {"width": f"{WIDTH}px", "max_width": "100%", "height": "auto", "flex": "0 1 auto"}
        super().__init__(  # pyright: ignore[reportUnknownMemberType]
            3, width=WIDTH, height=HEIGHT, layout={**layout, "align_self": "flex-start"}
        )
        self._state = state
        self._session = session
        self._svg_layers = SvgLayer(), SvgLayer()
        self._pictures: list[PanelPicture] = []
        """For marimo, which shows no canvas."""
        scores, marker = self._layer(0), self._layer(1)
        self._manager: Any = type(scores._canvas_manager)(caching=True)  # pyright: ignore
        for layer in scores, marker:
            layer._canvas_manager = self._manager  # pyright: ignore[reportPrivateUsage]
        self._wake = threading.Lock()
        self._due = False
        self._scores_changed = True
        self._drawn_at = 0.0
        self._closing = threading.Event()
        self._worker = Worker("sam2widget panel")
        self._swatches: list[tuple[float, int]] = []
        """Where each begins, and of which object it is."""
        self.on_mouse_down(self._click)  # pyright: ignore[reportUnknownMemberType]
        self.on_client_ready(self.redraw)  # pyright: ignore[reportUnknownMemberType]
        self.redraw()

    @property
    def canvas(self) -> Canvas:
        """The topmost layer, which the panel leaves to you."""
        return self._layer(2)

    def handle_change(self, changed: Changed) -> None:
        """Draw again after a change of the session. Any thread."""
        if changed.objects or changed.results:
            self.redraw()

    def handle_trait(self, change: Any) -> None:
        """Draw again after another frame, selection or colouring (called by traitlets)."""
        self.redraw(scores=change["name"] != "frame")

    def redraw(self, *, scores: bool = True) -> None:
        """Draw again soon, with the scores or the marker alone. Any thread."""
        with self._wake:
            self._scores_changed |= scores
            if self._due or self._closing.is_set():
                return
            self._due = True
        self._worker.submit(self._draw)

    def wait_until_idle(self) -> None:
        """Wait until all is drawn."""
        self._worker.wait_until_idle()

    def close(self) -> None:
        """Take the panel from the page and end its thread."""
        with self._wake:
            self._closing.set()
        self._worker.close()
        for picture in self._pictures:
            picture.close()
        super().close()

    def x_of(self, frame: int) -> float:
        """Where a frame is, in pixels of the panel."""
        last = max(self._session.num_frames - 1, 1)
        return LEFT + frame / last * (WIDTH - LEFT - RIGHT)

    def frame_at(self, x: float) -> int:
        """Which frame is at a place, in pixels of the panel."""
        last = self._session.num_frames - 1
        return int(np.clip(round((x - LEFT) / (WIDTH - LEFT - RIGHT) * last), 0, last))

    def object_at(self, x: float, y: float) -> int | None:
        """Which object's swatch is at a place, in pixels of the panel; None where there is none."""
        under = [obj for begin, obj in self._swatches if begin <= x]
        if y >= TOP - SWATCH / 2 or not under:
            return None
        return under[-1] if under[-1] in {info.id for info in self._session.objects} else None

    def _display_(self) -> object:
        """Give marimo what it can show: a picture of the panel's own layers (called by marimo)."""
        import marimo

        # Each time anew: marimo closes what a cell has shown when it runs the cell again.
        picture = PanelPicture(WIDTH, HEIGHT, self._svg_layers, self._click, self.redraw)
        self._pictures.append(picture)
        while len(self._pictures) > MAX_PICTURES:
            self._pictures.pop(0).close()
        self.redraw()
        return marimo.ui.anywidget(picture)

    def _layer(self, n: int) -> Any:
        layer: Any = self[n]  # pyright: ignore[reportUnknownVariableType]
        return BothLayers(layer, self._svg_layers[n]) if self._pictures and n < 2 else layer

    def _click(self, x: float, y: float) -> None:
        if y >= TOP - SWATCH / 2:
            self._state.write_traits(frame=self.frame_at(x))
            return
        obj = self.object_at(x, y)
        if obj is not None:
            self._state.write_traits(selected=obj)

    def _draw(self) -> None:
        """In the panel's thread."""
        if self._closing.wait(max(self._drawn_at + INTERVAL_S - time.monotonic(), 0)):
            return
        with self._wake:
            self._due = False
            scores, self._scores_changed = self._scores_changed, False
        if scores:
            self._draw_scores()
        self._draw_marker()
        self._manager.flush()
        for picture in list(self._pictures):
            picture.show()
        self._drawn_at = time.monotonic()

    def _draw_marker(self) -> None:
        """A line at the current frame, and its number among those of the first and the last."""
        layer, frame, last = self._layer(1), int(self._state.frame), self._session.num_frames - 1
        layer.clear()
        layer.stroke_style = layer.fill_style = _INK
        layer.line_width = 1
        x = _crisp(self.x_of(frame))
        layer.stroke_line(x, TOP, x, HEIGHT - BOTTOM)
        layer.font = _SMALL
        layer.text_align = "center"
        numbers = [frame, *(end for end in (0, last) if abs(self.x_of(end) - x) > 30)]
        for number in sorted({*numbers}):
            at = min(self.x_of(number), WIDTH - 4 * len(str(number)))
            layer.fill_text(str(number), at, HEIGHT - 5)

    def _draw_scores(self) -> None:
        layer = self._layer(0)
        layer.clear()
        infos = list(self._session.colored_objects)
        selected = int(self._state.selected)
        scores = {info.id: self._session.scores(info.id) for info in infos}
        known = [one[np.isfinite(one)] for one in scores.values()]
        ends = [float(end) for one in known if len(one) for end in (one.min(), one.max())]
        low, high = min([0.0, *ends]), max([1.0, *ends])

        def y_of(score: float) -> float:
            return HEIGHT - BOTTOM - (score - low) / (high - low) * (HEIGHT - BOTTOM - TOP)

        self._draw_grid(low, high, y_of)
        self._draw_swatches(infos, selected)
        for info in sorted(infos, key=lambda info: info.id == selected):
            layer.stroke_style = layer.fill_style = info.color
            layer.line_width = 2.5 if info.id == selected else 1.5
            layer.set_line_dash(list(info.dash))
            self._draw_line(scores[info.id], y_of)
        layer.set_line_dash([])

    def _draw_grid(self, low: float, high: float, y_of: Callable[[float], float]) -> None:
        """Lines across at round scores; where a score is below zero, there is no object."""
        layer = self._layer(0)
        step = _round_step((high - low) / _TICKS)
        layer.font = _SMALL
        layer.text_align = "right"
        layer.line_width = 1
        layer.fill_style = _INK
        for n in range(int(np.ceil(low / step)), int(high / step) + 1):
            y = _crisp(y_of(n * step))
            layer.stroke_style = _FAINT if n else _INK
            layer.stroke_line(LEFT, y, WIDTH - RIGHT, y)
            layer.fill_text(f"{n * step:g}", LEFT - 6, y + 4)

    def _draw_swatches(self, infos: list[ObjectInfo], selected: int) -> None:
        layer, x = self._layer(0), float(LEFT)
        layer.text_align = "left"
        swatches: list[tuple[float, int]] = []
        for info in infos:
            width = SWATCH + 22.0 + 7 * len(info.name)
            if x + width > WIDTH - RIGHT:
                layer.fill_style = _INK
                layer.fill_text("…", x, 18)
                break
            swatches.append((x, info.id))
            layer.fill_style = info.color
            layer.fill_rect(x, 8, SWATCH, SWATCH)
            layer.fill_style = _INK
            layer.font = _FONT.format("bold " if info.id == selected else "")
            layer.fill_text(info.name, x + SWATCH + 6, 18)
            x += width
        self._swatches = swatches

    def _draw_line(self, score_t: Any, y_of: Callable[[float], float]) -> None:
        """A line for each run of frames with a mask, a dot for one alone."""
        layer = self._layer(0)
        # More frames than pixels: each of some is enough.
        frames = np.unique(np.linspace(0, len(score_t) - 1, min(len(score_t), WIDTH)).round())
        points: list[tuple[float, float]] = []
        for frame in [*frames.astype(int).tolist(), None]:
            if frame is not None and np.isfinite(score_t[frame]):
                points.append((self.x_of(frame), y_of(float(score_t[frame]))))
                continue
            if len(points) > 1:
                layer.stroke_lines(points)
            elif points:
                layer.fill_circle(*points[0], 2)
            points = []


def _crisp(at: float) -> float:
    """The middle of a pixel: a thin line there is not blurred."""
    return int(at) + 0.5


def _round_step(about: float) -> float:
    """1, 2 or 5 times a power of ten, no less than this."""
    power = 10.0 ** np.floor(np.log10(about))
    return float(next(step * power for step in (1, 2, 5, 10) if step * power >= about))
