"""A companion to put beside the widget: swatches of the objects and their scores over time.

Drawn with ipycanvas, on whose topmost layer a user may draw too. ipycanvas collects commands in one
manager for all canvases and threads; the panel's own layers have one of their own, which only the
panel's thread touches, so that neither drawing gets into the other.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from ipycanvas import Canvas, MultiCanvas

from .records import Changed, ObjectInfo
from .session_view import SessionView
from .worker import Worker

WIDTH, HEIGHT = 480, 180
INTERVAL_S = 0.2
"""Least time between two drawings."""
SWATCHES = 24
"""Height of the row of swatches, in pixels."""
MARGIN = 8
_INK, _FAINT = "#808890", "#80889055"
_FONT = "12px sans-serif"


class Face(Protocol):
    """What the panel needs of the widget beside it."""

    @property
    def frame(self) -> Any: ...
    @property
    def selected(self) -> Any: ...
    def write_traits(self, **values: Any) -> None: ...


class Panel(MultiCanvas):
    """Swatches, scores over time and a marker of the current frame; a click goes to a frame.

    Parameters
    ----------
    face : whose frame and selection it shows.
    session : what it draws.

    Examples
    --------
    >>> HBox([w, w.panel])
    >>> w.panel.canvas.stroke_rect(10, 40, 100, 50)
    """

    def __init__(self, face: Face, session: SessionView) -> None:
        super().__init__(3, width=WIDTH, height=HEIGHT)  # pyright: ignore[reportUnknownMemberType]
        self._face = face
        self._session = session
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
        self.on_mouse_down(self._go_to)  # pyright: ignore[reportUnknownMemberType]
        self.on_client_ready(self.redraw)  # pyright: ignore[reportUnknownMemberType]
        self.redraw()

    @property
    def canvas(self) -> Canvas:
        """The topmost layer, which the panel leaves to you."""
        return self._layer(2)

    def note(self, changed: Changed) -> None:
        """The session has changed. Any thread."""
        if changed.objects or changed.results:
            self.redraw()

    def redraw(self, *, scores: bool = True) -> None:
        """Draw again soon, with the scores or the marker alone. Any thread."""
        with self._wake:
            self._scores_changed |= scores
            if self._due or self._closing.is_set():
                return
            self._due = True
        self._worker.submit(self._draw)

    def close(self) -> None:
        """Take the panel from the page and end its thread."""
        with self._wake:
            self._closing.set()
        self._worker.close()
        super().close()

    def x_of(self, frame: int) -> float:
        """Where a frame is, in pixels of the panel."""
        last = max(self._session.num_frames - 1, 1)
        return MARGIN + frame / last * (WIDTH - 2 * MARGIN)

    def frame_at(self, x: float) -> int:
        """Which frame is at a place, in pixels of the panel."""
        last = self._session.num_frames - 1
        return int(np.clip(round((x - MARGIN) / (WIDTH - 2 * MARGIN) * last), 0, last))

    def _layer(self, n: int) -> Any:
        return self[n]  # pyright: ignore[reportUnknownVariableType]

    def _go_to(self, x: float, y: float) -> None:
        self._face.write_traits(frame=self.frame_at(x))

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
        self._drawn_at = time.monotonic()

    def _draw_marker(self) -> None:
        layer, x = self._layer(1), self.x_of(int(self._face.frame))
        layer.clear()
        layer.stroke_style = _INK
        layer.line_width = 1
        layer.stroke_line(x, SWATCHES, x, HEIGHT - MARGIN)

    def _draw_scores(self) -> None:
        layer = self._layer(0)
        layer.clear()
        infos = self._session.objects
        selected = int(self._face.selected)
        scores = {info.id: self._session.scores(info.id) for info in infos}
        known = [one[np.isfinite(one)] for one in scores.values()]
        top = max([1.0, *(float(np.abs(one).max()) for one in known if len(one))])
        middle, reach = (SWATCHES + HEIGHT - MARGIN) / 2, (HEIGHT - MARGIN - SWATCHES) / 2

        def y_of(score: float) -> float:
            return middle - score / top * reach

        layer.font = _FONT
        layer.line_width = 1
        layer.stroke_style = _FAINT
        layer.stroke_line(MARGIN, middle, WIDTH - MARGIN, middle)
        self._draw_swatches(infos, selected)
        for info in sorted(infos, key=lambda info: info.id == selected):
            layer.stroke_style = layer.fill_style = info.color
            layer.line_width = 2 if info.id == selected else 1
            self._draw_line(scores[info.id], y_of)

    def _draw_swatches(self, infos: list[ObjectInfo], selected: int) -> None:
        layer, x = self._layer(0), float(MARGIN)
        for info in infos:
            width = 26.0 + 7 * len(info.name)
            if x + width > WIDTH - MARGIN:
                layer.fill_style = _INK
                layer.fill_text("…", x, 17)
                return
            layer.fill_style = info.color
            layer.fill_rect(x, 7, 12, 12)
            layer.fill_style = _INK
            layer.fill_text(info.name, x + 17, 17)
            if info.id == selected:
                layer.fill_rect(x, 21, 12, 2)
            x += width

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
