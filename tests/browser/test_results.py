"""The menu of results in JupyterLab: exports, downloads, the clipboard, effects on the stage."""

from __future__ import annotations

import base64
import io
import json
import re
import zipfile
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Download, JSHandle, Locator, expect

from tests.browser.conftest import Bench
from tests.browser.test_quickstart import centre_of

LONG = """
w = Sam2Widget(np.broadcast_to(clip.frames_thw3[0], (1500, *clip.frames_thw3.shape[1:])),
               model=model, autosave=False)
"""
TEMPORARY = """
import tempfile
from pathlib import Path
print(sorted(Path(tempfile.gettempdir()).glob("sam2widget-*")))
"""
RENDERED = """
from sam2widget.export.effects.frame_effect import FrameEffect
effect = FrameEffect.make(w.segmentation, {effect!r}, **{options!r}).render(w.segmentation, 0)
np.save({path!r}, effect)
"""


def open_menu(bench: Bench) -> Locator:
    bench.widget.button("Results").click()
    panel = bench.widget.root.get_by_role("group", name="Results")
    expect(panel.get_by_role("textbox", name="Where the export goes")).not_to_have_value("")
    return panel


def picture_of(bench: Bench) -> np.ndarray:
    """What the stage shows, RGB, as large as its canvas."""
    canvas = bench.widget.root.locator(".s2w-screen canvas").first
    url = canvas.evaluate("(canvas) => canvas.toDataURL('image/png')")
    with Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))) as picture:
        return np.asarray(picture.convert("RGB"))


def rendered(bench: Bench, effect: str, hw: tuple[int, int], **options: object) -> np.ndarray:
    """What Python makes of the frame, RGB, as large as the stage's canvas."""
    path = str(bench.scratch / "effect.npy")
    bench.run(RENDERED.format(effect=effect, options=options, path=path))
    picture = Image.fromarray(np.load(path))
    if picture.mode == "RGBA":
        white = Image.new("RGBA", picture.size, (255, 255, 255, 255))
        white.alpha_composite(picture)
        picture = white.convert("RGB")
    return np.asarray(picture.resize(hw[::-1], Image.Resampling.BICUBIC))


@pytest.mark.parametrize("effect", ["cutout", "blur", "spotlight", "outline", "background"])
def test_the_stage_shows_the_effect_that_python_writes(bench: Bench, effect: str) -> None:
    widget = bench.widget
    widget.click(*centre_of(bench))
    plain = picture_of(bench)
    panel = open_menu(bench)
    panel.get_by_role("combobox", name="Effect").select_option(effect)
    widget.wait_for("effect-drawn", effect)
    widget.button("Results").click()
    shown = picture_of(bench)
    assert np.abs(shown.astype(int) - plain).mean() > (0.3 if effect == "outline" else 5)
    difference = np.abs(shown.astype(int) - rendered(bench, effect, shown.shape[:2])).max(axis=2)
    if effect == "cutout":  # the browser draws squares where there is nothing
        difference = np.where(shown.min(axis=2) > 200, 0, difference)
    assert np.median(difference) <= 6
    assert np.percentile(difference, 97) <= 40
    assert difference.mean() < 8
    widget.root.screenshot(path=f"test-results/effect-{effect}.png")

    widget.button("End the effect").click()
    widget.wait_for("effect-drawn", "overlay")
    assert np.abs(picture_of(bench).astype(int) - plain).mean() < 1


def test_an_effect_is_of_the_selected_object_and_as_strong_as_said(bench: Bench) -> None:
    widget = bench.widget
    x, y = centre_of(bench)
    widget.click(x, y)
    bench.run("w.add_box(0, 5, 5, 60, 60, obj=2)")
    widget.wait_for("objects", 2)
    bench.run("w.selected = 1")
    panel = open_menu(bench)
    panel.get_by_role("combobox", name="Effect").select_option("spotlight")
    widget.wait_for("effect-drawn", "spotlight")
    panel.get_by_role("slider", name="Strength of the effect").fill("1")
    panel.get_by_role("switch", name="Selected object only").check()
    widget.eventually(lambda: widget.pixel(470, 260)[:3] == (0, 0, 0))
    assert max(widget.pixel(x, y)[:3]) > 20
    hidden = picture_of(bench)
    expected = rendered(bench, "spotlight", hidden.shape[:2], objects=[1], strength=1.0)
    assert np.abs(hidden.astype(int) - expected).mean() < 4


def test_an_export_goes_to_a_place_that_one_sees(bench: Bench) -> None:
    widget = bench.widget
    widget.click(*centre_of(bench))
    panel = open_menu(bench)
    panel.get_by_role("combobox", name="Format").select_option("coco")
    place = panel.get_by_role("textbox", name="Where the export goes")
    path = bench.scratch / "made" / "out.json"
    place.fill(str(path))
    panel.get_by_role("combobox", name="outline").select_option("polygons")
    panel.get_by_role("button", name="Export", exact=True).click()
    expect(panel.get_by_text(f"Wrote {path} (")).to_be_visible()
    document = json.loads(path.read_text())
    assert isinstance(document["annotations"][0]["segmentation"], list)
    widget.root.screenshot(path="test-results/results-menu.png")

    panel.get_by_role("button", name="Export", exact=True).click()
    question = panel.get_by_role("alertdialog", name="Replace?")
    expect(question).to_contain_text(f"There is a file {path} already.")
    widget.root.screenshot(path="test-results/results-question.png")
    question.get_by_role("button", name="Write out-2.json").click()
    expect(panel.get_by_text(re.compile(r"Wrote .*out-2\.json"))).to_be_visible()
    assert (path.parent / "out-2.json").exists()
    bench.page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(widget.button("Results")).to_be_focused()


@pytest.mark.parametrize("format", ["npz", "png"])
def test_a_download_arrives_in_the_browser(bench: Bench, tmp_path: Path, format: str) -> None:
    widget = bench.widget
    widget.click(*centre_of(bench))
    panel = open_menu(bench)
    panel.get_by_role("combobox", name="Format").select_option(format)
    with bench.page.expect_download() as waiting:
        panel.get_by_role("button", name="Download", exact=True).click()
    waiting.value.save_as(tmp_path / "got")
    expect(panel.get_by_text("is in your browser's downloads")).to_be_visible()
    if format == "npz":
        assert waiting.value.suggested_filename.endswith("-masks.npz")
        with np.load(tmp_path / "got") as found:
            np.testing.assert_array_equal(found["1"], bench.masks())
    else:
        assert waiting.value.suggested_filename.endswith("-overlay.zip")
        assert (tmp_path / "got").stat().st_size > 1024 * 1024  # of several parts
        with zipfile.ZipFile(tmp_path / "got") as archive:
            assert archive.testzip() is None
            assert len(archive.namelist()) == len(bench.masks())


def show_long_film(bench: Bench) -> Locator:
    """Show a film whose export takes seconds, with a mask; the open menu of results."""
    bench.show(LONG)
    bench.run("w.add_mask(0, clip.masks[1][0], obj=1)")
    bench.widget.wait_for("objects", 1)
    panel = open_menu(bench)
    panel.get_by_role("combobox", name="Format").select_option("mp4")
    return panel


def watch(panel: Locator) -> JSHandle:
    """Note how far exports say they are: shares of 1, and the words beside them."""
    return panel.evaluate_handle(
        """(panel) => {
            const seen = [];
            const bar = panel.querySelector("progress");
            const pace = panel.querySelector(".s2w-export-pace");
            const look = () => seen.push([bar.value, pace.textContent]);
            const options = { subtree: true, childList: true, attributes: true };
            new MutationObserver(look).observe(bar.parentElement, options);
            return seen;
        }"""
    )


@pytest.mark.parametrize("to", ["Export", "Download"])
def test_an_export_is_watched_and_cancelled_and_leaves_nothing(
    bench: Bench, tmp_path: Path, to: str
) -> None:
    widget = bench.widget
    panel = show_long_film(bench)
    folder = tmp_path / "films"
    folder.mkdir()
    panel.get_by_role("textbox", name="Where the export goes").fill(str(folder / "out.mp4"))
    before = bench.run(TEMPORARY)
    downloads: list[Download] = []

    def note(download: Download) -> None:
        downloads.append(download)

    bench.page.on("download", note)
    export = panel.get_by_role("button", name=to, exact=True)
    export.click()
    bar = panel.get_by_role("progressbar", name="Export")
    cancel = panel.get_by_role("button", name="Cancel export")
    expect(panel.get_by_text(re.compile(r"Frame \d+ of 1500"))).to_be_visible()
    expect(cancel).to_be_focused()
    widget.eventually(lambda: 0 < bar.evaluate("(bar) => bar.value") < 1)
    first = bar.evaluate("(bar) => bar.value")
    widget.eventually(lambda: bar.evaluate("(bar) => bar.value") > first)
    widget.root.screenshot(path="test-results/export-running.png")
    cancel.click()
    said = panel.get_by_text("The export was cancelled: nothing of it stays.")
    expect(said).to_be_visible()
    expect(bar).to_be_hidden()
    assert list(folder.iterdir()) == [] and downloads == []
    assert bench.run(TEMPORARY) == before

    # The next one is begun in the same way.
    panel.get_by_role("combobox", name="Format").select_option("npz")
    place = panel.get_by_role("textbox", name="Where the export goes")
    place.fill(str(folder / "masks.npz"))
    panel.get_by_role("button", name="Export", exact=True).click()
    expect(panel.get_by_text(f"Wrote {folder / 'masks.npz'} (")).to_be_visible()
    bench.page.remove_listener("download", note)


def test_an_export_is_watched_to_its_end_and_downloaded(bench: Bench, tmp_path: Path) -> None:
    panel = show_long_film(bench)
    seen = watch(panel)
    with bench.page.expect_download() as waiting:
        panel.get_by_role("button", name="Download", exact=True).click()
        expect(panel.get_by_text(re.compile(r"Frame \d+ of 1500"))).to_be_visible()
        bench.run("w.frame = 700")
        bench.widget.wait_for("frame-drawn", 700)  # meanwhile, the widget is in use
    waiting.value.save_as(tmp_path / "got.mp4")
    expect(panel.get_by_text("is in your browser's downloads")).to_be_visible()
    expect(panel.get_by_role("progressbar", name="Export")).to_be_hidden()
    shares = [share for share, text in seen.json_value() if text.startswith("Frame ")]
    assert len(set(shares)) >= 5 and shares == sorted(shares)
    assert any(text.endswith(" left") for _, text in seen.json_value())
    with av.open(tmp_path / "got.mp4") as film:
        assert sum(1 for _ in film.decode(video=0)) == 1500


def copied_picture(bench: Bench) -> np.ndarray:
    """The picture in the clipboard, once it is not being changed."""
    data = bench.page.wait_for_function(
        """async () => {
            try {
                const [item] = await navigator.clipboard.read();
                const picture = await item.getType("image/png");
                const bytes = new Uint8Array(await picture.arrayBuffer());
                return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
            } catch {
                return null;
            }
        }""",
        polling=100,
    ).json_value()
    with Image.open(io.BytesIO(base64.b64decode(data))) as picture:
        return np.asarray(picture)


def test_frames_masks_and_the_session_are_copied(bench: Bench) -> None:
    widget, page = bench.widget, bench.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    widget.click(*centre_of(bench))
    panel = open_menu(bench)
    copies = panel.get_by_role("group", name="Copy")
    copies.get_by_role("button", name="Mask", exact=True).click()
    expect(copies.get_by_text("Copied.")).to_be_visible()
    mask = copied_picture(bench)
    np.testing.assert_array_equal(mask[..., 0] == 255, bench.masks()[0])
    copies.get_by_role("button", name="Frame", exact=True).click()
    widget.eventually(lambda: copied_picture(bench)[..., :3].std() != mask[..., :3].std())
    expect(copies.get_by_text("Copied.")).to_be_visible()
    frame = copied_picture(bench)
    truth = np.asarray(json.loads(bench.run("print(w.segmentation.video[0].mean(2).tolist())")))
    assert np.abs(frame[..., :3].mean(axis=2) - truth).mean() < 4  # it came as JPEG
    copies.get_by_role("button", name="As Python").click()
    script = bench.run("print(w.to_python())").strip()
    read = "navigator.clipboard.readText().catch(() => '')"
    widget.eventually(lambda: page.evaluate(read).strip() == script)
    # Run in the kernel, it makes the same prompts.
    bench.run(f"made = dict()\nexec({script!r}, made)")
    assert bench.run("print(made['w'].prompts(0) == w.prompts(0))").strip() == "True"
    bench.run("made['w'].close()")


def test_a_new_start_is_asked_about_and_can_be_undone(bench: Bench) -> None:
    widget, scratch = bench.widget, bench.scratch
    bench.show(f"w = Sam2Widget(video, model=model, autosave={str(scratch / 'a.sam2.zip')!r})")
    widget.click(*centre_of(bench))
    saved = widget.root.locator(".s2w-saved")
    expect(saved).to_have_text(re.compile(r"Saved (just now|\d+ s ago)"))
    assert saved.get_attribute("data-tip") == f"In {scratch / 'a.sam2.zip'}"
    panel = open_menu(bench)
    panel.get_by_role("button", name="Start anew…").click()
    question = panel.get_by_role("alertdialog", name="Start anew?")
    expect(question).to_contain_text("Remove the object, with prompts and masks?")
    question.get_by_role("button", name="Keep them").click()
    widget.wait_for("objects", 1)
    panel.get_by_role("button", name="Start anew…").click()
    question.get_by_role("button", name="Start anew").click()
    widget.wait_for("objects", 0)
    assert [one.name for one in (scratch / "set-aside").iterdir()] == ["a.sam2.zip"]
    bench.run("w.undo()")
    widget.wait_for("objects", 1)


@pytest.mark.parametrize("width", [300, 600, 900])
def test_the_menu_lies_inside_the_window(bench: Bench, width: int) -> None:
    bench.show(
        "from ipywidgets import Layout\n"
        f"w = Sam2Widget(video, model=model, layout=Layout(width='{width}px'))"
    )
    panel = open_menu(bench)
    inside, window = panel.bounding_box(), bench.page.viewport_size
    assert inside is not None and window is not None
    assert inside["x"] >= 0 and inside["x"] + inside["width"] <= window["width"]
    assert inside["y"] >= 0 and inside["y"] + inside["height"] <= window["height"]
    bench.page.screenshot(path=f"test-results/results-{width}.png")
