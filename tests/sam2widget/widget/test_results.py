"""What the view's menu of results asks of the kernel, and the session as Python."""

from __future__ import annotations

import base64
import io
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sam2_backend.video import Channel, Contrast
from sam2widget import Sam2Widget, SessionError, read_session
from sam2widget.bridge import downloads, flow_control
from sam2widget.export import FORMATS
from tests.support.browser import Browser, idle
from tests.support.fakes import ChoosySegmenter, DiscSegmenter
from tests.support.optional_formats import need_library_of
from tests.support.waiting import LIMIT_S, threads_ended, wait_until

FRAMES, HEIGHT, WIDTH = 12, 24, 40
CLIP = np.random.default_rng(5).integers(0, 256, (FRAMES, HEIGHT, WIDTH, 3), dtype=np.uint8)


@pytest.fixture
def widgets(tmp_path, monkeypatch):
    """Makes widgets with a fake model in an empty folder, and closes them."""
    monkeypatch.chdir(tmp_path)
    made: list[Sam2Widget] = []

    def make(video=CLIP, model=None, **options) -> Sam2Widget:
        made.append(Sam2Widget(video, model or ChoosySegmenter(HEIGHT, WIDTH), **options))
        return made[-1]

    yield make
    for widget in made:
        widget.close()


@pytest.fixture
def page(widgets):
    """A view of a widget in which an object was tracked."""
    widget = widgets(autosave=False)
    widget.add_point(0, 20, 12)
    widget.propagate()
    browser = Browser(widget)
    browser.say("hello")
    return browser


def hear(browser: Browser, number: int, *types: str) -> dict:
    """Wait for the answer of one of some types."""

    def find():
        found = [one for one, _ in browser.received if one["type"] in (*types, "error")]
        return next((one for one in found if (one["reply_to"] or {}).get("id") == number), None)

    with browser.arrived:
        assert browser.arrived.wait_for(find, LIMIT_S), browser.received[-3:]
        return find()


def masks_of(results) -> dict:
    return {key: (one.mask, one.state) for key, one in results.items()}


def export(browser: Browser, **changes) -> dict:
    request = {"format": "coco", "path": "out.json", "options": [], "replace": False}
    number = browser.say("export", **{**request, "download": False, **changes})
    return hear(browser, number, "exported", "export_exists")


def test_every_format_is_told_with_the_options_that_a_person_sets(page, tmp_path):
    found = hear(page, page.say("open_results"), "formats")
    assert found["folder"] == str(tmp_path)
    entries = {one["name"]: one for one in found["formats"]}
    assert list(entries) == [*FORMATS, "session"]
    for name, one in FORMATS.items():
        assert entries[name]["description"] == one.description
        assert entries[name]["file"].endswith(one.suffix)
    assert [one["name"] for one in entries["mp4"]["options"]] == ["crf"]
    crf, outline = entries["mp4"]["options"][0], entries["coco"]["options"][0]
    assert (crf["kind"], crf["default"]) == ("number", "20")
    assert (outline["kind"], outline["choices"]) == ("choice", ["rle", "polygons"])
    assert entries["coco"]["options"][1]["kind"] == "flag"
    assert entries["webm"]["effects"] and not entries["davis"]["effects"]


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_exported_to_a_place_that_is_told_in_full(page, tmp_path, name):
    need_library_of(name)
    answer = export(page, format=name, path="made/out")
    assert answer["type"] == "exported", answer
    path = Path(answer["path"])
    assert path.is_absolute() and path.exists() and path.is_relative_to(tmp_path / "made")
    assert f"Wrote {path} (" in answer["text"]
    assert answer["download"] is None


def test_options_are_read_by_their_kind(page, tmp_path):
    options = [{"name": "outline", "value": "polygons"}, {"name": "frames", "value": "true"}]
    answer = export(page, options=options)
    assert "polygons" not in answer["text"] and (tmp_path / "out-frames").is_dir()
    effect = [
        {"name": "effect", "value": "spotlight"},
        {"name": "objects", "value": "1"},
        {"name": "strength", "value": "1"},
    ]
    export(page, format="png", path="dark", options=effect)
    with Image.open(tmp_path / "dark" / "00000.png") as picture:
        assert picture.getpixel((0, 0)) == (0, 0, 0)
    small = [{"name": "width", "value": "20"}]
    export(page, format="webp", path="small.webp", options=small)
    with Image.open(tmp_path / "small.webp") as picture:
        assert picture.width == 20
    whole = [{"name": "width", "value": "none"}]
    export(page, format="webp", path="large.webp", options=whole)
    with Image.open(tmp_path / "large.webp") as picture:
        assert picture.width == WIDTH


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"options": [{"name": "outline", "value": "svg"}]},
            "outline is one of rle, polygons, got",
        ),
        ({"options": [{"name": "frames", "value": "yes"}]}, "frames is true or false, got 'yes'"),
        ({"options": [{"name": "speed", "value": "2"}]}, "'coco' has no option speed"),
        (
            {"format": "mp4", "options": [{"name": "crf", "value": "x"}]},
            "crf is a whole number, got",
        ),
        ({"format": "mp4", "options": [{"name": "objects", "value": "a"}]}, "ids with commas"),
        ({"format": "mp4", "options": [{"name": "effect", "value": "cutout"}]}, "no transparency"),
        ({"format": "psd"}, "There is no format 'psd'"),
        ({"path": " "}, "Say where the export goes"),
    ],
)
def test_what_cannot_be_exported_gets_a_sentence(page, tmp_path, changes, sentence):
    answer = export(page, **changes)
    assert answer["type"] == "error" and sentence in answer["text"]
    assert list(tmp_path.iterdir()) == []
    assert export(page)["type"] == "exported"  # and the next one is not held up


def test_a_file_that_is_there_is_asked_about(page, tmp_path):
    (tmp_path / "out.json").write_text("mine")
    asked = export(page)
    assert asked["type"] == "export_exists"
    assert asked["other"] == str(tmp_path / "out-2.json") and "already" in asked["text"]
    assert (tmp_path / "out.json").read_text() == "mine"
    assert export(page, path=asked["other"])["path"] == asked["other"]
    assert export(page, replace=True)["type"] == "exported"
    assert (tmp_path / "out.json").read_text() != "mine"
    (tmp_path / "x.sam2.zip").write_text("mine")
    answer = export(page, format="session", path="x.sam2.zip", replace=True)
    assert "is no session file, so it is not written over" in answer["text"]


def test_what_an_export_warns_of_is_in_its_sentence(widgets, tmp_path, recwarn):
    widget = widgets(autosave=False, non_overlapping=False)
    widget.add_mask(0, np.ones((HEIGHT, WIDTH), bool), obj=1)
    widget.add_mask(0, np.ones((HEIGHT, WIDTH), bool), obj=2)
    answer = export(Browser(widget), format="davis", path="davis")
    assert "overlap" in answer["text"] and answer["path"] == str(tmp_path / "davis")
    assert not [one for one in recwarn if "overlap" in str(one.message)]


class SlowVideo:
    """Frames that wait until they are let through."""

    def __init__(self):
        self.gate, self.reached = threading.Event(), threading.Event()
        self.gate.set()
        self.shape = CLIP.shape
        self.dtype = CLIP.dtype
        self.ndim = 4

    def __len__(self):
        return FRAMES

    def __getitem__(self, index):
        if not self.gate.is_set() and threading.current_thread().name == "sam2widget export":
            self.reached.set()
            assert self.gate.wait(LIMIT_S)
        return CLIP[index]


@pytest.fixture
def slow(widgets):
    video = SlowVideo()
    widget = widgets(video, autosave=False)
    widget.add_point(0, 20, 12)
    widget.propagate()
    browser = Browser(widget)
    browser.say("hello")
    yield video, browser
    video.gate.set()


def begin_export(video: SlowVideo, browser: Browser, path: str = "out.mp4") -> int:
    video.gate.clear()
    options = [{"name": "effect", "value": "blur"}]
    fields = {"format": "mp4", "path": path, "options": options}
    number = browser.say("export", **fields, replace=False, download=False)
    assert video.reached.wait(LIMIT_S)
    return number


def test_clicks_are_answered_while_an_export_runs(slow):
    video, browser = slow
    number = begin_export(video, browser)
    before = len(browser.of("masks"))
    click = {"frame": 0, "object": None, "x": 5.5, "y": 5.5, "label": 0}
    assert browser.ask("click", **click)["type"] == "done"
    assert len(browser.of("masks")) > before and not browser.of("exported")
    again = export(browser, path="second.json")
    assert again["type"] == "error" and "An export is running" in again["text"]
    video.gate.set()
    assert hear(browser, number, "exported")["type"] == "exported"
    told = browser.of("export_progress")
    assert told and all(one["total"] == FRAMES and one["frame"] < FRAMES for one in told)


def test_an_export_is_cancelled_and_nothing_of_it_stays(slow, tmp_path):
    video, browser = slow
    number = begin_export(video, browser)
    browser.say("cancel_export")
    video.gate.set()
    answer = hear(browser, number, "exported")
    assert answer["path"] == "" and "cancelled: nothing of it stays" in answer["text"]
    assert list(tmp_path.iterdir()) == []
    assert export(browser)["path"] == str(tmp_path / "out.json")


def test_closing_the_widget_ends_its_export_and_its_threads(slow, tmp_path):
    video, browser = slow
    begin_export(video, browser)
    browser.widget.close()
    video.gate.set()
    wait_until(
        lambda: not [one for one in threading.enumerate() if one.name == "sam2widget export"]
    )
    assert list(tmp_path.iterdir()) == []


def fetch(browser: Browser, answer: dict) -> bytes:
    """Fetch a download as a page does, the last part first."""
    entry = answer["download"]
    offsets = range(0, entry["size"], downloads.CHUNK_BYTES)
    for offset in reversed(offsets):
        browser.say("want_chunk", download=entry["id"], offset=offset)
    parts = {one["offset"]: data[0] for one, data in browser.received if one["type"] == "chunk"}
    assert parts.keys() == set(offsets)
    return b"".join(bytes(parts[offset]) for offset in offsets)


def test_a_file_is_fetched_in_parts_and_leaves_nothing_behind(page, tmp_path, monkeypatch):
    monkeypatch.setattr(downloads, "CHUNK_BYTES", 100)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    answer = export(page, format="npz", path="/no/such/place/masks.npz", download=True)
    assert answer["path"] == "" and answer["download"]["name"] == "masks.npz"
    data = fetch(page, answer)
    assert len(data) == answer["download"]["size"] > 300
    with np.load(io.BytesIO(data)) as found:
        np.testing.assert_array_equal(found["1"], np.asarray(page.widget.masks[1]))
    page.say("drop_download", download=answer["download"]["id"])
    assert list(tmp_path.iterdir()) == []
    number = page.say("want_chunk", download=answer["download"]["id"], offset=0)
    assert "not there any more" in page.answer(number)["text"]


def test_a_folder_is_fetched_as_a_zip(page):
    data = fetch(page, export(page, format="png", path="frames", download=True))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = sorted(archive.namelist())
        picture = Image.open(io.BytesIO(archive.read(names[0])))
    assert names == [f"frames/{t:05}.png" for t in range(FRAMES)]
    assert picture.size == (WIDTH, HEIGHT)


def test_the_session_is_fetched_and_read_again(page, tmp_path):
    data = fetch(page, export(page, format="session", path="mine", download=True))
    (tmp_path / "mine.sam2.zip").write_bytes(data)
    saved = read_session(tmp_path / "mine.sam2.zip")
    assert masks_of(saved.results) == masks_of(page.widget.segmentation.results)


def test_why_there_is_no_download_is_told_without_the_kernels_temporary_folder(page, monkeypatch):
    need_library_of("imagej")
    answer = export(page, format="imagej", path="/no/place/mine.sam2.zip", download=True)
    assert answer["text"].startswith("mine.sam2.zip would be called as a session file is")
    monkeypatch.setattr("tempfile.tempdir", "/no/such/folder")
    answer = export(page, format="npz", path="/no/place/a.npz", download=True)
    assert answer["text"].startswith("The npz export a.npz could not be made for a download (")
    assert "/no/" not in answer["text"] and answer["type"] == "error"


def test_why_nothing_could_be_written_is_told_by_format_and_path(page, tmp_path):
    (tmp_path / "file").write_text("mine")
    for name, suffix in (("npz", ".npz"), ("session", ".sam2.zip")):
        path = tmp_path / "file" / f"a{suffix}"
        text = export(page, format=name, path=str(path))["text"]
        assert f"could not be written to {path} (" in text and ".sam2widget-" not in text


def test_a_download_that_is_too_large_is_refused_with_what_to_do(page, tmp_path, monkeypatch):
    monkeypatch.setattr(downloads, "MAX_DOWNLOAD_BYTES", 100)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    answer = export(page, format="npz", path="a.npz", download=True)
    assert answer["type"] == "error"
    assert "a place on the kernel's machine, and copy it from there" in answer["text"]
    assert list(tmp_path.iterdir()) == []


def test_downloads_that_nobody_fetches_make_room(page, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    for n in range(downloads.MAX_KEPT + 2):
        export(page, format="csv", path=f"{n}.csv", download=True)
    assert len(list(tmp_path.iterdir())) == downloads.MAX_KEPT
    page.widget.close()
    assert list(tmp_path.iterdir()) == []


def test_a_picture_of_the_page_becomes_the_background(page, tmp_path):
    buffer = io.BytesIO()
    Image.new("RGB", (80, 48), (200, 30, 90)).save(buffer, "JPEG", quality=95)
    jpeg = base64.b64encode(buffer.getvalue()).decode()
    assert page.ask("set_background", jpeg=jpeg)["type"] == "done"
    options = [
        {"name": "effect", "value": "background"},
        {"name": "background", "value": "picture"},
    ]
    export(page, format="png", path="studio", options=options)
    with Image.open(tmp_path / "studio" / "00003.png") as picture:
        np.testing.assert_allclose(picture.getpixel((0, 0)), (200, 30, 90), atol=4)
    refused = page.ask("set_background", jpeg="bm8gcGljdHVyZQ==")
    assert "is no picture" in refused["text"]


def as_base64(picture: Image.Image, kind: str) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, kind)
    return base64.b64encode(buffer.getvalue()).decode()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (as_base64(Image.new("RGB", (8, 8)), "PNG"), "is no picture"),
        (as_base64(Image.new("RGB", (8, 8)), "EPS"), "is no picture"),
        (
            as_base64(Image.new("L", (8000, 6000)), "JPEG"),
            "8000x6000 pixels: at most 40 megapixels",
        ),
        ("/9j/4AAQ", "is no picture"),
        ("päth", "is no picture"),
    ],
    ids=["PNG", "EPS", "huge", "cut off", "no base64"],
)
def test_a_background_of_another_kind_or_without_end_is_refused(page, content, sentence):
    assert sentence in page.ask("set_background", jpeg=content)["text"]


def test_a_view_cannot_name_a_file_of_the_kernels_machine_as_background(page, tmp_path):
    secret = tmp_path / "secret.png"
    Image.new("RGB", (80, 48), (200, 30, 90)).save(secret)
    options = [
        {"name": "effect", "value": "background"},
        {"name": "background", "value": str(secret)},
    ]
    answer = export(page, format="png", path="studio", options=options)
    assert answer["type"] == "error"
    assert answer["text"].startswith("background is '#rrggbb' or 'picture', got")
    assert not (tmp_path / "studio").exists()


# What is saved


def test_a_view_is_told_what_is_saved(widgets, tmp_path):
    path = tmp_path / "kept" / "a.sam2.zip"
    widget = widgets(autosave=path)
    browser = Browser(widget)
    browser.say("hello")
    assert browser.of("saved")[-1]["state"] == "saved"
    assert browser.of("saved")[-1]["ago_s"] is None
    widget.add_point(0, 20, 12)
    assert browser.of("saved")[-1]["state"] == "unsaved"
    wait_until(lambda: browser.of("saved")[-1]["state"] == "saved")
    told = browser.of("saved")[-1]
    assert told["path"] == str(path) and 0 <= told["ago_s"] < 5
    assert read_session(path).objects
    path.unlink()
    path.parent.rmdir()
    path.parent.touch()
    widget.add_point(0, 21, 12)
    wait_until(lambda: browser.of("saved")[-1]["state"] == "failed")
    path.parent.unlink()
    wait_until(lambda: browser.of("saved")[-1]["state"] == "saved")
    assert len(read_session(path).prompts[1, 0].points) == 2


def test_a_view_whose_word_waits_behind_a_cell_is_told_what_is_saved(
    widgets, tmp_path, monkeypatch
):
    widget = widgets(autosave=tmp_path / "a.sam2.zip")
    browser = Browser(widget, acks=False)
    browser.say("hello")
    widget.add_point(0, 20, 12)
    wait_until(lambda: browser.of("masks") and browser.of("saved")[-1]["state"] == "saved")
    monkeypatch.setattr(flow_control, "GONE_AFTER_S", -1.0)
    widget.add_point(0, 21, 12)
    assert browser.of("saved")[-1]["state"] == "unsaved"
    wait_until(lambda: browser.of("saved")[-1]["state"] == "saved")


def test_a_view_is_told_that_nothing_is_saved_by_itself(page):
    assert page.of("saved")[-1] == {
        "type": "saved",
        "epoch": page.widget.epoch,
        "state": "off",
        "path": "",
        "ago_s": None,
    }


def test_a_new_start_puts_the_saved_session_aside_and_can_be_undone(widgets, tmp_path, monkeypatch):
    monkeypatch.setenv("SAM2WIDGET_AUTOSAVE", str(tmp_path / "sessions"))
    widget = widgets()
    widget.add_point(0, 20, 12)
    widget.propagate()
    results = widget.segmentation.results
    browser = Browser(widget)
    assert browser.ask("start_anew")["type"] == "done"
    assert widget.objects == []
    idle(widget)
    (kept,) = (tmp_path / "sessions" / "set-aside").iterdir()
    assert str(kept) in widget.status["message"] and "undo brings" in widget.status["message"]
    assert masks_of(read_session(kept).results) == masks_of(results)
    widget.undo()
    assert widget.segmentation.results == results
    assert widget.start_anew() != kept  # which stays
    assert widget.start_anew() is None
    widget.close()
    assert widgets().objects == []


def test_a_new_start_without_autosave_says_that_undo_is_all(page):
    assert page.widget.start_anew() is None
    idle(page.widget)
    assert "undo brings" in page.widget.status["message"]
    assert page.widget.objects == [] and "set-aside" not in page.widget.status["message"]
    page.widget.undo()
    assert len(page.widget.objects) == 1


# As Python


def run(script: str, **variables) -> Sam2Widget:
    exec(compile(script, "script", "exec"), variables)
    return variables["w"]


def session_of(widget: Sam2Widget) -> dict:
    saved = widget._saving.snapshot()
    return {
        "objects": saved.objects,
        "prompts": saved.prompts,
        "results": {key: (one.mask, one.source, one.state) for key, one in saved.results.items()},
        "shown": (saved.frame, saved.selected),
        "classes": (saved.classes, saved.current_class, saved.color_by, saved.pixel_size),
        "settings": (saved.clean_masks, saved.non_overlapping, saved.contrast, saved.kind),
    }


def test_the_script_of_a_session_makes_the_same_session(widgets):
    widget = widgets(
        autosave=False, clean_masks=False, auto_propagate="always", non_overlapping=False
    )
    widget.add_point(0, 8.25, 12)
    widget.choose(0, 2)
    widget.add_points(6, [(20, 12), (4, 4.5)], [1, 0], obj=2)
    widget.add_point(3, 30, 3, obj=4)
    widget.choose(3, 1, obj=4)
    widget.add_point(3, 31, 4, obj=4)
    widget.add_box(2, 3, 4, 15.5, 20, obj=2)
    widget.paint(1, [[30, 4], [36, 9]], 3, obj=3)
    widget.add_point(1, 2, 2, label=0, obj=3)
    widget.propagate()
    widget.add_object(9)
    widget.accept(4, 6, obj=1)
    widget.reject(8, obj=2)
    far = np.zeros((HEIGHT, WIDTH), bool)
    far[:3, :5] = True
    widget.import_masks({5: {7: far}, 6: {7: far}})
    widget.update_object(2, name='the "car"', color="#123456", visible=False)
    widget.update_object(3, locked=True)
    widget.classes = {"car": "#aa0000", 'a "bird"': "#00aa00"}
    widget.set_class([2, 9], 'a "bird"')
    widget.set_attributes(2, {"id card": 7}, seen=True)
    widget.color_by, widget.current_class = "class", "car"
    widget.pixel_size = "0.65 x 0.123456789 µm"
    widget.frame, widget.selected = 5, 2
    script = widget.to_python()
    model = ChoosySegmenter(HEIGHT, WIDTH)
    again = run(script, video=CLIP, model=model)
    try:
        assert session_of(again) == session_of(widget)
        assert again.to_python() == script
        assert again.auto_propagate == "always"
    finally:
        again.close()
    assert "# Put the video, 12 frames of 40x24 pixels, into the variable `video` first." in script


def test_a_script_names_files_models_and_options(widgets, tmp_path):
    deep = (CLIP[..., 0].astype(np.uint16) * 200)[:, None]
    np.save(tmp_path / "deep.npy", deep)
    contrast = Contrast((Channel(10, 9000, 0.5, "#ff0000"),))
    widget = widgets(tmp_path / "deep.npy", axes="TCYX", contrast=contrast, autosave=False)
    widget.wait_until_loaded()
    script = widget.to_python()
    assert f"w = Sam2Widget(\n    {str(tmp_path / 'deep.npy')!r},\n" in script
    again = run(script, model=DiscSegmenter(HEIGHT, WIDTH))
    again.wait_until_loaded()
    assert again.contrast == contrast and again.to_python() == script.replace("choosy", "disc")
    again.close()
    pictures = widgets([CLIP[0], CLIP[1]], kind="images", autosave=False, non_overlapping=False)
    script = pictures.to_python()
    assert "kind='images'" in script and "non_overlapping=False" in script
    assert "propagate" not in script


def test_the_browser_gets_the_script(page):
    answer = hear(page, page.say("write_script"), "script")
    assert answer["text"] == page.widget.to_python()
    assert "w.add_point(0, 20.0, 12.0, obj=1)" in answer["text"]
    assert "w.propagate()" in answer["text"]


def test_an_object_without_prompts_is_in_the_script(widgets):
    widget = widgets(autosave=False)
    with pytest.raises(SessionError, match="There is an object 1 already"):
        widget.add_object()
        widget.add_object(1)
    assert "w.add_object(1)" in widget.to_python()


def test_exports_leave_no_thread(widgets):
    before = threading.enumerate()
    widget = widgets(autosave=False)
    widget.add_point(0, 20, 12)
    browser = Browser(widget)
    export(browser)
    hear(browser, browser.say("open_results"), "formats")
    widget.close()
    wait_until(lambda: threads_ended(before))
