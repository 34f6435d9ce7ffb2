"""What transformers' video models keep to themselves of their mask decoder, by PyTorch's hooks.

Their `forward` returns one mask and no predicted IoU, takes no mask to refine, and chooses among
the masks of an ambiguous click itself. All of that passes through two modules that it calls.
"""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor
from torch.utils.hooks import RemovableHandle

_locks: WeakKeyDictionary[torch.nn.Module, threading.Lock] = WeakKeyDictionary()
"""A model that several widgets were given runs in several threads, and hooks are the model's."""
_locks_lock = threading.Lock()


@dataclass
class DecoderRun:
    """What the mask decoder said while it was watched."""

    logits_mhw: Tensor | None = None
    """(M, h, w) of the M masks that it was asked for; None where it did not run."""
    ious_m: Tensor | None = None
    """(M,) predicted IoU of each, 0..1."""
    chosen: int = 0
    """Which of them is the answer."""


@contextmanager
def watch_decoder(
    model: Any, *, logits_11hw: Tensor | None = None, candidate: int | None = None
) -> Generator[DecoderRun, None, None]:
    """Watch a model's mask decoder for one object on one frame.

    Parameters
    ----------
    model : one of transformers' video segmentation models.
    logits_11hw : (1, 1, h, w) mask logits to refine, if any.
    candidate : which mask of an ambiguous click to take; the one of the highest IoU if None.
    """
    run = DecoderRun()

    def refine(_: object, args: Any, kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        if logits_11hw is not None and kwargs.get("input_masks") is None:
            kwargs = {**kwargs, "input_masks": logits_11hw}
        return args, kwargs

    def record(_: object, __: object, output: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        masks, ious, tokens, score = output
        run.logits_mhw, run.ious_m = masks[0, 0], ious[0, 0]
        if masks.shape[2] == 1:
            return output
        run.chosen = int(run.ious_m.argmax()) if candidate is None else candidate
        ranks = torch.zeros_like(ious)
        ranks[..., run.chosen] = 1  # the model takes the largest
        return masks, ranks, tokens, score

    with hooks_of(model) as handles:
        handles.append(model.prompt_encoder.register_forward_pre_hook(refine, with_kwargs=True))
        handles.append(model.mask_decoder.register_forward_hook(record))
        yield run


@contextmanager
def hooks_of(model: Any) -> Generator[list[RemovableHandle], None, None]:
    """Hold a model alone, and remove the hooks that were added to the list at the end."""
    with _locks_lock:
        lock = _locks.setdefault(model, threading.Lock())
    handles: list[RemovableHandle] = []
    with lock:
        try:
            yield handles
        finally:
            for handle in handles:
                handle.remove()
