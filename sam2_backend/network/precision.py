"""Layers whose weights are kept in the precision that the network predicts in.

Parameters stay in float32: they are what is trained, averaged and saved. What prediction multiplies
with is cast, or computed from several of them, once, until a parameter changes.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

T = TypeVar("T")


class PrecisionModule(nn.Module):
    """A module that knows what precision it predicts in."""

    compute_dtype: torch.dtype = torch.float32
    """Of matrix products and convolutions in inference mode; see `set_compute_dtype`."""

    def derive(self, name: str, compute: Callable[[], T], *sources: Tensor) -> T:
        """Compute tensors from parameters: once without gradients, in the precision of `weights`.

        Parameters
        ----------
        name : of the result, one of this module's.
        compute : computes it, a tensor or a tuple of them.
        sources : all parameters that it depends on, one at least.
        """
        if torch.is_grad_enabled():
            return compute()
        dtype = self.compute_dtype if is_predicting() else torch.float32
        if torch.compiler.is_compiling():
            return _cast(compute(), dtype)
        key = dtype, *map(stamp, sources)
        cache: dict[str, tuple[Any, Any]] = self.__dict__.setdefault("_derived", {})
        cached = cache.get(name)
        if cached is None or cached[0] != key:
            with _without_autocast(sources):
                cached = cache[name] = key, _cast(compute(), dtype)
        return cached[1]


def weights_state(tensors: Sequence[Tensor]) -> Hashable:
    """Identify the present values of parameters and buffers, as `stamp` does, but faster."""
    try:
        versions = [tensor._version for tensor in tensors]
    except RuntimeError:  # some were made in inference mode, where there is none
        return tuple(map(stamp, tensors))
    return tuple([tensor.data_ptr() for tensor in tensors]), tuple(versions)


def derived_tensors(network: nn.Module) -> list[Any]:
    """List what was computed from parameters, for whoever must keep it alive."""
    return [dict(module.__dict__.get("_derived", {})) for module in network.modules()]


def is_predicting() -> bool:
    """Whether `compute_dtype` counts: in inference mode, not in training, nor beside it."""
    if torch.compiler.is_compiling():
        return not torch.is_grad_enabled()
    return torch.is_inference_mode_enabled()


def set_compute_dtype(network: nn.Module, dtype: torch.dtype) -> None:
    """Choose the precision in which all modules of a network predict."""
    for module in network.modules():
        if isinstance(module, PrecisionModule):
            module.compute_dtype = dtype


def _without_autocast(sources: tuple[Tensor, ...]) -> AbstractContextManager[Any]:
    kind = sources[0].device.type
    if kind == "meta" or not torch.is_autocast_enabled(kind):
        return nullcontext()
    return torch.autocast(kind, enabled=False)


def _cast(value: Any, dtype: torch.dtype) -> Any:
    if isinstance(value, tuple):
        return tuple(one.to(dtype) for one in value)
    return value.to(dtype)


def stamp(parameter: Tensor) -> tuple[int, int]:
    """Identify the values of a parameter: those of another storage or version are others."""
    version = 0 if parameter.is_inference() else parameter._version
    return parameter.data_ptr(), version


class Linear(nn.Linear, PrecisionModule):
    """A linear layer."""

    def forward(self, input: Tensor) -> Tensor:
        """Transform (..., in_features) to (..., out_features)."""
        if self.compute_dtype is input.dtype is torch.float32 or not is_predicting():
            return super().forward(input)
        return F.linear(input.to(self.compute_dtype), *self.weights())

    def weights(self) -> tuple[Tensor, Tensor]:
        """Get weight (out, in) and bias (out,), in the precision of prediction."""
        return _weights(self)


class Conv2d(nn.Conv2d, PrecisionModule):
    """A two-dimensional convolution."""

    def forward(self, input: Tensor) -> Tensor:
        """Convolve (B, C, H, W)."""
        if self.compute_dtype is input.dtype is torch.float32 or not is_predicting():
            return super().forward(input)
        return self._conv_forward(input.to(self.compute_dtype), *self.weights())

    def weights(self) -> tuple[Tensor, Tensor]:
        """Get weight (out, in, h, w) and bias (out,), in the precision of prediction."""
        return _weights(self)


class LayerNorm(nn.LayerNorm, PrecisionModule):
    """A layer norm: sums are in float32, input and output in any precision."""

    def forward(self, input: Tensor) -> Tensor:
        """Normalise the last dimension."""
        if input.dtype is torch.float32 or not is_predicting():
            return super().forward(input)
        # GPUs take weights of the input's type only.
        return F.layer_norm(input, self.normalized_shape, *_weights(self), self.eps)


def _weights(layer: PrecisionModule) -> tuple[Tensor, Tensor]:
    weight, bias = layer.get_parameter("weight"), layer.get_parameter("bias")
    if layer.compute_dtype is torch.float32 or not is_predicting():
        return weight, bias
    return layer.derive("weights", lambda: (weight, bias), weight, bias)
