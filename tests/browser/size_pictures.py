"""The pictures of "The widget in all sizes": the same work at three widths, light and dark."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import expect

from tests.browser.conftest import Bench
from tests.browser.screenshots import Open, shoot, track, use_dark_theme

WIDTHS = 600, 900, 1400
QUALITY = 70
PAGE = {"viewport": {"width": 1680, "height": 1500}, "device_scale_factor": 1}


def light(open_: Open, target: Path) -> None:
    """In JupyterLab's light theme."""
    with open_(**PAGE) as bench:
        _shoot_widths(bench, target)


def dark(open_: Open, target: Path) -> None:
    """In its dark one."""
    with open_(**PAGE) as bench:
        use_dark_theme(bench)
        _shoot_widths(bench, target)


def _shoot_widths(bench: Bench, target: Path) -> None:
    """Take pictures whose names begin with the width; the last part of the target ends them."""
    widget = bench.widget
    bench.page.evaluate("window.jupyterapp.shell.collapseLeft()")
    track(bench)
    bench.run("w.accept(0, 12, obj=1); w.accept(30, 36, obj=2); w.reject(40, 48, obj=3)")
    widget.go_to(6)
    for width in WIDTHS:
        bench.run(f"w.layout.width = '{width}px'")
        expect(widget.root).to_have_css("width", f"{width}px")
        widget.root.scroll_into_view_if_needed()
        shoot(bench, target.with_name(f"{width}-{target.name}"), QUALITY)


SIZE_PICTURES = {"sizes/light.webp": light, "sizes/dark.webp": dark}
