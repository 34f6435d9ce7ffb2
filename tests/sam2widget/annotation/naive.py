"""The semantics of a session, as naive as can be: no memory, no journal, whole copies of the
state. What a session does is held against it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from sam2widget.annotation.history import MAX_EDITS
from sam2widget.core.masks import Mask
from sam2widget.models.segmenter import PromptSet

Key = tuple[int, int]
"""Object id and frame."""


@dataclass
class Naive:
    """Everything there is."""

    num_frames: int
    objects: set[int] = field(default_factory=set[int])
    prompts: dict[Key, PromptSet] = field(default_factory=dict[Key, PromptSet])
    masks: dict[Key, Mask] = field(default_factory=dict[Key, Mask])
    states: dict[Key, str] = field(default_factory=dict[Key, str])
    corrected: dict[Key, Mask] = field(default_factory=dict[Key, Mask])

    def copy(self) -> Naive:
        return Naive(
            *(self.num_frames, set(self.objects)),
            *map(dict, (self.prompts, self.masks, self.states, self.corrected)),
        )

    def is_anchor(self, obj: int, frame: int) -> bool:
        return (obj, frame) in self.prompts or self.states.get((obj, frame)) == "accepted"

    def set_prompts(self, obj: int, frame: int, prompts: PromptSet, mask: Mask | None) -> bool:
        """`mask` is what the prompts give. Whether anything has become stale."""
        key = obj, frame
        self.objects.add(obj)
        if key not in self.prompts and key in self.masks:
            self.corrected[key] = self.masks[key]
        if prompts:
            assert mask is not None
            self.prompts[key] = prompts
            self.masks[key] = mask
            self.states[key] = "fresh"
            corrects = False
        else:
            del self.prompts[key], self.masks[key], self.states[key]
            corrects = key in self.corrected
            if corrects:
                self.masks[key] = self.corrected.pop(key)
                self.states[key] = "stale"
        for step in 1, -1:
            t = frame + step
            while 0 <= t < self.num_frames and not self.is_anchor(obj, t):
                if (obj, t) in self.masks:
                    self.states[obj, t] = "stale"
                    corrects = True
                t += step
        return corrects

    def review(self, obj: int, frames: range, *, accept: bool) -> None:
        for t in frames:
            if accept and (obj, t) in self.masks:
                self.states[obj, t] = "accepted"
            elif self.states.get((obj, t)) == "accepted":
                self.states[obj, t] = "fresh"

    def remove(self, obj: int) -> None:
        self.objects.discard(obj)
        for table in self.prompts, self.masks, self.states, self.corrected:
            for key in [key for key in table if key[0] == obj]:
                del table[key]

    def plan(self, stale_only: bool, direction: str) -> list[tuple[bool, int, dict[int, int]]]:
        """What a propagation tracks: (reverse, frame, anchor by object), in order."""
        steps: dict[tuple[bool, int], dict[int, int]] = {}
        for obj in sorted(self.objects):
            anchors = [t for t in range(self.num_frames) if self.is_anchor(obj, t)]
            for t in range(self.num_frames):
                state = self.states.get((obj, t), "untracked")
                wanted = ("stale",) if stale_only else ("stale", "untracked")
                near = [
                    (abs(t - a), a)
                    for a in anchors
                    if direction == "both" or (a < t) == (direction == "forward")
                ]
                if t not in anchors and state in wanted and near:
                    anchor = min(near)[1]
                    steps.setdefault((anchor > t, t), {})[obj] = anchor
        ordered = sorted(steps.items(), key=lambda s: (s[0][0], -s[0][1] if s[0][0] else s[0][1]))
        return [(reverse, t, anchors) for (reverse, t), anchors in ordered]


class NaiveSession:
    """A naive state that can be taken back.

    Parameters
    ----------
    num_frames : of the video.
    prompted : the mask that an object's prompts on a frame give.
    tracked : the mask of an object on a frame, tracked from the one on another frame, its anchor.
    """

    def __init__(
        self,
        num_frames: int,
        prompted: Callable[[int, int, PromptSet], Mask],
        tracked: Callable[[int, int, int], Mask],
    ) -> None:
        self.now = Naive(num_frames)
        self.past: list[tuple[Naive, bool]] = []
        """State before each edit, and whether the edit made something stale."""
        self.future: list[tuple[Naive, bool]] = []
        self._prompted = prompted
        self._tracked = tracked

    def prompts(self, obj: int, frame: int) -> PromptSet:
        return self.now.prompts.get((obj, frame), PromptSet())

    def add_object(self) -> int:
        before = self.now.copy()
        obj = max(self.now.objects, default=0) + 1
        self.now.objects.add(obj)
        self._keep(before)
        return obj

    def remove_object(self, obj: int) -> None:
        before = self.now.copy()
        self.now.remove(obj)
        self._keep(before)

    def put(self, obj: int, frame: int, prompts: PromptSet) -> None:
        before = self.now.copy()
        mask = self._prompted(obj, frame, prompts) if prompts else None
        self._keep(before, self.now.set_prompts(obj, frame, prompts, mask))

    def review(self, obj: int, frames: range, *, accept: bool) -> None:
        before = self.now.copy()
        self.now.review(obj, frames, accept=accept)
        self._keep(before)

    def propagate(
        self, plan: list[tuple[bool, int, dict[int, int]]], *, stale_only: bool = False
    ) -> None:
        """Carry out as much of a plan as is given."""
        before = self.now.copy()
        for _, t, anchors in plan:
            for obj, anchor in anchors.items():
                self.now.masks[obj, t] = self._tracked(obj, t, anchor)
                self.now.states[obj, t] = "fresh"
        if plan and stale_only and self.past and self.past[-1][1]:
            self.future.clear()
        else:
            self._keep(before)

    def undo(self) -> None:
        before, corrects = self.past.pop()
        self.future.append((self.now, corrects))
        self.now = before

    def redo(self) -> None:
        after, corrects = self.future.pop()
        self.past.append((self.now, corrects))
        self.now = after

    def _keep(self, before: Naive, corrects: bool = False) -> None:
        if self.now != before:
            self.past.append((before, corrects))
            del self.past[:-MAX_EDITS]
            self.future.clear()
