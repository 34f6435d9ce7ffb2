"""Counts of what a GPU would be asked to do, taken on the CPU as operations are dispatched."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

_FREE = {
    "aten._unsafe_view.default",
    "aten._reshape_alias.default",
    "aten.detach.default",
    "aten.lift_fresh.default",
    "aten.set_.source_Storage",
}
"""Operations that are no kernel, besides views and new tensors without values."""
_DATA_DEPENDENT = ("_local_scalar_dense", "nonzero", "masked_select", "unique", "is_nonzero")
"""Operations whose result the host waits for."""
_TO_HOST = ("item", "tolist", "cpu", "__bool__", "__float__", "__int__", "__index__")
"""Methods that bring values of tensors to the host; `numpy` takes what is there."""


@dataclass
class Counts:
    """What was dispatched."""

    launches: Counter[str] = field(default_factory=Counter)
    """Operations that compute or copy, by name; one is one kernel at least."""
    syncs: Counter[str] = field(default_factory=Counter)
    """Times that the host waits for values, by how."""
    weight_casts: int = 0
    """Conversions of parameters to another type."""
    host_bytes: int = 0
    """Bytes that are brought to the host."""

    @property
    def num_launches(self) -> int:
        return sum(self.launches.values())

    @property
    def num_syncs(self) -> int:
        return sum(self.syncs.values())


@contextmanager
def counting(parameters: Iterable[Tensor] = ()) -> Generator[Counts, None, None]:
    """Count what the block dispatches.

    Parameters
    ----------
    parameters : whose conversions are weight casts.
    """
    counts = Counts()
    with _Methods(counts), _Operations(counts, {_storage(p) for p in parameters}):
        yield counts


class _Operations(TorchDispatchMode):
    def __init__(self, counts: Counts, weights: set[int]) -> None:
        super().__init__()
        self._counts, self._weights = counts, weights

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        if _is_composite(func):
            with self:
                return func._op_dk(_COMPOSITE, *args, **kwargs)
        name = str(func)
        if any(part in name for part in _DATA_DEPENDENT) or _has_boolean_index(name, args):
            self._counts.syncs[name] += 1
        if name.startswith("aten._to_copy") and _storage(args[0]) in self._weights:
            self._counts.weight_casts += 1
        if not (func.is_view or name in _FREE or "empty" in name or "_local_scalar" in name):
            self._counts.launches[name] += 1
        return func(*args, **kwargs)


_COMPOSITE = torch._C.DispatchKey.CompositeImplicitAutograd
_KEPT = {torch.ops.aten.scaled_dot_product_attention.default}
"""One kernel, whichever is chosen."""


def _is_composite(func: Any) -> bool:
    """Whether an operation is only made of others."""
    if func in _KEPT:
        return False
    return torch._C._dispatch_has_kernel_for_dispatch_key(func.name(), _COMPOSITE)


class _Methods(TorchFunctionMode):
    """Sees what no operation is dispatched for on a CPU, where values are at hand."""

    def __init__(self, counts: Counts) -> None:
        super().__init__()
        self._counts = counts

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        name = getattr(func, "__name__", "")
        if name in _TO_HOST and args and isinstance(args[0], Tensor):
            # An item dispatches too, and is counted there.
            if name in ("tolist", "cpu"):
                self._counts.syncs[name] += 1
            self._counts.host_bytes += args[0].nbytes
        return func(*args, **(kwargs or {}))


def _has_boolean_index(name: str, args: tuple[Any, ...]) -> bool:
    if not name.startswith(("aten.index.", "aten.index_put")):
        return False
    return any(i is not None and i.dtype in (torch.bool, torch.uint8) for i in args[1])


def _storage(tensor: Tensor) -> int:
    return tensor.untyped_storage()._cdata
