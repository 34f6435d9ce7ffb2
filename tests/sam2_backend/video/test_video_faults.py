"""Odd, damaged and strange videos: the right frames, or a sentence."""

from __future__ import annotations

import warnings
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sam2_backend.video import VideoError, open_video

FRAMES = 12


def scene(n: int, height: int, width: int) -> np.ndarray:
    """A slope of colours that moves; smooth, so that a codec keeps it."""
    y, x = np.mgrid[:height, :width]
    planes = (x * 200 // width, y * 200 // height, np.full_like(x, 20 * n))
    return np.stack(planes, axis=-1).astype(np.uint8)


def write(
    path: Path,
    codec: str = "h264",
    pix_fmt: str = "yuv420p",
    size: tuple[int, int] = (48, 64),
    times: list[int] | None = None,
) -> Path:
    """A clip of `FRAMES` frames, or one for each of the times in milliseconds."""
    height, width = size
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = width, height, pix_fmt
        stream.codec_context.time_base = Fraction(1, 1000)
        for n, at in enumerate(times or [40 * n for n in range(FRAMES)]):
            frame = av.VideoFrame.from_ndarray(scene(n, height, width), format="rgb24")
            frame.time_base, frame.pts = Fraction(1, 1000), at
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(
    ("name", "codec", "pix_fmt", "size"),
    [
        ("alpha.webm", "libvpx-vp9", "yuva420p", (48, 64)),
        ("alpha.mov", "png", "rgba", (48, 64)),
        ("ten_bits.mp4", "libx264", "yuv420p10le", (48, 64)),
        ("ten_bits.mkv", "libx265", "yuv420p10le", (64, 64)),
        ("grey.mkv", "ffv1", "gray", (48, 64)),
        ("odd.mkv", "ffv1", "bgr0", (47, 61)),
        ("odd444.mp4", "libx264", "yuv444p", (33, 51)),
        ("thin.mkv", "ffv1", "bgr0", (1, 64)),
        ("dot.mkv", "ffv1", "bgr0", (1, 1)),
        ("old.avi", "mpeg4", "yuv420p", (48, 64)),
        ("moving.gif", "gif", "rgb8", (48, 64)),
    ],
)
def test_formats_that_cameras_and_editors_write(tmp_path, name, codec, pix_fmt, size):
    try:
        path = write(tmp_path / name, codec, pix_fmt, size)
    except (ValueError, av.FFmpegError) as error:
        pytest.skip(f"this build of FFmpeg cannot write it: {error}")
    video = open_video(path)
    assert (len(video), video.height, video.width) == (FRAMES, *size)
    for n in (FRAMES - 1, 0, 5):
        shown, true = video[n], scene(n, *size)
        assert shown.shape == (*size, 3) and shown.dtype == np.uint8
        if "gray" in pix_fmt:
            true = np.repeat(true @ np.array([0.299, 0.587, 0.114]), 3).reshape(true.shape)
        colours_lost = 32 if pix_fmt == "rgb8" else 16
        assert np.abs(shown.astype(float) - true).mean() < colours_lost, n


@pytest.mark.parametrize(
    "times",
    [
        pytest.param([10**9 + 40 * n for n in range(FRAMES)], id="late"),
        pytest.param([0, 1, 2, 3, 10_000, 10_001, 50_000, 50_001, 50_002, 90_000], id="gaps"),
        pytest.param([n * (n + 1) for n in range(FRAMES)], id="slower and slower"),
    ],
)
@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_strange_times_do_not_shift_frames(tmp_path, times, suffix):
    video = open_video(write(tmp_path / f"clip.{suffix}", times=times))
    assert len(video) == len(times)
    for n in (len(times) - 1, 2, 0, len(times) // 2):
        assert np.abs(video[n].astype(int) - scene(n, 48, 64)).mean() < 8, n


def test_frames_before_an_edit_begins_are_left_out_as_players_do(tmp_path):
    times = [-400 + 40 * n for n in range(FRAMES + 8)]
    path = write(tmp_path / "trimmed.mp4", times=times)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        video = open_video(path)
    assert len(video) == sum(time >= 0 for time in times)
    assert np.abs(video[0].astype(int) - scene(times.index(0), 48, 64)).mean() < 8


def test_times_that_stand_still_are_said_or_give_fewer_frames(tmp_path):
    """Several frames of one time cannot be told apart: whatever is opened can be read."""
    path = tmp_path / "still.nut"
    try:
        write(path, "mpeg4", times=[0, 40, 40, 40, 80, 80, 120])
    except av.FFmpegError as error:
        pytest.skip(f"this build of FFmpeg refuses to write it: {error}")
    video = open_video(path)
    assert 1 <= len(video) <= 7
    assert video[len(video) - 1].shape == (48, 64, 3)


SUFFIXES = "mp4", "mkv", "avi", "ts", "flv", "h264", "mpg"


@pytest.fixture(scope="module")
def clips(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("clips")
    for suffix in SUFFIXES:
        write(folder / f"clip.{suffix}")
    return folder


def read_all(path: Path) -> None:
    """Every frame is of the size that is said, or a sentence says that it cannot be read."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            video = open_video(path)
        except VideoError as error:
            assert str(path) in str(error)
            return
        for n in range(len(video)):
            try:
                assert video[n].shape == (video.height, video.width, 3)
            except VideoError as error:
                assert path.name in str(error)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("share", [0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99])
def test_any_truncation_gives_frames_or_a_sentence(clips, tmp_path, suffix, share):
    path = tmp_path / f"cut.{suffix}"
    whole = (clips / f"clip.{suffix}").read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    read_all(path)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_damage_gives_frames_or_a_sentence(clips, tmp_path_factory, data):
    suffix = data.draw(st.sampled_from(SUFFIXES))
    damaged = bytearray((clips / f"clip.{suffix}").read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("damaged") / f"clip.{suffix}"
    path.write_bytes(damaged)
    read_all(path)


def test_an_array_beyond_memory_is_opened_and_read_by_frame():
    frame = scene(3, 48, 64)
    hours = np.broadcast_to(frame, (10**9, *frame.shape))
    video = open_video(hours)
    assert len(video) == 10**9 and np.array_equal(video[999_999_999], frame)


@pytest.mark.parametrize(
    "view",
    [
        lambda frames: frames[::-1],
        lambda frames: np.asfortranarray(frames),
        lambda frames: np.repeat(frames, 2, axis=2)[:, :, ::2],
        lambda frames: np.stack([frames, frames], axis=-1)[..., 0],
    ],
    ids=["backward", "Fortran", "every other column", "strided"],
)
def test_arrays_may_lie_in_memory_as_they_like(view):
    frames = np.stack([scene(n, 10, 12) for n in range(4)])
    video = open_video(view(frames))
    for n in range(4):
        assert np.array_equal(video[n], view(frames)[n]) and video[n].flags.c_contiguous
