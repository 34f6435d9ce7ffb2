"""Live videos: real threads, real servers on this machine."""

from __future__ import annotations

import errno
import gc
import io
import itertools
import os
import queue
import re
import socket
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
import torch
from PIL import Image

from sam2_backend.video import LiveVideo, VideoError, open_video
from sam2_backend.video.live.ring import Ring
from tests.support.waiting import LIMIT_S, wait_until

HEIGHT, WIDTH = 24, 32


def picture(n: int) -> np.ndarray:
    """One that says which it is."""
    frame = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    frame[..., 0], frame[..., 1], frame[..., 2] = n % 256, n // 256, 128
    return frame


def number(frame: np.ndarray) -> int:
    return int(frame[0, 0, 0]) + 256 * int(frame[0, 0, 1])


def endless():
    return (picture(n) for n in itertools.count())


class Feeder:
    """An iterator that gives what the test puts in."""

    def __init__(self):
        self.frames = queue.Queue()

    def __iter__(self):
        return self

    def __next__(self):
        frame = self.frames.get()
        if frame is None:
            raise StopIteration
        if isinstance(frame, Exception):
            raise frame
        return frame

    def put(self, *frames):
        for frame in frames:
            self.frames.put(frame)


@pytest.fixture
def feeder():
    feeder = Feeder()
    yield feeder
    feeder.put(None)


def recorded(feeder, *frames, **options):
    """A live video of these frames, which have all come."""
    feeder.put(*frames)
    live = LiveVideo(feeder, **options)
    assert live.wait(len(frames), LIMIT_S)
    return live


# The ring


def test_the_ring_keeps_the_newest_within_its_bytes():
    ring, rng = Ring(1000), np.random.default_rng(0)
    pieces = [rng.bytes(int(rng.integers(1, 300))) for _ in range(500)]
    for n, piece in enumerate(pieces):
        assert ring.append(piece) == n
        first = ring.first
        assert first is not None and ring.nbytes <= 1000
        assert [ring.read(t) for t in range(first, n + 1)] == pieces[first : n + 1]
        assert first == 0 or ring.read(first - 1) is None
        assert n < 20 or ring.nbytes > 400, "a ring that keeps next to nothing is none"
    with pytest.raises(ValueError, match="1001 bytes do not fit"):
        ring.append(bytes(1001))


# Recording


def test_thousands_of_frames_stay_within_the_bytes_of_the_ring():
    live = LiveVideo(endless(), max_bytes=100_000, max_fps=None, lossless=True)
    assert live.wait(5000, LIMIT_S)
    live.stop()
    last = len(live) - 1
    assert live.nbytes <= 100_000
    assert 100 < last - live.first_frame < 3000
    assert [number(live[t]) for t in (live.first_frame, last)] == [live.first_frame, last]
    with pytest.raises(VideoError, match=r"Frame 0 .* had to make room for newer ones: frames \d+"):
        live[0]
    with pytest.raises(IndexError, match="There is no frame"):
        live[last + 1]
    assert len(live) == last + 1, "a recording that was stopped does not grow"


def test_a_lossless_recording_gives_the_very_pixels(feeder):
    frames = list(np.random.default_rng(0).integers(0, 256, (3, 9, 13, 3), dtype=np.uint8))
    live = recorded(feeder, *frames, lossless=True)
    assert all(np.array_equal(live[n], frames[n]) for n in range(3))


def test_a_recording_in_jpeg_differs_by_little(feeder):
    y, x = np.mgrid[:48, :64]
    smooth = np.stack((4 * x, 5 * y, 2 * (x + y)), axis=-1).astype(np.uint8)
    live = recorded(feeder, smooth)
    assert np.abs(live[0].astype(int) - smooth).max() <= 6


def test_frames_of_16_bits_are_kept_as_they_are_and_shown_through_a_contrast(feeder):
    deep = np.linspace(1000, 2000, 12 * 16).reshape(12, 16).astype(np.uint16)
    live = recorded(feeder, deep, deep + 1)
    assert np.array_equal(live.raw(1)[..., 0], deep + 1)
    assert live[0].dtype == np.uint8 and live[0].min() == 0 and live[0].max() == 255


@pytest.mark.parametrize(
    "make",
    [
        lambda rgb: rgb,
        lambda rgb: Image.fromarray(rgb),
        lambda rgb: rgb / np.float32(255),
        lambda rgb: torch.from_numpy(rgb.copy()).permute(2, 0, 1),
    ],
    ids=["array", "pillow", "floats", "tensor"],
)
def test_frames_of_many_kinds(feeder, make):
    live = recorded(feeder, make(picture(7)), lossless=True)
    assert np.array_equal(live[0], picture(7))


class Capture:
    """As OpenCV's: pairs, and blue first."""

    def __init__(self, count):
        self.frames = iter([picture(n)[..., ::-1] for n in range(count)])

    def read(self):
        frame = next(self.frames, None)
        return frame is not None, frame


def test_a_capture_gives_blue_first_unless_told_otherwise():
    live = LiveVideo(Capture(4), lossless=True)
    wait_until(lambda: not live.is_recording)
    assert [number(frame) for frame in live.snapshot()] == [0, 1, 2, 3]
    assert live.message == "The source gives no more frames." and not live.error
    other = LiveVideo(Capture(1), lossless=True, bgr=False)
    assert other[0][0, 0].tolist() == [128, 0, 0]


def test_a_function_may_have_no_frame_yet():
    answers = iter([None, None, picture(1), None, picture(2)])
    live = LiveVideo(lambda: next(answers), lossless=True)
    assert live.wait(2, LIMIT_S)
    assert [number(live[n]) for n in range(2)] == [1, 2]


def test_no_more_frames_are_taken_than_max_fps():
    live = LiveVideo(endless(), max_fps=50)
    began_at, before = time.monotonic(), len(live)
    assert live.wait(before + 15, LIMIT_S)
    assert time.monotonic() - began_at > 0.25
    live.stop()
    assert live.fps == pytest.approx(50, rel=0.2)


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        (np.zeros((HEIGHT, 40, 3), np.uint8), r"Frame 1 is 40x24, but those .*size=\(32, 24\)"),
        (np.zeros((HEIGHT, WIDTH, 7), np.uint8), r"shape \(H, W, 3\)"),
        (np.full((HEIGHT, WIDTH, 3), np.nan, np.float32), "NaN"),
        (np.zeros((HEIGHT, WIDTH), np.uint16), "unlike those before it"),
        ("text", "got a str"),
        (RuntimeError("cable out"), "The source failed: RuntimeError: cable out"),
    ],
)
def test_a_source_that_goes_wrong_ends_the_recording_and_loses_nothing(feeder, bad, sentence):
    live = recorded(feeder, picture(5), lossless=True)
    feeder.put(bad)
    wait_until(lambda: not live.is_recording)
    assert len(live) == 1 and number(live[0]) == 5
    assert re.search(sentence, live.error)
    assert live.message == live.error


def test_frames_are_resized_where_a_size_is_given(feeder):
    small, large = picture(3), np.repeat(np.repeat(picture(4), 2, axis=0), 2, axis=1)
    live = recorded(feeder, small, large, size=(WIDTH, HEIGHT), lossless=True)
    assert [number(live[n]) for n in range(2)] == [3, 4]


def test_a_disk_that_is_full_is_told(feeder):
    resource = pytest.importorskip("resource", reason="this system limits no file's size")
    live = recorded(feeder, picture(0), lossless=True)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (live.nbytes, limits[1]))
    try:
        feeder.put(picture(1))
        wait_until(lambda: not live.is_recording)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert live.error == f"Frames cannot be kept: {os.strerror(errno.EFBIG)}."
    assert number(live[0]) == 0


# Ends


def live_threads():
    return [one for one in threading.enumerate() if one.name == "sam2 live video"]


def test_a_source_that_is_silent_is_refused_in_time_and_does_not_hold_close_up(feeder):
    with pytest.raises(VideoError, match=r"no frame came within 0\.1 s"):
        LiveVideo(feeder, timeout=0.1)
    other = Feeder()
    live = recorded(other, picture(0))
    began_at = time.monotonic()
    live.close()  # the thread waits for a frame that does not come
    assert time.monotonic() - began_at < 2
    with pytest.raises(VideoError, match="has been closed: its frames are gone"):
        live[0]
    other.put(None)
    feeder.put(None)
    wait_until(lambda: not live_threads())


def test_a_video_that_is_dropped_ends_its_thread():
    wait_until(lambda: not live_threads())
    live = LiveVideo(endless())
    assert len(live_threads()) == 1
    del live
    gc.collect()
    wait_until(lambda: not live_threads())


def test_a_recording_leaves_no_file(tmp_path):
    live = LiveVideo(endless(), folder=tmp_path)
    live.close()
    assert list(tmp_path.iterdir()) == []


# Afterwards


def test_a_saved_folder_is_the_recording(feeder, tmp_path):
    live = recorded(feeder, *(picture(n) for n in range(5)), lossless=True)
    live.stop()
    video = open_video(live.save(tmp_path / "rec"))
    assert [number(frame) for frame in video] == [0, 1, 2, 3, 4]
    assert sorted(path.name for path in (tmp_path / "rec").iterdir())[4] == "00000004.png"
    with pytest.raises(VideoError, match="is not empty: give another"):
        live.save(tmp_path / "rec")


@pytest.mark.parametrize("size", [(32, 24), (31, 23)])
def test_a_saved_movie_has_every_frame_in_the_same_size(feeder, tmp_path, size):
    width, height = size
    frames = [np.full((height, width, 3), 20 * n, np.uint8) for n in range(8)]
    video = open_video(recorded(feeder, *frames).save(tmp_path / "rec.mp4"))
    assert (len(video), video.width, video.height) == (8, width, height)
    assert all(abs(int(video[n][5, 5, 0]) - 20 * n) <= 6 for n in range(8))


def test_what_had_to_go_is_said_when_the_rest_is_saved(tmp_path):
    live = LiveVideo(endless(), max_bytes=5000, max_fps=None, lossless=True)
    assert live.wait(200, LIMIT_S)
    live.stop()
    first = live.first_frame
    with pytest.warns(UserWarning, match=f"frame 0 of rec is frame {first} of the recording"):
        video = open_video(live.save(tmp_path / "rec"))
    assert number(video[0]) == first and len(video) == len(live) - first
    with pytest.raises(VideoError, match=r"rec\.wmv says no format"):
        live.save(tmp_path / "rec.wmv")


# Streams


class Camera(BaseHTTPRequestHandler):
    """Sends a few pictures as MJPEG, and then breaks off or waits."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        for n in range(self.server.count):  # pyright: ignore
            buffer = io.BytesIO()
            Image.fromarray(np.full((48, 64, 3), 25 * n, np.uint8)).save(buffer, "JPEG")
            data = buffer.getvalue()
            self.wfile.write(b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: ")
            self.wfile.write(f"{len(data)}\r\n\r\n".encode() + data + b"\r\n")
        self.server.visits += 1  # pyright: ignore

    def log_message(self, *_):
        pass


@pytest.fixture
def camera():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Camera)
    server.count, server.visits = 10, 0  # pyright: ignore
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_stream_that_breaks_off_is_connected_anew(camera):
    live = LiveVideo(f"http://me:secret@127.0.0.1:{camera.server_port}/video", timeout=5)
    assert live.wait(15, LIMIT_S), live.message
    assert camera.visits >= 1 and "secret" not in live.name
    assert abs(int(live[3][9, 9, 0]) - 75) <= 3
    live.close()


def test_a_stream_that_does_not_come_back_says_so_and_keeps_what_came(camera):
    live = LiveVideo(f"http://127.0.0.1:{camera.server_port}/video", timeout=1)
    camera.shutdown()
    camera.server_close()
    wait_until(lambda: not live.is_recording)
    assert "did not come back within 1 s" in live.error
    assert live[0].shape == (48, 64, 3)


def test_mpegts_over_udp():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = "ffmpeg -v error -re -f lavfi -i testsrc=size=64x48:rate=25 -c:v mpeg2video -g 5"
    sender = subprocess.Popen([*command.split(), "-f", "mpegts", f"udp://127.0.0.1:{port}"])
    try:
        live = LiveVideo(f"udp://127.0.0.1:{port}", timeout=20)
        assert live.wait(10, LIMIT_S)
        assert (live.width, live.height) == (64, 48) and live[9].std() > 20
        live.close()
    finally:
        sender.kill()
        sender.wait()


# Where it is needed


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("rtsp://camera.local/1", r"is a live stream: give LiveVideo\('rtsp://camera.local/1'\)"),
        (0, r"give LiveVideo\(0\)"),
        (endless(), r"list\(frames\); else LiveVideo\(frames\)"),
        (Capture(1), r"give LiveVideo\(capture\)"),
        (lambda: picture(0), r"give LiveVideo\(function\)"),
    ],
)
def test_a_live_source_is_not_opened_as_if_it_had_an_end(source, sentence):
    with pytest.raises(VideoError, match=sentence):
        open_video(source)


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        (10_000, "There is no camera 10000, or it is in use"),
        ("clip.mp4", "A video file is no live source"),
        ("rtsp://127.0.0.1:9/x", "cannot be opened: Connection refused"),
        (iter([]), "it ended before a frame came"),
        (object(), "cannot be made of a object"),
    ],
)
def test_what_is_no_live_source_gets_a_sentence(source, sentence):
    with pytest.raises(VideoError, match=sentence):
        LiveVideo(source)


@pytest.mark.parametrize("how", ["tensor", "first", "batch", "bfloat16"])
def test_frames_come_in_any_layout_that_can_be_told(how):
    torch = pytest.importorskip("torch")
    rgb = np.full((24, 36, 3), (200, 100, 50), np.uint8)
    made = {
        "tensor": torch.from_numpy(rgb).permute(2, 0, 1),
        "first": np.moveaxis(rgb, -1, 0),
        "batch": rgb[None],
        "bfloat16": (torch.from_numpy(rgb) / 255).bfloat16(),
    }
    live = LiveVideo(iter([made[how]]), lossless=True)
    assert np.abs(live[0].astype(int) - rgb).max() <= (how == "bfloat16")
    live.close()


def test_a_pillow_image_of_16_bits_keeps_its_levels():
    values = np.arange(600, 1800, dtype=np.uint16).reshape(30, 40)
    live = LiveVideo(iter([Image.fromarray(values)]))
    assert np.array_equal(live.raw(0)[..., 0], values) and len(np.unique(live[0])) == 256
    live.close()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"max_bytes": 10}, "do not fit into max_bytes=10: give room"),
        ({"folder": "/nowhere/at/all"}, "cannot be kept in /nowhere/at/all"),
        ({"size": 5}, "size is .width, height. in pixels"),
        ({"size": (0, 5)}, "size is .width, height. in pixels"),
    ],
)
def test_options_that_cannot_be_followed_are_refused_with_a_sentence(options, sentence):
    with pytest.raises(VideoError, match=sentence):
        LiveVideo(iter([np.zeros((9, 9, 3), np.uint8)]), **options)


def test_a_source_that_ends_the_program_ends_the_recording():
    def leave():
        raise SystemExit(3)

    with pytest.raises(VideoError, match="The source failed: SystemExit: 3"):
        LiveVideo(leave)
