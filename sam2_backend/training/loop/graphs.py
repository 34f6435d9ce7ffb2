"""Gradients by CUDA graphs: the kernels of a step are recorded once and replayed.

A training step of a small network is thousands of short kernels, which the host cannot launch as
fast as a GPU runs them. Its operations follow from its plan and the shapes of its batch alone (see
`plans.py`), so that its forward and backward pass are one graph for each of these.
"""

from __future__ import annotations

import math
import warnings
from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ..data.batches import Batch
from ..tasks.task import StepResult

_EAGER_FIRST = 2
"""Steps of a kind before it is recorded: they warm up libraries and the memory allocator."""
_LOSS_TOLERANCE, _NORM_TOLERANCE = 0.05, 0.1
"""By how much a replay may differ from the same step without a graph, as shares: bfloat16 and
sums in no fixed order make some difference."""

Compute = Callable[[Batch, Any], StepResult]


@dataclass(frozen=True)
class _Recorded:
    graph: torch.cuda.CUDAGraph
    batch: Batch
    """Inputs that a replay reads."""
    result: StepResult
    gradients: list[Tensor | None]


class GraphedGradients:
    """Compute gradients, from the third step of a kind on by replaying a graph.

    Each graph is checked when it is recorded: where it does not give the gradients that the step
    gives without it, or cannot be recorded, a warning says so and graphs are not used again.

    Parameters
    ----------
    compute : leaves gradients in the parameters, having cleared them first. It must not read
        values of the device.
    parameters : that are trained.
    """

    def __init__(self, compute: Compute, parameters: Iterable[nn.Parameter]) -> None:
        self._compute, self._parameters = compute, list(parameters)
        self._recorded: dict[Hashable, _Recorded] = {}
        self._seen: Counter[Hashable] = Counter()
        self._inputs: dict[Hashable, Batch] = {}
        """Inputs of replays, by shape: graphs of different plans share them."""
        self._pool: Any = None
        self._is_disabled = False

    def __call__(self, batch: Batch, plan: Hashable) -> StepResult:
        """Compute gradients of a batch, in the parameters.

        Parameters
        ----------
        batch : on the device.
        plan : steps of equal plans and shapes share a graph.

        Returns
        -------
        StepResult
            Loss and measures.
        """
        key = (plan, *(tuple(part.shape) for part in batch))
        self._seen[key] += 1
        if self._is_disabled or self._seen[key] <= _EAGER_FIRST:
            return self._compute(batch, plan)
        if key not in self._recorded:
            seed = torch.cuda.initial_seed()
            recorded = self._record(batch, plan, seed)
            torch.cuda.manual_seed(seed)
            if recorded is None:
                self.clear()
                self._is_disabled = True
                return self._compute(batch, plan)
            self._recorded[key] = recorded
        return self._replay(self._recorded[key], batch)

    @property
    def num_graphs(self) -> int:
        """Number of graphs that were recorded."""
        return len(self._recorded)

    def clear(self) -> None:
        """Drop all graphs, e.g. because another stage begins, and free their memory."""
        self._recorded.clear()
        self._seen.clear()
        self._inputs.clear()
        self._pool = None
        for parameter in self._parameters:
            parameter.grad = None

    def _record(self, batch: Batch, plan: Hashable, seed: int) -> _Recorded | None:
        torch.cuda.manual_seed(seed)
        expected = _summary(self._compute(batch, plan), self._parameters)
        try:
            if self._pool is None:
                self._pool = torch.cuda.graph_pool_handle()
            graph = torch.cuda.CUDAGraph()
            shapes = tuple(tuple(part.shape) for part in batch)
            inputs = self._inputs.setdefault(shapes, (batch[0].clone(), batch[1].clone()))
            for own, given in zip(inputs, batch, strict=True):
                own.copy_(given)
            # Graphs share their memory: none runs beside another, and what one leaves is taken
            # out before the next.
            # Other threads, such as one that loads data, may use the device meanwhile.
            mode = "thread_local"
            with torch.cuda.graph(graph, pool=self._pool, capture_error_mode=mode):
                result = self._compute(inputs, plan)
                result = StepResult(result.loss.detach(), result.measures)
            gradients = [parameter.grad for parameter in self._parameters]
            recorded = _Recorded(graph, inputs, result, gradients)
            torch.cuda.manual_seed(seed)
            found = _summary(self._replay(recorded, batch), self._parameters)
        except torch.cuda.OutOfMemoryError:
            raise
        except RuntimeError as error:
            warnings.warn(
                f"This step cannot be a CUDA graph ({error}): going on without.", stacklevel=4
            )
            return None
        tolerances = _LOSS_TOLERANCE, _NORM_TOLERANCE
        pairs = zip(expected, found, tolerances, strict=True)
        if not all(math.isclose(*pair, rel_tol=share, abs_tol=1e-4) for *pair, share in pairs):
            warnings.warn(
                f"A CUDA graph gave loss and gradient {found}, where the step without it gave "
                f"{expected}: going on without.",
                stacklevel=4,
            )
            return None
        return recorded

    def _replay(self, recorded: _Recorded, batch: Batch) -> StepResult:
        for held, given in zip(recorded.batch, batch, strict=True):
            held.copy_(given, non_blocking=True)
        recorded.graph.replay()
        for parameter, gradient in zip(self._parameters, recorded.gradients, strict=True):
            parameter.grad = gradient
        return _detached(recorded.result)


def _detached(result: StepResult) -> StepResult:
    """Copy the result of a step, which the next replay would overwrite."""
    measures = {name: value.detach().clone() for name, value in result.measures.items()}
    return StepResult(result.loss.detach().clone(), measures)


def _summary(result: StepResult, parameters: list[nn.Parameter]) -> tuple[float, float]:
    """Return loss and norm of the gradient."""
    norms = [parameter.grad.norm() for parameter in parameters if parameter.grad is not None]
    return float(result.loss.detach()), float(torch.stack(norms).norm())
