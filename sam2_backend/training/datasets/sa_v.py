"""SA-V, the videos that SAM 2 was trained on."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from ...arguments import check_flag
from .coco import decode_segmentation
from .files import read_json, read_video_frames
from .records import MAX_STRIDE, DatasetError, Frames, VideoRecords

ANNOTATED_EVERY = 4
"""Frames of the video for each annotated one: 24 against 6 a second in SA-V itself."""

_FORM = '{"masklet": [[run lengths of each object] of each annotated frame]}'


@dataclass(frozen=True)
class SavRecord:
    """One video with its masklets."""

    name: str
    video: Path
    annotations: tuple[Path, ...]

    def __len__(self) -> int:
        return min(len(_masklets(path)) for path in self.annotations)

    def read(self, positions: Sequence[int]) -> Frames:
        """Decode some annotated frames; see `Record`."""
        wanted = [ANNOTATED_EVERY * position for position in positions]
        pictures = read_video_frames(self.video, wanted)
        return [
            (rgb_hw3, self._masks(position, *rgb_hw3.shape[:2]))
            for position, rgb_hw3 in zip(positions, pictures, strict=True)
        ]

    def _masks(self, position: int, height: int, width: int) -> dict[int, NDArray[np.bool_]]:
        masks: dict[int, NDArray[np.bool_]] = {}
        first = 1
        for path in self.annotations:
            frame = _masklets(path)[position]
            for obj, rle in enumerate(frame, start=first):
                # Nothing at all stands for an object that is not there yet.
                if rle:
                    where = f"{path}, annotated frame {position}"
                    masks[obj] = decode_segmentation(rle, height, width, where)
            first += len(frame)
        return masks


def open_sa_v(
    root: str | os.PathLike[str],
    *,
    annotations: Literal["manual", "auto", "both"] = "both",
    augment: bool = True,
    max_stride: int = MAX_STRIDE,
) -> VideoRecords:
    """Open SA-V, as its training part is released (Ravi et al. 2024, section 5).

    ::

        sav_train/sav_000
        ├── sav_000001.mp4            24 frames per second
        ├── sav_000001_manual.json    masklets by hand, on every fourth frame
        └── sav_000001_auto.json      automatic ones; not every video has them

    Parameters
    ----------
    root : the folder `sav_train`, one below it, or any folder that holds such files at any depth.
    annotations : which masklets to use: "manual", "auto" or "both". Videos without are left out.
    augment, max_stride : see `VideoRecords`.

    Raises
    ------
    DatasetError
        When there are no annotated videos. A damaged file shows when it is drawn.
    ValueError
        When `annotations` is none of the three.
    """
    augment = check_flag(augment, "augment")
    if annotations not in ("manual", "auto", "both"):
        raise ValueError(f"annotations is 'manual', 'auto' or 'both', got {annotations!r}.")
    kinds = ("manual", "auto") if annotations == "both" else (annotations,)
    records: list[SavRecord] = []
    for video in sorted(Path(root).expanduser().rglob("*.mp4")):
        files = tuple(
            path
            for kind in kinds
            if (path := video.with_name(f"{video.stem}_{kind}.json")).is_file()
        )
        if files:
            records.append(SavRecord(video.stem, video, files))
    if not records:
        raise DatasetError(
            f"There is no annotated video below {Path(root)}: expected pairs such as "
            f"sav_000001.mp4 and sav_000001_{kinds[0]}.json."
        )
    return VideoRecords(records, augment=augment, max_stride=max_stride)


@lru_cache(maxsize=8)
def _masklets(path: Path) -> list[list[Any]]:
    """Run lengths by annotated frame and object. A file has some megabytes: the last are kept."""
    document = read_json(path, _FORM)
    try:
        masklets = document["masklet"]
        objects = {len(frame) for frame in masklets}
    except (KeyError, TypeError) as error:
        raise DatasetError(f"{path} is of another form ({error!r}): expected {_FORM}.") from error
    if len(objects) != 1:
        raise DatasetError(
            f"{path} has {sorted(objects)} objects on its frames: expected the same number on "
            "each, and at least one frame."
        )
    return cast("list[list[Any]]", masklets)
