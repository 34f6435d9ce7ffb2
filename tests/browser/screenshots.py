"""How the pictures of the documentation are photographed."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

from tests.browser.conftest import Bench

Open = Callable[..., Any]
"""Opens the quick start on a page of its own, in a browser context with these settings."""


def shoot(bench: Bench, target: Path, quality: int = 88) -> None:
    """Photograph the widget when nothing is going on and small pictures are there."""
    bench.widget.wait_ready()
    bench.page.mouse.move(2, 2)
    bench.page.wait_for_timeout(800)
    snap(bench, target, quality)


def snap(bench: Bench, target: Path, quality: int = 88) -> None:
    """Photograph the widget as it is now."""
    picture = Image.open(io.BytesIO(bench.widget.root.screenshot()))
    picture.convert("RGB").save(target, quality=quality, method=6)
