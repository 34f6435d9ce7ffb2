"""Sessions that both video predictors live through."""

from __future__ import annotations

from collections.abc import Callable

from tests.parity.scene import disc
from tests.parity.video_pair import VideoPair

Scenario = Callable[[VideoPair], None]

NUM_FRAMES = 12
"""Frames that a scenario's clip must have."""


def both_directions(pair: VideoPair) -> None:
    """Two objects from the middle: a click refined by a negative one, a box refined by a click;
    nine frames forward, then back to the start."""
    pair.add_points(3, 1, [(0.35, 0.45)], [1])
    pair.add_points(3, 1, [(0.6, 0.5)], [0])
    pair.add_box(3, 2, (0.2, 0.2, 0.6, 0.7))
    pair.add_points(3, 2, [(0.3, 0.4)], [1])
    pair.propagate(3)
    pair.propagate(3, reverse=True)


def late_object_and_masks(pair: VideoPair) -> None:
    """A mask prompt, an object that begins later, one that is said to be absent, one removed."""
    height, width = pair.ours.frame_hw
    pair.add_mask(0, 1, disc(height, width, 0.3, 0.4, 0.25))
    pair.propagate(0, stop=4)
    pair.add_points(2, 2, [(0.7, 0.6), (0.65, 0.55)], [1, 1])
    pair.propagate(2, stop=6)
    pair.remove_object(1)
    pair.add_mask(5, 3, disc(height, width, 0.5, 0.5, radius=0.0))
    pair.propagate(5, stop=8)


def occlusion(pair: VideoPair) -> None:
    """Two objects forward and back, meant for weights that judge some of them absent."""
    pair.add_points(4, 1, [(0.35, 0.45)], [1])
    pair.add_points(4, 2, [(0.7, 0.3), (0.2, 0.8)], [1, 0])
    pair.propagate(4)
    pair.propagate(4, reverse=True)


SCENARIOS: dict[str, Scenario] = {
    "both directions": both_directions,
    "late object, mask prompts": late_object_and_masks,
}
