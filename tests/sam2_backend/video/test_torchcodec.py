"""TorchCodec gives the frames that PyAV gives, where it is there, and else a sentence."""

from __future__ import annotations

import sys
import threading

import numpy as np
import pytest
import torch

from sam2_backend import VideoPredictor, load_model
from sam2_backend.video import VideoError, open_video
from sam2widget.samples import sample_clip
from tests.support.films import write_film
from tests.support.missing_library import hide_library

from .test_video import write_video

TOLERANCE = 3
"""Of 255: conversions to RGB round."""
FRAMES = 20


@pytest.fixture(scope="module")
def needs_torchcodec() -> None:
    try:
        import torchcodec.decoders  # noqa: F401
    except (ImportError, OSError, RuntimeError) as error:
        pytest.skip(f"torchcodec cannot be used here: {str(error).splitlines()[0]}")


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    return np.array(sample_clip().frames_thw3[:FRAMES])


@pytest.fixture(scope="module")
def film(tmp_path_factory, frames):
    """With B-frames and several keyframes."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    return write_film(path, frames, g=8, bf=2)


@pytest.mark.usefixtures("needs_torchcodec")
@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("a.mp4", "libx264", {"g": 8, "bf": 2}),
        ("a.mkv", "libx264", {"g": 8}),
        ("a.webm", "libvpx-vp9", {"g": 8}),
        ("a.mp4", "mpeg4", {}),
        ("b.mp4", "libx264", {"pix_fmt": "yuv444p"}),
    ],
)
def test_every_frame_is_that_of_pyav(tmp_path, frames, name, codec, options):
    path = write_film(tmp_path / name, frames, codec=codec, **options)
    ours, expected = open_video(path, decoder="torchcodec"), open_video(path)
    assert len(ours) == len(expected) == FRAMES and ours.decoder == "torchcodec"
    assert (ours.width, ours.height, ours.fps) == (
        expected.width,
        expected.height,
        expected.fps,
    )
    assert ours.identity() == expected.identity()
    for t in (*range(FRAMES), 3, 17, 0, 16, 15, 14):  # in order, by leaps, backwards
        assert ours[t].dtype == np.uint8 and ours[t].shape == frames[t].shape
        difference = np.abs(ours[t].astype(int) - expected[t].astype(int))
        assert difference.max() <= TOLERANCE, (t, difference.max())


COLORS = np.zeros((2, 720, 1280, 3), np.uint8)
COLORS[:, :, :400], COLORS[:, :, 400:800], COLORS[:, :, 800:] = 200, (0, 160, 30), (180, 20, 40)


@pytest.mark.usefixtures("needs_torchcodec")
@pytest.mark.parametrize("matrix", ["bt709", "bt709:range=pc", "smpte170m", "bt2020nc"])
@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv444p"])
def test_colours_are_those_that_the_file_names(tmp_path, matrix, pix_fmt):
    options = {"x264-params": f"colormatrix={matrix}"}
    path = write_film(tmp_path / "hd.mp4", COLORS, pix_fmt=pix_fmt, **options)
    ours, expected = (open_video(path, decoder=name)[1] for name in ("torchcodec", "pyav"))
    assert np.abs(ours.astype(int) - expected.astype(int)).max() <= TOLERANCE


@pytest.mark.usefixtures("needs_torchcodec")
@pytest.mark.parametrize("rotation", [90, 180, -90])
def test_turned_films_are_upright(tmp_path, rotation):
    path = write_video(tmp_path / "turned.mp4", 3, rotation=rotation)
    ours, expected = (open_video(path, decoder=name) for name in ("torchcodec", "pyav"))
    assert ours[1].shape == expected[1].shape == (ours.height, ours.width, 3)
    assert np.abs(ours[1].astype(int) - expected[1].astype(int)).max() <= TOLERANCE


@pytest.mark.usefixtures("needs_torchcodec")
def test_masks_are_nearly_those_of_pyav(film):
    model = load_model("nano", "cpu", image_size=128)
    found = []
    for decoder in ("torchcodec", None):
        video = VideoPredictor(model, open_video(film, decoder=decoder))
        video.add_mask(0, 1, sample_clip().masks[1][0])
        found.append([result.masks[1] for result in video.propagate(stop=6)])
    for ours, expected in zip(*found, strict=True):
        assert np.mean(ours != expected) < 1e-3


@pytest.mark.usefixtures("needs_torchcodec")
def test_threads_read_their_own_frames(film):
    video, expected = open_video(film, decoder="torchcodec"), open_video(film, decoder="torchcodec")
    read: dict[int, np.ndarray] = {}

    def read_some(start: int) -> None:
        read.update({t: video[t] for t in range(start, FRAMES, 2)})

    threads = [threading.Thread(target=read_some, args=(start,)) for start in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(read) == list(range(FRAMES))
    for t, picture in read.items():
        np.testing.assert_array_equal(picture, expected[t])


@pytest.mark.usefixtures("needs_torchcodec")
@pytest.mark.parametrize(
    ("size_hw", "options", "sentence"),
    [
        ((32, 48), {"codec": "ffv1", "pix_fmt": "gray16le"}, "values that need a contrast"),
        ((32, 48), {"pix_fmt": "yuv420p10le"}, "pixels of yuv420p10le"),
        ((720, 1280), {}, "does not name its colours"),
    ],
)
def test_films_that_only_pyav_shows_right_are_refused(tmp_path, size_hw, options, sentence):
    path = write_film(tmp_path / "a.mkv", np.full((2, *size_hw, 3), 90, np.uint8), **options)
    with pytest.raises(VideoError, match=f"{sentence}.*leave decoder= away"):
        open_video(path, decoder="torchcodec")


@pytest.mark.usefixtures("needs_torchcodec")
@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_a_sentence(film):
    with pytest.raises(VideoError, match=r"TorchCodec cannot open .* on cuda .*leave decoder="):
        open_video(film, decoder="torchcodec:cuda")


def test_what_has_another_decoder_or_none_is_refused(film, monkeypatch):
    with pytest.raises(VideoError, match="Nothing here opens this with decoder='nonsense'"):
        open_video(film, decoder="nonsense")
    with pytest.raises(VideoError, match="decoder= is for video files on this machine"):
        open_video(np.zeros((3, 8, 8, 3), np.uint8), decoder="torchcodec")
    hide_library(monkeypatch, "torchcodec")
    with pytest.raises(
        VideoError, match=r"TorchCodec cannot be used here .*sam2widget\[torchcodec"
    ):
        open_video(film, decoder="torchcodec")
    assert open_video(film, decoder="pyav").decoder is None


def test_what_torchcodec_lacks_is_said_in_a_sentence(film, tmp_path, monkeypatch):
    (tmp_path / "torchcodec").mkdir()
    (tmp_path / "torchcodec" / "__init__.py").touch()
    raised = "Could not load libtorchcodec. Likely causes:\\n 1. FFmpeg is not there."
    (tmp_path / "torchcodec" / "decoders.py").write_text(f'raise RuntimeError("{raised}")')
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchcodec"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(
        VideoError, match=r"here \(Could not load libtorchcodec\)\. It comes by pip"
    ):
        open_video(film, decoder="torchcodec")
    sys.modules.pop("torchcodec")


class OnDevice:
    """Frames that are tensors already, here of the CPU."""

    tensor_device = "cpu"

    def __init__(self, frames: np.ndarray) -> None:
        self.frames, self.read = torch.from_numpy(frames), []

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, frame: int) -> np.ndarray:
        return self.frames[frame].numpy()

    def read_tensor(self, frame: int) -> torch.Tensor:
        self.read.append(frame)
        return self.frames[frame]


def test_frames_on_the_networks_device_are_not_brought_to_the_host(frames):
    model = load_model("nano", "cpu", image_size=128)
    found = []
    for source in (OnDevice(frames), frames):
        video = VideoPredictor(model, source)
        video.add_mask(0, 1, sample_clip().masks[1][0])
        found.append([result.masks[1] for result in video.propagate(stop=4)])
        if isinstance(source, OnDevice):
            assert source.read == [0, 1, 2, 3]
    for ours, expected in zip(*found, strict=True):
        assert np.mean(ours != expected) < 1e-3
