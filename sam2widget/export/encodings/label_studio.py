"""Label Studio's run lengths of a brush: packed bits of the colours of all pixels, RGBA.

A header has the number of values (32 bits), the bits of a value less one (5) and four sizes of
counts less one (4 each). Then follow blocks: a bit that says whether one value repeats, two that
say which size the count has, the count less one, and one value, or that many of them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..reading.entries import EntryError
from ..wording import shorten

_CHANNELS = 4
_VALUE_BITS = 8
_COUNT_BITS = 3, 4, 8, 16
_LONGEST = 2**16
_HALF = 128
"""From this alpha on a pixel is of the brush."""


def encode_brush(mask_hw: NDArray[np.bool_]) -> list[int]:
    """Encode a (H, W) mask as bytes, 0..255, that Label Studio shows as a brush."""
    flat = np.ascontiguousarray(mask_hw, np.bool_).ravel()
    bounds = np.concatenate(([0], np.flatnonzero(np.diff(flat)) + 1, [flat.size]))
    bits = [f"{flat.size * _CHANNELS:032b}", f"{_VALUE_BITS - 1:05b}"]
    bits += [f"{size - 1:04b}" for size in _COUNT_BITS]
    for start, length in zip(bounds[:-1].tolist(), np.diff(bounds).tolist(), strict=True):
        value = "11111111" if flat[start] else "00000000"
        left = length * _CHANNELS
        while left:
            count = min(left, _LONGEST)
            which = next(n for n, size in enumerate(_COUNT_BITS) if count <= 2**size)
            bits.append(f"1{which:02b}{count - 1:0{_COUNT_BITS[which]}b}{value}")
            left -= count
    packed = np.frombuffer("".join(bits).encode("ascii"), np.uint8) - ord("0")
    return np.packbits(packed).tolist()


def decode_brush(said: object, hw: tuple[int, int]) -> NDArray[np.bool_]:
    """Give the (H, W) mask, bool, of a brush of Label Studio.

    Raises
    ------
    EntryError
        When it is not of this size, or damaged.
    """
    if not isinstance(said, list) or not all(type(one) is int and 0 <= one < 256 for one in said):
        raise EntryError(f"its rle is {shorten(said)}, not a list of bytes")
    reader = _BitReader(bytes(said))
    total, value_bits = reader.read(32), reader.read(5) + 1
    sizes = [reader.read(4) + 1 for _ in range(4)]
    if total != hw[0] * hw[1] * _CHANNELS or value_bits != _VALUE_BITS:
        raise EntryError(
            f"its rle is of {total} values of {value_bits} bits, not the {_CHANNELS} of each pixel "
            f"of {hw[1]} x {hw[0]}"
        )
    values_n = np.zeros(total, np.uint8)
    at = 0
    while at < total:
        repeats = reader.read(1)
        count = reader.read(sizes[reader.read(2)]) + 1
        if at + count > total:
            raise EntryError("its rle has more values than pixels")
        if repeats:
            values_n[at : at + count] = reader.read(_VALUE_BITS)
        else:
            values_n[at : at + count] = reader.read_bytes(count)
        at += count
    return values_n.reshape(*hw, _CHANNELS)[..., 3] >= _HALF


class _BitReader:
    """Reads whole numbers of some bits each."""

    def __init__(self, data: bytes) -> None:
        self._bits = "".join(f"{one:08b}" for one in data)
        self._at = 0

    def read(self, size: int) -> int:
        return int(self._take(size), 2)

    def read_bytes(self, count: int) -> NDArray[np.uint8]:
        taken = np.frombuffer(self._take(8 * count).encode("ascii"), np.uint8) - ord("0")
        return np.packbits(taken)

    def _take(self, size: int) -> str:
        start, self._at = self._at, self._at + size
        if self._at > len(self._bits):
            raise EntryError("its rle ends too early")
        return self._bits[start : self._at]
