"""Distractor-aware memory: DAM4SAM (Videnovic et al. 2024, arXiv 2411.17576), section 3.

For an object with look-alikes. Half of the memory holds recent appearances, spaced in time and
only where the object is visible; the other half holds frames that tell the object from what
resembles it. Such a frame is one on which the network's other masks reach out to something else,
while the object itself is tracked reliably.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, ClassVar

from ...masks.regions import find_largest_component
from ...network.config import ModelConfig
from .candidates import CandidateMasks, FrameRecord, box_area, box_around
from .plain import PlainPolicy
from .policy import Decision, FrameHistory, MemorySelection, TrackedPath
from .settings import MAX_FRAMES, PolicySettings


@dataclass(frozen=True)
class DistractorSettings(PolicySettings):
    """Settings of DAM4SAM, by default the published ones (arXiv 2411.17576, section 3)."""

    max_recent: int = 3
    """Recent appearances that are attended to."""
    max_resolving: int = 3
    """Tracked frames with distractors that are attended to, the last ones; prompted frames are
    attended to besides."""
    spacing: int = 5
    """Frames between recent appearances, and at least between frames with distractors."""
    max_box_ratio: float = 0.7
    """Area of the box around the mask, as a share of that of the box around it and another mask:
    below it the other mask shows a distractor."""
    min_iou: float = 0.8
    """Predicted IoU above which the object is tracked reliably."""
    max_area_change: float = 0.2
    """Change of the mask's area, as a share of the median, up to which it is."""
    median_frames: int = 10
    """Frames before whose areas give the median."""

    policy = "distractor"
    ranges: ClassVar = {
        "max_recent": (1, 6),
        "max_resolving": (0, 6),
        "spacing": (1, 100),
        "max_box_ratio": (0, 1),
        "min_iou": (0, 1),
        "max_area_change": (0, 10),
        "median_frames": (1, MAX_FRAMES),
    }

    def make_policy(self, config: ModelConfig) -> DistractorPolicy:
        """Make the policy for a network."""
        return DistractorPolicy(config, self)


@dataclass(frozen=True)
class DistractorRecord(FrameRecord):
    """A frame that may tell the object from what resembles it."""

    is_resolving: bool
    """Whether a distractor was there, and the object was tracked reliably."""


class DistractorPolicy(PlainPolicy):
    """Attends to recent appearances and to frames with distractors; see the module.

    The mask is the one that SAM 2 takes. It costs no more network than the plain policy, but masks
    are compared on the CPU: a few milliseconds an object.

    Parameters
    ----------
    config : of the network.
    settings : thresholds and numbers of frames.
    """

    def __init__(self, config: ModelConfig, settings: DistractorSettings | None = None) -> None:
        super().__init__(config)
        self.settings = settings or DistractorSettings()
        # So that what is restored suffices for the recent appearances.
        self.memory_reach = max(self.memory_reach, self.settings.spacing * self.settings.max_recent)
        self.pointer_reach = max(self.pointer_reach, self.settings.median_frames)

    def select(self, history: FrameHistory) -> MemorySelection:
        """Choose what a frame attends to; see `MemoryPolicy.select`."""
        attended = self.choose_conditioning(history)
        resolving = self.find_resolving(history)
        recent = [t for t in self.find_recent(history) if t not in resolving]
        memories = [
            *((self.conditioning_slot, t) for t in (*attended, *resolving)),
            *reversed(list(enumerate(recent))),
        ]
        return MemorySelection(memories, self.choose_pointers(history, attended))

    def decide(self, paths: Sequence[TrackedPath]) -> list[Decision]:
        """Take the best mask, and note whether it tells the object from a distractor."""
        path = paths[0]
        candidates, history = path.candidates, path.history
        chosen = candidates.best
        record = candidates.record(chosen)
        is_resolving = (
            self.is_reliable(record, history)
            and self._is_due(history)
            and box_ratio(candidates, chosen) < self.settings.max_box_ratio
        )
        return [
            Decision(
                0,
                chosen,
                DistractorRecord(**vars(record), is_resolving=is_resolving),
            )
        ]

    def retain(self, history: FrameHistory) -> Collection[int]:
        """Keep the frames with distractors and the recent appearances."""
        return {*self.find_resolving(history), *self.find_recent(history)}

    def is_reliable(self, record: FrameRecord, history: FrameHistory) -> bool:
        """Whether the object is tracked reliably: sure of itself, and about as large as before."""
        if record.box is None or record.iou <= self.settings.min_iou:
            return False
        before = [one.area for one in history.records.values() if one.area]
        if not before:
            return False
        usual = median(before[: self.settings.median_frames])
        return abs(record.area - usual) <= self.settings.max_area_change * usual

    def find_resolving(self, history: FrameHistory) -> list[int]:
        """The last frames with distractors, the nearest first."""
        found = [
            t
            for t, record in history.records.items()
            if isinstance(record, DistractorRecord)
            and record.is_resolving
            and t in history.with_memory
            and t not in history.conditioning
        ]
        return found[: self.settings.max_resolving]

    def find_recent(self, history: FrameHistory) -> list[int]:
        """The last tracked frame with the object, and the newest of each span of frames before.

        Spans are as long as the spacing; once over, its newest frame stays the same, as if memory
        had been written every so many frames.
        """
        spans: dict[int, int] = {}
        for t, record in history.records.items():
            is_usable = t in history.with_memory and t not in history.conditioning
            if record.box is not None and is_usable:
                spans.setdefault(t // self.settings.spacing, t)
        return list(spans.values())[: self.settings.max_recent]

    def _is_due(self, history: FrameHistory) -> bool:
        """Whether the last frame with distractors is far enough."""
        last = next(iter(self.find_resolving(history)), None)
        return last is None or abs(history.frame - last) >= self.settings.spacing


def box_ratio(candidates: CandidateMasks, chosen: int) -> float:
    """How far the other masks reach beyond the chosen one, 1 for not at all.

    The area of the box around the chosen mask, as a share of the box around it and the largest
    component of another mask; the least of both others.
    """
    chosen_hw = candidates.masks_chw[chosen]
    own = box_area(candidates.boxes[chosen])
    ratios = [1.0]
    for candidate, mask_hw in enumerate(candidates.masks_chw):
        if candidate != chosen and mask_hw.any():
            together = box_around(chosen_hw | find_largest_component(mask_hw))
            ratios.append(own / box_area(together))
    return min(ratios)


def make(config: ModelConfig, **settings: Any) -> DistractorPolicy:
    """Make the policy with some settings of its own."""
    return DistractorPolicy(config, DistractorSettings(**settings))
