"""A kernel that is gone is told from one that is busy."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import SCREENSHOTS, Bench, run_cells
from tests.browser.test_quickstart import centre_of
from tests.support.slow_link import SlowLink

STATES = """(root) => {
    const states = [root.dataset.state];
    new MutationObserver(() => states.push(root.dataset.state))
        .observe(root, { attributeFilter: ["data-state"] });
    return states;
}"""

MOMENTS = """(root) => {
    const moments = [];
    new MutationObserver(() => {
        if (root.dataset.state === "disconnected" && root.querySelector(".s2w-lost").innerText)
            moments.push(Date.now());
    }).observe(root, { attributeFilter: ["data-state"] });
    return moments;
}"""
"""Notes when the stage says that the kernel is gone; milliseconds of the clock on the wall."""
LIMIT_MS = 3000
KILLED_LIMIT_MS = LIMIT_MS + 1000
"""Jupyter's server looks every three seconds whether a kernel's process is there."""


def now_ms() -> float:
    """The clock on the wall, which the page has too."""
    return 1000 * time.time()


def click_and_save(bench: Bench) -> None:
    """Have an object, and wait until the kernel has said that it is saved."""
    bench.widget.click(*centre_of(bench))
    bench.widget.wait_for("saved", "true")


def check_told(moments: Any, since_ms: float, limit_ms: float = LIMIT_MS) -> None:
    """The stage has said it in time, by what the page itself has noted."""
    took_ms = moments.json_value()[0] - since_ms
    print(f"Told after {took_ms:.0f} ms")
    assert 0 < took_ms < limit_ms


def check_gone_and_revive(bench: Bench, why: str) -> None:
    """The stage says what has happened, and running the cells again goes on."""
    widget = bench.widget
    lost = widget.root.locator(".s2w-lost")
    expect(lost).to_contain_text(why)
    expect(lost).to_contain_text("Your work is saved.")
    expect(widget.root.locator(".s2w-status")).to_have_text("Disconnected")
    SCREENSHOTS.mkdir(exist_ok=True)
    bench.page.screenshot(path=SCREENSHOTS / f"disconnected-{why.split()[-1]}png")
    run_cells(bench.page, "first")
    widget.wait_ready()
    widget.wait_for("objects", 1)
    widget.wait_masks_after(0)
    expect(lost).to_be_hidden()
    expect(bench.page.locator(".sam2widget")).to_have_count(1)


def test_a_restarted_kernel_is_said_to_be_and_the_cell_goes_on_in_place(fresh_bench: Bench) -> None:
    click_and_save(fresh_bench)
    moments = fresh_bench.widget.root.evaluate_handle(MOMENTS)
    since_ms = fresh_bench.page.evaluate(
        """async () => {
            const since = Date.now();
            const { sessionContext } = window.jupyterapp.shell.currentWidget;
            await sessionContext.session.kernel.restart();
            return since;
        }"""
    )
    fresh_bench.widget.wait_for("state", "disconnected")
    check_told(moments, since_ms)
    check_gone_and_revive(fresh_bench, "The kernel was restarted.")


def test_a_killed_kernel_is_said_to_be_gone_and_the_cell_goes_on_in_place(
    fresh_bench: Bench,
) -> None:
    click_and_save(fresh_bench)
    process = int(fresh_bench.run("import os; print(os.getpid())"))
    moments = fresh_bench.widget.root.evaluate_handle(MOMENTS)
    since_ms = now_ms()
    os.kill(process, signal.SIGKILL)
    fresh_bench.widget.wait_for("state", "disconnected")
    check_told(moments, since_ms, KILLED_LIMIT_MS)
    check_gone_and_revive(fresh_bench, "The kernel was restarted.")


@pytest.mark.parametrize(
    "cell",
    ["import time\nend = time.time() + 8\nwhile time.time() < end: pass", "sum(range(4 * 10**8))"],
    ids=["python", "one-call"],
)
def test_a_kernel_that_is_busy_with_a_cell_is_not_gone(bench: Bench, cell: str) -> None:
    widget = bench.widget
    widget.wait_for("speaks", "true")  # its silence would mean something
    states = widget.root.evaluate_handle(STATES)
    bench.run(cell)
    widget.go_to(5)
    assert "disconnected" not in states.json_value()


def test_a_way_that_passes_nothing_on_is_said_to_be_lost_and_the_view_goes_on_after_it(
    linked: tuple[Bench, SlowLink],
) -> None:
    bench, link = linked
    widget = bench.widget
    widget.wait_for("speaks", "true")  # its silence means something
    moments = widget.root.evaluate_handle(MOMENTS)
    since_ms = now_ms()
    link.hold()
    widget.wait_for("state", "disconnected")
    check_told(moments, since_ms)
    expect(widget.root.locator(".s2w-lost")).to_contain_text("The kernel does not answer.")
    link.release()
    widget.wait_ready()
    widget.go_to(7)


def test_a_lost_connection_is_said_to_be_and_the_view_goes_on_when_it_is_back(
    linked: tuple[Bench, SlowLink],
) -> None:
    bench, link = linked
    widget = bench.widget
    click_and_save(bench)
    moments = widget.root.evaluate_handle(MOMENTS)
    since_ms = now_ms()
    link.cut()
    widget.wait_for("state", "disconnected")
    check_told(moments, since_ms)
    expect(widget.root.locator(".s2w-lost")).to_contain_text(
        "The connection to the kernel is lost."
    )
    link.mend()
    widget.wait_ready()
    expect(widget.root.locator(".s2w-lost")).to_be_hidden()
    widget.go_to(7)
    assert bench.run("print(w.frame)").strip() == "7"
