"""That the widget stays where it is, whatever happens in it, and fits where it is shown."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import Bench
from tests.browser.test_quickstart import centre_of

MANY = """
w = Sam2Widget(clip.frames_thw3[:12], model=model)
for n in range(200):
    w._session.add_object()
w.selected = 1
"""
PARTS = ("[data-role=stage]", ".s2w-toolbar", ".s2w-controls", ".s2w-table", ".s2w-foot")


def places(bench: Bench) -> list[list[float]]:
    """Left, top, width and height of the parts, relative to the widget; of which the last."""
    return bench.widget.root.evaluate(
        """(root, parts) => {
            const { x, y, width, height } = root.getBoundingClientRect();
            const relative = (part) => {
                const at = root.querySelector(part).getBoundingClientRect();
                return [at.x - x, at.y - y, at.width, at.height];
            };
            return [...parts.map(relative), [width, height]];
        }""",
        list(PARTS),
    )


@contextmanager
def window(bench: Bench, width: int, height: int) -> Iterator[None]:
    """The page in a window of this size, and the notebook without its side bar."""
    before = bench.page.viewport_size
    bench.page.set_viewport_size({"width": width, "height": height})
    bench.page.evaluate(
        "window.jupyterapp.shell.leftCollapsed || window.jupyterapp.shell.collapseLeft()"
    )
    try:
        yield
    finally:
        assert before is not None
        bench.page.set_viewport_size(before)


@pytest.mark.parametrize("width", [360, 600, 900])
def test_nothing_moves_from_the_first_click_to_the_last_review(bench: Bench, width: int) -> None:
    widget = bench.widget
    bench.show(
        "from ipywidgets import Layout\n"
        "w = Sam2Widget(clip.frames_thw3[:24], model=model, autosave=False,\n"
        f"               layout=Layout(width='{width}px'))"
    )
    at_first = places(bench)

    def still() -> None:
        assert places(bench) == at_first

    widget.click(*centre_of(bench))
    still()  # with the choice among three masks
    widget.press("Escape", "c")
    widget.wait_for("objects", 2)
    widget.drag_and_wait((20, 20), (120, 90))
    still()
    widget.press("t")
    expect(widget.button("Stop")).to_be_visible()
    expect(widget.root.locator(".s2w-progress > .s2w-pace")).to_contain_text("frames/s")
    assert places(bench) == at_first
    widget.button("Stop").click()
    expect(widget.button("Propagate")).to_be_visible()
    widget.wait_ready()
    still()
    bench.run("w._show_error('A sentence that says at some length what was wrong. ' * 4)")
    expect(widget.root.get_by_role("alert")).to_be_visible()
    assert places(bench) == at_first
    widget.button("Dismiss").click()
    widget.press("a", "n", "w")
    expect(widget.root.get_by_role("group", name="Proposals")).to_be_visible()
    still()
    widget.press("Escape", "d")
    expect(widget.root.get_by_role("slider", name="Brush radius in pixels")).to_be_visible()
    still()
    for _ in range(6):
        widget.press("c")
    widget.wait_for("objects", 8)
    still()


def test_the_picture_has_most_of_a_large_window(bench: Bench) -> None:
    with window(bench, 1400, 900):
        bench.show("w = Sam2Widget(video, model=model)")
        stage, *_, (width, height) = places(bench)
        share = stage[2] * stage[3] / (width * height)
        assert share >= 0.6, f"{share:.2f} of {width} x {height}"


@pytest.mark.parametrize("window_wh", [(900, 700), (1280, 720), (1280, 900), (1440, 900)])
@pytest.mark.parametrize("width_px", [480, 360], ids=["16:9", "4:3"])
def test_picture_controls_and_time_fit_a_window_together(
    bench: Bench, window_wh: tuple[int, int], width_px: int
) -> None:
    widget = bench.widget
    with window(bench, *window_wh):
        crop = f"np.ascontiguousarray(clip.frames_thw3[:12, :, :{width_px}])"
        bench.show(f"w = Sam2Widget({crop}, model=model, autosave=False)")
        room = bench.page.locator(".jp-WindowedPanel-outer").first.bounding_box()
        stage = widget.stage.bounding_box()
        toolbar, controls, head = (
            widget.root.locator(part).bounding_box()
            for part in (".s2w-toolbar", ".s2w-controls", ".s2w-table-head")
        )
        assert room and stage and toolbar and controls and head
        # The head has the slider, and below that the filmstrip.
        assert head["y"] + head["height"] - toolbar["y"] <= room["height"]
        assert toolbar["height"] < 40, "one row"
        left = room["height"] - toolbar["height"] - controls["height"] - head["height"]
        assert stage["height"] > left - 40 or stage["width"] > toolbar["width"] - 4, "no smaller"


@pytest.mark.parametrize("width", [830, 702, 582])
def test_what_is_said_at_the_foot_is_not_cut_short(bench: Bench, width: int) -> None:
    """The widths are of JupyterLab in windows of 1280 and 900 pixels, with and without side bar."""
    widget = bench.widget
    bench.show(
        "from ipywidgets import Layout\n"
        "w = Sam2Widget(clip.frames_thw3[:24], model=model, autosave=False,\n"
        f"               layout=Layout(width='{width + 18}px'))"
    )

    def cut() -> list[str]:
        return widget.root.evaluate(
            """(root) => [...root.querySelectorAll(".s2w-foot *, .s2w-next *")].filter(
                (one) => one.clientWidth > 0 && one.scrollWidth > one.clientWidth
            ).map((one) => one.textContent)"""
        )

    note = widget.root.get_by_text("small offline model")
    expect(note).to_be_visible()
    widget.click(*centre_of(bench))
    assert cut() == []
    widget.press("t")
    expect(widget.root.locator(".s2w-progress > .s2w-pace")).to_contain_text("frames/s")
    assert cut() == []
    widget.button("Stop").click()
    widget.wait_ready()
    expect(note).to_be_visible()
    assert cut() == []


def test_names_of_objects_are_read_in_a_narrow_view(bench: Bench) -> None:
    widget = bench.widget
    bench.show(
        "from ipywidgets import Layout\n"
        "w = Sam2Widget(clip.frames_thw3[:4], model=model, autosave=False,\n"
        "               layout=Layout(width='440px'))"
    )
    widget.press("c", "c", "c")
    widget.wait_for("objects", 3)
    names = widget.root.locator(".s2w-name input")
    expect(names).to_have_count(3)
    shown = names.evaluate_all("(all) => all.map((one) => one.scrollWidth <= one.clientWidth)")
    assert shown == [True, True, True]


def rows(table: Locator) -> list[int]:
    """The objects whose rows are on the page."""
    return table.locator(".s2w-object").evaluate_all(
        "(rows) => rows.map((row) => Number(row.dataset.object))"
    )


def test_of_two_hundred_objects_only_those_in_sight_are_drawn(bench: Bench) -> None:
    widget = bench.widget
    bench.show(MANY)
    widget.wait_for("objects", 200)
    table = widget.root.get_by_role("region", name="Objects")
    body = table.locator(".s2w-table-body")
    body.scroll_into_view_if_needed()
    assert rows(table)[0] == 1 and len(rows(table)) < 15
    body.evaluate("(body) => { body.scrollTop = 100 * 26; }")
    widget.eventually(lambda: 101 in rows(table))
    assert len(rows(table)) < 15
    first = table.locator("[data-object='101']").bounding_box()
    inside, head = (part.bounding_box() for part in (body, table.locator(".s2w-table-head")))
    assert first and inside and head
    assert abs(first["y"] - (head["y"] + head["height"])) < 2
    # Names and lanes scroll as one, and nothing else does.
    scrollers = table.evaluate(
        """(table) => [...table.querySelectorAll("*")].filter(
            (one) => one.scrollHeight > one.clientHeight + 1 &&
                ["auto", "scroll"].includes(getComputedStyle(one).overflowY)
        ).length"""
    )
    assert scrollers == 1
    bench.run("w.selected = 150")
    expect(widget.button("Select Object 150")).to_be_in_viewport()
    widget.press("Control+ArrowDown")
    expect(widget.button("Select Object 151")).to_have_attribute("aria-pressed", "true")
    body.evaluate("(body) => { body.scrollTop = body.scrollHeight; }")
    expect(widget.button("Select Object 200")).to_be_in_viewport()
    assert len(rows(table)) < 15
    table.get_by_role("button", name="Objects and lanes").click()
    expect(widget.root.get_by_role("slider", name="Frame")).to_be_visible()
    assert (table.bounding_box() or {"height": 999})["height"] < 70


def test_time_is_zoomed_and_walked_by_keyframes(bench: Bench) -> None:
    widget = bench.widget
    last = len(bench.clip.truth_thw) - 1
    for frame in (2, last - 2):
        widget.go_to(frame)
        widget.click(*centre_of(bench, frame))
    widget.press("ArrowUp")
    widget.wait_for("frame-drawn", 2)
    widget.press("ArrowUp")
    widget.press("ArrowDown")
    widget.wait_for("frame-drawn", last - 2)

    lane = widget.lane()
    bounds = lane.bounding_box()
    assert bounds is not None

    def frame_at(share: float) -> int:
        lane.click(position={"x": share * bounds["width"], "y": bounds["height"] / 2})
        return int(widget.root.get_by_role("slider", name="Frame").input_value())

    assert frame_at(0.5) == (last + 1) // 2
    for _ in range(4):
        widget.press("Alt+=")
    low, high = frame_at(0.02), frame_at(0.98)
    assert 0 < low < high < last and high - low < (last + 1) / 4
    # The slider's thumb stands where the lanes have the frame.
    widget.go_to(high)
    thumb = widget.root.locator(".s2w-lanes .s2w-playhead").evaluate(
        "(line) => Number(getComputedStyle(line).getPropertyValue('--s2w-at'))"
    )
    assert thumb == pytest.approx(0.98, abs=0.06)
    widget.go_to(0)  # the axis goes along
    assert frame_at(0.02) == 0
    bench.page.mouse.move(bounds["x"] + bounds["width"] / 2, bounds["y"] + 5)
    bench.page.keyboard.down("Control")
    bench.page.mouse.wheel(0, 2000)
    bench.page.keyboard.up("Control")
    assert frame_at(0.98) >= last - 1
    expect(widget.button("Show all of the time")).to_be_disabled()


def test_a_place_of_a_lane_is_shown_under_the_pointer(bench: Bench) -> None:
    widget = bench.widget
    bench.show("w = Sam2Widget(clip.frames_thw3[:8], model=model, autosave=False)")
    widget.click(*centre_of(bench))
    widget.press("t")
    expect(widget.lane()).to_have_attribute("aria-label", re.compile("7 tracked"))
    widget.wait_ready()
    widget.lane().hover(position={"x": 3, "y": 8})
    card = widget.root.locator(".s2w-card")
    expect(card).to_contain_text("Frame 0")
    bounds = widget.lane().bounding_box()
    assert bounds is not None
    widget.lane().hover(position={"x": bounds["width"] * 0.7, "y": 8})
    expect(card).to_contain_text(re.compile(r"Frame 5.*Object 1 · 0\.\d\d · tracked"))
    colours = """(canvas) => {
        const { width, height } = canvas;
        const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
        return new Set(new Uint32Array(data.buffer)).size;
    }"""
    widget.eventually(lambda: card.locator("canvas").evaluate(colours) > 50)
    widget.point_at(5, 5)
    expect(card).to_be_hidden()


def test_a_double_clicked_name_takes_every_letter(bench: Bench) -> None:
    widget = bench.widget
    widget.click(*centre_of(bench))
    mask = bench.masks(1)[0]
    name = widget.root.get_by_role("textbox", name="Name of Object 1")
    at = name.bounding_box()
    assert at is not None
    bench.page.mouse.dblclick(at["x"] + 8, at["y"] + at["height"] / 2)
    expect(name).to_be_focused()
    bench.page.keyboard.type("rat dx")
    bench.page.keyboard.press("Enter")
    expect(widget.button("Select rat dx")).to_be_visible()
    assert json.loads(bench.run("import json; print(json.dumps(w.objects[0]))"))["name"] == "rat dx"
    assert (bench.masks(1)[0] == mask).all()


def test_tooltips_come_at_once_and_name_the_key(bench: Bench) -> None:
    widget = bench.widget
    widget.button("Brush").hover()
    tip = widget.root.locator(".s2w-tip:not(.s2w-card)")
    expect(tip).to_be_visible(timeout=300)
    expect(tip).to_contain_text("Brush")
    expect(tip.locator("kbd")).to_have_text("D")
    widget.button("Redo").hover()  # which can do nothing
    expect(tip).to_contain_text("Nothing to redo")
    assert widget.root.locator("[title]").count() == 0
    widget.point_at(5, 5)
    expect(tip).to_be_hidden()


def test_the_menu_of_propagate_lies_inside_the_window(bench: Bench) -> None:
    widget = bench.widget
    widget.click(*centre_of(bench))
    widget.button("How to propagate").click()
    panel = widget.root.get_by_role("group", name="How to propagate")
    at = panel.bounding_box()
    size = bench.page.viewport_size
    assert at is not None and size is not None
    assert at["x"] >= 0 and at["x"] + at["width"] <= size["width"]
    expect(widget.button("Propagate forward")).to_be_focused()
    bench.page.keyboard.press("ArrowDown")
    expect(widget.button("Propagate backward")).to_be_focused()
    bench.page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(widget.button("How to propagate")).to_be_focused()


@pytest.mark.parametrize(("width", "num_rows"), [(900, 1), (800, 1), (600, 2)])
def test_the_bar_of_proposals_lies_in_the_picture_with_its_words_together(
    bench: Bench, width: int, num_rows: int
) -> None:
    widget = bench.widget
    bench.run(f"w.layout.width = '{width}px'")
    expect(widget.root).to_have_css("width", f"{width}px")
    widget.press("w")
    bar = widget.root.get_by_role("group", name="Proposals")
    expect(bar).to_contain_text(re.compile(r"\d+ proposals, 0 selected"))
    parts = bar.locator(".s2w-bar-text, button, input, label").filter(visible=True)
    middles = parts.evaluate_all(
        """(parts) => parts.map((one) => {
            const { top, bottom } = one.getBoundingClientRect();
            return Math.round((top + bottom) / 2);
        })"""
    )
    assert middles[-3:] == [middles[-1]] * 3, "the field, its box and the word beside that"
    assert max(middles) - min(middles) < (8 if num_rows == 1 else 50), "no more rows than that"
    field = bar.get_by_role("textbox").bounding_box()
    at, stage = bar.bounding_box(), widget.stage.bounding_box()
    assert field and at and stage and field["width"] > 90
    assert stage["x"] <= at["x"] and at["x"] + at["width"] <= stage["x"] + stage["width"]


def test_beside_its_panel_it_keeps_a_width_to_work_in(bench: Bench) -> None:
    with window(bench, 1000, 900):
        bench.show(
            "from ipywidgets import HBox\n"
            "w = Sam2Widget(video, model=model)\n"
            "display(HBox([w, w.panel]))"
        )
        page = bench.page
        expect(page.locator(".sam2widget")).to_have_count(2)
        beside = page.locator(".widget-hbox .sam2widget").bounding_box()
        assert beside is not None and beside["width"] >= 590
    with window(bench, 1400, 900):
        widget_at = page.locator(".widget-hbox .sam2widget").bounding_box()
        panel_at = page.locator(".widget-hbox canvas[width='480']").first.bounding_box()
        assert widget_at is not None and panel_at is not None
        assert widget_at["width"] >= 590


def test_terms_of_the_key_dialog_stay_in_their_column(bench: Bench) -> None:
    widget = bench.widget
    widget.press("?")
    dialog = widget.root.get_by_role("dialog")
    expect(dialog).to_be_visible()
    off = dialog.evaluate(
        """(dialog) => [...dialog.querySelectorAll("dl")].flatMap((list) =>
            [...list.querySelectorAll("dt")].filter((term) => {
                const [of, its] = [list, term].map((one) => one.getBoundingClientRect());
                const says = term.nextElementSibling.getBoundingClientRect();
                return its.left < of.left - 0.5 || its.right > says.left ||
                    Math.abs(its.top - says.top) > 12 ||
                    term.scrollWidth > term.clientWidth + 1;
            }).map((term) => term.textContent))"""
    )
    assert off == []
    bench.page.keyboard.press("Escape")
