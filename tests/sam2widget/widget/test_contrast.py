"""Contrast end to end: what the browser asks for, what it is sent, what the model sees."""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np
import pytest
from PIL import Image

from sam2_backend import CONFIGS, Sam2Model
from sam2_backend.video import Channel, Contrast
from sam2widget import Sam2Widget, open_video, read_session
from tests.support.browser import Browser, idle
from tests.support.fakes import DiscSegmenter

HEIGHT, WIDTH, FRAMES = 24, 32, 5
RAMP = np.arange(HEIGHT * WIDTH, dtype=np.uint16).reshape(HEIGHT, WIDTH)


@pytest.fixture
def film(tmp_path):
    """A folder of 16-bit pictures, each a little brighter than the one before."""
    folder = tmp_path / "film"
    folder.mkdir()
    for n in range(FRAMES):
        Image.fromarray(RAMP + 100 * n).save(folder / f"{n}.png")
    return folder


@pytest.fixture
def widgets(closing):
    def make(video, model=None, **options) -> Sam2Widget:
        return closing(Sam2Widget(video, model or DiscSegmenter(HEIGHT, WIDTH), **options))

    return make


def picture(browser: Browser, frame: int = 0) -> np.ndarray:
    """The frame's pixels that came last."""
    for content, buffers in reversed(browser.received):
        if content["type"] == "frame" and content["frame"] == frame:
            return np.asarray(Image.open(io.BytesIO(buffers[0]))).astype(int)
    raise AssertionError(f"frame {frame} never came")


def want(browser: Browser, widget: Sam2Widget, frame: int = 0) -> np.ndarray:
    browser.say("want", frame=frame, pixels=True)
    idle(widget)
    return picture(browser, frame)


def channel(**changes):
    every = {"low": 0.0, "high": 100.0, "gamma": 1.0, "color": "#ffffff", "visible": True}
    return {**every, **changes}


def test_a_window_set_in_the_browser_changes_what_is_sent_and_what_code_reads(film, widgets):
    w = widgets(film)
    browser = Browser(w)
    browser.say("hello")
    before = want(browser, w)
    browser.ask("set_contrast", channels=[channel(color="#ff0000")])
    assert len(browser.of("contrast")) == 1
    after = want(browser, w)
    assert before.mean() < 120 and after[-8:, :, 0].mean() > 240 and after[-8:, :, 2].mean() < 15
    assert w.contrast == Contrast((Channel(0, 100, color="#ff0000"),))
    browser.ask("set_contrast", channels=None)
    assert np.abs(want(browser, w) - before).max() <= 1


def test_a_window_set_in_code_reaches_every_view(film, widgets):
    w = widgets(film, contrast=(0, 2000))
    browser = Browser(w)
    browser.say("hello")
    dark = want(browser, w, 1)
    w.contrast = 0, 200
    assert len(browser.of("contrast")) == 1
    assert want(browser, w, 1).mean() > 3 * dark.mean()
    w.contrast = None
    assert len(browser.of("contrast")) == 2 and w.contrast == open_video(film).contrast


def test_small_pictures_follow(film, widgets):
    w = widgets(film)
    browser = Browser(w)
    browser.say("hello")

    def small():
        browser.say("thumbnails", frames=[0])
        idle(w)
        found = [buffers for content, buffers in browser.received if content["type"] == "thumbnail"]
        return np.asarray(Image.open(io.BytesIO(found[-1][0]))).mean()

    before = small()
    w.contrast = 0, 100
    assert small() > before + 60


def test_levels_tell_spread_window_and_range(film, widgets):
    w = widgets(film, contrast=(10, 1000))
    browser = Browser(w)
    browser.say("hello")
    browser.say("want_levels", frame=1)
    idle(w)
    content, buffers = next(one for one in browser.received if one[0]["type"] == "levels")
    assert (content["frame"], content["automatic"], content["whole"]) == (1, False, True)
    assert content["low"] == [10] and content["high"] == [1000]
    assert content["channels"] == [channel(low=10.0, high=1000.0)]
    bins = np.frombuffer(buffers[0], np.uint8)
    # Values go from 100 to 867, evenly.
    assert (
        len(bins) == 64 and not bins[:5].any() and bins[10:54].min() > 200 and not bins[56:].any()
    )


def test_8_bit_colours_have_levels_too(widgets):
    w = widgets(np.zeros((2, HEIGHT, WIDTH, 3), np.uint8))
    browser = Browser(w)
    browser.say("hello")
    browser.say("want_levels", frame=0)
    idle(w)
    content = browser.of("levels")[0]
    assert content["automatic"] and content["low"] == [0] * 3 and content["high"] == [255] * 3
    assert [one["color"] for one in content["channels"]] == ["#ff0000", "#00ff00", "#0000ff"]
    assert w.contrast is None


@pytest.mark.parametrize(
    ("channels", "sentence"),
    [
        ([channel(low=5.0, high=5.0)], "low < high"),
        ([channel(gamma=0.0)], "gamma lies between"),
        ([channel(color="red")], "colour is written like"),
        ([channel(), channel()], "2 channels, but film has 1"),
    ],
)
def test_a_wrong_window_is_answered_with_a_sentence_and_changes_nothing(
    film, widgets, channels, sentence
):
    w = widgets(film)
    browser = Browser(w)
    browser.say("hello")
    assert sentence in browser.ask("set_contrast", channels=channels)["text"]
    assert w.contrast == open_video(film).contrast and not browser.of("contrast")


def test_the_model_sees_what_is_shown_and_masks_stay(film, widgets):
    model = Sam2Model(CONFIGS["nano"]).eval()
    pixels = []
    model.image_encoder.register_forward_hook(lambda _, given, __: pixels.append(given[0].clone()))
    w = widgets(film, model)
    w.add_point(0, 10, 10)
    mask = np.asarray(w.masks[1])[0].copy()
    for contrast in ((0, 50), None):
        w.contrast = contrast
        np.testing.assert_array_equal(w.masks[1][0], mask)
        w.wait_until_loaded()  # what was queued before is done then
        w.add_point(0, 12, 10, obj=2)
        w.remove_object(2)
    before, after, again = pixels
    assert (after - before).abs().max() > 0.1
    assert (again - before).abs().max() < 1e-5


def test_contrast_is_saved_and_comes_back(film, widgets, tmp_path):
    contrast = Contrast((Channel(5, 300.5, 0.5, "#00ff00"),))
    w = widgets(film, contrast=contrast)
    w.add_point(0, 10, 10)
    w.save(tmp_path / "a.sam2.zip")
    assert read_session(tmp_path / "a.sam2.zip").contrast == contrast
    again = Sam2Widget.load(tmp_path / "a.sam2.zip", model=DiscSegmenter(HEIGHT, WIDTH))
    try:
        assert again.contrast == contrast
        np.testing.assert_array_equal(again.segmentation.video[0], contrast.render(RAMP[..., None]))
    finally:
        again.close()


def test_autosaved_work_comes_back_with_its_contrast_unless_another_is_given(
    film, widgets, tmp_path
):
    w = widgets(film, autosave=tmp_path / "auto.sam2.zip")
    w.add_point(0, 10, 10)
    w.contrast = 7, 70
    w.close()
    assert widgets(film, autosave=tmp_path / "auto.sam2.zip").contrast.channels[0].high == 70
    given = widgets(film, autosave=tmp_path / "auto.sam2.zip", contrast=(1, 2))
    assert given.contrast.channels[0].high == 2 and given.masks[1][0].any()


def test_files_of_before_open_and_damaged_contrast_is_named(film, widgets, tmp_path):
    path = tmp_path / "a.sam2.zip"
    w = widgets(film, contrast=(5, 50))
    w.save(path)

    def rewrite(change):
        with zipfile.ZipFile(path) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        document = json.loads(members["session.json"])
        change(document)
        members["session.json"] = json.dumps(document).encode()
        with zipfile.ZipFile(tmp_path / "b.sam2.zip", "w") as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        return read_session(tmp_path / "b.sam2.zip")

    assert rewrite(lambda document: document.pop("contrast")).contrast is None
    with pytest.raises(ValueError, match=r"contrast.channels.*low < high"):
        rewrite(lambda document: document["contrast"]["channels"][0].update(low=60))
    with pytest.raises(ValueError, match=r"contrast\.channels\[0\]\.gamma"):
        rewrite(lambda document: document["contrast"]["channels"][0].pop("gamma"))


def test_a_session_is_of_the_same_video_whatever_its_contrast(film, widgets, tmp_path):
    w = widgets(film, contrast=(0, 50))
    w.add_point(0, 10, 10)
    w.save(tmp_path / "a.sam2.zip")
    assert read_session(tmp_path / "a.sam2.zip").video.difference(open_video(film)) is None
