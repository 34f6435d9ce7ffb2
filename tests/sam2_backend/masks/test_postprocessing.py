"""Specks, pinholes and overlaps are removed where asked for, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import ndimage

from sam2_backend import ImagePredictor, VideoPredictor, load_model
from sam2_backend.masks.postprocessing import MaskCleaner, make_exclusive


@pytest.fixture
def spotted():
    """A square of 200 x 300 pixels with a pinhole of 9, a hole of 2500, a speck of 9."""
    mask = np.zeros((480, 640), bool)
    mask[100:300, 200:500] = True
    mask[150:153, 300:303] = False
    mask[200:250, 400:450] = False
    mask[10:13, 10:13] = True
    return mask


def test_by_default_a_mask_is_the_very_same(spotted):
    assert MaskCleaner().clean(spotted) is spotted


@pytest.mark.parametrize("size", [0.01, 100])
def test_specks_and_pinholes_go_but_larger_holes_stay(spotted, size):
    cleaned = MaskCleaner(size, size).clean(spotted)
    expected = spotted.copy()
    expected[150:153, 300:303] = True
    expected[10:13, 10:13] = False
    assert np.array_equal(cleaned, expected)


def test_what_was_clicked_stays(spotted):
    points, labels = [[11.5, 11.5], [301.5, 151.5]], [1, 0]
    assert MaskCleaner(0.01, 0.01).clean(spotted, points, labels) is spotted


def test_a_click_keeps_only_its_own_part(spotted):
    cleaned = MaskCleaner(0.01, 0.01).clean(spotted, [[11.5, 11.5]], [1])
    assert cleaned[11, 11] and cleaned[151, 301]


def test_the_largest_part_stays_however_small_it_is():
    mask = np.zeros((50, 50), bool)
    mask[5:7, 5:8] = True
    mask[20, 20] = True
    cleaned = MaskCleaner(0, 100).clean(mask)
    assert cleaned.sum() == 6 and cleaned[5, 5]


@pytest.mark.parametrize("mask", [np.zeros((9, 9), bool), np.ones((9, 9), bool)])
def test_nothing_and_everything_are_left_alone(mask):
    assert np.array_equal(MaskCleaner(0.5, 0.5).clean(mask), mask)


@pytest.mark.parametrize("value", [-1, float("nan")])
def test_a_size_below_0_is_refused(value):
    with pytest.raises(ValueError, match="remove_specks must be 0 or more"):
        MaskCleaner(0, value)


def test_exclusive_masks_never_share_a_pixel_whatever_they_are_resized_to():
    logits = torch.randn(5, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    exclusive = make_exclusive(logits)
    for size in ((16, 16), (47, 31), (200, 300)):
        masks = F.interpolate(exclusive, size, mode="bilinear", align_corners=False) > 0
        assert masks.sum(0).max() == 1


def test_the_larger_logit_has_the_pixel_and_the_union_stays():
    logits = torch.randn(4, 1, 16, 16, generator=torch.Generator().manual_seed(1))
    exclusive = make_exclusive(logits)
    best = logits.argmax(dim=0, keepdim=True)
    assert torch.equal(exclusive > 0, (logits > 0) & (torch.arange(4)[:, None, None, None] == best))


def test_one_object_alone_keeps_its_logits():
    logits = torch.randn(1, 1, 8, 8)
    assert make_exclusive(logits) is logits


@pytest.fixture(scope="module")
def model():
    return load_model("nano", "cpu", image_size=128)


@pytest.fixture(scope="module")
def frames():
    """Two discs that touch, moving right."""
    y, x = np.mgrid[:96, :128]
    frames = np.full((4, 96, 128, 3), 60, np.uint8)
    for t, frame in enumerate(frames):
        frame[(x - 40 - 3 * t) ** 2 + (y - 48) ** 2 < 500] = 220, 60, 60
        frame[(x - 80 - 3 * t) ** 2 + (y - 48) ** 2 < 500] = 60, 200, 60
    return frames


def two_objects(model, frames, **options):
    """Both prompted with one box, so that their masks are alike."""
    video = VideoPredictor(model, frames, **options)
    for obj, x in ((1, 30), (2, 90)):
        video.add_box(0, obj, [15, 20, 110, 75])
        video.add_points(0, obj, [[x, 48]], [1])
    return video


@pytest.mark.parametrize("batch", [None, 1])
def test_objects_of_a_video_do_not_overlap_if_so_wished_also_batch_by_batch(model, frames, batch):
    free = two_objects(model, frames)
    exclusive = two_objects(model, frames, non_overlapping=True)
    exclusive.tracker.batcher.size = batch  # as after an allocation that failed
    overlaps = 0
    for loose, tight in zip(free.propagate(), exclusive.propagate(), strict=True):
        overlaps += (loose.masks[1] & loose.masks[2]).sum()
        assert not (tight.masks[1] & tight.masks[2]).any()
        assert tight.masks.keys() == loose.masks.keys()
    assert overlaps, "there was something to decide"


def test_objects_that_do_not_overlap_are_remembered_so_unless_told_otherwise(model, frames):
    free = two_objects(model, frames)
    apart = two_objects(model, frames, non_overlapping=True)
    only_shown = two_objects(model, frames, non_overlapping=True, exclusive_memory=False)
    only_remembered = two_objects(model, frames, exclusive_memory=True)
    videos = (free, apart, only_shown, only_remembered)
    loose, *tight, raw = [video.track(1) for video in videos]
    assert (loose.masks[1] & loose.masks[2]).any(), "there was something to decide"
    for obj in (1, 2):
        memories = [video.tracker.banks[obj].tracked[1].memory for video in videos]
        assert torch.equal(memories[0], memories[2])
        assert torch.equal(memories[1], memories[3])
        assert np.array_equal(tight[0].masks[obj], tight[1].masks[obj])
        assert np.array_equal(loose.masks[obj], raw.masks[obj])
    assert not all(
        torch.equal(
            free.tracker.banks[obj].tracked[1].memory, apart.tracker.banks[obj].tracked[1].memory
        )
        for obj in (1, 2)
    )


def test_a_prompted_frame_is_remembered_as_another_mask_until_told_otherwise(model, frames):
    video = two_objects(model, frames)
    answer = video.track(0).masks[1]
    whole = video.track(1).masks[1]
    part = answer & (np.arange(answer.shape[1]) < np.nonzero(answer)[1].mean())
    video.remember_as(0, 1, part)
    assert np.array_equal(video.track(0).masks[1], answer), "the answer stays"
    fewer = video.track(1).masks[1]
    assert not np.array_equal(fewer, whole)

    given = two_objects(model, frames)
    given.remember_as(0, 1, ~part)
    given.remember_as(0, 1, part)
    assert np.array_equal(given.track(1).masks[1], fewer)
    given.remember_as(0, 1, None)
    assert np.array_equal(given.track(1).masks[1], whole)
    given.remember_as(2, 1, part)
    assert np.array_equal(given.track(1).masks[1], whole), "frame 2 has no prompts"


def test_a_click_is_answered_without_what_other_objects_have_more_of(model, frames):
    video = two_objects(model, frames, non_overlapping=True)
    first = video.track(0).masks[1]
    video.add_points(0, 3, [[80, 48]], [1])
    answer = video.add_points(0, 3, [[30, 48]], [1])
    together = video.track(0)
    assert np.array_equal(answer.masks[3], together.masks[3])
    assert sum(mask.astype(int) for mask in together.masks.values()).max() == 1
    assert first.sum() >= together.masks[1].sum()


def test_a_predictor_cleans_answers_candidates_and_previews(model, frames):
    rough = VideoPredictor(model, frames)
    clean = VideoPredictor(model, frames, fill_holes=0.9, remove_specks=0.9)
    for ask in ("preview", "add_points"):
        before = getattr(rough, ask)(0, 1, [[40, 48]], [1])
        after = getattr(clean, ask)(0, 1, [[40, 48]], [1])
        assert _num_parts(after.masks[1]) == 1
        assert np.array_equal(before.logits[1], after.logits[1]), "memory and refinement see all"
    assert all(_num_parts(mask) <= 1 for mask in after.candidates[1].masks_nhw)


def test_an_image_predictor_cleans_what_it_returns_alone(model, frames):
    rough, clean = ImagePredictor(model), ImagePredictor(model, remove_specks=0.9)
    for predictor in (rough, clean):
        predictor.set_image(frames[0])
    before, _, logits = rough.predict([[5, 5]], [1])
    after, _, same = clean.predict([[5, 5]], [1])
    assert np.array_equal(logits, same)
    assert all(_num_parts(mask) <= 1 for mask in after)
    assert all((a & ~b).sum() == 0 for a, b in zip(after, before, strict=True))


def _num_parts(mask: np.ndarray) -> int:
    return ndimage.label(mask, structure=np.ones((3, 3)))[1]


def test_filling_holes_takes_nothing_from_another_object(model, frames):
    """A small disc in the hole of a ring that is as good as closed over it."""
    options = {"fill_holes": 0.9, "non_overlapping": True}
    y, x = np.mgrid[:96, :128]
    distance = np.hypot(x - 60, y - 48)
    for first in (1, 2):
        video = VideoPredictor(model, frames, **options)
        masks = {1: (distance < 36) & (distance > 14), 2: distance < 13}
        for obj in (first, 3 - first):
            video.add_mask(0, obj, masks[obj])
        found = video.track(0).masks
        assert not (found[1] & found[2]).any()
        assert (found[2] & masks[2]).sum() > 0.6 * masks[2].sum()
