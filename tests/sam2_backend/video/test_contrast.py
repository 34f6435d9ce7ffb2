"""Contrast: which window is chosen, and what a frame looks like through one."""

from __future__ import annotations

import threading
import warnings
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from sam2_backend.video import Channel, Contrast, Video, open_video


class Values(Video):
    """Frames of any type, as a reader of deep files gives them."""

    def __init__(self, values_thwc: NDArray[Any], kind: str = "video") -> None:
        t, h, w, _ = values_thwc.shape
        super().__init__(t, w, h, 25.0, "values", [(w, h)] * t if kind == "images" else None)
        self.kind = kind
        self.values = values_thwc

    @property
    def _is_deep(self) -> bool:
        return self.values.dtype != np.uint8 or self.values.shape[-1] != 3

    def _read(self, frame: int) -> NDArray[Any]:
        return self.values[frame]


def expected(values: NDArray[Any], low: float, high: float, gamma: float = 1) -> NDArray[Any]:
    share = np.clip((np.nan_to_num(values.astype(float), nan=low) - low) / (high - low), 0, 1)
    return np.rint(share**gamma * 255)


@pytest.mark.parametrize(
    "dtype", ["u1", "u2", ">u2", "i2", "i1", "i4", "u4", "i8", "f2", "f4", "f8"]
)
@pytest.mark.parametrize("gamma", [1, 0.5])
def test_every_type_is_shown_by_the_same_arithmetic(dtype: str, gamma: float) -> None:
    values = np.arange(-100, 124).reshape(14, 16, 1)
    values = (values if np.dtype(dtype).kind != "u" else values + 100).astype(dtype)
    low, high = float(values.min()) + 10, float(values.max()) - 20
    shown = Contrast((Channel(low, high, gamma),)).render(values)
    assert shown.shape == (14, 16, 3) and shown.dtype == np.uint8
    assert np.abs(shown - expected(values, low, high, gamma)).max() <= 1
    assert (shown[..., 0] == shown[..., 2]).all()


def test_large_numbers_that_lie_close_together_are_told_apart() -> None:
    values = (10**9 + np.arange(200)).reshape(10, 20, 1)
    shown = Contrast.of([values]).render(values)
    assert len(np.unique(shown)) == 200


def test_a_dim_film_of_few_levels_keeps_them_all() -> None:
    values = np.repeat(np.arange(100, 160, dtype=np.uint16), 40).reshape(40, 60, 1)
    values[0, 0] = 99  # one pixel, far below a thousandth
    shown = Contrast.of([values]).render(values)
    assert len(np.unique(shown)) == 61


def test_one_hot_pixel_does_not_make_a_film_dark() -> None:
    values = np.random.default_rng(0).integers(100, 400, (100, 100, 1)).astype(np.uint16)
    values[50, 50] = 65535
    assert Contrast.of([values]).channels[0].high < 401


def test_a_frame_of_one_value_and_no_finite_one_have_a_window() -> None:
    for values in (np.full((4, 4, 1), 1e20, np.float32), np.full((4, 4, 1), np.nan)):
        shown = Contrast.of([values]).render(values)
        assert not shown.any()


def test_nan_and_infinities_are_black_and_white_without_a_warning() -> None:
    values = np.array([np.nan, -np.inf, 0, 1, np.inf], np.float32).reshape(1, 5, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        shown = Contrast.of([values]).render(values)
    assert shown[0, :, 0].tolist() == [0, 0, 0, 255, 255]


def test_channels_add_up_in_their_colours_and_hidden_ones_do_not() -> None:
    values = np.zeros((1, 2, 2), np.uint16)
    values[0, 0] = 100, 50
    both = Contrast((Channel(0, 100, color="#ff0000"), Channel(0, 100, color="#ffff00")))
    assert both.render(values)[0, 0].tolist() == [255, 128, 0]
    hidden = Contrast((Channel(0, 100, color="#ff0000", visible=False), both.channels[1]))
    assert hidden.render(values)[0, 0].tolist() == [128, 128, 0]


def test_colours_share_one_window_so_that_grey_stays_grey() -> None:
    values = np.random.default_rng(0).integers(0, 4000, (30, 30, 3)).astype(np.uint16)
    values[..., 1] //= 2
    assert len({(c.low, c.high) for c in Contrast.of([values]).channels}) == 1


def test_a_video_has_one_window_and_pictures_each_its_own() -> None:
    values = np.zeros((2, 8, 8, 1), np.uint16)
    values[0] = np.arange(64).reshape(8, 8, 1)
    values[1] = values[0] * 1000
    video, pictures = Values(values), Values(values, "images")
    assert video[0].max() < 3 and video[1].max() == 255
    assert pictures[0].max() == pictures[1].max() == 255
    pictures.contrast = 0, 63
    assert pictures[1][0, 1:].min() == 255
    pictures.contrast = None
    assert pictures[1][0, 1].max() < 10


def test_what_is_set_is_shown_and_none_is_automatic_again() -> None:
    video = Values(np.arange(512, dtype=np.uint16).reshape(1, 16, 32, 1))
    automatic = video.contrast
    video.contrast = 100, 200
    assert video.chosen_contrast == Contrast((Channel(100, 200),))
    assert (video[0] == expected(video.values[0], 100, 200)).all()
    assert (video.show_as_opened(0) == automatic.render(video.values[0])).all()
    video.contrast = None
    assert video.contrast == automatic and video.chosen_contrast is None


def test_8_bit_colours_are_as_they_are_until_told_otherwise() -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3)).astype(np.uint8)
    video = open_video(rgb)
    assert video.contrast is None and (video[1] == rgb[1]).all()
    video = open_video(rgb, contrast=(0, 51))
    assert (video[1] == np.minimum(rgb[1].astype(int) * 5, 255)).all()


@pytest.mark.parametrize(
    ("contrast", "sentence"),
    [
        ((5, 5), "low < high, got 5 and 5"),
        ((1, 2, 3), r"\(low, high\)"),
        ("auto", r"\(low, high\)"),
        (7, r"\(low, high\)"),
        ((0, float("nan")), "low < high"),
        (Contrast((Channel(0, 1),)), "1 channels, but array has 3"),
    ],
)
def test_what_is_no_contrast_is_refused(contrast: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        open_video(np.zeros((2, 4, 4, 3), np.uint8), contrast=contrast)


def test_many_threads_see_the_same_frame() -> None:
    values = np.random.default_rng(0).integers(0, 4000, (4, 64, 64, 1)).astype(np.uint16)
    video, seen = Values(values), []
    threads = [threading.Thread(target=lambda: seen.append(video[2])) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 8 and all((one == seen[0]).all() for one in seen)


def test_a_sample_lies_all_over_the_video() -> None:
    values = np.zeros((50, 4, 4, 1), np.uint16)
    values[-1] = 60000
    read: list[int] = []

    class Noting(Values):
        def _read(self, frame: int) -> NDArray[Any]:
            read.append(frame)
            return super()._read(frame)

    video = Noting(values)
    assert video.contrast is not None and video.contrast.channels[0].high == 60000
    assert read == [0, 7, 14, 21, 28, 35, 42, 49]
