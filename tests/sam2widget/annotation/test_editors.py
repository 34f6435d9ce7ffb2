"""Each part of a session alone: it needs what it is handed, and nothing else."""

from __future__ import annotations

import ast

import numpy as np
import pytest

import sam2widget.annotation
from sam2widget.annotation.editors.imports import Importer
from sam2widget.annotation.editors.objects import ObjectEditor
from sam2widget.annotation.editors.overlap_resolver import OverlapResolver
from sam2widget.annotation.editors.prompts import PromptEditor
from sam2widget.annotation.editors.propagation import Propagator
from sam2widget.annotation.editors.proposals import ProposalEditor
from sam2widget.annotation.editors.review import Reviewer
from sam2widget.annotation.editors.undo import UndoRedo
from sam2widget.annotation.model_sync import RESTORED_FRAMES, ModelSync
from sam2widget.annotation.plan import Step
from sam2widget.annotation.records import ObjectInfo, Result
from sam2widget.annotation.store import AnnotationStore
from sam2widget.annotation.tables import SessionTables
from sam2widget.core.errors import SessionError
from sam2widget.core.masks import Mask
from sam2widget.models import Point, PromptSet
from tests.support.data import ROOT
from tests.support.fakes import ChoosySegmenter, DiscSegmenter

FRAMES, HEIGHT, WIDTH = 12, 8, 20


def mask(x0: int, x1: int) -> Mask:
    mask_hw = np.zeros((HEIGHT, WIDTH), bool)
    mask_hw[:, x0:x1] = True
    return Mask.from_array(mask_hw)


def as_they_are(frame, obj, mask_hw):
    return mask_hw


@pytest.fixture
def store() -> AnnotationStore:
    return AnnotationStore(SessionTables(FRAMES, HEIGHT, WIDTH))


@pytest.fixture
def model(store) -> ModelSync:
    """That of a session whose model is not loaded."""
    return ModelSync(store)


@pytest.fixture
def overlaps(store) -> OverlapResolver:
    return OverlapResolver(store, as_they_are)


def put(store, overlaps, results) -> None:
    """Results by (object id, frame), as one edit."""
    with store.edit("put"):
        for (obj, frame), result in results.items():
            store.ensure_object(obj)
            overlaps.write_results(frame, {obj: result})


def tracked(shown: Mask) -> Result:
    return Result(shown, 5.0, 0.9, "track")


# The store


def test_a_store_tells_of_each_edit_once_and_of_a_failed_one_never(store):
    told = []
    store.listen(told.append)
    with store.edit("two"):
        store.ensure_object(1)
        store.write_result(3, 1, tracked(mask(0, 4)))
    assert [(one.objects, one.results) for one in told] == [(True, {(1, 3)})]
    assert store.revision == 1
    with pytest.raises(RuntimeError, match="on the way"), store.edit("fails"):
        store.write_result(3, 1, None)
        raise RuntimeError("on the way")
    assert len(told) == 1 and store.result(3, 1) is not None and store.revision == 1
    with store.edit("nothing"):
        pass
    assert len(told) == 1 and store.history.last.label == "two"


def test_a_listener_that_fails_keeps_nothing_from_the_next(store):
    told, failures = [], []
    store.on_listener_error = failures.append

    def fail(_):
        raise ValueError("a listener")

    store.listen(fail)
    store.listen(told.append)
    with store.edit("add"):
        store.ensure_object(2)
    assert len(told) == 1 and [str(one) for one in failures] == ["a listener"]


def test_a_store_is_written_inside_an_edit_only(store):
    with pytest.raises(RuntimeError, match="inside an edit"):
        store.write_object(1, ObjectInfo.numbered(1))


# Editors


def test_overlaps_are_resolved_without_a_model(store, overlaps):
    put(store, overlaps, {(1, 0): tracked(mask(0, 10)), (2, 0): tracked(mask(6, 20))})
    assert store.shown_mask(0, 1) == mask(0, 10), "the smaller one wins without logits"
    assert store.shown_mask(0, 2) == mask(10, 20)
    assert store.result(0, 2).answer == mask(6, 20)
    overlaps.set_non_overlapping(False)
    assert store.shown_mask(0, 2) == mask(6, 20)


def test_what_is_cut_is_cleaned_by_what_the_resolver_was_handed(store):
    asked = []

    def remove_all(frame, obj, mask_hw):
        asked.append((frame, obj))
        return np.zeros_like(mask_hw)

    overlaps = OverlapResolver(store, remove_all)
    put(store, overlaps, {(1, 4): tracked(mask(0, 10)), (2, 4): tracked(mask(6, 20))})
    assert set(asked) == {(4, 2)} and store.shown_mask(4, 2).area == 0


def test_a_loss_is_told_in_a_sentence(store, overlaps):
    put(store, overlaps, {(1, 0): tracked(mask(0, 10))})
    before = store.held_on(0)
    put(store, overlaps, {(2, 0): Result(mask(2, 9), 5.0, 0.9, "edit")})
    lost = overlaps.losses(0, [2], before)
    assert lost.startswith("Object 1 keeps 24 of 80 pixels on frame 0: the rest is of Object 2.")
    assert overlaps.losses(0, [2], store.held_on(0)) == ""


def test_a_reviewer_needs_no_model(store, model, overlaps):
    reviewer = Reviewer(store, model, overlaps)
    put(store, overlaps, {(1, t): tracked(mask(0, 4)) for t in range(5)})
    reviewer.accept(1, 1, 3)
    reviewer.reject(1, 4)
    assert store.timeline(1).accepted == [(1, 3)] and store.timeline(1).rejected == [(4, 5)]
    reviewer.unreview(None, 0, FRAMES)
    reviewer.reset(1, 0)
    assert store.anchors(1) == [] and store.result(0, 1) is None


def test_an_importer_needs_no_model_for_accepted_frames(store, model, overlaps):
    prompts = PromptEditor(store, model, overlaps)
    importer = Importer(store, model, overlaps, prompts)
    assert importer.import_masks({(4, 2): mask(0, 3)}, {4: "cell"}) == [4]
    assert store.objects[0].name == "cell" and store.is_anchor(2, 4)
    with pytest.raises(SessionError, match="not loaded"):
        importer.import_masks({(4, 3): mask(0, 3)}, as_prompts=True)
    assert store.result(3, 4) is None


def test_objects_are_listed_and_undone_without_a_model(store, model, overlaps):
    objects, undo = ObjectEditor(store, model, overlaps), UndoRedo(store, model)
    objects.add_object(3)
    put(store, overlaps, {(3, 0): tracked(mask(0, 4))})
    objects.clear()
    assert store.objects == [] and store.all_results == {}
    assert undo.undo() == "clear" and undo.undo() == "put" and undo.redo() == "put"
    assert list(store.all_results) == [(3, 0)]
    with pytest.raises(SessionError, match="nothing to undo"):
        for _ in range(3):
            undo.undo()


def test_prompts_proposals_and_propagation_go_through_the_model_that_is_handed(
    store, model, overlaps
):
    segmenter = ChoosySegmenter(HEIGHT, WIDTH)
    model.load(segmenter)
    prompts = PromptEditor(store, model, overlaps)
    proposals = ProposalEditor(store, model, prompts, overlaps)
    propagator = Propagator(store, model, overlaps)
    prompts.add_point(2, 5, 4)
    assert segmenter.asked("prompt") == [(2, 1)]
    for _ in proposals.propose(7):
        pass
    assert proposals.adopt(7, [1]) == [2]
    for _ in propagator.propagate(objects=1):
        pass
    assert store.timeline(1).tracked == [(0, 2), (3, FRAMES)]
    assert store.timeline(2).tracked == [] and store.anchors(2) == [(7, 8)]


# The model's memory


def test_a_model_that_is_not_loaded_is_told_nothing_and_asked_nothing(model):
    model.forget(0, 1)
    model.forget_object(1)
    model.forget_pixels()
    assert not model.can_preview
    with pytest.raises(SessionError, match="not loaded"):
        model.prompt(0, 1, PromptSet((Point(1, 1, 1),)), None)


def test_a_model_is_told_what_it_lacks_when_it_tracks_and_not_before(store, model, overlaps):
    segmenter = DiscSegmenter(HEIGHT, WIDTH)
    model.load(segmenter)
    prompts = PromptSet((Point(5, 4, 1),))
    with store.edit("as saved"):
        store.ensure_object(1)
        store.write_prompts(0, 1, prompts)
        store.write_result(0, 1, Result(mask(3, 7), 5.0, 0.9, "prompt"))
        for t in range(1, 9):
            store.write_result(t, 1, tracked(mask(3, 7)))
    assert segmenter.calls == []
    model.begin_track(Step(9, (1,), False), {}, {1: [(0, 1)]})()
    assert segmenter.asked("prompt") == [(0, 1)]
    restored = [frame for frame, _ in segmenter.asked("restore")]
    assert restored == list(range(9 - RESTORED_FRAMES, 9))
    segmenter.calls.clear()
    model.begin_track(Step(10, (1,), False), {1: 9}, {1: [(0, 1)]})()
    assert segmenter.calls == [("track", 10, (1,), False)]


class FarSegmenter(DiscSegmenter):
    """One that looks back eight frames, and takes them all at once."""

    reach = 8

    def restore_before(self, frame, masks, *, reverse):
        asked = {t: sorted(by_obj) for t, by_obj in masks.items()}
        self._note("restore_before", frame, asked, reverse)


@pytest.mark.parametrize("reverse", [False, True])
def test_masks_are_restored_as_far_back_as_the_model_looks_and_objects_together(
    store, model, overlaps, reverse
):
    segmenter = FarSegmenter(HEIGHT, WIDTH)
    model.load(segmenter)
    frames = list(range(FRAMES))[:: -1 if reverse else 1]
    first, between, target = frames[0], frames[8], frames[10]

    def at(frame):
        return frame, frame + 1

    with store.edit("as saved"):
        for obj in (1, 2):
            store.ensure_object(obj)
            store.write_prompts(first, obj, PromptSet((Point(5, 4, 1),)))
            for t in frames[:10]:
                store.write_result(t, obj, tracked(mask(3, 7)))
        store.write_prompts(between, 2, PromptSet((Point(5, 4, 1),)))
    model.begin_track(
        Step(target, (1, 2), reverse), {}, {1: [at(first)], 2: sorted([at(first), at(between)])}
    )()
    (asked,) = segmenter.asked("restore_before")
    expected = {t: [1] if t == between else [1, 2] for t in frames[2:10]}
    assert asked == (target, expected, reverse), "also past a frame that was prompted"
    assert not segmenter.asked("restore")


class SharingSegmenter(DiscSegmenter):
    """One that can remember an object without what others have of it."""

    def set_exclusive_memory(self, on):
        self.exclusive = on

    def remember_as(self, frame, obj, mask_hw):
        self._note("remember_as", frame, obj, None if mask_hw is None else int(mask_hw.sum()))


def test_what_others_leave_of_an_answer_is_told_only_where_it_is_another(store, model, overlaps):
    segmenter = SharingSegmenter(HEIGHT, WIDTH)
    model.load(segmenter)
    whole = Result(mask(0, 10), 5.0, 0.9, "prompt")

    def tell(result):
        with store.edit("share"):
            store.ensure_object(1)
            store.write_prompts(0, 1, PromptSet((Point(5, 4, 1),)))
            store.write_result(0, 1, result)
        model.begin_track(Step(1, (1,), False), {}, {1: [(0, 1)]})()

    for result in (whole, whole.holding(mask(0, 4)), whole.holding(mask(0, 4)), whole, whole):
        tell(result)
    assert segmenter.asked("remember_as") == [(0, 1, 32), (0, 1, None)]
    assert segmenter.exclusive


# How it is put together


def test_no_part_touches_anothers_privates():
    folder = ROOT / "sam2widget" / "annotation"
    assert folder.samefile(next(iter(sam2widget.annotation.__path__)))
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr.startswith("_"):
                own = isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")
                assert own or node.attr.startswith("__"), f"{path.name}:{node.lineno} {node.attr}"


def test_no_part_is_assembled_by_inheritance():
    allowed = {"SessionView", "MutableMapping", "Set"}
    for path in sorted((ROOT / "sam2widget" / "annotation").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                bases = {ast.unparse(base).split("[")[0] for base in node.bases}
                assert bases <= allowed, f"{node.name} in {path.name}"
