"""An analytic segmenter: the mask follows from the prompts by arithmetic, instantly.

Right in tests only. What it does can be computed without it (`expected_mask`), which is how the
session's semantics are checked: an object moves right by one pixel per frame, and what tracking
gives depends on the nearest conditioning frame in the direction it comes from.
"""

import threading
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sam2_backend.masks.postprocessing import MaskCleaner
from sam2widget.models.segmenter import Candidates, Point, Prediction, PromptSet, Proposed
from tests.support.waiting import LIMIT_S

RADIUS = 3


def prompted_mask(prompts: PromptSet, height: int, width: int) -> np.ndarray:
    """Discs around positive clicks, without discs around negative ones, or the box filled."""
    mask = np.zeros((height, width), bool)
    if prompts.mask is not None:
        mask |= prompts.mask.to_array()
    y, x = np.mgrid[:height, :width] + 0.5
    if prompts.box is not None:
        x0, y0, x1, y1 = prompts.box
        mask |= (x > x0) & (x < x1) & (y > y0) & (y < y1)
    for point in prompts.points:
        disc = (x - point.x) ** 2 + (y - point.y) ** 2 <= RADIUS**2
        mask = mask | disc if point.label else mask & ~disc
    return mask


def tracked_mask(anchor_mask: np.ndarray, distance: int) -> np.ndarray:
    """The anchor's mask, moved right by the frames since (left, if before)."""
    return np.roll(anchor_mask, distance, axis=1)


class DiscSegmenter:
    """A `Segmenter` that remembers as a real one does and notes what it is asked."""

    name = "disc"
    device = "cpu"

    def __init__(self, height: int, width: int) -> None:
        self.height, self.width = height, width
        self.conditioning: dict[tuple[int, int], np.ndarray] = {}
        self.memory: dict[tuple[int, int], np.ndarray] = {}
        self.prompts: dict[tuple[int, int], PromptSet] = {}
        self.calls: list[tuple] = []
        self.fail_on: set[str] = set()

    def prompt(self, frame: int, obj: int, prompts: PromptSet) -> Prediction:
        self._note("prompt", frame, obj)
        assert prompts, "a session never asks about no prompts"
        mask = prompted_mask(prompts, self.height, self.width)
        self.conditioning[obj, frame] = mask
        self.memory.pop((obj, frame), None)
        return self._prediction(mask)

    def clear(self, frame: int, obj: int) -> None:
        self._note("clear", frame, obj)
        self.conditioning.pop((obj, frame), None)
        self.memory.pop((obj, frame), None)

    def remove(self, obj: int) -> None:
        self._note("remove", obj)
        for table in self.conditioning, self.memory:
            for key in [key for key in table if key[0] == obj]:
                del table[key]

    def track(self, frame: int, objs: Sequence[int], *, reverse: bool) -> dict[int, Prediction]:
        self._note("track", frame, tuple(objs), reverse)
        return {obj: self._prediction(self._follow(frame, obj, reverse)) for obj in objs}

    def restore(self, frame: int, obj: int, mask_hw: np.ndarray) -> None:
        self._note("restore", frame, obj)
        self.memory.setdefault((obj, frame), mask_hw)

    def _follow(self, frame: int, obj: int, reverse: bool) -> np.ndarray:
        frames = [t for o, t in self.conditioning if o == obj and (t > frame) == reverse]
        assert frames, f"object {obj} is tracked onto frame {frame} from nowhere"
        nearest = min(frames, key=lambda t: abs(t - frame))
        mask = tracked_mask(self.conditioning[obj, nearest], frame - nearest)
        self.memory[obj, frame] = mask
        return mask

    def _prediction(self, mask: np.ndarray) -> Prediction:
        return Prediction(mask, 5.0 if mask.any() else -5.0, 0.9)

    def _note(self, name: str, *what) -> None:
        self.calls.append((name, *what))
        if name in self.fail_on:
            raise RuntimeError(f"the model failed to {name}")

    def asked(self, name: str) -> list[tuple]:
        """The arguments of all calls of one method."""
        return [call[1:] for call in self.calls if call[0] == name]


class ChoosySegmenter(DiscSegmenter):
    """One that can do all that is optional: a first click may mean a disc, the left or the right
    half of the frame; the frame's quarters are what it proposes."""

    name = "choosy"

    def prompt(self, frame: int, obj: int, prompts: PromptSet) -> Prediction:
        prediction = super().prompt(frame, obj, prompts)
        if len(prompts.points) != 1 or prompts.box is not None:
            return prediction
        halves = np.zeros((2, self.height, self.width), bool)
        halves[0, :, : self.width // 2] = halves[1, :, self.width // 2 :] = True
        masks = np.stack((prediction.mask_hw, *halves))
        chosen = prompts.candidate or 0
        self.conditioning[obj, frame] = masks[chosen]
        ious = (0.9, 0.6, 0.5)
        return Prediction(masks[chosen], 5.0, ious[chosen], Candidates(masks, ious, chosen))

    def preview(self, frame: int, obj: int | None, point: Point) -> Prediction:
        self._note("preview", frame, obj)
        return self._prediction(prompted_mask(PromptSet((point,)), self.height, self.width))

    def propose(self, frame: int):
        self._note("propose", frame)
        found = []
        for top in 0, self.height // 2:
            for left in 0, self.width // 2:
                mask = np.zeros((self.height, self.width), bool)
                mask[top : top + self.height // 2, left : left + self.width // 2] = True
                found.append(Proposed(mask, 0.9 - 0.1 * len(found), 0.95))
                yield
        return found


class Gate:
    """Holds another thread up until the test lets it on. It is closed at first."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        """Set when somebody stands before it."""
        self._turn = threading.Condition()
        self._is_open, self._passes = False, 0

    def open(self) -> None:
        with self._turn:
            self._is_open = True
            self._turn.notify_all()

    def close(self) -> None:
        with self._turn:
            self._is_open = False
            self.reached.clear()

    def let_one_through(self) -> None:
        with self._turn:
            self._passes += 1
            self._turn.notify()

    def wait_until_reached(self) -> None:
        assert self.reached.wait(LIMIT_S)

    def pass_through(self) -> None:
        """Wait before it."""
        with self._turn:
            if self._is_open:
                return
            self.reached.set()
            assert self._turn.wait_for(lambda: self._is_open or self._passes, LIMIT_S)
            if not self._is_open:
                self._passes -= 1


class GatedSegmenter(ChoosySegmenter):
    """One that waits at a gate before each tracked frame, and twice in a search."""

    def __init__(self, height: int, width: int) -> None:
        super().__init__(height, width)
        self.gate = Gate()

    def track(self, frame: int, objs: Sequence[int], *, reverse: bool) -> dict[int, Prediction]:
        self.gate.pass_through()
        return super().track(frame, objs, reverse=reverse)

    def propose(self, frame: int):
        for _ in range(2):
            self.gate.pass_through()
            yield
        return (yield from super().propose(frame))


class SureSegmenter(ChoosySegmenter):
    """One that gives logits: how sure it is of each object, everywhere in its mask."""

    name = "sure"

    def __init__(self, height: int, width: int, sure: dict[int, float]) -> None:
        super().__init__(height, width)
        self.sure = sure

    def prompt(self, frame: int, obj: int, prompts: PromptSet) -> Prediction:
        return self._with_logits(obj, DiscSegmenter.prompt(self, frame, obj, prompts))

    def track(self, frame: int, objs: Sequence[int], *, reverse: bool) -> dict[int, Prediction]:
        found = super().track(frame, objs, reverse=reverse)
        return {obj: self._with_logits(obj, one) for obj, one in found.items()}

    def preview(self, frame: int, obj: int | None, point: Point) -> Prediction:
        return self._with_logits(obj or 0, super().preview(frame, obj, point))

    def set_cleaning(self, size: float) -> None:
        self.cleaner = MaskCleaner(remove_specks=size)

    def without_specks(self, mask_hw: np.ndarray, points: Sequence[Point]) -> np.ndarray:
        places = [(point.x, point.y) for point in points]
        return self.cleaner.clean(mask_hw, places, [point.label for point in points])

    def _with_logits(self, obj: int, prediction: Prediction) -> Prediction:
        sure = self.sure.get(obj, 1.0)
        logits_hw = np.where(prediction.mask_hw, sure, -sure).astype(np.float32)
        return replace(prediction, logits_hw=logits_hw)
