"""Models are chosen in the widget: by name or path, with their download, and with what fails."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import Bench
from tests.browser.test_first_minute import line
from tests.browser.test_quickstart import centre_of
from tests.browser.widget_page import WidgetPage

HUB = """
import hashlib, threading, tempfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from sam2_backend.checkpoints.loading import bundled_file
import huggingface_hub.constants as constants
content = bundled_file("nano").read_bytes()
gate = threading.Event()
class Hub(BaseHTTPRequestHandler):
    def do_HEAD(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.send_header("X-Repo-Commit", "0123456789abcdef0123456789abcdef01234567")
        self.end_headers()
    def do_GET(self):
        self.do_HEAD()
        self.wfile.write(content[:4_000_000])
        self.wfile.flush()
        gate.wait(120)
        self.wfile.write(content[4_000_000:])
    def log_message(self, *_):
        pass
server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
threading.Thread(target=server.serve_forever, daemon=True).start()
constants.HF_HUB_OFFLINE = False
constants.HF_HUB_CACHE = tempfile.mkdtemp()
constants.ENDPOINT = f"http://127.0.0.1:{server.server_port}"
constants.HUGGINGFACE_CO_URL_TEMPLATE = (
    constants.ENDPOINT + "/{repo_id}/resolve/{revision}/{filename}"
)
"""

UNSURE = """
from dataclasses import replace
from sam2_backend import load_model
from sam2widget.models.sam2 import Sam2Segmenter
short = open_video(clip.frames_thw3[:8])
class Unsure(Sam2Segmenter):
    def prompt(self, frame, obj, prompts):
        return replace(super().prompt(frame, obj, prompts), iou=0.31)
w = Sam2Widget(short, model=Unsure(load_model("nano"), short), autosave=False)
"""


def open_menu(widget: WidgetPage) -> Locator:
    widget.root.locator("button.s2w-model").click()
    menu = widget.root.get_by_role("menu", name="Models")
    expect(menu).to_be_visible()
    return menu


def choose(widget: WidgetPage, model: str) -> None:
    menu = open_menu(widget)
    menu.get_by_role("textbox").fill(model)
    menu.get_by_role("button", name="Load").click()
    expect(menu).to_be_hidden()


@pytest.fixture(autouse=True)
def _on_nano(bench: Bench) -> None:
    bench.show("w = Sam2Widget(clip.frames_thw3[:8], model='nano', autosave=False)")


def test_the_menu_lists_models_and_is_used_with_keys(bench: Bench) -> None:
    widget, page = bench.widget, bench.page
    menu = open_menu(widget)
    items = menu.get_by_role("menuitemradio")
    expect(items).to_have_count(5)
    expect(items.first).to_have_attribute("aria-checked", "true")
    expect(items.first).to_contain_text("nano")
    expect(items.nth(1)).to_contain_text(re.compile("SAM 2.1 tiny.*(download of|on this machine)"))
    bounds, box = widget.root.bounding_box(), menu.bounding_box()
    assert bounds is not None and box is not None
    assert box["x"] >= bounds["x"] and box["x"] + box["width"] <= bounds["x"] + bounds["width"]
    page.keyboard.press("ArrowDown")
    expect(items.nth(1)).to_be_focused()
    page.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    expect(widget.root.locator("button.s2w-model")).to_be_focused()


def test_another_model_keeps_prompts_and_makes_what_was_tracked_stale(bench: Bench) -> None:
    widget = bench.widget
    path = bench.scratch / "mine.safetensors"
    bench.run(
        "from sam2_backend.checkpoints.loading import bundled_file; import shutil\n"
        f"shutil.copy(bundled_file('nano'), {str(path)!r})"
    )
    widget.click(*centre_of(bench))
    widget.propagate()
    bench.run("w.accept(3)")
    bench.run("first = w._session.segmenter")
    choose(widget, str(path))
    widget.eventually(lambda: "False" in bench.run("print(w._session.segmenter is first)"))
    expect(widget.root.locator(".s2w-status")).to_contain_text("Accepted masks stay")
    expect(line(widget)).to_contain_text("6 masks out of date")
    timeline = bench.run("t = w.timeline(1); print(t.prompted, t.accepted, t.stale, t.tracked)")
    assert timeline.split() == ["[0]", "[(3,", "4)]", "[(1,", "3),", "(4,", "8)]", "[]"]
    widget.propagate()
    assert bench.run("print(w.timeline(1).stale)").strip() == "[]"


def test_the_memory_policy_is_chosen_there_too(bench: Bench) -> None:
    widget = bench.widget
    widget.click(*centre_of(bench))
    widget.propagate()
    choice = open_menu(widget).get_by_role("combobox", name="Memory policy")
    expect(choice).to_have_value("plain")
    choice.select_option("motion")
    widget.eventually(lambda: "motion" in bench.run("print(w.memory)"))
    expect(line(widget)).to_contain_text("7 masks out of date")
    expect(choice).to_have_value("motion")
    bench.page.keyboard.press("Escape")
    widget.propagate()
    assert bench.run("print(w.timeline(1).stale, w.memory)").split() == ["[]", "motion"]


def test_one_that_cannot_be_loaded_is_said_and_the_old_one_works(bench: Bench) -> None:
    widget = bench.widget
    choose(widget, "no-such-model")
    alert = widget.root.get_by_role("alert")
    expect(alert).to_contain_text("Unknown model 'no-such-model'")
    expect(alert).to_contain_text("nano stays in use")
    widget.click(*centre_of(bench))
    assert bench.masks()[0].any()


def test_a_download_shows_how_far_it_is_and_can_be_cancelled(bench: Bench) -> None:
    widget = bench.widget
    bench.run(HUB)
    choose(widget, "somebody/cells")
    expect(line(widget)).to_contain_text(re.compile(r"Downloading somebody/cells: .* of 11 MB"))
    widget.click(*centre_of(bench))  # meanwhile the model at hand goes on
    assert bench.masks()[0].any()
    widget.button("Cancel the model").click()
    expect(line(widget)).to_contain_text(re.compile("Press 1, 2 or 3|Propagate|better"))
    expect(widget.root.get_by_role("alert")).to_be_hidden()
    bench.run("first = w._session.segmenter; gate.set()")
    choose(widget, "somebody/cells")
    widget.eventually(lambda: "False" in bench.run("print(w._session.segmenter is first)"))
    bench.run("server.shutdown(); constants.HF_HUB_OFFLINE = True")


def test_a_better_model_is_offered_once_where_nano_is_unsure(bench: Bench) -> None:
    widget = bench.widget
    bench.run("from sam2widget import open_video")
    bench.show(UNSURE)
    widget.click(*centre_of(bench))
    expect(line(widget)).to_contain_text("Only 31 % sure of this mask. SAM 2.1 tiny is better")
    expect(widget.root.get_by_role("button", name="Use SAM 2.1 tiny")).to_be_visible()
    for width in (1100, 720, 600):
        bench.run(f"w.layout.width = '{width}px'")
        expect(widget.root).to_have_css("width", f"{width}px")
        assert line(widget).evaluate("(one) => one.scrollWidth <= one.clientWidth"), (
            f"cut at {width} px"
        )
    widget.button("Not now").click()
    expect(line(widget)).not_to_contain_text("SAM 2.1 tiny")
    widget.click(20, 20, modifiers=["Shift"])
    widget.wait_ready()
    expect(line(widget)).not_to_contain_text("SAM 2.1 tiny")
