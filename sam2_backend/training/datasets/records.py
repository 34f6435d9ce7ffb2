"""Clips out of annotated videos, wherever they come from."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ...arguments import check_flag
from ..data.clips import Clip
from .augment import Augmentation, resize_frame, resize_mask

MAX_STRIDE = 4
"""Largest step between two frames of a clip, in annotated frames."""

_MAX_DRAWS = 50
"""Draws before a data set counts as one without visible objects."""

Frames = Sequence[tuple[NDArray[np.uint8], Mapping[int, NDArray[np.bool_]]]]
"""Of each frame the picture (H, W, 3) in RGB, and the (H, W) masks by object id. An object that
has no mask on a frame is not visible there."""


class DatasetError(ValueError):
    """Data that cannot be read; the message names the file, what was expected and what to do."""


class Record(Protocol):
    """One annotated video, or one still picture.

    It reads nothing before it is asked to, and may be sent to another process.
    """

    @property
    def name(self) -> str:
        """Of the video: what a split keeps together, and what errors call it."""
        ...

    def __len__(self) -> int:
        """Return the number of annotated frames; 1 for a still picture."""
        ...

    def read(self, positions: Sequence[int]) -> Frames:
        """Decode some of the annotated frames.

        Parameters
        ----------
        positions : which, counted among the annotated frames, ascending.

        Returns
        -------
        Frames
            Of each, the picture and the masks by object id.

        Raises
        ------
        ValueError
            When a file is missing or damaged.
        """
        ...


class VideoRecords:
    """A `ClipSource` over annotated videos and stills.

    A clip is a random window of a random video: annotated frames at a random, even stride, half
    of them in reverse order. Its targets are random objects that are visible on its first frame.
    A video that is shorter than the clip is played to and fro; a still picture moves a little.

    Parameters
    ----------
    records : at least one.
    augment : whether clips are flipped, turned, sheared, recoloured and reversed, and stills
        move. Without, the same pixels come as are on disk, resized.
    max_stride : largest step between two frames of a clip, in annotated frames.

    Raises
    ------
    DatasetError
        When there are no records.
    """

    def __init__(
        self, records: Sequence[Record], *, augment: bool = True, max_stride: int = MAX_STRIDE
    ) -> None:
        if not records:
            raise DatasetError("There are no videos to draw clips from.")
        self.records = list(records)
        self.augment = check_flag(augment, "augment")
        self.max_stride = max_stride

    def draw(self, rng: np.random.Generator, *, size: int, frames: int, targets: int) -> Clip:
        """Draw one clip.

        Parameters
        ----------
        rng : all of the clip follows from it.
        size : side of the clip in pixels, as the network sees it.
        frames, targets : how many; targets repeat where fewer are visible.

        Returns
        -------
        Clip
            (T, 3, S, S) uint8 RGB, and (T, K, S, S) bool.

        Raises
        ------
        DatasetError
            When no object is visible in any of many draws.
        ValueError
            When a file is missing or damaged.
        """
        name = ""
        for _ in range(_MAX_DRAWS):
            record = self.records[int(rng.integers(len(self.records)))]
            name = record.name
            clip = self._draw_from(rng, record, size, frames, targets)
            if clip is not None:
                return clip
        raise DatasetError(
            f"No object was visible on the first frame of {_MAX_DRAWS} clips, the last of them "
            f"from {name}: are the masks there, and not all empty?"
        )

    def with_records(self, records: Sequence[Record]) -> VideoRecords:
        """Other records, drawn from in the same way."""
        return VideoRecords(records, augment=self.augment, max_stride=self.max_stride)

    def __len__(self) -> int:
        return len(self.records)

    def _draw_from(
        self, rng: np.random.Generator, record: Record, size: int, frames: int, targets: int
    ) -> Clip | None:
        positions = self._window(rng, len(record), frames)
        distinct = sorted(set(positions))
        read = dict(zip(distinct, record.read(distinct), strict=True))
        augmentation = Augmentation()
        if self.augment:
            still = len(record) == 1
            augmentation = Augmentation.draw(rng, size, frames, still=still)

        def mask_of(obj: int, t: int) -> NDArray[np.bool_]:
            mask_hw = read[positions[t]][1].get(obj)
            if mask_hw is None:
                return np.zeros((size, size), np.bool_)
            return augmentation.apply_to_mask(resize_mask(mask_hw, size), t)

        objects = rng.permutation(sorted(read[positions[0]][1])).tolist()
        chosen = list(islice((obj for obj in objects if mask_of(obj, 0).any()), targets))
        if not chosen:
            return None
        masks_tkss = np.stack([[mask_of(obj, t) for obj in chosen] for t in range(frames)])
        small = {at: resize_frame(rgb_hw3, size) for at, (rgb_hw3, _) in read.items()}
        rgb_tss3 = [augmentation.apply_to_frame(small[at], t) for t, at in enumerate(positions)]
        return Clip(
            np.ascontiguousarray(np.stack(rgb_tss3).transpose(0, 3, 1, 2)),
            masks_tkss[:, np.resize(np.arange(len(chosen)), targets)],
        )

    def _window(self, rng: np.random.Generator, length: int, frames: int) -> list[int]:
        """Positions of a clip's frames in a video of `length` annotated frames."""
        if length < frames:
            to_and_fro = [*range(length), *range(length - 2, 0, -1)]
            positions = [to_and_fro[t % len(to_and_fro)] for t in range(frames)]
        else:
            longest = (length - 1) // max(frames - 1, 1)
            stride = int(rng.integers(1, max(min(self.max_stride, longest), 1) + 1))
            start = int(rng.integers(length - stride * (frames - 1)))
            positions = [start + stride * t for t in range(frames)]
        backwards = self.augment and rng.random() < 0.5
        return positions[::-1] if backwards else positions


def split_by_video(
    source: VideoRecords, *, held_out: float = 0.1, seed: int = 0
) -> tuple[VideoRecords, VideoRecords]:
    """Split into videos to train on and videos to evaluate on.

    Whole videos are held out, all records of one together. Which they are follows from their
    names, so that a video that is added later hardly moves the others.

    Parameters
    ----------
    source : to split.
    held_out : share of the videos to hold out, above 0 and below 1; at least one video is on
        either side.
    seed : another one holds other videos out.

    Returns
    -------
    tuple
        The videos to train on, and those held out, which are not augmented.

    Raises
    ------
    DatasetError
        When there are fewer than two videos.
    ValueError
        When `held_out` is no such share.
    """
    if not 0 < held_out < 1:
        raise ValueError(f"held_out is a share above 0 and below 1, got {held_out}.")
    names = {record.name for record in source.records}
    if len(names) < 2:
        raise DatasetError(
            f"A split needs two videos or more, and there is {len(names)} ({', '.join(names)})."
        )
    shuffled = sorted(names, key=lambda name: hashlib.sha256(f"{seed}/{name}".encode()).digest())
    count = min(max(round(held_out * len(names)), 1), len(names) - 1)
    out = set(shuffled[:count])
    train = source.with_records([record for record in source.records if record.name not in out])
    held = source.with_records([record for record in source.records if record.name in out])
    held.augment = False
    return train, held
