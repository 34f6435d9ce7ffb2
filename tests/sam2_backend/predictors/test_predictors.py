"""The predictors as their users meet them, on a small random network."""

import gc

import numpy as np
import pytest
import torch
from PIL import Image

from sam2_backend import ImagePredictor, Sam2Model, VideoPredictor, open_video
from sam2_backend.masks.regions import keep_distinct_masks
from sam2_backend.predictors.automatic.proposals import MAX_PROPOSALS
from tests.support.networks import random_nano

SIZE = 96


@pytest.fixture(scope="module")
def model() -> Sam2Model:
    return random_nano(SIZE)


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (20, 60, 80, 3), dtype=np.uint8)


def test_an_image_gives_three_candidates_or_one_mask(model, frames):
    predictor = ImagePredictor(model)
    predictor.set_image(frames[0])
    masks, ious, logits = predictor.predict(points=[[40, 30]], labels=[1])
    assert masks.shape == (3, 60, 80) and masks.dtype == bool
    assert ious.shape == (3,) and logits.shape == (3, SIZE // 4, SIZE // 4)
    masks, _, _ = predictor.predict(box=[10, 10, 50, 40], multimask=False)
    assert masks.shape == (1, 60, 80)
    refined, _, _ = predictor.predict(
        points=[[40, 30]], labels=[0], mask_logits=logits[0], multimask=False
    )
    assert refined.shape == (1, 60, 80)


def test_prompting_twice_encodes_once(model, frames, monkeypatch):
    calls = []
    encode = model.encode_image
    monkeypatch.setattr(model, "encode_image", lambda x: calls.append(1) or encode(x))
    predictor = ImagePredictor(model)
    predictor.set_image(frames[0])
    for _ in range(3):
        predictor.predict(points=[[40, 30]], labels=[1])
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("kwargs", "sentence"),
    [
        ({}, "nothing to predict from"),
        ({"points": [[1, 2]]}, "go together"),
        ({"points": [[1, 2]], "labels": [1, 0]}, "for 1 points"),
        ({"points": [[1, 2]], "labels": [7]}, "0 \\(outside\\) or 1"),
        ({"points": [[1, float("nan")]], "labels": [1]}, "finite"),
        ({"box": [10, 10, 5, 20]}, "x0 < x1"),
        ({"box": [1, 2, 3]}, "four numbers"),
        ({"mask_logits": np.zeros((5, 5))}, "quarter of the network's input"),
    ],
)
def test_bad_prompts_get_a_sentence(model, frames, kwargs, sentence):
    predictor = ImagePredictor(model)
    predictor.set_image(frames[0])
    with pytest.raises(ValueError, match=sentence):
        predictor.predict(**kwargs)


def test_predicting_before_an_image_is_set_says_so(model):
    with pytest.raises(RuntimeError, match="set_image"):
        ImagePredictor(model).predict(points=[[1, 1]], labels=[1])


@pytest.mark.parametrize("bad", [np.zeros((4, 4)), np.zeros((4, 4, 3)), np.zeros((4, 4, 4), "u1")])
def test_a_picture_of_another_kind_gets_a_sentence(model, bad):
    with pytest.raises(ValueError, match="uint8"):
        ImagePredictor(model).set_image(bad)


def test_objects_tracked_together_are_as_if_tracked_alone(model, frames):
    together = VideoPredictor(model, frames)
    together.add_points(0, 1, [[20, 20]], [1])
    together.add_points(0, 2, [[60, 40]], [1])
    together.add_box(3, 3, [10, 10, 40, 40])
    alone = VideoPredictor(model, frames)
    alone.add_box(3, 3, [10, 10, 40, 40])
    for a, b in zip(together.propagate(0, 8), alone.propagate(0, 8), strict=True):
        assert set(a.masks) == {1, 2, 3}
        np.testing.assert_allclose(a.logits[3], b.logits[3], rtol=0, atol=1e-4)
        assert (a.masks[3] != b.masks[3]).mean() < 1e-3


def test_a_correction_survives_every_later_pass(model, frames):
    video = VideoPredictor(model, frames)
    video.add_points(0, 1, [[20, 20]], [1])
    list(video.propagate())
    corrected = video.add_points(7, 1, [[70, 50]], [0])
    for reverse in (False, True):
        results = {r.frame: r for r in video.propagate(reverse=reverse)}
        np.testing.assert_array_equal(results[7].masks[1], corrected.masks[1])


def test_removing_an_object_does_not_disturb_the_others(model, frames):
    video = VideoPredictor(model, frames)
    video.add_points(0, 1, [[20, 20]], [1])
    video.add_points(0, 2, [[60, 40]], [1])
    steps = video.propagate()
    before = [next(steps) for _ in range(4)]
    video.remove_object(2)
    after = next(steps)
    assert set(before[-1].masks) == {1, 2} and set(after.masks) == {1}
    with pytest.raises(KeyError, match="no object 2"):
        video.remove_object(2)


def test_prompts_added_between_two_frames_are_tracked_from_then_on(model, frames):
    video = VideoPredictor(model, frames)
    video.add_points(0, 1, [[20, 20]], [1])
    steps = video.propagate()
    next(steps), next(steps)
    video.add_points(2, 5, [[50, 50]], [1])
    assert set(next(steps).masks) == {1, 5}


def test_ranges_are_half_open_in_both_directions(model, frames):
    video = VideoPredictor(model, frames)
    video.add_points(4, 1, [[20, 20]], [1])
    assert [r.frame for r in video.propagate(stop=7)] == [4, 5, 6]
    assert [r.frame for r in video.propagate(stop=2, reverse=True)] == [4, 3]


def test_a_restored_mask_takes_the_place_of_a_tracked_frame(model, frames):
    video = VideoPredictor(model, frames)
    video.add_points(0, 1, [[20, 20]], [1])
    mask = np.zeros((60, 80), bool)
    mask[10:40, 10:40] = True
    for frame in (9, 10, 11):
        video.restore(frame, 1, mask)
    restored = video.track(12, [1])
    plain = VideoPredictor(model, frames)
    plain.add_points(0, 1, [[20, 20]], [1])
    assert set(restored.masks) == {1}
    assert not np.array_equal(restored.logits[1], plain.track(12, [1]).logits[1])


@pytest.mark.parametrize("reverse", [False, True])
def test_restored_tracking_attends_to_all_that_tracking_straight_through_does(
    model, frames, reverse, monkeypatch
):
    prompted, target = (19, 1) if reverse else (0, 18)

    def prompt() -> VideoPredictor:
        video = VideoPredictor(model, frames)
        video.add_points(prompted, 1, [[20, 20]], [1])
        video.add_box(prompted, 2, [30, 20, 70, 50])
        return video

    straight = prompt()
    step = -1 if reverse else 1
    results = {r.frame: r for r in straight.propagate(stop=target, reverse=reverse)}
    masks = {t: r.masks for t, r in results.items() if t != prompted}

    resumed, decoded, encoded = prompt(), [], []
    use, encode = model.mask_as_output, model.encode_memory
    monkeypatch.setattr(
        *(model, "mask_as_output"), lambda features, m: decoded.append(len(m)) or use(features, m)
    )
    monkeypatch.setattr(
        *(model, "encode_memory"),
        lambda s16, m, *rest, **kinds: encoded.append(len(m)) or encode(s16, m, *rest, **kinds),
    )
    resumed.restore_before(target, masks, reverse=reverse)
    assert decoded == [2] * resumed.reach == [2] * 15, "both objects at once, and none twice"
    assert encoded == [2] * 6, "memories of those that are attended to"
    resumed.restore_before(target, masks, reverse=reverse)
    assert len(decoded) == 15, "what is in memory stays"
    for obj in (1, 2):
        selected, expected = (
            video.tracker.banks[obj].select(target, reverse=reverse)
            for video in (resumed, straight)
        )
        assert selected == expected and len(selected.pointers) >= 15
    assert set(resumed.track(target, reverse=reverse).masks) == {1, 2}
    assert resumed.tracker.banks[1].was_tracked_in_reverse(target - step) == reverse


def test_an_empty_mask_says_not_visible(model, frames):
    video = VideoPredictor(model, frames)
    result = video.add_mask(0, 1, np.zeros((60, 80), bool))
    assert result.scores[1] < 0 and not result.masks[1].any()


@pytest.mark.parametrize(
    ("act", "error", "sentence"),
    [
        (lambda v: v.add_points(99, 1, [[1, 1]], [1]), IndexError, "frames 0 to 19"),
        (lambda v: v.add_mask(0, 1, np.zeros((3, 3), bool)), ValueError, "frame's shape"),
        (lambda v: list(v.propagate()), ValueError, "Nothing to propagate"),
        (lambda v: v.track(1, [4]), ValueError, "Object 4 has no prompts"),
    ],
)
def test_misuse_gets_a_sentence(model, frames, act, error, sentence):
    with pytest.raises(error, match=sentence):
        act(VideoPredictor(model, frames))


def test_clicks_and_a_box_in_one_call_are_one_prompt(model, frames):
    video = VideoPredictor(model, frames)
    both = video.add_points(0, 1, [[30, 20], [60, 40]], [1, 0], box=[10, 10, 50, 40])
    assert not both.candidates
    again = video.add_points(0, 2, [[30, 20]], [1], box=[10, 10, 50, 40])
    single = VideoPredictor(model, frames).add_points(0, 2, [[30, 20]], [1])
    assert not np.array_equal(again.logits[2], single.logits[2])
    with pytest.raises(ValueError, match="x0 < x1"):
        video.add_points(0, 3, [[30, 20]], [1], box=[50, 10, 10, 40])
    assert 3 not in video.objects, "nothing is stored of a prompt that is none"


def test_a_reset_predictor_is_as_a_new_one(model, frames):
    used, new = VideoPredictor(model, frames), VideoPredictor(model, frames)
    used.add_points(0, 1, [[20, 20]], [1])
    list(used.propagate(stop=5))
    used.reset()
    assert used.objects == ()
    for video in (used, new):
        video.add_points(3, 1, [[50, 30]], [1])
    for a, b in zip(used.propagate(stop=8), new.propagate(stop=8), strict=True):
        np.testing.assert_array_equal(a.logits[1], b.logits[1])


def num_tensors():
    """How many tensors there are; the garbage collector need not run."""
    return sum(type(one) is torch.Tensor for one in gc.get_objects())


def test_a_predictor_that_nobody_uses_frees_its_features_at_once(model, frames):
    gc.collect()
    before = num_tensors()
    gc.disable()
    try:
        video = VideoPredictor(model, frames)
        video.add_points(0, 1, [[20, 20]], [1])
        list(video.propagate(stop=3))
        assert num_tensors() > before + 5
        del video
        assert num_tensors() <= before, "the garbage collector is not needed"
    finally:
        gc.enable()


def test_objects_may_be_known_before_their_first_prompt(model, frames):
    video = VideoPredictor(model, frames)
    assert (video.add_object(), video.add_object(7), video.add_object()) == (1, 7, 8)
    assert video.objects == (), "they have no prompts yet"
    with pytest.raises(ValueError, match="object 7 already"):
        video.add_object(7)
    video.add_box(0, 8, [10, 10, 40, 40])
    assert [set(r.masks) for r in video.propagate(stop=2)] == [{8}, {8}]
    video.remove_object(7)


def test_a_video_is_opened_from_whatever_open_video_takes(model, frames, tmp_path):
    expected = VideoPredictor(model, frames).add_points(1, 1, [[20, 20]], [1])
    for t, frame in enumerate(frames[:3]):
        Image.fromarray(frame).save(tmp_path / f"{t}.png")
    for source in (tmp_path, str(tmp_path), frames.transpose(0, 3, 1, 2), open_video(frames)):
        result = VideoPredictor(model, source).add_points(1, 1, [[20, 20]], [1])
        np.testing.assert_array_equal(result.logits[1], expected.logits[1])


def test_pictures_of_several_sizes_need_no_sizes_when_the_video_has_them(model, frames):
    pictures = open_video([frames[0], np.ascontiguousarray(frames[1][:40, :30])], "images")
    video = VideoPredictor(model, pictures)
    assert video.add_points(1, 1, [[20, 20]], [1]).masks[1].shape == (40, 30)


@pytest.mark.parametrize(
    ("kwargs", "sentence"),
    [
        ({"box": np.tile([1, 1, 9, 9], (2, 1)), "points": [[1, 2]], "labels": [1]}, "as many sets"),
        ({"points": np.ones((2, 3, 2)), "labels": np.ones((2, 2))}, "one for each of the points"),
        ({"points": np.ones((2, 3, 2)), "labels": np.full((2, 3), 2)}, "0 \\(outside\\) or -1"),
        ({"box": [[1, 1, 9, 9], [9, 1, 1, 9]]}, "x0 < x1"),
        ({"mask_logits": np.zeros((2, 24, 24))}, "\\(N, 1, 24, 24\\) of N prompt sets"),
    ],
)
def test_batches_of_prompts_that_do_not_fit_get_a_sentence(model, frames, kwargs, sentence):
    predictor = ImagePredictor(model)
    predictor.set_image(frames[0])
    for predict in (predictor.predict, predictor.predict_torch):
        with pytest.raises(ValueError, match=sentence):
            predict(**kwargs)


def test_prompts_of_a_batch_of_images_go_with_their_images(model, frames):
    predictor = ImagePredictor(model)
    with pytest.raises(RuntimeError, match="call set_image_batch"):
        predictor.predict_batch(box_batch=[[1, 1, 9, 9]])
    predictor.set_image_batch(list(frames[:2]))
    with pytest.raises(RuntimeError, match="There are 2 images: call predict_batch"):
        predictor.predict(box=[1, 1, 9, 9])
    with pytest.raises(ValueError, match="give 2 prompts of each kind"):
        predictor.predict_batch(box_batch=[[1, 1, 9, 9]])
    boxes = [[10, 10, 40, 40], [[20, 20, 60, 50], [5, 5, 30, 30]]]
    together = predictor.predict_batch(box_batch=boxes)
    for frame, box, *found in zip(frames, boxes, *together, strict=False):
        predictor.set_image(frame)
        for part, expected in zip(found, predictor.predict(box=box), strict=True):
            np.testing.assert_array_equal(part, expected)


def test_a_video_without_frames_gets_a_sentence(model):
    with pytest.raises(ValueError, match="no frames"):
        VideoPredictor(model, [])


def test_frames_of_another_size_get_a_sentence(model, frames):
    video = VideoPredictor(model, [frames[0], frames[0][:30]])
    with pytest.raises(ValueError, match="80x30"):
        video.add_points(1, 1, [[1, 1]], [1])


def test_a_lone_click_comes_with_its_three_candidates(model, frames):
    video = VideoPredictor(model, frames)
    result = video.add_points(0, 1, [[20, 20]], [1])
    found = result.candidates[1]
    assert found.masks_nhw.shape == (3, 60, 80) and found.chosen == int(np.argmax(found.ious))
    np.testing.assert_array_equal(found.masks_nhw[found.chosen], result.masks[1])
    assert not video.add_points(0, 1, [[30, 20]], [1]).candidates
    assert not video.add_box(2, 1, [10, 10, 50, 40]).candidates


@pytest.mark.parametrize("candidate", [0, 1, 2])
def test_a_chosen_candidate_is_as_if_it_had_been_the_best(model, frames, candidate, monkeypatch):
    chosen = VideoPredictor(model, frames)
    result = chosen.add_points(0, 1, [[20, 20]], [1], candidate=candidate)
    assert result.candidates[1].chosen == candidate
    select = model.select_mask

    def prefer(output, *, multimask, candidate=None):
        ious = torch.zeros_like(output.ious_nm)
        ious[:, 1 + preferred] = 1
        return select(output._replace(ious_nm=ious), multimask=multimask)

    preferred = candidate
    best = VideoPredictor(model, frames)
    monkeypatch.setattr(model, "select_mask", prefer)
    expected = best.add_points(0, 1, [[20, 20]], [1])
    monkeypatch.undo()
    np.testing.assert_array_equal(result.masks[1], expected.masks[1])
    for a, b in zip(chosen.propagate(1, 4), best.propagate(1, 4), strict=True):
        np.testing.assert_array_equal(a.logits[1], b.logits[1])


def test_a_preview_is_what_the_click_then_gives_and_leaves_no_trace(model, frames):
    video, other = VideoPredictor(model, frames), VideoPredictor(model, frames)
    seen = video.preview(0, 1, [[20, 20]], [1])
    assert video.objects == ()
    first = video.add_points(0, 1, [[20, 20]], [1])
    np.testing.assert_array_equal(seen.logits[1], first.logits[1])
    seen = video.preview(0, 1, [[50, 30]], [1])
    other.add_points(0, 1, [[20, 20]], [1])
    for a, b in zip(video.propagate(0, 5), other.propagate(0, 5), strict=True):
        np.testing.assert_array_equal(a.logits[1], b.logits[1])
    second = video.add_points(0, 1, [[50, 30]], [1])
    np.testing.assert_array_equal(seen.logits[1], second.logits[1])


def test_proposals_are_distinct_and_the_best_first(model, frames):
    random_is_unsure = {"pred_iou_thresh": 0, "stability_score_thresh": 0, "box_nms_thresh": 1.0}
    video = VideoPredictor(model, frames)
    steps, count, found = video.propose(0, points_per_batch=32, **random_is_unsure), 0, []
    while True:
        try:
            next(steps)
            count += 1
        except StopIteration as end:
            found = end.value
            break
    assert count == 16**2 / 32 and 1 <= len(found) <= MAX_PROPOSALS
    quality = [one["predicted_iou"] * one["stability_score"] for one in found]
    assert quality == sorted(quality, reverse=True)
    masks = [one["segmentation"] for one in found]
    assert all(mask.shape == (60, 80) and mask.dtype == bool for mask in masks)
    assert len(keep_distinct_masks(masks, 0.7)) == len(masks)
    assert video.objects == ()


def test_pictures_of_several_sizes_are_prompted_each_on_its_own(model, frames):
    pictures = [frames[0], np.ascontiguousarray(frames[1][:40, :30])]
    video = VideoPredictor(model, pictures, sizes_hw=[(60, 80), (40, 30)])
    assert video.add_points(1, 1, [[20, 20]], [1]).masks[1].shape == (40, 30)
    assert video.add_points(0, 1, [[70, 50]], [1]).masks[1].shape == (60, 80)
    alone = VideoPredictor(model, pictures[1:])
    np.testing.assert_array_equal(
        video.add_points(1, 2, [[20, 20]], [1]).logits[2],
        alone.add_points(0, 2, [[20, 20]], [1]).logits[2],
    )
