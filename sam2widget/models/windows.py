"""Which windows of a large picture the prompts of an object were given in.

A model sees a large picture through windows. Each point, and the box, may say the window that was
looked at when it was given; where none is said, it is one around the prompt.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .segmenter import Box, Point, PromptSet, Window

DEFAULT_SIDE = 1024
"""Of the window around a point that names none, in pixels of the picture."""
BOX_MARGIN = 0.5
"""Of the window around a box that names none, on each side, as a share of the box."""


@dataclass
class WindowPrompts:
    """The prompts that were given in one window, in pixels of the picture."""

    window: Window
    box: Box | None = None
    points: list[Point] = field(default_factory=list[Point])

    @property
    def only_adds(self) -> bool:
        """Whether nothing was said not to be of the object."""
        return all(point.label == 1 for point in self.points)


def group_by_window(prompts: PromptSet, height: int, width: int) -> list[WindowPrompts]:
    """Group prompts by their windows, in the order in which the windows were first used.

    Parameters
    ----------
    height, width : of the picture in pixels.
    """
    groups: dict[Window, WindowPrompts] = {}
    if prompts.box is not None:
        window = prompts.box_window or find_window_of_box(prompts.box, height, width)
        groups[window] = WindowPrompts(window, prompts.box)
    for point in prompts.points:
        window = find_window_of_point(point, list(groups), height, width)
        groups.setdefault(window, WindowPrompts(window)).points.append(point)
    return list(groups.values())


def find_window_of_point(point: Point, before: list[Window], height: int, width: int) -> Window:
    """Find the window of a point: as said, else the last before that holds it, else one around."""
    for window in (*([point.window] if point.window else []), *reversed(before)):
        if holds(window, point.x, point.y):
            return window
    half = DEFAULT_SIDE // 2
    x, y = int(point.x), int(point.y)
    return fit_window((x - half, y - half, x + half, y + half), height, width)


def find_window_of_box(box: Box, height: int, width: int) -> Window:
    """Find a window around a box, with a margin."""
    x0, y0, x1, y1 = box
    margin = BOX_MARGIN * max(x1 - x0, y1 - y0)
    grown = x0 - margin, y0 - margin, x1 + margin, y1 + margin
    left, top, right, bottom = (round(value) for value in grown)
    return fit_window((left, top, max(right, left + 1), max(bottom, top + 1)), height, width)


def fit_window(window: Window, height: int, width: int) -> Window:
    """Move a window into the picture; where it is larger than that, it ends with it."""
    x0, y0, x1, y1 = window
    wide, high = min(x1 - x0, width), min(y1 - y0, height)
    left, top = min(max(x0, 0), width - wide), min(max(y0, 0), height - high)
    return left, top, left + wide, top + high


def holds(window: Window, x: float, y: float) -> bool:
    """Whether a place lies in a window; its edges are in it."""
    return window[0] <= x <= window[2] and window[1] <= y <= window[3]
