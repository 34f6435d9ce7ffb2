"""The memory of one video's objects: what is kept of each frame, and how the network reads it."""

from __future__ import annotations

import sys
import weakref
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, TypeAlias, TypeVar

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from ..kernels.allocator import in_own_pages
from ..kernels.out_of_memory import FittingBatches
from ..masks.postprocessing import MaskCleaner, make_exclusive
from ..network.sam2 import ImageFeatures, Sam2Model, SelectedMask
from ..network.transforms import (
    as_rgb,
    frames_to_input,
    logits_to_masks,
    mask_to_input,
    resize_frame,
)
from .feature_cache import FeatureCache
from .memory_bank import MemoryBank, MemoryEntry, Recall, used_memories
from .prefetch import ReadAhead

A = TypeVar("A")
R = TypeVar("R")
Clicks: TypeAlias = tuple[NDArray[np.float32], NDArray[np.int64]]
"""(P, 2) points (x, y) in pixels of the frame, and (P,) labels."""


class Frames(Protocol):
    """Anything with a length that indexes to (H, W, 3) uint8 RGB arrays."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: int, /) -> Any: ...


class Candidates(NamedTuple):
    """The masks that an ambiguous click may mean."""

    masks_nhw: NDArray[np.bool_]
    """(3, H, W) in pixels of the frame."""
    ious: tuple[float, ...]
    """Predicted IoU of each, 0..1."""
    chosen: int
    """Which of them is the answer: the best unless another was asked for."""


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
    """(S/4, S/4) mask logits, before they are resized and cut at 0, and masks are cleaned."""
    candidates: dict[int, Candidates] = field(default_factory=dict)
    """Where the answer is to a single click: all that it may mean."""


class VideoMemory:
    """What a `VideoPredictor` remembers.

    Parameters
    ----------
    model, frames, cache_bytes, sizes_hw, cleaner, non_overlapping, exclusive_memory : as in
        `VideoPredictor`.
    """

    def __init__(
        self,
        model: Sam2Model,
        frames: Frames,
        *,
        cache_bytes: int,
        sizes_hw: Sequence[tuple[int, int]] | None,
        cleaner: MaskCleaner,
        non_overlapping: bool,
        exclusive_memory: bool,
    ) -> None:
        if len(frames) == 0:
            raise ValueError("The video has no frames.")
        self.model = model
        self.frames = frames
        # Held weakly: the whole goes as soon as nobody uses it, without the garbage collector.
        self._read = ReadAhead(_weakly(self._resized))
        self._features = FeatureCache(
            _weakly(self._encode), device=model.device, max_bytes=cache_bytes
        )
        self._batches = FittingBatches(model.device, self._features.clear)
        self._banks: dict[int, MemoryBank] = {}
        self._sizes_hw = sizes_hw
        self.cleaner = cleaner
        self.non_overlapping = non_overlapping
        self.exclusive_memory = exclusive_memory
        # A live video grows, frames are skipped in it, and its first may be gone.
        self._is_live = getattr(frames, "recording", None) is not None
        height, width = as_rgb(frames[len(frames) - 1 if self._is_live else 0]).shape[:2]
        self.frame_hw: tuple[int, int] = (height, width)

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def objects(self) -> tuple[int, ...]:
        """Ids of the objects that have prompts, in the order they were added."""
        return tuple(obj for obj, bank in self._banks.items() if bank.conditioning)

    def size_of(self, frame: int) -> tuple[int, int]:
        """(H, W) of a frame in pixels."""
        return self.frame_hw if self._sizes_hw is None else self._sizes_hw[frame]

    def forget_pixels(self) -> None:
        """Read frames anew when they are next needed: they look otherwise now. What is remembered
        of objects stays."""
        self._features.clear()
        self._read.expect(())

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
        entry = entries_of(self._adopt(frame, np.asarray(mask).astype(bool)))[0]
        self._encode_memories(frame, [entry], [logits_of(entry)], binarize=False)
        bank.track(frame, entry, reverse=False)

    def remember_as(self, frame: int, obj: int, mask: ArrayLike | None) -> None:
        """Let memory hold another mask of an object on a prompted frame than the answer to its
        prompts, as where a part of it went to another object. Answers to more prompts there still
        refine the answer before. Nothing happens where there are no prompts.

        Parameters
        ----------
        frame, obj : as in `add_points`.
        mask : (H, W) bool, in pixels of the frame; the answer itself if None.
        """
        self._check_frame(frame)
        bank = self._banks.get(obj)
        entry = None if bank is None else bank.conditioning.get(frame)
        if entry is None:
            return
        if mask is not None:
            config, device = self.model.config, self.model.device
            mask_hw = np.asarray(mask).astype(bool)
            entry.remembered_as = mask_to_input(mask_hw, config.image_size, device)
        elif entry.remembered_as is not None:
            entry.remembered_as = None
        else:
            return
        entry.memory = None

    # Inside

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
        reach = max(min(self._longest, self.model.config.max_pointers) - 1, 1)
        return self.model.condition_on_memory(
            s16_nchw, memories, slots, pointers, distances / reach
        )

    def _adopt(self, frame: int, mask_hw: NDArray[np.bool_]) -> SelectedMask:
        model = self.model
        with model.runtime.inference():
            mask = mask_to_input(mask_hw, model.config.image_size, model.device)
            return model.adopt_mask(self._features[frame], mask)

    def _ensure_memories(self, recalls: Iterable[tuple[MemoryBank, Recall]]) -> None:
        """Encode the memories of prompted frames, which wait until tracking needs them."""
        pending: dict[int, list[MemoryEntry]] = defaultdict(list)
        for bank, recall in recalls:
            waiting = {id(e) for e in used_memories([recall]) if e.memory is None}
            for frame, entry in bank.conditioning.items():
                if id(entry) in waiting:
                    pending[frame].append(entry)
        for frame, entries in pending.items():
            own = [entry for entry in entries if entry.remembered_as is None]
            if own:
                self._encode_memories(frame, own, list(map(logits_of, own)), binarize=True)
            for entry in entries:
                if entry.remembered_as is not None:
                    mask = entry.remembered_as * 2.0 - 1.0
                    self._encode_memories(frame, [entry], [mask], binarize=True)

    def _encode_memories(
        self,
        frame: int,
        entries: Sequence[MemoryEntry],
        logits: Sequence[Tensor],
        *,
        binarize: bool,
    ) -> None:
        """Give entries of a frame the memories of these (1, 1, h, w) logits."""
        model = self.model
        size = (model.config.image_size, model.config.image_size)
        with model.runtime.inference():
            memories = model.encode_memory(
                self._features[frame].s16,
                F.interpolate(torch.cat(list(logits)), size, mode="bilinear", align_corners=False),
                torch.cat([entry.object_score for entry in entries]),
                binarize=binarize,
            ).to(model.runtime.memory_dtype)
        for entry, memory in zip(entries, memories, strict=True):
            entry.memory = memory[None]

    def _result(self, frame: int, objs: Iterable[int]) -> FrameResult:
        known = {obj: entry for obj in objs if (entry := self._banks[obj].entry(frame)) is not None}
        return self._result_of(frame, known)

    def _result_of(
        self, frame: int, known: dict[int, MemoryEntry], clicks: Mapping[int, Clicks] | None = None
    ) -> FrameResult:
        """Masks of some entries; `clicks` by object, if not those that are remembered."""
        result = FrameResult(frame)
        logits_by_obj = {obj: logits_of(entry) for obj, entry in known.items()}
        if self.non_overlapping:
            logits_by_obj = self._exclusive_logits(frame, logits_by_obj)
        if clicks is None:
            clicks = {obj: self._clicks(frame, obj) for obj in known}

        def add(objs: Sequence[int]) -> None:
            logits = torch.cat([logits_by_obj[obj] for obj in objs])
            masks = logits_to_masks(logits, self.size_of(frame))
            for obj, mask, logit in zip(objs, masks, logits[:, 0].cpu().numpy(), strict=True):
                result.masks[obj] = self.cleaner.clean(mask, *clicks[obj])
                result.logits[obj] = logit
                result.scores[obj] = float(known[obj].object_score)
                result.ious[obj] = known[obj].iou

        for _ in self._batches.map(add, list(known)):
            pass
        if self.non_overlapping and self.cleaner.fill_holes:
            self._empty_filled_holes(frame, result, logits_by_obj)
        return result

    def _empty_filled_holes(
        self, frame: int, result: FrameResult, exclusive: dict[int, Tensor]
    ) -> None:
        """Give back what was filled in cleaning but belongs to another object."""
        taken_hw = np.zeros(self.size_of(frame), np.bool_)
        filled: dict[int, NDArray[np.bool_]] = {}
        for obj, logits in exclusive.items():
            mask_hw = logits_to_masks(logits, self.size_of(frame))[0]
            taken_hw |= mask_hw
            if obj in result.masks:
                filled[obj] = result.masks[obj] & ~mask_hw
        for obj, filled_hw in filled.items():
            result.masks[obj] = result.masks[obj] & ~(filled_hw & taken_hw)
            taken_hw |= filled_hw

    def _remembered_logits(self, frame: int, logits: dict[int, Tensor]) -> dict[int, Tensor]:
        """(1, 1, h, w) logits by object, as memory is made of them."""
        return self._exclusive_logits(frame, logits) if self.exclusive_memory else logits

    def _exclusive_logits(self, frame: int, logits: dict[int, Tensor]) -> dict[int, Tensor]:
        """(1, 1, h, w) logits by object, without what other objects on the frame have more of;
        those are among them."""
        if not logits:
            return logits
        every = dict(logits)
        for obj, bank in self._banks.items():
            entry = bank.entry(frame)
            if obj not in logits and entry is not None and entry.logits is not None:
                every[obj] = entry.logits
        exclusive = make_exclusive(torch.cat(list(every.values())))
        return dict(zip(every, exclusive.split(1), strict=True))

    def _clicks(self, frame: int, obj: int) -> Clicks:
        """The clicks on an object on a frame."""
        return np.zeros((0, 2), np.float32), np.zeros(0, np.int64)

    def _following(self, frame: int, *, reverse: bool) -> list[int]:
        """Frames to encode with this one when tracking comes to it."""
        step, count = -1 if reverse else 1, self.model.runtime.frames_at_once
        return [t for t in range(frame + step, frame + step * count, step) if 0 <= t < len(self)]

    def _encode(self, frames: Sequence[int]) -> list[ImageFeatures]:
        model = self.model
        resized = [self._read(frame) for frame in frames]
        if len(frames) > 1:  # tracking goes on: the next are read while these are encoded
            self._read.expect(self._following(frames[-1], reverse=frames[1] < frames[0]))
        with model.runtime.inference():
            features = model.encode_image(frames_to_input(resized, model.device))
        rows = (features.select(slice(i, i + 1)) for i in range(len(frames)))
        return [ImageFeatures(*map(in_own_pages, row)) for row in rows]

    def _resized(self, frame: int) -> NDArray[np.uint8]:
        rgb = as_rgb(self.frames[frame])
        size_hw = self.size_of(frame)
        if rgb.shape[:2] != size_hw:
            raise ValueError(
                f"Frame {frame} is {rgb.shape[1]}x{rgb.shape[0]}, but "
                f"{size_hw[1]}x{size_hw[0]} was expected: all frames must have one size unless "
                "sizes_hw gives each its own."
            )
        return resize_frame(rgb, self.model.config.image_size)

    def _bank(self, obj: int) -> MemoryBank:
        if obj not in self._banks:
            self._banks[obj] = self._new_bank()
        return self._banks[obj]

    def _new_bank(self) -> MemoryBank:
        config = self.model.config
        return MemoryBank(
            *(self._longest, config.num_memories, config.max_pointers, config.tracked_memories),
            skips=self._is_live,
        )

    @property
    def _longest(self) -> int:
        """Frames that the video may have in the end."""
        return sys.maxsize if self._is_live else len(self)

    def _check_frame(self, frame: int) -> None:
        if isinstance(frame, (bool, np.bool_)) or not hasattr(frame, "__index__"):
            raise ValueError(f"A frame must be a whole number, got {frame!r}.")
        if not 0 <= frame < len(self):
            raise IndexError(
                f"There is no frame {frame}: the video has frames 0 to {len(self) - 1}."
            )


def _weakly(method: Callable[[A], R]) -> Callable[[A], R]:
    """The same method, without holding the object that it is of."""
    held = weakref.WeakMethod(method)

    def call(argument: A) -> R:
        found = held()
        assert found is not None, "its object calls it"
        return found(argument)

    return call


def entries_of(selected: SelectedMask) -> list[MemoryEntry]:
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


def logits_of(entry: MemoryEntry) -> Tensor:
    """The logits of an entry that is near enough to be looked at again."""
    assert entry.logits is not None, "logits are kept as long as memories are"
    return entry.logits
