"""One step of tracking as a function of tensors: no loop over objects, no value on the host."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from ..kernels.graphs import Capture
from ..kernels.transfer import copy_to_device
from ..masks.postprocessing import make_exclusive
from ..network.sam2 import ImageFeatures, Sam2Model, SelectedMask
from .graphed import graph_of
from .memory_bank import MemoryBank
from .policies import MemorySelection

_POINTER_MULTIPLE = 4
"""Where objects differ pointers are filled up to a multiple: attention with a mask wants numbers
of keys that GPUs like."""


class MemoryInputs(NamedTuple):
    """What N objects attend to on a frame, filled up to one shape.

    Objects of different histories are one batch: what only fills up is not valid.
    """

    memories_nmdhw: Tensor
    """(N, M, D, h, w) memory maps."""
    slots_nm: Tensor
    """(N, M) integers that choose the temporal position of memories."""
    pointers_npc: Tensor
    """(N, P, C) object pointers."""
    distances_np: Tensor
    """(N, P) distances of pointers in time, scaled."""
    valid_nm: Tensor | None
    valid_np: Tensor | None
    """(N, M) and (N, P) bool; None where all are valid."""


def gather_inputs(
    model: Sam2Model,
    chosen: Sequence[tuple[MemoryBank, MemorySelection]],
    *,
    max_distance: int,
) -> MemoryInputs:
    """Gather what the banks of N objects selected, by a copy each of maps, pointers and numbers.

    Parameters
    ----------
    model : for its device.
    chosen : each object's bank and selection of one memory at least, whose memories are encoded.
    max_distance : by which distances are scaled.
    """
    hidden_dim = model.config.hidden_dim
    num_memories = max(len(selection.memories) for _, selection in chosen)
    num_pointers = max(len(selection.pointers) for _, selection in chosen)
    are_alike = len({selection.layout for _, selection in chosen}) == 1
    nothing = torch.empty(0)
    if not are_alike:
        num_pointers += -num_pointers % _POINTER_MULTIPLE
        nothing = torch.zeros(num_pointers, hidden_dim, device=model.device)
    memories: list[Tensor] = []
    pointers: list[Tensor] = []
    numbers: list[list[float]] = []
    for bank, selection in chosen:
        slots = [float(slot) for slot, _ in selection.memories]
        distances = [distance / max_distance for distance, _ in selection.pointers]
        own = [bank.require(t).require_memory() for _, t in selection.memories]
        if selection.weights:
            own = [weight * map_ for weight, map_ in zip(selection.weights, own, strict=True)]
        tokens = [bank.require(t).pointer for _, t in selection.pointers]
        more, further = num_memories - len(own), num_pointers - len(tokens)
        memories += own + own[:1] * more
        pointers += [*tokens, nothing[:further]] if further else tokens
        valid = [1.0] * len(slots) + [0.0] * more + [1.0] * len(distances) + [0.0] * further
        numbers.append([*slots, *[0.0] * more, *distances, *[0.0] * further, *valid])
    n, m, p = len(chosen), num_memories, num_pointers
    packed = copy_to_device(torch.tensor(numbers), model.device)
    slots_nm, distances_np, valid_nm, valid_np = packed.split((m, p, m, p), dim=1)
    return MemoryInputs(
        torch.cat(memories).unflatten(0, (n, m)),
        slots_nm.long(),
        torch.cat(pointers).view(n, p, hidden_dim) if p else packed.new_zeros(n, 0, hidden_dim),
        distances_np,
        None if are_alike else valid_nm > 0,
        None if are_alike else valid_np > 0,
    )


def predict_masks(model: Sam2Model, features: ImageFeatures, inputs: MemoryInputs) -> SelectedMask:
    """Condition a frame's features on memory, decode masks and select one an object.

    Parameters
    ----------
    features : of the frame, one row.
    inputs : of N objects.
    """
    conditioned = model.condition_on_memory(features.s16, *inputs)
    output = model.decode_tracked(conditioned, features.s8, features.s4)
    return model.select_mask(output, multimask=True)


def encode_memories(
    model: Sam2Model,
    s16_nchw: Tensor,
    logits_n1hw: Tensor,
    object_score_n1: Tensor,
    *,
    binarize: bool,
) -> Tensor:
    """Encode memories as they are kept, (N, D, h, w); see `Sam2Model.encode_memory`.

    Parameters
    ----------
    logits_n1hw : (N, 1, h, w) of any size.
    """
    size = (model.config.image_size, model.config.image_size)
    resized = F.interpolate(logits_n1hw, size, mode="bilinear", align_corners=False)
    memories = model.encode_memory(s16_nchw, resized, object_score_n1, binarize=binarize)
    return memories.to(model.runtime.memory_dtype)


def run_track_step(
    model: Sam2Model, features: ImageFeatures, inputs: MemoryInputs, *, exclusive: bool
) -> tuple[SelectedMask, Tensor]:
    """Track N objects onto a frame: condition, decode, select, and encode what is remembered.

    Parameters
    ----------
    features : of the frame, one row.
    inputs : what the objects attend to.
    exclusive : whether objects are remembered without the pixels of which others have more.

    Returns
    -------
    selected, memories_ndhw
        The masks, of which none excludes another, and (N, D, h, w) memory maps.
    """
    selected = predict_masks(model, features, inputs)
    logits = selected.logits_n1hw.float()
    remembered = make_exclusive(logits) if exclusive else logits
    memories = encode_memories(
        model, features.s16, remembered, selected.object_score_n1.float(), binarize=False
    )
    return selected, memories


class TrackStep:
    """`run_track_step`, on CUDA devices as a graph where shapes recur.

    Parameters
    ----------
    model : the network.
    capture : see `GraphedFunction`.
    """

    def __init__(self, model: Sam2Model, *, capture: Capture | None = None) -> None:
        self._functions = {
            exclusive: graph_of(model, partial(_step, model, exclusive), capture)
            for exclusive in (False, True)
        }

    def __call__(
        self, features: ImageFeatures, inputs: MemoryInputs, *, exclusive: bool
    ) -> tuple[SelectedMask, Tensor]:
        """Track N objects onto a frame; see `run_track_step`."""
        *selected, memories = self._functions[exclusive](*features, *inputs)
        return SelectedMask(*selected), memories

    @property
    def num_graphs(self) -> int:
        """Graphs that are kept."""
        return sum(function.num_graphs for function in self._functions.values())


def _step(model: Sam2Model, exclusive: bool, *tensors: Any) -> tuple[Tensor, ...]:
    features, inputs = ImageFeatures(*tensors[:3]), MemoryInputs(*tensors[3:])
    selected, memories = run_track_step(model, features, inputs, exclusive=exclusive)
    return *selected, memories
