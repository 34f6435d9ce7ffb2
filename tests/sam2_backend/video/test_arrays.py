"""Arrays of every library and shape show the very frames, a chunk at a time."""

from __future__ import annotations

import io
import subprocess
import sys
import warnings
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from sam2_backend.video import VideoError, open_video
from sam2_backend.video.arrays.arrays import ArrayVideo
from tests.support.films import write_film
from tests.support.zarr_stores import as_format, need_zarr

T, H, W = 7, 40, 56
RNG = np.random.default_rng(0)
RGB = RNG.integers(0, 256, (T, H, W, 3), dtype=np.uint8)
GREY = RGB[..., 0]
DEEP = (GREY.astype(np.uint16) * 40) + 1000


def same(video, frames=RGB) -> bool:
    """Frame by frame, backwards, so that nothing hangs on the order."""
    if frames.ndim == 3:
        frames = np.repeat(frames[..., None], 3, -1)
    return len(video) == len(frames) and all(
        np.array_equal(video[n], frames[n]) for n in reversed(range(len(frames)))
    )


def quietly(source, **options):
    """Open without a word."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return open_video(source, **options)


# Axes


def as_numpy(array):
    return array


def as_tensor(array):
    torch = pytest.importorskip("torch")
    return torch.from_numpy(np.ascontiguousarray(array))


def as_zarr(array):
    return need_zarr().array(array, chunks=tuple(min(n, 20) for n in array.shape))


HOLDERS = pytest.mark.parametrize("hold", [as_numpy, as_tensor, as_zarr])


@HOLDERS
@pytest.mark.parametrize(
    ("array", "frames"),
    [
        (RGB, RGB),
        (RGB.transpose(0, 3, 1, 2), RGB),
        (RGB[:1].transpose(0, 3, 1, 2), RGB[:1]),
        (GREY, GREY),
        (GREY[..., None], GREY),
        (GREY[:, None], GREY),
        (GREY[:1], GREY[:1]),
        (GREY[0], GREY[:1]),
        (GREY[0][..., None], GREY[:1]),
        (RGB[0], RGB[:1]),
        (np.dstack([RGB[0], GREY[0]]), RGB[:1]),
        (GREY[:2], GREY[:2]),
        (GREY[:5], GREY[:5]),
    ],
)
def test_what_the_shape_says_is_taken_without_a_word(hold, array, frames):
    assert same(quietly(hold(array)), frames)


@HOLDERS
@pytest.mark.parametrize(
    ("array", "frames", "other"),
    [
        (RGB[0].transpose(2, 0, 1), RGB[:1], "THW"),
        (RGB[:3].transpose(0, 3, 1, 2), RGB[:3], "CTHW"),
        (GREY[:3, None], GREY[:3], "CTHW"),
        (RGB.transpose(3, 0, 1, 2), RGB, "TZYX"),
        (GREY[None], GREY, "TCHW"),
        (np.dstack([RGB[0, :3], GREY[0, :3]]), RGB[:1, :3], "CHW"),
        (np.concatenate([RGB, GREY[..., None]], -1).transpose(0, 3, 1, 2), RGB, "TCHW"),
    ],
)
def test_a_doubtful_guess_is_said_and_names_the_axes(hold, array, frames, other):
    with pytest.warns(UserWarning, match=f"axes='{other}'"):
        video = open_video(hold(array))
    assert same(video, frames)


@HOLDERS
@pytest.mark.parametrize("shape", [(4, H, W), (5, 10, H, W), (4, 10, H, W), (1, 2, H, W, 3)])
def test_what_cannot_be_told_is_asked(hold, shape):
    with pytest.raises(VideoError, match="axes="):
        open_video(hold(np.zeros(shape, np.uint8)))


@HOLDERS
@pytest.mark.parametrize(
    ("axes", "array", "frames"),
    [
        ("THW", GREY[:3], GREY[:3]),
        ("tyx", GREY[:4], GREY[:4]),
        ("CHW", RGB[0].transpose(2, 0, 1), RGB[:1]),
        ("CTHW", RGB[:3].transpose(3, 0, 1, 2), RGB[:3]),
        ("HWTC", RGB.transpose(1, 2, 0, 3), RGB),
        ("TCWH", RGB.transpose(0, 3, 2, 1), RGB),
        ("ZYX", GREY, GREY),
        ("TZCYX", RGB.transpose(0, 3, 1, 2)[:, None], RGB),
        ("TZCYX", RGB.transpose(0, 3, 1, 2)[None], RGB),
    ],
)
def test_axes_that_are_said_are_believed(hold, axes, array, frames):
    assert same(quietly(hold(array), axes=axes), frames)


@HOLDERS
def test_a_plane_is_picked_by_z(hold):
    planes = np.stack([GREY, 255 - GREY, GREY // 2], 1)
    with pytest.warns(UserWarning, match="7 times and 3 planes.*plane 1 is shown.*plane=0"):
        assert same(open_video(hold(planes), axes="TZYX"), 255 - GREY)
    assert same(quietly(hold(planes), axes="TZYX", plane=1), 255 - GREY)
    with pytest.raises(VideoError, match=r"There is no plane 3: .* planes 0 to 2"):
        open_video(hold(planes), axes="TZYX", plane=3)


@pytest.mark.parametrize(
    ("axes", "sentence"),
    [
        ("TCHQ", "different letters of T"),
        ("TTHW", "different letters of T"),
        ("TCZH", "must name height and width"),
        ("THW", "names 3 axes, but the array has 4"),
    ],
)
def test_axes_that_do_not_fit_get_a_sentence(axes, sentence):
    with pytest.raises(VideoError, match=sentence):
        open_video(RGB, axes=axes)
    for plane in (True, 1.0, "least"):
        with pytest.raises(VideoError, match="plane must be a number, from 0, or 'max'"):
            open_video(GREY[:, None], axes="TZYX", plane=plane)
    with pytest.raises(VideoError, match="plane='max' is for TIFF files"):
        open_video(GREY[:, None], axes="TZYX", plane="max")
    with pytest.raises(VideoError, match="axes= and plane= are for arrays"):
        open_video(open_video(RGB), axes="THWC")


# Values


@pytest.mark.parametrize("dtype", ["int8", "uint16", "int16", "uint32", "int32", "uint64", "int64"])
def test_whole_numbers_of_any_size_are_seen_through_a_window(dtype):
    low = -100 if dtype == "int8" else 0
    ramp = np.linspace(low, np.iinfo(dtype).max * 0.9, 200).astype(dtype)
    frames = np.broadcast_to(ramp, (T, H, 200))
    video = quietly(frames)
    assert video.contrast is not None and video.raw(2).dtype == dtype
    assert len(np.unique(video[3])) > 100 and np.all(np.diff(video[3][0, :, 0].astype(int)) >= 0)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_floats_of_0_to_1_are_colours_as_they_are(dtype):
    video = quietly((RGB / 255).astype(dtype))
    assert max(np.abs(video[n].astype(int) - RGB[n]).max() for n in range(T)) <= (dtype < "float32")


def test_tensors_of_any_float_are_colours_too():
    torch = pytest.importorskip("torch")
    shares = torch.from_numpy(RGB).permute(0, 3, 1, 2) / 255
    for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
        shown = quietly(shares.to(dtype).requires_grad_())[3].astype(int)
        assert np.abs(shown - RGB[3]).max() <= (1 if dtype == torch.bfloat16 else 0) + 1


def test_sparse_tensors_are_read():
    torch = pytest.importorskip("torch")
    assert np.array_equal(quietly(torch.from_numpy(GREY).to_sparse())[2][..., 0], GREY[2])


def test_floats_of_0_to_255_are_those_colours_with_a_word():
    video = open_video(RGB.astype(np.float32))
    with pytest.warns(UserWarning, match="floats from 0 to 255, not 0 to 1.*contrast="):
        assert np.array_equal(video[2], RGB[2])


def test_floats_of_another_range_are_seen_through_a_window():
    normal = (RGB.astype(np.float32) - 120) / 60
    video = open_video(normal)
    with pytest.warns(UserWarning, match="floats from -2 to 2.25, not 0 to 1"):
        shown = video[2]
    assert len(np.unique(shown)) > 200
    assert len(np.unique(quietly(GREY * 16.0)[0])) > 200


def test_nan_is_black_with_a_word():
    holes = (GREY / 255).astype(np.float32)
    holes[:, :5] = np.nan
    video = open_video(holes)
    with pytest.warns(UserWarning, match="NaN, not a number, which is shown black"):
        shown = video[1]
    assert not shown[:5].any() and np.array_equal(shown[5:, :, 1], GREY[1, 5:])
    with pytest.warns(UserWarning, match="NaN"):
        assert open_video(np.full((H, W), np.nan))[0].max() == 0
    video = open_video(np.where(GREY > 128, np.inf, GREY / 255))
    with pytest.warns(UserWarning, match="to inf, where"):
        assert video[0].max() == 255


def test_floats_beyond_those_sampled_are_said():
    late = np.broadcast_to(np.linspace(0, 1, W, dtype=np.float32), (30, H, W)).copy()
    late[5] = 7
    video = quietly(late)
    assert video[0].max() == 255
    with pytest.warns(UserWarning, match="floats from 7 to 7, where those seen before"):
        assert video[5].max() == 255


def test_more_channels_have_a_colour_each():
    five = np.stack([np.roll(DEEP, 5 * n, 2) for n in range(5)], 1)
    video = quietly(five, axes="TCHW")
    assert len(video.contrast.channels) == 5 and video.raw(0).shape == (H, W, 5)
    two = quietly(five[:, :2].astype(np.uint8), axes="TCHW")
    assert two.raw(0).shape == (H, W, 2)
    told = quietly(np.repeat(GREY[:, None], 4, 1), axes="TCHW")
    assert told.raw(0).shape == (H, W, 4), "named channels are none of transparency"


def test_16_bit_rgba_is_doubtful():
    with pytest.warns(UserWarning, match="taken for RGBA, the last left out.*axes='THWC'"):
        video = open_video(np.repeat(DEEP[..., None], 4, -1))
    assert video.raw(0).shape == (H, W, 3)


def test_a_masked_array_hides_what_it_masks():
    video = open_video(np.ma.masked_array(GREY, mask=GREY > 100))
    assert video[0].max() <= 100


def test_an_array_is_not_copied():
    own = RGB.copy()
    video = open_video(own)
    own[3] = 9
    assert np.all(video[3] == 9)


# Laziness


class Counting:
    """An array in chunks of some frames that counts what is read of it."""

    def __init__(self, shape, chunks=None, dtype=np.uint8):
        self.shape, self.dtype, self.ndim = shape, np.dtype(dtype), len(shape)
        self.chunks = chunks
        self.read = []

    def __getitem__(self, key):
        self.read.append(key)
        frames = np.arange(self.shape[0], dtype=self.dtype).reshape(-1, *[1] * (self.ndim - 1))
        return np.broadcast_to(frames, self.shape)[key]

    def __array__(self, dtype=None, copy=None):
        raise AssertionError("all of it was asked for")


def test_only_frames_that_are_shown_are_read():
    source = Counting((200, H, W, 3))
    video = open_video(source)
    assert source.read == []
    assert video[150][0, 0, 0] == 150 and source.read == [150]


def test_a_chunk_of_several_frames_is_read_once():
    source = Counting((200, H, W, 3), chunks=(16, H, W, 3))
    video = open_video(source)
    for frame in [*range(40), *range(39, -1, -1)]:
        assert video[frame][0, 0, 0] == frame
    assert source.read == [slice(0, 16), slice(16, 32), slice(32, 48)]
    assert video[199][0, 0, 0] == 199 and source.read[-1] == slice(192, 200)


def test_of_uneven_chunks_each_is_read_once():
    source = Counting((20, H, W, 3), chunks=((3, 10, 7), (H,), (W,), (3,)))
    video = open_video(source)
    assert [video[n][0, 0, 0] for n in range(20)] == list(range(20))
    assert source.read == [slice(0, 3), slice(3, 13), slice(13, 20)]


def test_of_a_huge_chunk_a_part_is_kept(monkeypatch):
    monkeypatch.setattr("sam2_backend.video.arrays.arrays.BLOCK_BYTES", 4 * H * W * 3)
    source = Counting((200, H, W, 3), chunks=(100, H, W, 3))
    video = open_video(source)
    for frame in range(198, 202 - 4):
        video[frame]
    assert video[97][0, 0, 0] == 97 and source.read == [slice(96, 100)]
    assert video[101][0, 0, 0] == 101 and source.read[-1] == slice(100, 104)


def test_a_contrast_is_chosen_by_few_chunks(monkeypatch):
    monkeypatch.setattr("sam2_backend.video.arrays.arrays.SAMPLED_BYTES", 40 * 10 * 10 * 10 * 2)
    source = Counting((200, H, W), chunks=(10, 10, 10), dtype=np.uint16)
    window = open_video(source).contrast.channels[0]
    first, *others = source.read
    assert first == slice(0, 10) and 16 <= len(others) <= 32
    for _, rows, columns in others:
        assert rows.stop - rows.start == 10 and columns.stop - columns.start <= 10
    assert window.low < 40 and window.high > 160


def test_a_contrast_is_found_though_most_is_missing():
    sparse = need_zarr().zeros((600, H, W), chunks=(2, H, W), dtype="uint16")
    sparse[0] = DEEP[0]
    window = quietly(sparse).contrast.channels[0]
    assert DEEP[0].min() <= window.low < window.high and window.high > 0.9 * DEEP[0].max()
    late = np.zeros((600, H, W), np.uint16)
    late[200:230] = DEEP[0]
    assert quietly(late).contrast.channels[0].high > 0.9 * DEEP[0].max()


def test_what_a_source_raises_becomes_a_sentence():
    class Broken(Counting):
        def __getitem__(self, key):
            raise OSError("filter zstd is missing")

    with pytest.raises(VideoError, match=r"Frame 3 of the array cannot be read \(OSError: filter"):
        open_video(Broken((9, H, W, 3)))[3]


def test_frames_of_another_shape_than_the_first_are_named():
    class Ragged(list):
        pass

    video = ArrayVideo(Ragged([RGB[0], RGB[1], RGB[2, :9]]), "reader")
    with pytest.raises(
        VideoError, match=r"Frame 2 .* \(9, 56, 3\), but \(40, 56, 3\) was expected"
    ):
        video[2]


# Libraries


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_zarr_is_read_in_both_its_formats(zarr_format):
    zarr, known = need_zarr(zarr_format), as_format(zarr_format)
    for array in (RGB, RGB.transpose(0, 3, 1, 2)):
        assert same(quietly(zarr.array(array, chunks=(3, 3, 40, 56), **known)))
    deep = zarr.array(DEEP, chunks=(2, 20, 20), **known)
    assert np.array_equal(quietly(deep).raw(4)[..., 0], DEEP[4])


def test_names_of_zarr_axes_are_believed():
    older = need_zarr().array(GREY[:4], **as_format(2))
    older.attrs["_ARRAY_DIMENSIONS"] = ["t", "lat", "lon"]
    assert same(quietly(older), GREY[:4])
    source = need_zarr(3).create_array({}, data=GREY[:3], dimension_names=["time", "y", "x"])
    assert same(quietly(source), GREY[:3])


def test_h5py_is_read_and_its_labels_are_believed(tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["rgb"] = RGB
        chunked = file.create_dataset("first", data=RGB.transpose(0, 3, 1, 2), chunks=(2, 3, 8, 8))
        file["named"] = GREY[:3]
        for n, label in enumerate(("t", "y", "x")):
            file["named"].dims[n].label = label
        assert same(quietly(file["rgb"])) and same(quietly(chunked))
        assert same(quietly(file["named"]), GREY[:3])


def test_dask_and_xarray_are_read_lazily():
    dask = pytest.importorskip("dask.array")
    xarray = pytest.importorskip("xarray")
    lazy = dask.from_array(RGB, chunks=(3, 20, 20, 3))
    assert same(quietly(lazy)) and same(quietly(xarray.DataArray(lazy)))
    named = xarray.DataArray(GREY[:3], dims=("time", "y", "x"))
    assert same(quietly(named), GREY[:3])
    odd = xarray.DataArray(RGB.transpose(3, 1, 0, 2), dims=("channel", "y", "time", "x"))
    assert same(quietly(odd))
    assert same(quietly(xarray.Dataset({"film": named, "mean": ("time", np.zeros(3))})), GREY[:3])
    with pytest.raises(VideoError, match=r"several arrays: a \(3, 40, 56\), b .*dataset\['a'\]"):
        open_video(xarray.Dataset({"a": named, "b": named}))


def test_memory_maps_and_subclasses_are_read(tmp_path):
    np.save(tmp_path / "a.npy", RGB)
    assert same(quietly(np.load(tmp_path / "a.npy", mmap_mode="r")))
    assert same(quietly(RGB.view(np.recarray)))


@pytest.mark.slow
def test_jax_arrays_are_read():
    pytest.importorskip("jax", reason="jax is not installed")
    code = """
import jax.numpy as jnp, numpy as np
from sam2_backend.video import open_video
rgb = np.random.default_rng(0).integers(0, 256, (3, 40, 56, 3), dtype=np.uint8)
assert np.array_equal(open_video(jnp.asarray(rgb))[2], rgb[2])
shown = open_video((jnp.asarray(rgb) / 255).astype("bfloat16"))[1].astype(int)
assert np.abs(shown - rgb[1]).max() <= 2
"""
    # Of its own, as a process with JAX's threads must not fork.
    subprocess.run([sys.executable, "-c", code], check=True)


class OnDevice:
    """As CuPy: on a device, from where `get` brings it, and NumPy is refused."""

    def __init__(self, array):
        self._array = array
        self.shape, self.dtype, self.ndim = array.shape, array.dtype, array.ndim
        self.__cuda_array_interface__ = {"shape": array.shape}

    def __getitem__(self, key):
        return OnDevice(self._array[key])

    def get(self):
        return self._array

    def __array__(self, dtype=None, copy=None):
        raise TypeError("Implicit conversion to a NumPy array is not allowed.")


class ByDlpack:
    """An array that knows DLPack alone."""

    def __init__(self, array):
        self._array, self.shape, self.dtype = array, array.shape, array.dtype

    def __getitem__(self, key):
        return ByDlpack(self._array[key])

    def __dlpack__(self, **options):
        return self._array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self._array.__dlpack_device__()


@pytest.mark.parametrize("holder", [OnDevice, ByDlpack])
def test_arrays_that_must_be_fetched_are_fetched_by_frame(holder):
    assert same(quietly(holder(RGB)))


def test_a_list_of_frames_of_any_library_is_read():
    torch = pytest.importorskip("torch")
    zarr = need_zarr()
    assert same(quietly(list(RGB))) and same(quietly(tuple(RGB)))
    assert same(quietly([torch.from_numpy(frame).permute(2, 0, 1) for frame in RGB]))
    assert same(quietly([zarr.array(frame) for frame in RGB[:3]]), RGB[:3])
    assert same(quietly(list(GREY[:3])), GREY[:3])
    assert np.array_equal(quietly(list(DEEP)).raw(5)[..., 0], DEEP[5])
    assert same(quietly([frame.transpose(2, 1, 0) for frame in RGB], axes="CWH"))


def test_pictures_of_several_types_in_a_list_are_shown_by_one_rule():
    pictures = open_video([RGB[0], RGB[1, :20] / 255, GREY[2]], "images")
    assert np.array_equal(pictures[1], RGB[1, :20]) and pictures.sizes[1] == (W, 20)
    deep = open_video([DEEP[0], DEEP[1, :20]], "images")
    assert deep.contrast is not None and np.array_equal(deep.raw(1)[..., 0], DEEP[1, :20])
    with pytest.raises(VideoError, match="8-bit colours and others not"):
        open_video([GREY[0], DEEP[1]])
    mixed = open_video([GREY[0], DEEP[1, :20]], "images")
    assert mixed.contrast_of(0) is None and mixed.contrast_of(1) is not None


# Readers


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> tuple[Path, np.ndarray]:
    """A file and its frames as FFmpeg decodes them."""
    greys = [np.full((48, 64, 3), 8 * n, np.uint8) for n in range(30)]
    path = write_film(tmp_path_factory.mktemp("clip") / "clip.mp4", greys, rate=20)
    with av.open(str(path)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    return path, np.stack(frames)


def near(video, frames) -> bool:
    """Decoders differ by a level or two in how they make RGB."""
    return len(video) == len(frames) and all(
        np.abs(video[n].astype(int) - frames[n]).max() <= 3 for n in (29, 3, 17, 0)
    )


def test_a_reader_of_decord_is_read(clip):
    decord = pytest.importorskip("decord", reason="decord has no build for this machine")
    path, frames = clip
    video = quietly(decord.VideoReader(str(path)))
    assert near(video, frames) and video.fps == pytest.approx(20)


def test_a_reader_of_imageio_is_read(clip):
    imageio = pytest.importorskip("imageio.v2")
    pytest.importorskip("imageio_ffmpeg")
    path, frames = clip
    video = quietly(imageio.get_reader(str(path)))
    assert near(video, frames) and video.fps == pytest.approx(20)


def test_a_reader_of_pims_is_read(clip, tmp_path):
    pims = pytest.importorskip("pims")
    for n, frame in enumerate(RGB):
        Image.fromarray(frame).save(tmp_path / f"{n}.png")
    assert same(quietly(pims.ImageSequence(str(tmp_path / "*.png"))))


class LikeTorchcodec:
    """The interface of torchcodec's VideoDecoder: numbers and slices give uint8 tensors."""

    class metadata:
        average_fps = 29.97
        num_frames = T

    def __init__(self, dimension_order="NCHW"):
        self._order = dimension_order

    def __len__(self):
        return T

    def __getitem__(self, key):
        import torch

        frames = torch.from_numpy(RGB)
        return (frames if self._order == "NHWC" else frames.permute(0, 3, 1, 2))[key]


@pytest.mark.parametrize("order", ["NCHW", "NHWC"])
def test_a_decoder_like_that_of_torchcodec_is_read(order):
    video = quietly(LikeTorchcodec(order))
    assert same(video) and video.fps == pytest.approx(29.97)


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        (iter([RGB[0]]), r"has no length.* give list\(frames\); else LiveVideo"),
        ((frame for frame in RGB), "An iterator of frames has no length"),
        ({"a": 1}, "The dict holds no array of frames"),
        ({"a": GREY, "b": GREY}, r"several arrays: a .*Say which, such as it\['a'\]"),
        ({1, 2}, "cannot be made of a set"),
    ],
)
def test_what_gives_no_frame_for_a_number_gets_a_sentence(source, sentence):
    with pytest.raises(VideoError, match=sentence):
        open_video(source)


def test_a_capture_of_opencv_is_told_to_give_its_path():
    class VideoCapture:
        def isOpened(self):
            return True

        def read(self):
            return True, RGB[0]

    with pytest.raises(VideoError, match="the path of the file that it reads"):
        open_video(VideoCapture())


def test_what_a_library_raises_is_told_in_a_sentence(tmp_path):
    class Endless:
        def __len__(self):
            return -1

        def __getitem__(self, frame):
            return RGB[frame]

    with pytest.raises(VideoError, match=r"Endless cannot be read.*should return >= 0"):
        open_video(Endless())
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["film"] = RGB
        film = file["film"]
    for closed in (file, film):
        with pytest.raises(VideoError, match="cannot be read"):
            open_video(closed)


def test_a_group_of_zarr_is_one_of_its_arrays():
    group = need_zarr().group()
    group["film"] = RGB
    assert same(quietly(group))
    group["labels"] = GREY
    with pytest.raises(VideoError, match="holds several arrays"):
        open_video(group)


def test_dask_arrays_of_unknown_length_say_what_to_call():
    dask = pytest.importorskip("dask.array")
    lazy = dask.from_array(RGB, chunks=2)
    with pytest.raises(VideoError, match="compute_chunk_sizes"):
        open_video(lazy[lazy[:, 0, 0, 0] >= 0])


@pytest.mark.parametrize(
    ("source", "sentence"),
    [(b"\x89PNG", "the content of a file"), (io.BytesIO(b"\x89PNG"), "give its path")],
)
def test_contents_of_files_are_refused_with_advice(source, sentence):
    with pytest.raises(VideoError, match=sentence):
        open_video(source)


def test_a_pillow_image_that_is_to_be_turned_is_taken_as_numpy_takes_it_with_a_word(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(RGB[0]).save(tmp_path / "a.png", exif=exif)
    with (
        Image.open(tmp_path / "a.png") as image,
        pytest.warns(UserWarning, match="exif_transpose turns it"),
    ):
        assert same(open_video(image), RGB[:1])
