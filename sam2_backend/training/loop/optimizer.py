"""Optimizer, learning rate, average of weights, and recomputed activations."""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Generator
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from ...network.hiera import Block
from ...network.mask_decoder import TwoWayBlock
from ...network.memory_attention import MemoryAttentionLayer
from ..tasks.task import Stage

PARTS = {
    "image_encoder": ("image_encoder.",),
    "prompt_encoder": ("sam_prompt_encoder.",),
    "mask_decoder": ("sam_mask_decoder.",),
    "memory": (
        "memory_attention.",
        "memory_encoder.",
        "mask_downsample.",
        "obj_ptr_",
        "maskmem_tpos_enc",
        "no_mem_",
        "no_obj_",
    ),
}
"""Parts of `Sam2Model` that can be trained alone, by prefixes of their parameters' names. The
memory's include object pointers and the embeddings of a missing memory or object."""

_TRUNK_BLOCK = re.compile(r"(?:^|\.)trunk\.blocks\.(\d+)\.")


@dataclass(frozen=True)
class OptimizerConfig:
    """Settings of AdamW, and the parts that are trained."""

    parts: tuple[str, ...] = ()
    """Names out of `PARTS`; empty trains everything."""
    encoder_rate: float = 1.0
    """Factor on the image encoder's learning rate."""
    layer_decay: float = 1.0
    """Factor from each block of the image encoder's trunk to the one before it, so that early
    blocks learn slowest (Clark et al. 2020); patches and positions count as one more block."""
    weight_decay: float = 0.02
    """Of parameters with more than one dimension."""
    betas: tuple[float, float] = (0.9, 0.98)
    clip_norm: float = 1.0
    """Largest norm of the gradient."""

    def __post_init__(self) -> None:
        unknown = sorted(set(self.parts) - PARTS.keys())
        if unknown:
            raise ValueError(f"Unknown parts {unknown}: choose from {sorted(PARTS)}.")


def build_optimizer(
    network: nn.Module, options: OptimizerConfig, aux_head: nn.Module | None = None
) -> tuple[torch.optim.AdamW, list[float]]:
    """Make an AdamW of the parts that are trained, and freeze the others.

    Parameters
    ----------
    network : whose parameters are grouped by weight decay and rate.
    options : which parts learn, and how fast.
    aux_head : trained too, at the full rate, without weight decay.

    Returns
    -------
    optimizer, rate_shares : and for each of its groups the factor on the learning rate.

    Raises
    ------
    ValueError
        When the network has none of the parts.
    """
    prefixes = tuple(name for part in options.parts for name in PARTS[part])
    blocks = [int(m[1]) for n, _ in network.named_parameters() if (m := _TRUNK_BLOCK.search(n))]
    depth = max(blocks, default=-1) + 1
    groups: dict[tuple[bool, float], list[nn.Parameter]] = {}
    for decays in (True, False):
        for name, parameter in network.named_parameters():
            learns = not options.parts or name.startswith(prefixes)
            parameter.requires_grad_(learns)
            if learns and (parameter.ndim > 1) == decays:
                scale = _scale(name, depth, options)
                groups.setdefault((decays, scale), []).append(parameter)
    if not groups:
        raise ValueError(f"Nothing to train: the network has none of the parts {options.parts}.")
    shares = [scale for _, scale in groups]
    settings: list[dict[str, Any]] = [
        {"params": parameters, "weight_decay": options.weight_decay if decays else 0.0}
        for (decays, _), parameters in groups.items()
    ]
    if aux_head is not None:
        settings.append({"params": list(aux_head.parameters()), "weight_decay": 0.0})
        shares.append(1.0)
    optimizer = torch.optim.AdamW(
        settings,
        lr=1e-3,
        betas=options.betas,
        fused=True,
    )
    return optimizer, shares


def _scale(name: str, depth: int, options: OptimizerConfig) -> float:
    trunk = "trunk." in name
    if not trunk and not name.startswith("image_encoder."):
        return 1.0
    block = _TRUNK_BLOCK.search(name)
    above = depth - int(block[1]) if block else depth + 1
    return options.encoder_rate * options.layer_decay ** (above if trunk else 0)


def compute_learning_rate(stage: Stage, step: int, progress: float | None = None) -> float:
    """Compute the learning rate of a step: a linear warm-up times a cosine.

    Parameters
    ----------
    stage : its rates and warm-up.
    step : of the stage, from 0.
    progress : share of the stage that is over, where that is not told by its steps.
    """
    if progress is None:
        progress = step / max(stage.steps, 1)
    cosine = stage.final_rate + (1 - stage.final_rate) * 0.5 * (1 + math.cos(math.pi * progress))
    return stage.learning_rate * cosine * min(1.0, (step + 1) / stage.warm_up)


@contextlib.contextmanager
def recompute_activations(network: nn.Module) -> Generator[None, None, None]:
    """Recompute the activations of attention blocks in the backward pass, within the context.

    They are not kept (Chen et al. 2016), which takes a third more time and much less memory.
    """
    kinds = (Block, MemoryAttentionLayer, TwoWayBlock)
    blocks = [module for module in network.modules() if isinstance(module, kinds)]
    for block in blocks:
        block.forward = partial(
            checkpoint, block.forward, use_reentrant=False, preserve_rng_state=False
        )
    try:
        yield
    finally:
        for block in blocks:
            del block.forward  # the class has it


class EMA:
    """Exponential moving average of a network's weights.

    Parameters
    ----------
    network : whose state is averaged, starting from what it is.
    decay : share of the old average that is kept at each step.

    Attributes
    ----------
    state : the average, by the keys of the network's state dict.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.state: dict[str, Tensor] = {k: v.clone() for k, v in network.state_dict().items()}

    @torch.no_grad()
    def update(self, network: nn.Module, *, step: int | None) -> None:
        """Update the average with the weights after a step.

        Parameters
        ----------
        network : after the step.
        step : from 0, or None long after the start. Early steps weigh more, lest the random start
            stays in the average.
        """
        decay = self.decay if step is None else min(self.decay, (1 + step) / (10 + step))
        now = network.state_dict()
        # All in a few kernels: one for each would take longer to launch than to run.
        averaged = [self.state[key] for key in now]
        foreach_lerp: Any = getattr(torch, "_foreach_lerp_")  # noqa: B009
        foreach_lerp(averaged, list(now.values()), 1 - decay)


def skip_step_if_infinite(optimizer: torch.optim.Optimizer, norm: Tensor) -> None:
    """Let the next step of a fused optimizer change nothing where the gradient is not finite.

    The device decides, and the host does not wait.

    Parameters
    ----------
    optimizer : fused.
    norm : scalar, of the gradient.
    """
    found = (~norm.isfinite()).float()
    optimizer.grad_scale, optimizer.found_inf = None, found  # type: ignore[attr-defined]
