"""A kernel that is gone is told from one that is busy."""

from __future__ import annotations

import os
import signal

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


def click_and_save(bench: Bench) -> None:
    """Have an object, and wait until the kernel has said that it is saved."""
    bench.widget.click(*centre_of(bench))
    bench.widget.wait_for("saved", "true")


def check_gone_and_revive(bench: Bench, why: str) -> None:
    """The stage says what has happened, and running the cells again goes on."""
    widget = bench.widget
    widget.wait_for("state", "disconnected")
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
    fresh_bench.page.evaluate(
        """async () => {
            const { sessionContext } = window.jupyterapp.shell.currentWidget;
            await sessionContext.session.kernel.restart();
        }"""
    )
    check_gone_and_revive(fresh_bench, "The kernel was restarted.")


def test_a_killed_kernel_is_said_to_be_gone_and_the_cell_goes_on_in_place(
    fresh_bench: Bench,
) -> None:
    click_and_save(fresh_bench)
    os.kill(int(fresh_bench.run("import os; print(os.getpid())")), signal.SIGKILL)
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


def test_a_lost_connection_is_said_to_be_and_the_view_goes_on_when_it_is_back(
    linked: tuple[Bench, SlowLink],
) -> None:
    bench, link = linked
    widget = bench.widget
    click_and_save(bench)
    link.cut()
    widget.wait_for("state", "disconnected")
    expect(widget.root.locator(".s2w-lost")).to_contain_text(
        "The connection to the kernel is lost."
    )
    link.mend()
    widget.wait_ready()
    expect(widget.root.locator(".s2w-lost")).to_be_hidden()
    widget.go_to(7)
    assert bench.run("print(w.frame)").strip() == "7"
