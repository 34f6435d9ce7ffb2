"""Arrays over the frames of a video of which a part is computed when it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray


class LazyFrames:
    """A (T, …) array whose frames are made one by one, each when it is looked at.

    It is indexed as an array and is one to NumPy, so that viewers show it without all of it in
    memory.

    Parameters
    ----------
    read : gives a frame, of the shape and dtype of all.
    shape : of the whole, T first.
    dtype : of its values.
    """

    def __init__(
        self, read: Callable[[int], NDArray[Any]], shape: tuple[int, ...], dtype: DTypeLike
    ) -> None:
        self._read = read
        self.shape = shape
        self.dtype = np.dtype(dtype)
        self.ndim = len(shape)

    @property
    def size(self) -> int:
        """Number of values."""
        return int(np.prod(self.shape, dtype=np.int64))

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: Any) -> NDArray[Any]:
        whole = index if isinstance(index, tuple) else (index,)
        if not whole or whole[0] is Ellipsis or whole[0] is None:
            return np.asarray(self)[index]
        frames = np.arange(len(self))[whole[0]]
        if np.ndim(frames) == 0:
            return self._read(int(frames))[whole[1:]]
        if np.ndim(frames) > 1 or any(isinstance(one, (list, np.ndarray)) for one in whole[1:]):
            return np.asarray(self)[index]
        picked = np.empty((len(frames), *self.shape[1:]), self.dtype)
        for n, frame in enumerate(frames):
            picked[n] = self._read(int(frame))
        return picked[(slice(None), *whole[1:])]

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False:
            raise ValueError("Its frames are made as they are asked for: an array is a copy.")
        values = self[:]
        return values if dtype is None else values.astype(dtype, copy=False)

    def __repr__(self) -> str:
        return f"LazyFrames(shape={self.shape}, dtype={self.dtype})"
