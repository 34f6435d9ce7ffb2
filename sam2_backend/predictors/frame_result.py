"""What a video predictor returns for a frame, and how it is made of memory entries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..masks.postprocessing import MaskCleaner
from ..network.mask_decoder import DecoderOutput
from ..network.transforms import logits_to_masks
from ..tracking.memory_bank import MemoryEntry
from ..tracking.tracker import Tracker
from .prompts import Clicks


class Candidates(NamedTuple):
    """The masks that an ambiguous click may mean."""

    masks_nhw: NDArray[np.bool_]
    """(3, H, W) in pixels of the frame."""
    ious: tuple[float, ...]
    """Predicted IoU of each, 0..1."""
    chosen: int
    """Index of the one that is the result: the best unless another was asked for."""


@dataclass(frozen=True)
class FrameResult:
    """Masks of some objects on one frame; each mapping is by object id."""

    frame: int
    """Zero-based index."""
    masks: dict[int, NDArray[np.bool_]] = field(default_factory=dict)
    """(H, W) bool, in pixels of the frame."""
    scores: dict[int, float] = field(default_factory=dict)
    """Object-score logits; above 0 the object is judged visible."""
    ious: dict[int, float] = field(default_factory=dict)
    """Predicted IoU of the mask, 0..1."""
    logits: dict[int, NDArray[np.float32]] = field(default_factory=dict)
    """(S/4, S/4) mask logits, before they are resized and cut at 0, and masks are cleaned."""
    candidates: dict[int, Candidates] = field(default_factory=dict)
    """Where the prompt is a single click: all masks that it may mean."""


class ResultBuilder:
    """Makes results of memory entries: resized, cleaned, exclusive where so wished.

    Parameters
    ----------
    tracker : whose entries they are.
    cleaner : removes small components and holes.
    non_overlapping : whether masks of different objects on a frame exclude each other.
    """

    def __init__(self, tracker: Tracker, cleaner: MaskCleaner, *, non_overlapping: bool) -> None:
        self._tracker = tracker
        self.cleaner = cleaner
        self.non_overlapping = non_overlapping

    def build(
        self, frame: int, entries: Mapping[int, MemoryEntry], clicks: Mapping[int, Clicks]
    ) -> FrameResult:
        """Make the result of some entries of a frame.

        Parameters
        ----------
        frame : zero-based index.
        entries : by object.
        clicks : by object, in pixels of the frame; what was clicked is not cleaned away.
        """
        tracker, size_hw = self._tracker, self._tracker.frames.size_of(frame)
        result = FrameResult(frame)
        logits = {obj: entry.require_logits() for obj, entry in entries.items()}
        if self.non_overlapping:
            logits = tracker.exclusive_logits(frame, logits)

        def add(objs: Sequence[int]) -> None:
            logits_n1hw = torch.cat([logits[obj] for obj in objs])
            masks_nhw = logits_to_masks(logits_n1hw, size_hw)
            logits_nhw = logits_n1hw[:, 0].cpu().numpy()
            scores = torch.cat([entries[obj].object_score for obj in objs]).flatten().tolist()
            for obj, mask_hw, logits_hw, score in zip(
                *(objs, masks_nhw, logits_nhw, scores), strict=True
            ):
                result.masks[obj] = self.cleaner.clean(mask_hw, *clicks[obj])
                result.logits[obj] = logits_hw
                result.scores[obj] = score
                result.ious[obj] = entries[obj].iou

        for _ in tracker.batcher.map(add, list(entries)):
            pass
        if self.non_overlapping and self.cleaner.fill_holes:
            self._restore_filled_holes(result, logits, size_hw)
        return result

    def build_candidates(
        self,
        frame: int,
        obj: int,
        output: DecoderOutput,
        clicks: Clicks,
        candidate: int | None,
    ) -> Candidates:
        """Make the candidates of one object of a decoder's output.

        Parameters
        ----------
        frame, obj : of the click.
        output : of one prompt set.
        clicks : in pixels of the frame.
        candidate : the one that was asked for, 0 to 2; None for the best.
        """
        # Also where masks may overlap: what another object has more of is not offered.
        logits_n1hw = torch.cat(
            [
                self._tracker.exclusive_logits(frame, {obj: logits_hw[None, None].float()})[obj]
                for logits_hw in output.logits_nmhw[0, 1:]
            ]
        )
        masks = logits_to_masks(logits_n1hw, self._tracker.frames.size_of(frame))
        masks_nhw = np.stack([self.cleaner.clean(mask_hw, *clicks) for mask_hw in masks])
        ious = output.ious_nm[0, 1:].float()
        chosen = int(ious.argmax()) if candidate is None else candidate
        return Candidates(masks_nhw, tuple(ious.tolist()), chosen)

    def _restore_filled_holes(
        self, result: FrameResult, exclusive: Mapping[int, Tensor], size_hw: tuple[int, int]
    ) -> None:
        """Undo the filling of holes where the pixels belong to another object."""
        taken_hw = np.zeros(size_hw, np.bool_)
        filled: dict[int, NDArray[np.bool_]] = {}
        for obj, logits in exclusive.items():
            mask_hw = logits_to_masks(logits, size_hw)[0]
            taken_hw |= mask_hw
            if obj in result.masks:
                filled[obj] = result.masks[obj] & ~mask_hw
        for obj, filled_hw in filled.items():
            result.masks[obj] = result.masks[obj] & ~(filled_hw & taken_hw)
            taken_hw |= filled_hw
