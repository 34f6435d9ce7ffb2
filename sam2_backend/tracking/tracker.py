"""The tracker of one video: memory banks of its objects, and the network's steps between them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..kernels.out_of_memory import AdaptiveBatcher
from ..masks.postprocessing import make_exclusive
from ..network.sam2 import Sam2Model, SelectedMask
from ..network.transforms import mask_to_input, pack_bits, unpack_bits
from .frame_encoder import FrameEncoder
from .logits_store import LogitsStore
from .memory_bank import MemoryBank, MemoryEntry, make_entries
from .path_tracker import PathTracker
from .policies import DecidingPolicy, MemoryPolicy, MemorySelection
from .track_step import TrackStep, encode_memories, gather_inputs


class Tracker:
    """Tracks objects from frame to frame.

    A step is: condition the frame's features on what each object's bank selects, decode masks,
    select one an object, encode it as a memory map, store it. Objects are a batch dimension.

    Parameters
    ----------
    model : the network.
    frames : encodes frames of the video.
    policy : chooses what a frame attends to.
    exclusive_memory : whether tracked objects are stored without the pixels of which others have
        a larger logit.
    """

    def __init__(
        self,
        model: Sam2Model,
        frames: FrameEncoder,
        policy: MemoryPolicy,
        *,
        exclusive_memory: bool,
    ) -> None:
        self.model = model
        self.frames = frames
        self.policy = policy
        self.exclusive_memory = exclusive_memory
        self.banks: dict[int, MemoryBank] = {}
        """By object id."""
        self.batcher = AdaptiveBatcher(model.device, frames.clear_cache)
        """Sizes batches of objects."""
        self.step = TrackStep(model)
        """Tracks all objects of a frame."""
        self._store = LogitsStore()
        self._paths = PathTracker(self, policy) if isinstance(policy, DecidingPolicy) else None

    def bank(self, obj: int) -> MemoryBank:
        """Get an object's memory bank, a new one if it is not known."""
        if obj not in self.banks:
            self.banks[obj] = self.new_bank()
        return self.banks[obj]

    def new_bank(self) -> MemoryBank:
        """Make an empty memory bank."""
        return MemoryBank(self.policy, skips_frames=self.frames.is_live, store=self._store)

    @property
    def reach(self) -> int:
        """Largest distance in frames of a tracked frame that tracking attends to."""
        return max(self.policy.memory_reach, self.policy.pointer_reach)

    def entries(self, frame: int, objs: Iterable[int]) -> dict[int, MemoryEntry]:
        """Get what is stored of objects on a frame, of those of which anything is."""
        found = {obj: self.banks[obj].entry(frame) for obj in objs}
        return {obj: entry for obj, entry in found.items() if entry is not None}

    # Tracking

    def track(self, frame: int, objs: Iterable[int], *, reverse: bool) -> None:
        """Track objects onto a frame, and store them; prompted ones stay as they are.

        Parameters
        ----------
        frame : zero-based index.
        objs : ids of objects that have conditioning frames.
        reverse : whether tracking comes from later frames.
        """
        if self._paths is not None:
            self._paths.track(frame, objs, reverse=reverse)
            return
        selections: dict[int, MemorySelection] = {}
        for obj in objs:
            bank = self.banks[obj]
            bank.drop_corrected_spans()
            if frame not in bank.conditioning:
                selections[obj] = bank.select(frame, reverse=reverse)
        tracked: dict[int, MemoryEntry] = {}
        predict = partial(self._predict, frame, selections, reverse=reverse)
        for entries in self.batcher.map(predict, list(selections)):
            tracked.update(entries)
        pending = [obj for obj, entry in tracked.items() if entry.memory is None]
        if pending:
            # Which pixels an object may keep is known only when all are predicted.
            logits = {obj: tracked[obj].require_logits() for obj in pending}
            if self.exclusive_memory:
                logits = self.exclusive_logits(frame, logits)
            for _ in self.batcher.map(partial(self._remember, frame, tracked, logits), pending):
                pass
        for obj, entry in tracked.items():
            self.banks[obj].track(frame, entry, reverse=reverse)

    def _predict(
        self,
        frame: int,
        selections: Mapping[int, MemorySelection],
        objs: Sequence[int],
        *,
        reverse: bool,
    ) -> dict[int, MemoryEntry]:
        """Predict the masks of some objects, and encode their memories where they are all."""
        chosen = [(self.banks[obj], selections[obj]) for obj in objs]
        self.encode_pending(chosen)
        features = self.frames.fetch(frame, reverse=reverse)
        memories: Iterable[Tensor | None] = [None] * len(objs)
        with self.model.runtime.inference():
            if self._is_one_step(frame, selections, objs):
                inputs = gather_inputs(self.model, chosen, max_distance=self.max_distance)
                selected, memories_ndhw = self.step(
                    features, inputs, exclusive=self.exclusive_memory
                )
                memories = memories_ndhw.split(1)
            else:
                conditioned = self.condition(features.s16, chosen)
                output = self.model.decode_tracked(conditioned, features.s8, features.s4)
                selected = self.model.select_mask(output, multimask=True)
            entries = make_entries(selected)
        for entry, memory in zip(entries, memories, strict=True):
            entry.memory = memory
        return dict(zip(objs, entries, strict=True))

    def _is_one_step(
        self, frame: int, selections: Mapping[int, MemorySelection], objs: Sequence[int]
    ) -> bool:
        """Whether these objects are all that count, and have memories."""
        if len(objs) < len(selections) or not all(one.memories for one in selections.values()):
            return False
        others = (bank.entry(frame) for obj, bank in self.banks.items() if obj not in selections)
        return not self.exclusive_memory or all(one is None or one.logits is None for one in others)

    def _remember(
        self,
        frame: int,
        tracked: Mapping[int, MemoryEntry],
        logits: Mapping[int, Tensor],
        objs: Sequence[int],
    ) -> None:
        """Encode the memories of some of the objects tracked onto a frame."""
        entries = [tracked[obj] for obj in objs]
        self._encode(frame, entries, [logits[obj] for obj in objs], binarize=False)

    def condition(
        self, s16_nchw: Tensor, chosen: Sequence[tuple[MemoryBank, MemorySelection]]
    ) -> Tensor:
        """Condition features on what N objects' banks selected.

        Parameters
        ----------
        s16_nchw : (1, C, h, w) features of the frame.
        chosen : each object's bank and selection, whose memories are encoded.

        Returns
        -------
        (N, C, h, w).
        """
        model = self.model
        remembering = [one for one in chosen if one[1].memories]
        if not remembering:
            return model.add_no_memory_embed(s16_nchw).expand(len(chosen), -1, -1, -1)
        inputs = gather_inputs(model, remembering, max_distance=self.max_distance)
        conditioned = model.condition_on_memory(s16_nchw, *inputs)
        if len(remembering) == len(chosen):
            return conditioned
        rows = iter(conditioned.split(1))
        without = model.add_no_memory_embed(s16_nchw).to(conditioned.dtype)
        return torch.cat([next(rows) if one[1].memories else without for one in chosen])

    @property
    def max_distance(self) -> int:
        """The farthest pointer's, by which distances are scaled as in the official predictor."""
        return max(min(self.frames.max_frames, self.model.config.max_pointers) - 1, 1)

    def encode_pending(self, chosen: Iterable[tuple[MemoryBank, MemorySelection]]) -> None:
        """Encode memories of prompted frames, which are put off until tracking needs them."""
        pending: dict[int, list[MemoryEntry]] = defaultdict(list)
        for bank, selection in chosen:
            for _, t in selection.memories:
                entry = bank.require(t)
                if entry.memory is None:
                    pending[t].append(entry)
        for t, entries in pending.items():
            own = [entry for entry in entries if entry.remembered_as is None]
            if own:
                self._encode(t, own, [entry.require_logits() for entry in own], binarize=True)
            for entry in entries:
                if entry.remembered_as is not None:
                    self._encode(t, [entry], [self._unpack(entry.remembered_as)], binarize=True)

    def _unpack(self, packed: Tensor) -> Tensor:
        """Unpack bits of the input's size to (1, 1, S, S) logits."""
        side = self.model.config.image_size
        mask = torch.from_numpy(unpack_bits(packed.numpy(), (side, side)))
        return mask[None].to(self.model.device).float() * 2.0 - 1.0

    def _encode(
        self,
        frame: int,
        entries: Sequence[MemoryEntry],
        logits: Sequence[Tensor],
        *,
        binarize: bool,
    ) -> None:
        """Encode (1, 1, h, w) logits as the memory maps of a frame's entries."""
        with self.model.runtime.inference():
            memories = encode_memories(
                self.model,
                self.frames[frame].s16,
                torch.cat(list(logits)),
                torch.cat([entry.object_score for entry in entries]),
                binarize=binarize,
            )
        for entry, memory in zip(entries, memories, strict=True):
            entry.memory = memory[None]

    def exclusive_logits(self, frame: int, logits: Mapping[int, Tensor]) -> dict[int, Tensor]:
        """Lower objects' logits where other objects on the frame, given or stored, have more.

        Parameters
        ----------
        logits : (1, 1, h, w) by object.

        Returns
        -------
        dict
            The same, of the objects given and of those stored on the frame.
        """
        if not logits:
            return {}
        every = dict(logits)
        for obj, bank in self.banks.items():
            entry = bank.entry(frame)
            if obj not in logits and entry is not None and entry.logits is not None:
                every[obj] = entry.require_logits()
        with self.model.runtime.inference():
            exclusive = make_exclusive(torch.cat(list(every.values())))
        return dict(zip(every, exclusive.split(1), strict=True))

    # Known masks

    def mask_as_output(self, frame: int, masks: Sequence[NDArray[np.bool_]]) -> SelectedMask:
        """Use (H, W) masks of N objects on a frame as the network's output."""
        model = self.model
        with model.runtime.inference():
            inputs = [mask_to_input(m, model.config.image_size, model.device) for m in masks]
            return model.mask_as_output(self.frames[frame], torch.cat(inputs))

    def restore(
        self, frame: int, masks: Mapping[int, NDArray[np.bool_]], *, reverse: bool, memory: bool
    ) -> None:
        """Store known masks of a frame as tracked ones, unless they are stored.

        Parameters
        ----------
        frame : zero-based index.
        masks : (H, W) in pixels of the frame, by object.
        reverse : whether they were tracked from later frames.
        memory : whether memory maps are needed too, not only object pointers.
        """
        missing: list[int] = []
        for obj in masks:
            bank = self.bank(obj)
            bank.drop_corrected_spans()
            entry = bank.tracked.get(frame)
            is_tracked = entry is not None and (entry.memory is not None or not memory)
            if not is_tracked and frame not in bank.conditioning:
                missing.append(obj)

        def store(objs: Sequence[int]) -> None:
            self.frames.fetch(frame, reverse=reverse)
            entries = make_entries(self.mask_as_output(frame, [masks[obj] for obj in objs]))
            if memory:
                logits = [entry.require_logits() for entry in entries]
                self._encode(frame, entries, logits, binarize=False)
            for obj, entry in zip(objs, entries, strict=True):
                self.bank(obj).track(frame, entry, reverse=reverse)

        for _ in self.batcher.map(store, missing):
            pass

    def restore_before(
        self,
        frame: int,
        masks: Mapping[int, Mapping[int, NDArray[np.bool_]]],
        *,
        reverse: bool,
    ) -> None:
        """Store known masks as far back as tracking onto `frame` attends to.

        Parameters
        ----------
        frame : the one that tracking goes on with.
        masks : (H, W) by frame, then by object; those out of reach are left out.
        reverse : whether tracking comes from later frames.
        """
        past = sorted((t for t in masks if (t > frame if reverse else t < frame)), reverse=reverse)
        # From the farthest on: a bank drops what is out of reach of the frame stored last.
        for n, t in enumerate(past):
            distance = len(past) - n if self.frames.is_live else abs(frame - t)
            if distance <= self.reach:
                memory = distance <= self.policy.memory_reach
                self.restore(t, masks[t], reverse=reverse, memory=memory)

    def remember_as(self, frame: int, obj: int, mask: NDArray[Any] | None) -> None:
        """Let the memory of a prompted frame be made of another mask; of the answer if None."""
        bank = self.banks.get(obj)
        entry = None if bank is None else bank.conditioning.get(frame)
        if entry is None:
            return
        if mask is not None:
            config, device = self.model.config, self.model.device
            resized = mask_to_input(mask.astype(bool), config.image_size, device)
            entry.remembered_as = pack_bits(resized[:, 0] > 0).cpu()
        elif entry.remembered_as is not None:
            entry.remembered_as = None
        else:
            return
        entry.memory = None
