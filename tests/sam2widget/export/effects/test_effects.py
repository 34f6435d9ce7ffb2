"""Effects of films: each pixel as the docs have it, and read back by other readers."""

from __future__ import annotations

from dataclasses import replace

import av
import numpy as np
import pytest
from PIL import Image

from sam2widget import SessionError, open_video
from sam2widget.annotation.records import ObjectInfo, Result
from sam2widget.core.masks import Mask
from sam2widget.export import FORMATS, Segmentation, effects, export_masks
from sam2widget.export.effects.frame_effect import EFFECT_OPTIONS, STRENGTHS, FrameEffect
from tests.support.optional_formats import is_usable

HEIGHT, WIDTH, FRAMES = 60, 80, 4
GREY, RED = (90, 120, 150), (230, 40, 20)
EFFECTS = ["overlay", "cutout", "blur", "spotlight", "outline", "background"]
OPAQUE = [name for name in EFFECTS if name != "cutout"]


def square(left: int) -> np.ndarray:
    mask_hw = np.zeros((HEIGHT, WIDTH), bool)
    mask_hw[20:44, left : left + 24] = True
    return mask_hw


MASK = square(16)
FRAME = np.where(MASK[..., None], np.uint8(RED), np.uint8(GREY))
HARD = MASK.astype(np.float32)
OUTSIDE = ~np.asarray(effects.make_matte([MASK], (HEIGHT, WIDTH), 3.0) > 0)


@pytest.fixture(scope="module")
def film() -> Segmentation:
    """A red square that goes to the right on grey, and a hidden one to its right."""
    masks = {(1, t): square(16 + 2 * t) for t in range(FRAMES)}
    masks |= {(2, t): square(52) for t in range(FRAMES)}
    frames = [
        np.where(masks[1, t][..., None], np.uint8(RED), np.uint8(GREY)) for t in range(FRAMES)
    ]
    video = open_video(np.stack(frames))
    video.name, video.fps = "film.mp4", 12.0
    objects = (ObjectInfo.numbered(1), replace(ObjectInfo.numbered(2), visible=False))
    results = {key: Result(Mask.from_array(one), 3.0, 0.9, "prompt") for key, one in masks.items()}
    return Segmentation.make(video, objects, results)


def render(film: Segmentation, effect: str, frame: int = 0, **options) -> np.ndarray:
    return FrameEffect.make(film, effect, **options).render(film, frame)


def test_a_hard_matte_is_the_union_of_masks_and_a_soft_one_fades_at_its_edge():
    both = effects.make_matte([MASK, square(50)], (HEIGHT, WIDTH), 0)
    np.testing.assert_array_equal(both, (MASK | square(50)).astype(np.float32))
    soft = effects.make_matte([MASK], (HEIGHT, WIDTH))
    assert soft[32, 28] == 1 and soft[5, 5] == 0
    assert 0.3 < soft[32, 16] < 0.95 and 0.05 < soft[32, 15] < 0.7
    assert not effects.make_matte([], (HEIGHT, WIDTH)).any()


def test_a_cut_out_has_the_matte_as_alpha_and_the_frames_own_colours():
    matte_hw = effects.make_matte([MASK], (HEIGHT, WIDTH))
    rgba = effects.cut_out(FRAME, matte_hw)
    np.testing.assert_array_equal(rgba[..., :3], FRAME)
    np.testing.assert_array_equal(rgba[..., 3], np.rint(255 * matte_hw))


def test_a_blur_leaves_the_object_sharp_and_keeps_its_colour_out_of_the_background():
    rgb = effects.blur_background(FRAME, HARD, 6.0)
    np.testing.assert_array_equal(rgb[MASK], FRAME[MASK])
    assert np.abs(rgb[~MASK].astype(int) - GREY).max() <= 3


@pytest.mark.parametrize("sigma_px", [1.5, 4.0, 9.0])
def test_a_blur_spreads_an_edge_as_far_as_a_gaussian_does(sigma_px):
    edge = np.zeros((64, 128, 3), np.uint8)
    edge[:, 64:] = 200
    blurred = effects.blur_background(edge, np.zeros((64, 128), np.float32), sigma_px)
    slope = np.diff(blurred[32, :, 0].astype(float)).clip(0)
    at = np.arange(len(slope)) + 0.5
    spread = np.sqrt((slope * (at - 63.5 + 0.5) ** 2).sum() / slope.sum())
    assert spread == pytest.approx(sigma_px, rel=0.25)


def test_a_spotlight_takes_a_share_of_the_light_off_the_rest():
    rgb = effects.darken_background(FRAME, HARD, 0.7)
    np.testing.assert_array_equal(rgb[MASK], FRAME[MASK])
    assert np.abs(rgb[~MASK] - 0.3 * np.array(GREY)).max() <= 0.51


def test_an_outline_is_as_wide_as_said_and_outside_of_the_object():
    rgb = effects.draw_outlines(FRAME, [(MASK, (0, 255, 0))], HARD, 3)
    np.testing.assert_array_equal(rgb[MASK], FRAME[MASK])
    row = rgb[32].astype(int)
    assert (row[13:16] == (0, 255, 0)).all()
    assert (row[:12] == GREY).all() and (rgb[40:, :12] == GREY).all()


def test_another_background_is_a_colour_or_a_picture_that_covers_the_frame(film, tmp_path):
    rgb = render(film, "background", background="#102030", feather=0)
    assert (rgb[~MASK] == (0x10, 0x20, 0x30)).all() and (rgb[MASK] == RED).all()
    halves = np.zeros((100, 400, 3), np.uint8)
    halves[:, 200:] = 255
    Image.fromarray(halves).save(tmp_path / "halves.png")
    for given in (halves, Image.fromarray(halves), tmp_path / "halves.png"):
        rgb = render(film, "background", background=given, feather=0)
        # The middle of the wide picture is seen.
        assert (rgb[:16, :38] < 30).all() and (rgb[:16, 42:] > 225).all()
    assert (render(film, "background", feather=0)[0, 0] == (0x00, 0xB1, 0x40)).all()


@pytest.mark.parametrize("effect", EFFECTS)
def test_an_effect_is_about_visible_objects_or_those_that_are_named(film, effect):
    inside, hidden = (32, 28), (32, 64)
    usual, other = render(film, effect), render(film, effect, objects=2)
    changed = usual.astype(int) != other
    assert changed[inside].any() or effect in ("blur", "outline")
    assert changed[hidden].any() or effect in ("blur", "outline")
    assert changed.any()
    np.testing.assert_array_equal(usual, render(film, effect, objects=[1]))


def test_how_strong_an_effect_is_shows(film):
    weak, strong = (render(film, "spotlight", strength=value) for value in (0.2, 0.9))
    assert weak[0, 0].sum() > 2 * strong[0, 0].sum()
    np.testing.assert_array_equal(render(film, "blur"), render(film, "blur", strength=0.5))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"effect": "sepia"}, "There is no effect 'sepia'. Effects: overlay, cutout"),
        ({"effect": "blur", "strength": 2}, "strength= is a number from 0 to 1, got 2"),
        ({"effect": "cutout", "strength": 0.5}, "strength= is for the effects blur"),
        ({"effect": "blur", "background": "#000000"}, "background= is for the effect 'background'"),
        ({"effect": "background", "background": "nowhere.png"}, "'nowhere.png' is neither"),
        ({"effect": "background", "background": 7}, "got one of the shape"),
        ({"effect": "blur", "objects": 9}, "There is no object 9. Objects: 1, 2"),
        ({"effect": "blur", "objects": []}, "There is no object to show"),
        ({"effect": "blur", "feather": -1}, "feather= is a number of pixels"),
    ],
)
def test_what_is_no_effect_is_refused_with_a_sentence(film, tmp_path, options, sentence):
    with pytest.raises(SessionError, match=sentence):
        export_masks(film, tmp_path / "out.mp4", **options)
    assert not (tmp_path / "out.mp4").exists()


def test_every_format_of_movies_and_pictures_has_the_same_effects():
    having = {one.name for one in FORMATS.values() if "effect" in one.options}
    assert having == {"gif", "mov", "mp4", "png", "webm", "webp"}
    for name in having:
        assert EFFECT_OPTIONS.items() <= FORMATS[name].options.items()
    assert set(STRENGTHS) < set(EFFECTS)


@pytest.mark.parametrize("effect", OPAQUE)
@pytest.mark.parametrize("suffix", [".mp4", ".webm"])
def test_a_movie_shows_the_effect(film, tmp_path, effect, suffix):
    path = export_masks(film, tmp_path / f"out{suffix}", effect=effect, crf=10)
    with av.open(str(path)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(frames) == FRAMES
    for t, rgb in enumerate(frames):
        expected = render(film, effect, t)
        # At edges between colours, a quarter of the colours' resolution shows.
        assert np.abs(rgb.astype(int) - expected).mean() < 4
        assert np.median(np.abs(rgb.astype(int) - expected)) <= 4


def decode_with_alpha(path, decoder: str | None, mode: str = "rgba") -> list[np.ndarray]:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        if decoder is None:
            return [frame.to_ndarray(format=mode) for frame in container.decode(stream)]
        # FFmpeg's own VP9 decoder leaves alpha out; browsers and libvpx do not.
        context = av.CodecContext.create(decoder, "r")
        context.extradata = stream.codec_context.extradata
        packets = [packet for packet in container.demux(stream) if packet.size]
        frames = [frame for packet in packets for frame in context.decode(packet)]
        return [frame.to_ndarray(format=mode) for frame in (*frames, *context.decode(None))]


@pytest.mark.parametrize(("suffix", "decoder"), [(".webm", "libvpx-vp9"), (".mov", None)])
def test_a_cut_out_movie_has_alpha_for_another_reader(film, tmp_path, suffix, decoder):
    path = export_masks(film, tmp_path / f"out{suffix}", effect="cutout")
    frames = decode_with_alpha(path, decoder)
    assert len(frames) == FRAMES
    for t, rgba in enumerate(frames):
        expected = render(film, "cutout", t)
        alpha, truth = rgba[..., 3].astype(int), expected[..., 3].astype(int)
        assert np.abs(alpha - truth).mean() < 2 and np.abs(alpha - truth).max() < 60
        solid = truth == 255
        assert np.abs(rgba[solid][:, :3].astype(int) - expected[solid][:, :3]).mean() < 8
    if suffix == ".webm":
        with av.open(str(path)) as container:
            assert container.streams.video[0].metadata["alpha_mode"] == "1"


def test_pngs_are_the_effect_to_the_pixel(film, tmp_path):
    for effect in EFFECTS:
        folder = export_masks(film, tmp_path / effect, "png", effect=effect)
        files = sorted(folder.iterdir())
        assert [file.name for file in files] == [f"{t:05}.png" for t in range(FRAMES)]
        for t, file in enumerate(files):
            with Image.open(file) as picture:
                assert picture.mode == ("RGBA" if effect == "cutout" else "RGB")
                np.testing.assert_array_equal(np.asarray(picture), render(film, effect, t))


def test_a_webp_may_be_transparent(film, tmp_path):
    path = export_masks(film, tmp_path / "out.webp", effect="cutout", width=None)
    with Image.open(path) as picture:
        assert picture.n_frames == FRAMES
        for t in range(FRAMES):
            picture.seek(t)
            alpha = np.asarray(picture.convert("RGBA"))[..., 3].astype(int)
            assert np.abs(alpha - render(film, "cutout", t)[..., 3]).mean() < 2


@pytest.mark.parametrize("suffix", [".mp4", ".gif"])
def test_a_format_without_transparency_says_which_have_it(film, tmp_path, suffix):
    with pytest.raises(SessionError, match="holds no transparency: export 'webm', 'mov'"):
        export_masks(film, tmp_path / f"out{suffix}", effect="cutout")


@pytest.mark.filterwarnings("ignore:.*has files from before")
def test_progress_is_told_by_frame_and_ends_an_export_by_what_it_raises(film, tmp_path):
    told: list[tuple[int, int]] = []
    export_masks(film, tmp_path / "out.mp4", on_progress=lambda *at: told.append(at))
    assert [frame for frame, _ in told] == sorted(frame for frame, _ in told)
    assert {frame for frame, _ in told} == set(range(FRAMES)) and told[-1] == (FRAMES - 1, FRAMES)

    def stop(frame: int, total: int) -> None:
        if frame == 2:
            raise RuntimeError("enough")

    for name in FORMATS:
        # A table has no pixels to read.
        if name != "csv" and name != "sa-v" and is_usable(name):
            with pytest.raises(RuntimeError, match="enough"):
                export_masks(film, tmp_path / "stopped", name, on_progress=stop)
