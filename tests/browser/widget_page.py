"""The widget on a notebook page, driven as a person does and waited for by what it says."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Literal

from playwright.sync_api import Locator, Page, expect

LIMIT_MS = 60_000
"""For what a model has to do first; the machine may be slow."""


Pixel = tuple[int, int, int, int]


class WidgetPage:
    """The first widget of a notebook.

    Parameters
    ----------
    page : with the notebook open.
    width, height : of the video in pixels.
    """

    def __init__(self, page: Page, width: int, height: int) -> None:
        self.page = page
        self.width, self.height = width, height
        self.root = page.locator(".sam2widget").first
        self.stage = self.root.locator("[data-role=stage]")

    # What it says

    def data(self, name: str) -> str:
        return self.root.get_attribute(f"data-{name}") or ""

    def wait_for(self, name: str, value: str | int) -> None:
        """Wait until a data attribute has a value."""
        expect(self.root).to_have_attribute(f"data-{name}", str(value), timeout=LIMIT_MS)

    def wait_ready(self) -> None:
        self.wait_for("state", "ready")

    def wait_masks_after(self, drawn: int) -> None:
        """Wait until masks were drawn that had not been when the counter read `drawn`."""
        self.page.wait_for_function(
            "([root, drawn]) => Number(root.dataset.masksDrawn) > drawn",
            arg=[self.root.element_handle(), drawn],
            timeout=LIMIT_MS,
        )

    @property
    def masks_drawn(self) -> int:
        return int(self.data("masks-drawn"))

    # What a person sees

    def pixel(self, x: float, y: float, layer: Literal["picture", "overlay"] = "picture") -> Pixel:
        """RGBA of what is painted on the stage at a pixel of the video, which fits it."""
        canvas = self.root.locator(".s2w-screen canvas").nth(0 if layer == "picture" else 1)
        rgba = canvas.evaluate(
            """(canvas, [x, y]) => [...canvas.getContext("2d").getImageData(
                Math.floor(x * canvas.width), Math.floor(y * canvas.height), 1, 1).data]""",
            [x / self.width, y / self.height],
        )
        return tuple(rgba)

    @property
    def zoom(self) -> int:
        """Percent of the video's own size."""
        text = self.root.locator(".s2w-percent").text_content() or ""
        return int(text.rstrip("%"))

    def lane(self, n: int = 1) -> Locator:
        """The lane of the n-th object, which says in words what it shows."""
        return self.root.locator(".s2w-lane").nth(n - 1)

    def eventually(self, condition: Callable[[], bool]) -> None:
        """Wait until something is so that no attribute says."""
        deadline = time.monotonic() + LIMIT_MS / 1000
        while not condition():
            assert time.monotonic() < deadline, "it never became so"
            self.page.wait_for_timeout(20)

    # What a person does

    def button(self, name: str | re.Pattern[str]) -> Locator:
        return self.root.get_by_role("button", name=name, exact=isinstance(name, str))

    def press(self, *keys: str) -> None:
        """Press keys with the focus on the stage."""
        self.stage.focus()
        for key in keys:
            self.page.keyboard.press(key)

    def click(
        self,
        x: float,
        y: float,
        button: Literal["left", "right"] = "left",
        modifiers: list[Literal["Shift"]] | None = None,
    ) -> None:
        """Click a pixel of the video, and wait until the answer is drawn."""
        before = self.masks_drawn
        self.stage.scroll_into_view_if_needed()
        self.stage.click(position=self._on_stage(x, y), button=button, modifiers=modifiers)
        self.wait_masks_after(before)

    def drag(self, *places: tuple[float, float]) -> None:
        """Drag from pixel to pixel of the video."""
        self.point_at(*places[0])
        self.page.mouse.down()
        for place in places[1:]:
            self.page.mouse.move(*self.on_page(*place), steps=5)
        self.page.mouse.up()

    def drag_and_wait(self, *places: tuple[float, float]) -> None:
        """Drag, and wait until the answer is drawn."""
        before = self.masks_drawn
        self.drag(*places)
        self.wait_masks_after(before)

    def point_at(self, x: float, y: float) -> None:
        """Move the pointer to a pixel of the video."""
        self.stage.scroll_into_view_if_needed()
        self.page.mouse.move(*self.on_page(x, y))

    def go_to(self, frame: int) -> None:
        """Move the slider, and wait until the frame's pixels are shown."""
        self.root.get_by_role("slider", name="Frame").fill(str(frame))
        self.wait_for("frame-drawn", frame)

    def mark_range(self, start: int, stop: int) -> None:
        """Mark frames to propagate in, half-open; it ends on the first of them."""
        self.go_to(stop - 1)
        self.press("o")
        self.go_to(start)
        self.press("i")

    def propagate(self) -> None:
        """Press Propagate, and wait until it is through."""
        # A short one may be over before one looks.
        seen = self.root.evaluate_handle(
            """root => {
                const seen = { it: false };
                const look = () => { seen.it ||= root.dataset.state === "propagating"; };
                new MutationObserver(look).observe(root, { attributes: true });
                return seen;
            }"""
        )
        self.button("Propagate").click()
        self.eventually(lambda: bool(seen.evaluate("seen => seen.it")))
        self.wait_ready()

    def on_page(self, x: float, y: float) -> tuple[float, float]:
        """Where a pixel of the video is in the window, as long as the video fits the stage."""
        bounds = self.stage.bounding_box()
        assert bounds is not None
        place = self._on_stage(x, y)
        return bounds["x"] + place["x"], bounds["y"] + place["y"]

    def _on_stage(self, x: float, y: float) -> dict[str, float]:
        bounds = self.stage.bounding_box()
        assert bounds is not None
        return {
            "x": x * bounds["width"] / self.width,
            "y": y * bounds["height"] / self.height,
        }
