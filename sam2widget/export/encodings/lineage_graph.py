"""Objects, frame by frame, as nodes of a graph whose edges go forward in time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ..segmentation import Segmentation

Key = tuple[int, int]
"""(frame, object id)."""


@dataclass(frozen=True)
class LineageGraph:
    """The N nodes of a segmentation, in the order of frames, and the E edges between them."""

    keys: tuple[Key, ...]
    """Of each node."""
    edges_e2: NDArray[np.int64]
    """(E, 2) nodes, from the earlier to the later."""
    lost: tuple[tuple[int, int], ...] = ()
    """(parent, child) whose edge would not go forward in time."""


def make_lineage_graph(segmentation: Segmentation) -> LineageGraph:
    """Make the graph of a segmentation.

    A node is an object on a frame on which it is seen. Edges go from there to the next such frame,
    and from the last of a parent, before the child, to the child's first.
    """
    results = segmentation.results
    keys = sorted((frame, obj) for (obj, frame), result in results.items() if result.mask.area)
    numbers = {key: n for n, key in enumerate(keys)}
    frames: dict[int, list[int]] = {}
    for frame, obj in keys:
        frames.setdefault(obj, []).append(frame)
    edges: list[tuple[int, int]] = []
    lost: list[tuple[int, int]] = []
    for obj, seen in frames.items():
        edges += [(numbers[first, obj], numbers[second, obj]) for first, second in pairwise(seen)]
    for info in segmentation.objects:
        for parent in info.parents:
            if info.id not in frames or parent not in frames:
                continue
            begin = frames[info.id][0]
            before = [frame for frame in frames[parent] if frame < begin]
            if before:
                edges.append((numbers[before[-1], parent], numbers[begin, info.id]))
            else:
                lost.append((parent, info.id))
    edges_e2 = np.array(sorted(edges), np.int64).reshape(-1, 2)
    return LineageGraph(tuple(keys), edges_e2, tuple(lost))


def find_lineages(edges_e2: NDArray[np.int64], num_nodes: int) -> NDArray[np.int64]:
    """Find the lineage of each node, (N,) from 1: nodes that edges join in any direction."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    joined = np.ones(len(edges_e2), bool), (edges_e2[:, 0], edges_e2[:, 1])
    graph = coo_matrix(joined, shape=(num_nodes, num_nodes))
    _, labels = connected_components(graph, directed=False)
    return np.asarray(labels, np.int64) + 1


def find_tracklets(edges_e2: NDArray[np.int64], num_nodes: int) -> NDArray[np.int64]:
    """Find the tracklet of each node, (N,) from 1: the longest ways without a fork or a merge."""
    leaving = np.bincount(edges_e2[:, 0], minlength=num_nodes)
    coming = np.bincount(edges_e2[:, 1], minlength=num_nodes)
    alone = (leaving[edges_e2[:, 0]] == 1) & (coming[edges_e2[:, 1]] == 1)
    return find_lineages(edges_e2[alone], num_nodes)


def find_parents(
    edges_e2: NDArray[np.int64], objects: Mapping[int, int]
) -> dict[int, tuple[int, ...]]:
    """Find the parents of objects: where edges come from that begin at another object.

    Parameters
    ----------
    objects : ids by node; edges of other nodes say nothing.
    """
    parents: dict[int, tuple[int, ...]] = {}
    for first, second in edges_e2.tolist():
        parent, child = objects.get(first), objects.get(second)
        if parent is not None and child is not None and parent != child:
            known = parents.get(child, ())
            parents[child] = known if parent in known else (*known, parent)
    return parents
