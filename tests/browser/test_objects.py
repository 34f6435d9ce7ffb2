"""The list of objects in JupyterLab, and everything mode, which fills it."""

from __future__ import annotations

import json
import re

import numpy as np
from playwright.sync_api import expect

from tests.browser.conftest import Bench
from tests.browser.test_quickstart import centre_of


def test_objects_are_named_coloured_hidden_shown_alone_and_locked(bench: Bench) -> None:
    widget = bench.widget
    x, y = centre_of(bench)
    plain = widget.pixel(x + 10, y)
    widget.click(x, y)
    widget.point_at(1, 1)
    name = widget.root.get_by_role("textbox", name="Name of Object 1")
    name.fill("car")
    name.press("Enter")
    expect(widget.button("Select car")).to_be_visible()
    tinted = widget.pixel(x + 10, y)
    widget.root.get_by_label("Colour of car").fill("#00ff00")
    widget.eventually(lambda: widget.pixel(x + 10, y) not in (plain, tinted))
    told = json.loads(bench.run("import json; print(json.dumps(w.objects[0]))"))
    assert (told["name"], told["color"]) == ("car", "#00ff00")

    widget.press("v")
    widget.eventually(lambda: widget.pixel(x + 10, y) == plain)
    expect(widget.button("Show car")).to_have_count(1)
    widget.press("v")
    widget.eventually(lambda: widget.pixel(x + 10, y) != plain)

    widget.press("c")
    widget.wait_for("objects", 2)
    widget.press("s")  # the new one alone, which has no mask
    widget.eventually(lambda: widget.pixel(x + 10, y) == plain)
    widget.press("s", "1", "k")
    expect(widget.button("Unlock car")).to_have_attribute("aria-pressed", "true")
    mask = bench.masks(1)[0]
    widget.stage.click(position={"x": 30, "y": 30})
    expect(widget.root.get_by_role("alert")).to_contain_text("locked")
    np.testing.assert_array_equal(bench.masks(1)[0], mask)


def test_there_are_as_many_objects_as_one_likes(bench: Bench) -> None:
    widget = bench.widget
    for n in range(12):
        widget.press("c")
        widget.wait_for("objects", n + 1)
    widget.press("9")
    expect(widget.button("Select Object 9")).to_have_attribute("aria-pressed", "true")
    bench.run("assert w.selected == 9; w.selected = 12")
    expect(widget.button("Select Object 12")).to_have_attribute("aria-pressed", "true")
    widget.root.get_by_role("button", name="Remove object", exact=True).click()
    widget.wait_for("objects", 11)
    widget.press("Control+z")
    widget.wait_for("objects", 12)


def test_everything_on_a_frame_is_proposed_and_adopted(bench: Bench) -> None:
    widget = bench.widget
    bench.show("w = Sam2Widget(clip.frames_thw3[:4], model=model)")
    bar = widget.root.get_by_role("group", name="Proposals")
    widget.press("w")
    expect(bar).to_contain_text(re.compile(r"\d+ proposals, 0 selected"))
    found = json.loads(
        bench.run(
            "import json; from scipy import ndimage; import numpy as np\n"
            "def inside(p):\n"
            "    d = ndimage.distance_transform_edt(np.pad(p.mask.to_array(), 1))[1:-1, 1:-1]\n"
            "    y, x = np.unravel_index(d.argmax(), d.shape)\n"
            "    return [int(p.id), float(x) + 0.5, float(y) + 0.5, float(d.max())]\n"
            "print(json.dumps([inside(p) for p in w.proposals(0)]))"
        )
    )
    assert len(found) >= 3
    # The thickest one whose middle the bar leaves free.
    _, x, y, _ = max((f for f in found if f[2] < 0.6 * widget.height), key=lambda f: f[3])
    widget.point_at(x, y)
    bench.page.mouse.down()
    bench.page.mouse.up()
    expect(bar).to_contain_text("1 selected")
    bar.get_by_role("button", name="Add as objects").click()
    widget.wait_for("objects", 1)
    expect(bar).to_contain_text(f"{len(found) - 1} proposals")
    assert bench.masks(1)[0].any()

    bar.get_by_role("button", name="Mark all proposals").click()
    expect(bar).to_contain_text(f"{len(found) - 1} selected")
    widget.press("m")
    widget.wait_for("objects", 2)
    expect(bar).to_contain_text("No proposals left")
    widget.press("Control+z")
    widget.wait_for("objects", 1)
    widget.press("p")
    expect(bar).to_be_hidden()

    widget.press("t")
    expect(widget.lane(1)).to_have_attribute("aria-label", re.compile("3 tracked"))
