"""Steps that are replayed give the gradients of steps that are computed, on any device."""

from __future__ import annotations

from collections import Counter

import pytest
import torch
from torch import nn

from sam2_backend.kernels.graphs import CAPTURE_AT, repeat_in_place
from sam2_backend.training import StepResult
from sam2_backend.training.loop.graphs import GraphedGradients


class Steps:
    """A small network, of which a plan uses one part or both."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 4)
        self.parameters = [*self.first.parameters(), *self.second.parameters()]
        self.calls: Counter[object] = Counter()

    def compute(self, batch, plan) -> StepResult:
        self.calls[plan] += 1
        for parameter in self.parameters:
            parameter.grad = None
        rgb, masks = batch
        out = self.first(rgb)
        if plan == "both":
            out = self.second(out)
        error = (out - masks.float()) ** 2
        error.mean().backward()
        measures = {"most": error.max()} if plan == "both" else {}
        return StepResult(error.mean().detach(), measures)


def batch(seed: int, size: int = 3):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(size, 4, generator=generator), torch.rand(size, 4, generator=generator) > 0.5


def capture(function):
    """What a CPU can do: computing from the same places into the same places."""
    with torch.enable_grad():
        replay, results = repeat_in_place(function)

    def repeat():
        with torch.enable_grad():
            replay()

    return repeat, results


def gradients(steps: Steps) -> list[torch.Tensor | None]:
    return [None if p.grad is None else p.grad.clone() for p in steps.parameters]


def test_replays_give_the_gradients_of_steps():
    ours, expected = Steps(), Steps()
    graphed = GraphedGradients(ours.compute, ours.parameters, torch.device("cpu"), capture=capture)
    optimizers = [torch.optim.SGD(one.parameters, lr=0.1) for one in (ours, expected)]
    results = []
    for n in range(4 * CAPTURE_AT):
        plan, size = ("both", "one")[n % 2], 3 if n < 3 * CAPTURE_AT else 2
        found = graphed(batch(n, size), plan)
        wanted = expected.compute(batch(n, size), plan)
        results.append((found, wanted))
        for one, other in zip(gradients(ours), gradients(expected), strict=True):
            assert (one is None) == (other is None)
            assert one is None or torch.equal(one, other)
        for optimizer in optimizers:
            optimizer.step()
    assert graphed.num_graphs == 2
    for found, wanted in results:  # none was overwritten by a later one
        assert torch.equal(found.loss, wanted.loss)
        assert found.measures.keys() == wanted.measures.keys()
        assert all(
            torch.equal(found.measures[name], wanted.measures[name]) for name in wanted.measures
        )
    graphed.clear()
    assert graphed.num_graphs == 0 and all(p.grad is None for p in ours.parameters)


def test_a_graph_that_gives_something_else_is_not_used():
    steps, expected = Steps(), Steps()

    def wrong(function):
        replay, results = capture(function)

        def repeat():
            replay()
            results[-1].mul_(3)

        return repeat, results

    graphed = GraphedGradients(steps.compute, steps.parameters, torch.device("cpu"), capture=wrong)
    for n in range(CAPTURE_AT - 1):
        graphed(batch(n), "both")
    with pytest.warns(RuntimeWarning, match="gave loss and gradient .* where the step without"):
        graphed(batch(9), "both")
    expected.compute(batch(9), "both")
    assert all(map(torch.equal, gradients(steps), gradients(expected)))
    assert graphed.num_graphs == 0
    before = steps.calls["both"]
    graphed(batch(10), "both")
    assert steps.calls["both"] == before + 1, "without a graph from now on"
