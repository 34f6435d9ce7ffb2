"""Classes and attributes of objects, picked, pressed and typed in JupyterLab."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from playwright.sync_api import expect

from sam2widget.cli.demo import deepest_point
from sam2widget.samples import sample_clip
from tests.browser.conftest import SCREENSHOTS, Bench
from tests.browser.test_quickstart import centre_of

DIVIDES = 6
"""The frame on which an object divides."""
CLASSED = "w = Sam2Widget(video, model=model, classes={'person': '#e69f00', 'dog': '#56b4e9'})"


def objects(bench: Bench) -> list[dict[str, Any]]:
    return json.loads(bench.run("import json; print(json.dumps(w.objects))"))


def class_of(bench: Bench, n: int = 0) -> str:
    return objects(bench)[n]["class_name"]


def test_a_class_is_picked_typed_by_keys_shown_in_its_colour_and_undone(bench: Bench) -> None:
    widget = bench.widget
    bench.show(CLASSED)
    x, y = centre_of(bench)
    widget.click(x, y)
    widget.press("Escape")
    menu = widget.root.get_by_label("Class of Object 1")
    menu.select_option("dog")
    widget.eventually(lambda: class_of(bench) == "dog")
    widget.press("Shift+Digit1")
    expect(menu).to_have_value("person")
    widget.eventually(lambda: class_of(bench) == "person")
    widget.press("j")
    expect(menu).to_have_value("dog")

    own = widget.pixel(x + 10, y)
    bench.run("w.color_by = 'class'")
    expect(widget.root.get_by_label("Colour of Object 1")).to_have_value("#56b4e9")
    widget.eventually(lambda: widget.pixel(x + 10, y) != own)
    bench.run("w.color_by = 'object'")
    widget.eventually(lambda: widget.pixel(x + 10, y) == own)

    for expected in "person", "dog", "":
        widget.press("Control+z")
        expect(menu).to_have_value(expected)


def test_new_objects_get_the_class_that_is_pressed_and_a_class_is_hidden(bench: Bench) -> None:
    widget = bench.widget
    bench.show(CLASSED)
    widget.button("Classes and attributes").click()
    widget.button("New objects are dog").click()
    widget.eventually(lambda: bench.run("print(w.current_class)").strip() == "dog")
    field = widget.root.get_by_label("New class", exact=True)
    field.fill("cat")
    field.press("Enter")
    expect(widget.button("New objects are cat")).to_be_visible()
    bench.page.keyboard.press("Escape")
    x, y = centre_of(bench)
    widget.point_at(1, 1)
    plain = widget.pixel(x + 10, y)
    widget.click(x, y)
    widget.point_at(1, 1)
    assert class_of(bench) == "dog"
    assert list(json.loads(bench.run("print(json.dumps(w.classes))"))) == ["person", "dog", "cat"]
    widget.eventually(lambda: widget.pixel(x + 10, y) != plain)
    widget.button("Classes and attributes").click()
    widget.button("Hide objects of the class dog").click()
    widget.eventually(lambda: widget.pixel(x + 10, y) == plain)
    widget.button("Show objects of the class dog").click()
    widget.eventually(lambda: widget.pixel(x + 10, y) != plain)


def test_attributes_are_typed_and_unknown_classes_refused_in_place(bench: Bench) -> None:
    widget = bench.widget
    bench.show(CLASSED)
    widget.press("c")
    widget.wait_for("objects", 1)
    widget.button("Classes and attributes").click()
    widget.root.get_by_text("Attributes of Object 1").click()
    widget.root.get_by_label("New attribute", exact=True).fill("id card")
    value = widget.root.get_by_label("Value of the new attribute")
    value.fill("7")
    value.press("Enter")
    expect(widget.root.get_by_label("id card", exact=True)).to_have_value("7")
    assert objects(bench)[0]["attributes"] == {"id card": 7}
    widget.button("Remove attribute id card").click()
    widget.eventually(lambda: objects(bench)[0]["attributes"] == {})
    refused = bench.run(
        "try:\n    w.set_class(1, 'cat')\nexcept Exception as error:\n    print(error)"
    )
    assert "There is no class 'cat'. Classes: person, dog." in refused


def test_an_object_divides_on_the_frame_that_is_shown_and_the_other_child_is_clicked(
    bench: Bench,
) -> None:
    widget, page = bench.widget, bench.page
    bench.show("w = Sam2Widget(clip.frames_thw3[:12], model=model, autosave=False)")
    menu = widget.button("Classes and attributes")
    divide = widget.button("Divide here")
    said = widget.root.locator(".s2w-lineage")
    widget.click(*centre_of(bench))
    widget.propagate()
    widget.go_to(0)
    menu.click()
    divide.click()  # on the first frame it cannot
    expect(widget.root.get_by_role("alert")).to_contain_text(
        "Object 1 has no mask before frame 0: it divides or merges on a later one."
    )
    widget.button("Dismiss").click()
    tracked = bench.masks()

    widget.go_to(DIVIDES)
    x, y = deepest_point(tracked[DIVIDES])
    colour = widget.pixel(x, y)
    menu.click()
    expect(said).to_be_empty()
    divide.click()
    expect(divide).to_be_hidden()
    widget.wait_for("objects", 3)
    expect(widget.button("Select Object 3")).to_have_attribute("aria-pressed", "true")
    expect(widget.root.get_by_role("group", name="Next step")).to_contain_text("Click Object 3")
    widget.eventually(lambda: widget.pixel(x, y) != colour)  # it is the first child's
    assert [one["parents"] for one in objects(bench)] == [[], [1], [1]]
    np.testing.assert_array_equal(bench.masks(1)[:DIVIDES], tracked[:DIVIDES])
    np.testing.assert_array_equal(bench.masks(2)[DIVIDES:], tracked[DIVIDES:])
    assert not bench.masks(1)[DIVIDES:].any() and not bench.masks(2)[:DIVIDES].any()
    menu.click()
    expect(said).to_have_text("Object 3: child of 1")
    page.keyboard.press("Escape")

    widget.click(x, y)  # on the first child, of which it may be a part
    widget.wait_ready()
    assert bench.run(f"print(len(w.prompts({DIVIDES}, 3).points))").strip() == "1"
    widget.press("Control+z")
    widget.eventually(lambda: not bench.masks(3).any())
    widget.click(*deepest_point(sample_clip().masks[1][DIVIDES]))
    widget.press("Escape")
    widget.propagate()
    other = bench.masks(3)
    assert other[DIVIDES:].any(axis=(1, 2)).all() and not other[:DIVIDES].any()
    widget.button("Select Object 1").click()
    menu.click()
    expect(said).to_have_text("Object 1: goes on as 2 and 3")
    expect(divide).to_be_disabled()
    page.screenshot(path=SCREENSHOTS / "divided.png")
    page.keyboard.press("Escape")

    while len(objects(bench)) == 3:
        widget.press("Control+z")
        widget.wait_ready()
    np.testing.assert_array_equal(bench.masks(), tracked)
