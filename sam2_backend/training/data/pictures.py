"""Pictures without masks, to pre-train an image encoder on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ...network.transforms import as_rgb
from ..datasets.files import IMAGE_SUFFIXES, read_image
from .clips import Clip

_VIDEO_SUFFIXES = {".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v"}
_MIN_AREA = 0.2
"""Smallest share of a picture that a crop takes (He et al. 2021, appendix A)."""
_MAX_ASPECT = 4 / 3
"""Widest crop, width by height; the narrowest is its inverse."""


class PictureSequence(Protocol):
    """Anything with a length that indexes to (H, W, 3) uint8 RGB arrays."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: int, /) -> Any: ...


class Pictures:
    """Random crops of pictures as a source of clips of one frame, with empty masks.

    Parameters
    ----------
    pictures : a folder of images and videos, searched with all folders in it, of whose videos
        random key frames are taken; or anything that indexes to (H, W, 3) uint8 RGB arrays, an
        array (N, H, W, 3) too.

    Raises
    ------
    FileNotFoundError
        When a path is no folder, or a folder has neither images nor videos.
    """

    def __init__(self, pictures: Path | PictureSequence) -> None:
        if isinstance(pictures, Path):
            if not pictures.is_dir():
                there = "a file" if pictures.exists() else "not there"
                raise FileNotFoundError(
                    f"{pictures} is {there}: expected a folder of images and videos."
                )
            suffixes = IMAGE_SUFFIXES | _VIDEO_SUFFIXES
            files = sorted(p for p in pictures.rglob("*") if p.suffix.lower() in suffixes)
            if not files:
                raise FileNotFoundError(f"There are no images or videos in {pictures}.")
            self._pictures: Sequence[Path] | PictureSequence = files
        else:
            self._pictures = pictures

    def __len__(self) -> int:
        return len(self._pictures)

    def draw(self, rng: np.random.Generator, *, size: int, frames: int, targets: int) -> Clip:
        """Draw a crop of a random picture, mirrored half the time; see `ClipSource`.

        Raises
        ------
        ValueError
            When more than one frame is asked for, or a picture cannot be read.
        """
        if frames != 1:
            raise ValueError(f"Pictures have 1 frame, but {frames} were asked for.")
        picture: Path | NDArray[np.uint8] = self._pictures[int(rng.integers(len(self)))]
        rgb = _read_file(picture, rng) if isinstance(picture, Path) else as_rgb(picture)
        crop = Image.fromarray(rgb).resize(
            (size, size), Image.Resampling.BICUBIC, box=_draw_crop(rng, rgb.shape[1], rgb.shape[0])
        )
        pixels = np.asarray(crop).transpose(2, 0, 1)[None]
        pixels = pixels[..., ::-1] if rng.random() < 0.5 else pixels
        return Clip(np.ascontiguousarray(pixels), np.zeros((1, targets, size, size), np.bool_))


def _draw_crop(
    rng: np.random.Generator, width: int, height: int
) -> tuple[float, float, float, float]:
    """Draw a box (left, top, right, bottom) in pixels, of random area, shape and place."""
    area = rng.uniform(_MIN_AREA, 1.0) * width * height
    aspect = math.exp(rng.uniform(-math.log(_MAX_ASPECT), math.log(_MAX_ASPECT)))
    w, h = min(math.sqrt(area * aspect), width), min(math.sqrt(area / aspect), height)
    left, top = rng.uniform(0, width - w), rng.uniform(0, height - h)
    return left, top, left + w, top + h


def _read_file(path: Path, rng: np.random.Generator) -> NDArray[np.uint8]:
    if path.suffix.lower() in IMAGE_SUFFIXES:
        return read_image(path)
    # Not `open_video`: to find any frame it reads where all of them are, for some containers
    # the whole file. A key frame near a random time needs one seek.
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        if stream.duration:
            start = stream.start_time or 0
            container.seek(start + int(rng.random() * stream.duration), stream=stream)
        return next(container.decode(stream)).to_ndarray(format="rgb24")
