"""A model of a user's own: the protocol, what is refused, and the example of the documentation."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import sam2widget
from sam2_backend.video import open_video
from sam2widget import Sam2Widget, Segmenter, SessionError, models
from sam2widget.annotation.session import Session
from sam2widget.models.source import check_model, is_segmenter
from tests.support.data import ROOT
from tests.support.fakes import ChoosySegmenter, DiscSegmenter, SureSegmenter

FRAMES, HEIGHT, WIDTH = 16, 40, 60
SIDE = 12


def example() -> Any:
    """`ColorSegmenter` of the documentation, as it is written there."""
    page = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
    code = re.findall(r"^```python\n(.*?)^```$", page, re.M | re.S)[0]
    names: dict[str, Any] = {}
    exec(compile(code, "docs/models.md", "exec"), names)
    return names["ColorSegmenter"]


def places(frame: int) -> tuple[slice, slice]:
    """Where the red square is."""
    return slice(6 + frame, 6 + frame + SIDE), slice(4 + 2 * frame, 4 + 2 * frame + SIDE)


@pytest.fixture
def clip() -> np.ndarray:
    """(T, H, W, 3) a red square that moves over grey noise, and a green one that stays."""
    rng = np.random.default_rng(0)
    frames = rng.integers(90, 110, (FRAMES, HEIGHT, WIDTH, 3), dtype=np.uint8)
    for frame in range(FRAMES):
        frames[frame, 2:10, 45:55] = (20, 200, 20)
        frames[frame][places(frame)] = (220, 30, 30)
    return frames


def red(frame: int) -> np.ndarray:
    mask_hw = np.zeros((HEIGHT, WIDTH), bool)
    mask_hw[places(frame)] = True
    return mask_hw


def test_the_example_of_the_documentation_segments_tracks_and_is_corrected(clip):
    video = open_video(clip)
    w = Sam2Widget(video, example()(video))
    try:
        w.add_point(0, 8, 10)
        w.add_point(0, 50, 5, obj=2)
        w.propagate()
        for frame in range(FRAMES):
            np.testing.assert_array_equal(w.masks[1][frame], red(frame))
        assert w.masks[2][FRAMES - 1][3, 50] and w.status["model"] == "colour"
        w.add_point(8, 1, 1)  # the ground, the square as well, and then not the ground
        w.add_point(8, 26, 20)
        assert w.masks[1][8].sum() > 1000 and w.masks[1][8][20, 26]
        w.add_point(8, 1, 1, label=0)
        w.propagate()
        np.testing.assert_array_equal(w.masks[1][12], red(12))
        w.add_box(4, 0, 0, 10, 10)
        w.undo()
        np.testing.assert_array_equal(w.masks[1][4], red(4))
        w.remove_object(1)
        assert list(w.masks) == [2]
    finally:
        w.close()


def test_the_example_goes_on_where_another_left_off(clip):
    video = open_video(clip)
    session = Session(FRAMES, HEIGHT, WIDTH, example()(video))
    session.add_point(5, 20, 15)
    list(session.propagate(start=3, stop=9))
    session.load(example()(video))  # which knows nothing of it
    list(session.propagate())
    for frame in range(FRAMES):
        np.testing.assert_array_equal(session.masks(1)[frame], red(frame))


def test_the_example_is_about_as_long_as_it_says(clip):
    page = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
    code = re.findall(r"^```python\n(.*?)^```$", page, re.M | re.S)[0]
    assert len([line for line in code.splitlines() if line.strip()]) <= 45
    assert isinstance(example()(open_video(clip)), Segmenter)


class Incomplete:
    name = device = "half"

    def prompt(self, frame, obj, prompts): ...

    def track(self, frame, objs, *, reverse): ...

    def clear(self, frame, obj): ...


def test_what_lacks_a_method_is_refused_at_once_with_its_name(clip):
    sentence = "Incomplete, which has no remove and no restore: a Segmenter has name, device, "
    with pytest.raises(SessionError, match=sentence):
        Sam2Widget(clip, Incomplete())
    with pytest.raises(SessionError, match=sentence):
        check_model(Incomplete())
    assert not isinstance(Incomplete(), Segmenter)


@pytest.mark.parametrize("model", ["nano", len, DiscSegmenter, 3, None])
def test_what_is_meant_otherwise_is_no_segmenter(model):
    assert not is_segmenter(model)


def test_a_number_is_no_model():
    with pytest.raises(SessionError, match="or a Segmenter, got 3"):
        check_model(3)


def test_what_a_segmenter_may_do_besides_is_seen_by_its_methods():
    plain, choosy = DiscSegmenter(2, 2), ChoosySegmenter(2, 2)
    assert isinstance(plain, Segmenter) and isinstance(choosy, Segmenter)
    assert not isinstance(plain, models.SupportsPreview | models.SupportsProposals)
    assert isinstance(choosy, models.SupportsPreview)
    assert isinstance(choosy, models.SupportsProposals)
    assert isinstance(SureSegmenter(2, 2, {}), models.SupportsMaskCleaning)
    assert not isinstance(choosy, models.SupportsExclusiveMemory)


def test_its_types_are_had_from_the_package():
    assert set(models.__all__) & set(sam2widget.__all__) == {
        *("Candidates", "Point", "Prediction", "PromptSet", "Proposed", "Segmenter")
    }
    for name in set(models.__all__) & set(sam2widget.__all__):
        assert getattr(sam2widget, name) is getattr(models, name)


def test_every_optional_protocol_is_documented():
    pages = [(ROOT / "docs" / name).read_text("utf-8") for name in ("models.md", "api/widget.md")]
    protocols = [name for name in models.__all__ if name.startswith(("Supports", "HasModel"))]
    assert len(protocols) == 9
    for name in protocols:
        assert all(name in page for page in pages)
