"""Keeps what a model remembers in step with a session's tables, as late as it can.

Edits only note what the model should forget; what it must know again it is told when it is next
asked. Undo, a removed object that comes back and a resumed propagation are thus one case.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from ..core.errors import SessionError
from ..core.masks import Mask
from ..core.masks.cleaning import CLEANED_SHARE, as_cleaning
from ..models.capabilities import (
    DecoderInputs,
    SupportsBrowserDecoder,
    SupportsDeferredTracking,
    SupportsExclusiveMemory,
    SupportsFrameChanges,
    SupportsMaskCleaning,
    SupportsPreview,
    SupportsProposals,
    SupportsRestoreBefore,
)
from ..models.segmenter import Box, Point, Prediction, PromptSet, Proposed, Segmenter, Window
from ..models.windowed import WindowedProposer
from .plan import Step, neighbours
from .records import Result, Run
from .view import SessionView

RESTORED_FRAMES = 6
"""Tracked frames that are restored to a model that does not say how far it looks back: those whose
memory maps SAM 2 attends to (Ravi et al. 2024, section 4)."""


class ModelSync:
    """The model of a session, if it is loaded, and what it has been told.

    Parameters
    ----------
    session : whose prompts and results it is told; they are read only.
    skips : whether tracking leaves frames out, as it does in a live video.
    clean_masks : specks and pinholes of what the model says are dropped where they are smaller: in
        pixels from 1 up, below 1 as a share of the mask's area; 0 is not at all. What was clicked
        stays.
    """

    def __init__(
        self, session: SessionView, *, skips: bool = False, clean_masks: float = CLEANED_SHARE
    ) -> None:
        self.segmenter: Segmenter | None = None
        """None before `load` and after `unload`."""
        self.clean_masks = as_cleaning(clean_masks)
        self._session = session
        self._skips = skips
        self._known: dict[tuple[int, int], PromptSet] = {}
        self._shares: dict[tuple[int, int], Mask] = {}
        """What prompted objects are remembered as, where others have some of their answer."""

    def load(self, segmenter: Segmenter) -> None:
        """Work with this model from now on. It is told nothing yet."""
        if isinstance(segmenter, SupportsMaskCleaning):
            segmenter.set_cleaning(self.clean_masks)
        self._known, self._shares = {}, {}
        self.segmenter = segmenter

    def unload(self) -> None:
        """Let go of the model."""
        self.segmenter = None
        self._known, self._shares = {}, {}

    def set_cleaning(self, size: float) -> None:
        """Clean what the model says from now on; see `clean_masks`. Any thread.

        Raises
        ------
        SessionError
            When it is no such size.
        """
        self.clean_masks = size = as_cleaning(size)
        segmenter = self.segmenter
        if isinstance(segmenter, SupportsMaskCleaning):
            segmenter.set_cleaning(size)

    def remove_specks(self, frame: int, obj: int, mask_hw: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """An (H, W) mask without specks, but with those that were clicked.

        The same mask where the model cleans nothing.
        """
        segmenter = self.segmenter
        if not isinstance(segmenter, SupportsMaskCleaning):
            return mask_hw
        return segmenter.without_specks(mask_hw, self._session.prompts(frame, obj).points)

    @property
    def can_preview(self) -> bool:
        """Whether the model can say what a click would give."""
        return isinstance(self.segmenter, SupportsPreview)

    def check_loaded(self) -> Segmenter:
        """The model.

        Raises
        ------
        SessionError
            When none is loaded.
        """
        if self.segmenter is None:
            raise SessionError("The model is not loaded yet.")
        return self.segmenter

    def prompt(
        self, frame: int, obj: int, prompts: PromptSet, corrected: Mask | None
    ) -> Prediction:
        """Let the model answer a prompt set, new or changed.

        Parameters
        ----------
        corrected : the tracked mask that the prompts correct, if the frame was tracked.
        """
        segmenter = self._ready()
        if self._session.kind == "video":
            self._tell(segmenter, obj, (t for t in self._conditioning(obj) if t != frame))
        return self._prompt(segmenter, frame, obj, prompts, corrected)

    def preview(self, frame: int, obj: int | None, point: Point) -> Prediction:
        """What one more click on an object (None: a new one) would give."""
        segmenter = self._ready()
        if not isinstance(segmenter, SupportsPreview):
            raise SessionError(f"The model {segmenter.name} cannot preview a click.")
        if obj is not None and frame in self._conditioning(obj):
            self._tell(segmenter, obj, [frame])
        return segmenter.preview(frame, obj, point)

    def decoder_inputs(self, frame: int, obj: int | None) -> DecoderInputs | None:
        """What the decoder is given before a further click; None where a browser cannot have it."""
        segmenter = self._ready()
        if not isinstance(segmenter, SupportsBrowserDecoder):
            return None
        if obj is not None and frame in self._conditioning(obj):
            self._tell(segmenter, obj, [frame])
        return segmenter.decoder_inputs(frame, obj)

    def propose(
        self, frame: int, window: Window | None = None
    ) -> Generator[None, None, Sequence[Proposed]]:
        """Find what there is on a frame, or in a window of a large picture."""
        segmenter = self._ready()
        if isinstance(segmenter, WindowedProposer):
            return segmenter.propose(frame, window)
        if not isinstance(segmenter, SupportsProposals):
            raise SessionError(f"The model {segmenter.name} cannot propose masks.")
        return segmenter.propose(frame)

    def segment_box(self, frame: int, box: Box) -> Prediction:
        """What a box on a frame would give as a new object. Nothing is remembered of it."""
        segmenter = self._ready()
        obj = self._session.next_object_id
        try:
            return segmenter.prompt(frame, obj, PromptSet(box=box))
        finally:
            segmenter.remove(obj)

    def begin_track(
        self, step: Step, last: dict[int, int], anchors: dict[int, Sequence[Run]]
    ) -> Callable[[], dict[int, Prediction]]:
        """Begin to track a step's objects onto its frame; what is returned waits for them.

        Parameters
        ----------
        last : the frame before in this sweep, by object; brought up to date. Where it is not
            the neighbour, memory is rebuilt first.
        anchors : runs of prompted and accepted frames by object, ascending.
        """
        segmenter = self._ready()
        previous = step.frame + (1 if step.reverse else -1)
        missing: defaultdict[int, dict[int, NDArray[np.bool_]]] = defaultdict(dict)
        for obj in step.objs:
            if last.get(obj) != previous:
                anchor = neighbours(step.frame, anchors[obj])[step.reverse]
                assert anchor is not None, "a planned frame has an anchor"
                self._tell(segmenter, obj, (*self._conditioning(obj), anchor))
                for t, mask in self._masks_before(segmenter, obj, step).items():
                    missing[t][obj] = mask.to_array()
            last[obj] = step.frame
        if missing and isinstance(segmenter, SupportsRestoreBefore):
            segmenter.restore_before(step.frame, missing, reverse=step.reverse)
        else:
            for t in sorted(missing, reverse=step.reverse):
                for obj, mask_hw in missing[t].items():
                    segmenter.restore(t, obj, mask_hw)
        if self.defers_tracking:
            deferring = cast("SupportsDeferredTracking", segmenter)
            return deferring.begin_track(step.frame, step.objs, reverse=step.reverse)
        found = segmenter.track(step.frame, step.objs, reverse=step.reverse)
        return lambda: found

    @property
    def defers_tracking(self) -> bool:
        """Whether the model computes a frame while the session does something else."""
        segmenter = self.segmenter
        return isinstance(segmenter, SupportsDeferredTracking) and segmenter.defers_tracking

    def track_next(self, frame: int, anchors: Mapping[int, int]) -> dict[int, Prediction]:
        """Track objects onto a frame that comes after all others.

        They are tracked from what the model remembers: earlier frames may be gone.

        Parameters
        ----------
        anchors : the nearest prompted or accepted frame of each object.
        """
        segmenter = self._ready()
        for obj, anchor in anchors.items():
            self._tell(segmenter, obj, (*self._conditioning(obj), anchor))
        return segmenter.track(frame, tuple(anchors), reverse=False)

    def forget(self, frame: int, obj: int) -> None:
        """What the model holds of an object on a frame no longer counts."""
        self._known.pop((obj, frame), None)
        self._shares.pop((obj, frame), None)
        if self.segmenter is not None:
            self.segmenter.clear(frame, obj)

    def forget_frames(self, obj: int, frames: Iterable[int]) -> None:
        """What the model holds of an object on some frames no longer counts."""
        for frame in frames:
            self.forget(frame, obj)

    def forget_object(self, obj: int) -> None:
        """What the model holds of an object no longer counts."""
        self._known = {key: value for key, value in self._known.items() if key[0] != obj}
        self._shares = {key: value for key, value in self._shares.items() if key[0] != obj}
        if self.segmenter is not None:
            self.segmenter.remove(obj)

    def forget_pixels(self) -> None:
        """Frames are shown otherwise now."""
        if isinstance(self.segmenter, SupportsFrameChanges):
            self.segmenter.forget_pixels()

    def _ready(self) -> Segmenter:
        """The model, which keeps objects apart as the session does."""
        segmenter = self.check_loaded()
        if isinstance(segmenter, SupportsExclusiveMemory):
            segmenter.set_exclusive_memory(self._session.non_overlapping)
        return segmenter

    def _conditioning(self, obj: int) -> list[int]:
        """Prompted frames, without those whose mask was rejected."""
        return [t for t in self._session.tables.prompts.of(obj) if self._session.is_anchor(t, obj)]

    def _tell(self, segmenter: Segmenter, obj: int, frames: Iterable[int]) -> None:
        """See to it that these prompted or accepted frames condition tracking."""
        for frame in frames:
            result = self._session.result(frame, obj)
            prompts = self._session.prompts(frame, obj)
            if not prompts:
                assert result is not None, "an anchor has prompts or an accepted mask"
                prompts = PromptSet(mask=result.mask)
            if self._known.get((obj, frame)) != prompts:
                corrected = result.corrected if result else None
                self._prompt(segmenter, frame, obj, prompts, corrected)
            self._remember_share(segmenter, frame, obj, result)

    def _remember_share(
        self, segmenter: Segmenter, frame: int, obj: int, result: Result | None
    ) -> None:
        """Let the model remember what other objects leave of an answer, if that has changed."""
        if not isinstance(segmenter, SupportsExclusiveMemory):
            return
        share = None if result is None or result.whole is None else result.mask
        if share != self._shares.pop((obj, frame), None):
            segmenter.remember_as(frame, obj, None if share is None else share.to_array())
        if share is not None:
            self._shares[obj, frame] = share

    def _prompt(
        self,
        segmenter: Segmenter,
        frame: int,
        obj: int,
        prompts: PromptSet,
        corrected: Mask | None,
    ) -> Prediction:
        known = self._known.pop((obj, frame), None)
        self._shares.pop((obj, frame), None)
        if known is not None and not prompts.extends(known):
            segmenter.clear(frame, obj)
            known = None
        if known is None and corrected is not None:
            segmenter.restore(frame, obj, corrected.to_array())
        try:
            prediction = segmenter.prompt(frame, obj, prompts)
        except BaseException:
            segmenter.clear(frame, obj)
            raise
        self._known[obj, frame] = prompts
        return prediction

    def _masks_before(self, segmenter: Segmenter, obj: int, step: Step) -> dict[int, Mask]:
        """The tracked masks before a step's frame that the model looks back at, by frame."""
        towards_past = 1 if step.reverse else -1
        shares = isinstance(segmenter, SupportsExclusiveMemory)
        reach = RESTORED_FRAMES
        if isinstance(segmenter, SupportsRestoreBefore):
            reach = segmenter.reach
        masks: dict[int, Mask] = {}
        anchors = set(self._conditioning(obj))
        t, end = step.frame + towards_past, self._session.num_frames if step.reverse else -1
        count = 0
        while t != end and count < reach:
            result = self._session.result(t, obj)
            is_gap = result is None and not self._skips
            if is_gap or (result is not None and result.state == "stale"):
                break
            if self._skips and t in anchors:
                break  # what came before it may be gone
            if result is not None:
                count += 1
                if result.state != "rejected" and t not in anchors:
                    masks[t] = result.mask if shares else result.answer
            t += towards_past
        return masks
