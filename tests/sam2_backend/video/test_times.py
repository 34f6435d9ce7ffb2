"""When frames are shown and were recorded, as files say it."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import tifffile

from sam2_backend.video import open_video
from sam2_backend.video.containers.decoder import Index
from sam2_backend.video.times import find_seconds
from tests.support.films import write_film
from tests.support.zarr_stores import add_array, create_group

STACK = np.arange(3 * 8 * 12, dtype=np.uint16).reshape(3, 8, 12)
FRAMES = np.random.default_rng(0).integers(0, 256, (40, 32, 48, 3), dtype=np.uint8)
UNEVEN = np.cumsum(np.random.default_rng(1).integers(10, 200, len(FRAMES))).tolist()


def write_timed(path: Path, times_ms: Sequence[int]) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 48, 32, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for rgb, at in zip(FRAMES, times_ms, strict=True):
            frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
            frame.pts, frame.time_base = at, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
def test_frames_of_an_uneven_film_are_shown_when_the_file_says(tmp_path, suffix):
    video = open_video(write_timed(tmp_path / f"a.{suffix}", UNEVEN))
    expected = (np.array(UNEVEN) - UNEVEN[0]) / 1000
    np.testing.assert_allclose(video.shown_s, expected, atol=1e-4)
    np.testing.assert_allclose(video.times_s, expected, atol=1e-4)
    assert video.interval_s == pytest.approx(np.diff(expected).mean(), abs=1e-4)
    video.fps = 10
    np.testing.assert_allclose(video.times_s, np.arange(len(FRAMES)) / 10)


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts", "avi"])
def test_an_even_film_is_even_also_where_its_clock_is_coarse(tmp_path, suffix):
    video = open_video(write_film(tmp_path / f"a.{suffix}", FRAMES, rate=24))
    assert video.found_shown_s is None
    np.testing.assert_allclose(video.shown_s, np.arange(len(FRAMES)) / video.fps)


def test_the_first_frame_has_a_time_by_the_clock_of_its_file(tmp_path):
    late = [at + 500 for at in range(0, 40 * len(FRAMES), 40)]
    for suffix in ("mp4", "mkv", "ts"):
        path = write_timed(tmp_path / f"a.{suffix}", late)
        with av.open(str(path)) as container:
            first = next(container.decode(video=0))
            assert first.time is not None and first.time >= 0.5
            assert open_video(path).start_s == pytest.approx(first.time, abs=1e-3), suffix


def test_the_first_frame_has_a_time_also_where_packets_tell_no_frames(tmp_path, monkeypatch):
    late = [at + 500 for at in range(0, 40 * len(FRAMES), 40)]
    path = write_timed(tmp_path / "a.ts", late)
    expected = open_video(path).start_s
    found = Index.of_start
    monkeypatch.setattr(
        "sam2_backend.video.containers.indexing._index_by_decoding",
        lambda path, packets, fps, careful: found(packets, fps, len(packets)),
    )
    video = open_video(path)
    assert video.start_s == pytest.approx(expected) and expected >= 0.5
    assert video.found_shown_s is None and len(video) == len(FRAMES)


def test_the_clock_of_a_transport_stream_may_wrap(tmp_path):
    wrap_ms = 2**33 // 90
    times = [wrap_ms - 3000 + at - UNEVEN[0] for at in UNEVEN]
    video = open_video(write_timed(tmp_path / "a.ts", times))
    np.testing.assert_allclose(video.shown_s, (np.array(UNEVEN) - UNEVEN[0]) / 1000, atol=1e-2)


@pytest.mark.parametrize(
    ("said", "interval_s"),
    [
        ({"TimeIncrement": 5, "TimeIncrementUnit": "min"}, 300),
        ({"TimeIncrement": 250, "TimeIncrementUnit": "ms"}, 0.25),
        ({"TimeIncrement": 2.5}, 2.5),
        ({"TimeIncrement": 2.5, "TimeIncrementUnit": "reference frame"}, None),
        ({}, None),
    ],
)
def test_ome_tells_how_far_times_are_apart(tmp_path, said, interval_s):
    tifffile.imwrite(tmp_path / "a.ome.tif", STACK, ome=True, metadata={"axes": "TYX", **said})
    video = open_video(tmp_path / "a.ome.tif")
    assert video.found_interval_s == interval_s and video.fps == 25
    assert video.interval_s == (interval_s or 1 / 25)
    np.testing.assert_allclose(video.times_s, np.arange(3) * (interval_s or 1 / 25))
    np.testing.assert_allclose(video.shown_s, np.arange(3) / 25)


def test_imagej_tells_how_far_times_are_apart_but_not_planes(tmp_path):
    for axes, unit, interval_s in (
        ("TYX", "sec", 2.5),
        ("TYX", "min", 150.0),
        ("ZYX", "sec", None),
    ):
        metadata = {"axes": axes, "finterval": 2.5, "tunit": unit}
        tifffile.imwrite(tmp_path / "a.tif", STACK, imagej=True, metadata=metadata)
        assert open_video(tmp_path / "a.tif").found_interval_s == interval_s


@pytest.mark.parametrize("unit", ["second", None])
def test_ome_zarr_tells_how_far_times_are_apart(tmp_path, unit):
    group = create_group(tmp_path / "a.zarr", 2)
    add_array(group, "0", STACK, (1, 8, 12))
    axes = [{"name": "t", "type": "time", "unit": unit}]
    axes += [{"name": name, "type": "space", "unit": "micrometer"} for name in "yx"]
    scale = {"type": "scale", "scale": [20.0, 1.0, 1.0]}
    levels = [{"path": "0", "coordinateTransformations": [scale]}]
    group.attrs["multiscales"] = [{"version": "0.4", "axes": axes, "datasets": levels}]
    video = open_video(tmp_path / "a.zarr")
    assert video.found_interval_s == (20.0 if unit else None)


def test_times_of_one_axis_are_not_those_of_another_that_a_user_names(tmp_path):
    group = create_group(tmp_path / "a.zarr", 2)
    add_array(group, "0", STACK.reshape(3, 2, 4, 12), (1, 2, 4, 12))
    axes = [{"name": "t", "type": "time", "unit": "second"}]
    axes += [{"name": name, "type": "space"} for name in "zyx"]
    scale = {"type": "scale", "scale": [20.0, 1.0, 1.0, 1.0]}
    levels = [{"path": "0", "coordinateTransformations": [scale]}]
    group.attrs["multiscales"] = [{"version": "0.4", "axes": axes, "datasets": levels}]
    for said, interval_s in ((None, 20.0), ("tzyx", 20.0), ("ztyx", None)):
        video = open_video(tmp_path / "a.zarr", axes=said)
        assert len(video) == (2 if said == "ztyx" else 3)
        assert video.found_interval_s == interval_s


@pytest.mark.parametrize("fps", [0, -1, float("nan"), float("inf"), "25", True])
def test_a_rate_that_no_film_has_is_refused(fps):
    video = open_video(FRAMES)
    with pytest.raises(ValueError, match=r"^fps must be"):
        video.fps = fps
    assert video.fps == 25


def test_what_a_file_says_that_cannot_be_is_nothing():
    assert find_seconds("2", " Min ") == 120
    for value, unit in ((0, "s"), (-1, "s"), ("x", "s"), (None, "s"), (1, "frame"), ("inf", "s")):
        assert find_seconds(value, unit) is None
