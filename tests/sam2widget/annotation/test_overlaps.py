"""A pixel belongs to one object: who has it, and that it comes back."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from traitlets import TraitError

from sam2widget import Sam2Widget, read_session
from sam2widget.annotation.session import Session
from sam2widget.core.errors import SessionError
from sam2widget.core.masks import Mask
from sam2widget.core.masks.logits import MaskLogits
from sam2widget.export import import_masks
from tests.support.browser import Browser, idle
from tests.support.fakes import ChoosySegmenter, DiscSegmenter, SureSegmenter
from tests.support.sessions import run

FRAMES, HEIGHT, WIDTH = 8, 16, 40
SURE = {1: 9.0, 2: 4.0, 3: 6.0}


@pytest.fixture
def session() -> Session:
    return Session(FRAMES, HEIGHT, WIDTH, SureSegmenter(HEIGHT, WIDTH, SURE), clean_masks=0)


def mask(session, obj, frame=0) -> np.ndarray:
    return session.masks(obj)[frame]


def answer(session, obj, frame=0) -> np.ndarray:
    return session.result(frame, obj).answer.to_array()


def shared(session, frame=0) -> int:
    masks = [mask(session, info.id, frame) for info in session.objects]
    return int((np.sum(masks, axis=0) > 1).sum())


def snapshot(session):
    return [session.results(info.id) for info in session.objects]


def two_boxes(session, frame=0) -> None:
    session.add_box(frame, 2, 2, 14, 12, 1)
    session.add_box(frame, 8, 4, 22, 14, 2)


def box(x0, y0, x1, y1) -> np.ndarray:
    mask_hw = np.zeros((HEIGHT, WIDTH), bool)
    mask_hw[y0:y1, x0:x1] = True
    return mask_hw


# Who wins


def test_the_larger_logit_has_the_pixel_and_nothing_is_lost(session):
    two_boxes(session)
    np.testing.assert_array_equal(mask(session, 1), answer(session, 1))
    np.testing.assert_array_equal(mask(session, 2), answer(session, 2) & ~answer(session, 1))
    assert answer(session, 2).sum() > mask(session, 2).sum() > 0


def test_a_surer_new_object_takes_pixels_of_one_that_is_tracked(session):
    session.add_box(0, 8, 4, 22, 14, 2)
    run(session.propagate())
    whole = mask(session, 2, 3)
    session.add_box(3, 5, 2, 17, 12, 1)
    assert (mask(session, 2, 3) != whole).any() and not shared(session, 3)
    np.testing.assert_array_equal(mask(session, 1, 3), answer(session, 1, 3))


def test_it_does_not_matter_which_object_is_tracked_first(session):
    two_boxes(session)
    run(session.propagate())
    together = [[mask(session, obj, t) for obj in (1, 2)] for t in range(FRAMES)]
    for first, second in ((1, 2), (2, 1)):
        other = Session(FRAMES, HEIGHT, WIDTH, SureSegmenter(HEIGHT, WIDTH, SURE), clean_masks=0)
        two_boxes(other)
        run(other.propagate(objects=first))
        run(other.propagate(objects=second))
        apart = [[mask(other, obj, t) for obj in (1, 2)] for t in range(FRAMES)]
        np.testing.assert_array_equal(apart, together)
        assert not any(shared(other, t) for t in range(FRAMES))


def test_the_part_that_was_clicked_is_of_the_object_that_was_clicked(session):
    session.add_box(0, 2, 2, 34, 14, 1)
    session.add_point(0, 10.5, 8.5, obj=2)
    assert mask(session, 2).any() and not shared(session)
    np.testing.assert_array_equal(mask(session, 2), answer(session, 2))
    session.add_point(0, 25, 8, obj=3)
    session.add_point(0, 25, 8, obj=1)
    assert not mask(session, 3).any(), "clicked for both, the surer has it"


def test_without_logits_the_smaller_mask_wins_and_of_equal_ones_the_later():
    session = Session(FRAMES, HEIGHT, WIDTH, DiscSegmenter(HEIGHT, WIDTH), clean_masks=0)
    session.add_box(0, 8, 4, 14, 10, 1)
    session.add_box(0, 4, 2, 30, 14, 2)
    np.testing.assert_array_equal(mask(session, 1), box(8, 4, 14, 10))
    assert not shared(session)
    session.add_box(0, 9, 4, 15, 10, 3)
    np.testing.assert_array_equal(mask(session, 3), box(9, 4, 15, 10))


@pytest.mark.parametrize("own", ["accepted", "painted", "imported", "given", "locked"])
def test_what_a_person_made_or_vouched_for_keeps_its_pixels(session, own):
    if own in ("accepted", "locked"):
        session.add_box(0, 8, 4, 22, 14, 2)
    if own == "accepted":
        session.accept(2, 0)
    elif own == "locked":
        session.update_object(2, locked=True)
    elif own == "painted":
        session.paint(0, (8, 4, 22, 4, 22, 14, 8, 14), obj=2, shape="polygon")
    elif own == "imported":
        session.import_masks({(2, 0): Mask.from_array(box(8, 4, 22, 14))})
    else:
        session.add_mask(0, box(8, 4, 22, 14), 2)
    kept = mask(session, 2)
    session.add_box(0, 2, 2, 14, 12, 1)  # surer, and it yields
    np.testing.assert_array_equal(mask(session, 2), kept)
    np.testing.assert_array_equal(mask(session, 1), box(2, 2, 14, 12) & ~kept)
    session.add_point(0, 10, 7, obj=1)
    np.testing.assert_array_equal(mask(session, 2), kept)
    assert not shared(session)


def test_a_persons_brush_takes_what_the_model_said_and_erasing_gives_it_back(session):
    session.add_box(0, 2, 2, 14, 12, 1)
    before = mask(session, 1)
    session.paint(0, (8, 6, 20, 6), 2, obj=2)
    assert (before & ~mask(session, 1)).any() and not shared(session)
    session.paint(0, (8, 6, 20, 6), 4, obj=2, erase=True)
    np.testing.assert_array_equal(mask(session, 1), before)


def test_two_masks_of_a_persons_own_may_share_pixels(session):
    session.add_mask(0, box(2, 2, 20, 12), 1)
    session.add_mask(0, box(10, 2, 30, 12), 2)
    assert shared(session) == 100
    np.testing.assert_array_equal(mask(session, 1), box(2, 2, 20, 12))


def test_pictures_of_several_sizes_are_divided_each_on_its_own():
    sizes = [(16, 40), (20, 30)]
    segmenter = SureSegmenter(16, 40, SURE)
    session = Session(2, 16, 40, segmenter, kind="images", sizes_hw=sizes, clean_masks=0)
    two_boxes(session, 0)
    segmenter.height, segmenter.width = sizes[1]
    two_boxes(session, 1)
    for frame in (0, 1):
        masks = [session.shown_mask(frame, obj).to_array() for obj in (1, 2)]
        assert masks[0].shape == sizes[frame]
        assert all(one.any() for one in masks) and not (masks[0] & masks[1]).any()


def test_specks_that_are_left_of_a_mask_go_to_who_took_the_rest():
    session = Session(1, HEIGHT, WIDTH, SureSegmenter(HEIGHT, WIDTH, SURE), clean_masks=0.05)
    session.add_box(0, 2, 2, 30, 14, 2)
    session.add_mask(0, box(10, 1, 40, 13), 1)  # leaves 10 x 1 pixels at the lower edge, joined
    assert mask(session, 2).sum() == 8 * 12 + 20
    session.undo()
    session.add_mask(0, box(9, 1, 29, 16), 1)  # leaves a speck of 1 x 12
    np.testing.assert_array_equal(mask(session, 2), box(2, 2, 9, 14) | box(29, 2, 30, 14))
    session.undo()
    session.set_cleaning(0.2)
    session.add_mask(0, box(9, 1, 29, 16), 1)
    np.testing.assert_array_equal(mask(session, 2), box(2, 2, 9, 14))
    assert answer(session, 2).sum() == 28 * 12, "and the model's answer is kept"


# Coming back


@pytest.mark.parametrize("how", ["remove", "reject", "reset", "clear prompts", "undo"])
def test_pixels_come_back_when_what_took_them_goes(session, how):
    session.add_box(0, 8, 4, 22, 14, 2)
    before = mask(session, 2)
    session.add_box(0, 2, 2, 14, 12, 1)
    taken = mask(session, 2)
    assert (taken != before).any()
    if how == "remove":
        session.remove_object(1)
    elif how == "reject":
        session.reject(1, 0)
    elif how == "reset":
        session.reset(1, 0)
    elif how == "clear prompts":
        session.clear_prompts(0, 1)
    else:
        session.undo()
    np.testing.assert_array_equal(mask(session, 2), before)
    assert session.result(0, 2).whole is None
    if how == "undo":
        session.redo()
    else:
        session.undo()
    np.testing.assert_array_equal(mask(session, 2), taken)
    if how == "reject":
        session.redo()
        session.unreview(1, 0)
        np.testing.assert_array_equal(mask(session, 2), taken)


def test_a_smaller_answer_gives_back_what_it_no_longer_claims(session):
    session.add_box(0, 8, 4, 22, 14, 2)
    session.add_box(0, 2, 2, 20, 14, 1)
    session.add_box(0, 2, 2, 10, 14, 1)
    np.testing.assert_array_equal(mask(session, 2), box(10, 4, 22, 14))


def test_tracking_goes_out_from_what_the_model_said_and_not_from_what_is_left():
    apart, free = (
        Session(
            *(FRAMES, HEIGHT, WIDTH, SureSegmenter(HEIGHT, WIDTH, SURE)),
            clean_masks=0,
            non_overlapping=on,
        )
        for on in (True, False)
    )
    for session in (apart, free):
        two_boxes(session)
        run(session.propagate(stop=4))
        session.load(SureSegmenter(HEIGHT, WIDTH, SURE))  # which is told of it anew
        run(session.propagate())
    for frame in range(FRAMES):
        for obj in (1, 2):
            np.testing.assert_array_equal(answer(apart, obj, frame), mask(free, obj, frame))
    restored = apart.segmenter.memory
    np.testing.assert_array_equal(restored[2, 3], mask(free, 2, 3))


def test_a_live_video_is_divided_too_and_undo_gives_back():
    session = Session(
        1, HEIGHT, WIDTH, SureSegmenter(HEIGHT, WIDTH, SURE), skips=True, clean_masks=0
    )
    session.add_box(0, 2, 2, 14, 12, 1)
    session.add_box(0, 8, 4, 22, 14, 2)
    for frames in (2, 3):
        session.grow(frames)
        session.track_newest()
        assert not shared(session, frames - 1) and mask(session, 2, frames - 1).any()
    cut = snapshot(session)
    session.undo()
    assert [info.id for info in session.objects] == [1]
    session.redo()
    assert snapshot(session) == cut
    session.add_box(0, 3, 2, 14, 12, 1)  # the surer one has the later cause now
    session.grow(4)
    session.track_newest()
    session.undo()
    assert session.result(3, 1) is None
    np.testing.assert_array_equal(mask(session, 2, 3), answer(session, 2, 3))


def test_undoing_what_cut_an_object_of_a_live_video_leaves_what_was_tracked_of_it():
    session = Session(
        1, HEIGHT, WIDTH, SureSegmenter(HEIGHT, WIDTH, SURE), skips=True, clean_masks=0
    )
    session.add_box(0, 8, 4, 22, 14, 2)
    session.add_box(0, 2, 2, 14, 12, 1)  # which is surer
    session.grow(2)
    session.track_newest()
    assert mask(session, 2, 1).sum() < answer(session, 2, 1).sum()
    session.undo()
    np.testing.assert_array_equal(mask(session, 2, 1), np.roll(box(8, 4, 22, 14), 1, axis=1))


# The switch


def test_the_switch_joins_and_divides_what_there_is_and_undo_takes_it_back(session):
    two_boxes(session)
    run(session.propagate())
    session.accept(2, 5)
    kept = mask(session, 2, 5)
    apart = snapshot(session)
    session.set_non_overlapping(False)
    assert shared(session) and shared(session, 3) and not session.non_overlapping
    np.testing.assert_array_equal(mask(session, 2, 5), kept)
    joined = snapshot(session)
    session.set_non_overlapping(True)
    assert not any(shared(session, t) for t in range(FRAMES))
    session.undo()
    assert snapshot(session) == joined and not session.non_overlapping
    assert session.undo() == "let objects overlap"
    assert snapshot(session) == apart and session.non_overlapping
    session.clear()
    assert session.non_overlapping


def test_a_preview_is_what_the_click_would_give(session):
    session.add_mask(0, box(8, 0, 40, 16), 1)
    seen = session.preview(0, 8.0, 8.0).mask_hw
    session.add_point(0, 8.0, 8.0, obj=2)
    np.testing.assert_array_equal(seen, mask(session, 2))
    assert seen.any() and not seen[:, 8:].any()
    before = snapshot(session)
    session.preview(0, 10.0, 8.0, 2)
    assert snapshot(session) == before


# Any sequence

_REVIEWS = ("accept", "reject", "unreview", "reset")
_KINDS = ("click", "click", "box", "box", "mask", "propagate", "propagate", *_REVIEWS)
_EDITS = st.tuples(
    st.sampled_from((*_KINDS, "remove", "lock", "undo", "redo", "switch")),
    st.integers(1, 3),
    st.integers(0, FRAMES - 1),
    st.integers(0, WIDTH - 14),
)


@given(
    edits=st.lists(_EDITS, max_size=14),
    logits=st.booleans(),
    clean_masks=st.sampled_from([0, 0.2]),
)
@settings(max_examples=60, deadline=None)
def test_whatever_is_done_the_models_masks_exclude_each_other(edits, logits, clean_masks):
    segmenter = SureSegmenter(HEIGHT, WIDTH, SURE) if logits else DiscSegmenter(HEIGHT, WIDTH)
    session = Session(FRAMES, HEIGHT, WIDTH, segmenter, clean_masks=clean_masks)
    history = [snapshot(session)]
    for edit in edits:
        try:
            _apply(session, *edit)
        except SessionError:
            continue
        if edit[0] not in ("undo", "redo"):
            history.append(snapshot(session))
        if session.non_overlapping:
            _check(session)
    if not any(edit[0] in ("undo", "redo") for edit in edits):
        while session.last_edit is not None:
            session.undo()
        assert snapshot(session) == []
        while session.next_edit is not None:
            session.redo()
        assert snapshot(session) == history[-1]


def _apply(session, what, obj, frame, x):
    if what == "click":
        session.add_point(frame, x + 2, 8, obj=obj)
    elif what == "box":
        session.add_box(frame, x, 2 + obj, x + 9 + obj, 14, obj)
    elif what == "mask":
        session.add_mask(frame, box(x, 3, x + 6, 9), obj)
    elif what == "propagate":
        run(session.propagate(objects=obj if frame % 2 else None))
    elif what in _REVIEWS:
        getattr(session, what)(obj, frame)
    elif what == "remove":
        session.remove_object(obj)
    elif what == "lock":
        session.update_object(obj, locked=frame % 2 == 0)
    elif what == "switch":
        session.set_non_overlapping(frame % 2 == 0)
    else:
        getattr(session, what)()


def _check(session):
    for frame in range(FRAMES):
        held = np.zeros((HEIGHT, WIDTH), int)
        for info in session.objects:
            result = session.result(frame, info.id)
            if result is None or result.state == "rejected":
                continue
            own = result.mask.to_array()
            assert not (own & ~result.answer.to_array()).any()
            assert result.whole is None or result.whole != result.mask
            own_work = info.locked or result.state == "accepted"
            own_work |= result.source in ("edit", "import")
            held += own * (100 if own_work else 1)
        assert not ((held % 100 > 1) | ((held > 100) & (held % 100 > 0))).any(), frame


# Logits


def test_packed_logits_are_near_what_they_were_and_small():
    y, x = np.mgrid[:64, :64]
    noise = torch.randn(64, 64, generator=torch.Generator().manual_seed(0)).numpy()
    logits_hw = (8 * (1 - np.hypot(y - 30, x - 20) / 14) + 0.3 * noise).astype(np.float32)
    packed = MaskLogits.pack(logits_hw)
    assert len(packed.packed) < 1600
    size = (75, 133)
    resized = F.interpolate(
        torch.from_numpy(logits_hw)[None, None], size, mode="bilinear", align_corners=False
    )[0, 0].numpy()
    inside = np.nonzero(resized > 0)
    error = np.abs(packed.at(*inside, size) - resized[inside])
    assert error.max() < 0.1 + 0.02 * resized.max()
    outside = np.nonzero(resized < -4)
    assert (packed.at(*outside, size) < 0).all()


def test_logits_at_the_edge_of_a_frame_and_of_nothing():
    logits_hw = np.full((4, 6), 3.0, np.float32)
    rows, columns = np.nonzero(np.ones((9, 11), bool))
    assert np.abs(MaskLogits.pack(logits_hw).at(rows, columns, (9, 11)) - 3).max() < 0.1
    nothing = MaskLogits.pack(-logits_hw)
    assert nothing.packed == b"" and (nothing.at(rows, columns, (9, 11)) < 0).all()


# The widget

CLIP = np.random.default_rng(0).integers(0, 256, (FRAMES, HEIGHT, WIDTH, 3), dtype=np.uint8)


@pytest.fixture
def make():
    made = []

    def make(*args, **options) -> Sam2Widget:
        segmenter = SureSegmenter(HEIGHT, WIDTH, SURE)
        made.append(Sam2Widget(*(args or (CLIP,)), segmenter, **options))
        made[-1].wait_until_loaded()
        return made[-1]

    yield make
    for widget in made:
        widget.close()


def overlap(widget) -> int:
    return int((widget.masks[1][0] & widget.masks[2][0]).sum())


def box_both(widget) -> None:
    widget.add_box(0, 2, 2, 14, 12, obj=1)
    widget.add_box(0, 8, 4, 22, 14, obj=2)


def test_a_widget_keeps_objects_apart_unless_told_otherwise(make):
    apart, free = make(), make(non_overlapping=False)
    for widget in (apart, free):
        box_both(widget)
    assert overlap(apart) == 0 < overlap(free)
    assert apart.non_overlapping and not free.non_overlapping
    with pytest.warns(UserWarning, match="Objects overlap on 1 frame, and a label map holds one"):
        free.label_map(0)
    free.non_overlapping = True
    assert overlap(free) == 0 and free.history["undo"] == "keep objects apart"
    free.undo()
    assert overlap(free) and not free.non_overlapping


def test_the_switches_of_the_browser_reach_the_session(make, tmp_path):
    widget = make()
    browser = Browser(widget)
    browser.say("hello")
    box_both(widget)
    assert browser.ask("set_non_overlapping", on=False)["type"] == "done"
    assert overlap(widget) and widget.non_overlapping is False
    told = {entry["object"]: entry["area"] for entry in browser.of("masks")[-1]["masks"]}
    assert told == {obj: int(widget.masks[obj][0].sum()) for obj in (1, 2)}
    browser.ask("undo")
    assert not overlap(widget) and widget.non_overlapping is True
    widget.set_state({"clean_masks": 0.0, "non_overlapping": False})
    widget.save(tmp_path / "a.sam2.zip")
    assert read_session(tmp_path / "a.sam2.zip").clean_masks == 0
    assert widget.non_overlapping is True


@pytest.mark.parametrize(
    ("given", "kept"), [(None, 0.01), (True, 0.01), (False, 0), (0.05, 0.05), (30, 30)]
)
def test_how_masks_are_cleaned_is_said_once_and_goes_on_with_the_session(
    make, tmp_path, given, kept
):
    widget = make(clean_masks=given, non_overlapping=False)
    assert widget.clean_masks == kept
    box_both(widget)
    widget.save(tmp_path / "a.sam2.zip")
    assert read_session(tmp_path / "a.sam2.zip").clean_masks == kept
    loaded = Sam2Widget.load(tmp_path / "a.sam2.zip", CLIP, SureSegmenter(HEIGHT, WIDTH, SURE))
    try:
        assert loaded.clean_masks == kept and not loaded.non_overlapping and overlap(loaded)
    finally:
        loaded.close()
    apart = make(saved=read_session(tmp_path / "a.sam2.zip"), non_overlapping=True)
    assert not overlap(apart) and apart.clean_masks == kept


def test_an_object_that_keeps_little_of_its_mask_says_so(make):
    widget = make()
    browser = Browser(widget)
    browser.say("hello")
    widget.add_box(0, 2, 2, 30, 14, obj=1)
    sentence = "Object 2 keeps 12 of 72 pixels on frame 0: the rest is of Object 1."
    with pytest.warns(UserWarning, match=sentence):
        widget.add_box(0, 20, 6, 32, 12, obj=2)
    assert widget.status["message"].startswith(sentence)
    browser.ask("undo")
    assert widget.status["message"] == ""
    widget.selected = 0
    browser.ask("box", frame=0, object=None, x0=20.0, y0=6.0, x1=32.0, y1=12.0)
    idle(widget)
    assert widget.status["message"].startswith(sentence)


def test_an_object_that_loses_most_of_its_mask_to_another_is_named_too(make):
    widget = make()
    widget.add_box(0, 20, 6, 32, 12, obj=1)
    widget.add_box(0, 2, 2, 30, 14, obj=2)
    with pytest.warns(UserWarning, match="Object 1 keeps 12 of 72 pixels .* is of Object 2"):
        widget.add_point(0, 25, 9, obj=2)


def test_a_wrong_way_to_clean_is_refused(make):
    with pytest.raises(SessionError, match="clean_masks must be True, False, a size"):
        make(clean_masks="yes")
    widget = make()
    with pytest.raises(TraitError, match="got -1"):
        widget.clean_masks = -1
    widget.clean_masks = True
    assert widget.clean_masks == 0.01


def test_what_is_exported_is_what_is_seen(make, tmp_path):
    widget = make()
    box_both(widget)
    widget.propagate()
    found = import_masks(widget.export(tmp_path / "out", "coco"), CLIP)
    for (obj, frame), exported in found.masks.items():
        np.testing.assert_array_equal(exported.to_array(), widget.masks[obj][frame])
    widget.save(tmp_path / "a.sam2.zip")
    later = make(saved=read_session(tmp_path / "a.sam2.zip"))
    for obj in (1, 2):
        np.testing.assert_array_equal(np.asarray(later.masks[obj]), np.asarray(widget.masks[obj]))
    later.remove_object(1)
    np.testing.assert_array_equal(later.masks[2][0], box(8, 4, 22, 14))


def test_implausible_candidates_are_not_offered(make):
    class Doubtful(ChoosySegmenter):
        ious = 0.9, 0.29, 0.31

        def prompt(self, frame, obj, prompts):
            found = super().prompt(frame, obj, prompts)
            if found.candidates is None:
                return found
            return replace(found, candidates=replace(found.candidates, ious=self.ious))

    session = Session(FRAMES, HEIGHT, WIDTH, Doubtful(HEIGHT, WIDTH))
    session.add_point(0, 10, 8)
    offered = session.result(0, 1).candidates
    assert [one.iou for one in offered] == [0.9, 0.31]
    session.choose(0, 1, 1)
    assert mask(session, 1)[:, WIDTH // 2 :].all() and session.result(0, 1).chosen == 1
    assert session.prompts(0, 1).candidate == 2, "the model's own number"
    with pytest.raises(SessionError, match="no candidate 2"):
        session.choose(0, 1, 2)
    Doubtful.ious = 0.9, 0.2, 0.1
    session.add_point(1, 10, 8)
    assert session.result(1, 1).candidates == (), "there is no choice"
