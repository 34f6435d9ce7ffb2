"""No option that is True or False takes a text such as "no", which would count as True.

The options are found by their annotations, so that none can be forgotten.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from sam2_backend import (
    CONFIGS,
    AutomaticMaskGenerator,
    ImagePredictor,
    LiveVideo,
    SAM2VideoPredictor,
    VideoPredictor,
    load_model,
)
from sam2_backend.arguments import ArgumentError, check_flag_or_none
from sam2_backend.training import Trainer, datasets
from sam2_backend.video import Channel
from tests.support.networks import random_nano

PACKAGES = (
    *("sam2_backend", "sam2_backend.training", "sam2_backend.training.datasets"),
    "sam2_backend.video",
)
CLIP = np.random.default_rng(0).integers(0, 256, (3, 30, 40, 3), np.uint8)
CLICK: Any = ([[20, 15]], [1])
ABSENT = "absent"
OFFICIAL = SAM2VideoPredictor

CALLS: dict[str, Callable[..., Any]] = {
    "AutomaticMaskGenerator": lambda g, **o: AutomaticMaskGenerator(g.model, **o),
    "Channel": lambda g, **o: Channel(0, 1, **o),
    "ImagePredictor.predict": lambda g, **o: g.image.predict(*CLICK, **o),
    "ImagePredictor.predict_batch": lambda g, **o: g.image.predict_batch(
        *([one] for one in CLICK), **o
    ),
    "ImagePredictor.predict_torch": lambda g, **o: g.image.predict_torch(*CLICK, **o),
    "LiveVideo": lambda g, **o: LiveVideo(ABSENT, **o),
    "ModelConfig": lambda g, **o: replace(CONFIGS["nano"], **o),
    "SAM2VideoPredictor.add_new_points": lambda g, **o: OFFICIAL.add_new_points(
        g.video, 1, 1, *CLICK, **o
    ),
    "SAM2VideoPredictor.add_new_points_or_box": lambda g, **o: OFFICIAL.add_new_points_or_box(
        g.video, 1, 1, *CLICK, **o
    ),
    "SAM2VideoPredictor.clear_all_prompts_in_frame": (
        lambda g, **o: OFFICIAL.clear_all_prompts_in_frame(g.video, 0, 1, **o)
    ),
    "SAM2VideoPredictor.init_state": lambda g, **o: OFFICIAL(g.model).init_state(CLIP, **o),
    "SAM2VideoPredictor.propagate_in_video": (
        lambda g, **o: OFFICIAL.propagate_in_video(g.video, **o)
    ),
    "SAM2VideoPredictor.remove_object": lambda g, **o: OFFICIAL.remove_object(g.video, 1, **o),
    "Trainer": lambda g, **o: Trainer(g.model, (), source=g.model, out=Path(ABSENT), **o),
    "VideoPredictor": lambda g, **o: VideoPredictor(g.model, CLIP, **o),
    "VideoPredictor.add_new_points_or_box": (
        lambda g, **o: g.video.add_new_points_or_box(1, 1, *CLICK, **o)
    ),
    "VideoPredictor.add_points": lambda g, **o: g.video.add_points(1, 1, *CLICK, **o),
    "VideoPredictor.clear_all_prompts_in_frame": (
        lambda g, **o: g.video.clear_all_prompts_in_frame(0, 1, **o)
    ),
    "VideoPredictor.propagate": lambda g, **o: g.video.propagate(**o),
    "VideoPredictor.propagate_in_video": lambda g, **o: g.video.propagate_in_video(**o),
    "VideoPredictor.restore_before": lambda g, **o: g.video.restore_before(1, {}, **o),
    "VideoPredictor.track": lambda g, **o: g.video.track(1, **o),
    "VideoRecords": lambda g, **o: datasets.VideoRecords([g.model], **o),
    "load_model": lambda g, **o: load_model("nano", **o),
    "open_coco": lambda g, **o: datasets.open_coco(ABSENT, ABSENT, **o),
    "open_dataset": lambda g, **o: datasets.open_dataset(ABSENT, **o),
    "open_davis": lambda g, **o: datasets.open_davis(ABSENT, **o),
    "open_image_masks": lambda g, **o: datasets.open_image_masks(ABSENT, ABSENT, **o),
    "open_sa_v": lambda g, **o: datasets.open_sa_v(ABSENT, **o),
    "open_youtube_vos": lambda g, **o: datasets.open_youtube_vos(ABSENT, **o),
}
"""How each is called, with all else as it should be."""
LEFT_OUT = {
    "EfficientNetLite.train": "torch's own, without effect",
    "FinetuneReport": "a result, which nobody makes",
    "FrameHistory": "made for policies on each frame",
    "Sam2Model.encode_memory": "a step of the network, within graphs: predictors have checked",
    "Sam2Model.select_mask": "as encode_memory",
    "Teacher.train": "torch's own, without effect",
}


def public_calls() -> Iterator[tuple[str, Callable[..., Any]]]:
    """All public functions, classes and methods of the library."""
    for package in map(importlib.import_module, PACKAGES):
        for name in package.__all__:
            part = getattr(package, name)
            if inspect.isfunction(part) or inspect.isclass(part):
                yield name, part
            if inspect.isclass(part):
                for member, function in inspect.getmembers(part, inspect.isroutine):
                    module = getattr(function, "__module__", None) or ""
                    if member[0] != "_" and module.startswith("sam2_backend"):
                        yield f"{name}.{member}", function


def flags_of(call: Callable[..., Any]) -> list[str]:
    try:
        parameters = inspect.signature(call).parameters.values()
    except ValueError:  # of some built-in classes' children
        return []
    return [one.name for one in parameters if one.annotation in ("bool", "bool | None")]


FLAGS = sorted({(name, flag) for name, call in public_calls() for flag in flags_of(call)})


@pytest.fixture(scope="module")
def model():
    return random_nano(64)


@pytest.fixture
def given(model, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    image, video = ImagePredictor(model), VideoPredictor(model, CLIP)
    image.set_image(CLIP[0])
    video.add_points(0, 1, *CLICK)
    return SimpleNamespace(model=model, image=image, video=video)


def test_it_is_known_how_every_call_with_a_flag_is_made():
    assert {name for name, _ in FLAGS} == CALLS.keys() | LEFT_OUT.keys()


@pytest.mark.parametrize(("name", "flag"), [one for one in FLAGS if one[0] not in LEFT_OUT])
def test_no_flag_takes_a_text(given, name, flag):
    with pytest.raises(ArgumentError, match=f"^{flag} is True or False, got 'no'\\.$"):
        made = CALLS[name](given, **{flag: "no"})
        if isinstance(made, Iterator):  # which does nothing before it is asked
            next(made)
    bank = given.video.tracker.banks[1]
    assert given.video.objects == (1,) and list(bank.conditioning) == [0] and not bank.tracked
    assert not any(Path().iterdir())


def test_a_flag_that_may_be_none_is_none_or_a_flag():
    assert check_flag_or_none(None, "graphs") is None
    for off in (0, False, np.bool_(False)):
        assert check_flag_or_none(off, "graphs") is False
    with pytest.raises(ArgumentError, match=r"^graphs is True or False, got 2\.$"):
        check_flag_or_none(2, "graphs")
