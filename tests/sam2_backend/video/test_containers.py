"""Files as ffmpeg makes them, frame by frame, and how their pictures are shown."""

from __future__ import annotations

import struct
import warnings
from functools import partial
from pathlib import Path

import av
import numpy as np
import pytest

from benchmarks.containers import (
    FRAMES,
    TABLE,
    Film,
    NoFfmpegError,
    encode,
    ffmpeg,
    number_of,
    numbered,
    outcome_of,
    right_of,
    truth_of,
)
from sam2_backend.video import VideoError, open_video
from sam2_backend.video.containers import indexing
from sam2_backend.video.containers.decoder import Decoder
from sam2_backend.video.containers.picture import to_rgb24

TRIED = [
    "open.mp4",
    "refresh.mp4",
    "fragments.mp4",
    "fields.mp4",
    "rates.mp4",
    "edit.mp4",
    "no_edit.mp4",
    "prores.mov",
    "mpeg2.mp4",
    "open.mkv",
    "cover.mkv",
    "two.mp4",
    "vp8_hidden.webm",
    "vp9.webm",
    "av1.obu",
    "open.avi",
    "packed.avi",
    "mpeg4_b.avi",
    "mjpeg.avi",
    "h264.asf",
    "wmv2.wmv",
    "one.ts",
    "open.ts",
    "mpeg2.m2ts",
    "joined.ts",
    "wrap.ts",
    "mpeg2.mpg",
    "dvd.vob",
    "joined.vob",
    "h264.flv",
    "theora.ogv",
    "open.h264",
    "still.h264",
    "raw.m2v",
    "raw.m4v",
    "vp8.ivf",
    "begun.ts",
    "begun.mpg",
]
"""Files of the table: one of each kind. All are tried by benchmarks.containers."""
SHORT_TOO = {"open.avi", "packed.avi", "joined.ts", "rates.mp4", "dvd.vob", "begun.ts", "open.mkv"}


def film_of(name: str) -> Film:
    return next(film for film in TABLE if film.name == name)


@pytest.fixture
def as_if_long(monkeypatch) -> None:
    """Short films are decoded when opened; long ones are only tried in some places."""
    monkeypatch.setattr("sam2_backend.video.containers.indexing.SHORT_PIXELS", 0)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Films that are made once, with their pictures decoded from the start."""
    films: dict[str, tuple[Path, list[np.ndarray]]] = {}

    def make(name: str) -> tuple[Path, list[np.ndarray]]:
        if name not in films:
            try:
                path = film_of(name).make(tmp_path_factory.mktemp("film"))
            except NoFfmpegError as reason:
                pytest.skip(f"{name} cannot be made here: {reason}")
            films[name] = path, truth_of(path)
        return films[name]

    return make


@pytest.mark.parametrize("name", TRIED)
@pytest.mark.usefixtures("as_if_long")
def test_every_frame_is_the_right_frame_however_one_comes_to_it(made, name):
    check(*made(name))


def test_decoding_a_whole_file_shows_how_far_it_is_if_it_lasts(made, monkeypatch, capsys):
    path, truth = made("open.avi")
    open_video(path)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("sam2_backend.video.containers.indexing.NOTICE_S", 1e-9)
    at_once = partial(indexing.tqdm, mininterval=0, miniters=1)
    monkeypatch.setattr("sam2_backend.video.containers.indexing.tqdm", at_once)
    open_video(path)
    shown = capsys.readouterr().err
    assert "Reading open.avi once to find its frames" in shown and f"/{len(truth)}" in shown
    path, _ = made("open.mp4")
    monkeypatch.setattr("sam2_backend.video.containers.indexing.SHORT_PIXELS", 0)
    open_video(path)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("name", sorted(SHORT_TOO))
def test_every_frame_of_a_short_film_is_the_right_frame(made, name):
    check(*made(name))


def check(path: Path, truth: list[np.ndarray]) -> None:
    numbers = [number_of(rgb) for rgb in truth]
    assert numbers == sorted(set(numbers)) and len(numbers) > FRAMES // 3
    for way, (right, tried) in right_of(path, truth).items():
        assert right == tried > 0, way


@pytest.mark.parametrize("name", ["open.avi", "joined.ts", "mpeg2.mpg", "still.h264", "open.mkv"])
@pytest.mark.usefixtures("as_if_long")
def test_a_seek_that_goes_astray_is_noticed(made, name):
    """Wherever seeks land, the frames are right: what comes is looked at."""
    path, truth = made(name)
    last = len(indexing.read_index(path).starts) - 1
    for wrong in (0, last // 2, last):
        index = indexing.read_index(path)
        packets, place = index.packets, index.starts[wrong]
        for places in (packets.pos, packets.pts, packets.dts):
            places[:] = places[place]
        decoder = Decoder(path, index)
        for frame in (len(truth) // 2, 1, len(truth) - 1, len(truth) // 3):
            *_, (at, found) = decoder.pictures_to(frame)
            rgb = to_rgb24(found, found.width, found.height)
            assert at == frame and np.array_equal(rgb, truth[frame]), (wrong, frame)
        decoder.close()


@pytest.mark.parametrize("name", ["cut_off.mkv", "cut_off.avi", "cut_off.mp4"])
def test_a_file_that_was_cut_off_says_so_and_gives_what_it_has(tmp_path, name):
    try:
        outcome = outcome_of(film_of(name), tmp_path)
    except NoFfmpegError as reason:
        pytest.skip(f"{name} cannot be made here: {reason}")
    assert outcome.is_right and outcome.right["in order"][1] > FRAMES // 3
    assert any("it seems cut off or damaged" in sentence for sentence in outcome.said)


def test_a_file_that_is_replaced_while_it_is_open_says_so(made, tmp_path, monkeypatch):
    monkeypatch.setattr("sam2_backend.video.containers.container.CACHE_BYTES", 0)
    path = tmp_path / "a.ts"
    path.write_bytes(made("open.ts")[0].read_bytes())
    video = open_video(path)
    video[80]
    path.write_bytes(made("mpeg2.m2ts")[0].read_bytes())
    with pytest.raises(VideoError, match="not what it was when it was opened: open it again"):
        video[40]


def test_sound_files_are_opened_without_a_word(made):
    for name in ("open.mp4", "open.mkv", "open.avi", "wmv2.wmv", "open.ts", "fragments.mp4"):
        path, truth = made(name)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert len(open_video(path)) == len(truth)


def test_what_its_header_does_not_tell_rightly_is_refused_without_blaming_the_file(tmp_path):
    try:
        path = film_of("hevc.avi").make(tmp_path)
    except NoFfmpegError as reason:
        pytest.skip(f"it cannot be made here: {reason}")
    with pytest.raises(VideoError, match=r"not what its header says.* as H\.264 in MP4") as refusal:
        open_video(path)
    assert "damaged" not in str(refusal.value)


def write(path: Path, frames: list[av.VideoFrame], codec: str) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        first = frames[0]
        stream.width, stream.height, stream.pix_fmt = first.width, first.height, first.format.name
        for frame in frames:
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(
    ("size", "yuv"),
    [
        pytest.param((1280, 720), (63, 102, 240), id="high definition: BT.709"),
        pytest.param((720, 576), (81, 90, 240), id="standard definition: BT.601"),
    ],
)
def test_untagged_colours_are_those_that_players_show(tmp_path, size, yuv):
    """Red, as each standard codes it."""
    frame = av.VideoFrame(*size, "yuv420p")
    for plane, value in zip(frame.planes, yuv, strict=True):
        plane.update(bytes([value]) * plane.buffer_size)
    video = open_video(write(tmp_path / "red.mkv", [frame], "ffv1"))
    assert np.abs(video[0][100, 100].astype(int) - (255, 0, 0)).max() <= 3


TURNS = {
    "as it is": ((1, 0, 0, 1), lambda rgb: rgb),
    "clockwise": ((0, 1, -1, 0), lambda rgb: np.rot90(rgb, -1)),
    "upside down": ((-1, 0, 0, -1), lambda rgb: np.rot90(rgb, 2)),
    "counterclockwise": ((0, -1, 1, 0), np.rot90),
    "left and right": ((-1, 0, 0, 1), lambda rgb: rgb[:, ::-1]),
    "up and down": ((1, 0, 0, -1), lambda rgb: rgb[::-1]),
    "transposed": ((0, 1, 1, 0), lambda rgb: rgb.transpose(1, 0, 2)),
    "the other diagonal": ((0, -1, -1, 0), lambda rgb: rgb[::-1, ::-1].transpose(1, 0, 2)),
}


@pytest.mark.parametrize("turn", TURNS)
def test_films_are_shown_upright_and_unmirrored(tmp_path, turn):
    (a, b, c, d), turned = TURNS[turn]
    rgb = np.zeros((48, 64, 3), np.uint8)
    rgb[:16, :8] = 255
    frames = [av.VideoFrame.from_ndarray(rgb, format="rgb24").reformat(format="yuv444p")] * 3
    path = write(tmp_path / "a.mp4", frames, "libx264")
    data = path.read_bytes()
    at = data.index(b"tkhd") + 44
    matrix = struct.pack(">9i", a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30)
    path.write_bytes(data[:at] + matrix + data[at + 36 :])
    video = open_video(path)
    want = turned(rgb)
    assert (video.height, video.width) == want.shape[:2]
    assert np.abs(video[1].astype(int) - want).max() < 30
    ((_, thumbnail),) = [one for one in video.thumbnails([0], video.height // 2) if one is not None]
    assert np.abs(thumbnail.astype(int) - want[::2, ::2]).mean() < 20


def test_a_film_that_changes_its_size_says_so(tmp_path):
    sizes = (256, 96), (128, 48)
    parts = []
    for n, size in enumerate(sizes):
        frames = [av.VideoFrame.from_ndarray(numbered(20 * n + k, *size)) for k in range(20)]
        frames = [frame.reformat(format="yuv420p") for frame in frames]
        parts.append(write(tmp_path / f"{n}.h264", frames, "libx264").read_bytes())
    path = tmp_path / "both.h264"
    path.write_bytes(b"".join(parts))
    video = open_video(path)
    assert len(video) == 40 and number_of(video[5]) == 5
    with pytest.warns(UserWarning, match="changes its size on the way, from 256x96 to 128x48"):
        assert number_of(video[25]) == 25
    assert video[25].shape == (96, 256, 3)


def without_sync_table(folder: Path) -> Path:
    """An MP4 that by the standard says of every frame that decoding can start there."""
    path = film_of("mpeg4.mp4").make(folder)
    path.write_bytes(path.read_bytes().replace(b"stss", b"free"))
    return path


def all_marked(folder: Path) -> Path:
    """An AVI whose index calls every frame a keyframe."""
    data = bytearray(film_of("mpeg4.avi").make(folder).read_bytes())
    at = data.rindex(b"idx1")
    for entry in range(at + 8, len(data), 16):
        data[entry + 4] = 0x10
    path = folder / "marked.avi"
    path.write_bytes(data)
    return path


def without_marks(folder: Path) -> Path:
    """A format that does not tell keyframes."""
    return encode(folder / "raw.h263", "-c:v h263 -s 176x144 -q:v 3")


@pytest.mark.parametrize("make", [without_sync_table, all_marked, without_marks])
@pytest.mark.parametrize("is_long", [False, True])
def test_what_is_called_a_keyframe_and_is_none_is_no_start(tmp_path, monkeypatch, make, is_long):
    if is_long:
        monkeypatch.setattr("sam2_backend.video.containers.indexing.SHORT_PIXELS", 0)
    try:
        path = make(tmp_path)
    except NoFfmpegError as reason:
        pytest.skip(f"it cannot be made here: {reason}")
    truth = truth_of(path)
    monkeypatch.setattr("sam2_backend.video.containers.container.CACHE_BYTES", 0)
    video = open_video(path)
    assert len(video) == len(truth) == FRAMES
    for frame in (50, 20, 80, 1, 45, 0, 89):
        assert np.array_equal(video[frame], truth[frame]), frame


def test_a_file_cut_between_pictures_and_their_order_gives_those_it_holds(tmp_path):
    """The last that were to be shown in between are gone: no frame is made up for them."""
    try:
        whole = film_of("open.mp4").make(tmp_path)
        ffmpeg("-t", "1.7", "-i", whole, "-c", "copy", tmp_path / "cut.mp4")
    except NoFfmpegError as reason:
        pytest.skip(f"it cannot be made here: {reason}")
    truth = truth_of(tmp_path / "cut.mp4")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        video = open_video(tmp_path / "cut.mp4")
        numbers = [number_of(video[frame]) for frame in range(len(video))]
    assert numbers == [number_of(rgb) for rgb in truth]
    assert numbers[-1] != len(numbers) - 1  # or the cut fell where nothing is missing


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("a.czi", "microscope or a scanner.* OME-TIFF"),
        ("a.dcm", "microscope or a scanner.* into an array"),
        ("a.zip", "an archive. Unpack it"),
        ("a.mpd", "a list of streams"),
        ("a.txt", "a document"),
    ],
)
def test_sound_files_of_other_kinds_are_not_called_damaged(tmp_path, name, sentence):
    (tmp_path / name).write_bytes(b"what only its own program reads " * 40)
    with pytest.raises(VideoError, match=sentence) as refusal:
        open_video(tmp_path / name)
    assert "damaged" not in str(refusal.value)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.mkv", "-c:v ffv1 -level 3"),
        ("a.avi", "-c:v ffv1"),
        ("a.mov", "-c:v png -pix_fmt gray16be"),
    ],
)
def test_grey_of_16_bits_keeps_its_levels(tmp_path, name, options):
    values = np.random.default_rng(0).integers(100, 4000, (12, 36, 53)).astype("<u2")
    given = "-f rawvideo -pix_fmt gray16le -s 53x36 -r 10 -i -"
    try:
        ffmpeg(*given.split(), *options.split(), tmp_path / name, pictures=values.tobytes())
    except NoFfmpegError as reason:
        pytest.skip(f"it cannot be made here: {reason}")
    video = open_video(tmp_path / name)
    for frame in (7, 0, 11, 3):
        raw = video.raw(frame)
        assert raw.dtype == np.uint16
        assert np.array_equal(raw[..., 0], values[frame])
        assert len(np.unique(video[frame])) > 200
    ((_, small),) = [found for found in video.thumbnails([3], 18) if found is not None]
    assert small.shape[0] == 18
    if name.endswith("mov"):
        turn = ["-c", "copy", "-metadata:s:v", "rotate=90"]
        ffmpeg("-i", tmp_path / name, *turn, tmp_path / "turned.mov")
        turned = open_video(tmp_path / "turned.mov")
        assert np.array_equal(turned.raw(5)[..., 0], np.rot90(values[5]))


def test_pictures_of_floats_that_ffmpeg_reads_keep_their_levels(tmp_path):
    values = np.linspace(0, 0.02, 36 * 53, dtype="<f4").reshape(36, 53)
    (tmp_path / "a.pfm").write_bytes(b"Pf\n53 36\n-1.0\n" + values[::-1].tobytes())
    video = open_video(tmp_path / "a.pfm")
    assert np.array_equal(video.raw(0)[..., 0], values)
    assert len(np.unique(video[0])) == 256
