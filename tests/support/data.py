"""Real footage with truth where it is to be had, else the sample clip."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sam2widget.samples import sample_clip

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Clip:
    """A video on disk and the true masks (T, H, W) of one object in it."""

    name: str
    path: Path
    truth_thw: NDArray[np.bool_]


def data_folder() -> Path | None:
    """Where the footage is: SAM2WIDGET_DATA, else beside the checkout; None without either."""
    folder = Path(os.environ.get("SAM2WIDGET_DATA") or ROOT.parent / "shared" / "data")
    return folder if (folder / "davis").is_dir() else None


def tracking_clip(scratch: Path, davis: str = "car-shadow") -> Clip:
    """A DAVIS sequence, or the sample clip's car written to `scratch`; it says which."""
    folder = data_folder()
    if folder is not None:
        sequence = folder / "davis" / davis
        masks = [np.asarray(Image.open(path)) for path in sorted((sequence / "masks").iterdir())]
        return Clip(davis, sequence / "frames", np.stack(masks) > 127)
    print("No footage found (SAM2WIDGET_DATA): using the built-in sample clip.")
    return written_sample(scratch)


def written_sample(scratch: Path) -> Clip:
    """The built-in sample clip as a folder of frames in `scratch`, and the car in it."""
    clip = sample_clip()
    frames = scratch / "sample"
    frames.mkdir()
    for frame, rgb in enumerate(clip.frames_thw3):
        Image.fromarray(rgb).save(frames / f"{frame:03}.jpg", quality=95)
    return Clip("sample clip", frames, clip.masks[2])
