"""Tracks several objects onto a frame in one batch with one of transformers' video models.

The library runs one object after the other. Its memory attention and its mask decoder take a batch
all the same: here the inputs of each object are caught where they enter memory attention, put into
one batch, and what comes out is divided among the objects again.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from .decoder_hooks import hooks_of

MAX_BATCH = 16
"""Objects in a batch: masks at the network's resolution take 4 MB each."""

Entry = dict[str, Any]
"""What a session keeps of an object on a frame."""


class _AtMemoryAttentionError(Exception):
    """Carries what was about to go into memory attention."""

    def __init__(self, inputs: Mapping[str, Any]) -> None:
        super().__init__()
        self.inputs = inputs


def can_batch(model: Any) -> bool:
    """Whether a model has the parts that are called here, as those of transformers 5 have."""
    names = ("_prepare_memory_conditioned_features", "_single_frame_forward", "_use_multimask")
    return all(hasattr(model, name) for name in (*names, "_encode_new_memory", "memory_attention"))


@torch.inference_mode()
def track_together(
    model: Any, sessions: Sequence[Any], frame: int, *, reverse: bool
) -> list[Entry]:
    """Track the one object of each session onto a frame that none of them is prompted on.

    Parameters
    ----------
    model : one of transformers' video segmentation models, for which `can_batch` holds.
    sessions : inference sessions of one object each, of the same video and image features.

    Returns
    -------
    list of dict
        What the library would have stored of each, and "iou", the predicted IoU.
    """
    features, positions = model._prepare_vision_features(sessions[0], frame, 1)
    entries: list[Entry | None] = [None] * len(sessions)
    for group, inputs in _group(model, sessions, frame, features, positions, reverse).values():
        for n in range(0, len(group), MAX_BATCH):
            part = slice(n, n + MAX_BATCH)
            found = _track_group(model, sessions[0], frame, features, inputs[part])
            for index, entry in zip(group[part], found, strict=True):
                entries[index] = entry
    return [entry for entry in entries if entry is not None]


def _group(
    model: Any,
    sessions: Sequence[Any],
    frame: int,
    features: Sequence[Tensor],
    positions: Sequence[Tensor],
    reverse: bool,
) -> dict[Any, tuple[list[int], list[Mapping[str, Any]]]]:
    """Sessions by the shape of what they remember, and what goes into memory attention."""
    groups: dict[Any, tuple[list[int], list[Mapping[str, Any]]]] = {}

    def stop(_: object, __: object, inputs: dict[str, Any]) -> None:
        raise _AtMemoryAttentionError(inputs)

    with hooks_of(model) as handles:
        handles.append(model.memory_attention.register_forward_pre_hook(stop, with_kwargs=True))
        for index, session in enumerate(sessions):
            try:
                model._prepare_memory_conditioned_features(
                    inference_session=session,
                    frame_idx=frame,
                    obj_idx=0,
                    is_initial_conditioning_frame=False,
                    current_vision_features=features[-1],
                    current_vision_positional_embeddings=positions[-1],
                    num_total_frames=session.num_frames,
                    track_in_reverse_time=reverse,
                )
            except _AtMemoryAttentionError as reached:
                inputs = reached.inputs
                numbers = tuple(v for v in inputs.values() if isinstance(v, int))
                key = (inputs["memory"].shape, inputs["memory"].dtype, numbers)
                indices, batch = groups.setdefault(key, ([], []))
                indices.append(index)
                batch.append(inputs)
    return groups


def _track_group(
    model: Any,
    session: Any,
    frame: int,
    features: Sequence[Tensor],
    inputs: Sequence[Mapping[str, Any]],
) -> list[Entry]:
    """Run memory attention, mask decoder and memory encoder on objects of equal shapes."""
    size = len(inputs)
    together = {
        name: torch.cat([one[name] for one in inputs], dim=1)
        if isinstance(value, Tensor)
        else value
        for name, value in inputs[0].items()
    }
    conditioned_bsc = model.memory_attention(**together)[0]
    sizes = model.backbone_feature_sizes
    conditioned_bchw = conditioned_bsc.transpose(1, 2).reshape(size, -1, *sizes[-1])
    fine = [
        one.permute(1, 2, 0).reshape(1, -1, *size_hw).expand(size, -1, -1, -1)
        for one, size_hw in zip(features[:-1], sizes[:-1], strict=True)
    ]
    with _choosing_best(model, multimask=model._use_multimask(False, None)) as ious:
        outputs = model._single_frame_forward(
            image_embeddings=[*fine, conditioned_bchw], multimask_output=False
        )
    entries: list[Entry] = [
        {
            "pred_masks": outputs.pred_masks[n : n + 1],
            "object_pointer": outputs.object_pointer[n : n + 1],
            "object_score_logits": outputs.object_score_logits[n : n + 1],
            "iou": ious[0][n],
        }
        for n in range(size)
    ]
    _add_memories(model, session, frame, features[-1], outputs, entries)
    return entries


@contextmanager
def _choosing_best(model: Any, *, multimask: bool) -> Generator[list[Tensor], None, None]:
    """Let the mask decoder give the best of its masks for each object.

    The library's own choice among several takes one object at a time.
    """
    ious: list[Tensor] = []

    def ask(_: object, args: Any, kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        return args, {**kwargs, "multimask_output": multimask}

    def choose(_: object, __: object, output: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        masks, scores, tokens, visible = output
        best_b = scores[:, 0].argmax(dim=-1)
        every_b = torch.arange(len(best_b), device=best_b.device)
        ious.append(scores[every_b, 0, best_b])
        if tokens.shape[2] > 1:
            tokens = tokens[every_b, :, best_b][:, :, None]
        return masks[every_b, :, best_b][:, :, None], ious[0][:, None, None], tokens, visible

    with hooks_of(model) as handles:
        handles.append(model.mask_decoder.register_forward_pre_hook(ask, with_kwargs=True))
        handles.append(model.mask_decoder.register_forward_hook(choose))
        yield ious


def _add_memories(
    model: Any, session: Any, frame: int, features: Tensor, outputs: Any, entries: list[Entry]
) -> None:
    """Encode the memories of all objects, as the library does it: in one batch where it can."""
    count = range(len(entries))
    if hasattr(model, "_batch_encode_memories"):
        stored = {
            n: {"cond_frame_outputs": {}, "non_cond_frame_outputs": {frame: entries[n]}}
            for n in count
        }
        model._batch_encode_memories(
            inference_session=SimpleNamespace(cache=session.cache, output_dict_per_obj=stored),
            frame_idx=frame,
            objects_needing_memory_encoding=list(count),
            high_res_masks_for_memory=[outputs.high_res_masks[n : n + 1] for n in count],
            object_score_logits_for_memory=[entries[n]["object_score_logits"] for n in count],
            is_mask_from_pts_per_obj=[False] * len(entries),
        )
        return
    for n in count:
        entries[n]["maskmem_features"], entries[n]["maskmem_pos_enc"] = model._encode_new_memory(
            current_vision_feats=features,
            pred_masks_high_res=outputs.high_res_masks[n : n + 1],
            object_score_logits=entries[n]["object_score_logits"],
            is_mask_from_pts=False,
        )
