"""What a browser needs to decode masks itself: a program, the decoder, features of frames."""

from __future__ import annotations

import gzip
import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sam2_backend.extras import install_command

from ..annotation.session import Session
from ..core.errors import SessionError
from ..models.capabilities import DecoderInputs
from ..runtime.controller import Controller
from ..runtime.error_texts import describe_error, log_unless_expected
from ..runtime.worker import Priority, Worker
from .flow_control import Outbox
from .protocol import Decoder, DecoderPart, Error, Features, ReplyTo, WantDecoder, WantFeatures
from .protocol.values import DecoderFile

PACKAGE = "sam2widget_decoder"
CHUNK_BYTES = 512 * 1024


@dataclass(frozen=True)
class DecoderFiles:
    """What the companion package has."""

    module: bytes
    """The page's part, in JavaScript."""
    runtime: bytes
    """ONNX Runtime as WebAssembly, compressed by gzip."""
    runtime_webgpu: bytes
    """The same with WebGPU, for browsers that have it."""


def read_decoder_files() -> DecoderFiles:
    """Read what the companion package has.

    Raises
    ------
    SessionError
        When it is not installed, or not built.
    """
    try:
        folder = Path(str(importlib.import_module(PACKAGE).FOLDER))
        return DecoderFiles(
            (folder / "decoder.js").read_bytes(),
            (folder / "runtime.wasm.gz").read_bytes(),
            (folder / "runtime-webgpu.wasm.gz").read_bytes(),
        )
    except (ImportError, OSError) as error:
        raise SessionError(
            "Masks can be decoded in the browser where sam2widget-decoder is installed: "
            f"{install_command(PACKAGE)}, in a checkout ./js/decoder '.[decoder]'; or leave "
            "browser_decoder out."
        ) from error


class DecoderServer:
    """Sends views what they need to decode masks ahead of the kernel.

    Parameters
    ----------
    files : of the companion package.
    session : whose model's decoder it is.
    controller : in whose thread features are computed.
    outbox : where messages go.
    """

    def __init__(
        self,
        files: DecoderFiles,
        session: Session,
        controller: Controller[ReplyTo],
        outbox: Outbox,
    ) -> None:
        self._files = files
        self._session = session
        self._controller = controller
        self._outbox = outbox
        self._network: tuple[str, bytes] = "", b""
        self._worker = Worker("sam2widget decoder")

    def offer(self) -> None:
        """Send views the page's part; a view that has it goes on with its own."""
        self._outbox.post(Decoder(), (self._files.module,))

    def serve(self, request: WantDecoder | WantFeatures, reply_to: ReplyTo) -> None:
        """Carry a request out. Whatever thread this is, it is soon free again."""
        if isinstance(request, WantDecoder):
            self._worker.submit(lambda: self._send_part(request, reply_to))
        else:
            self._controller.submit(
                lambda: self._send_features(request, reply_to),
                *(Priority.HOVER, ("features", request.view)),
            )

    def close(self) -> None:
        """End the thread."""
        self._worker.close(wait=False)

    def _send_part(self, request: WantDecoder, reply_to: ReplyTo) -> None:
        try:
            data = self._read(request.file)
        except Exception as error:
            log_unless_expected(error, "The decoder could not be read")
            self._outbox.send_always(Error(reply_to, describe_error(error)))
            return
        part = data[request.offset : request.offset + CHUNK_BYTES]
        message = DecoderPart(reply_to, request.file, request.offset, len(data))
        self._outbox.send_always(message, (part,))

    def _read(self, file: DecoderFile) -> bytes:
        if file == "network":
            return self._read_network()
        return self._files.runtime if file == "runtime" else self._files.runtime_webgpu

    def _read_network(self) -> bytes:
        read = self._session.read_decoder()
        if read is None:
            raise SessionError("The decoder of this model cannot run in a browser.")
        name = self._name_network()
        if self._network[0] != name:
            self._network = name, gzip.compress(read(), compresslevel=6)
        return self._network[1]

    def _name_network(self) -> str:
        """Tell networks apart: by the segmenter, which another model has another of."""
        return str(id(getattr(self._session.read_decoder(), "__self__", None)))

    def _send_features(self, request: WantFeatures, reply_to: ReplyTo) -> None:
        """Send features. Whatever is wrong, nobody has asked for anything yet."""
        try:
            inputs = self._session.decoder_inputs(request.frame, request.object)
        except Exception as error:
            log_unless_expected(error, "Features could not be computed")
            return
        if inputs is not None:
            message = Features(
                reply_to,
                self._name_network(),
                size=16 * inputs.image_embed_chw.shape[1],
                channels=len(inputs.image_embed_chw),
                points=inputs.points_p2.ravel().tolist(),
                labels=inputs.labels_p.tolist(),
                has_mask=inputs.logits_hw is not None,
            )
            self._outbox.send_always(message, (pack_features(inputs),))


def pack_features(inputs: DecoderInputs) -> bytes:
    """Pack the maps of a decoder's inputs as `Features` says."""
    maps = [inputs.image_embed_chw, inputs.high_res_feats_1_chw, inputs.high_res_feats_0_chw]
    if inputs.logits_hw is not None:
        maps.append(inputs.logits_hw[None])
    return b"".join(part.tobytes() for map_ in maps for part in quantize(map_))


def quantize(map_chw: NDArray[np.float32]) -> Sequence[NDArray[np.generic]]:
    """Quantise a (C, H, W) map by channel: (C,) float32 scales and (C, H, W) int8."""
    scales = np.abs(map_chw).max(axis=(1, 2)) / 127
    scales = np.where(scales > 0, scales, 1).astype("<f4")
    return scales, np.rint(map_chw / scales[:, None, None]).astype(np.int8)
