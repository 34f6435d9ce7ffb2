"""Prompt objects anywhere in a video and track them, all together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from .feature_cache import FeatureCache
from .image_predictor import REFINEMENT_CLAMP, check_box, check_points
from .memory_bank import MemoryBank, MemoryEntry, Recall, used_memories
from .model import ImageFeatures, Sam2Model, SelectedMask
from .prompt_encoder import BOX_END, BOX_START, PAD
from .transforms import as_rgb, frame_to_input, logits_to_masks, mask_to_input, points_to_model


class Frames(Protocol):
    """Anything with a length that indexes to (H, W, 3) uint8 RGB arrays."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: int, /) -> Any: ...


@dataclass(frozen=True)
class FrameResult:
    """What is known of some objects on one frame; each mapping is by object id."""

    frame: int
    masks: dict[int, NDArray[np.bool_]] = field(default_factory=dict)
    """(H, W) bool, in pixels of the frame."""
    scores: dict[int, float] = field(default_factory=dict)
    """Object-score logits; above 0 the object is judged visible."""
    ious: dict[int, float] = field(default_factory=dict)
    """Predicted IoU of the mask, 0..1."""
    logits: dict[int, NDArray[np.float32]] = field(default_factory=dict)
    """(S/4, S/4) mask logits, before they are resized and cut at 0."""


@dataclass
class _Prompts:
    """Points and box of one object on one frame, in pixels of the network's input."""

    points_p2: Tensor
    labels_p: Tensor
    box_22: Tensor | None = None

    def joined(self) -> tuple[Tensor, Tensor]:
        """(1, P, 2) coordinates and (1, P) labels, the box first."""
        points, labels = self.points_p2, self.labels_p
        if self.box_22 is not None:
            points = torch.cat((self.box_22, points))
            labels = torch.cat((labels.new_tensor([BOX_START, BOX_END]), labels))
        return points[None], labels[None]


class VideoPredictor:
    """Interactive segmentation of one video.

    A frame that has prompts is a conditioning frame, always, also when it was tracked before:
    a correction therefore survives every later pass. (The official predictor lets the next
    pass overwrite it.)

    Parameters
    ----------
    model : from `load_model`.
    frames : anything with a length that indexes to (H, W, 3) uint8 RGB; read when needed.
    cache_bytes : most bytes of image features kept for frames that are looked at again.

    Examples
    --------
    >>> video = VideoPredictor(load_model("nano"), frames)
    >>> video.add_points(frame=0, obj=1, points=[[320, 180]], labels=[1])
    >>> masks = [result.masks[1] for result in video.propagate()]
    """

    def __init__(self, model: Sam2Model, frames: Frames, *, cache_bytes: int = 512 * 2**20) -> None:
        if len(frames) == 0:
            raise ValueError("The video has no frames.")
        self.model = model
        self.frames = frames
        self._features = FeatureCache(self._encode, max_bytes=cache_bytes)
        self._banks: dict[int, MemoryBank] = {}
        self._prompts: dict[tuple[int, int], _Prompts] = {}
        height, width = as_rgb(frames[0]).shape[:2]
        self.frame_hw: tuple[int, int] = (height, width)

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def objects(self) -> tuple[int, ...]:
        """Ids of the objects that have prompts, in the order they were added."""
        return tuple(obj for obj, bank in self._banks.items() if bank.conditioning)

    # Prompting

    def add_points(
        self, frame: int, obj: int, points: ArrayLike, labels: ArrayLike, *, replace: bool = False
    ) -> FrameResult:
        """Add clicks on a frame and see the object's mask there.

        Parameters
        ----------
        frame : zero-based index.
        obj : id of the object, new or known.
        points : (P, 2) clicks (x, y) in pixels of the frame.
        labels : (P,) 1 on the object, 0 outside it.
        replace : forget the frame's earlier clicks on this object first.

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
        points_p2, labels_p = check_points(points, labels)
        prompts = self._prompts_of(frame, obj)
        if replace:
            prompts.points_p2, prompts.labels_p = prompts.points_p2[:0], prompts.labels_p[:0]
        prompts.points_p2 = torch.cat((prompts.points_p2, self._to_model(points_p2)))
        labels_t = torch.as_tensor(labels_p, device=self.model.device)
        prompts.labels_p = torch.cat((prompts.labels_p, labels_t))
        return self._answer(frame, obj, prompts)

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
        prompts.box_22 = self._to_model(corners)
        return self._answer(frame, obj, prompts)

    def add_mask(self, frame: int, obj: int, mask: ArrayLike) -> FrameResult:
        """Give the object's mask on a frame; it takes the place of earlier prompts there.

        Parameters
        ----------
        frame, obj : as in `add_points`.
        mask : (H, W) bool, in pixels of the frame. An empty one says "not visible here".
        """
        self._check_frame(frame)
        mask_hw = np.asarray(mask).astype(bool)
        if mask_hw.shape != self.frame_hw:
            raise ValueError(
                f"The mask must have the frame's shape {self.frame_hw}, got {mask_hw.shape}."
            )
        self._prompts.pop((obj, frame), None)
        selected = self._adopt(frame, mask_hw)
        self._bank(obj).condition(frame, _entries(selected)[0])
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

    def restore(self, frame: int, obj: int, mask: ArrayLike) -> None:
        """Put a known mask back into memory as a tracked one, e.g. to go on where an earlier
        pass stopped. Nothing happens where the frame is still remembered.

        Parameters
        ----------
        frame, obj : as in `add_points`.
        mask : (H, W) bool, in pixels of the frame.
        """
        self._check_frame(frame)
        bank = self._bank(obj)
        bank.drop_corrected_spans()
        entry = bank.entry(frame)
        if entry is not None and (frame in bank.conditioning or entry.memory is not None):
            return
        entry = _entries(self._adopt(frame, np.asarray(mask).astype(bool)))[0]
        self._encode_memories(frame, [entry], binarize=False)
        bank.track(frame, entry, reverse=False)

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
        for recalls in groups.values():
            self._track_batch(frame, recalls, reverse=reverse)
        return self._result(frame, wanted)

    def _track_batch(self, frame: int, recalls: dict[int, Recall], *, reverse: bool) -> None:
        model = self.model
        self._ensure_memories(recalls)
        with model.runtime.inference():
            features = self._features[frame]
            n = len(recalls)
            conditioned = self._condition(
                features.s16.expand(n, -1, -1, -1), list(recalls.values())
            )
            output = model.decode_masks(conditioned, features.s8, features.s4, **self._no_points(n))
            entries = _entries(model.select_mask(output, multimask=True))
        self._encode_memories(frame, entries, binarize=False)
        for obj, entry in zip(recalls, entries, strict=True):
            self._banks[obj].track(frame, entry, reverse=reverse)

    def _condition(self, s16_nchw: Tensor, recalls: list[Recall]) -> Tensor:
        device = self.model.device
        memories = torch.stack(
            [torch.cat([_memory(entry) for _, entry in recall.memories]) for recall in recalls]
        )
        slots = torch.tensor([[slot for slot, _ in r.memories] for r in recalls], device=device)
        pointers = torch.stack(
            [
                torch.cat([entry.pointer for _, entry in recall.pointers])
                if recall.pointers
                else s16_nchw.new_zeros(0, self.model.config.hidden_dim)
                for recall in recalls
            ]
        )
        distances = torch.tensor(
            [[float(distance) for distance, _ in r.pointers] for r in recalls], device=device
        )
        reach = max(min(len(self), self.model.config.max_pointers) - 1, 1)
        return self.model.condition_on_memory(
            s16_nchw, memories, slots, pointers, distances / reach
        )

    # Inside

    def _answer(self, frame: int, obj: int, prompts: _Prompts) -> FrameResult:
        """Run the decoder on a prompt set and make the frame a conditioning one."""
        model, bank = self.model, self._bank(obj)
        before = bank.entry(frame)
        recall = None
        if bank.was_tracked(frame):
            recall = bank.recall(frame, reverse=bank.was_tracked_in_reverse(frame))
            self._ensure_memories({obj: recall})
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
            # One click is ambiguous; more, or a box (two corners), say which object is meant.
            selected = model.select_mask(output, multimask=labels.shape[1] <= 1)
        bank.condition(frame, _entries(selected)[0])
        self._prompts[obj, frame] = prompts
        return self._result(frame, [obj])

    def _adopt(self, frame: int, mask_hw: NDArray[np.bool_]) -> SelectedMask:
        model = self.model
        with model.runtime.inference():
            mask = mask_to_input(mask_hw, model.config.image_size, model.device)
            return model.adopt_mask(self._features[frame], mask)

    def _ensure_memories(self, recalls: dict[int, Recall]) -> None:
        """Encode the memories of prompted frames, which wait until tracking needs them."""
        pending: dict[int, list[MemoryEntry]] = defaultdict(list)
        for obj, recall in recalls.items():
            waiting = {id(e) for e in used_memories([recall]) if e.memory is None}
            for frame, entry in self._banks[obj].conditioning.items():
                if id(entry) in waiting:
                    pending[frame].append(entry)
        for frame, entries in pending.items():
            self._encode_memories(frame, entries, binarize=True)

    def _encode_memories(self, frame: int, entries: list[MemoryEntry], *, binarize: bool) -> None:
        model = self.model
        size = (model.config.image_size, model.config.image_size)
        with model.runtime.inference():
            logits = torch.cat([_logits(entry) for entry in entries])
            memories = model.encode_memory(
                self._features[frame].s16,
                F.interpolate(logits, size, mode="bilinear", align_corners=False),
                torch.cat([entry.object_score for entry in entries]),
                binarize=binarize,
            ).to(model.runtime.memory_dtype)
        for entry, memory in zip(entries, memories, strict=True):
            entry.memory = memory[None]

    def _result(self, frame: int, objs: Iterable[int]) -> FrameResult:
        known = {obj: entry for obj in objs if (entry := self._banks[obj].entry(frame)) is not None}
        result = FrameResult(frame)
        if known:
            logits = torch.cat([_logits(entry) for entry in known.values()])
            masks = logits_to_masks(logits, self.frame_hw)
            for obj, mask, logit in zip(known, masks, logits[:, 0].cpu().numpy(), strict=True):
                result.masks[obj] = mask
                result.logits[obj] = logit
                result.scores[obj] = float(known[obj].object_score)
                result.ious[obj] = known[obj].iou
        return result

    def _encode(self, frame: int) -> ImageFeatures:
        model = self.model
        rgb = as_rgb(self.frames[frame])
        if rgb.shape[:2] != self.frame_hw:
            raise ValueError(
                f"Frame {frame} is {rgb.shape[1]}x{rgb.shape[0]}, but the video is "
                f"{self.frame_hw[1]}x{self.frame_hw[0]}: all frames must have one size."
            )
        with model.runtime.inference():
            return model.encode_image(frame_to_input(rgb, model.config.image_size, model.device))

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

    def _to_model(self, points_p2: NDArray[np.float32]) -> Tensor:
        points = points_to_model(points_p2, self.frame_hw, self.model.config.image_size)
        return points.to(self.model.device)

    def _bank(self, obj: int) -> MemoryBank:
        if obj not in self._banks:
            config = self.model.config
            self._banks[obj] = MemoryBank(len(self), config.num_memories, config.max_pointers)
        return self._banks[obj]

    def _check_frame(self, frame: int) -> None:
        if not 0 <= frame < len(self):
            raise IndexError(
                f"There is no frame {frame}: the video has frames 0 to {len(self) - 1}."
            )


def _entries(selected: SelectedMask) -> list[MemoryEntry]:
    """One entry for each row of a batch."""
    return [
        MemoryEntry(
            pointer=selected.pointer_nc[i : i + 1].float(),
            object_score=selected.object_score_n1[i : i + 1].float(),
            iou=float(selected.ious_n[i]),
            logits=selected.logits_n1hw[i : i + 1].float(),
        )
        for i in range(len(selected.ious_n))
    ]


def _memory(entry: MemoryEntry) -> Tensor:
    assert entry.memory is not None, "memories are encoded before they are looked at"
    return entry.memory


def _logits(entry: MemoryEntry) -> Tensor:
    assert entry.logits is not None, "logits are kept as long as memories are"
    return entry.logits
