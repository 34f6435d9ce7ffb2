"""Each format is read back by another reader, and by our own where there is an import."""

from __future__ import annotations

import contextlib
import csv
import json
import re
import subprocess
import sys
import tracemalloc
import warnings
from copy import copy
from dataclasses import replace
from fractions import Fraction
from inspect import signature
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sam2_backend.extras import install_command
from sam2_backend.training.datasets import open_coco, open_davis, open_sa_v, open_youtube_vos
from sam2widget import SessionError, open_video
from sam2widget.annotation.records import ObjectInfo, Result
from sam2widget.annotation.session import Session
from sam2widget.cli.main import main
from sam2widget.core.masks import Mask
from sam2widget.export import FORMATS, Segmentation, export_masks, import_masks
from sam2widget.export.effects.overlay import overlay
from sam2widget.export.encodings.outlines import fill, find_polygons, join_polygons
from tests.support.missing_library import hide_library
from tests.support.optional_formats import LIBRARIES, need_library_of

from .conftest import FRAMES, HEIGHT, NAMES, WIDTH, masks

EXACT = [
    *(("npz", {}), ("coco", {}), ("sa-v", {"every": 1}), ("cvat", {}), ("cvat", {"tracks": True})),
    *(("labelme", {}), ("labelme", {"outline": "polygons"}), ("label-studio", {})),
    *(("datumaro", {}), ("datumaro", {"frames": True})),
    *(("imagej", {}), ("imagej", {"axis": "t"}), ("imagej", {"axis": "z"})),
]
"""They keep every mask, also where objects overlap, and who is who."""

SEEN = {key: mask for key, mask in masks().items() if mask.any()}


@pytest.mark.parametrize(("name", "options"), EXACT)
def test_what_is_written_is_read_back_exactly(segmentation, tmp_path, name, options):
    need_library_of(name)
    path = export_masks(segmentation, tmp_path / "out", name, **options)
    found = import_masks(path, segmentation.video)
    assert found.masks.keys() == SEEN.keys()
    for key, mask in SEEN.items():
        np.testing.assert_array_equal(found.masks[key].to_array(), mask)
    assert found.names == NAMES


@pytest.mark.parametrize("name", ["davis", "youtube-vos"])
def test_indexed_pictures_keep_the_label_map(segmentation, tmp_path, name):
    path = export_masks(segmentation, tmp_path / "out", name, frames=True)
    files = sorted((path / "Annotations").rglob("*.png"))
    assert [file.stem for file in files] == [f"{t:05}" for t in range(FRAMES)]
    for frame, file in enumerate(files):
        with Image.open(file) as image:
            assert image.mode == "P"
            np.testing.assert_array_equal(np.asarray(image), segmentation.label_map(frame))
    found = import_masks(path, segmentation.video)
    for (obj, frame), mask in found.masks.items():
        np.testing.assert_array_equal(mask.to_array(), segmentation.label_map(frame) == obj)
    assert found.names == (NAMES if name == "youtube-vos" else {})


@pytest.mark.parametrize(
    ("name", "reader"),
    [
        ("davis", lambda path: open_davis(path, resolution="Full-Resolution")),
        ("youtube-vos", open_youtube_vos),
        ("coco", lambda path: open_coco(path.parent, path)),
    ],
)
def test_training_reads_what_is_exported(segmentation, tmp_path, name, reader):
    path = export_masks(segmentation, tmp_path / "out", name, frames=True)
    records = reader(path).records
    frames = [frame for record in records for frame in record.read(range(len(record)))]
    assert len(frames) == FRAMES
    for t, (rgb, found) in enumerate(frames):
        assert np.abs(rgb.astype(int) - segmentation.video[t]).mean() < 5
        shown = [mask for _, mask in segmentation.shown(t)]
        assert sum(mask.any() for mask in found.values()) == len(shown)


def test_coco_is_read_by_pycocotools(segmentation, tmp_path):
    from pycocotools.coco import COCO

    for outline, tolerance in ("rle", 0), ("polygons", 0.12):
        path = export_masks(segmentation, tmp_path / f"{outline}.json", "coco", outline=outline)
        with contextlib.redirect_stdout(None):
            coco = COCO(path)
        assert len(coco.imgs) == FRAMES and len(coco.cats) == 2
        assert {(one["track_id"], one["image_id"] - 1) for one in coco.anns.values()} == set(SEEN)
        for one in coco.anns.values():
            truth = SEEN[one["track_id"], one["image_id"] - 1]
            mask = coco.annToMask(one).astype(bool)
            assert np.mean(mask != truth) <= tolerance * truth.mean() + tolerance / 50
            assert one["area"] == truth.sum()
            rows, columns = np.flatnonzero(truth.any(1)), np.flatnonzero(truth.any(0))
            w, h = columns[-1] - columns[0] + 1, rows[-1] - rows[0] + 1
            assert one["bbox"] == [columns[0], rows[0], w, h]


def test_coco_polygons_come_back_exactly(segmentation, tmp_path):
    path = export_masks(segmentation, tmp_path / "polygons.json", "coco", outline="polygons")
    found = import_masks(path, segmentation.video)
    for key, mask in SEEN.items():
        np.testing.assert_array_equal(found.masks[key].to_array(), mask)


def test_sa_v_is_read_by_its_reader_and_annotates_every_fourth_frame(segmentation, tmp_path):
    path = export_masks(segmentation, tmp_path / "walk_manual.json", "sa-v")
    export_masks(segmentation, tmp_path / "walk.mp4")
    (record,) = open_sa_v(tmp_path).records
    assert len(record) == 3
    film = open_video(tmp_path / "walk.mp4")
    for position, (rgb, found) in enumerate(record.read([0, 1, 2])):
        np.testing.assert_array_equal(rgb, film[4 * position])
        truth = {obj: SEEN[obj, 4 * position] for obj in (1, 2, 5) if (obj, 4 * position) in SEEN}
        read = [mask for mask in found.values() if mask.any()]
        assert len(read) == len(truth)
        for mask, expected in zip(read, truth.values(), strict=True):
            np.testing.assert_array_equal(mask, expected)
    found = import_masks(path, segmentation.video)
    assert {frame for _, frame in found.masks} == {0, 4, 8}


def test_yolo_lines_are_polygons_of_classes(segmentation, tmp_path):
    path = export_masks(segmentation, tmp_path / "out", "yolo", frames=True)
    files = sorted((path / "labels" / "train").glob("*.txt"))
    assert [file.stem for file in files] == [f"walk_{t:05}" for t in range(FRAMES)]
    assert len([*(path / "images" / "train").glob("*.jpg")]) == FRAMES
    for frame, file in enumerate(files):
        lines = [line.split() for line in file.read_text().splitlines()]
        assert len(lines) == len([*segmentation.shown(frame)])
        for (info, truth), (kind, *numbers) in zip(segmentation.shown(frame), lines, strict=True):
            assert int(kind) == {1: 0, 2: 1, 5: 0}[info.id]
            corners = np.array(numbers, float).reshape(-1, 2) * (WIDTH, HEIGHT)
            assert corners.min() >= 0 and (corners <= (WIDTH, HEIGHT)).all()
            # By a sign that does not know of ours: the even-odd rule, pixel by pixel.
            np.testing.assert_array_equal(_even_odd(corners), truth)
    found = import_masks(path, segmentation.video)
    assert found.names == {1: "ball, red", 2: 'the "car"'}
    np.testing.assert_array_equal(found.masks[2, 0].to_array(), SEEN[2, 0])


def test_outlines_of_noise_enclose_the_same_pixels():
    rng = np.random.default_rng(0)
    for share in (0.02, 0.3, 0.6, 0.95):
        mask = rng.random((23, 31)) < share
        parts = [fill(part, mask.shape) for part in find_polygons(mask)]
        np.testing.assert_array_equal(np.any(parts, axis=0), mask)
        np.testing.assert_array_equal(fill(join_polygons(mask), mask.shape), mask)


def test_the_table_has_a_row_for_each_mask(segmentation, tmp_path):
    path = export_masks(segmentation, tmp_path / "table.csv")
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(segmentation.results)
    for row in rows:
        mask = masks()[int(row["object"]), int(row["frame"])]
        assert row["name"] == NAMES[int(row["object"])]
        assert int(row["area_px"]) == mask.sum()
        assert float(row["time_s"]) == pytest.approx(int(row["frame"]) / 12, abs=1e-6)
        if not mask.any():
            assert row["x0"] == row["centroid_x"] == ""
            continue
        y, x = np.nonzero(mask)
        box = [int(row[key]) for key in ("x0", "y0", "x1", "y1")]
        assert box == [x.min(), y.min(), x.max() + 1, y.max() + 1]
        assert float(row["centroid_x"]) == pytest.approx(x.mean() + 0.5, abs=1e-3)


def test_cut_outs_are_transparent_outside(segmentation, tmp_path):
    path = export_masks(segmentation, tmp_path / "out", "cutouts")
    picture = np.asarray(Image.open(path / "1_ball_ red" / "00003.png"))
    np.testing.assert_array_equal(picture[..., 3] == 255, SEEN[1, 3])
    np.testing.assert_array_equal(picture[..., :3], segmentation.video[3])
    export_masks(segmentation, tmp_path / "cropped", "cutouts", crop=True)
    with Image.open(tmp_path / "cropped" / "1_ball_ red" / "00003.png") as cropped:
        assert cropped.size == (28, 28)


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_animations_have_every_frame(segmentation, tmp_path, suffix):
    path = export_masks(segmentation, tmp_path / f"walk{suffix}")
    with Image.open(path) as image:
        assert (image.n_frames, image.size) == (FRAMES, (WIDTH, HEIGHT))
    export_masks(segmentation, tmp_path / f"small{suffix}", width=32, every=3)
    with Image.open(tmp_path / f"small{suffix}") as image:
        assert (image.n_frames, image.width) == (3, 32)


def test_an_animation_shows_the_overlay_as_long_as_the_film_lasts(segmentation, tmp_path):
    for fps, pauses_ms in ((12.0, {80, 90}), (120.0, {20})):
        video = copy(segmentation.video)
        video.fps = fps
        export_masks(replace(segmentation, video=video), tmp_path / "walk.gif")
        with Image.open(tmp_path / "walk.gif") as image:
            shown = []
            for frame in range(FRAMES):
                image.seek(frame)
                shown.append(image.info["duration"])
                expected = overlay(segmentation, frame).astype(int)
                assert abs(np.asarray(image.convert("RGB")) - expected).mean() < 6
            assert image.info["loop"] == 0 and set(shown) == pauses_ms
    export_masks(segmentation, tmp_path / "walk.webp", width=None)
    with Image.open(tmp_path / "walk.webp") as image:
        image.seek(FRAMES - 1)
        expected = overlay(segmentation, FRAMES - 1).astype(int)
        assert abs(np.asarray(image.convert("RGB")) - expected).mean() < 12
        assert (image.info["loop"], image.info["duration"]) == (0, 83)


def test_pictures_of_several_sizes_are_no_animation(segmentation, tmp_path):
    pictures = open_video([np.zeros((8, 8, 3), np.uint8), np.zeros((8, 9, 3), np.uint8)], "images")
    mixed = Segmentation.make(
        pictures, segmentation.objects, {(1, 0): Result(Mask.empty(8, 8), 1.0, 1.0, "track")}
    )
    for name in ("a.gif", "a.webp", "a.mp4"):
        with pytest.raises(SessionError, match="several sizes make no video"):
            export_masks(mixed, tmp_path / name)
    with pytest.raises(SessionError, match="width must be at least 1, got 0"):
        export_masks(segmentation, tmp_path / "a.gif", width=0)


LONG_ANIMATIONS = """
import sys
from pathlib import Path
import numpy as np
from sam2widget import open_video
from sam2widget.export import Segmentation, export_masks
from sam2widget.core.masks import Mask
from sam2widget.annotation.records import ObjectInfo, Result

wide = np.zeros((270, 480 + 320, 3), np.uint8)
wide[100:200, 400:440] = 255
frames_thw3 = np.lib.stride_tricks.sliding_window_view(wide, 480, axis=1).transpose(1, 0, 3, 2)
result = Result(Mask.empty(270, 480), 1.0, 1.0, "track")

def peak_of(length, path):
    video = open_video(frames_thw3[:length])
    made = Segmentation.make(video, (ObjectInfo.numbered(1),), {(1, 0): result})
    Path("/proc/self/clear_refs").write_text("5")  # from here on
    export_masks(made, path)
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])

peak_of(20, sys.argv[1])
print(peak_of(320, sys.argv[1]) - peak_of(20, sys.argv[1]))
"""


@pytest.mark.slow
@pytest.mark.skipif(
    not Path("/proc/self/clear_refs").exists(), reason="Linux alone tells the peak of some calls"
)
@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_a_films_animation_is_written_a_frame_at_a_time(tmp_path, suffix):
    # A process of its own, of which all memory counts: encoders take theirs without Python.
    found = subprocess.run(
        [sys.executable, "-c", LONG_ANIMATIONS, str(tmp_path / f"a{suffix}")],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[3],
        check=True,
    )
    assert int(found.stdout) < 20_000  # kB, where 300 frames are 117,000


@pytest.mark.parametrize(
    ("suffix", "codec", "rate"),
    [(".mp4", "aac", 44100), (".mov", "aac", 44100), (".webm", "opus", 48000)],
)
def test_a_movie_keeps_the_sound_of_its_source(segmentation, tmp_path, suffix, codec, rate):
    import av

    source = tmp_path / "source.mov"
    seconds = FRAMES / segmentation.video.fps
    t = np.arange(round(44100 * seconds)) / 44100
    tone = (8000 * np.sin(2 * np.pi * 440 * t)).astype(np.int16)[None]
    with av.open(str(source), "w") as container:
        picture = container.add_stream("libx264", rate=12)
        picture.height, picture.width = HEIGHT, WIDTH
        sound = container.add_stream("pcm_s16le", rate=44100, layout="mono")
        for rgb in segmentation.video:
            container.mux(picture.encode(av.VideoFrame.from_ndarray(rgb)))
        container.mux(picture.encode())
        frame = av.AudioFrame.from_ndarray(tone, format="s16", layout="mono")
        frame.rate = 44100
        container.mux(sound.encode(frame))
        container.mux(sound.encode())
    silent = export_masks(segmentation, tmp_path / f"silent{suffix}")
    loud = Segmentation(open_video(source), segmentation.objects, segmentation.results)
    path = export_masks(loud, tmp_path / f"loud{suffix}")
    for film, has_sound in ((silent, False), (path, True)):
        with av.open(str(film)) as container:
            assert bool(container.streams.audio) == has_sound
            assert sum(1 for _ in container.decode(video=0)) == FRAMES
    with av.open(str(path)) as container:
        assert container.streams.audio[0].codec_context.name.removeprefix("lib") == codec
        assert container.streams.audio[0].rate == rate
        samples = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
    assert len(samples) == pytest.approx(rate * seconds, abs=4 * 1024)
    spectrum = np.abs(np.fft.rfft(samples))
    assert np.fft.rfftfreq(len(samples), 1 / rate)[spectrum.argmax()] == pytest.approx(440, abs=5)


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".webm"])
def test_a_movie_of_one_column_is_refused_with_a_sentence(segmentation, tmp_path, suffix):
    video = open_video(np.zeros((FRAMES, HEIGHT, 1, 3), np.uint8), axes="THWC")
    results = {(1, 0): Result(Mask.from_array(np.ones((HEIGHT, 1), bool)), 1.0, 1.0, "prompt")}
    thin = Segmentation.make(video, segmentation.objects, results)
    with pytest.raises(SessionError, match=f"at least 2x2 pixels, and array 1x{HEIGHT}: export"):
        export_masks(thin, tmp_path / f"out{suffix}")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".webm"])
def test_frames_and_sound_of_a_movie_come_when_they_did_in_its_source(
    segmentation, tmp_path, suffix
):
    """Of a film that is uneven, and whose clock does not begin at 0, as a camcorder's."""
    import av

    times_ms = [500, 540, 700, 720, 900, 1300, 1340, 1380, 1500]
    rate, beep_s = 48000, times_ms[3] / 1000
    source = tmp_path / "source.mkv"
    t = np.arange(rate * 2) / rate
    tone = np.where((t >= beep_s) & (t < beep_s + 0.05), 20000, 0) * np.sin(t * 2e3 * np.pi)
    with av.open(str(source), "w") as container:
        picture = container.add_stream("libx264", rate=25)
        picture.height, picture.width = HEIGHT, WIDTH
        picture.codec_context.time_base = Fraction(1, 1000)
        sound = container.add_stream("pcm_s16le", rate=rate, layout="mono")
        for rgb, at in zip(segmentation.video, times_ms, strict=True):
            frame = av.VideoFrame.from_ndarray(rgb)
            frame.pts, frame.time_base = at, Fraction(1, 1000)
            container.mux(picture.encode(frame))
        container.mux(picture.encode())
        for start in range(0, len(tone), 1024):
            part = tone[None, start : start + 1024].astype(np.int16)
            heard = av.AudioFrame.from_ndarray(part, format="s16", layout="mono")
            heard.rate, heard.pts, heard.time_base = rate, start, Fraction(1, rate)
            container.mux(sound.encode(heard))
        container.mux(sound.encode())
    film = Segmentation(open_video(source), segmentation.objects, segmentation.results)
    path = export_masks(film, tmp_path / f"out{suffix}")
    expected = (np.array(times_ms) - times_ms[0]) / 1000
    with av.open(str(path)) as container:
        shown = [frame.time for frame in container.decode(video=0)]
    np.testing.assert_allclose(shown, expected, atol=0.002)
    with av.open(str(path)) as container:
        beeps = [
            frame.time
            for frame in container.decode(audio=0)
            if np.abs(frame.to_ndarray().astype(float)).max()
            > (1000 if "s16" in frame.format.name else 0.05)
        ]
    assert beeps[0] == pytest.approx(expected[3], abs=0.04)
    rows = list(csv.DictReader(export_masks(film, tmp_path / "a.csv").open()))
    told = {int(row["frame"]): float(row["time_s"]) for row in rows}
    assert list(told.values()) == pytest.approx(expected)


@pytest.mark.parametrize("every", [1, 3])
@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_an_animation_of_an_uneven_film_shows_frames_as_long(segmentation, tmp_path, suffix, every):
    video = segmentation.video.duplicate()
    video.found_shown_s = np.array([0, 0.04, 0.2, 0.22, 0.4, 0.8, 0.84, 0.844, 1.0])
    film = replace(segmentation, video=video)
    path = export_masks(film, tmp_path / f"out{suffix}", every=every)
    least_ms = 20 if suffix == ".gif" else 0  # faster ones no browser shows
    with Image.open(path) as image:
        told: list[int] = []
        for frame in range(image.n_frames):
            image.seek(frame)
            image.load()
            told.append(image.info["duration"])
    expected = 1000 * np.diff(video.found_shown_s[::every])
    np.testing.assert_allclose(told[:-1], expected.clip(least_ms), atol=16 if least_ms else 1)


@pytest.mark.parametrize("is_even", [True, False])
@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_a_frame_of_a_movie_may_be_shown_for_hours(segmentation, tmp_path, suffix, is_even):
    import av

    video = segmentation.video.duplicate()
    video.fps = 1 / 3600
    if not is_even:
        video.found_shown_s = np.array([0, 1, 2, 3, 4, 5, 6, 7, 86_407.0])
    path = export_masks(replace(segmentation, video=video), tmp_path / f"out{suffix}")
    with av.open(str(path)) as container:
        assert container.duration is not None  # else the last frame is not seen
        assert container.duration / av.time_base > video.shown_s[-1]
        shown = [frame.time for frame in container.decode(video=0)]
    assert shown == pytest.approx(video.shown_s)


def test_an_import_becomes_accepted_frames_or_prompts(segmentation, tmp_path):
    path = export_masks(segmentation, tmp_path / "out.npz")
    found = import_masks(path, segmentation.video)
    session = Session(FRAMES, HEIGHT, WIDTH)
    assert session.import_masks(found.masks, found.names) == [1, 2, 5]
    assert [info.name for info in session.objects] == list(NAMES.values())
    assert {result.state for result in session.all_results.values()} == {"accepted"}
    np.testing.assert_array_equal(session.masks(1)[2], SEEN[1, 2])
    session.undo()
    assert not session.objects and not session.all_results


def test_an_import_of_another_size_changes_nothing(segmentation, tmp_path):
    path = export_masks(segmentation, tmp_path / "out.npz")
    found = import_masks(path, segmentation.video)
    session = Session(FRAMES, HEIGHT + 1, WIDTH)
    with pytest.raises(SessionError, match="64 x 46 pixels, the frame 64 x 47"):
        session.import_masks(found.masks)
    short = Session(FRAMES - 1, HEIGHT, WIDTH)
    with pytest.raises(SessionError, match="no frame 8"):
        short.import_masks(found.masks)
    assert not session.objects and not short.objects


def test_arrays_are_imported_as_they_are(segmentation):
    found = import_masks([SEEN[1, 0], SEEN[2, 0]], segmentation.video)
    assert set(found.masks) == {(1, 0), (2, 0)}
    volume = np.stack([masks()[2, t] for t in range(FRAMES)])
    found = import_masks({7: volume}, segmentation.video)
    assert set(found.masks) == {(7, t) for t in range(FRAMES) if t != 4}


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda s, p: export_masks(s, p / "x.tiff"), "Which format shall"),
        (lambda s, p: export_masks(s, p / "x.json"), "format= one of coco, label-studio, sa-v"),
        (lambda s, p: export_masks(s, p, "pascal"), "no format 'pascal'. Formats: coco, csv"),
        (lambda s, p: export_masks(s, p / "x.npz", crop=True), "'npz' has no option crop"),
        (lambda s, p: import_masks(p / "none.npz", s.video), "There is no "),
        (lambda s, p: import_masks(p, s.video, "csv"), "'csv' is written only"),
        (lambda s, p: import_masks([np.zeros(3)], s.video), r"1 in masks has the shape \(3,\)"),
    ],
)
def test_what_cannot_be_done_is_said(segmentation, tmp_path, call, says):
    with pytest.raises(SessionError, match=says):
        call(segmentation, tmp_path)


@pytest.mark.parametrize("name", [one.name for one in FORMATS.values() if one.read])
def test_damaged_files_are_said_to_be_so(segmentation, tmp_path, name):
    need_library_of(name)
    path = export_masks(segmentation, tmp_path / "out", name)
    files = [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file()]
    for file in files:
        content = file.read_bytes()
        file.write_bytes(content[: len(content) // 2] + b"\x00]]")
    with pytest.raises(SessionError):
        import_masks(path, segmentation.video, name)


def test_the_command_line_exports_a_session_file(tmp_path, capsys):
    from sam2widget.storage.fingerprint import Fingerprint
    from sam2widget.storage.saved_session import SavedSession
    from sam2widget.storage.session_file import write_session

    folder = tmp_path / "clip"
    folder.mkdir()
    for t in range(2):
        Image.new("RGB", (WIDTH, HEIGHT), (40 * t, 90, 20)).save(folder / f"{t}.png")
    video = open_video(folder)
    session = Session(2, HEIGHT, WIDTH)
    found = import_masks([SEEN[1, 0]], video)
    session.import_masks(found.masks)
    saved = SavedSession(
        Fingerprint.of(video),
        str(folder),
        "",
        None,
        tuple(session.objects),
        {},
        session.all_results,
    )
    write_session(tmp_path / "clip.sam2.zip", saved)
    assert (
        main(
            [
                "export",
                str(tmp_path / "clip.sam2.zip"),
                str(tmp_path / "c.json"),
                "--format",
                "coco",
            ]
        )
        == 0
    )
    assert "Wrote" in capsys.readouterr().out
    assert len(json.loads((tmp_path / "c.json").read_text())["annotations"]) == 1
    assert main(["export", str(tmp_path / "no.sam2.zip"), str(tmp_path / "c.npz")]) == 1
    assert "no.sam2.zip" in capsys.readouterr().err


def test_the_command_line_names_every_format_and_refuses_others(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["export", "--help"])
    said = " ".join(capsys.readouterr().out.split())
    for one in FORMATS.values():
        assert f"{one.name}: {one.description}" in said
        assert all(f"{option}: {what}" in said for option, what in one.options.items())
    with pytest.raises(SystemExit, match="2"):
        main(["export", "a.sam2.zip", "b", "--format", "tiff"])
    assert "'tiff' is none of coco, csv" in capsys.readouterr().err


def _even_odd(corners: np.ndarray) -> np.ndarray:
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    inside = np.zeros((HEIGHT, WIDTH), bool)
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        crosses = (y0 <= y) != (y1 <= y)
        if y0 != y1:
            inside ^= crosses & (x < x0 + (y - y0) * (x1 - x0) / (y1 - y0))
    return inside


@pytest.mark.parametrize(("name", "library"), LIBRARIES.items())
def test_a_format_without_its_library_says_what_to_install(
    segmentation, tmp_path, monkeypatch, name, library
):
    hide_library(monkeypatch, library)
    command = re.escape(install_command(library))
    with pytest.raises(SessionError, match=f"^{library} is not installed: {command}, "):
        export_masks(segmentation, tmp_path / "out", name)
    assert not [one for one in tmp_path.rglob("*") if one.is_file()]


@pytest.mark.parametrize("name", FORMATS)
def test_no_name_leads_outside(segmentation, tmp_path, name):
    """Names are data: of a folder that is called "..", or of an object in a file from elsewhere."""
    need_library_of(name)
    objects = tuple(replace(info, name=f"../../up{info.id}") for info in segmentation.objects)
    video = copy(segmentation.video)
    video.name = ".."
    out = tmp_path / "deep" / "out"
    out.mkdir(parents=True)
    frames = {"frames": True} if "frames" in signature(FORMATS[name].write).parameters else {}
    export_masks(replace(segmentation, video=video, objects=objects), out / "masks", name, **frames)
    assert [path.name for path in tmp_path.iterdir()] == ["deep"]
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["out"]


def test_a_films_masks_are_written_to_npz_a_frame_at_a_time(tmp_path):
    frames, height, width = 60, 1080, 1920
    mask_hw = np.zeros((height, width), bool)
    results = {}
    for t in range(frames):
        moved_hw = np.zeros_like(mask_hw)
        moved_hw[200:600, 10 * t : 10 * t + 300] = True
        results[1, t] = Result(Mask.from_array(moved_hw), 1.0, 0.9, "track")
    segmentation = Segmentation.make(
        open_video([np.zeros((height, width, 3), np.uint8)] * frames, "video"),
        (ObjectInfo.numbered(1),),
        results,
    )
    tracemalloc.start()
    export_masks(segmentation, tmp_path / "masks.npz")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10 * height * width
    with np.load(tmp_path / "masks.npz") as file:
        masks_thw = file["1"]
        assert file["names"].tolist() == ["Object 1"]
    assert masks_thw.dtype == bool and masks_thw.shape == (frames, height, width)
    assert all(np.array_equal(masks_thw[t], results[1, t].mask.to_array()) for t in range(frames))


@pytest.mark.parametrize("name", ["davis", "youtube-vos"])
def test_pictures_of_labels_say_who_won_where_objects_overlap(segmentation, tmp_path, name):
    seen = masks()
    pixels = sum(int((seen[1, t] & seen[5, t]).sum()) for t in range(3, FRAMES))
    frames = sum(bool((seen[1, t] & seen[5, t]).any()) for t in range(3, FRAMES))
    with pytest.warns(UserWarning) as caught:
        export_masks(segmentation, tmp_path / "out", name)
    (sentence,) = [str(one.message) for one in caught if "overlap" in str(one.message)]
    assert f"Objects overlap on {frames} frames, and an indexed PNG holds one object" in sentence
    assert "the larger id shows" in sentence
    assert (
        f"object 5 (ball, red) shows on {pixels:,} pixels of object 1 (ball, red) on {frames} "
        "frames" in sentence
    )


def test_pictures_of_labels_say_nothing_where_objects_do_not_overlap(segmentation, tmp_path):
    alone = replace(
        segmentation, results={k: r for k, r in segmentation.results.items() if k[0] < 5}
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        path = export_masks(alone, tmp_path / "out", "davis")
    found = import_masks(path, alone.video, "davis").masks
    assert {key for key, mask in found.items() if mask.area} == {
        key for key, result in alone.results.items() if result.mask.area
    }
