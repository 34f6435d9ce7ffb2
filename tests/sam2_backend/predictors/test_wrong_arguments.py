"""What a predictor cannot do with its arguments is told in a sentence, before anything changes."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from sam2_backend import AutomaticMaskGenerator, VideoPredictor, load_model
from sam2_backend.masks.postprocessing import MaskCleaner
from tests.support.networks import random_nano

FRAMES, HEIGHT, WIDTH = 3, 30, 40
CLIP = np.random.default_rng(0).integers(0, 256, (FRAMES, HEIGHT, WIDTH, 3), np.uint8)
NO_FRAMES = [
    *("a", None, math.nan, 1.5, True, [0], -1, FRAMES, 10**30),
    *(np.array(1.7), np.array([0, 1]), torch.tensor(1.7)),
]
NO_IDS = [None, math.nan, [1], {}]
NO_FLAGS = ["a", 99, None, math.nan, [True]]
NO_MASKS = ["a", 5, None, np.zeros((HEIGHT, WIDTH + 1)), [[1, 2], [3]]]


@pytest.fixture(scope="module")
def model():
    return random_nano(64)


@pytest.fixture
def video(model):
    predictor = VideoPredictor(model, CLIP)
    predictor.add_points(0, 1, [[20, 15]], [1])
    return predictor


def fails(kinds, action, *parts: str) -> str:
    """What an action says; it raises something of all these kinds."""
    with pytest.raises(kinds[0]) as told:
        action()
    assert all(isinstance(told.value, kind) for kind in kinds), type(told.value)
    said = str(told.value)
    assert said[0] not in "'\"" and said.endswith(".") and "\n" not in said, said
    assert all(part in said for part in parts), said
    return said


@pytest.mark.parametrize("frame", NO_FRAMES, ids=repr)
def test_no_call_takes_a_frame_that_there_is_not(video, frame):
    mask_hw = np.ones((HEIGHT, WIDTH), bool)
    for call in (
        lambda: video.size_of(frame),
        lambda: video.add_points(frame, 1, [[1, 1]], [1]),
        lambda: video.add_box(frame, 1, [1, 1, 9, 9]),
        lambda: video.add_mask(frame, 1, mask_hw),
        lambda: video.preview(frame, 1, [[1, 1]], [1]),
        lambda: video.clear_prompts(frame, 1),
        lambda: video.track(frame),
        lambda: video.restore(frame, 1, mask_hw),
        lambda: video.remember_as(frame, 1, mask_hw),
        lambda: video.restore_before(frame, {}),
        lambda: video.decoder_inputs(frame, 1),
    ):
        fails([(ValueError, IndexError)], call, repr(frame))
    assert video.objects == (1,) and len(list(video.propagate())) == FRAMES


@pytest.mark.parametrize("obj", NO_IDS, ids=repr)
def test_no_call_takes_what_is_no_id(video, obj):
    for call in (
        lambda: video.add_points(0, obj, [[1, 1]], [1]),
        lambda: video.add_box(0, obj, [1, 1, 9, 9]),
        lambda: video.add_mask(0, obj, np.ones((HEIGHT, WIDTH), bool)),
        lambda: video.preview(0, obj, [[1, 1]], [1]),
        lambda: video.clear_prompts(0, obj),
        lambda: video.remove_object(obj),
        lambda: video.track(0, [obj]),
    ):
        fails([ValueError, TypeError], call, repr(obj))
    assert video.objects == (1,)


def test_an_object_that_there_is_not_is_told(video):
    fails([KeyError], lambda: video.remove_object("dog"), "no object 'dog'; there are [1]")
    fails([ValueError], lambda: video.track(1, 7), "Object 7 has no prompts yet")
    assert list(video.track(1, 1).masks) == list(video.track(1, [1]).masks) == [1]


@pytest.mark.parametrize("name", ["masks", "scores", "ious", "logits", "candidates"])
def test_a_result_names_the_objects_that_it_has(video, name):
    result = video.add_points(0, 1, [[20, 15]], [1], replace=True)
    values = getattr(result, name)
    for key in ("a", 99, None, math.nan):
        fails([KeyError], lambda key=key: values[key], repr(key), "Objects: 1.")
    assert 99 not in values and values.get(99) is None and list(values) == [1]
    if name == "candidates":
        fails([KeyError], lambda: video.track(1).candidates[1], "those of a single click")


@pytest.mark.parametrize("mask", NO_MASKS, ids=str)
def test_a_mask_of_another_size_is_put_nowhere(video, mask):
    calls = [
        lambda: video.restore(1, 1, mask),
        lambda: video.restore_before(2, {1: {1: mask}}),
    ]
    calls += [] if mask is None else [lambda: video.remember_as(0, 1, mask)]
    for call in calls:
        with pytest.raises(ValueError, match=r"shape|inhomogeneous"):
            call()


def test_ends_candidates_and_prompts_that_cannot_be_are_told(video):
    for stop in ("a", math.nan, 1.5, FRAMES + 1, -2):
        fails(
            [ValueError, TypeError],
            lambda stop=stop: list(video.propagate(stop=stop)),
            f"stop must be a whole number from 0 to {FRAMES}, got {stop!r}",
        )
    assert len(list(video.propagate(FRAMES - 1, -1, reverse=True))) == FRAMES
    for candidate in ("a", math.nan, 3, -1, True):
        fails(
            [ValueError, TypeError],
            lambda one=candidate: video.add_points(0, 1, [[1, 1]], [1], candidate=one),
            f"from 0 to 2, got {candidate!r}",
        )
    fails([ValueError], lambda: video.add_points(0, 1, None, None), "points with labels, or a box")
    fails([ValueError], lambda: video.add_box(0, 1, None), "got None")


def test_only_what_may_change_can_be_set(video):
    for name in ("non_overlapping", "exclusive_memory"):
        for value in NO_FLAGS:
            fails(
                [ValueError, TypeError],
                lambda name=name, value=value: setattr(video, name, value),
                f"{name} is True or False, got {value!r}",
            )
        setattr(video, name, np.bool_(True))
        assert getattr(video, name) is True
    fails([ValueError, TypeError], lambda: setattr(video, "cleaner", 5), "cleaner is a MaskCleaner")
    video.cleaner = MaskCleaner(4)
    for name in ("model", "frames", "tracker", "prompts", "objects", "fill_holes", "memory_policy"):
        fails([AttributeError], lambda name=name: setattr(video, name, 1), f"{name} of a VideoPre")
    assert len(list(video.propagate())) == FRAMES
    video.mine = 3  # what nobody mistakes for a setting
    assert video.mine == 3


@pytest.mark.parametrize("on", [1, 0, np.bool_(True), np.int64(0), np.array(1)], ids=repr)
def test_a_flag_may_be_1_or_0(model, on):
    made = VideoPredictor(model, CLIP, non_overlapping=on)
    assert made.non_overlapping is bool(on) and made.exclusive_memory is bool(on)


def test_a_subclass_may_have_attributes_named_as_arguments(model):
    class Mine(VideoPredictor):
        def __init__(self, *args):
            super().__init__(*args)
            self.cache_bytes = 5
            self.memory_policy = self.fill_holes = self.remove_specks = "mine"

    made = Mine(model, CLIP)
    assert made.cache_bytes == 5 and made.memory_policy == "mine"
    fails([AttributeError], lambda: setattr(made, "prompts", 1), "prompts of a Mine cannot be set")


def test_ids_may_be_names_beside_numbers(video):
    video.add_object("cat")
    assert video.add_object() == 2
    said = "There is an object 'cat' already; there are [1, 'cat', 2]."
    fails([ValueError], lambda: video.add_object("cat"), said)


def test_lists_of_ids_are_plain(model):
    video = VideoPredictor(model, CLIP)
    video.add_points(0, np.int64(1), [[20, 15]], [1])
    result = video.add_points(0, "cat", [[20, 15]], [1])
    fails([ValueError], lambda: video.add_object(np.int64(1)), "There is an object 1 already; ")
    fails([KeyError], lambda: result.masks[2], "of an object 2 here. Objects: 'cat'.")
    both = video.track(0)
    fails([KeyError], lambda: both.masks[np.int64(3)], "an object 3 here. Objects: 1, 'cat'.")
    fails([KeyError], lambda: video.remove_object(7), "no object 7; there are [1, 'cat']")
    assert video.add_object() == 2


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"fill_holes": "a"}, "fill_holes must be 0 or more, .*got 'a'"),
        ({"remove_specks": -1}, "remove_specks must be 0 or more, .*got -1"),
        ({"cache_bytes": "a"}, "cache_bytes must be a whole number from 0 up, got 'a'"),
        ({"cache_bytes": -1}, "cache_bytes must be a whole number from 0 up, got -1"),
        ({"non_overlapping": "a"}, "^non_overlapping is True or False, got 'a'"),
        ({"non_overlapping": 2}, "^non_overlapping is True or False, got 2"),
        ({"exclusive_memory": 3}, "exclusive_memory is True or False, got 3"),
        ({"sizes_hw": "a"}, r"sizes_hw must be \(H, W\) of each of the 3 frames, got 'a'"),
        ({"sizes_hw": [(1, 2)]}, r"sizes_hw must be \(H, W\) of each of the 3 frames"),
    ],
)
def test_options_that_cannot_be_are_refused(model, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        VideoPredictor(model, CLIP, **options)


def test_a_mask_that_is_turned_is_told_so(video):
    with pytest.raises(ValueError, match=r"got \(40, 30\)\. Width and height are the other way"):
        video.restore(1, 1, np.ones((WIDTH, HEIGHT), bool))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"points_per_side": 0}, "points_per_side must be a whole number from 1 up, got 0"),
        ({"crop_n_layers": -1}, "crop_n_layers must be a whole number from 0 up, got -1"),
        (
            {"crop_n_points_downscale_factor": 0},
            "crop_n_points_downscale_factor must be a whole number from 1 up, got 0",
        ),
        (
            {"points_per_side": None, "point_grids": [np.zeros((0, 2))]},
            r"1 arrays \(P, 2\) .*got the shapes \[\(0, 2\)\]",
        ),
    ],
)
def test_grids_of_a_generator_that_cannot_be_are_refused(model, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        AutomaticMaskGenerator(model, **options)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"image_size": "a"}, "image_size must be a whole number from 32 up, got 'a'"),
        ({"image_size": -32}, "image_size must be a whole number from 32 up, got -32"),
        ({"image_size": 33}, "image_size must be a multiple of 32, got 33"),
        ({"memory_pooling": "a"}, "memory_pooling must be a whole number, got 'a'"),
        ({"tracked_memories": 1.5}, "tracked_memories must be a whole number, got 1.5"),
        ({"device": 1.5}, "Device '1.5' cannot be used here"),
    ],
)
def test_options_of_a_model_that_cannot_be_are_refused(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        load_model("nano", **options)
