"""What views that decode masks themselves are sent."""

from __future__ import annotations

import queue
import sys
import types
from pathlib import Path

import numpy as np
import pytest

from sam2_backend import VideoPredictor, load_model
from sam2widget.bridge.decoder_server import (
    CHUNK_BYTES,
    DecoderServer,
    pack_features,
    quantize,
    read_decoder_files,
)
from sam2widget.bridge.flow_control import Outbox
from sam2widget.bridge.protocol import Decoder, DecoderPart, ReplyTo, WantDecoder
from sam2widget.core.errors import SessionError

FILES = {
    "decoder.js": b"export default 1",
    "runtime.wasm.gz": b"plain" * CHUNK_BYTES,
    "runtime-webgpu.wasm.gz": b"gpu",
}


@pytest.fixture
def companion(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a companion package that is installed."""
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content)
    package = types.ModuleType("sam2widget_decoder")
    package.FOLDER = tmp_path
    monkeypatch.setitem(sys.modules, package.__name__, package)
    return tmp_path


def test_a_view_gets_each_runtime_in_parts_as_it_asks(companion: Path) -> None:
    sent: queue.SimpleQueue[tuple[object, tuple[bytes, ...]]] = queue.SimpleQueue()
    outbox = Outbox(lambda message, buffers: sent.put((message, tuple(buffers))), lambda: None)
    outbox.hello("a")
    server = DecoderServer(read_decoder_files(), None, None, outbox)
    server.offer()
    wanted = [("runtime", 0), ("runtime", 4 * CHUNK_BYTES + 7), ("runtime_webgpu", 0)]
    for n, (file, offset) in enumerate(wanted):
        request = WantDecoder(id=n, view="a", epoch=0, file=file, offset=offset)
        server.serve(request, ReplyTo("a", n))
    plain = FILES["runtime.wasm.gz"]
    assert [sent.get(timeout=60) for _ in range(4)] == [
        (Decoder(), (FILES["decoder.js"],)),
        (DecoderPart(ReplyTo("a", 0), "runtime", 0, len(plain)), (plain[:CHUNK_BYTES],)),
        (DecoderPart(ReplyTo("a", 1), *wanted[1], len(plain)), (plain[4 * CHUNK_BYTES + 7 :],)),
        (DecoderPart(ReplyTo("a", 2), "runtime_webgpu", 0, 3), (b"gpu",)),
    ]
    server.close()


@pytest.mark.parametrize("name", FILES)
def test_a_companion_that_lacks_a_file_is_refused(companion: Path, name: str) -> None:
    (companion / name).unlink()
    with pytest.raises(SessionError, match=r'pip install "sam2widget\[decoder\]", in a checkout'):
        read_decoder_files()


def unpack(data: bytes, channels: int, side: int) -> tuple[np.ndarray, bytes]:
    scales = np.frombuffer(data, "<f4", channels)
    values = np.frombuffer(data, np.int8, channels * side * side, 4 * channels)
    map_chw = values.reshape(channels, side, side) * scales[:, None, None]
    return map_chw, data[channels * (4 + side * side) :]


def test_maps_lose_less_than_half_a_step_of_their_channel() -> None:
    map_chw = np.random.default_rng(0).normal(size=(3, 4, 4)).astype(np.float32)
    map_chw[1] *= 1000
    map_chw[2] = 0
    scales, values = quantize(map_chw)
    assert values.dtype == np.int8 and scales.dtype == np.float32
    error = np.abs(values * np.asarray(scales)[:, None, None] - map_chw).max(axis=(1, 2))
    assert (error <= 0.5001 * np.abs(map_chw).max(axis=(1, 2)) / 127).all()


def test_features_hold_what_the_decoder_is_given() -> None:
    model = load_model("nano", "cpu", image_size=64)
    frames = np.random.default_rng(0).integers(0, 256, (3, 48, 64, 3), dtype=np.uint8)
    video = VideoPredictor(model, frames)
    fresh = video.decoder_inputs(0, 1)
    assert fresh.logits_hw is None and not len(fresh.labels_p)
    assert not video.objects, "nothing is stored"
    video.add_points(0, 1, [[32, 24]], [1])
    inputs = video.decoder_inputs(0, 1)
    np.testing.assert_allclose(inputs.points_p2, [[32, 32]])
    assert inputs.labels_p.tolist() == [1] and inputs.logits_hw is not None

    c, s = model.config.hidden_dim, model.config.image_size
    rest = pack_features(inputs)
    for map_chw, channels, side in (
        (inputs.image_embed_chw, c, s // 16),
        (inputs.high_res_feats_1_chw, c // 4, s // 8),
        (inputs.high_res_feats_0_chw, c // 8, s // 4),
        (inputs.logits_hw[None], 1, s // 4),
    ):
        found, rest = unpack(rest, channels, side)
        assert map_chw.shape == found.shape
        assert np.abs(found - map_chw).max() <= np.abs(map_chw).max() / 127
    assert rest == b""


def test_decoder_inputs_of_a_tracked_frame_know_the_object() -> None:
    model = load_model("nano", "cpu", image_size=64)
    frames = np.random.default_rng(0).integers(0, 256, (3, 48, 64, 3), dtype=np.uint8)
    video = VideoPredictor(model, frames)
    video.add_points(0, 1, [[32, 24]], [1])
    before = video.decoder_inputs(1, 1)
    video.track(1)
    after = video.decoder_inputs(1, 1)
    assert before.logits_hw is None and after.logits_hw is not None
    assert not np.allclose(before.image_embed_chw, after.image_embed_chw)
    np.testing.assert_array_equal(before.high_res_feats_0_chw, after.high_res_feats_0_chw)
