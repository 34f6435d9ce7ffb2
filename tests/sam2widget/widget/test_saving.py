"""A widget saved and loaded: in another place, by another process, while it works."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from sam2_backend import CONFIGS, Sam2Model
from sam2widget import Sam2Widget, SessionError, open_video, read_session
from sam2widget.annotation.session import Session
from sam2widget.samples import sample_clip
from sam2widget.storage.fingerprint import Fingerprint
from sam2widget.storage.saved_session import SavedSession
from sam2widget.storage.session_file import write_session
from tests.support.browser import Browser, idle
from tests.support.clips import CLIP, FRAMES, HEIGHT, WIDTH
from tests.support.data import ROOT
from tests.support.fakes import DiscSegmenter, GatedSegmenter
from tests.support.films import write_film


@pytest.fixture
def widgets(closing):
    """Makes widgets with a fake model, and closes them."""

    def make(video=CLIP, model=None, **options) -> Sam2Widget:
        return closing(Sam2Widget(video, model or DiscSegmenter(HEIGHT, WIDTH), **options))

    def load(path, **options) -> Sam2Widget:
        return closing(Sam2Widget.load(path, model=DiscSegmenter(HEIGHT, WIDTH), **options))

    make.load = load
    return make


def work(widget: Sam2Widget) -> None:
    widget.add_point(3, 10, 5)
    widget.add_box(8, 5, 2, 12, 9, obj=2)
    widget.propagate(stop=20)
    widget.accept(6, 9, obj=1)
    widget.update_object(2, name="Ball", visible=False)
    widget.frame, widget.selected = 7, 1


def state(widget: Sam2Widget) -> dict:
    found = widget.segmentation
    frames = {obj: widget.timeline(obj).prompted for obj in widget.masks}
    return {
        "objects": found.objects,
        "prompts": {(obj, t): widget.prompts(t, obj) for obj in frames for t in frames[obj]},
        "results": found.results,
        "traits": (widget.frame, widget.selected, widget.objects),
    }


def results(widget: Sam2Widget, stop: int) -> dict:
    """Of object 1 before a frame."""
    found = widget.segmentation.results
    return {t: found[1, t] for t in range(stop)}


@pytest.fixture
def folder_of_frames(tmp_path: Path) -> Path:
    folder = tmp_path / "videos" / "clip"
    folder.mkdir(parents=True)
    for n, rgb in enumerate(CLIP):
        Image.fromarray(rgb).save(folder / f"{n:03}.png")
    return folder


# Round trips


def test_what_a_widget_begins_with_is_nothing_to_undo(widgets) -> None:
    begun = widgets(
        autosave=False, non_overlapping=False, clean_masks=False, classes=["cell", "debris"]
    )
    with pytest.raises(SessionError, match="There is nothing to undo"):
        begun.undo()
    assert not begun.non_overlapping and [*begun.classes] == ["cell", "debris"]


def test_all_that_shows_comes_back_and_undo_starts_afresh(widgets, tmp_path) -> None:
    before = widgets()
    work(before)
    before.save(tmp_path / "a.sam2.zip")
    after = widgets.load(tmp_path / "a.sam2.zip", video=CLIP)
    assert state(after) == state(before)
    assert (after.frame, after.selected) == (7, 1)
    with pytest.raises(SessionError, match="nothing to undo"):
        after.undo()


def test_a_page_sees_what_was_loaded(widgets, tmp_path) -> None:
    before = widgets()
    work(before)
    before.save(tmp_path / "a.sam2.zip")
    after = widgets.load(tmp_path / "a.sam2.zip", video=CLIP)
    after.wait_until_loaded()
    browser = Browser(after)
    browser.say("hello")
    idle(after)
    assert np.array_equal(browser.mask(7, 1), before.masks[1][7])
    assert {message["object"] for message in browser.of("timeline")} == {1, 2}


def test_propagation_goes_on_after_loading(widgets, tmp_path) -> None:
    before = widgets()
    work(before)
    before.save(tmp_path / "a.sam2.zip")
    after = widgets.load(tmp_path / "a.sam2.zip", video=CLIP)
    for widget in before, after:
        widget.propagate()
        widget.add_point(15, 20, 5)
        widget.propagate()
    assert state(after) == state(before)
    assert not np.isnan(after.scores[1]).any()


@pytest.mark.slow
def test_a_real_network_goes_on_from_the_stored_masks(widgets, tmp_path) -> None:
    torch.manual_seed(0)
    network = Sam2Model(replace(CONFIGS["nano"], image_size=64))
    with torch.no_grad():
        network.sam_mask_decoder.pred_obj_score_head.layers[-1].bias.fill_(2.0)
    network = network.eval().requires_grad_(False)
    clip = np.random.default_rng(0).integers(0, 256, (16, 64, 64, 3), dtype=np.uint8)
    before = widgets(clip, network)
    before.add_point(0, 20, 20)
    before.propagate(stop=10)
    before.save(tmp_path / "a.sam2.zip")
    after = Sam2Widget.load(tmp_path / "a.sam2.zip", video=clip, model=network)
    try:
        stored = results(before, 10)
        for widget in before, after:
            widget.propagate()
        # What a click might have meant besides is not kept.
        stored = {t: replace(result, candidates=(), chosen=0) for t, result in stored.items()}
        assert results(after, 10) == stored
        # Not to the pixel: memories are encoded again from masks, not from logits.
        ours, theirs = after.masks[1][10:], before.masks[1][10:]
        assert (ours & theirs).sum() / max((ours | theirs).sum(), 1) > 0.9
        assert np.allclose(after.scores[1][10:], before.scores[1][10:], atol=0.5)
    finally:
        after.close()


@pytest.mark.slow
def test_another_process_loads_what_this_one_saved(widgets, folder_of_frames, tmp_path) -> None:
    before = widgets(folder_of_frames)
    work(before)
    path = tmp_path / "a.sam2.zip"
    before.save(path)
    code = f"""
import sys
import numpy as np
from sam2widget import read_session
saved = read_session({str(path)!r})
assert not {{"torch", "traitlets", "ipywidgets"}} & set(sys.modules), "reading needs neither"
from sam2widget import Sam2Widget
from tests.support.fakes import DiscSegmenter
widget = Sam2Widget.load({str(path)!r}, model=DiscSegmenter({HEIGHT}, {WIDTH}))
widget.propagate()
widget.save({str(tmp_path / "b.sam2.zip")!r})
np.save({str(tmp_path / "masks.npy")!r}, np.asarray(widget.masks[2]))
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], cwd=ROOT, check=True)
    before.propagate()
    assert np.array_equal(np.load(tmp_path / "masks.npy"), before.masks[2])
    assert read_session(tmp_path / "b.sam2.zip").results == before.segmentation.results


def test_a_session_is_saved_while_it_propagates(tmp_path) -> None:
    segmenter = GatedSegmenter(HEIGHT, WIDTH)
    widget = Sam2Widget(CLIP, segmenter)
    try:
        browser = Browser(widget)
        widget.add_point(0, 10, 5)
        browser.say("propagate", start=None, stop=None, direction="both")
        segmenter.gate.wait_until_reached()
        saving = threading.Thread(target=widget.save, args=(tmp_path / "a.sam2.zip",))
        saving.start()
        while saving.is_alive():
            # It gets its turn between two frames, whichever those are.
            segmenter.gate.let_one_through()
            saving.join(0.05)
        results = read_session(tmp_path / "a.sam2.zip").results
        assert 1 <= len(results) < FRAMES
        assert {frame for _, frame in results} == set(range(len(results)))
    finally:
        segmenter.gate.open()
        widget.close()


def test_work_is_saved_even_where_the_model_does_not_load(widgets, tmp_path) -> None:
    before = widgets()
    work(before)
    before.save(tmp_path / "a.sam2.zip")
    (path := tmp_path / "broken.pt").write_text("these are no weights")
    broken = Sam2Widget.load(tmp_path / "a.sam2.zip", video=CLIP, model=path)
    try:
        with pytest.raises(SessionError, match="could not be loaded"):
            broken.wait_until_loaded()
        assert state(broken) == state(before)
        broken.save(tmp_path / "b.sam2.zip")
    finally:
        broken.close()
    first, second = (read_session(tmp_path / name) for name in ("a.sam2.zip", "b.sam2.zip"))
    assert second == replace(first, model="", model_source=str(path))


# The model


def test_the_model_is_the_one_it_was_made_with(widgets, tmp_path) -> None:
    before = Sam2Widget(CLIP, "nano", "cpu")
    before.save(tmp_path / "a.sam2.zip")
    before.close()
    after = Sam2Widget.load(tmp_path / "a.sam2.zip", video=CLIP, device="cpu")
    after.wait_until_loaded()
    assert after.status["model"] == "nano"
    after.close()


def test_a_model_that_was_an_object_is_asked_for(widgets, tmp_path) -> None:
    widget = widgets()
    widget.wait_until_loaded()
    widget.save(tmp_path / "a.sam2.zip")
    with pytest.raises(SessionError, match=r"'disc', was given as an object.*with model="):
        Sam2Widget.load(tmp_path / "a.sam2.zip", video=CLIP)


def test_a_checkpoint_is_found_from_another_folder(tmp_path, monkeypatch) -> None:
    (tmp_path / "model.pt").write_bytes(b"?")
    monkeypatch.chdir(tmp_path)
    widget = Sam2Widget(CLIP, "model.pt")
    widget.save("a.sam2.zip")
    widget.close()
    assert read_session("a.sam2.zip").model_source == str(tmp_path / "model.pt")


# The video


def test_the_video_is_found_where_it_was(widgets, folder_of_frames, tmp_path) -> None:
    widgets(folder_of_frames).save(tmp_path / "a.sam2.zip")
    assert widgets.load(tmp_path / "a.sam2.zip").video["name"] == "clip"


def test_the_video_is_found_beside_the_session_file(widgets, folder_of_frames, tmp_path) -> None:
    widgets(folder_of_frames).save(tmp_path / "a.sam2.zip")
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    shutil.move(tmp_path / "a.sam2.zip", moved)
    shutil.move(folder_of_frames, moved)
    assert widgets.load(moved / "a.sam2.zip").video["name"] == "clip"


def test_the_right_one_of_two_videos_is_taken(widgets, folder_of_frames, tmp_path) -> None:
    beside = tmp_path / "clip"
    shutil.copytree(folder_of_frames, beside)
    widgets(folder_of_frames).save(tmp_path / "a.sam2.zip")
    Image.fromarray(255 - CLIP[0]).save(folder_of_frames / "000.png")
    assert np.array_equal(widgets.load(tmp_path / "a.sam2.zip").segmentation.video[0], CLIP[0])


def test_a_video_that_is_gone_is_named(widgets, folder_of_frames, tmp_path) -> None:
    widgets(folder_of_frames).save(tmp_path / "a.sam2.zip")
    shutil.rmtree(folder_of_frames)
    with pytest.raises(
        SessionError, match=r"not there any more.*beside.*video=.*30 frames of 40x1"
    ):
        widgets.load(tmp_path / "a.sam2.zip")
    # An array of the same frames looks the same; that it is the same, a person must say.
    with pytest.raises(SessionError, match=r"cannot be told.*same_video=True"):
        widgets.load(tmp_path / "a.sam2.zip", video=CLIP)
    again = widgets.load(tmp_path / "a.sam2.zip", video=CLIP, same_video=True)
    assert again.video["num_frames"] == FRAMES


CUBE = np.random.default_rng(3).integers(0, 256, (12, 12, 12), dtype=np.uint8)


def make_npy(folder: Path) -> Path:
    np.save(folder / "a.npy", CUBE)
    return folder / "a.npy"


def make_planes(folder: Path) -> Path:
    planes = np.stack([CUBE, 255 - CUBE, CUBE // 2], 1)
    tifffile.imwrite(folder / "a.ome.tif", planes, metadata={"axes": "TZYX"})
    return folder / "a.ome.tif"


@pytest.mark.parametrize(
    "make, options",
    [
        (make_npy, {"axes": "YXT"}),
        (make_planes, {"plane": 0}),
        (make_planes, {"plane": "max", "contrast": (10, 90)}),
        (make_npy, {"kind": "images"}),
    ],
)
def test_the_video_is_opened_as_it_was(widgets, tmp_path, make, options) -> None:
    model = DiscSegmenter(12, 12)
    path = make(tmp_path)
    before = Sam2Widget(path, model, **options)
    before.add_point(3, 6, 6)
    before.save(tmp_path / "a.sam2.zip")
    for given in (None, path, "renamed"):
        if given == "renamed":
            path.rename(tmp_path / f"b{path.suffix}")
            given = None
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            after = Sam2Widget.load(tmp_path / "a.sam2.zip", video=given, model=model)
        assert np.array_equal(after.segmentation.video[5], before.segmentation.video[5])
        assert after.video["kind"] == before.video["kind"]
        assert after.contrast == before.contrast
        after.close()
    before.close()


def test_a_large_picture_that_was_opened_is_opened_again(tmp_path) -> None:
    Image.fromarray(CLIP[0]).save(tmp_path / "a.png")
    before = open_video(tmp_path / "a.png", max_megapixels=300)
    saved = SavedSession.of(Session(1, HEIGHT, WIDTH, kind="images"), before, "", None)
    write_session(tmp_path / "a.sam2.zip", saved)
    again = read_session(tmp_path / "a.sam2.zip").open_video()
    assert again.options.max_megapixels == 300


def test_a_source_of_another_sort_is_opened_without_what_was_said_of_the_first(
    widgets, tmp_path
) -> None:
    before = widgets(CLIP, axes="THWC")
    before.add_point(3, 6, 6)
    before.save(tmp_path / "a.sam2.zip")
    folder = tmp_path / "frames"
    folder.mkdir()
    for n, rgb in enumerate(CLIP):
        Image.fromarray(rgb).save(folder / f"{n:03}.png")
    after = widgets.load(tmp_path / "a.sam2.zip", video=folder, same_video=True)
    assert after.masks[1][3].any()


@pytest.mark.parametrize("options", [{"axes": "TYX"}, {"axes": "YXT"}, {"axes": "YTX"}, {}])
def test_another_axis_of_a_cube_is_another_video(tmp_path, options) -> None:
    path = make_npy(tmp_path)
    same = options in ({"axes": "TYX"}, {})
    assert (open_video(path, **options).identity() == open_video(path).identity()) == same


def test_frames_in_memory_are_asked_for(widgets, tmp_path) -> None:
    widgets().save(tmp_path / "a.sam2.zip")
    with pytest.raises(SessionError, match=r"frames in memory.*video="):
        widgets.load(tmp_path / "a.sam2.zip")


OTHERS = [
    (CLIP[:-1], "array has 29 frames, not 30"),
    (CLIP[:, :, :-1], "has frames of 39x12 pixels, not 40x12"),
    (CLIP[::-1], "shows another picture on frame 0"),
    (np.concatenate((CLIP[:-1], CLIP[:1])), "shows another picture on frame 29"),
    (CLIP[..., ::-1], "shows another picture on frame 0"),
]


@pytest.mark.parametrize("other, sentence", OTHERS)
def test_another_video_is_refused_with_the_difference(widgets, tmp_path, other, sentence) -> None:
    widgets().save(tmp_path / "a.sam2.zip")
    with pytest.raises(SessionError, match=f"another video.*{sentence}"):
        widgets.load(tmp_path / "a.sam2.zip", video=other)
    with pytest.raises(SessionError, match=sentence):
        Sam2Widget(other, saved=read_session(tmp_path / "a.sam2.zip"))


def test_a_video_compressed_again_is_the_same_and_a_changed_one_is_not(tmp_path) -> None:
    frames = sample_clip().frames_thw3
    fingerprint = Fingerprint.of(open_video(frames))
    for crf in 18, 32:
        # By one thread, which makes the same bytes each time.
        path = write_film(tmp_path / f"{crf}.mp4", frames, crf=crf, threads=1)
        video = open_video(path)
        assert fingerprint.difference(video) is None
    changed = frames.copy()
    changed[0, 100:140, 200:240] = 255 - changed[0, 100:140, 200:240]
    assert fingerprint.difference(open_video(changed)) == "shows another picture on frame 0"
    rolled = fingerprint.difference(open_video(np.roll(frames, 1, axis=0)))
    assert rolled is not None and rolled.startswith("shows another picture on frame ")


def test_a_video_that_was_renamed_is_found_by_its_content(widgets, tmp_path) -> None:
    path = write_film(tmp_path / "dog.mp4", np.repeat(CLIP, 2, axis=1), crf=18)
    widgets(path, DiscSegmenter(2 * HEIGHT, WIDTH)).save(tmp_path / "a.sam2.zip")
    path.rename(tmp_path / "another name.mp4")
    assert widgets.load(tmp_path / "a.sam2.zip").video["name"] == "another name.mp4"


def test_a_video_compressed_again_gets_a_question(widgets, tmp_path) -> None:
    frames = sample_clip().frames_thw3
    first = write_film(tmp_path / "first.mp4", frames, crf=18)
    again = write_film(tmp_path / "again.mp4", frames, crf=30)
    widgets(first).save(tmp_path / "a.sam2.zip")
    with pytest.raises(SessionError, match=r"again.mp4 looks like.*compressed again.*same_video"):
        widgets.load(tmp_path / "a.sam2.zip", video=again)
    loaded = widgets.load(tmp_path / "a.sam2.zip", video=again, same_video=True)
    loaded.save(tmp_path / "b.sam2.zip")
    assert widgets.load(tmp_path / "b.sam2.zip", video=again).video["name"] == "again.mp4"
    with pytest.raises(SessionError, match="has 29 frames, not"):
        widgets.load(tmp_path / "a.sam2.zip", video=CLIP[:-1], same_video=True)
