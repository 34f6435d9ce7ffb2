"""Objects that divide and merge: parents, masks, undo, saving, and what exports make of it."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import tifffile

from sam2widget import Sam2Widget, SessionError, read_session
from sam2widget.export import Segmentation, export_masks, import_masks, to_napari
from tests.support.clips import CLIP, HEIGHT, WIDTH
from tests.support.fakes import DiscSegmenter

LAST = 9


@pytest.fixture
def widget():
    w = Sam2Widget(CLIP[: LAST + 1], model=DiscSegmenter(HEIGHT, WIDTH), autosave=False)
    w.add_point(0, 8, 6, obj=1)
    w.add_point(0, 30, 6, obj=2)
    w.propagate()
    yield w
    w.close()


def areas(w, obj):
    return [int(mask.sum()) for mask in np.asarray(w.masks[obj])]


def parents(w):
    return {one.id: one.parents for one in w.objects}


def test_a_division_gives_the_first_child_what_follows_and_undo_takes_it_back(widget):
    before = areas(widget, 1)
    assert widget.split(1, 4) == (3, 4)
    assert parents(widget) == {1: [], 2: [], 3: [1], 4: [1]}
    assert areas(widget, 1) == before[:4] + [0] * 6
    assert areas(widget, 3) == [0] * 4 + before[4:]
    assert widget.timeline(1).rejected == [(4, 10)]
    assert not any(areas(widget, 4))
    widget.undo()
    assert parents(widget) == {1: [], 2: []} and areas(widget, 1) == before
    widget.redo()
    assert parents(widget)[4] == [1] and areas(widget, 3) == [0] * 4 + before[4:]


def test_children_are_prompted_and_tracked_by_themselves(widget):
    left, right = widget.split(1, 4)
    widget.add_point(4, 8, 3, obj=left)
    widget.add_point(4, 8, 10, obj=right)
    before = areas(widget, 1)
    widget.propagate()
    assert all(areas(widget, left)[4:]) and all(areas(widget, right)[4:])
    assert not any(areas(widget, 1)[4:])
    assert areas(widget, 1) == before, "neither child takes pixels of its parent's"
    assert not any(areas(widget, left)[:4] + areas(widget, right)[:4])


def test_what_merged_is_not_tracked_back_as_one(widget):
    child = widget.merge([1, 2], 6)
    widget.propagate()
    assert areas(widget, child)[:6] == [0] * 6 and all(areas(widget, child)[6:])
    assert widget.timeline(child).rejected == [(0, 6)]


def test_merged_objects_go_on_as_one_with_the_masks_of_both(widget):
    both = np.asarray(widget.masks[1]) | np.asarray(widget.masks[2])
    child = widget.merge([1, 2], 6)
    assert parents(widget)[child] == [1, 2]
    np.testing.assert_array_equal(np.asarray(widget.masks[child])[6:], both[6:])
    assert (
        not np.asarray(widget.masks[1])[6:].any() and not np.asarray(widget.masks[child])[:6].any()
    )
    assert widget.timeline(child).accepted == [(6, 7)]
    widget.undo()
    np.testing.assert_array_equal(np.asarray(widget.masks[1]) | np.asarray(widget.masks[2]), both)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda w: w.split(1, 0), r"has no mask before frame 0"),
        (lambda w: w.split(7, 3), "There is no object 7"),
        (lambda w: w.split(1, 99), "There is no frame 99|frames 0 to 9"),
        (lambda w: (w.split(1, 4), w.split(1, 3)), r"goes on as object 3 and 4 already"),
        (lambda w: (w.update_object(1, locked=True), w.split(1, 4)), "is locked"),
        (lambda w: w.merge([1, 1], 4), "Two objects or more merge"),
        (lambda w: w.set_parents(1, [1]), "cannot descend from itself"),
        (lambda w: (w.split(1, 4), w.set_parents(1, [3])), "cannot descend from itself"),
    ],
)
def test_what_is_no_lineage_is_refused(widget, call, sentence):
    with pytest.raises(SessionError, match=sentence):
        call(widget)


def test_parents_are_saved_resumed_and_written_as_python(widget, tmp_path):
    widget.split(1, 4)
    widget.merge([2, 3], 8)
    widget.save(tmp_path / "a.sam2.zip")
    saved = read_session(tmp_path / "a.sam2.zip")
    assert {info.id: info.parents for info in saved.objects} == {
        1: (),
        2: (),
        3: (1,),
        4: (1,),
        5: (2, 3),
    }
    again = Sam2Widget.load(
        tmp_path / "a.sam2.zip", CLIP[: LAST + 1], model=DiscSegmenter(HEIGHT, WIDTH)
    )
    assert parents(again) == parents(widget)
    again.close()
    assert "w.set_parents(5, [2, 3])" in widget.to_python()


def test_a_script_makes_the_masks_of_what_divided_and_merged(widget):
    widget.propagate()
    child, other = widget.split(1, 4)
    widget.add_point(5, 20, 12, obj=other)
    widget.merge([child, 2], 6)
    variables = {"video": CLIP[: LAST + 1], "model": DiscSegmenter(HEIGHT, WIDTH)}
    exec(widget.to_python(), variables)
    again = variables["w"]
    assert parents(again) == parents(widget)
    for obj in parents(widget):
        assert np.array_equal(np.asarray(again.masks[obj]), np.asarray(widget.masks[obj])), obj
        assert again.timeline(obj).accepted == widget.timeline(obj).accepted, obj
    assert again.timeline(1).rejected == widget.timeline(1).rejected == [(4, 10)]
    again.close()


def test_a_script_has_children_out_of_their_parents_way(widget):
    for child in widget.split(1, 4):
        widget.add_box(4, 4 + 8 * child - 24, 2, 11 + 8 * child - 24, 10, obj=child)
    widget.propagate()
    variables = {"video": CLIP[: LAST + 1], "model": DiscSegmenter(HEIGHT, WIDTH)}
    exec(widget.to_python(), variables)
    for obj in (1, 2, 3, 4):
        assert areas(variables["w"], obj) == areas(widget, obj)
    variables["w"].close()


def test_a_removed_object_is_nobodys_parent(widget):
    widget.split(1, 4)
    widget.remove_object(1)
    assert parents(widget) == {2: [], 3: [], 4: []}
    widget.undo()
    assert parents(widget)[3] == [1]


def test_napari_has_the_graph(widget):
    widget.split(1, 4)
    (tracks,) = (options for _, options, kind in to_napari(widget) if kind == "tracks")
    assert tracks["graph"] == {3: [1]}, "object 4 has no mask yet"


@pytest.mark.parametrize("kind", ["result", "truth"])
def test_ctc_keeps_masks_and_parents(widget, tmp_path, kind):
    left, right = widget.split(1, 4)
    widget.add_point(4, 8, 3, obj=left)
    widget.add_point(4, 8, 10, obj=right)
    widget.propagate(start=4)
    path = widget.export(tmp_path / "01_RES", "ctc", kind=kind)
    prefix = {"result": "mask", "truth": "man_track"}[kind]
    listed = {"result": "res_track.txt", "truth": "man_track.txt"}[kind]
    lines = [line.split() for line in (path / listed).read_text().splitlines()]
    assert lines == [
        ["1", "0", "3", "0"],
        ["2", "0", "9", "0"],
        ["3", "4", "9", "1"],
        ["4", "4", "9", "1"],
    ]
    for frame in range(LAST + 1):
        labels = tifffile.imread(path / f"{prefix}{frame:03}.tif")
        assert labels.dtype == np.uint16
        np.testing.assert_array_equal(labels, widget.label_map(frame))
    found = import_masks(path, CLIP[: LAST + 1])
    assert found.parents == {3: (1,), 4: (1,)}
    for (obj, frame), mask in found.masks.items():
        np.testing.assert_array_equal(mask.to_array(), widget.label_map(frame) == obj)
    other = Sam2Widget(CLIP[: LAST + 1], model=DiscSegmenter(HEIGHT, WIDTH), autosave=False)
    other.import_masks(path)
    assert parents(other) == parents(widget)
    other.close()


def test_a_gap_in_a_track_of_ctc_is_one_object(widget, tmp_path):
    whole = widget.segmentation
    kept = {key: one for key, one in whole.results.items() if key not in ((1, 3), (1, 4))}
    gappy = Segmentation.make(whole.video, whole.objects, kept)
    path = export_masks(gappy, tmp_path / "out", "ctc")
    lines = (path / "res_track.txt").read_text().splitlines()
    assert lines == ["1 0 2 0", "2 0 9 0", "3 5 9 1"]
    found = import_masks(path, CLIP[: LAST + 1])
    assert found.masks.keys() == kept.keys() and not found.parents


def test_of_two_parents_ctc_has_the_first_and_says_so(widget, tmp_path):
    widget.merge([1, 2], 6)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        path = widget.export(tmp_path / "out", "ctc")
    assert any("of Object 3 only the first is written" in str(one.message) for one in said)
    assert (path / "res_track.txt").read_text().splitlines()[-1] == "3 6 9 1"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("1 0 9", "not four whole numbers"),
        ("1 0 x 0", "not four whole numbers"),
        ("1 0 9 0\n1 0 9 0", "no track of its own"),
        ("1 0 9 7", "came from 7, which is not listed"),
        ("1 0 9 0\n2 5 9 1", "ends no earlier than it begins"),
    ],
)
def test_a_damaged_list_of_tracks_is_refused(widget, tmp_path, text, sentence):
    path = widget.export(tmp_path / "out", "ctc")
    (path / "res_track.txt").write_text(text)
    with pytest.raises(SessionError, match=sentence):
        import_masks(path, CLIP[: LAST + 1])


def test_ctc_of_another_video_is_refused(widget, tmp_path):
    path = widget.export(tmp_path / "out", "ctc")
    with pytest.raises(SessionError, match="a picture of frame 9, but the video has frames 0 to 4"):
        import_masks(path, CLIP[:5])
    (path / "res_track.txt").unlink()
    with pytest.raises(SessionError, match=r"has no res_track.txt or man_track.txt"):
        import_masks(path, CLIP[: LAST + 1], "ctc")
