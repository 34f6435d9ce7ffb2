"""The page's decoder by itself: the same masks by WebAssembly, by WebGPU, and by the kernel."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page, Route

from sam2widget import Sam2Widget
from sam2widget.bridge.decoder_server import pack_features
from sam2widget.samples import sample_clip
from tests.browser.lab import CHROMIUM_FLAGS
from tests.browser.test_browser_decoder import CLAIM_WEBGPU, COMPANION, MIN_IOU, needs_decoder
from tests.browser.widget_page import LIMIT_MS

__all__ = ["needs_decoder"]

ADDRESS = "https://decoder.test/"
"""Answered by the test; a page must be a secure one for WebGPU."""
SOFTWARE_GPU = [
    *(flag for flag in CHROMIUM_FLAGS if flag != "--disable-gpu"),
    "--enable-unsafe-webgpu",
    "--use-webgpu-adapter=swiftshader",
]

DECODE = """async ([x, y, width, height, features]) => {
    const said = [];
    for (const kind of ["info", "warn"]) console[kind] = (text) => said.push(text);
    const { default: start } = await import("/decoder.js");
    let lastId = 0;
    return new Promise((resolve, reject) => {
        setTimeout(() => reject(new Error(`No answer. ${said.join(" ")}`)), 60000);
        const answer = async (request, id) => {
            const file = request.file ?? "features";
            const bytes = await (await fetch(`/${file}`)).arrayBuffer();
            const reply_to = { view: "view", id };
            const message = file === "features"
                ? { type: "features", reply_to, network: "nano", ...features }
                : { type: "decoder_part", reply_to, file, offset: 0, total: bytes.byteLength };
            decoder.receive(message, [bytes]);
        };
        const decoder = start({
            view: "view",
            sizeOf: () => [width, height],
            send: (request) => {
                lastId += 1;
                answer(request, lastId);
                return lastId;
            },
            answer: (place, iou, runs) => {
                clearInterval(asking);
                decoder.close();
                resolve({ iou, runs: [...runs], said });
            },
        });
        const place = { frame: 0, object: null, x, y };
        const asking = setInterval(() => decoder.decode(place, 1), 100);
    });
}"""


@pytest.fixture(scope="module")
def widget() -> Iterator[Sam2Widget]:
    widget = Sam2Widget(sample_clip().frames_thw3[:1], "nano", "cpu", autosave=False)
    widget.wait_until_loaded()
    yield widget
    widget.close()


@pytest.fixture(scope="module")
def place() -> tuple[float, float]:
    """(x, y) well inside an object."""
    ys, xs = np.nonzero(sample_clip().masks[1][0])
    inside = np.argmin((xs - xs.mean()) ** 2 + (ys - ys.mean()) ** 2)
    return float(xs[inside]) + 0.5, float(ys[inside]) + 0.5


@pytest.fixture
def page(browser: Browser, widget: Sam2Widget) -> Iterator[Page]:
    """An empty page in a browser with a graphics adapter in software, which has all it needs."""
    inputs = widget._session.decoder_inputs(0, None)
    read = widget._session.read_decoder()
    assert inputs is not None and read is not None
    static = COMPANION / "sam2widget_decoder" / "static"
    files = {
        "": b"<!doctype html>",
        "decoder.js": (static / "decoder.js").read_bytes(),
        "runtime": (static / "runtime.wasm.gz").read_bytes(),
        "runtime_webgpu": (static / "runtime-webgpu.wasm.gz").read_bytes(),
        "network": gzip.compress(read(), 1),
        "features": pack_features(inputs),
    }

    def answer(route: Route) -> None:
        name = route.request.url.removeprefix(ADDRESS)
        kinds = {"": "text/html", "decoder.js": "text/javascript"}
        kind = kinds.get(name, "application/octet-stream")
        route.fulfill(body=files.get(name, b""), content_type=kind)

    chromium = browser.browser_type.launch(
        executable_path=shutil.which("chromium"), args=SOFTWARE_GPU
    )
    try:
        page = chromium.new_page()
        page.set_default_timeout(LIMIT_MS)
        page.route(f"{ADDRESS}**", answer)
        page.goto(ADDRESS)
        yield page
    finally:
        chromium.close()


def decode(page: Page, widget: Sam2Widget, place: tuple[float, float]) -> dict[str, Any]:
    inputs = widget._session.decoder_inputs(0, None)
    assert inputs is not None
    features = {
        "size": 16 * inputs.image_embed_chw.shape[1],
        "channels": len(inputs.image_embed_chw),
        "points": [],
        "labels": [],
        "has_mask": False,
    }
    height, width = sample_clip().frames_thw3.shape[1:3]
    return page.evaluate(DECODE, [*place, width, height, features])


def to_mask(runs: list[int]) -> NDArray[np.bool_]:
    flags = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    return flags.reshape(sample_clip().frames_thw3.shape[1:3])


def iou(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    return np.count_nonzero(a & b) / np.count_nonzero(a | b)


def test_webgpu_and_webassembly_decode_what_the_kernel_does(page, widget, place) -> None:
    by_wasm = decode(page, widget, place)
    assert by_wasm["said"] == [
        "Masks are decoded in this page by WebAssembly: WebGPU has an adapter in software only."
    ]
    page.evaluate(CLAIM_WEBGPU)
    by_webgpu = decode(page, widget, place)
    assert by_webgpu["said"] == ["Masks are decoded in this page by WebGPU."]
    ours, theirs = to_mask(by_webgpu["runs"]), to_mask(by_wasm["runs"])
    assert theirs.any() and iou(ours, theirs) > 0.99
    assert by_webgpu["iou"] == pytest.approx(by_wasm["iou"], abs=0.01)
    widget.add_point(0, *place)
    kernel = np.asarray(widget.masks[1])[0]
    assert iou(ours, kernel) >= MIN_IOU, json.dumps(iou(ours, kernel))
