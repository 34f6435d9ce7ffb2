"""The tracker of one video: memory banks of its objects, and the network's steps between them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from ..kernels.out_of_memory import AdaptiveBatcher
from ..masks.postprocessing import make_exclusive
from ..network.prompt_encoder import PAD
from ..network.sam2 import Sam2Model, SelectedMask
from ..network.transforms import mask_to_input
from .frame_encoder import FrameEncoder
from .memory_bank import MemoryBank, MemoryEntry, make_entries
from .policies import MemoryPolicy, MemorySelection


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

    def bank(self, obj: int) -> MemoryBank:
        """Get an object's memory bank, a new one if it is not known."""
        if obj not in self.banks:
            self.banks[obj] = self.new_bank()
        return self.banks[obj]

    def new_bank(self) -> MemoryBank:
        """Make an empty memory bank."""
        return MemoryBank(self.policy, skips_frames=self.frames.is_live)

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
        groups: dict[tuple[int, int], dict[int, MemorySelection]] = defaultdict(dict)
        for obj in objs:
            bank = self.banks[obj]
            bank.drop_corrected_spans()
            if frame not in bank.conditioning:
                selection = bank.select(frame, reverse=reverse)
                groups[selection.layout][obj] = selection
        tracked: dict[int, MemoryEntry] = {}
        for selections in groups.values():
            predict = partial(self._predict, frame, selections, reverse=reverse)
            for entries in self.batcher.map(predict, list(selections)):
                tracked.update(entries)
        # Which pixels an object may keep is known only when all are predicted.
        logits = {obj: entry.require_logits() for obj, entry in tracked.items()}
        if self.exclusive_memory:
            logits = self.exclusive_logits(frame, logits)
        for selections in groups.values():
            store = partial(self._store, frame, tracked, logits, reverse=reverse)
            for _ in self.batcher.map(store, list(selections)):
                pass

    def _predict(
        self,
        frame: int,
        selections: Mapping[int, MemorySelection],
        objs: Sequence[int],
        *,
        reverse: bool,
    ) -> dict[int, MemoryEntry]:
        """Predict the masks of some objects, whose selections have one layout."""
        model, n = self.model, len(objs)
        chosen = [(self.banks[obj], selections[obj]) for obj in objs]
        self.encode_pending(chosen)
        features = self.frames.fetch(frame, reverse=reverse)
        with model.runtime.inference():
            output = model.decode_masks(
                self.condition(features.s16, chosen),
                features.s8,
                features.s4,
                points_np2=torch.zeros(n, 1, 2, device=model.device),
                labels_np=torch.full((n, 1), PAD, device=model.device),
            )
            entries = make_entries(model.select_mask(output, multimask=True))
        return dict(zip(objs, entries, strict=True))

    def _store(
        self,
        frame: int,
        tracked: Mapping[int, MemoryEntry],
        logits: Mapping[int, Tensor],
        objs: Sequence[int],
        *,
        reverse: bool,
    ) -> None:
        """Encode and store the memories of some of the objects tracked onto a frame."""
        entries = [tracked[obj] for obj in objs]
        self._encode(frame, entries, [logits[obj] for obj in objs], binarize=False)
        for obj, entry in zip(objs, entries, strict=True):
            self.banks[obj].track(frame, entry, reverse=reverse)

    def condition(
        self, s16_nchw: Tensor, chosen: Sequence[tuple[MemoryBank, MemorySelection]]
    ) -> Tensor:
        """Condition features on what N objects' banks selected; the layouts are equal.

        Parameters
        ----------
        s16_nchw : (1, C, h, w) features of the frame.
        chosen : each object's bank and selection, whose memories are encoded.

        Returns
        -------
        (N, C, h, w).
        """
        model, device = self.model, self.model.device
        if not chosen[0][1].memories:
            return model.add_no_memory_embed(s16_nchw).expand(len(chosen), -1, -1, -1)
        memories, pointers = [], []
        for bank, selection in chosen:
            maps = [bank.require(t).require_memory() for _, t in selection.memories]
            memories.append(torch.cat(maps))
            tokens = [bank.require(t).pointer for _, t in selection.pointers]
            none = s16_nchw.new_zeros(0, model.config.hidden_dim)
            pointers.append(torch.cat(tokens) if tokens else none)
        slots = [[slot for slot, _ in selection.memories] for _, selection in chosen]
        distances = [[float(d) for d, _ in selection.pointers] for _, selection in chosen]
        # Distances are scaled by the farthest pointer, as in the official predictor.
        longest = max(min(self.frames.max_frames, model.config.max_pointers) - 1, 1)
        return model.condition_on_memory(
            s16_nchw,
            torch.stack(memories),
            torch.tensor(slots, device=device),
            torch.stack(pointers),
            torch.tensor(distances, device=device) / longest,
        )

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
                    mask = entry.remembered_as * 2.0 - 1.0
                    self._encode(t, [entry], [mask], binarize=True)

    def _encode(
        self,
        frame: int,
        entries: Sequence[MemoryEntry],
        logits: Sequence[Tensor],
        *,
        binarize: bool,
    ) -> None:
        """Encode (1, 1, h, w) logits as the memory maps of a frame's entries."""
        model = self.model
        size = (model.config.image_size, model.config.image_size)
        with model.runtime.inference():
            memories = model.encode_memory(
                self.frames[frame].s16,
                F.interpolate(torch.cat(list(logits)), size, mode="bilinear", align_corners=False),
                torch.cat([entry.object_score for entry in entries]),
                binarize=binarize,
            ).to(model.runtime.memory_dtype)
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
                every[obj] = entry.logits
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
            entry.remembered_as = mask_to_input(mask.astype(bool), config.image_size, device)
        elif entry.remembered_as is not None:
            entry.remembered_as = None
        else:
            return
        entry.memory = None
