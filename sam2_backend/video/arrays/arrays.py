"""Frames of arrays of any library, and of readers that index to frames: read when needed."""

from __future__ import annotations

import threading
import warnings
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..base import DEFAULT_FPS, SAMPLES, Video
from ..contrast import Contrast
from ..errors import VideoError
from ..lru import BytesLru
from ..options import Plane
from ..pixels import thin_out, to_rgb
from .axes import find_layout
from .values import check_type, get_axis_names, get_chunks, get_dtype, get_fps, to_numpy

CACHE_BYTES = 256 * 2**20
BLOCK_BYTES = CACHE_BYTES // 4
"""Of a chunk that holds more frames, so many bytes are kept at a time."""
SAMPLED_BYTES = 128 * 2**20
"""Read at most to choose a contrast by, unless a chunk is larger."""
MORE_SAMPLES = 8
"""So many times more parts are looked at while all of them are one value."""


class ArrayVideo(Video):
    """Frames of one array, or of a reader that indexes to frames.

    Frames are read when they are asked for, of chunked arrays a chunk at a time. Arrays in memory
    are not copied: what is changed in them shows.

    Parameters
    ----------
    source : anything that has a shape and can be indexed, of any library: NumPy, torch on any
        device, zarr, h5py, dask, xarray…; or a reader that has a length and gives a frame for a
        number. Values are booleans, whole numbers or floats.
    name : to show, and to say in errors.
    axes : a letter for each axis, such as "TCHW"; if None they are told by their names or by the
        shape.
    z : the plane to show, where there are planes (Z) beside times.

    Raises
    ------
    VideoError
        When the axes cannot be told, or values cannot be shown.
    """

    def __init__(
        self,
        source: Any,
        name: str = "array",
        *,
        axes: str | None = None,
        z: Plane = None,
    ) -> None:
        what = f"The {name}"
        is_array = hasattr(source, "shape") and not hasattr(source, "frame_shape")
        if is_array:
            shape, dtype = tuple(source.shape), get_dtype(source)
        else:
            if len(source) == 0:
                raise VideoError(f"{what} has no frames.")
            first = to_numpy(source[0], "Frame 0")
            shape, dtype = (len(source), *first.shape), first.dtype
        layout = find_layout(
            *(shape, name, axes, z), names=get_axis_names(source), are_frames=not is_array
        )
        if dtype is None:
            dtype = to_numpy(source[layout.key(0)], "Frame 0").dtype
        check_type(dtype, what)
        self._source, self._layout, self._dtype = source, layout, dtype
        self._drop_alpha = False
        self.num_channels = layout.size("C")
        """Of a frame as `raw` gives it where values are deep."""
        alpha = self._tell_alpha(name)
        for doubt in layout.doubts if alpha is None else (*layout.doubts, alpha):
            warnings.warn(doubt, stacklevel=2)
        super().__init__(
            *(layout.num_frames, layout.size("X"), layout.size("Y")),
            *(get_fps(source) or DEFAULT_FPS, name),
        )
        one = source[0] if isinstance(source, list) else source
        in_memory = isinstance(one, np.ndarray) or hasattr(one, "detach")
        # Of a file that is mapped, rows here and there would touch nearly all.
        self._rows_are_cheap = in_memory and not isinstance(one, np.memmap)
        self._cache = None if in_memory else BytesLru[int, NDArray[Any]](CACHE_BYTES, _nbytes)
        self._chunks = None if in_memory or not is_array else get_chunks(source)
        self._edges = self._edges_of_chunks()
        self._reading = threading.Lock()
        self._are_shares = False

    def _tell_alpha(self, name: str) -> str | None:
        """Find out whether the last of four channels is transparency; returns what is doubtful."""
        layout = self._layout
        if self.num_channels != 4:
            return None
        is_8_bit = self._dtype.kind in "bf" or self._dtype == np.uint8
        is_last = layout.is_channel_last
        if (is_last or not layout.is_told) if is_8_bit else (is_last and not layout.is_told):
            self._drop_alpha, self.num_channels = True, 3
        if layout.is_told or (is_last and is_8_bit):
            return None
        shown = "RGBA, the last left out" if self._drop_alpha else "a colour each"
        told = "TCHW" if len(layout.shape) == 4 else "CHW"
        told = told if not is_last else told.replace("CHW", "HWC")
        return (
            f"The 4 channels of the {name} of shape {layout.shape} are taken for {shown}. If that "
            f"is wrong, name the axes: axes={told!r} shows each channel."
        )

    @property
    def _is_deep(self) -> bool:
        is_8_bit = self._dtype.kind == "b" or self._dtype == np.uint8
        return not (is_8_bit and self.num_channels in (1, 3))

    @property
    def are_times(self) -> bool:
        """Whether frames are along an axis of times, not of planes."""
        time = self._layout.time
        return time is not None and self._layout.axes[time] == "T"

    @property
    def _in_memory(self) -> bool:
        return self._rows_are_cheap

    @property
    def _view(self) -> str:
        return self._layout.view

    def _read(self, frame: int) -> NDArray[Any]:
        values = self._picture(self._values(frame))
        if not self._is_deep:
            return np.ascontiguousarray(to_rgb(values, f"Frame {frame}"))
        return values

    def show(self, values_hwc: NDArray[Any], frame: int = 0) -> NDArray[np.uint8]:
        """See `Video.show`. What is not shown as it is, is said once."""
        shown = super().show(values_hwc, frame)
        if self._is_deep and self._dtype.kind == "f":
            self._check_floats(values_hwc)
        return shown

    def _picture(self, values_hwc: NDArray[Any]) -> NDArray[Any]:
        if self._drop_alpha:
            values_hwc = values_hwc[..., :3]
        if self._dtype.kind == "b":
            values_hwc = values_hwc.astype(np.uint8) * np.uint8(255)
        return values_hwc

    def _values(self, frame: int) -> NDArray[Any]:
        """(H, W, C) as the source has them."""
        if self._cache is None:
            return self._fetch(frame)
        if self._edges is None:
            start, frames = frame, frame
        else:
            at = bisect_right(self._edges, frame)
            start = self._edges[at - 1]
            frames = slice(start, self._edges[at])
        with self._reading:
            block = self._cache.get(start)
            if block is None:
                block = self._fetch(frames)
                self._cache.put(start, block)
        return block if self._edges is None else block[frame - start]

    def _fetch(
        self, frames: int | slice, rows: slice = slice(None), columns: slice = slice(None)
    ) -> NDArray[Any]:
        """(H, W, C) of a frame, or (T, H, W, C) of several, from the source."""
        many = isinstance(frames, slice)
        what = f"Frame {frames.start if many else frames} of the {self.name}"
        key = self._layout.key(frames, rows, columns)
        try:
            value = self._source if key == () else self._source[key]
        except Exception as error:
            # Whatever a library raises: of a broken chunk, a filter that is not installed.
            raise VideoError(f"{what} cannot be read ({type(error).__name__}: {error}).") from error
        found = to_numpy(value, what)
        expected = self._layout.shape_of(frames, rows, columns)
        if found.shape != expected:
            raise VideoError(
                f"{what} has shape {found.shape}, but {expected} was expected: all frames of a "
                "video must have one shape."
            )
        return self._layout.arrange(found, many)

    def _edges_of_chunks(self) -> list[int] | None:
        """Frames that blocks to be read at once begin at, and the end; None if each is its own."""
        time = self._layout.time
        if self._chunks is None or time is None:
            return None
        chunks = self._chunks[time]
        if isinstance(chunks, int):
            whole, rest = divmod(self.num_frames, max(chunks, 1))
            if chunks <= 1:
                return None
            chunks = [chunks] * whole + [rest] * (rest > 0)
        step = max(BLOCK_BYTES // self._frame_bytes, 1)
        edges = [0]
        for chunk in chunks:
            end = edges[-1] + chunk
            edges.extend(range(edges[-1] + step, end, step))
            edges.append(end)
        return edges

    @property
    def _frame_bytes(self) -> int:
        return self.width * self.height * self._layout.size("C") * self._dtype.itemsize

    def _samples(self) -> Iterator[NDArray[Any]]:
        """Yield the first frame, and parts of others from all over the video.

        Few chunks are read for them. While all values are the same, as where chunks are missing,
        more is read.
        """
        first = thin_out(self._picture(self._values(0)))
        yield first
        low, high = first.min(), first.max()
        per_frame = self._frame_bytes
        if self._edges is not None:
            per_frame *= max(b - a for a, b in pairwise(self._edges))
        tile_h, tile_w, num_samples = self.height, self.width, SAMPLES
        if self._chunks is not None and SAMPLES * per_frame > SAMPLED_BYTES:
            tile_h, tile_w = self._largest_chunk("Y"), self._largest_chunk("X")
            tile_bytes = per_frame * tile_h * tile_w // (self.width * self.height)
            num_samples = min(max(SAMPLED_BYTES // max(tile_bytes, 1), 2), 4 * SAMPLES)
        rows, columns = -(-self.height // tile_h), -(-self.width // tile_w)
        for n in range(1, MORE_SAMPLES * num_samples):
            if n >= num_samples and low != high:
                return
            # Of the golden ratio, so that any number of them lies evenly.
            share = n * 0.618034 % 1
            frame = int(self.num_frames * share)
            if rows * columns == 1:
                values = self._values(frame)
            else:
                row, column = int(rows * (7 * share % 1)), int(columns * (5 * share % 1))
                values = self._fetch(
                    frame,
                    slice(row * tile_h, (row + 1) * tile_h),
                    slice(column * tile_w, (column + 1) * tile_w),
                )
            thin = thin_out(self._picture(values))
            yield thin
            low, high = min(low, thin.min()), max(high, thin.max())

    def _largest_chunk(self, letter: str) -> int:
        at = self._layout.axes.index(letter)
        chunk = None if self._chunks is None else self._chunks[at]
        whole = self._layout.shape[at]
        if chunk is None:
            return whole
        return min(chunk if isinstance(chunk, int) else max(chunk), whole) or whole

    def _choose_contrast(self, samples: Sequence[NDArray[Any]]) -> Contrast | None:
        # What is all one value, as missing chunks are, does not say how the rest is seen.
        samples = [one for one in samples if one.min() != one.max()] or samples
        if self._dtype.kind != "f":
            return Contrast.of(samples)
        finite = [sample[np.isfinite(sample)] for sample in samples]
        low = min((float(values.min()) for values in finite if values.size), default=0)
        high = max((float(values.max()) for values in finite if values.size), default=1)
        self._are_shares = low >= 0 and high <= 1
        if self._are_shares:
            return Contrast.window(0, 1, self.num_channels)
        if self.num_channels != 3:
            return Contrast.of(samples)
        is_bytes = low >= 0 and high <= 255
        contrast = Contrast.window(0, 255, 3) if is_bytes else Contrast.of(samples)
        window = contrast.channels[0]
        self._warn_once(
            f"The {self.name} holds floats from {low:g} to {high:g}, not 0 to 1: {window.low:g} is "
            f"shown black and {window.high:g} in full colour. Say it with contrast=(low, high) if "
            "that is wrong."
        )
        return contrast

    def _check_floats(self, values: NDArray[Any]) -> None:
        low, high = float(values.min()), float(values.max())
        if np.isnan(low):
            self._warn_once(f"The {self.name} holds NaN, not a number, which is shown black.")
        elif self._are_shares and (low < 0 or high > 1):
            self._are_shares = False
            self._warn_once(
                f"The {self.name} holds floats from {low:g} to {high:g}, where "
                "those seen before were 0 to 1: what is beyond is cut off. Say what to show with "
                "contrast=(low, high)."
            )


def _nbytes(array: NDArray[Any]) -> int:
    return array.nbytes
