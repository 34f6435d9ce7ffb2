"""What assistive technology and poor eyes find in the widget: names, roles, sizes, contrast."""

from __future__ import annotations

from typing import Any, TypedDict

from playwright.sync_api import Locator, Page

MIN_CONTRAST = 4.5
"""Of text, as WCAG 2.2 has it at level AA (1.4.3)."""
MIN_TARGET_PX = 24
"""Of what is pressed (2.5.8)."""
WIDGET_ROLES = {
    *("button", "checkbox", "combobox", "link", "radio", "slider", "spinbutton", "switch"),
    *("textbox", "listbox", "ColorWell", "DisclosureTriangle"),
}
"""Roles of what a person operates."""


class Text(TypedDict):
    """A text of the page, in the colours that are painted."""

    text: str
    color: str
    back: str
    contrast: float


def texts(root: Locator) -> list[Text]:
    """All visible texts below an element, each with its contrast to what is behind it.

    What lies on the picture, or belongs to a control that is disabled, is left out.
    """
    return root.evaluate(_TEXTS)


def small_targets(root: Locator) -> list[tuple[str, float, float]]:
    """Controls below an element that are smaller than a finger needs, with width and height."""
    found = root.evaluate(_TARGETS)
    return [(name, w, h) for name, w, h in found if min(w, h) < MIN_TARGET_PX - 0.5]


def nameless(page: Page, root: Locator) -> list[str]:
    """Controls below an element that a screen reader cannot name, as roles."""
    return [node["role"] for node in _controls(page, root) if not node["name"].strip()]


def controls(page: Page, root: Locator) -> list[tuple[str, str]]:
    """Role and name of all controls below an element, as a screen reader has them."""
    return [(node["role"], node["name"]) for node in _controls(page, root)]


def _controls(page: Page, root: Locator) -> list[dict[str, str]]:
    session = page.context.new_cdp_session(page)
    session.send("Accessibility.enable")
    root.evaluate("(root) => { window.underTest = root; }")
    handle = session.send("Runtime.evaluate", {"expression": "window.underTest"})
    told: Any = session.send(
        "Accessibility.queryAXTree", {"objectId": handle["result"]["objectId"]}
    )
    found: list[dict[str, str]] = []
    for node in told["nodes"]:
        role = node.get("role", {}).get("value", "")
        if not node.get("ignored") and role in WIDGET_ROLES:
            found.append({"role": role, "name": node.get("name", {}).get("value", "")})
    session.detach()
    return found


_TEXTS = """(root) => {
    const pen = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    pen.canvas.width = pen.canvas.height = 1;
    const rgba = (color) => {
        pen.clearRect(0, 0, 1, 1);
        pen.fillStyle = color;
        pen.fillRect(0, 0, 1, 1);
        const [r, g, b, a] = pen.getImageData(0, 0, 1, 1).data;
        return [r, g, b, a / 255];
    };
    const over = ([r, g, b, a], [R, G, B]) =>
        [r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a), 1];
    const light = ([r, g, b]) => {
        const [x, y, z] = [r, g, b].map((v) => {
            const s = v / 255;
            return s <= 0.04045 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * x + 0.7152 * y + 0.0722 * z;
    };
    const found = [];
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const node = walker.currentNode;
        const element = node.parentElement;
        const text = node.textContent.trim();
        if (!text || !element.checkVisibility({ visibilityProperty: true, opacityProperty: true }))
            continue;
        if (element.closest(":disabled, .s2w-unseen, .s2w-screen, option, style")) continue;
        const range = document.createRange();
        range.selectNodeContents(node);
        if (range.getBoundingClientRect().width < 1) continue;
        const layers = [];
        let opacity = 1;
        for (let one = element; one; one = one.parentElement) {
            const style = getComputedStyle(one);
            opacity *= Number(style.opacity);
            layers.push(rgba(style.backgroundColor));
            if (layers.at(-1)[3] === 1) break;
        }
        let back = [255, 255, 255, 1];
        for (const layer of layers.reverse()) back = over(layer, back);
        const [r, g, b, a] = rgba(getComputedStyle(element).color);
        const front = over([r, g, b, a * opacity], back);
        const [low, high] = [light(front), light(back)].sort((x, y) => x - y);
        found.push({
            text, color: front.map(Math.round).join(), back: back.map(Math.round).join(),
            contrast: (high + 0.05) / (low + 0.05),
        });
    }
    return found;
}"""

_TARGETS = """(root) => [...root.querySelectorAll(
        "button, input:not([type=range]), select, summary, [role=slider], canvas[tabindex]")]
    .filter((one) => one.checkVisibility({ visibilityProperty: true })
        && getComputedStyle(one).pointerEvents !== "none")
    .map((one) => {
        const area = one.closest("label") ?? one;
        const { width, height } = area.getBoundingClientRect();
        return [one.getAttribute("aria-label") ?? one.textContent, width, height];
    })"""
