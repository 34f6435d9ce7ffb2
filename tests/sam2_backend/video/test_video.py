"""Every kind of source gives the very frames, and what cannot be read gets its sentence."""

from __future__ import annotations

import gc
import math
import struct
import threading
import weakref
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from sam2_backend.video import LiveVideo, VideoError, open_video
from sam2_backend.video.containers.decoder import Decoder
from sam2_backend.video.containers.indexing import read_index
from tests.support.films import write_film

HEIGHT, WIDTH = 48, 64


def picture(n: int) -> np.ndarray:
    """(H, W, 3) of one colour that tells n, with a bright corner that tells which way is up."""
    rgb = np.full((HEIGHT, WIDTH, 3), (n * 5 % 256, 120, 255 - n * 5 % 256), np.uint8)
    rgb[:12, :16] = 255
    return rgb


def write_video(path, frames=60, *, gop=25, pts=None, rotation=0, **kwargs) -> Path:
    with av.open(str(path), "w", **kwargs) as container:
        stream = container.add_stream("h264", rate=25)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.gop_size = gop
        stream.codec_context.time_base = Fraction(1, 1000)
        container.start_encoding()
        for n in range(frames):
            frame = av.VideoFrame.from_ndarray(picture(n), format="rgb24")
            frame.time_base = Fraction(1, 1000)
            frame.pts = 40 * n if pts is None else pts[n]
            container.mux(stream.encode(frame))
        if frames:
            container.mux(stream.encode(None))
    if rotation:
        turn(path, rotation)
    return path


def turn(path, rotation) -> None:
    """Have an MP4 shown turned: write the matrix of its track header, which not every PyAV can."""
    data = bytearray(path.read_bytes())
    matrix = data.index(b"tkhd") + 4 + 40  # version, times, number, duration, layer, volume
    cos, sin = (round(65536 * f(math.radians(rotation))) for f in (math.cos, math.sin))
    struct.pack_into(">9i", data, matrix, cos, -sin, 0, sin, cos, 0, 0, 0, 1 << 30)
    path.write_bytes(data)


@pytest.fixture(scope="module")
def mp4(tmp_path_factory) -> Path:
    return write_video(tmp_path_factory.mktemp("video") / "clip.mp4")


@pytest.fixture(scope="module")
def decoded(mp4) -> list[np.ndarray]:
    """All frames, decoded from start to end."""
    with av.open(str(mp4)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


# Video files


def test_a_video_file_tells_its_length_size_and_rate(mp4):
    video = open_video(mp4)
    assert (len(video), video.width, video.height, video.name) == (60, WIDTH, HEIGHT, "clip.mp4")
    assert video.fps == pytest.approx(25, abs=0.5)
    assert abs(int(video[30][40, 40, 0]) - 150) < 6


@pytest.mark.parametrize("order", ["forward", "backward", "random"])
def test_frames_are_exact_in_any_order(mp4, decoded, order):
    video = open_video(str(mp4))
    frames = {
        "forward": range(60),
        "backward": range(59, -1, -1),
        "random": np.random.default_rng(0).permutation(60),
    }[order]
    for frame in frames:
        assert np.array_equal(video[int(frame)], decoded[frame])


def test_frames_are_exact_when_the_cache_holds_nothing(mp4, decoded, monkeypatch):
    monkeypatch.setattr("sam2_backend.video.containers.container.CACHE_BYTES", 0)
    video = open_video(mp4)
    for frame in (59, 0, 30, 29, 31, 24, 25, 26, 10):
        assert np.array_equal(video[frame], decoded[frame])


@pytest.fixture(scope="module")
def both_ways(tmp_path_factory) -> tuple[Path, list[np.ndarray]]:
    """A file whose frames depend on earlier and later ones, few keyframes, and all its frames."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 60, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    pictures = [picture(n) // 2 + np.roll(noise, n, axis=1) for n in range(150)]
    both = {"g": 60, "x264-params": "bframes=4:b-adapt=0:b-pyramid=normal:scenecut=0"}
    path = write_film(tmp_path_factory.mktemp("both") / "ways.mp4", pictures, **both)
    with av.open(str(path)) as container:
        return path, [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


@pytest.mark.parametrize("cached", [0, 256 * 2**20])
def test_frames_are_exact_after_any_jump_and_any_step(both_ways, cached, monkeypatch):
    monkeypatch.setattr("sam2_backend.video.containers.container.CACHE_BYTES", cached)
    path, frames = both_ways
    video = open_video(path)
    rng = np.random.default_rng(1)
    for start in rng.integers(5, 145, 40):
        for frame in (start, start + rng.integers(-4, 5), start - 1, start + 1):
            assert np.array_equal(video[int(frame)], frames[frame]), (start, frame)


def test_frames_passed_a_moment_ago_are_not_decoded_from_their_keyframe_again(
    both_ways, monkeypatch
):
    path, frames = both_ways
    starts = []
    start_at = Decoder._start_at
    monkeypatch.setattr(
        Decoder, "_start_at", lambda self, start: (starts.append(start), start_at(self, start))
    )
    video = open_video(path)
    for frame in (2, 5, 8, 4, 7, 11, 15, 19, 12, 17, 22, 30, 38, 24, 31):  # as one plays ahead
        assert np.array_equal(video[frame], frames[frame])
    assert starts == []


def test_frames_are_exact_when_the_way_to_another_was_left_off(both_ways):
    path, frames = both_ways
    video = open_video(path)
    for wanted, then in ((55, 20), (118, 75), (59, 40), (110, 90)):
        steps = video.read_progressive(wanted)
        next(steps)
        steps.close()
        *_, found = video.read_progressive(then)
        assert found[0] == then and np.array_equal(found[1], frames[then])


def test_a_frame_is_approached_with_frames_on_the_way(both_ways, monkeypatch):
    monkeypatch.setattr("sam2_backend.video.containers.container.ON_THE_WAY_S", 0)
    path, frames = both_ways
    found = [one for one in open_video(path).read_progressive(50) if one is not None]
    order = [at for at, _ in found]
    assert order == sorted(set(order)) and order[-1] == 50 and len(order) > 2
    assert all(np.array_equal(rgb, frames[at]) for at, rgb in found)
    with pytest.raises(IndexError, match="no frame 150"):
        next(open_video(path).read_progressive(150))


def test_the_earlier_name_of_reading_progressively_still_works(mp4):
    with pytest.warns(DeprecationWarning, match="call read_progressive"):
        *_, (frame, rgb) = open_video(mp4).approach(7)
    assert frame == 7 and np.array_equal(rgb, open_video(mp4)[7])


def test_the_header_gives_the_index_that_the_packets_give(both_ways, monkeypatch):
    path, frames = both_ways
    by_header = read_index(path)
    monkeypatch.setattr("sam2_backend.video.containers.indexing._index_of_header", lambda *_: None)
    by_decoding = read_index(path)
    monkeypatch.setattr("sam2_backend.video.containers.indexing.SHORT_PIXELS", 0)
    by_times = read_index(path)
    for index in (by_header, by_times, by_decoding):
        assert index.num_frames == len(frames)
        assert index.starts.tolist() == index.start_frames.tolist() == [0, 60, 120]


def test_the_frame_cache_is_bounded(mp4, monkeypatch):
    monkeypatch.setattr(
        "sam2_backend.video.containers.container.CACHE_BYTES", 5 * 3 * WIDTH * HEIGHT
    )
    video = open_video(mp4)
    frames = [video[frame] for frame in range(60)]
    kept = [frame for frame in reversed(range(60)) if video[frame] is frames[frame]]
    assert kept == [59, 58, 57, 56, 55]


def test_uneven_timestamps_do_not_shift_frames(tmp_path):
    pts = np.cumsum(np.random.default_rng(0).integers(10, 200, 30)).tolist()
    video = open_video(write_video(tmp_path / "vfr.mp4", 30, gop=7, pts=pts))
    assert len(video) == 30
    for n in (29, 3, 17, 4, 16):
        assert abs(int(video[n][40, 40, 0]) - n * 5) < 6, n


@pytest.mark.parametrize("suffix", ["mkv", "mov", "ts"])
def test_other_containers_are_read_too(tmp_path, suffix):
    video = open_video(write_video(tmp_path / f"clip.{suffix}", 30))
    assert len(video) == 30
    assert abs(int(video[20][40, 40, 0]) - 100) < 6


@pytest.mark.parametrize(
    ("rotation", "corner"), [(90, "upper right"), (180, "lower right"), (-90, "lower left")]
)
def test_rotation_is_honoured(tmp_path, rotation, corner):
    path = write_video(tmp_path / "turned.mp4", 3, rotation=rotation)
    video = open_video(path)
    turned = abs(rotation) == 90
    assert (video.width, video.height) == ((HEIGHT, WIDTH) if turned else (WIDTH, HEIGHT))
    rgb = video[1]
    assert rgb.shape == (video.height, video.width, 3)
    with av.open(str(path)) as container:
        degrees = next(container.decode(video=0)).rotation
    expected = np.rot90(picture(1), round(degrees / 90))
    assert np.abs(rgb.astype(int) - expected).mean() < 12, corner


def test_a_video_of_one_frame_is_a_video(tmp_path):
    assert len(open_video(write_video(tmp_path / "one.mp4", 1))) == 1


def test_threads_read_at_the_same_time(mp4, decoded, monkeypatch):
    monkeypatch.setattr("sam2_backend.video.containers.container.CACHE_BYTES", 0)
    video = open_video(mp4)
    wrong = []

    def read(seed: int) -> None:
        for frame in np.random.default_rng(seed).integers(0, 60, 15):
            if not np.array_equal(video[int(frame)], decoded[frame]):
                wrong.append(frame)

    threads = [threading.Thread(target=read, args=(seed,)) for seed in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_no_frame_outside_the_video(mp4):
    video = open_video(mp4)
    with pytest.raises(IndexError, match=r"no frame 60: clip\.mp4 has frames 0 to 59"):
        video[60]
    with pytest.raises(IndexError):
        video[-1]
    assert len(list(video)) == 60


# Pictures


def test_a_folder_is_read_in_natural_order(tmp_path):
    for n in (10, 9, 1):
        Image.fromarray(picture(n)).save(tmp_path / f"frame{n}.png")
    (tmp_path / "notes.txt").write_text("not a frame")
    video = open_video(tmp_path)
    assert len(video) == 3 and video.name == tmp_path.name
    assert [video[i][40, 40, 0] for i in range(3)] == [5, 45, 50]


def test_an_image_is_a_video_of_one_frame(tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(np.dstack([picture(7), np.full((HEIGHT, WIDTH), 9, np.uint8)])).save(path)
    video = open_video(path)
    assert len(video) == 1 and np.array_equal(video[0], picture(7))


def test_the_orientation_of_photographs_is_honoured(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(picture(3)).save(tmp_path / "a.png", exif=exif)
    video = open_video(tmp_path)
    assert (video.width, video.height) == (HEIGHT, WIDTH)
    assert np.array_equal(video[0], np.rot90(picture(3), -1))


# Arrays


def test_an_array_is_its_frames():
    frames = np.stack([picture(n) for n in range(4)])
    video = open_video(frames)
    assert len(video) == 4 and np.array_equal(video[2], frames[2])
    assert (video.width, video.height) == (WIDTH, HEIGHT)


@pytest.mark.parametrize(
    "array",
    [
        picture(2)[None].astype(np.float64) / 255,
        (picture(2) / 255).astype(np.float32),
        picture(2)[:, ::-1].copy()[:, ::-1],
        np.asfortranarray(picture(2)),
        np.dstack([picture(2), np.zeros((HEIGHT, WIDTH), np.uint8)]),
    ],
)
def test_pictures_as_floats_views_or_with_alpha_are_the_same_picture(array):
    assert np.array_equal(open_video(array)[0], picture(2))


def test_grey_and_bool_become_rgb():
    grey = np.random.default_rng(0).integers(0, 256, (5, HEIGHT, WIDTH), dtype=np.uint8)
    video = open_video(grey)
    assert len(video) == 5 and np.array_equal(video[3], np.repeat(grey[3, ..., None], 3, -1))
    assert open_video(grey[0])[0].shape == (HEIGHT, WIDTH, 3)
    assert np.array_equal(np.unique(open_video(grey > 99)[0]), [0, 255])


def test_a_tensor_has_colour_last_or_first():
    torch = pytest.importorskip("torch")
    frames = np.stack([picture(n) for n in range(5)])
    last = torch.from_numpy(frames)
    for tensor in (last, last.permute(0, 3, 1, 2), (last / 255).permute(0, 3, 1, 2).double()):
        video = open_video(tensor)
        assert len(video) == 5 and np.array_equal(video[4], frames[4])
    with pytest.warns(UserWarning, match="one picture, colour first"):
        assert np.array_equal(open_video(last[1].permute(2, 0, 1))[0], frames[1])
    assert open_video((last / 255).bfloat16())[0].shape == (HEIGHT, WIDTH, 3)


def test_lists_hold_pillow_images_arrays_or_tensors():
    images = [Image.fromarray(picture(1)), picture(2), picture(3) / 255]
    video = open_video(images)
    assert len(video) == 3
    assert all(np.array_equal(video[n], picture(n + 1)) for n in range(3))
    assert len(open_video(Image.fromarray(picture(1)).convert("P"))) == 1


def test_a_video_stays_what_it_is():
    video = open_video(picture(0))
    assert open_video(video) is video


# What cannot be read


def zeros(*shape, dtype=np.uint8):
    return np.zeros(shape, dtype)


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("no/such.mp4", "There is no file or folder no/such.mp4"),
        (zeros(6, 6, 3, dtype=object), "values of type object, which is no picture"),
        (zeros(6, 6, 3, dtype=complex), r"type complex128.*np\.abs\(array\)"),
        (zeros(6, 6, dtype=[("red", "u1"), ("green", "u1")]), r"array\['red'\]"),
        (np.full((6, 6), "a.png"), "type <U5"),
        (zeros(0, 4, 4, 3), r"no frames or no pixels: its shape is \(0, 4, 4, 3\)"),
        (zeros(2, 0, 4, 3), "no frames or no pixels"),
        (zeros(2, 8, 8, 7), r"read in several ways: say axes='TCHW' or 'THWC' for channels"),
        (zeros(4, 8, 9), "say axes='THW' for 4 grey frames or 'CHW' for one picture"),
        (zeros(7), "1 dimension"),
        (zeros(1, 2, 3, 4, 3), r"5 dimensions.*axes='TZCYX', or index it first"),
        ([], "The list has no frames"),
        (["a.jpg"], "There is no file a.jpg"),
        ([3], "Item 0 of the list is a int"),
        ([zeros(6, 7, 3), zeros(2, 6, 7, 3)], "Item 1 of the list holds 2 frames"),
        ([zeros(6, 7, 3), zeros(6, 5, 3)], "Picture 1 of the list is 5x6, but the first is 7x6"),
        (7, r"give LiveVideo\(7\)"),
        (None, "cannot be made of a NoneType"),
    ],
)
def test_what_is_no_video_gets_a_sentence(source, sentence):
    with pytest.raises(VideoError, match=sentence):
        open_video(source)


def test_a_truncated_mp4_says_that_it_is_damaged(mp4, tmp_path):
    path = tmp_path / "cut.mp4"
    path.write_bytes(mp4.read_bytes()[: mp4.stat().st_size // 2])
    with pytest.raises(VideoError, match=r"cut\.mp4 cannot be read as a video .* fetch it again"):
        open_video(path)


def test_a_video_cut_off_after_its_index_gives_the_frames_it_has(tmp_path):
    options = {"movflags": "faststart"}
    whole = write_video(tmp_path / "whole.mp4", 100, gop=10, options=options)
    path = tmp_path / "cut.mp4"
    path.write_bytes(whole.read_bytes()[: whole.stat().st_size * 3 // 4])
    with pytest.warns(
        UserWarning, match=r"announces 100 frames but holds \d+ frames: it seems cut"
    ):
        video = open_video(path)
    assert 20 < len(video) < 100
    assert abs(int(video[15][40, 40, 0]) - 75) < 6
    assert video[len(video) - 1].shape == (HEIGHT, WIDTH, 3)


@pytest.mark.parametrize("content", [b"", b"not a video at all" * 100])
def test_a_file_that_is_no_video_says_so(tmp_path, content):
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)
    with pytest.raises(VideoError, match=r"clip\.mp4 (is an empty file|cannot be read)"):
        open_video(path)


def test_a_clip_without_a_frame_says_so(tmp_path):
    with pytest.raises(VideoError, match=r"none\.mp4 (has no frames|holds no video)"):
        open_video(write_video(tmp_path / "none.mp4", 0))


def test_sound_alone_is_no_video(tmp_path):
    path = tmp_path / "sound.wav"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), "s16", "mono")
        frame.rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with pytest.raises(VideoError, match="holds no video, only sound"):
        open_video(path)


def test_an_empty_folder_says_what_was_expected(tmp_path):
    with pytest.raises(VideoError, match=r"holds no images: expected files such as 00000\.jpg"):
        open_video(tmp_path)


def test_images_of_two_sizes_are_named(tmp_path):
    Image.fromarray(picture(0)).save(tmp_path / "0.png")
    Image.fromarray(picture(0)[:20]).save(tmp_path / "1.png")
    with pytest.raises(VideoError, match=r"1\.png is 64x20, but 0\.png is 64x48"):
        open_video(tmp_path)


def test_a_damaged_image_is_named(tmp_path):
    (tmp_path / "0.png").write_bytes(b"nothing")
    with pytest.raises(VideoError, match=r"0\.png cannot be read as an image"):
        open_video(tmp_path)
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), "u1")).save(
        tmp_path / "0.png"
    )
    data = (tmp_path / "0.png").read_bytes()
    (tmp_path / "0.png").write_bytes(data[: len(data) // 2])
    video = open_video(tmp_path)
    with pytest.raises(VideoError, match=r"0\.png cannot be read as an image"):
        video[0]


@pytest.mark.parametrize("wanted", [[0, 2, 4, 49], [49, 31, 0], [7]])
def test_small_pictures_are_of_frames_nearby(mp4, wanted):
    video = open_video(mp4)
    found = {at: rgb for one in video.thumbnails(wanted, 12) if one for at, rgb in [one]}
    gaps = np.diff(sorted(wanted))
    slack = min(gaps) // 2 if len(gaps) else len(video) // 2
    assert sorted(found) == sorted(wanted)
    for at, rgb in found.items():
        assert rgb.shape == (12, 16, 3)
        shown = (int(rgb[9, 12, 0]) - int(picture(at)[-1, -1, 0])) / 5
        assert -slack - 2 <= shown <= 2
    assert np.abs(video[5].astype(int) - picture(5)).mean() < 4


def test_small_pictures_give_way_while_they_decode(tmp_path):
    video = open_video(write_video(tmp_path / "long.mp4", frames=50, gop=250))
    steps = list(video.thumbnails([0, 30, 31, 49], 12))
    assert steps.count(None) >= 4 and len(steps) - steps.count(None) == 4


def test_pictures_may_be_of_several_sizes_if_they_are_said_to_be(tmp_path):
    paths = []
    for n, size in enumerate([(20, 10), (8, 16)]):
        paths.append(tmp_path / f"{n}.png")
        Image.new("RGB", size, (n, 0, 0)).save(paths[-1])
    for source in tmp_path, paths, [Image.open(paths[0]), paths[1]]:
        with pytest.raises(VideoError, match="kind='images'"):
            open_video(source)
        images = open_video(source, "images")
        assert images.kind == "images" and images.sizes == [(20, 10), (8, 16)]
        assert images[1].shape == (16, 8, 3) and images[1][0, 0, 0] == 1
    with pytest.raises(VideoError, match="kind must be"):
        open_video(paths, "album")


def test_a_video_that_is_opened_anew_as_pictures_stays_as_it_is(mp4):
    video = open_video(mp4)
    pictures = open_video(video, "images")
    assert pictures.kind == "images" and pictures.sizes == [(WIDTH, HEIGHT)] * len(video)
    assert video.kind == "video" and video.sizes is None
    assert np.array_equal(pictures[3], video[3]) and pictures.identity() == video.identity()
    assert (pictures.path, pictures.location) == (video.path, video.location)
    assert open_video(video) is video and open_video(video, "video") is video


def test_a_video_that_is_opened_anew_with_a_contrast_stays_as_it_is():
    deep = open_video(np.arange(3 * 4 * 5, dtype=np.uint16).reshape(3, 4, 5, 1) * 100)
    before = deep.contrast
    darker = open_video(deep, contrast=(0, 60000))
    assert darker.chosen_contrast is not None and deep.chosen_contrast is None
    assert darker[2].max() < deep[2].max() and deep.contrast == before
    pictures = open_video(deep, "images")
    assert pictures.contrast != deep.contrast == before  # each picture has its own


def test_a_recording_lasts_as_long_as_what_was_made_of_it():
    live = LiveVideo(iter([picture(n) for n in range(3)]), lossless=True)
    live.wait(3)
    pictures = open_video(live, "images")
    ended = weakref.ref(live)
    del live
    gc.collect()
    assert ended() is not None and np.array_equal(pictures[2], picture(2))


def test_one_frame_is_a_picture_and_more_are_a_video():
    assert open_video(picture(0)).kind == "images"
    assert open_video(picture(0), "video").sizes is None
    assert open_video(np.stack([picture(0), picture(1)])).kind == "video"
    assert open_video(np.stack([picture(0), picture(1)]), "images").sizes == [(WIDTH, HEIGHT)] * 2
