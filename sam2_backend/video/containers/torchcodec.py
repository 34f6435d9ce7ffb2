"""Frames of a video file decoded by TorchCodec: on an NVIDIA GPU by its video decoder.

PyAV decodes unless this is asked for. It also says what is in the file, so that frames have the
same numbers; TorchCodec decodes them. Their pixels differ by what conversions to RGB round.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...extras import install_command
from ..base import Kind, Video
from ..errors import VideoError
from ..options import OpenOptions
from .container import FileVideo
from .picture import is_high_definition

NAME = "torchcodec"
"""What `open_video` knows it by, before a colon and a device."""
EIGHT_BITS = re.compile(r"yuvj?4(20|22|44)p|nv12")
"""Formats of pixels whose colours it shows as PyAV does."""
UNNAMED = None, "unknown", "unspecified"


def open_with_torchcodec(source: Any, kind: Kind, options: OpenOptions) -> Video | None:
    """Open the path of a video file where that was asked for; see `SourceOpener`."""
    name, _, device = (options.decoder or "").partition(":")
    if name != NAME or not isinstance(source, Path):
        return None
    options.refuse_for_arrays(f"{source} is none")
    video = TorchcodecVideo(source, device or "cpu")
    video.decoder = options.decoder
    return video


class TorchcodecVideo(FileVideo):
    """A video file on this machine that TorchCodec decodes.

    Parameters
    ----------
    path : of the file.
    device : "cpu", or a CUDA device: its video decoder decodes then, and `read_tensor` gives frames
        that never leave it.

    Raises
    ------
    VideoError
        When TorchCodec is not there, or cannot decode the file as PyAV does.
    """

    def __init__(self, path: Path, device: str = "cpu") -> None:
        super().__init__(path)
        self.decoder = f"{NAME}:{device}"
        self._device = device
        self._decoding = threading.Lock()
        self._frames = _open_decoder(path, device)
        reason = self._reason_against()
        if reason:
            raise VideoError(f"{path} {reason}: leave decoder= away, so that PyAV decodes it.")
        found = len(self._frames), self._frames.metadata.width, self._frames.metadata.height
        if found != (self.num_frames, self.width, self.height):
            raise VideoError(
                f"TorchCodec finds {found[0]} frames of {found[1]}x{found[2]} in {path}, PyAV "
                f"{self.num_frames} of {self.width}x{self.height}: leave decoder= away."
            )
        if self._frames.cpu_fallback:
            self._warn_once(
                f"{path} is decoded on the CPU: the GPU's video decoder does not do it "
                f"({self._frames.cpu_fallback}).",
                about="fallback",
            )

    def _reason_against(self) -> str | None:
        """Why TorchCodec would show something else than PyAV; None where it would not."""
        metadata = self._frames.metadata
        if self._deep:
            return "has values that need a contrast, which TorchCodec does not give"
        if self._turn.mirrored:
            return "is mirrored, which TorchCodec does not undo"
        if not EIGHT_BITS.fullmatch(metadata.pixel_format or ""):
            return (
                f"has pixels of {metadata.pixel_format}, whose colours TorchCodec shows otherwise"
            )
        if metadata.color_space in UNNAMED and is_high_definition(*self._coded):
            return (
                "does not name its colours: it would be shown by BT.601, not by BT.709 as players "
                "show high definition"
            )
        return None

    @property
    def tensor_device(self) -> str | None:
        """Kind of the device that `read_tensor` leaves frames on.

        None where frames come to the host all the same, as do those whose contrast was chosen.
        """
        if self._device == "cpu" or self.chosen_contrast is not None:
            return None
        return self._device.partition(":")[0]

    def read_tensor(self, frame: int) -> Any:
        """Read a frame as an (H, W, 3) uint8 RGB tensor on the decoder's device."""
        self._check(frame)
        try:
            with self._decoding:
                return self._frames.get_frame_at(frame).data
        except RuntimeError as error:
            raise VideoError(
                f"Frame {frame} of {self.name} cannot be decoded by TorchCodec "
                f"({_first_line(error)}): the file may be damaged. PyAV may show more of it."
            ) from error

    def _read(self, frame: int) -> NDArray[np.uint8]:
        values = self._cache.get(frame)
        if not isinstance(values, np.ndarray):
            values = np.ascontiguousarray(self.read_tensor(frame).cpu().numpy())
            self._cache.put(frame, values)
        return values

    def read_progressive(self, frame: int) -> Iterator[tuple[int, NDArray[np.uint8]] | None]:
        """See `Video.read_progressive`; nothing is shown on the way."""
        yield frame, self[frame]


def _open_decoder(path: Path, device: str) -> Any:
    try:
        decoders = import_module("torchcodec.decoders")
    except (ImportError, OSError, RuntimeError) as error:
        raise VideoError(
            f"TorchCodec cannot be used here ({_first_line(error)}). It comes by "
            f"{install_command('torchcodec')}, needs PyTorch 2.11 or later, of CUDA or of the CPU "
            "as it is itself, and FFmpeg from your system, with shared libraries; or leave "
            "decoder= away."
        ) from error
    try:
        return decoders.VideoDecoder(
            path, device=device, dimension_order="NHWC", num_ffmpeg_threads=0
        )
    except (RuntimeError, ValueError) as error:
        raise VideoError(
            f"TorchCodec cannot open {path} on {device} ({_first_line(error)}): leave decoder= "
            "away."
        ) from error


def _first_line(error: BaseException) -> str:
    line = (str(error).strip() or type(error).__name__).splitlines()[0]
    # "Could not load libtorchcodec. Likely causes:", which a list follows.
    return line.rpartition(". ")[0] if line.endswith(":") and ". " in line else line
