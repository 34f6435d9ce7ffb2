"""Prompt objects anywhere in a video and track them, all together."""

from __future__ import annotations

import os
import warnings
from collections import defaultdict
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from ..arguments import check_model, with_known_names
from ..masks.mask_input import as_mask
from ..masks.postprocessing import MaskCleaner
from ..network.config import NUM_CANDIDATES
from ..network.mask_decoder import DecoderOutput
from ..network.prompt_encoder import BOX_END, BOX_START, PAD
from ..network.sam2 import Sam2Model, SelectedMask
from ..network.transforms import logits_to_masks, points_to_model
from ..tracking.memory_bank import MemoryBank, MemoryEntry, Recall
from ..tracking.video_memory import (
    Candidates,
    Clicks,
    FrameResult,
    Frames,
    VideoMemory,
    entries_of,
    logits_of,
)
from .automatic.mask_record import MaskRecord
from .automatic.proposals import propose_masks
from .image import REFINEMENT_CLAMP, check_box, check_points

__all__ = ["Candidates", "FrameResult", "Frames", "VideoPredictor"]


@dataclass
class _Prompts:
    """Points and box of one object on one frame, in pixels of the network's input."""

    points_p2: Tensor
    labels_p: Tensor
    box_22: Tensor | None = None

    @property
    def ambiguous(self) -> bool:
        """One click may mean several things; more, or a box, say which object is meant."""
        return self.box_22 is None and len(self.labels_p) <= 1

    def joined(self) -> tuple[Tensor, Tensor]:
        """(1, P, 2) coordinates and (1, P) labels, the box first."""
        points, labels = self.points_p2, self.labels_p
        if self.box_22 is not None:
            points = torch.cat((self.box_22, points))
            labels = torch.cat((labels.new_tensor([BOX_START, BOX_END]), labels))
        return points[None], labels[None]


class VideoPredictor(VideoMemory):
    """Interactive segmentation of one video.

    A frame that has prompts is a conditioning frame, always, also when it was tracked before:
    a correction therefore survives every later pass. (The official predictor lets the next
    pass overwrite it.)

    Parameters
    ----------
    model : from `load_model`.
    frames : anything with a length that indexes to (H, W, 3) uint8 RGB; read when needed, on a
        GPU by a second thread too, ahead of tracking.
    cache_bytes : most bytes of image features kept for frames that are looked at again.
    sizes_hw : (H, W) of each frame where they differ, as of pictures that are only prompted.
    fill_holes, remove_specks : holes and separate parts of masks that are smaller are filled and
        dropped, but never what was clicked: in pixels of the frame from 1 up, below 1 as a share
        of the mask's area. 0, the default, is not at all, as in the official predictor.
    non_overlapping : whether masks of different objects on a frame exclude each other: a pixel
        belongs to the larger logit.
    exclusive_memory : whether objects are remembered so on the frames that they are tracked onto,
        which keeps one from sliding onto another that it meets (the official predictor has
        `non_overlap_masks_for_mem_enc`); as `non_overlapping` if None. Prompted frames are
        remembered as prompted.

    Examples
    --------
    >>> video = VideoPredictor(load_model("nano"), frames)
    >>> video.add_points(frame=0, obj=1, points=[[320, 180]], labels=[1])
    >>> masks = [result.masks[1] for result in video.propagate()]
    """

    def __init__(
        self,
        model: Sam2Model,
        frames: Frames,
        *,
        cache_bytes: int = 512 * 2**20,
        sizes_hw: Sequence[tuple[int, int]] | None = None,
        fill_holes: float = 0.0,
        remove_specks: float = 0.0,
        non_overlapping: bool = False,
        exclusive_memory: bool | None = None,
    ) -> None:
        check_model(model, type(self).__name__)
        if isinstance(frames, (str, os.PathLike)):
            raise ValueError(
                f"frames are an array or a video, got a path: write VideoPredictor(model, "
                f"open_video({os.fspath(frames)!r}))."
            )
        super().__init__(
            model,
            frames,
            cache_bytes=cache_bytes,
            sizes_hw=sizes_hw,
            cleaner=MaskCleaner(fill_holes, remove_specks),
            non_overlapping=non_overlapping,
            exclusive_memory=non_overlapping if exclusive_memory is None else exclusive_memory,
        )
        self._prompts: dict[tuple[int, int], _Prompts] = {}

    # Prompting

    @with_known_names(frame_idx="frame", obj_id="obj")
    def add_points(
        self,
        frame: int,
        obj: int,
        points: ArrayLike,
        labels: ArrayLike,
        *,
        replace: bool = False,
        candidate: int | None = None,
    ) -> FrameResult:
        """Add clicks on a frame and see the object's mask there.

        Parameters
        ----------
        frame : zero-based index.
        obj : id of the object, new or known.
        points : (P, 2) clicks (x, y) in pixels of the frame.
        labels : (P,) 1 on the object, 0 outside it.
        replace : forget the frame's earlier clicks on this object first.
        candidate : of the three masks that a single click may mean, the one to take for its
            answer, 0 to 2; the one of the highest predicted IoU if None.

        Returns
        -------
        FrameResult
            Of this object on this frame. The answer to the clicks before is refined.

        Raises
        ------
        IndexError
            When the video has no such frame.
        ValueError
            When points or labels have the wrong shape or values.
        """
        self._check_frame(frame)
        if candidate is not None and not 0 <= candidate < NUM_CANDIDATES:
            raise ValueError(f"There are candidates 0 to {NUM_CANDIDATES - 1}, got {candidate}.")
        prompts = self._prompts_of(frame, obj)
        if replace:
            prompts.points_p2, prompts.labels_p = prompts.points_p2[:0], prompts.labels_p[:0]
        self._extend(prompts, frame, points, labels)
        return self._answer(frame, obj, prompts, candidate)

    def preview(self, frame: int, obj: int, points: ArrayLike, labels: ArrayLike) -> FrameResult:
        """What `add_points` would answer; nothing is remembered. An object that is not known
        is a new one."""
        self._check_frame(frame)
        prompts = self._prompts_of(frame, obj)
        self._extend(prompts, frame, points, labels)
        bank = self._banks.get(obj) or self._new_bank()
        selected, _ = self._decide(frame, bank, prompts, None)
        clicks = {obj: self._in_frame(frame, prompts)}
        return self._result_of(frame, {obj: entries_of(selected)[0]}, clicks)

    def propose(self, frame: int, **settings: Any) -> Generator[None, None, list[MaskRecord]]:
        """Segment everything on a frame, a batch of clicks a step: see `propose_masks`. Objects
        and their memories are not touched."""
        self._check_frame(frame)
        return propose_masks(self.model, self.frames[frame], self._features[frame], **settings)

    @with_known_names(frame_idx="frame", obj_id="obj")
    def add_box(self, frame: int, obj: int, box: ArrayLike) -> FrameResult:
        """Put a box around the object on a frame, in place of an earlier one.

        Parameters
        ----------
        frame, obj : as in `add_points`.
        box : (4,) x0, y0, x1, y1 in pixels of the frame.
        """
        self._check_frame(frame)
        corners = check_box(box).reshape(2, 2)
        prompts = self._prompts_of(frame, obj)
        prompts.box_22 = self._to_model(corners, frame)
        return self._answer(frame, obj, prompts)

    @with_known_names(frame_idx="frame", obj_id="obj")
    def add_mask(self, frame: int, obj: int, mask: object) -> FrameResult:
        """Give the object's mask on a frame; it takes the place of earlier prompts there.

        Parameters
        ----------
        frame, obj : as in `add_points`.
        mask : (H, W) in pixels of the frame: flags, 0 and 1, or 0 and 255; also probabilities,
            which are cut at 0.5, and logits, which are cut at 0, with a warning. An array, a
            tensor, a Pillow image, or COCO's run lengths. An empty one says "not visible here".

        Raises
        ------
        ValueError
            When it is no mask of one object, or of another size.
        """
        self._check_frame(frame)
        height, width = self.size_of(frame)
        mask_hw, note = as_mask(mask, (height, width))
        if note:
            warnings.warn(note, UserWarning, stacklevel=2)
        self._prompts.pop((obj, frame), None)
        selected = self._adopt(frame, mask_hw)
        self._bank(obj).condition(frame, entries_of(selected)[0])
        return self._result(frame, [obj])

    def clear_prompts(self, frame: int, obj: int) -> None:
        """Forget the prompts of one object on one frame, and their mask."""
        self._check_frame(frame)
        self._prompts.pop((obj, frame), None)
        if obj in self._banks:
            self._banks[obj].forget(frame)

    def remove_object(self, obj: int) -> None:
        """Forget an object; the others are not disturbed.

        Raises
        ------
        KeyError
            When there is no such object.
        """
        if obj not in self._banks:
            raise KeyError(f"There is no object {obj}; there are {sorted(self._banks)}.")
        del self._banks[obj]
        for key in [key for key in self._prompts if key[0] == obj]:
            del self._prompts[key]

    # Tracking

    def propagate(
        self, start: int | None = None, stop: int | None = None, reverse: bool = False
    ) -> Iterator[FrameResult]:
        """Track all objects, frame after frame.

        Parameters
        ----------
        start : first frame; if None the earliest prompted one (the latest, in reverse).
        stop : where to end, itself not included, as in `range`; if None the end of the video.
        reverse : go backward.

        Yields
        ------
        FrameResult
            Of every object that has prompts, frame by frame. Prompts may be added between two
            frames.

        Raises
        ------
        ValueError
            When nothing has been prompted yet.
        """
        prompted = [t for bank in self._banks.values() for t in bank.conditioning]
        if not prompted:
            raise ValueError("Nothing to propagate: add points, a box or a mask to a frame first.")
        if start is None:
            start = max(prompted) if reverse else min(prompted)
        self._check_frame(start)
        end = -1 if reverse else len(self)
        for frame in range(start, end if stop is None else stop, -1 if reverse else 1):
            yield self.track(frame, reverse=reverse)

    def track(
        self, frame: int, objs: Iterable[int] | None = None, *, reverse: bool = False
    ) -> FrameResult:
        """Track objects onto one frame, from what is remembered of its neighbours.

        Parameters
        ----------
        frame : zero-based index.
        objs : ids; all that have prompts if None.
        reverse : whether tracking comes from later frames.

        Returns
        -------
        FrameResult
            Prompted frames give the answer to their prompts, unchanged.
        """
        self._check_frame(frame)
        wanted = self.objects if objs is None else tuple(objs)
        groups: dict[tuple[int, int], dict[int, Recall]] = defaultdict(dict)
        for obj in wanted:
            bank = self._banks.get(obj)
            if bank is None or not bank.conditioning:
                raise ValueError(f"Object {obj} has no prompts yet: there is nothing to track.")
            bank.drop_corrected_spans()
            if frame not in bank.conditioning:
                recall = bank.recall(frame, reverse=reverse)
                groups[recall.layout][obj] = recall
        tracked: dict[int, MemoryEntry] = {}
        for recalls in groups.values():
            find = partial(self._find, frame, recalls, reverse=reverse)
            for found in self._batches.map(find, list(recalls)):
                tracked.update(found)
        # Only when all are found is it known what each may keep.
        logits = {obj: logits_of(entry) for obj, entry in tracked.items()}
        logits = self._remembered_logits(frame, logits)
        for recalls in groups.values():
            remember = partial(self._remember, frame, tracked, logits, reverse=reverse)
            for _ in self._batches.map(remember, list(recalls)):
                pass
        return self._result(frame, wanted)

    def _find(
        self, frame: int, recalls: dict[int, Recall], objs: Sequence[int], *, reverse: bool
    ) -> dict[int, MemoryEntry]:
        """Find some of the objects that `recalls` are of on a frame."""
        model = self.model
        self._ensure_memories([(self._banks[obj], recalls[obj]) for obj in objs])
        features = self._features.fetch(frame, self._following(frame, reverse=reverse))
        with model.runtime.inference():
            conditioned = self._condition(features.s16, [recalls[obj] for obj in objs])
            no_points = self._no_points(len(objs))
            output = model.decode_masks(conditioned, features.s8, features.s4, **no_points)
            entries = entries_of(model.select_mask(output, multimask=True))
        return dict(zip(objs, entries, strict=True))

    def _remember(
        self,
        frame: int,
        tracked: dict[int, MemoryEntry],
        logits: dict[int, Tensor],
        objs: Sequence[int],
        *,
        reverse: bool,
    ) -> None:
        """Remember some of the objects that were tracked onto a frame."""
        entries = [tracked[obj] for obj in objs]
        self._encode_memories(frame, entries, [logits[obj] for obj in objs], binarize=False)
        for obj, entry in zip(objs, entries, strict=True):
            self._banks[obj].track(frame, entry, reverse=reverse)

    # Inside

    def _answer(
        self, frame: int, obj: int, prompts: _Prompts, candidate: int | None = None
    ) -> FrameResult:
        """Run the decoder on a prompt set and make the frame a conditioning one."""
        bank = self._bank(obj)
        selected, output = self._decide(frame, bank, prompts, candidate)
        bank.condition(frame, entries_of(selected)[0])
        self._prompts[obj, frame] = prompts
        result = self._result(frame, [obj])
        if prompts.ambiguous and float(selected.object_score_n1) > 0:
            result.candidates[obj] = self._candidates(frame, obj, output, prompts, candidate)
        return result

    def _candidates(
        self,
        frame: int,
        obj: int,
        output: DecoderOutput,
        prompts: _Prompts,
        candidate: int | None,
    ) -> Candidates:
        logits_n1hw = torch.cat(
            [
                self._exclusive_logits(frame, {obj: logits[None, None].float()})[obj]
                for logits in output.logits_nmhw[0, 1:]
            ]
        )
        clicks = self._in_frame(frame, prompts)
        masks = logits_to_masks(logits_n1hw, self.size_of(frame))
        masks_nhw = np.stack([self.cleaner.clean(mask_hw, *clicks) for mask_hw in masks])
        ious = output.ious_nm[0, 1:].float()
        chosen = int(ious.argmax()) if candidate is None else candidate
        return Candidates(masks_nhw, tuple(ious.tolist()), chosen)

    def _clicks(self, frame: int, obj: int) -> Clicks:
        return self._in_frame(frame, self._prompts.get((obj, frame)))

    def _in_frame(self, frame: int, prompts: _Prompts | None) -> Clicks:
        """Clicks in pixels of the frame; none where nothing is cleaned, which needs no copy."""
        if prompts is None or not self.cleaner:
            return super()._clicks(frame, 0)
        height, width = self.size_of(frame)
        scale = np.array((width, height), np.float32) / self.model.config.image_size
        points_p2 = (prompts.points_p2.cpu().numpy() * scale).astype(np.float32)
        return points_p2, prompts.labels_p.cpu().numpy()

    def _decide(
        self, frame: int, bank: MemoryBank, prompts: _Prompts, candidate: int | None
    ) -> tuple[SelectedMask, DecoderOutput]:
        """The mask for a prompt set, and all that the decoder says to it."""
        model = self.model
        before = bank.entry(frame)
        recall = None
        if bank.was_tracked(frame):
            recall = bank.recall(frame, reverse=bank.was_tracked_in_reverse(frame))
            self._ensure_memories([(bank, recall)])
        points, labels = prompts.joined()
        with model.runtime.inference():
            features = self._features[frame]
            if recall is None or not recall.memories:
                conditioned = model.condition_on_nothing(features.s16)
            else:
                conditioned = self._condition(features.s16, [recall])
            logits = None
            if before is not None and before.logits is not None:
                logits = before.logits.clamp(-REFINEMENT_CLAMP, REFINEMENT_CLAMP)
            output = model.decode_masks(
                conditioned,
                features.s8,
                features.s4,
                points_np2=points,
                labels_np=labels,
                mask_logits_n1hw=logits,
            )
            selected = model.select_mask(output, multimask=prompts.ambiguous, candidate=candidate)
        return selected, output

    def _extend(self, prompts: _Prompts, frame: int, points: ArrayLike, labels: ArrayLike) -> None:
        points_p2, labels_p = check_points(points, labels)
        prompts.points_p2 = torch.cat((prompts.points_p2, self._to_model(points_p2, frame)))
        labels_t = torch.as_tensor(labels_p, device=self.model.device)
        prompts.labels_p = torch.cat((prompts.labels_p, labels_t))

    def _no_points(self, n: int) -> dict[str, Tensor]:
        device = self.model.device
        return {
            "points_np2": torch.zeros(n, 1, 2, device=device),
            "labels_np": torch.full((n, 1), PAD, device=device),
        }

    def _prompts_of(self, frame: int, obj: int) -> _Prompts:
        known = self._prompts.get((obj, frame))
        if known is not None:
            return _Prompts(known.points_p2, known.labels_p, known.box_22)
        device = self.model.device
        return _Prompts(
            torch.zeros(0, 2, device=device), torch.zeros(0, dtype=torch.int64, device=device)
        )

    def _to_model(self, points_p2: NDArray[np.float32], frame: int) -> Tensor:
        points = points_to_model(points_p2, self.size_of(frame), self.model.config.image_size)
        return points.to(self.model.device)
