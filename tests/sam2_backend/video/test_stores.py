"""Arrays in files are opened by their path, and OME-Zarr with its axes, levels and colours."""

from __future__ import annotations

import json
import re
import zipfile

import numpy as np
import pytest

from sam2_backend.video import VideoError, open_video
from tests.support.missing_library import hide_library
from tests.support.zarr_stores import add_array, as_format, create_group, need_zarr

from .test_arrays import DEEP, GREY, RGB, H, T, W, quietly, same


@pytest.fixture
def h5py():
    return pytest.importorskip("h5py", reason="h5py is not installed")


def test_npy_is_mapped_into_memory(tmp_path):
    np.save(tmp_path / "a.npy", RGB)
    video = quietly(tmp_path / "a.npy")
    assert same(video) and video.name == "a.npy" and video.path == tmp_path / "a.npy"
    np.lib.format.open_memmap(tmp_path / "a.npy", "r+")[1] = 7
    assert (video.raw(1) == 7).all()
    assert (video.raw(0) == RGB[0]).all()
    np.save(tmp_path / "b.npy", np.asfortranarray(GREY))
    assert same(quietly(str(tmp_path / "b.npy")), GREY)


def test_npz_holds_one_array_or_is_asked_for_one(tmp_path):
    np.savez_compressed(tmp_path / "one.npz", film=RGB, times=np.arange(T))
    assert same(quietly(tmp_path / "one.npz"))
    np.savez(tmp_path / "two.npz", left=RGB, right=GREY)
    with pytest.raises(VideoError, match=r"left \(7, 40, 56, 3\), right .*two\.npz/left'\)"):
        open_video(tmp_path / "two.npz")
    assert same(quietly(tmp_path / "two.npz" / "right"), GREY)
    with pytest.raises(VideoError, match=r"There is no centre in .*: it holds left, right"):
        open_video(tmp_path / "two.npz" / "centre")


def test_damaged_and_pickled_arrays_get_a_sentence(tmp_path):
    (tmp_path / "a.npy").write_bytes(b"nothing")
    np.save(tmp_path / "b.npy", np.array([{}, {}]), allow_pickle=True)
    (tmp_path / "c.npz").write_bytes(b"nothing")
    for name in ("a.npy", "b.npy", "c.npz"):
        with pytest.raises(VideoError, match=rf"{name} cannot be read as \.np"):
            open_video(tmp_path / name)


def test_hdf5_holds_one_dataset_or_is_asked_for_one(tmp_path, h5py):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("cam/film", data=RGB, chunks=(2, 20, 20, 3), compression="gzip")
        file["cam/times"] = np.arange(T)
        file["note"] = "words"
    video = quietly(tmp_path / "a.h5")
    assert same(video) and video.name == "a.h5/cam/film"
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["cam/film"], file["mask"] = RGB, GREY > 9
    with pytest.raises(VideoError, match=r"several arrays: cam/film .*, mask \(7, 40, 56\)"):
        open_video(tmp_path / "b.h5")
    again = quietly(tmp_path / "b.h5" / "cam" / "film")
    assert same(again) and again.path == tmp_path / "b.h5/cam/film"
    assert same(quietly(tmp_path / "b.h5" / "cam"))
    with pytest.raises(VideoError, match="There is no dog in"):
        open_video(tmp_path / "b.h5/dog")


def test_hdf5_is_known_by_its_content(tmp_path, h5py):
    with h5py.File(tmp_path / "a.dat", "w", userblock_size=512) as file:
        file["film"] = RGB
    (tmp_path / "a.dat").rename(tmp_path / "b.mat")
    assert same(quietly(tmp_path / "b.mat"))
    with h5py.File(tmp_path / "c", "w") as file:
        file["film"] = RGB
    assert same(quietly(tmp_path / "c"))
    (tmp_path / "cut.h5").write_bytes((tmp_path / "c").read_bytes()[:900])
    with pytest.raises(VideoError, match=r"cut\.h5 cannot be read as HDF5"):
        open_video(tmp_path / "cut.h5")


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_zarr_is_opened_by_its_folder_or_zip(tmp_path, zarr_format):
    zarr = need_zarr(zarr_format)
    zarr.save_array(str(tmp_path / "a.zarr"), DEEP, **as_format(zarr_format))
    video = quietly(tmp_path / "a.zarr")
    assert np.array_equal(video.raw(5)[..., 0], DEEP[5]) and video.path == tmp_path / "a.zarr"
    group = create_group(tmp_path / "g.zarr", zarr_format)
    add_array(group, "film", RGB, (3, 20, 20, 3))
    assert same(quietly(tmp_path / "g.zarr")) and same(quietly(tmp_path / "g.zarr/film"))
    add_array(group, "other", GREY, GREY.shape)
    with pytest.raises(VideoError, match=r"several arrays: .*open_video\("):
        open_video(tmp_path / "g.zarr")
    with pytest.raises(VideoError, match="There is no dog in"):
        open_video(tmp_path / "g.zarr/dog")
    with zipfile.ZipFile(tmp_path / "g.zarr.zip", "w") as archive:
        for path in (tmp_path / "g.zarr").rglob("*"):
            archive.write(path, path.relative_to(tmp_path / "g.zarr"))
    assert same(quietly(tmp_path / "g.zarr.zip/film"))


def ome(path, version, axes="tczyx", data=None, **described):
    """A picture in two levels, as NGFF 0.4 (zarr 2) or 0.5 (zarr 3) describes it."""
    group = create_group(path, 2 if version == "0.4" else 3)
    data = np.stack([DEEP, DEEP[::-1]], 1)[:, :, None] if data is None else data
    for level in range(2):
        small = data[..., :: 2**level, :: 2**level]
        add_array(group, str(level), small, (1,) * (small.ndim - 2) + (20, 20))
    multiscales = [
        {
            "version": version,
            "axes": [{"name": name, "type": "space"} for name in axes],
            "datasets": [
                {
                    "path": str(level),
                    "coordinateTransformations": [{"type": "scale", "scale": [1.0] * data.ndim}],
                }
                for level in range(2)
            ],
        }
    ]
    described = {"multiscales": multiscales, **described}
    group.attrs.update(
        described if version == "0.4" else {"ome": {"version": version, **described}}
    )


OMERO = {
    "channels": [
        {"color": "00FF00", "window": {"min": 0, "max": 65535, "start": 1000, "end": 9000}},
        {
            "color": "FF00FF",
            "window": {"min": 0, "max": 65535, "start": 2000, "end": 11000},
            "active": False,
        },
    ]
}


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_ome_zarr_is_opened_with_its_axes_and_colours(tmp_path, version):
    ome(tmp_path / "a.ome.zarr", version, omero=OMERO)
    video = quietly(tmp_path / "a.ome.zarr")
    assert (len(video), video.height, video.width) == (T, H, W)
    assert np.array_equal(video.raw(2)[..., 1], DEEP[::-1][2])
    green, magenta = video.contrast.channels
    assert (green.color, green.low, green.high) == ("#00ff00", 1000, 9000)
    assert (magenta.color, magenta.visible) == ("#ff00ff", False)
    assert video[0][..., 1].any() and not video[0][..., 0].any()


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_a_level_of_ome_zarr_is_opened_by_its_path(tmp_path, version):
    ome(tmp_path / "a.ome.zarr", version, omero=OMERO)
    small = quietly(tmp_path / "a.ome.zarr/1")
    assert (len(small), small.height, small.width) == (T, H // 2, W // 2)
    assert small.contrast.channels[0].color == "#00ff00"
    assert np.array_equal(small.raw(2)[..., 0], DEEP[2, ::2, ::2])


def test_of_planes_of_ome_zarr_beside_times_the_middle_one_is_shown(tmp_path):
    planes = np.stack([DEEP, DEEP // 2, DEEP // 3], 1)
    ome(tmp_path / "tz.zarr", "0.4", "tzyx", planes)
    with pytest.warns(UserWarning, match="7 times and 3 planes.*plane 1 is shown"):
        open_video(tmp_path / "tz.zarr")
    assert np.array_equal(quietly(tmp_path / "tz.zarr", plane=2).raw(4)[..., 0], DEEP[4] // 3)
    ome(tmp_path / "z.zarr", "0.4", "zyx", DEEP)
    assert np.array_equal(quietly(tmp_path / "z.zarr").raw(4)[..., 0], DEEP[4])


def test_a_collection_of_ome_zarr_lists_its_pictures(tmp_path):
    plate = create_group(tmp_path / "plate.zarr")
    plate.attrs["plate"] = {"wells": [{"path": "A/1"}, {"path": "A/2"}]}
    with pytest.raises(VideoError, match=r"several pictures: A/1/0, A/2/0\. Open one"):
        open_video(tmp_path / "plate.zarr")
    ome(tmp_path / "plate.zarr/A/1/0", "0.4")
    assert len(quietly(tmp_path / "plate.zarr/A/1/0")) == T


def test_what_to_open_can_be_pasted_as_it_is_printed(tmp_path, monkeypatch):
    np.savez(tmp_path / "two.npz", left=GREY, right=GREY)
    two = create_group(tmp_path / "two.zarr")
    plate = create_group(tmp_path / "plate.zarr")
    for name in ("left", "right"):
        add_array(two, name, GREY, GREY.shape)
    plate.attrs["plate"] = {"wells": [{"path": "A/1"}]}
    ome(tmp_path / "plate.zarr/A/1/0", "0.4")
    monkeypatch.chdir(tmp_path)
    printed = []
    for name in ("two.npz", "two.zarr", "plate.zarr"):
        with pytest.raises(VideoError, match=r"open_video\('") as refusal:
            open_video(name)
        printed.append(re.search(r"open_video\('([^']+)'\)", str(refusal.value))[1])
    monkeypatch.chdir("/")
    assert [len(open_video(path)) for path in printed] == [T, T, T]


@pytest.mark.parametrize(("library", "name"), [("zarr", "a.zarr"), ("h5py", "a.h5")])
def test_what_to_install_is_said(tmp_path, monkeypatch, library, name):
    if library == "zarr":
        (tmp_path / name).mkdir()
        (tmp_path / name / ".zarray").write_text(json.dumps({"shape": [1]}))
    else:
        (tmp_path / name).write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(99))
    hide_library(monkeypatch, library)
    with pytest.raises(VideoError, match=rf"needs {library}: .*\[microscopy\]"):
        open_video(tmp_path / name)
