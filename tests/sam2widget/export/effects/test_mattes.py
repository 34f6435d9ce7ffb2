"""Mattes with soft edges: opacities are those of the logits, for other readers too."""

from __future__ import annotations

import json
import warnings
from dataclasses import replace

import av
import numpy as np
import pytest
import torch.nn.functional as F
from PIL import Image
from torch import from_numpy

from sam2widget import SessionError, open_video
from sam2widget.annotation.records import ObjectInfo, Result
from sam2widget.core.masks import Mask
from sam2widget.core.masks.logits import MaskLogits
from sam2widget.export import Segmentation, export_masks
from sam2widget.export.effects.mattes import join_mattes, soft_matte
from sam2widget.storage.fingerprint import Fingerprint
from sam2widget.storage.saved_session import SavedSession
from sam2widget.storage.session_file import write_session

HEIGHT, WIDTH, FRAMES = 60, 80, 3
GRID = (32, 32)


def cone(x: float, y: float, radius: float = 7.0, slope: float = 1.2) -> np.ndarray:
    """Logits on the network's grid that fall off from a point, in cells."""
    rows, columns = np.mgrid[: GRID[0], : GRID[1]]
    return (slope * (radius - np.hypot(rows - y, columns - x))).astype(np.float32)


def resized(logits_hw: np.ndarray) -> np.ndarray:
    grown = F.interpolate(from_numpy(logits_hw)[None, None], (HEIGHT, WIDTH), mode="bilinear")
    return grown[0, 0].numpy()


def sigmoid(logits_hw: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-logits_hw))


def result_of(logits_hw: np.ndarray, mask_hw: np.ndarray | None = None) -> Result:
    mask_hw = resized(logits_hw) > 0 if mask_hw is None else mask_hw
    packed = MaskLogits.pack(logits_hw)
    return Result(Mask.from_array(mask_hw), 3.0, 0.9, "track", logits=packed)


def film(results: dict[tuple[int, int], Result], **fields) -> Segmentation:
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (FRAMES, 6, 8, 3), dtype=np.uint8)
    frames = [np.asarray(Image.fromarray(one).resize((WIDTH, HEIGHT))) for one in coarse]
    video = open_video(np.stack(frames))
    video.fps = 12.0
    objects = {obj: ObjectInfo.numbered(obj) for obj, _ in results}
    return Segmentation.make(video, tuple(objects.values()), results, **fields)


@pytest.fixture
def soft() -> Segmentation:
    return film({(1, t): result_of(cone(12 + t, 14)) for t in range(FRAMES)})


def test_a_matte_is_the_sigmoid_of_the_logits():
    logits_hw = cone(12, 14)
    matte_hw, truth_hw = soft_matte(result_of(logits_hw)), sigmoid(resized(logits_hw))
    assert np.abs(matte_hw - truth_hw).max() < 0.02
    assert ((matte_hw > 0.1) & (matte_hw < 0.9)).sum() > 200
    # The mask lies where half of it shows.
    assert ((matte_hw >= 0.5) == (resized(logits_hw) > 0)).mean() > 0.999


def test_very_soft_edges_are_kept_for_some_cells():
    """Hair is where the model is in doubt, beyond the cells next to the mask."""
    logits_hw = cone(16, 16, 6, 0.6)
    matte_hw, truth_hw = soft_matte(result_of(logits_hw)), sigmoid(resized(logits_hw))
    assert (truth_hw > 0.05).sum() > 1.5 * (truth_hw > 0.4).sum()
    assert np.abs(matte_hw - truth_hw).max() < 0.02


def test_edges_are_hard_where_a_mask_was_cut_filled_or_cleaned():
    logits_hw = np.maximum(cone(10, 14, 6), cone(25, 8, 2))
    logits_hw[13:15, 9:11] = -3
    mask_hw = resized(logits_hw) > 0
    rows, columns = np.nonzero(resized(cone(25, 8, 4)) > 0)
    mask_hw[rows, columns] = False  # a speck that was dropped
    filled_hw = mask_hw.copy()
    filled_hw[22:30, 20:29] = True  # a hole that was closed
    cut_hw = filled_hw & (np.arange(WIDTH) < 30)  # what another object has now
    matte_hw = soft_matte(result_of(logits_hw, cut_hw))
    assert (matte_hw[:, 50:] == 0).all(), "with its halo"
    assert (matte_hw[22:30, 21:28] == 1).all()
    assert (matte_hw[20:30, 30:40] == 0).all() and (matte_hw[21, 26:30] > 0.9).all()
    left = matte_hw[:, :20]
    assert ((left > 0.1) & (left < 0.9)).any(), "soft where it was not changed"
    assert ((matte_hw >= 0.5) == cut_hw).mean() > 0.999


def test_a_mask_without_logits_is_as_it_is(soft):
    hard = replace(soft.results[1, 0], logits=None)
    np.testing.assert_array_equal(soft_matte(hard), hard.mask.to_array())
    nothing = result_of(np.full(GRID, -4, np.float32))
    assert not soft_matte(nothing).any()


def test_objects_that_share_an_edge_leave_no_seam():
    halves = [np.full((4, 4), value, np.float32) for value in (0.5, 0.5)]
    assert (join_mattes(halves, (4, 4), add=True) == 1).all()
    assert (join_mattes(halves, (4, 4), add=False) == 0.5).all()
    assert not join_mattes([], (4, 4), add=True).any()


def alphas(path) -> list[np.ndarray]:
    if path.is_dir():
        files = sorted(path.rglob("*.png"))
        return [np.asarray(Image.open(file).getchannel("A")) for file in files]
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        context = stream.codec_context
        if path.suffix == ".webm":  # FFmpeg's own decoder leaves alpha out
            context = av.CodecContext.create("libvpx-vp9", "r")
            context.extradata = stream.codec_context.extradata
        packets = [packet for packet in container.demux(stream) if packet.size]
        frames = [frame for packet in packets for frame in context.decode(packet)]
        frames += context.decode(None)
    return [frame.to_ndarray(format="rgba")[..., 3] for frame in frames]


@pytest.mark.parametrize(
    ("name", "options", "error"),
    [
        ("png", {"effect": "cutout"}, 0),
        ("cutouts", {}, 0),
        ("mov", {"effect": "cutout"}, 4),
        ("webm", {"effect": "cutout", "crf": 4}, 24),
    ],
)
def test_alpha_of_pictures_and_movies_is_the_matte(soft, tmp_path, name, options, error):
    path = export_masks(soft, tmp_path / "out", name, matte="logits", **options)
    found = alphas(path)
    assert len(found) == FRAMES
    for t, alpha_hw in enumerate(found):
        truth_hw = np.rint(255 * soft_matte(soft.results[1, t])).astype(int)
        assert np.abs(alpha_hw - truth_hw).max() <= error
        assert ((alpha_hw > 30) & (alpha_hw < 220)).sum() > 100


def test_every_effect_with_edges_takes_the_matte(soft, tmp_path):
    for effect in ("blur", "spotlight", "outline", "background"):
        pictures = []
        for matte in ("mask", "logits"):
            folder = tmp_path / effect / matte
            export_masks(soft, folder, "png", effect=effect, matte=matte)
            pictures.append(np.asarray(Image.open(folder / "00000.png")).astype(int))
        assert (pictures[0] != pictures[1]).any(), effect
    with pytest.raises(SessionError, match="'overlay' has none"):
        export_masks(soft, tmp_path / "out", "png", effect="overlay", matte="logits")
    with pytest.raises(SessionError, match="matte= is one of mask, logits, got 'soft'"):
        export_masks(soft, tmp_path / "out", "png", matte="soft")


def test_masks_without_logits_are_counted_in_a_warning(soft, tmp_path):
    results = dict(soft.results)
    results[1, 1] = replace(results[1, 1], logits=None)
    mixed = replace(soft, results=results)
    with pytest.warns(UserWarning, match=r"^1 of 3 masks have no soft edges, on frames 1: "):
        folder = export_masks(mixed, tmp_path / "out", "png", matte="logits", feather=0)
    found = alphas(folder)
    np.testing.assert_array_equal(found[1], results[1, 1].mask.to_array() * 255)
    assert ((found[0] > 30) & (found[0] < 220)).any()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        export_masks(soft, tmp_path / "soft", "png", matte="logits")


def test_mattes_of_a_session_file_are_those_of_the_session(soft, tmp_path):
    objects = tuple(soft.objects)
    fingerprint = Fingerprint.of(soft.video)
    saved = SavedSession(fingerprint, None, "", None, objects, {}, soft.results)
    write_session(tmp_path / "a.sam2.zip", saved)
    for source, folder in ((soft, "before"), (tmp_path / "a.sam2.zip", "after")):
        export_masks(source, tmp_path / folder, "png", video=soft.video, matte="logits")
    before, after = (alphas(tmp_path / folder) for folder in ("before", "after"))
    np.testing.assert_array_equal(before, after)
    assert ((after[0] > 30) & (after[0] < 220)).any()


class TestExr:
    @pytest.fixture(autouse=True)
    def library(self):
        self.openexr = pytest.importorskip("OpenEXR")

    def read(self, path):
        file = self.openexr.File(str(path), separate_channels=True)
        return {name: one.pixels for name, one in file.channels().items()}, file.header()

    def test_channels_are_the_mattes_by_name(self, tmp_path):
        names = {1: "dog", 3: "a/b.c 강아지", 7: "강아지"}
        results = {
            (obj, t): result_of(cone(6 + 6 * n + t, 14, 4))
            for n, obj in enumerate(names)
            for t in range(FRAMES)
            if (obj, t) != (7, 1)
        }
        one = film(results, non_overlapping=True)
        objects = tuple(replace(info, name=names[info.id]) for info in one.objects)
        one = replace(one, objects=objects)
        folder = export_masks(one, tmp_path / "out", "exr")
        assert [file.name for file in sorted(folder.iterdir())] == [
            f"{t:05}.exr" for t in range(FRAMES)
        ]
        layers = {1: "1_dog", 3: "3_a_b_c", 7: "7_object"}
        for t in range(FRAMES):
            channels, header = self.read(folder / f"{t:05}.exr")
            assert channels.keys() == {"A", *(f"{layer}.A" for layer in layers.values())}
            assert {pixels.dtype for pixels in channels.values()} == {np.dtype(np.float16)}
            total = np.zeros((HEIGHT, WIDTH))
            for obj, layer in layers.items():
                if (obj, t) in results:
                    truth_hw = soft_matte(one.results[obj, t])
                else:
                    truth_hw = np.zeros((HEIGHT, WIDTH))
                assert np.abs(channels[f"{layer}.A"] - truth_hw).max() < 0.001
                total += truth_hw
            assert np.abs(channels["A"] - np.minimum(total, 1)).max() < 0.001
            said = json.loads(header["sam2widgetObjects"])
            assert said == {layer: {"id": obj, "name": names[obj]} for obj, layer in layers.items()}
            assert header["framesPerSecond"] == 12

    def test_the_picture_is_read_by_ffmpeg_in_linear_light(self, soft, tmp_path):
        folder = export_masks(soft, tmp_path / "out", "exr", frames=True)
        with av.open(str(folder / "00001.exr")) as container:
            (frame,) = container.decode(video=0)
            assert frame.format.name.startswith("gbrapf")
            values = np.float16 if "f16" in frame.format.name else np.float32
            planes = [
                np.frombuffer(plane, values).reshape(HEIGHT, -1)[:, :WIDTH].astype(np.float32)
                for plane in frame.planes
            ]
        matte_hw = soft_matte(soft.results[1, 1])
        green, blue, red, alpha = planes
        assert np.abs(alpha - matte_hw).max() < 0.001
        values = soft.picture(1) / 255
        linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
        for n, plane in enumerate((red, green, blue)):
            assert np.abs(plane - linear[..., n] * matte_hw).max() < 0.001

    def test_hard_masks_objects_and_names_of_frames(self, soft, tmp_path):
        soft.video.names = ["shot.0101.png", "shot.0102.png", "shot.0103.png"]
        named = Segmentation.make(soft.video, soft.objects, soft.results)
        folder = export_masks(named, tmp_path / "out", "exr", matte="mask", objects=1)
        assert sorted(file.stem for file in folder.iterdir()) == [
            "shot.0101",
            "shot.0102",
            "shot.0103",
        ]
        channels, _ = self.read(folder / "shot.0102.exr")
        np.testing.assert_array_equal(channels["1_Object_1.A"], named.mask(1, 1))
        with pytest.raises(SessionError, match=r"There is no object 4\. Objects: 1"):
            export_masks(named, tmp_path / "none", "exr", objects=4)
