"""Packs: data sets of many small files as one file that is quick to move and to read.

A pack is an `.npz` with pictures as WebP and label maps as PNG, one after the other:

===========  ======================================================================
``rgb``      bytes of all pictures
``lab``      bytes of all label maps: 0 is background, 1, 2, … are objects
``rgb_off``  where each picture begins, and the end of the last one
``lab_off``  the same of the label maps
``names``    ``set`` or ``set/name`` of each still or clip
``lens``     pictures of each clip; left out where all are stills
===========  ======================================================================
"""

from __future__ import annotations

import hashlib
import io
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..datasets.records import DatasetError, Frames, Record

_MAX_OBJECTS = 199
_KEYS = ("rgb", "lab", "rgb_off", "lab_off", "names")


@dataclass(frozen=True)
class PackRecord:
    """A still, or a video, of a pack; see `Record`."""

    name: str
    pairs: tuple[tuple[bytes, bytes], ...]
    """Encoded picture and label map of each frame."""

    def __len__(self) -> int:
        return len(self.pairs)

    def decode(self, position: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Decode picture (H, W, 3) uint8 RGB and label map (H, W) uint8 of a frame."""
        picture, labels = (Image.open(io.BytesIO(data)) for data in self.pairs[position])
        return np.asarray(picture.convert("RGB")), np.asarray(labels)

    def read(self, positions: Sequence[int]) -> Frames:
        """Decode some frames; see `Record`."""
        pairs = [self.decode(position) for position in positions]
        return [(rgb, {int(v): map_ == v for v in np.unique(map_) if v}) for rgb, map_ in pairs]

    @property
    def digest(self) -> bytes:
        """SHA-256 of the first picture: the same photograph in whatever set it is."""
        return hashlib.sha256(self.pairs[0][0]).digest()


class Pack:
    """Stills and videos of one pack.

    Parameters
    ----------
    records : what is in it.
    """

    def __init__(self, records: Sequence[PackRecord]) -> None:
        self.records = list(records)

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Pack:
        """Read a pack.

        Parameters
        ----------
        path : of the `.npz` file.

        Raises
        ------
        DatasetError
            When the file is missing, or no pack.
        """
        path = Path(path).expanduser()
        if not path.is_file():
            raise DatasetError(f"There is no {path}: expected a pack, see recipes/nano/pack.py.")
        try:
            with np.load(path, allow_pickle=False) as held:
                rgb, labels, rgb_at, labels_at, names = (held[key] for key in _KEYS)
                lengths = held["lens"] if "lens" in held else np.ones(len(names), np.int64)
        except (KeyError, ValueError, OSError) as error:
            raise DatasetError(f"{path} is no pack ({error}): expected {_KEYS}.") from error
        if not len(rgb_at) == len(labels_at) == lengths.sum() + 1:
            raise DatasetError(
                f"{path} is damaged: {len(rgb_at) - 1} pictures and {len(labels_at) - 1} label "
                f"maps for {lengths.sum()} frames."
            )
        pairs = [
            (
                rgb[rgb_at[i] : rgb_at[i + 1]].tobytes(),
                labels[labels_at[i] : labels_at[i + 1]].tobytes(),
            )
            for i in range(len(rgb_at) - 1)
        ]
        ends = np.cumsum(lengths)
        return cls(
            [
                PackRecord(str(name), tuple(pairs[end - length : end]))
                for name, end, length in zip(names, ends, lengths, strict=True)
            ]
        )

    def split(self, held_out: Mapping[str, int]) -> tuple[Pack, Pack]:
        """Split into what to train on and what is held out.

        Parameters
        ----------
        held_out : by set, n to hold out every n-th picture, 0 for none; a picture is held out in
            all sets that have it.

        Returns
        -------
        tuple
            What to train on, and what is held out.
        """
        held: set[bytes] = set()
        counts: Counter[str] = Counter()
        for record in self.records:
            name = set_name(record)
            counts[name] += 1
            if (every := held_out.get(name, 0)) and counts[name] % every == 0:
                held.add(record.digest)
        kept = [record for record in self.records if record.digest not in held]
        back = [record for record in self.records if record.digest in held]
        return Pack(kept), Pack(back)

    def __len__(self) -> int:
        return len(self.records)


class PackWriter:
    """Collects stills and videos and writes them as a pack.

    Parameters
    ----------
    side : longest side of a picture; larger ones are made smaller.
    quality : of WebP, 1 to 100.
    """

    def __init__(self, *, side: int = 448, quality: int = 70) -> None:
        self.side, self.quality = side, quality
        self._records: list[PackRecord] = []

    def __len__(self) -> int:
        return len(self._records)

    def add(
        self, name: str, frames: Frames, *, keep: Callable[[NDArray[np.bool_]], bool] | None = None
    ) -> None:
        """Add a still or a video.

        Parameters
        ----------
        name : ``set/name``.
        frames : pictures (H, W, 3) uint8 RGB and masks (H, W) bool by object.
        keep : whether a mask is kept; all are if None.
        """
        objects = sorted({obj for _, masks in frames for obj in masks})[:_MAX_OBJECTS]
        numbers = {obj: number for number, obj in enumerate(objects, start=1)}
        pairs: list[tuple[bytes, bytes]] = []
        for rgb_hw3, masks in frames:
            labels = np.zeros(rgb_hw3.shape[:2], np.uint8)
            # Where objects overlap, the smaller one is seen.
            for obj in sorted(masks, key=lambda o: -int(masks[o].sum())):
                if obj in numbers and (keep is None or keep(masks[obj])):
                    labels[masks[obj]] = numbers[obj]
            pairs.append(self._encode(rgb_hw3, labels))
        self._records.append(PackRecord(name, tuple(pairs)))

    def write(self, path: Path) -> None:
        """Write what was added, replacing an older pack at once.

        Raises
        ------
        DatasetError
            When nothing was added.
        """
        write_pack(path, self._records)

    def _encode(
        self, rgb_hw3: NDArray[np.uint8], labels_hw: NDArray[np.uint8]
    ) -> tuple[bytes, bytes]:
        height, width = labels_hw.shape
        scale = min(1.0, self.side / max(height, width))
        size = max(round(width * scale), 8), max(round(height * scale), 8)
        picture, labels = io.BytesIO(), io.BytesIO()
        small = Image.fromarray(rgb_hw3).resize(size, Image.Resampling.LANCZOS)
        small.save(picture, "WEBP", quality=self.quality, method=4)
        nearest = Image.fromarray(labels_hw).resize(size, Image.Resampling.NEAREST)
        nearest.save(labels, "PNG", optimize=True)
        return picture.getvalue(), labels.getvalue()


def write_pack(path: Path, records: Sequence[PackRecord]) -> None:
    """Write records as a pack, replacing an older one at once.

    Parameters
    ----------
    path : of the `.npz` file.
    records : at least one.

    Raises
    ------
    DatasetError
        When there are none.
    """
    if not records:
        raise DatasetError(f"There is nothing to write to {path}.")
    pairs = [pair for record in records for pair in record.pairs]
    flat = [b"".join(part) for part in zip(*pairs, strict=True)]
    offsets = [np.cumsum([0, *map(len, part)]) for part in zip(*pairs, strict=True)]
    partial = path.with_suffix(".partial.npz")
    np.savez(
        partial,
        rgb=np.frombuffer(flat[0], np.uint8),
        lab=np.frombuffer(flat[1], np.uint8),
        rgb_off=offsets[0],
        lab_off=offsets[1],
        names=np.array([record.name for record in records]),
        lens=np.array([len(record) for record in records]),
    )
    os.replace(partial, path)


def set_name(record: Record) -> str:
    """Return the set that a record is of: its name up to the first slash."""
    return record.name.split("/")[0]
