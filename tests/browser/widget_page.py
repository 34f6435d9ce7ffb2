"""The widget on a notebook page, driven as a person does and waited for by what it says."""

from __future__ import annotations

from typing import Literal

from playwright.sync_api import Locator, Page, expect

LIMIT_MS = 120_000
"""For what a model has to do first; the machine may be slow."""


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

    # What a person does

    def button(self, name: str) -> Locator:
        return self.root.get_by_role("button", name=name, exact=True)

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

    def drag(self, x0: float, y0: float, x1: float, y1: float) -> None:
        """Drag a box, and wait until the answer is drawn."""
        before = self.masks_drawn
        self.stage.scroll_into_view_if_needed()
        bounds = self.stage.bounding_box()
        assert bounds is not None
        mouse = self.page.mouse
        corners = [self._on_stage(x0, y0), self._on_stage(x1, y1)]
        (ax, ay), (bx, by) = ((bounds["x"] + p["x"], bounds["y"] + p["y"]) for p in corners)
        mouse.move(ax, ay)
        mouse.down()
        mouse.move(bx, by, steps=5)
        mouse.up()
        self.wait_masks_after(before)

    def go_to(self, frame: int) -> None:
        """Move the slider, and wait until the frame's pixels are shown."""
        self.root.get_by_role("slider", name="Frame").fill(str(frame))
        self.wait_for("frame-drawn", frame)

    def propagate(self) -> None:
        """Press Propagate, and wait until it is through."""
        self.button("Propagate").click()
        self.wait_for("state", "propagating")
        self.wait_ready()

    def _on_stage(self, x: float, y: float) -> dict[str, float]:
        bounds = self.stage.bounding_box()
        assert bounds is not None
        return {
            "x": x * bounds["width"] / self.width,
            "y": y * bounds["height"] / self.height,
        }
