"""Lineages as GEFF: geff's own reader and validators take ours, and ours takes what geff writes."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sam2widget import SessionError
from sam2widget.annotation.classes import as_classes
from sam2widget.export import Segmentation, export_masks

from .conftest import FRAMES, HEIGHT, NAMES, WIDTH, masks
from .elsewhere import import_noting

geff = pytest.importorskip("geff")
zarr = pytest.importorskip("zarr")
from geff.validate.data import ValidationConfig  # noqa: E402
from geff.validate.segmentation import (  # noqa: E402
    axes_match_seg_dims,
    graph_is_in_seg_bounds,
    has_seg_ids_at_time_points,
    has_valid_seg_id,
)

SEEN = {key: mask for key, mask in masks().items() if mask.any()}
ALL = ValidationConfig(graph=True, lineage=True, tracklet=True)
pytestmark = pytest.mark.filterwarnings("ignore:Objects overlap")


@pytest.fixture
def family(segmentation) -> Segmentation:
    """Object 5 comes from two others, which go on."""
    objects = tuple(
        replace(one, parents=(1, 2), class_name="cell", attributes={"big": True})
        if one.id == 5
        else one
        for one in segmentation.objects
    )
    return replace(segmentation, objects=objects, classes=as_classes({"cell": None}))


def test_geff_reads_and_validates_nodes_edges_tracklets_and_lineages(family, tmp_path):
    path = export_masks(family, tmp_path / "walk.zarr", "geff")
    graph, metadata = geff.read(str(path / "tracks.geff"), data_validation=ALL)
    assert graph.is_directed() and len(graph) == len(SEEN)
    places = {(node["seg_id"], node["t"]): n for n, node in graph.nodes(data=True)}
    assert places.keys() == SEEN.keys()
    for key, n in places.items():
        node, mask = graph.nodes[n], SEEN[key]
        rows, columns = np.nonzero(mask)
        assert node["area"] == mask.sum()
        assert (node["y"], node["x"]) == pytest.approx((rows.mean(), columns.mean()))
        box = [rows.min(), columns.min(), rows.max() + 1, columns.max() + 1]
        assert list(node["bbox"]) == box
        assert node["iou"] == 0.75 and node["score"] == 3.0
    frames = {obj: [t for t in range(FRAMES) if (obj, t) in SEEN] for obj in NAMES}
    wanted = {
        (places[obj, first], places[obj, second])
        for obj, seen in frames.items()
        for first, second in pairwise(seen)
    }
    assert frames[2] == [0, 1, 2, 3, 5, 6, 7, 8] and frames[5][0] == 3
    wanted |= {(places[parent, 2], places[5, 3]) for parent in (1, 2)}
    assert set(graph.edges) == wanted
    assert {node["lineage_id"] for _, node in graph.nodes(data=True)} == {1}
    tracklets = {(node["seg_id"], node["tracklet_id"]) for _, node in graph.nodes(data=True)}
    assert len(tracklets) == 5, "1 and 2 fork where 5 begins"
    t, y, x = metadata.axes
    assert (t.name, t.type, t.unit) == ("t", "time", "frame") and t.scale == pytest.approx(1 / 12)
    assert [y.name, x.name] == ["y", "x"] and x.unit == "pixel" and x.scale is None


def test_its_labels_are_those_of_the_nodes_for_geff(family, tmp_path):
    path = export_masks(family, tmp_path / "walk.zarr", "geff")
    memory = geff.core_io.read_to_memory(str(path / "tracks.geff"))
    labels = zarr.open_array(str(path / "labels"), mode="r")[:]
    assert labels.shape == (FRAMES, HEIGHT, WIDTH)
    for frame in range(FRAMES):
        np.testing.assert_array_equal(labels[frame], family.label_map(frame))
    times, ids = (memory["node_props"][name]["values"] for name in ("t", "seg_id"))
    for found in (
        has_valid_seg_id(memory),
        axes_match_seg_dims(memory, labels),
        graph_is_in_seg_bounds(memory, labels),
        has_seg_ids_at_time_points(labels, times.tolist(), ids.tolist(), memory["metadata"]),
    ):
        assert found[0], found[1]


def test_a_lineage_comes_back_with_its_label_map(family, tmp_path):
    path = export_masks(family, tmp_path / "walk.zarr", "geff")
    assert export_masks(family, path, "geff") == path, "over an earlier one"
    for place in (path, path / "tracks.geff"):
        found, said = import_noting(place, family.video)
        assert found.masks.keys() == SEEN.keys() and not said
        for (obj, frame), mask in found.masks.items():
            np.testing.assert_array_equal(mask.to_array(), family.label_map(frame) == obj)
        assert found.names == NAMES and found.parents == {5: (1, 2)}
        assert found.labels.classes == {5: "cell"}
        assert found.labels.attributes == {5: {"big": True}}


def test_sizes_of_pixels_are_scales_of_axes(family, tmp_path):
    video = family.video
    try:
        video.pixel_size = "0.5 x 0.25 µm"
        path = export_masks(family, tmp_path / "walk.zarr", "geff")
    finally:
        video.pixel_size = None
    _, y, x = geff.GeffMetadata.read(str(path / "tracks.geff")).axes
    assert (y.scale, x.scale, x.scaled_unit) == (0.25, 0.5, "micrometer")


def test_a_parent_that_is_not_seen_before_is_said_to_be_lacking(family, tmp_path):
    objects = tuple(
        replace(one, parents=(5,)) if one.id == 2 else replace(one, parents=())
        for one in family.objects
    )
    with pytest.warns(UserWarning, match=r'lacks parents not seen before: ball, red of the "car"'):
        path = export_masks(replace(family, objects=objects), tmp_path / "walk.zarr", "geff")
    graph, _ = geff.read(str(path / "tracks.geff"), data_validation=ALL)
    assert all(graph.nodes[a]["t"] < graph.nodes[b]["t"] for a, b in graph.edges)


def dividing(path: Path, *, labels: Any = "../labels", last: int = 2) -> Path:
    """A graph of another program: a cell that divides after the second frame.

    Its labels are other numbers on each frame, as of a segmentation frame by frame.
    """
    values = np.zeros((FRAMES, HEIGHT, WIDTH), np.uint16)
    values[0, 10:20, 10:20] = 4
    values[1, 10:20, 12:22] = 9
    values[2, 4:12, 12:20], values[2, 18:26, 14:22] = 7, 8
    store = zarr.open_array(
        str(path / "labels"),
        mode="w",
        shape=values.shape,
        chunks=(1, HEIGHT, WIDTH),
        dtype="uint16",
    )
    store[:] = values
    related = [{"type": "labels", "path": labels, "node_prop": "mask"}] if labels else None
    props = {
        "time": np.array([0, 1, last, last]),
        "y": np.array([14.5, 14.5, 7.5, 21.5]),
        "x": np.array([14.5, 16.5, 15.5, 17.5]),
        "mask": np.array([4, 9, 7, 8]),
    }
    geff.core_io.write_arrays(
        str(path / "cells.geff"),
        np.array([10, 20, 30, 40], np.uint64),
        {name: {"values": one, "missing": None} for name, one in props.items()},
        np.array([[10, 20], [20, 30], [20, 40]], np.uint64),
        {},
        geff.GeffMetadata(
            directed=True,
            axes=[{"name": "time", "type": "time"}, *({"name": n, "type": "space"} for n in "yx")],
            node_props_metadata={},
            edge_props_metadata={},
            related_objects=related,
        ),
    )
    return path


def test_tracklets_of_another_program_are_objects_with_parents(segmentation, tmp_path):
    path = dividing(tmp_path / "cells.zarr")
    found, said = import_noting(path, segmentation.video)
    assert set(found.masks) == {(1, 0), (1, 1), (2, 2), (3, 2)} and not said
    assert found.parents == {2: (1,), 3: (1,)}
    assert found.masks[1, 1].box == (10, 12, 20, 22) and found.masks[3, 2].box == (18, 14, 26, 22)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"labels": None}, "is a graph without labels, so there are no masks in it"),
        ({"labels": "../../labels"}, "outside of "),
        ({"labels": "../none"}, "cannot be read as an array of labels"),
        ({"last": 9}, "has a node at time 9, its labels 9 times"),
    ],
)
def test_a_graph_without_masks_of_this_video_is_refused(segmentation, tmp_path, change, sentence):
    path = dividing(tmp_path / "cells.zarr", **change)
    with pytest.raises(SessionError, match=sentence):
        import_noting(path, segmentation.video, "geff")


def test_arrays_without_end_are_refused_before_they_are_read(segmentation, tmp_path):
    path = dividing(tmp_path / "cells.zarr")
    for file in (path / "cells.geff" / "nodes" / "ids" / ".zarray", path / "labels" / ".zarray"):
        copy = tmp_path / "copy.zarr"
        shutil.copytree(path, copy)
        file = copy / file.relative_to(path)
        if not file.exists():  # of zarr 3
            file = file.with_name("zarr.json")
        said = json.loads(file.read_bytes())
        said["shape"] = [side * 10**9 for side in said["shape"]]
        file.write_text(json.dumps(said))
        with pytest.raises(SessionError, match=r"it is damaged|masks are of the frame's size"):
            import_noting(copy, segmentation.video, "geff")
        shutil.rmtree(copy)


def test_what_is_no_graph_is_refused(segmentation, tmp_path):
    (tmp_path / "other").mkdir()
    with pytest.raises(SessionError, match="has no graph of GEFF"):
        import_noting(tmp_path / "other", segmentation.video, "geff")
