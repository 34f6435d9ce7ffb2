"""What is handed over to a library is what that library says it is."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_mask

import sam2widget
from sam2_backend.extras import install_command
from sam2_backend.video import open_video
from sam2widget import Sam2Widget, SessionError, import_masks
from sam2widget.export import (
    Segmentation,
    export_masks,
    to_dataframe,
    to_datasets,
    to_fiftyone,
    to_napari,
    to_supervision,
    to_xarray,
)
from sam2widget.export.libraries._lazy_frames import LazyFrames
from sam2widget.widget.api.hand_over import HandOver
from tests.support.fakes import DiscSegmenter
from tests.support.films import write_film
from tests.support.missing_library import hide_library

from ..conftest import FRAMES, HEIGHT, NAMES, WIDTH, masks

SEEN = {key: mask for key, mask in masks().items() if mask.any()}


def test_supervision_measures_draws_and_tells_classes(segmentation):
    supervision = pytest.importorskip("supervision")
    found = to_supervision(segmentation, 3)
    assert isinstance(found, supervision.Detections)
    assert found.tracker_id.tolist() == [1, 2, 5]
    assert found.data["object_name"].tolist() == list(NAMES.values())
    assert [found.metadata["classes"][n] for n in found.class_id] == list(NAMES.values())
    for obj, mask, box, area in zip(
        found.tracker_id, found.mask, found.xyxy, found.area, strict=True
    ):
        np.testing.assert_array_equal(mask, SEEN[obj, 3])
        assert area == mask.sum()
        # Its own boxes end at the last pixel, ours at that pixel's edge.
        (theirs,) = supervision.mask_to_xyxy(mask[None])
        np.testing.assert_array_equal(box, theirs + np.array([0, 0, 1, 1]))
    drawn = supervision.MaskAnnotator().annotate(segmentation.picture(3).copy(), found)
    changed = (drawn != segmentation.picture(3)).any(axis=2)
    np.testing.assert_array_equal(changed & ~found.mask.any(axis=0), np.zeros_like(changed))
    assert changed.any()
    again = import_masks(
        {3: dict(zip(found.tracker_id.tolist(), found.mask, strict=True))}, segmentation.video
    )
    assert {key: one.to_array().sum() for key, one in again.masks.items()} == {
        (obj, 3): SEEN[obj, 3].sum() for obj in NAMES
    }


def test_a_frame_without_objects_is_detections_of_none(segmentation):
    pytest.importorskip("supervision")
    empty = Segmentation.make(segmentation.video, segmentation.objects, {})
    found = to_supervision(empty, 0)
    assert len(found) == 0 and found.mask.shape == (0, HEIGHT, WIDTH)
    with pytest.raises(SessionError, match="There is no frame 9: the video has frames 0 to 8"):
        to_supervision(segmentation, 9)


def test_xarray_reads_masks_where_they_are_looked_at_and_stores_them(segmentation, tmp_path):
    xarray = pytest.importorskip("xarray")
    found = to_xarray(segmentation)
    assert found["mask"].dims == ("object", "frame", "y", "x")
    assert found["mask"].shape == (3, FRAMES, HEIGHT, WIDTH)
    np.testing.assert_array_equal(found["mask"].sel(object=2, frame=3), SEEN[2, 3])
    np.testing.assert_array_equal(
        found["mask"].isel(object=[0, 2], frame=slice(8, 2, -2), y=slice(5, 40, 3)),
        [[masks()[obj, t][5:40:3] for t in (8, 6, 4)] for obj in (1, 5)],
    )
    assert found["name"].values.tolist() == list(NAMES.values())
    assert float(found["x"][0]) == 0.5 and found["x"].attrs["units"] == "px"
    assert np.isnan(found["score"].sel(object=5, frame=0)), "rejected"
    areas = found["mask"].sum(("y", "x")).sel(object=1)
    assert areas.values.tolist() == [masks()[1, t].sum() for t in range(FRAMES)]
    zarr = pytest.importorskip("zarr")
    format_2 = {} if zarr.__version__.startswith("2.") else {"zarr_format": 2}
    found.to_zarr(tmp_path / "walk.zarr", **format_2)
    again = xarray.open_zarr(tmp_path / "walk.zarr").load()
    for (obj, frame), mask in SEEN.items():
        np.testing.assert_array_equal(again["mask"].sel(object=obj, frame=frame), mask)
    np.testing.assert_array_equal(again["iou"], found["iou"])
    assert again["name"].values.tolist() == list(NAMES.values())


def test_one_mask_of_xarray_is_decoded_alone(segmentation):
    pytest.importorskip("xarray")
    read: list[tuple[int, int]] = []

    class Counting(Segmentation):
        def mask(self, obj, frame):
            read.append((obj, frame))
            return super().mask(obj, frame)

    counting = Counting(segmentation.video, segmentation.objects, segmentation.results)
    found = to_xarray(counting)
    assert read == []
    found["mask"].sel(object=1, frame=4).load()
    assert read == [(1, 4)]


def test_datasets_give_pictures_objects_and_run_lengths(segmentation, tmp_path):
    datasets = pytest.importorskip("datasets")
    to_datasets(segmentation).save_to_disk(str(tmp_path / "walk"))
    found = datasets.load_from_disk(str(tmp_path / "walk"))
    assert found["frame"][:] == list(range(FRAMES))
    objects = found.features["objects"]
    # A list of what is in it until datasets 4.
    category = (objects[0] if isinstance(objects, list) else objects.feature)["category"]
    for row in found:
        frame = row["frame"]
        assert np.abs(np.asarray(row["image"]).astype(int) - segmentation.video[frame]).mean() < 5
        np.testing.assert_array_equal(np.asarray(row["label_map"]), segmentation.label_map(frame))
        assert [one["id"] for one in row["objects"]] == [o for o in NAMES if (o, frame) in SEEN]
        for one in row["objects"]:
            mask = coco_mask.decode({"size": one["size"], "counts": one["counts"]}).astype(bool)
            np.testing.assert_array_equal(mask, SEEN[one["id"], frame])
            assert one["area"] == mask.sum()
            assert category.int2str(one["category"]) == NAMES[one["id"]]
            runs = {"size": one["size"], "counts": one["counts"].encode()}
            assert one["bbox"] == coco_mask.toBbox(runs).tolist()
    assert "image" not in to_datasets(segmentation, pictures=False).features


def of_files(segmentation: Segmentation, place: Path) -> Segmentation:
    """The same on a folder of pictures."""
    place.mkdir()
    for frame in range(FRAMES):
        Image.fromarray(segmentation.video[frame]).save(place / f"{frame:05}.png")
    return Segmentation.make(open_video(place), segmentation.objects, segmentation.results)


@pytest.mark.parametrize("kind", ["film", "pictures"])
def test_fiftyone_has_the_very_masks(segmentation, tmp_path, kind):
    fiftyone = pytest.importorskip("fiftyone")
    if kind == "film":
        film = open_video(export_masks(segmentation, tmp_path / "walk.mp4"))
        video = Segmentation.make(film, segmentation.objects, segmentation.results)
        (sample,) = to_fiftyone(video)
        assert sample.media_type == "video" and Path(sample.filepath) == tmp_path / "walk.mp4"
        said = {number - 1: frame.masks for number, frame in sample.frames.items()}
    else:
        samples = to_fiftyone(of_files(segmentation, tmp_path / "walk"))
        assert [Path(one.filepath).name for one in samples] == [
            f"{t:05}.png" for t in range(FRAMES)
        ]
        said = {t: sample.masks for t, sample in enumerate(samples)}
    found = {}
    for frame, detections in said.items():
        assert isinstance(detections, fiftyone.Detections)
        for one in detections.detections:
            whole = one.to_segmentation(frame_size=(WIDTH, HEIGHT), target=1)
            found[one.index, frame] = whole.mask.astype(bool)
            assert one.label == NAMES[one.index] and one.confidence == 0.75
    assert found.keys() == SEEN.keys()
    for key, mask in SEEN.items():
        np.testing.assert_array_equal(found[key], mask)


def test_fiftyone_shows_files_alone(segmentation):
    pytest.importorskip("fiftyone")
    with pytest.raises(SessionError, match="FiftyOne shows files"):
        to_fiftyone(segmentation)


def test_napari_layers_are_picture_labels_and_tracks(segmentation):
    picture, labels, tracks = to_napari(segmentation)
    assert [kind for _, _, kind in (picture, labels, tracks)] == ["image", "labels", "tracks"]
    assert labels[0].shape == (FRAMES, HEIGHT, WIDTH)
    for frame in range(FRAMES):
        np.testing.assert_array_equal(picture[0][frame], segmentation.video[frame])
        np.testing.assert_array_equal(labels[0][frame], segmentation.label_map(frame))
    for obj, frame, y, x in tracks[0]:
        rows, columns = np.nonzero(SEEN[int(obj), int(frame)])
        assert (y, x) == pytest.approx((rows.mean(), columns.mean()))
    assert len(tracks[0]) == len(SEEN)


def test_napari_takes_the_layers(segmentation):
    layers = pytest.importorskip("napari.layers")
    picture, labels, tracks = (layers.Layer.create(*one) for one in to_napari(segmentation))
    assert picture.rgb and picture.data.shape == (FRAMES, HEIGHT, WIDTH, 3)
    np.testing.assert_array_equal(np.asarray(labels.data[3]), segmentation.label_map(3))
    assert labels.features["name"].tolist() == ["", *NAMES.values()]
    red = [int(segmentation.objects[0].color[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    np.testing.assert_allclose(labels.get_color(1)[:3], red, atol=0.01)
    assert sorted(set(tracks.data[:, 0])) == [*NAMES]


def test_napari_opens_a_session_by_the_manifest(tmp_path):
    pytest.importorskip("npe2.io_utils")
    import npe2

    manifest = npe2.PluginManifest.from_file(Path(sam2widget.__file__).parent / "napari.yaml")
    manifest.validate_imports()
    film = write_film(tmp_path / "a.mp4", [np.full((24, 32, 3), 9 * n, np.uint8) for n in range(4)])
    widget = Sam2Widget(film, model=DiscSegmenter(24, 32), autosave=False)
    widget.add_point(0, 12, 10)
    widget.propagate()
    widget.save(tmp_path / "a.sam2.zip")
    masks_thw = np.asarray(widget.masks[1])
    widget.close()
    manager = npe2.PluginManager()
    manager.register(manifest)
    manager.activate(manifest.name)
    layers = npe2.io_utils._read([str(tmp_path / "a.sam2.zip")], stack=False, _pm=manager)
    assert [kind for _, _, kind in layers] == ["image", "labels", "tracks"]
    np.testing.assert_array_equal(np.asarray(layers[1][0]) == 1, masks_thw)
    with pytest.raises(ValueError, match="No compatible readers"):
        npe2.io_utils._read([str(tmp_path / "other.zip")], stack=False, _pm=manager)


def test_a_library_that_is_not_there_is_told(segmentation, monkeypatch):
    for name, hand_over in {
        "supervision": lambda: to_supervision(segmentation, 0),
        "xarray": lambda: to_xarray(segmentation),
        "datasets": lambda: to_datasets(segmentation),
        "fiftyone": lambda: to_fiftyone(segmentation),
        "pandas": lambda: to_dataframe(segmentation),
    }.items():
        hide_library(monkeypatch, name)
        command = re.escape(install_command(name))
        with pytest.raises(SessionError, match=rf"^{name} is not installed: {command}, or .*\.$"):
            hand_over()


def test_the_widget_hands_over_what_the_functions_do():
    methods = {name for name in vars(HandOver) if name.startswith("to_")}
    assert methods == {name for name in sam2widget.__all__ if name.startswith("to_")}


def test_lazy_frames_index_as_an_array():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 9, (5, 4, 3)).astype(np.int32)
    lazy = LazyFrames(lambda frame: truth[frame], truth.shape, truth.dtype)
    for index in (
        2,
        -1,
        slice(1, 4),
        slice(None, None, -2),
        (2, slice(1, 3)),
        (slice(None), 1, 2),
        ...,
        (..., 0),
        [3, 1],
        (slice(0, 2), [0, 2]),
        np.array([True, False, True, False, False]),
        None,
    ):
        np.testing.assert_array_equal(lazy[index], truth[index])
    assert np.asarray(lazy, np.float32).dtype == np.float32 and len(lazy) == 5
    assert lazy.size == 60 and lazy.ndim == 3
    with pytest.raises(IndexError):
        lazy[5]
    assert re.fullmatch(r"LazyFrames\(shape=\(5, 4, 3\), dtype=int32\)", repr(lazy))
