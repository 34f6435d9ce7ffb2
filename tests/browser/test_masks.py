"""The switches for masks in JupyterLab, and what is said of the model."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import MODEL, SCREENSHOTS, Bench
from tests.browser.test_quickstart import centre_of


def shared(bench: Bench) -> int:
    """Pixels that are of both objects on frame 0."""
    return int(bench.run("print((w.masks[1][0] & w.masks[2][0]).sum())"))


def test_objects_overlap_or_not_as_the_switch_says(bench: Bench) -> None:
    widget = bench.widget
    x, y = centre_of(bench)
    bench.run(f"w.add_box(0, {x - 45}, {y - 40}, {x + 45}, {y + 40})")
    bench.run(f"w.add_box(0, {x - 45}, {y - 40}, {x + 40}, {y + 45}, obj=2)")
    assert shared(bench) == 0
    widget.button("Display").click()
    panel = widget.root.get_by_role("group", name="Masks", exact=True)
    apart = panel.get_by_role("switch", name="No overlaps")
    expect(apart).to_be_checked()
    before = [widget.pixel(x + dx, y + dy) for dx in (-8, 0, 8) for dy in (-8, 0, 8)]
    apart.uncheck()
    expect(widget.button("Undo")).to_have_attribute("data-tip", "Undo: let objects overlap")
    widget.eventually(lambda: shared(bench) > 500)
    widget.eventually(
        lambda: [widget.pixel(x + dx, y + dy) for dx in (-8, 0, 8) for dy in (-8, 0, 8)] != before
    )
    widget.root.screenshot(path=SCREENSHOTS / "mask-switches.png")
    bench.run("w.undo()")
    expect(apart).to_be_checked()
    assert shared(bench) == 0

    clean = panel.get_by_role("switch", name="Clean new masks")
    expect(clean).to_be_checked()
    clean.uncheck()
    widget.eventually(lambda: bench.run("print(w.clean_masks)").strip() == "0.0")
    clean.check()
    widget.eventually(lambda: bench.run("print(w.clean_masks)").strip() == "0.01")
    bench.run("w.clean_masks = False")
    expect(clean).not_to_be_checked()


@pytest.mark.skipif(MODEL != "nano", reason="the note is of the bundled model")
def test_the_bundled_model_is_said_to_be_small_beside_its_name(bench: Bench) -> None:
    note = bench.widget.root.get_by_text("small offline model · use SAM 2.1 tiny")
    expect(note).to_be_visible()
    assert 'Sam2Widget(video, "sam2.1-hiera-tiny")' in (note.get_attribute("data-tip") or "")
