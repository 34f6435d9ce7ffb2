"""CUDA graphs: the kernels of a function are launched as one, once its shapes recur.

A graph reads and writes the same memory each time: inputs are copied to places of their own, and
results out of theirs, so that callers see an ordinary function.
"""

from __future__ import annotations

import warnings
from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

Function = Callable[..., Sequence[Tensor]]
Capture = Callable[[Callable[[], Sequence[Tensor]]], tuple[Callable[[], object], Sequence[Tensor]]]

CAPTURE_AT = 3
"""Calls of equal shapes after which they are captured: what hardly recurs is not."""
MAX_GRAPHS = 8
"""Graphs that are kept, those used last."""


class _Graph(NamedTuple):
    places: list[Tensor]
    """Where the inputs are read."""
    replay: Callable[[], object]
    results: Sequence[Tensor]
    """Where the results are written."""
    kept: object
    """What the graph reads besides; kept alive."""


class GraphedFunction:
    """A function of tensors, captured as a CUDA graph for shapes that recur.

    Parameters
    ----------
    function : from tensors, or None for some of them, to tensors. It launches the same kernels for
        equal shapes, and needs no value on the host.
    device : nothing is captured unless it is a CUDA device, or `capture` is given.
    state : called before each call: what the function depends on besides its arguments. Graphs of
        another state are dropped.
    keep : called after a capture: what the graph reads besides its arguments.
    capture : takes a function without arguments and returns another, that repeats it, with the
        results that are overwritten then.
    """

    def __init__(
        self,
        function: Function,
        device: torch.device,
        *,
        state: Callable[[], Hashable] = lambda: None,
        keep: Callable[[], object] = lambda: None,
        capture: Capture | None = None,
    ) -> None:
        self._function = function
        self._state, self._keep = state, keep
        is_cuda = device.type == "cuda"
        self._capture = capture or (capture_cuda_graph if is_cuda else None)
        self._graphs: OrderedDict[Hashable, _Graph] = OrderedDict()
        self._calls: Counter[Hashable] = Counter()
        self._last_state: Hashable = None

    @property
    def num_graphs(self) -> int:
        """Graphs that are kept."""
        return len(self._graphs)

    def clear(self) -> None:
        """Drop all graphs and the memory that they hold."""
        self._graphs.clear()
        self._calls.clear()

    def __call__(self, *inputs: Tensor | None) -> Sequence[Tensor]:
        """Compute the function; results are new tensors."""
        if self._capture is None:
            return self._function(*inputs)
        state = self._state()
        if state != self._last_state:
            self.clear()
            self._last_state = state
        key = tuple(None if x is None else (x.shape, x.dtype) for x in inputs)
        graph = self._graphs.get(key)
        if graph is None:
            self._calls[key] += 1
            if self._calls[key] < CAPTURE_AT:
                return self._function(*inputs)
            graph = self._make(key, inputs)
            if graph is None:
                return self._function(*inputs)
        self._graphs.move_to_end(key)
        given = [x for x in inputs if x is not None]
        for place, value in zip(graph.places, given, strict=True):
            place.copy_(value)
        graph.replay()
        return [result.clone() for result in graph.results]

    def _make(self, key: Hashable, inputs: Sequence[Tensor | None]) -> _Graph | None:
        assert self._capture is not None
        places = [None if x is None else x.clone() for x in inputs]
        try:
            replay, results = self._capture(lambda: self._function(*places))
        except torch.cuda.OutOfMemoryError:
            self.clear()
            raise
        except RuntimeError as error:
            warnings.warn(
                f"This GPU's work could not be captured as a graph ({error}): it goes on without.",
                RuntimeWarning,
                stacklevel=2,
            )
            self.clear()
            self._capture = None
            return None
        given = [place for place in places if place is not None]
        graph = self._graphs[key] = _Graph(given, replay, results, self._keep())
        while len(self._graphs) > MAX_GRAPHS:
            self._graphs.popitem(last=False)
        return graph


def capture_cuda_graph(
    function: Callable[[], Sequence[Tensor]],
) -> tuple[Callable[[], object], Sequence[Tensor]]:
    """Capture the kernels that a function launches; see `GraphedFunction`."""
    current, side = torch.cuda.current_stream(), torch.cuda.Stream()
    side.wait_stream(current)
    with torch.cuda.stream(side):  # libraries make their plans and workspaces, tables are cached
        for _ in range(2):
            function()
    current.wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, capture_error_mode="thread_local"):
        results = function()
    return graph.replay, results


def repeat_in_place(
    function: Callable[[], Sequence[Tensor]],
) -> tuple[Callable[[], Any], Sequence[Tensor]]:
    """Do on any device what a graph does: compute from the same places into the same places."""
    results = [result.clone() for result in function()]

    def repeat() -> None:
        for place, result in zip(results, function(), strict=True):
            place.copy_(result)

    return repeat, results
