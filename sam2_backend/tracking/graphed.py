"""Graphs of functions that run a network."""

from __future__ import annotations

import torch

from ..kernels.graphs import Capture, Function, GraphedFunction
from ..network.precision import derived_tensors, weights_state
from ..network.sam2 import Sam2Model


def graph_of(
    model: Sam2Model, function: Function, capture: Capture | None = None
) -> GraphedFunction:
    """Wrap a function of tensors that runs a network, to be captured where its runtime says so.

    Parameters
    ----------
    capture : in place of that of CUDA graphs; then whatever the runtime says.
    """
    captured = capture is not None or model.runtime.has_graphs
    weights = [*model.parameters(), *model.buffers()]
    return GraphedFunction(
        function,
        model.device if captured else torch.device("cpu"),
        state=lambda: weights_state(weights),
        keep=lambda: derived_tensors(model),
        capture=capture,
    )
