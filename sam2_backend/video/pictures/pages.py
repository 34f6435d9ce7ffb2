"""The pages of a TIFF file as frames."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from ..base import Kind, Video
from ..errors import VideoError
from ..lru import BytesLru
from ..options import MAX_MEGAPIXELS, Plane
from .decoding import readable
from .tiff import TiffFrames

CACHE_BYTES = 64 * 2**20


class TiffStack(Video):
    """The pages of a TIFF file as frames; see `TiffFrames`.

    Parameters
    ----------
    path : of the file.
    kind : "images" for pages that have nothing to do with each other and may be of several sizes.
    max_megapixels, plane : as in `TiffFrames`.
    """

    def __init__(
        self,
        path: Path,
        kind: Kind = "video",
        max_megapixels: float = MAX_MEGAPIXELS,
        plane: Plane = None,
    ) -> None:
        self._path = path
        with readable(path):
            self._frames = TiffFrames(path, max_megapixels, plane)
            fps, labels = self._frames.fps, self._frames.labels
            pixel_size, interval_s = self._frames.pixel_size, self._frames.interval_s
        infos = self._frames.infos
        sizes = [(info.width, info.height) for info in infos]
        width, height = sizes[0]
        for n, info in enumerate(infos):
            if kind == "video" and sizes[n] != sizes[0]:
                raise VideoError(
                    f"Page {n} of {path} is {info.width}x{info.height}, but page 0 is {width}x"
                    f"{height}: all frames of a video must have one size. Are they pictures, each "
                    "on its own? Then say kind='images'."
                )
            if kind == "video" and (info.channels, info.dtype) != (
                infos[0].channels,
                infos[0].dtype,
            ):
                raise VideoError(
                    f"Page {n} of {path} is {info}, but page 0 is {infos[0]}: all frames of a "
                    "video must be of one kind. Are they pictures, each on its own? Then say "
                    "kind='images'."
                )
        for guess in self._frames.guesses:
            warnings.warn(f"{path.name}: {guess}.", stacklevel=4)
        self.kind = kind
        super().__init__(
            *(len(infos), width, height, fps, path.name), sizes if kind == "images" else None
        )
        self.found_pixel_size, self.found_interval_s = pixel_size, interval_s
        self.names = labels or ([path.name] if len(infos) == 1 else None)
        self._deep = any(info.is_deep for info in infos)
        self._cache = BytesLru[int, NDArray[Any]](CACHE_BYTES, lambda values: values.nbytes)

    @property
    def _is_deep(self) -> bool:
        return self._deep

    @property
    def _files(self) -> Sequence[Path]:
        return [self._path]

    @property
    def _view(self) -> str:
        return self._frames.view

    def _read(self, frame: int) -> NDArray[Any]:
        values = self._cache.get(frame)
        if values is None:
            with readable(self._path):
                values = self._frames.read(frame)
            self._cache.put(frame, values)
        return values
