"""Frames of animated GIF, WebP, PNG and AVIF, as Pillow composes them."""

from __future__ import annotations

import io
import struct
import tempfile
import threading
import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..base import DEFAULT_FPS, Kind, Video
from ..errors import VideoError
from ..lru import BytesLru
from ..options import MAX_MEGAPIXELS
from .decoding import iter_png_chunks, no_pillow_limit, open_with_pillow, readable

CACHE_BYTES = 64 * 2**20
KEPT_IN_MEMORY = 64 * 2**20
"""Bytes of compressed frames; what is more goes to a temporary file."""
SHORTEST_S = 0.011
"""What is to be shown for less is shown for `INSTEAD_S`, as browsers do."""
INSTEAD_S = 0.1


class Animation(Video):
    """An animated picture.

    A frame of it is what is left of those before with something painted over, so that it can only
    be composed in order. Each is composed once and kept, compressed without loss.

    Parameters
    ----------
    path : of the file.
    kind : "images" for frames that have nothing to do with each other.
    max_megapixels : of a frame.
    """

    def __init__(
        self, path: Path, kind: Kind = "video", max_megapixels: float = MAX_MEGAPIXELS
    ) -> None:
        self._path = path
        with readable(path) as form:
            with open_with_pillow(path, form, max_megapixels) as image, no_pillow_limit():
                width, height = image.size
                count = int(getattr(image, "n_frames", 1))
                # A picture for programs that show no animations.
                self._first = int(bool(image.info.get("default_image")))
            with open(path, "rb") as file:
                durations_s = list(_durations(file.read()))
        count -= self._first
        self.kind = kind
        sizes = [(width, height)] * count if kind == "images" else None
        super().__init__(count, width, height, _fps(path.name, durations_s), path.name, sizes)
        self._composing = threading.Lock()
        self._image: Image.Image | None = None
        self._store = tempfile.SpooledTemporaryFile[bytes](KEPT_IN_MEMORY)
        self._ends = [0]
        self._cache = BytesLru[int, NDArray[np.uint8]](CACHE_BYTES, lambda rgb: rgb.nbytes)

    def _read(self, frame: int) -> NDArray[np.uint8]:
        rgb = self._cache.get(frame)
        if rgb is None:
            with self._composing:
                rgb = self._composed(frame)
            self._cache.put(frame, rgb)
        return rgb

    def _composed(self, frame: int) -> NDArray[np.uint8]:
        shape = self.height, self.width, 3
        rgb: NDArray[np.uint8] | None = None
        while len(self._ends) <= frame + 1:
            rgb = self._compose_next()
            self._store.seek(self._ends[-1])
            self._ends.append(self._ends[-1] + self._store.write(zlib.compress(rgb.tobytes(), 1)))
            self._cache.put(len(self._ends) - 2, rgb)
        if rgb is None:
            start, end = self._ends[frame : frame + 2]
            self._store.seek(start)
            data = zlib.decompress(self._store.read(end - start))
            rgb = np.frombuffer(data, np.uint8).reshape(shape)
        return rgb

    def _compose_next(self) -> NDArray[np.uint8]:
        """The frame after those that are kept."""
        frame = len(self._ends) - 1
        try:
            with no_pillow_limit():
                if self._image is None:
                    self._image = Image.open(self._path)
                image = self._image
                image.seek(frame + self._first)
                rgba = np.array(image.convert("RGBA"))
        except Exception as error:
            # Whatever Pillow and its codecs raise.
            raise VideoError(
                f"Frame {frame} of {self._path} cannot be read ({error}): the file may be damaged."
            ) from error
        rgb = np.ascontiguousarray(rgba[..., :3])
        rgb[rgba[..., 3] == 0] = 0
        if frame == self.num_frames - 1:
            image.close()
        return rgb


def _fps(name: str, durations_s: list[float]) -> float:
    if not durations_s:
        return DEFAULT_FPS
    shown_s = [INSTEAD_S if one < SHORTEST_S else one for one in durations_s]
    if max(shown_s) <= 2 * min(shown_s):
        return len(shown_s) / sum(shown_s)
    usual_s = sorted(shown_s)[len(shown_s) // 2]
    warnings.warn(
        f"{name} shows its frames for {1000 * min(shown_s):.0f} to {1000 * max(shown_s):.0f} ms: "
        f"here each is shown for {1000 * usual_s:.0f} ms.",
        stacklevel=5,
    )
    return 1 / usual_s


# Pillow tells durations only of frames that it has composed, which takes long.


def _durations(data: bytes) -> Iterator[float]:
    """How long each frame is shown, in seconds; nothing where the file does not say."""
    if data[:4] == b"GIF8":
        return _gif_durations(data)
    if data[:4] == b"\x89PNG":
        return _png_durations(data)
    if data[:4] == b"RIFF":
        return _webp_durations(data)
    return _avif_durations(data)


def _gif_durations(data: bytes) -> Iterator[float]:
    def table(flags: int) -> int:
        return 3 << ((flags & 7) + 1) if flags & 0x80 else 0

    at = 13 + table(data[10])
    delay = 0
    while at + 2 < len(data):
        if data[at] == 0x2C:
            yield delay / 100
            delay = 0
            at += 10 + table(data[at + 9] if at + 9 < len(data) else 0) + 1
        elif data[at] == 0x21:
            if data[at + 1] == 0xF9 and at + 6 <= len(data):
                delay = int.from_bytes(data[at + 4 : at + 6], "little")
            at += 2
        else:
            return
        while at < len(data) and data[at]:
            at += data[at] + 1
        at += 1


def _png_durations(data: bytes) -> Iterator[float]:
    for kind, at, length in iter_png_chunks(io.BytesIO(data)):
        if kind == b"fcTL" and length >= 26:
            above, below = struct.unpack(">HH", data[at + 20 : at + 24])
            yield above / (below or 100)


def _webp_durations(data: bytes) -> Iterator[float]:
    at = 12
    while at + 8 <= len(data):
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        if data[at : at + 4] == b"ANMF":
            yield int.from_bytes(data[at + 20 : at + 23], "little") / 1000
        at += 8 + length + length % 2


def _avif_durations(data: bytes) -> Iterator[float]:
    """From the first table of times (ISO/IEC 14496-12: mdhd, stts)."""
    scale_at, times_at = data.find(b"mdhd"), data.find(b"stts")
    if scale_at < 0 or times_at < 0:
        return
    skipped = 24 if data[scale_at + 4] else 16
    scale = int.from_bytes(data[scale_at + skipped : scale_at + skipped + 4], "big") or 1
    count = int.from_bytes(data[times_at + 8 : times_at + 12], "big")
    for n in range(min(count, 10000)):
        frames, ticks = struct.unpack_from(">II", data, times_at + 12 + 8 * n)
        yield from [ticks / scale] * min(frames, 100000)
