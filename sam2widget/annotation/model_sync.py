"""Keeps a segmenter's memory in step with the session's tables, as late as it can.

Edits only note what the segmenter should forget; what it must know again it is told when it is
next asked. Undo, a removed object that comes back and a resumed propagation are thus one case.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence

from ..core.errors import SessionError
from ..core.masks import Mask
from ..models.segmenter import (
    ForgetsPixels,
    Point,
    Prediction,
    Previews,
    PromptSet,
    Proposed,
    Proposes,
    RemembersApart,
    Segmenter,
)
from .plan import Step, neighbours
from .records import FrameTable, Result

RESTORED_FRAMES = 6
"""Tracked frames that SAM 2 looks back at (Ravi et al. 2024, section 4)."""


class Memory:
    """What a segmenter has been told.

    Parameters
    ----------
    segmenter : whose memory it is.
    prompts, results : the session's tables; they are read only.
    tracks : whether frames have to do with each other.
    skips : whether frames between tracked ones may have been left out.
    """

    def __init__(
        self,
        segmenter: Segmenter,
        prompts: FrameTable[PromptSet],
        results: FrameTable[Result],
        *,
        tracks: bool = True,
        skips: bool = False,
    ) -> None:
        self.segmenter = segmenter
        self._skips = skips
        self._tracks = tracks
        self._prompts = prompts
        self._results = results
        self._known: dict[tuple[int, int], PromptSet] = {}
        self._shares: dict[tuple[int, int], Mask] = {}
        """What prompted objects are remembered as, where others have some of their answer."""

    def answer(
        self, frame: int, obj: int, prompts: PromptSet, corrected: Mask | None
    ) -> Prediction:
        """Let the segmenter answer a prompt set, new or changed.

        Parameters
        ----------
        corrected : the tracked mask that the prompts correct, if the frame was tracked.
        """
        if self._tracks:
            self._tell(obj, (t for t in self._conditioning(obj) if t != frame))
        return self._prompt(frame, obj, prompts, corrected)

    def preview(self, frame: int, obj: int | None, point: Point) -> Prediction:
        """What one more click on an object (None: a new one) would give."""
        segmenter = self.segmenter
        if not isinstance(segmenter, Previews):
            raise SessionError(f"The model {segmenter.name} cannot preview a click.")
        if obj is not None and frame in self._conditioning(obj):
            self._tell(obj, [frame])
        return segmenter.preview(frame, obj, point)

    def propose(self, frame: int) -> Generator[None, None, Sequence[Proposed]]:
        """Find what there is on a frame."""
        segmenter = self.segmenter
        if not isinstance(segmenter, Proposes):
            raise SessionError(f"The model {segmenter.name} cannot propose masks.")
        return segmenter.propose(frame)

    def track(
        self, step: Step, last: dict[int, int], anchors: dict[int, Sequence[int]]
    ) -> dict[int, Prediction]:
        """Track a step's objects onto its frame.

        Parameters
        ----------
        last : the frame before in this sweep, by object; brought up to date. Where it is not
            the neighbour, memory is rebuilt first.
        anchors : prompted and accepted frames by object, ascending.
        """
        towards_past = 1 if step.reverse else -1
        for obj in step.objs:
            if last.get(obj) != step.frame + towards_past:
                anchor = neighbours(step.frame, anchors[obj])[step.reverse]
                assert anchor is not None, "a planned frame has an anchor"
                self._tell(obj, (*self._conditioning(obj), anchor))
                self._restore_neighbours(obj, step.frame, anchor)
            last[obj] = step.frame
        return self.segmenter.track(step.frame, step.objs, reverse=step.reverse)

    def track_next(self, frame: int, anchors: Mapping[int, int]) -> dict[int, Prediction]:
        """Track objects onto a frame that comes after all others, from what the segmenter
        remembers: earlier frames may be gone.

        Parameters
        ----------
        anchors : the nearest prompted or accepted frame of each object.
        """
        for obj, anchor in anchors.items():
            self._tell(obj, (*self._conditioning(obj), anchor))
        return self.segmenter.track(frame, tuple(anchors), reverse=False)

    def forget(self, frame: int, obj: int) -> None:
        """What the segmenter holds of this frame no longer counts."""
        self._known.pop((obj, frame), None)
        self._shares.pop((obj, frame), None)
        self.segmenter.clear(frame, obj)

    def forget_pixels(self) -> None:
        """Frames are shown otherwise now."""
        if isinstance(self.segmenter, ForgetsPixels):
            self.segmenter.forget_pixels()

    def remove(self, obj: int) -> None:
        """Forget an object."""
        self._known = {key: value for key, value in self._known.items() if key[0] != obj}
        self._shares = {key: value for key, value in self._shares.items() if key[0] != obj}
        self.segmenter.remove(obj)

    def _conditioning(self, obj: int) -> list[int]:
        """Prompted frames, without those whose mask was rejected."""
        results = self._results.of(obj)
        return [
            t for t in self._prompts.of(obj) if t not in results or results[t].state != "rejected"
        ]

    def _tell(self, obj: int, frames: Iterable[int]) -> None:
        """See to it that these prompted or accepted frames condition tracking."""
        for frame in frames:
            result = self._results.get((obj, frame))
            prompts = self._prompts.get((obj, frame))
            if prompts is None:
                assert result is not None, "an anchor has prompts or an accepted mask"
                prompts = PromptSet(mask=result.mask)
            if self._known.get((obj, frame)) != prompts:
                self._prompt(frame, obj, prompts, result.corrected if result else None)
            self._remember_share(frame, obj, result)

    def _remember_share(self, frame: int, obj: int, result: Result | None) -> None:
        """Let the segmenter remember what other objects leave of an answer."""
        segmenter = self.segmenter
        if not isinstance(segmenter, RemembersApart):
            return
        share = None if result is None or result.whole is None else result.mask
        if share is not self._shares.pop((obj, frame), None):
            segmenter.remember_as(frame, obj, None if share is None else share.to_array())
        if share is not None:
            self._shares[obj, frame] = share

    def _prompt(
        self, frame: int, obj: int, prompts: PromptSet, corrected: Mask | None
    ) -> Prediction:
        known = self._known.pop((obj, frame), None)
        self._shares.pop((obj, frame), None)
        if known is not None and not prompts.extends(known):
            self.segmenter.clear(frame, obj)
            known = None
        if known is None and corrected is not None:
            self.segmenter.restore(frame, obj, corrected.to_array())
        try:
            prediction = self.segmenter.prompt(frame, obj, prompts)
        except BaseException:
            self.segmenter.clear(frame, obj)
            raise
        self._known[obj, frame] = prompts
        return prediction

    def _restore_neighbours(self, obj: int, frame: int, anchor: int) -> None:
        towards_past = -1 if anchor < frame else 1
        masks: dict[int, Mask] = {}
        shares = isinstance(self.segmenter, RemembersApart)
        for t in range(frame + towards_past, anchor, towards_past):
            result = self._results.get((obj, t))
            if result is None and self._skips:
                continue
            if result is None or result.state == "stale" or len(masks) == RESTORED_FRAMES:
                break
            if result.state != "rejected":
                masks[t] = result.mask if shares else result.answer
        for t in reversed(masks):
            self.segmenter.restore(t, obj, masks[t].to_array())
