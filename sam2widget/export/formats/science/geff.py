"""GEFF, the Graph Exchange File Format: tracks and lineages, and beside them the labels."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from sam2_backend.video import Video

from ....core.errors import SessionError
from ....core.masks import Mask
from ....core.masks.label_maps import OverlapCounter
from ....core.user_warnings import warn
from ...encodings.lineage_graph import (
    LineageGraph,
    find_lineages,
    find_parents,
    find_tracklets,
    make_lineage_graph,
)
from ...frame_names import FrameNames
from ...optional_library import import_library
from ...reading.entries import check_frame_size
from ...reading.labels import LabelReader
from ...reading.object_ids import LARGEST
from ...registry import Format
from ...segmentation import Imported, Segmentation, check_one_size
from ...wording import pluralize, shorten

INSTEAD = "export as 'ctc'"
TRACKS, LABELS = "tracks.geff", "labels"
"""In the folder: the graph, and an array (T, H, W) of object ids."""
LABEL_PROPERTY = "seg_id"
OURS = "sam2widget"
ZARR_METADATA = (".zarray", "zarr.json")
MAX_VALUES = 2**28
"""Of an array of a graph."""
_UNITS = {
    "pm": "picometer",
    "Å": "angstrom",
    "nm": "nanometer",
    "µm": "micrometer",
    "mm": "millimeter",
    "cm": "centimeter",
    "m": "meter",
    "km": "kilometer",
    "in": "inch",
    "ft": "foot",
}
"""What GEFF calls the units of pixels."""


def write_geff(segmentation: Segmentation, path: Path) -> Path:
    """Write a zarr folder with the graph, `tracks.geff`, and an array of the object ids, `labels`.

    A node is an object on a frame: `t`, and `y` and `x` of its centroid in pixels whose centres are
    whole, as arrays have them; `area` in pixels; `bbox`, y0, x0, y1, x1, of which the last two are
    not included; `score`, `iou`; `seg_id`, its id, which is its value in `labels`; `tracklet_id`
    and `lineage_id`. An edge goes to where the object is seen next, and from parents to children.
    Names, classes and attributes are in the metadata's `extra`.

    Raises
    ------
    SessionError
        When geff is not installed, or the pictures are of several sizes.
    """
    geff = import_library("geff", INSTEAD)
    video = segmentation.video
    check_one_size(video)
    graph = make_lineage_graph(segmentation)
    names = {info.id: info.name for info in segmentation.objects}
    overlaps = OverlapCounter()
    _write_labels(segmentation, path, overlaps)
    num_nodes = len(graph.keys)
    geff.core_io.write_arrays(
        str(path / TRACKS),
        np.arange(num_nodes, dtype=np.uint64),
        {
            name: {"values": values, "missing": None}
            for name, values in _properties(segmentation, graph).items()
        },
        graph.edges_e2.astype(np.uint64),
        {},
        geff.GeffMetadata(**_metadata(segmentation)),
        zarr_format=2,
        overwrite=True,
    )
    sentence = overlaps.describe(names, "a label map", non_overlapping=segmentation.non_overlapping)
    if sentence:
        warn(sentence)
    if graph.lost:
        listed = ", ".join(f"{names[one]} of {names[other]}" for one, other in graph.lost)
        warn(f"geff has edges forward in time alone, and lacks parents not seen before: {listed}.")
    return path


def _write_labels(segmentation: Segmentation, path: Path, overlaps: OverlapCounter) -> None:
    zarr = import_library("zarr", INSTEAD)
    options = {"zarr_format": 2} if int(zarr.__version__.split(".")[0]) > 2 else {}
    zarr.open_group(str(path), mode="a", **options)
    height, width = segmentation.size_hw(0)
    labels = zarr.open_array(
        str(path / LABELS),
        mode="w",
        shape=(len(segmentation), height, width),
        chunks=(1, height, width),
        dtype="uint32",
        fill_value=0,
        **options,
    )
    labels.attrs["_ARRAY_DIMENSIONS"] = ["t", "y", "x"]  # as xarray reads them
    for frame in range(len(segmentation)):
        labels[frame] = segmentation.label_map(frame, overlaps).astype(np.uint32)


def _properties(segmentation: Segmentation, graph: LineageGraph) -> dict[str, NDArray[Any]]:
    found = [segmentation.results[obj, frame] for frame, obj in graph.keys]
    centroids = [one.mask.centroid or (0.0, 0.0) for one in found]
    boxes = [one.mask.box or (0, 0, 0, 0) for one in found]
    num_nodes = len(found)
    return {
        "t": np.array([frame for frame, _ in graph.keys], np.int64),
        "y": np.array([y - 0.5 for _, y in centroids], np.float64),
        "x": np.array([x - 0.5 for x, _ in centroids], np.float64),
        "area": np.array([one.mask.area for one in found], np.int64),
        "bbox": np.array(boxes, np.int64).reshape(-1, 4),
        "score": np.array([one.score for one in found], np.float64),
        "iou": np.array([one.iou for one in found], np.float64),
        LABEL_PROPERTY: np.array([obj for _, obj in graph.keys], np.int64),
        "tracklet_id": find_tracklets(graph.edges_e2, num_nodes),
        "lineage_id": find_lineages(graph.edges_e2, num_nodes),
    }


def _metadata(segmentation: Segmentation) -> dict[str, Any]:
    video = segmentation.video
    time: dict[str, Any] = {"name": "t", "type": "time", "unit": "frame"}
    if video.kind == "video":
        time |= {"scale": video.interval_s, "scaled_unit": "second"}
    axes = [time]
    size = video.pixel_size
    for name in ("y", "x"):
        axis: dict[str, Any] = {"name": name, "type": "space", "unit": "pixel"}
        if size is not None:
            scale = size.y if name == "y" else size.x
            axis |= {"scale": scale, "scaled_unit": _UNITS[size.unit]}
        axes.append(axis)
    ours: dict[str, Any] = {
        "objects": [
            {"id": info.id, "name": info.name, "class": info.class_name}
            | ({"attributes": dict(info.attributes)} if info.attributes else {})
            for info in segmentation.objects
        ],
        "classes": [one.name for one in segmentation.classes],
    }
    if segmentation.frame_names.known:
        named = segmentation.frame_names
        ours["frame_names"] = [named.name(frame) for frame in range(len(segmentation))]
    return {
        "directed": True,
        "axes": axes,
        "node_props_metadata": {},
        "edge_props_metadata": {},
        "track_node_props": {"tracklet": "tracklet_id", "lineage": "lineage_id"},
        "related_objects": [
            {"type": "labels", "path": f"../{LABELS}", "node_prop": LABEL_PROPERTY}
        ],
        "extra": {OURS: ours},
    }


def read_geff(path: Path, video: Video) -> Imported:
    """Read a graph with labels: a folder that has one, or the graph's own.

    Its labels are the array that it names as related, (T, H, W), beside it. Of a graph that
    `write_geff` wrote, labels are objects; of others, each tracklet is an object, which begins
    where the one before forks or merges. Edges between objects are parents.
    """
    folder = _find_graph(path)
    if folder is None:
        raise SessionError(
            f"{path} has no graph of GEFF: a zarr folder with 'geff' in its attributes."
        )
    geff = import_library("geff", INSTEAD)
    _check_sizes(folder)
    try:
        memory = geff.core_io.read_to_memory(str(folder))
        graph = _check_graph(memory, path)
    except SessionError:
        raise
    except Exception as error:  # whatever a damaged folder makes of zarr and pydantic
        lines = str(error).splitlines() or [type(error).__name__]
        raise SessionError(f"{folder} cannot be read as GEFF ({lines[0]}).") from error
    labels = _open_labels(graph, folder)
    frames, notes = _find_frames(graph, video, path, labels.shape[0])
    objects = _find_objects(graph)
    masks: dict[tuple[int, int], Mask] = {}
    num_unseen = num_unlisted = 0
    for time in np.unique(graph.times_n).tolist():
        frame = frames[time]
        if frame is None:
            continue
        check_frame_size(
            (labels.shape[1], labels.shape[2]), video.size_hw(frame), f"The labels of {folder}"
        )
        labels_hw = _read_labels(labels, time, folder)
        nodes = np.flatnonzero(graph.times_n == time)
        listed = graph.labels_n[nodes]
        found = np.unique(labels_hw[labels_hw != 0])
        num_unlisted += len(np.setdiff1d(found, listed))
        num_unseen += len(np.setdiff1d(listed, found))
        for node in nodes[np.isin(listed, found)].tolist():
            mask_hw = labels_hw == graph.labels_n[node]
            key = objects[node], frame
            if key in masks:
                mask_hw |= masks[key].to_array()
            masks[key] = Mask.from_array(mask_hw)
    if num_unlisted:
        notes.append(f"{path} has {pluralize(num_unlisted, 'label')} without a node, left out.")
    if num_unseen:
        notes.append(f"{path} has {pluralize(num_unseen, 'node')} without a pixel, left out.")
    reader = LabelReader(str(path))
    names = _read_names(graph, reader)
    parents = find_parents(graph.edges_e2, objects)
    return Imported(masks, names, (*notes, *reader.notes), reader.labels, parents=parents)


@dataclass(frozen=True)
class _ReadGraph:
    """The N nodes and E edges of a file, checked."""

    times_n: NDArray[np.int64]
    """Frame numbers."""
    labels_n: NDArray[np.int64]
    """Values in the array of labels."""
    edges_e2: NDArray[np.int64]
    """Nodes by their place, the earlier first."""
    labels_path: str
    """Of the array, from the graph's folder; "" where none is related."""
    ours: dict[str, Any] | None
    """What `write_geff` said besides."""


def _check_sizes(folder: Path) -> None:
    """Raise SessionError where an array of a graph says that it is larger than graphs are."""
    for name in ZARR_METADATA:
        for file in folder.rglob(name):
            shape = _read_object(file).get("shape", [])
            sides = (
                [one for one in shape if isinstance(one, int)] if isinstance(shape, list) else []
            )
            if math.prod(map(abs, sides)) > MAX_VALUES:
                raise SessionError(f"{file.parent} has the shape {shorten(shape)}: it is damaged.")


def _check_graph(memory: Any, path: Path) -> _ReadGraph:
    metadata = memory["metadata"]
    properties = {name: one["values"] for name, one in memory["node_props"].items()}
    axes = metadata.axes or []
    time = next((axis.name for axis in axes if axis.type == "time"), "t")
    if time not in properties:
        raise SessionError(f"{path} has no times of nodes: no axis of the type 'time', nor 't'.")
    times_n = _as_whole(properties[time], f"{path} has times of nodes")
    related = [one for one in metadata.related_objects or [] if one.type == "labels"]
    key = (related[0].node_prop or related[0].label_prop) if related else None
    key = key or LABEL_PROPERTY
    labels = properties.get(key, memory["node_ids"])
    extra = metadata.extra.get(OURS)
    ours = cast("dict[str, Any]", extra) if isinstance(extra, dict) else None
    ids = np.asarray(memory["node_ids"], np.int64)
    edges_e2 = np.asarray(memory["edge_ids"], np.int64).reshape(-1, 2)
    order = np.argsort(ids, kind="stable")
    if len(np.unique(ids)) < len(ids) or not np.isin(edges_e2, ids).all():
        raise SessionError(f"{path} has nodes of one id, or edges of nodes that there are not.")
    edges_e2 = order[np.searchsorted(ids, edges_e2, sorter=order)].reshape(-1, 2)
    backward = times_n[edges_e2[:, 0]] > times_n[edges_e2[:, 1]]
    edges_e2[backward] = edges_e2[backward][:, ::-1]
    return _ReadGraph(
        times_n,
        _as_whole(labels, f"{path} has labels of nodes"),
        edges_e2,
        related[0].path if related else "",
        ours,
    )


def _as_whole(values: Any, what: str) -> NDArray[np.int64]:
    """Give values as whole numbers from 0 up, if they are that."""
    found = np.asarray(values)
    if found.ndim != 1 or found.dtype.kind not in "uif":
        raise SessionError(f"{what} of the type {found.dtype}, not whole numbers.")
    wrong = ~np.isfinite(found) | (found < 0) | (found > LARGEST) | (found != np.floor(found))
    if wrong.any():
        raise SessionError(f"{what} such as {found[wrong][0]}, not whole numbers from 0 up.")
    return found.astype(np.int64)


def _open_labels(graph: _ReadGraph, folder: Path) -> Any:
    """Open the array of labels that belongs to a graph, which is below the folder it is in."""
    if not graph.labels_path:
        raise SessionError(
            f"{folder} is a graph without labels, so there are no masks in it: it names no array "
            "(T, H, W) among its related objects."
        )
    root, place = folder.parent.resolve(), (folder / graph.labels_path).resolve()
    if not place.is_relative_to(root):
        raise SessionError(f"{folder} has labels at {graph.labels_path!r}, outside of {root}.")
    zarr = import_library("zarr", INSTEAD)
    try:
        labels = zarr.open_array(str(place), mode="r")
        shape, kind = tuple(labels.shape), labels.dtype.kind
    except Exception as error:  # whatever is there, or is not
        raise SessionError(f"{place} cannot be read as an array of labels ({error}).") from error
    if len(shape) != 3 or kind not in "ui":
        raise SessionError(
            f"{place} has the shape {shape} of {labels.dtype}, not labels (T, H, W)."
        )
    return labels


def _read_labels(labels: Any, time: int, folder: Path) -> NDArray[Any]:
    try:
        return np.asarray(labels[time])
    except Exception as error:  # a chunk may be damaged in any way
        raise SessionError(
            f"The labels of {folder} cannot be read at time {time} ({error})."
        ) from error


def _find_frames(
    graph: _ReadGraph, video: Video, path: Path, num_times: int
) -> tuple[dict[int, int | None], list[str]]:
    """Give the frame of each time: by name, where both sides have names."""
    times = np.unique(graph.times_n).tolist()
    if times and times[-1] >= num_times:
        raise SessionError(f"{path} has a node at time {times[-1]}, its labels {num_times} times.")
    names = FrameNames(video)
    called = (graph.ours or {}).get("frame_names")
    if names.known and isinstance(called, list) and len(called) == num_times:
        here = {time: str(called[time]) for time in times}
        matched = names.match(here.values(), str(path))
        found = {time: matched.frames.get(name) for time, name in here.items()}
        return found, list(matched.notes)
    if times and times[-1] >= len(video):
        raise SessionError(
            f"{path} has a node at time {times[-1]}, but the video has frames 0 to "
            f"{len(video) - 1}: it is of another video."
        )
    return {time: time for time in times}, []


def _find_objects(graph: _ReadGraph) -> dict[int, int]:
    """Give the object of each node."""
    labels_n = graph.labels_n
    if graph.ours is not None and labels_n.min(initial=1) >= 1:
        return dict(enumerate(labels_n.tolist()))
    tracklets_n = find_tracklets(graph.edges_e2, len(labels_n))
    pairs = np.unique(np.stack((tracklets_n, labels_n), axis=1), axis=0)
    if (
        len(pairs) == len(np.unique(tracklets_n)) == len(np.unique(labels_n))
        and labels_n.min(initial=1) > 0
    ):
        # A label of its own for each tracklet: the object's id.
        return dict(enumerate(labels_n.tolist()))
    first = {}
    for node in np.lexsort((labels_n, graph.times_n)).tolist():
        first.setdefault(int(tracklets_n[node]), len(first) + 1)
    return {node: first[int(one)] for node, one in enumerate(tracklets_n)}


def _read_names(graph: _ReadGraph, reader: LabelReader) -> dict[int, str]:
    """Read what `write_geff` said of objects, as far as it is that."""
    ours = graph.ours or {}
    names: dict[int, str] = {}
    classes, objects = ours.get("classes"), ours.get("objects")
    if isinstance(classes, list):
        reader.add_classes(one for one in classes if isinstance(one, str))
    for said in objects if isinstance(objects, list) else ():
        if not isinstance(said, dict) or type(said.get("id")) is not int:
            continue
        name = said.get("name")
        if isinstance(name, str) and name.strip():
            names[said["id"]] = name.strip()
        reader.set_class(said["id"], said.get("class"))
        reader.add_attributes(said["id"], said.get("attributes"))
    return names


def _find_graph(path: Path) -> Path | None:
    """Find the folder of a graph: the one that is given, or one in it."""
    if not path.is_dir():
        return None
    inner = sorted(one for one in path.iterdir() if one.is_dir())
    return next((one for one in (path, *inner) if _is_graph(one)), None)


def _is_graph(folder: Path) -> bool:
    inside = _read_object(folder / "zarr.json").get("attributes")
    own = inside if isinstance(inside, dict) else _read_object(folder / ".zattrs")
    return "geff" in own


def _read_object(file: Path) -> dict[str, Any]:
    """Read the object of a JSON file; an empty one where there is none."""
    try:
        document = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return cast("dict[str, Any]", document) if isinstance(document, dict) else {}


FORMAT = Format(
    "geff",
    "",
    write_geff,
    read_geff,
    description="a zarr folder with tracks and lineages as a graph of GEFF, and the label map",
    recognize=lambda path: _find_graph(path) is not None,
)
