"""The panel as a picture of lines and text, for hosts without a front end for canvases: marimo."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from typing import Any, cast

import anywidget

_ESM = """
function render({ model, el, signal }) {
  const picture = document.createElement("img");
  picture.alt = "Scores of the objects over time";
  picture.style.maxWidth = "100%";
  el.append(picture);
  const show = ({ svg }) => {
    picture.src = "data:image/svg+xml," + encodeURIComponent(svg);
  };
  model.on("msg:custom", show);
  signal?.addEventListener("abort", () => model.off("msg:custom", show));
  picture.addEventListener("click", ({ clientX, clientY }) => {
    const { left, top, width, height } = picture.getBoundingClientRect();
    const [x, y] = [(clientX - left) / width, (clientY - top) / height];
    model.send({ type: "click", x: x * picture.naturalWidth, y: y * picture.naturalHeight });
  });
  model.send({ type: "hello" });
}
export default { render };
"""


class SvgLayer:
    """Takes what is drawn on a canvas, as SVG."""

    def __init__(self) -> None:
        self.fill_style = self.stroke_style = "#000000"
        self.line_width = 1.0
        self.font = "12px sans-serif"
        self.text_align = "left"
        self._dash: list[float] = []
        self._parts: list[str] = []

    def __str__(self) -> str:
        return "".join(self._parts)

    def clear(self) -> None:
        """Remove everything."""
        self._parts.clear()

    def set_line_dash(self, dash: Sequence[float]) -> None:
        """Set the lengths of dashes and of the gaps between them."""
        self._dash = list(dash)

    def stroke_line(self, x0: float, y0: float, x1: float, y1: float) -> None:
        """Draw a line."""
        self.stroke_lines([(x0, y0), (x1, y1)])

    def stroke_lines(self, points: Sequence[tuple[float, float]]) -> None:
        """Draw a line through points."""
        places = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        dash = " ".join(f"{one:g}" for one in self._dash)
        self._parts.append(
            f'<polyline points="{places}" fill="none" stroke="{escape(self.stroke_style)}" '
            f'stroke-width="{self.line_width:g}" stroke-dasharray="{dash}"/>'
        )

    def fill_rect(self, x: float, y: float, width: float, height: float) -> None:
        """Draw a rectangle."""
        self._parts.append(
            f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" '
            f'fill="{escape(self.fill_style)}"/>'
        )

    def fill_circle(self, x: float, y: float, radius: float) -> None:
        """Draw a disc."""
        self._parts.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}" fill="{escape(self.fill_style)}"/>'
        )

    def fill_text(self, text: str, x: float, y: float) -> None:
        """Write a text, with its base line at y."""
        anchor = {"left": "start", "right": "end"}.get(self.text_align, "middle")
        self._parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" fill="{escape(self.fill_style)}" '
            f'text-anchor="{anchor}" style="font: {escape(self.font)}">{escape(text)}</text>'
        )


class BothLayers:
    """A canvas and its picture: what is done to one is done to both.

    Parameters
    ----------
    canvas, picture : with the same methods and settings.
    """

    def __init__(self, canvas: object, picture: SvgLayer) -> None:
        vars(self).update(_both=(canvas, picture))

    def __getattr__(self, name: str) -> Callable[..., None]:
        def call(*arguments: Any) -> None:
            for one in vars(self)["_both"]:
                getattr(one, name)(*arguments)

        return call

    def __setattr__(self, name: str, value: object) -> None:
        for one in vars(self)["_both"]:
            setattr(one, name, value)


class PanelPicture(anywidget.AnyWidget):
    """Shows layers one upon the other, and tells where it is clicked.

    Parameters
    ----------
    width, height : in pixels.
    num_layers : how many layers it has.
    on_click : called with x and y in pixels.
    on_hello : called when it is shown somewhere: send what there is.
    """

    _esm = _ESM

    def __init__(
        self,
        width: int,
        height: int,
        num_layers: int,
        on_click: Callable[[float, float], None],
        on_hello: Callable[[], None],
    ) -> None:
        super().__init__()
        self.layers = [SvgLayer() for _ in range(num_layers)]
        self._size = width, height
        self._on_click = on_click
        self._on_hello = on_hello
        self.on_msg(self._receive)  # pyright: ignore[reportUnknownMemberType]

    def to_svg(self) -> str:
        """All layers as one SVG document."""
        width, height = self._size
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
            f'viewBox="0 0 {width} {height}">{"".join(map(str, self.layers))}</svg>'
        )

    def show(self) -> None:
        """Send what is drawn to all views. Any thread."""
        self.send({"svg": self.to_svg()})  # pyright: ignore[reportUnknownMemberType]

    def _receive(self, _: object, content: object, buffers: object) -> None:
        message = cast("dict[str, Any]", content if isinstance(content, dict) else {})
        x, y = message.get("x"), message.get("y")
        if message.get("type") == "hello":
            self._on_hello()
        elif isinstance(x, (int, float)) and isinstance(y, (int, float)):
            self._on_click(float(x), float(y))
