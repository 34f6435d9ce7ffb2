"""Trackers of transformers do what a session asks, as the library itself tracks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sam2_backend.video import Video, open_video
from sam2widget import (
    Mask,
    Point,
    PromptSet,
    Sam2Widget,
    Segmenter,
    TransformersSegmenter,
    propagate_many,
    read_session,
)
from sam2widget.models.hugging_face.frames import FeatureCache
from sam2widget.models.hugging_face.hub import find_class
from sam2widget.models.hugging_face.kinds import kind_of
from sam2widget.models.registry import load_by_family
from tests.parity.figures import MAX_RELATIVE_ERROR
from tests.support.hugging_face import SIDE, make_sam3_video

from .conftest import HEIGHT, NUM_FRAMES, WIDTH

CLICK = PromptSet((Point(30, 25, 1),))
OTHER = PromptSet((Point(70, 40, 1),))


def load(folder: Path, video: Video) -> TransformersSegmenter:
    segmenter = load_by_family(f"hf:{folder}", "cpu", video, lambda text: None)
    assert isinstance(segmenter, TransformersSegmenter) and isinstance(segmenter, Segmenter)
    segmenter.set_cleaning(0)
    return segmenter


@pytest.fixture
def segmenter(folder: Path, video: Video) -> TransformersSegmenter:
    return load(folder, video)


def track(segmenter: Any, frames: Any, objs: tuple[int, ...] = (1,)) -> list[np.ndarray]:
    frames = list(frames)
    reverse = len(frames) > 1 and frames[1] < frames[0]
    found = [segmenter.track(frame, objs, reverse=reverse) for frame in frames]
    return [one[obj].logits_hw for one in found for obj in objs]


def same(ours: list[np.ndarray], others: list[np.ndarray]) -> bool:
    return len(ours) == len(others) and all(
        np.abs(one - other).max() <= MAX_RELATIVE_ERROR * np.abs(other).max()
        for one, other in zip(ours, others, strict=True)
    )


def test_a_click_is_tracked_as_the_library_tracks_it(segmenter, clip):
    model = segmenter.loaded_model
    kind = kind_of(model.config.model_type)
    frames = segmenter._frames
    session = find_class(kind.session_class)(
        video=torch.stack([frames[t] for t in range(NUM_FRAMES)]),
        video_height=HEIGHT,
        video_width=WIDTH,
        dtype=torch.float32,
    )
    place = [[[[30 / WIDTH * SIDE, 25 / HEIGHT * SIDE]]]]
    clicks = {"point_coords": torch.tensor(place), "point_labels": torch.ones(1, 1, 1).int()}
    session.add_point_inputs(session.obj_id_to_idx(1), 0, clicks)
    session.obj_with_new_inputs = [1]
    expected = [model(session, frame_idx=t).pred_masks[0, 0].numpy() for t in range(NUM_FRAMES)]

    first = segmenter.prompt(0, 1, CLICK)
    assert first.mask_hw.shape == (HEIGHT, WIDTH) and first.mask_hw.any()
    assert not first.mask_hw.all() and first.score > 0 and 0 <= first.iou <= 1
    assert same([first.logits_hw, *track(segmenter, range(1, NUM_FRAMES))], expected)


def test_a_first_click_may_mean_three_masks_of_which_one_can_be_chosen(segmenter):
    best = segmenter.prompt(0, 1, CLICK)
    candidates = best.candidates
    assert candidates is not None and candidates.masks_nhw.shape == (3, HEIGHT, WIDTH)
    assert candidates.chosen == int(np.argmax(candidates.ious))
    assert best.iou == pytest.approx(max(candidates.ious))
    for n in range(3):
        chosen = segmenter.prompt(0, 1, CLICK.with_candidate(n))
        assert np.array_equal(chosen.mask_hw, candidates.masks_nhw[n])
        assert chosen.iou == pytest.approx(candidates.ious[n])
        assert chosen.candidates is not None and chosen.candidates.chosen == n


def test_a_prompt_set_has_one_answer_however_it_came_to_be(segmenter):
    both = CLICK.with_point(Point(10, 50, 0))
    box = PromptSet(box=(20, 10, 60, 45))
    mask = PromptSet(mask=Mask.from_array(np.pad(np.ones((20, 30), bool), ((5, 35), (9, 57)))))
    for prompts in CLICK, both, box, box.with_point(Point(10, 50, 0)), mask, both:
        step_by_step = segmenter.prompt(0, 1, prompts)
        at_once = segmenter.prompt(0, 2, prompts)
        again = segmenter.prompt(0, 2, prompts)
        segmenter.remove(2)
        assert same([step_by_step.logits_hw] * 2, [at_once.logits_hw, again.logits_hw])
    given, answered = mask.mask.to_array(), segmenter.prompt(0, 1, mask)
    assert (given & answered.mask_hw).sum() > 0.9 * (given | answered.mask_hw).sum()
    assert answered.iou == 1.0 and answered.candidates is None
    # The second click refines the answer to the first, which the library alone forgets.
    refined = segmenter.prompt(0, 1, both)
    segmenter.remove(1)
    segmenter.prompt(0, 1, CLICK)
    memory = segmenter._memories[1]
    memory.conditioning.clear()
    assert not same([refined.logits_hw], [segmenter.prompt(0, 1, both).logits_hw])


def test_objects_are_tracked_each_by_itself_late_and_removed_ones_too(segmenter):
    segmenter.prompt(0, 1, CLICK)
    alone = track(segmenter, range(1, 12))
    segmenter.remove(1)
    segmenter.prompt(0, 1, CLICK)
    segmenter.prompt(0, 2, OTHER)
    track(segmenter, range(1, 5), (1, 2))
    segmenter.remove(2)
    segmenter.prompt(5, 3, OTHER)  # it comes in the middle
    last = [segmenter.track(t, (1, 3) if t > 5 else (1,), reverse=False) for t in range(5, 12)]
    assert same([one[1].logits_hw for one in last], alone[4:])
    assert all(one[3].mask_hw.any() for one in last[1:])


def test_a_correction_conditions_what_comes_after_and_no_pass_undoes_it(segmenter):
    segmenter.prompt(0, 1, CLICK)
    before = track(segmenter, range(1, 8))
    corrected = segmenter.prompt(3, 1, OTHER)
    memory = segmenter._memories[1]
    assert set(memory.conditioning) == {0, 3}
    # It was answered from memory, not as on a frame that nobody has tracked.
    fresh = segmenter.prompt(3, 2, OTHER)
    assert not same([corrected.logits_hw], [fresh.logits_hw])
    after = track(segmenter, range(1, 8))
    assert same(after[2:3], [corrected.logits_hw])
    assert not same(after[3:], before[3:])
    # A second click is answered from memory, too; without both the frame is as it was.
    more = OTHER.with_point(Point(20, 20, 0))
    assert not same([segmenter.prompt(3, 1, more).logits_hw], [corrected.logits_hw])
    assert set(memory.conditioning) == {0, 3}
    segmenter.clear(3, 1)
    assert same(track(segmenter, range(1, 8)), before)


def test_it_tracks_backward(segmenter, clip):
    segmenter.prompt(10, 1, CLICK)
    backward = track(segmenter, range(9, -1, -1))
    assert all((one > 0).any() for one in backward)
    # As a video that runs the other way.
    reversed_video = open_video(np.ascontiguousarray(clip[::-1]))
    other = TransformersSegmenter(segmenter.loaded_model, reversed_video)
    other.prompt(NUM_FRAMES - 11, 1, CLICK)
    assert same(track(other, range(NUM_FRAMES - 10, NUM_FRAMES)), backward)


def test_a_preview_says_what_a_click_gives_and_leaves_no_trace(segmenter):
    untouched = segmenter.preview(0, None, CLICK.points[0])
    assert not segmenter._memories
    assert same([untouched.logits_hw], [segmenter.prompt(0, 1, CLICK).logits_hw])
    alone = track(segmenter, range(1, 4))
    second = Point(10, 50, 0)
    seen = segmenter.preview(0, 1, second)
    segmenter.preview(2, 1, second)
    assert same(track(segmenter, range(1, 4)), alone)
    given = segmenter.prompt(0, 1, CLICK.with_point(second))
    assert same([seen.logits_hw], [given.logits_hw])


def test_what_is_restored_is_tracked_from(segmenter):
    segmenter.prompt(0, 1, CLICK)
    found = [segmenter.track(t, (1,), reverse=False)[1] for t in range(1, 8)]
    masks = [one.mask_hw for one in found]
    expected = track(segmenter, [8])
    segmenter.remove(1)
    segmenter.prompt(0, 1, CLICK)
    lost = track(segmenter, [8])
    segmenter.remove(1)
    segmenter.prompt(0, 1, CLICK)
    for frame, mask_hw in enumerate(masks, 1):
        segmenter.restore(frame, 1, mask_hw)
    memory = segmenter._memories[1]
    assert set(memory.conditioning) == {0} and set(memory.tracked) == set(range(1, 8))
    again = track(segmenter, [8])
    assert not same(again, lost) and not same(expected, lost)


def test_memory_and_reading_are_bounded(folder, clip, monkeypatch):
    long = open_video(np.concatenate([clip] * 3))
    reads: list[int] = []
    read = type(long).__getitem__
    monkeypatch.setattr(
        type(long), "__getitem__", lambda self, t: (reads.append(t), read(self, t))[1]
    )
    segmenter = load(folder, long)
    assert not reads  # loading reads no frame
    segmenter._features = FeatureCache(max_bytes=3_000_000)
    segmenter.prompt(0, 1, CLICK)
    segmenter.prompt(0, 2, OTHER)
    sizes = []
    for frame in range(1, len(long)):
        segmenter.track(frame, (1, 2), reverse=False)
        kept = [one for m in segmenter._memories.values() for one in m.tracked.values()]
        sizes.append(sum(t.nbytes for one in kept for t in one.values() if torch.is_tensor(t)))
        assert segmenter._features.num_bytes <= 3_000_000
    assert reads == list(range(len(long)))  # each once, for both objects
    assert max(sizes[40:]) <= max(sizes[:40])
    assert not any("high_res_masks" in one for one in kept)


def test_what_looks_otherwise_is_read_again(segmenter, video):
    before = segmenter.prompt(0, 1, CLICK)
    video.contrast = (100, 200)
    segmenter.forget_pixels()
    segmenter.remove(1)
    assert not same([before.logits_hw], [segmenter.prompt(0, 1, CLICK).logits_hw])


def test_specks_are_dropped_but_not_what_was_clicked(segmenter):
    segmenter.set_cleaning(20)
    mask_hw = np.zeros((HEIGHT, WIDTH), bool)
    mask_hw[10:30, 10:30] = mask_hw[50:52, 50:52] = mask_hw[40:42, 80:82] = True
    left = segmenter.without_specks(mask_hw, [Point(51, 51, 1)])
    assert left[51, 51] and left[20, 20] and not left[41, 81]


def test_pictures_of_several_sizes_are_prompted(folder, clip):
    pictures = [clip[0], np.ascontiguousarray(clip[1, :40, :50])]
    segmenter = load(folder, open_video(pictures, "images"))
    assert segmenter.prompt(0, 1, CLICK).mask_hw.shape == (HEIGHT, WIDTH)
    assert segmenter.prompt(1, 1, CLICK).mask_hw.shape == (40, 50)


def test_the_widget_does_its_whole_job_with_it(folder, clip, tmp_path):
    w = Sam2Widget(clip, f"hf:{folder}", "cpu", autosave=False)
    try:
        w.add_point(4, 30, 25)
        w.add_box(4, (50, 20, 90, 55), obj=2)
        w.propagate()
        assert w.model == str(folder)
        before = np.asarray(w.masks[1])
        w.add_point(9, 10, 50, label=0)
        w.accept(2, 3)
        w.propagate()
        assert np.array_equal(np.asarray(w.masks[1])[5:8].shape, before[5:8].shape)
        w.undo()
        w.remove_object(2)
        w.add_mask(12, clip[12, :, :, 0] > 128, obj=3)
        w.propagate()
        assert np.asarray(w.masks[3]).any((1, 2)).sum() > 1
        path = w.export(tmp_path / "masks.npz")
        assert np.array_equal(np.load(path)["1"], w.masks[1])
        assert all(proposal.mask.area > 0 for proposal in w.propose(0))
    finally:
        w.close()


def test_batches_track_with_it_and_load_it_once(folder, clip, tmp_path, monkeypatch):
    from PIL import Image

    sources = []
    for name in "ab":
        frames = tmp_path / name
        frames.mkdir()
        for t, rgb in enumerate(clip[:4]):
            Image.fromarray(rgb).save(frames / f"{t:03d}.png")
        w = Sam2Widget(frames, "nano", "cpu", kind="video", autosave=False)
        w.add_point(0, 30, 25)
        w.save(tmp_path / f"{name}.sam2.zip")
        w.close()
        sources.append(tmp_path / f"{name}.sam2.zip")
    said: list[str] = []
    report = propagate_many(
        sources,
        tmp_path / "tracked",
        model=f"hf:{folder}",
        device="cpu",
        on_status=said.append,
    )
    assert not report.failed
    for one in report.outcomes:
        assert len(read_session(one.job.target).results) == 4
    assert sum(str(folder) in line and "Loading" in line for line in said) == 1


def test_a_loaded_model_is_taken_as_it_is(segmenter, clip):
    w = Sam2Widget(clip, segmenter.loaded_model, autosave=False)
    try:
        w.add_point(0, 30, 25)
        assert np.array_equal(
            w.masks[1][0], TransformersSegmenter(segmenter.loaded_model, open_video(clip))
            .prompt(0, 1, CLICK).mask_hw
        )  # fmt: skip
    finally:
        w.close()


def test_of_sam_3_for_videos_its_tracker_is_loaded(folders, video, tmp_path):
    whole = make_sam3_video()
    whole.save_pretrained(tmp_path)
    segmenter = load(tmp_path, video)
    assert type(segmenter.loaded_model).__name__ == "Sam3TrackerVideoModel"
    weights = whole.state_dict()
    homes = ("tracker_model.{}", "detector_model.{}"), ("vision_encoder.neck", "tracker_neck")
    for key, value in segmenter.loaded_model.state_dict().items():
        named = [home.format(key) for home in homes[0]] + [key.replace(*homes[1])]
        if key.startswith("vision_encoder.neck"):
            named.reverse()
        home = next(name for name in named if name in weights)
        assert torch.equal(value, weights[home]), (key, home)
    assert segmenter.prompt(0, 1, CLICK).mask_hw.shape == (HEIGHT, WIDTH)
