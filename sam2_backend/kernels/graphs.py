"""CUDA graphs: the kernels of a function are launched as one, once its shapes recur.

A graph reads and writes the same memory each time: inputs are copied to places of their own, and
results out of theirs, so that callers see an ordinary function.
"""

from __future__ import annotations

import threading
import warnings
from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

Function = Callable[..., Sequence[Tensor]]
Capture = Callable[[Callable[[], Sequence[Tensor]]], tuple[Callable[[], object], Sequence[Tensor]]]

CAPTURE_AT = 3
"""Calls of equal shapes after which they are captured: what hardly recurs is not, and libraries and
the memory allocator have warmed up by then."""
MAX_GRAPHS = 8
"""Graphs that are kept unless told otherwise, those used last."""
_ONE_AT_A_TIME = threading.Lock()
"""A capture begins with a wait for the device, which none may be in the midst of then."""


class _Graph(NamedTuple):
    shapes: Hashable
    """Of the inputs."""
    places: list[Tensor | None]
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
        equal shapes, and needs no value on the host. It is given the variant of the call last,
        where that has one.
    device : nothing is captured unless it is a CUDA device, or `capture` is given.
    state : called before each call: what the function depends on besides its arguments. Graphs of
        another state are dropped.
    keep : called after a capture: what the graph reads besides its arguments.
    capture : takes a function without arguments and returns another, that repeats it, with the
        results that are overwritten then. It raises RuntimeError where that cannot be, or does not
        give what the function gives.
    max_graphs : most that are kept, those used last.
    copies_results : whether results are new tensors; else the next call may overwrite them.
    """

    def __init__(
        self,
        function: Function,
        device: torch.device,
        *,
        state: Callable[[], Hashable] = lambda: None,
        keep: Callable[[], object] = lambda: None,
        capture: Capture | None = None,
        max_graphs: int = MAX_GRAPHS,
        copies_results: bool = True,
    ) -> None:
        self._function = function
        self._state, self._keep = state, keep
        is_cuda = device.type == "cuda"
        self._capture = capture or (capture_cuda_graph if is_cuda else None)
        self._max_graphs, self._copies_results = max_graphs, copies_results
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

    def __call__(self, *inputs: Tensor | None, variant: Hashable = None) -> Sequence[Tensor]:
        """Compute the function.

        Parameters
        ----------
        variant : what else decides which kernels are launched; each has graphs of its own.
        """
        if self._capture is None:
            return self._compute(inputs, variant)
        state = self._state()
        if state != self._last_state:
            self.clear()
            self._last_state = state
        shapes = tuple(None if x is None else (x.shape, x.dtype) for x in inputs)
        key = variant, shapes
        graph = self._graphs.get(key)
        if graph is None:
            self._calls[key] += 1
            if self._calls[key] >= CAPTURE_AT:
                graph = self._make(inputs, shapes, variant)
            if graph is None:
                return self._compute(inputs, variant)
            self._graphs[key] = graph
            while len(self._graphs) > self._max_graphs:
                self._graphs.popitem(last=False)
        self._graphs.move_to_end(key)
        _fill(graph.places, inputs)
        graph.replay()
        if not self._copies_results:
            return graph.results
        return [result.clone() for result in graph.results]

    def _compute(self, inputs: Sequence[Tensor | None], variant: Hashable) -> Sequence[Tensor]:
        return self._function(*inputs, *(() if variant is None else (variant,)))

    def _make(
        self, inputs: Sequence[Tensor | None], shapes: Hashable, variant: Hashable
    ) -> _Graph | None:
        assert self._capture is not None
        # Variants of equal shapes read the same places: none is replayed beside another.
        places = next((one.places for one in self._graphs.values() if one.shapes == shapes), None)
        if places is None:
            places = [None if x is None else x.clone() for x in inputs]
        _fill(places, inputs)
        try:
            replay, results = self._capture(lambda: self._compute(places, variant))
        except torch.cuda.OutOfMemoryError:
            self.clear()
            raise
        except RuntimeError as error:
            warnings.warn(
                f"This GPU's work could not be captured as a graph ({error}): it goes on without.",
                RuntimeWarning,
                stacklevel=3,
            )
            self.clear()
            self._capture = None
            return None
        return _Graph(shapes, places, replay, results, self._keep())


def _fill(places: Sequence[Tensor | None], inputs: Sequence[Tensor | None]) -> None:
    for place, value in zip(places, inputs, strict=True):
        if place is not None and value is not None:
            place.copy_(value)


def capture_cuda_graph(
    function: Callable[[], Sequence[Tensor]], *, warm_ups: int = 2, pool: Any = None
) -> tuple[Callable[[], object], Sequence[Tensor]]:
    """Capture the kernels that a function launches; see `GraphedFunction`.

    Parameters
    ----------
    function : without arguments.
    warm_ups : how often it is called before: libraries make their plans and workspaces, and tables
        are cached.
    pool : of `torch.cuda.graph_pool_handle`, shared by graphs none of which is replayed while
        results of another are still needed.
    """
    if warm_ups:
        current, side = torch.cuda.current_stream(), torch.cuda.Stream()
        side.wait_stream(current)
        with torch.cuda.stream(side):
            for _ in range(warm_ups):
                function()
        current.wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    # Other threads, such as one that loads data, may use the device meanwhile.
    with _ONE_AT_A_TIME, torch.cuda.graph(graph, pool=pool, capture_error_mode="thread_local"):
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
