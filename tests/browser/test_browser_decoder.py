"""Masks are decoded in the page, ahead of the kernel, which has the last word."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import ConsoleMessage, expect

from tests.browser.conftest import Bench
from tests.browser.test_quickstart import centre_of
from tests.browser.widget_page import LIMIT_MS
from tests.support.missing_library import hide_library
from tests.support.slow_link import SlowLink

COMPANION = Path(__file__).parents[2] / "js" / "decoder"
MIN_IOU = 0.9
"""Of what is painted of one mask by page and kernel: features travel in 8 bits."""


@pytest.fixture(autouse=True)
def needs_decoder() -> None:
    pytest.importorskip("onnxscript")
    pytest.importorskip("torch", minversion="2.6")
    if not (COMPANION / "sam2widget_decoder" / "static" / "decoder.js").is_file():
        pytest.skip("the decoder is not built: make decoder")


def show(bench: Bench) -> None:
    bench.show(
        f"import sys; sys.path.insert(0, {str(COMPANION)!r})\n"
        "w = Sam2Widget(clip.frames_thw3[:6], model=model, autosave=False, browser_decoder=True)"
    )


NOTE_PAGE = """(root) => {
    root.decodedByPage = 0;
    new MutationObserver(() => {
        if (root.dataset.previewFrom === "page" && root.dataset.previewDrawn) root.decodedByPage++;
    }).observe(root, { attributeFilter: ["data-preview-drawn", "data-preview-from"] });
}"""


def wait_for_page(bench: Bench, x: float, y: float) -> None:
    """Move about a place until the page itself has decoded a mask."""
    widget = bench.widget
    widget.root.evaluate(NOTE_PAGE)
    for n in range(LIMIT_MS // 100):
        widget.point_at(x + n % 5, y)
        bench.page.wait_for_timeout(200)
        if widget.root.evaluate("(root) => root.decodedByPage"):
            return
    raise AssertionError("the page never decoded a mask")


def painted(bench: Bench) -> NDArray[np.bool_]:
    """Where the overlay is painted."""
    height, width, flags = (
        bench.widget.root.locator(".s2w-screen canvas")
        .nth(1)
        .evaluate(
            """(canvas) => {
            const { width, height } = canvas;
            const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
            return [height, width,
                Array.from({ length: width * height }, (_, i) => data[4 * i + 3] > 0 ? 1 : 0)];
        }"""
        )
    )
    return np.array(flags, bool).reshape(height, width)


def test_the_mask_under_the_pointer_shows_while_nothing_reaches_the_kernel(
    linked: tuple[Bench, SlowLink],
) -> None:
    bench, link = linked
    widget = bench.widget
    link.round_trip_s = 0.2
    x, y = centre_of(bench)
    show(bench)
    wait_for_page(bench, x - 40, y)
    expect(widget.root).to_have_attribute("data-preview-from", "kernel", timeout=LIMIT_MS)
    link.hold()
    widget.point_at(x, y)
    # What is shown is of the place where the pointer is, to which the kernel cannot have answered.
    expect(widget.root).to_have_attribute("data-preview-from", "page", timeout=10_000)
    ours = painted(bench)
    assert ours.any()
    link.release()
    # Where it was held for long the view has said so, above the picture.
    widget.point_at(x + 1, y)
    widget.point_at(x, y)
    expect(widget.root).to_have_attribute("data-preview-from", "kernel", timeout=LIMIT_MS)
    theirs = painted(bench)
    iou = np.count_nonzero(ours & theirs) / np.count_nonzero(ours | theirs)
    assert iou >= MIN_IOU, iou
    assert bench.run("print(w.objects)").strip() == "[]"


def test_a_click_shows_its_mask_while_nothing_reaches_the_kernel(
    linked: tuple[Bench, SlowLink],
) -> None:
    bench, link = linked
    widget = bench.widget
    x, y = centre_of(bench)
    show(bench)
    wait_for_page(bench, x - 40, y)
    widget.click(x, y)
    widget.wait_ready()
    first = bench.masks()[0]
    # A correction: the page knows the object's mask and clicks by now.
    wait_for_page(bench, x - 30, y + 10)
    link.hold()
    before = widget.masks_drawn
    widget.stage.click(position=widget._on_stage(x - 20, y + 5))
    bench.page.mouse.move(0, 0)
    expect(widget.root).to_have_attribute("data-preview-from", "page", timeout=10_000)
    assert widget.masks_drawn == before
    link.release()
    widget.wait_masks_after(before)
    widget.wait_ready()
    assert widget.data("preview-drawn") == ""
    assert bench.run("print(len(w.prompts(0, 1).points))").strip() == "2"
    assert first.any() and bench.masks()[0].any()


CLAIM_WEBGPU = """Object.defineProperty(navigator, "gpu", {
    configurable: true,
    value: { requestAdapter: async () => ({ info: { isFallbackAdapter: false } }) },
})"""
"""The page believes in a graphics adapter; in its worker there is none, as in this browser."""


@pytest.mark.parametrize("claims", [False, True])
def test_webassembly_decodes_where_webgpu_is_not_there_or_fails(bench: Bench, claims: bool) -> None:
    said: list[str] = []

    def note(message: ConsoleMessage) -> None:
        said.append(message.text)

    bench.page.on("console", note)
    if claims:
        bench.page.evaluate(CLAIM_WEBGPU)
    try:
        x, y = centre_of(bench)
        show(bench)
        wait_for_page(bench, x - 40, y)
    finally:
        bench.page.evaluate("delete navigator.gpu")
        bench.page.remove_listener("console", note)
    (sentence,) = (text for text in said if text.startswith("Masks are decoded in this page by "))
    assert sentence.startswith("Masks are decoded in this page by WebAssembly: "), sentence
    assert ("WebGPU failed (" in sentence) == claims, sentence


def test_without_the_companion_a_sentence_says_what_to_install(monkeypatch) -> None:
    from sam2widget import Sam2Widget, SessionError

    hide_library(monkeypatch, "sam2widget_decoder")
    with pytest.raises(SessionError, match=r'pip install "sam2widget\[decoder\]"'):
        Sam2Widget(np.zeros((2, 8, 8, 3), np.uint8), browser_decoder=True, autosave=False)
