"""Masks as they are stored, sent and read: run lengths."""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn, cast

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..errors import SessionError

_RUN = np.dtype("<u4")
MAX_ARRAY_PIXELS = 2**29
"""Of a mask that is made an array: half a gigabyte."""


@dataclass(frozen=True, slots=True)  # of which there may be millions
class Mask:
    """One (H, W) mask, as run lengths. Immutable.

    Parameters
    ----------
    height, width : in pixels of the original frame.
    runs : run lengths of the mask read row by row, alternately background and object, starting
        with background (0 where the first pixel is of the object); uint32, little-endian. These
        bytes are also what goes to the browser.
    """

    height: int
    width: int
    runs: bytes
    _area: int | None = field(default=None, init=False, repr=False, compare=False)
    _box: tuple[int, int, int, int] | None = field(
        default=None, init=False, repr=False, compare=False
    )

    @classmethod
    def from_array(cls, mask_hw: NDArray[Any]) -> Mask:
        """Encode an (H, W) array; what is not 0 belongs to the object.

        Raises
        ------
        ValueError
            When the array has not two dimensions.
        """
        mask_hw = np.asarray(mask_hw)
        if mask_hw.ndim != 2:
            raise ValueError(f"A mask must have shape (H, W), got {mask_hw.shape}.")
        inside_hw = mask_hw if mask_hw.dtype == np.bool_ else mask_hw != 0
        flat = np.ascontiguousarray(inside_hw).ravel()
        changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
        begins_inside = [0] if flat.size and flat[0] else []
        bounds = np.concatenate((begins_inside, changes, [flat.size]))
        runs = np.diff(bounds, prepend=0).astype(_RUN)
        return cls(mask_hw.shape[0], mask_hw.shape[1], runs.tobytes())

    @classmethod
    def of(cls, mask: NDArray[Any] | Mask) -> Mask:
        """A mask that may be run lengths already, or an (H, W) array."""
        return mask if isinstance(mask, Mask) else cls.from_array(mask)

    @classmethod
    def from_bytes(cls, runs: bytes, height: int, width: int) -> Mask:
        """Check run lengths that come from outside.

        Raises
        ------
        ValueError
            When they do not add up to `height` times `width` pixels.
        """
        if len(runs) % _RUN.itemsize:
            raise ValueError(f"Run lengths are 4 bytes each, got {len(runs)} bytes in all.")
        total = int(np.frombuffer(runs, _RUN).sum(dtype=np.uint64))
        if total != height * width:
            raise ValueError(
                f"The run lengths cover {total} pixels, but a {width}x{height} mask has "
                f"{height * width}."
            )
        return cls(height, width, bytes(runs))

    @classmethod
    def empty(cls, height: int, width: int) -> Mask:
        """A mask without a pixel of the object."""
        return cls(height, width, np.array([height * width], _RUN).tobytes())

    def to_array(self) -> NDArray[np.bool_]:
        """(H, W) bool, a new array.

        Raises
        ------
        SessionError
            When it would have more than `MAX_ARRAY_PIXELS`.
        """
        if self.height * self.width > MAX_ARRAY_PIXELS:
            raise SessionError(
                f"A mask of {self.width} x {self.height} pixels takes "
                f"{self.height * self.width / 1e9:.1f} GB as an array: read a part of it, with "
                "w.read_mask(obj, (x0, y0, x1, y1)), or export it as 'geojson'."
            )
        lengths = np.frombuffer(self.runs, _RUN)
        inside: NDArray[np.bool_] = np.arange(len(lengths)) % 2 == 1
        flat: NDArray[np.bool_] = np.repeat(inside, lengths)
        return np.reshape(flat, self.shape)

    @property
    def area(self) -> int:
        """Number of pixels of the object."""
        area = self._area
        if area is None:
            area = int(np.frombuffer(self.runs, _RUN)[1::2].sum(dtype=np.uint64))
            object.__setattr__(self, "_area", area)
        return area

    @property
    def box(self) -> tuple[int, int, int, int] | None:
        """Box y0, x0, y1, x1 around the object in pixels; None where it has no pixels.

        The last two are not included.
        """
        if self._box is None:
            object.__setattr__(self, "_box", self._find_box())
        return self._box

    def _find_box(self) -> tuple[int, int, int, int] | None:
        ends = np.frombuffer(self.runs, _RUN).cumsum(dtype=np.int64)
        starts, stops = ends[0:-1:2], ends[1::2]
        inside = starts < stops
        starts, lasts = starts[inside], stops[inside] - 1
        if not len(starts):
            return None
        # A run that goes on in the next row touches both sides.
        across = bool((starts // self.width != lasts // self.width).any())
        left = 0 if across else int((starts % self.width).min())
        right = self.width if across else int((lasts % self.width).max()) + 1
        return int(starts[0]) // self.width, left, int(lasts[-1]) // self.width + 1, right

    @property
    def centroid(self) -> tuple[float, float] | None:
        """Mean (x, y) of the object's pixels, whose centres are at +0.5; None where it has none."""
        ends = np.frombuffer(self.runs, _RUN).cumsum(dtype=np.int64)
        starts, stops = ends[0:-1:2], ends[1::2]
        if not self.area:
            return None
        # Sums over all pixels before the n-th, row by row; those between two n are a difference.
        rows, columns = np.divmod(np.stack((starts, stops)), self.width)
        row_sum = self.width * (self.width - 1) // 2
        x_sums = rows * row_sum + columns * (columns - 1) // 2
        y_sums = self.width * rows * (rows - 1) // 2 + rows * columns
        x, y = (int((sums[1] - sums[0]).sum()) / self.area for sums in (x_sums, y_sums))
        return x + 0.5, y + 0.5

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W)."""
        return self.height, self.width

    def __repr__(self) -> str:
        return f"Mask({self.width}x{self.height}, area={self.area})"


class MaskVolume:
    """The masks of one object over a video, decoded only where they are looked at.

    Indexes like a (T, H, W) bool array, is one to NumPy (``np.asarray(volume)``), and follows
    the session: what is tracked later shows without asking again. Frames without a mask are
    all False. Pickled, or copied with `copy.deepcopy`, it is an array (of several sizes, a list of
    them).

    Parameters
    ----------
    read : gives the stored mask of a frame, or None.
    shape : (T, H, W), or what gives it where T grows.
    sizes_hw : (H, W) of each frame where they differ. ``volume[i]`` is of the size of frame i
        then, and several frames can be had at once only where they are of one size.
    """

    dtype = np.dtype(np.bool_)
    ndim = 3

    def __init__(
        self,
        read: Callable[[int], Mask | None],
        shape: tuple[int, int, int] | Callable[[], tuple[int, int, int]],
        sizes_hw: Sequence[tuple[int, int]] | None = None,
    ) -> None:
        self._read_mask = read
        self._sizes_hw = sizes_hw
        self._shape = shape

    @property
    def shape(self) -> tuple[int, int, int]:
        """(T, H, W)."""
        return self._shape() if callable(self._shape) else self._shape

    @property
    def size(self) -> int:
        """Number of pixels over all frames."""
        return self.shape[0] * self.shape[1] * self.shape[2]

    @property
    def nbytes(self) -> int:
        """Bytes that ``np.asarray`` of all of it takes."""
        return self.size

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: Any) -> NDArray[np.bool_]:
        whole = cast("tuple[Any, ...]", index if isinstance(index, tuple) else (index,))
        try:
            return self._read(whole)
        except (IndexError, TypeError) as error:
            raise (TypeError if isinstance(error, TypeError) else IndexError)(
                self._explain(whole, error)
            ) from None

    def __setitem__(self, index: Any, value: Any) -> NoReturn:
        raise TypeError(
            "Masks are read here, and cannot be written: w.add_mask(frame, mask, obj) gives the "
            "mask of a frame, w.import_masks(…) several."
        )

    if not TYPE_CHECKING:  # a type checker shall go on to see what is misspelt

        def __getattr__(self, name: str) -> NoReturn:
            hint = f"np.asarray(masks).{name}" if hasattr(np.ndarray, name) else "np.asarray(masks)"
            raise AttributeError(
                f"Masks of an object have no {name!r}, as they are decoded where they are indexed: "
                f"{hint} is of an array of all."
            )

    def _read(self, whole: tuple[Any, ...]) -> NDArray[np.bool_]:
        if not whole or whole[0] is Ellipsis or whole[0] is None:
            return np.asarray(self)[whole]
        first = whole[0]
        if isinstance(first, (float, np.floating)) and first.is_integer():
            first = int(first)
        frames: NDArray[np.intp] = np.asarray(np.arange(len(self))[cast(Any, first)])
        masks_nhw = self._stack(frames.ravel())
        if isinstance(first, slice):
            return masks_nhw[(slice(None), *whole[1:])]
        positions = np.arange(frames.size).reshape(frames.shape)
        return masks_nhw[(positions, *whole[1:])]

    def _explain(self, whole: tuple[Any, ...], error: Exception) -> str:
        """Say in a sentence what is wrong with an index."""
        first, last = whole[0] if whole else None, len(self) - 1
        given = reprlib.repr(first if len(whole) == 1 else whole)
        if len(whole) > 1:
            return f"Masks are (T, H, W), here {self.shape}, and have no [{given[1:-1]}] ({error})."
        if isinstance(first, (int, np.integer)):
            return f"There is no frame {first}: the video has frames 0 to {last}."
        return (
            f"A frame is a whole number from 0 to {last}, or a slice or a list of such, got "
            f"{given}{f' ({error})' if isinstance(first, (list, np.ndarray)) else ''}."
        )

    def __array__(
        self, dtype: DTypeLike | None = None, copy: bool | None = None
    ) -> NDArray[np.bool_]:
        if copy is False:
            raise ValueError(
                "These masks are stored as run lengths: an array of them is always a copy."
            )
        masks_thw = self._stack(np.arange(len(self)))
        return masks_thw if dtype is None else masks_thw.astype(dtype, copy=False)

    def __reduce__(self) -> Any:
        if self._sizes_hw is not None:
            return list, ([self[frame] for frame in range(len(self))],)
        return np.array, (np.asarray(self),)

    def __repr__(self) -> str:
        if self._sizes_hw is not None:
            return f"MaskVolume({len(self)} masks of several sizes, dtype=bool)"
        return f"MaskVolume(shape={self.shape}, dtype=bool)"

    def _stack(self, frames: NDArray[np.intp]) -> NDArray[np.bool_]:
        masks_nhw = np.zeros((len(frames), *self._size(frames)), np.bool_)
        for n, frame in enumerate(frames):
            mask = self._read_mask(int(frame))
            if mask is not None:
                masks_nhw[n] = mask.to_array()
        return masks_nhw

    def _size(self, frames: NDArray[np.intp]) -> tuple[int, int]:
        if self._sizes_hw is None or not len(frames):
            return self.shape[1:]
        sizes = {self._sizes_hw[frame] for frame in frames}
        if len(sizes) > 1:
            raise ValueError(
                "The pictures are of several sizes, so their masks do not fit into one array: "
                "take them one by one, as in [masks[i] for i in range(len(masks))]."
            )
        return sizes.pop()
