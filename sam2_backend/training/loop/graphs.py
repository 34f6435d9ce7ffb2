"""Gradients by CUDA graphs: the kernels of a step are recorded once and replayed.

A training step of a small network is thousands of short kernels, which the host cannot launch as
fast as a GPU runs them. Its operations follow from its plan and the shapes of its batch alone (see
`plans.py`), so that its forward and backward pass are one graph for each of these.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Hashable, Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn

from ...kernels.graphs import Capture, GraphedFunction, capture_cuda_graph
from ..data.batches import Batch
from ..tasks.task import StepResult

_LOSS_TOLERANCE, _NORM_TOLERANCE = 0.05, 0.1
"""By how much a replay may differ from the same step without a graph, as shares: bfloat16 and
sums in no fixed order make some difference."""

Compute = Callable[[Batch, Any], StepResult]


class _Layout(NamedTuple):
    """What the tensors of a step are: its loss, then measures, then gradients."""

    measures: tuple[str, ...]
    has_gradient: tuple[bool, ...]
    """Of each parameter."""


class GraphedGradients:
    """Compute gradients, from the third step of a kind on by replaying a graph.

    Each graph is checked when it is recorded: where it does not give the gradients that the step
    gives without it, or cannot be recorded, a warning says so and graphs are not used again.

    Parameters
    ----------
    compute : leaves gradients in the parameters, having cleared them first. It must not read
        values of the device.
    parameters : that are trained.
    device : that computes.
    capture : see `GraphedFunction`.
    """

    def __init__(
        self,
        compute: Compute,
        parameters: Iterable[nn.Parameter],
        device: torch.device,
        *,
        capture: Capture | None = None,
    ) -> None:
        self._compute, self._parameters = compute, list(parameters)
        self._layouts: dict[Hashable, _Layout] = {}
        """By plan."""
        self._pool: Any = None
        self._graphed = GraphedFunction(
            self._run,
            device,
            capture=partial(self._record, capture or self._capture),
            max_graphs=sys.maxsize,
            copies_results=False,
        )

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
        loss, *others = self._graphed(*batch, variant=(plan,))
        layout = self._layouts[plan]
        gradients = iter(others[len(layout.measures) :])
        for parameter, has_gradient in zip(self._parameters, layout.has_gradient, strict=True):
            parameter.grad = next(gradients) if has_gradient else None
        # The next replay overwrites them.
        measures = zip(layout.measures, (one.clone() for one in others), strict=False)
        return StepResult(loss.clone(), dict(measures))

    @property
    def num_graphs(self) -> int:
        """Number of graphs that were recorded."""
        return self._graphed.num_graphs

    def clear(self) -> None:
        """Drop all graphs, e.g. because another stage begins, and free their memory."""
        self._graphed.clear()
        self._layouts.clear()
        self._pool = None
        for parameter in self._parameters:
            parameter.grad = None

    def _run(self, *given: Any) -> Sequence[Tensor]:
        """Compute a step without a graph, from a batch and its plan: see `_Layout`."""
        *batch, (plan,) = given
        result = self._compute(cast("Batch", tuple(batch)), plan)
        gradients = [parameter.grad for parameter in self._parameters]
        has_gradient = tuple(one is not None for one in gradients)
        self._layouts[plan] = _Layout(tuple(result.measures), has_gradient)
        values = (result.loss, *result.measures.values())
        return [one.detach() for one in values] + [one for one in gradients if one is not None]

    def _record(
        self, capture: Capture, function: Callable[[], Sequence[Tensor]]
    ) -> tuple[Callable[[], object], Sequence[Tensor]]:
        """Capture a step, and check what it gives.

        Raises
        ------
        RuntimeError
            When a replay gives other gradients.
        """
        seed = torch.initial_seed()
        torch.manual_seed(seed)
        expected = self._summarize(function())
        replay, results = capture(function)
        torch.manual_seed(seed)
        replay()
        found = self._summarize(results)
        torch.manual_seed(seed)
        tolerances = _LOSS_TOLERANCE, _NORM_TOLERANCE
        pairs = zip(expected, found, tolerances, strict=True)
        if not all(math.isclose(*pair, rel_tol=share, abs_tol=1e-4) for *pair, share in pairs):
            raise RuntimeError(
                f"it gave loss and gradient {found}, where the step without it gave {expected}"
            )
        return replay, results

    def _capture(
        self, function: Callable[[], Sequence[Tensor]]
    ) -> tuple[Callable[[], object], Sequence[Tensor]]:
        # Graphs share their memory: none runs beside another, and the optimizer has used what one
        # leaves before the next.
        if self._pool is None:
            self._pool = torch.cuda.graph_pool_handle()
        return capture_cuda_graph(function, warm_ups=0, pool=self._pool)

    def _summarize(self, results: Sequence[Tensor]) -> tuple[float, float]:
        """Return loss and norm of the gradient."""
        num_gradients = sum(parameter.grad is not None for parameter in self._parameters)
        gradients = results[len(results) - num_gradients :]
        norm = torch.stack([one.norm() for one in gradients]).norm()
        return float(results[0]), float(norm)
