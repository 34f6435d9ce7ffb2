"""Indexed PNGs as DAVIS and YouTube-VOS have them: a pixel's value is the number of its object.

Where objects overlap, the one with the larger id shows, and a warning says so: an indexed picture
holds one number a pixel.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ....core.errors import SessionError
from ....core.masks.label_maps import OverlapCounter
from ....core.user_warnings import warn
from ...segmentation import Segmentation
from ...writing.folders import JPEG_QUALITY, open_folder, save_below

LARGEST_ID = 254
"""255 stands for pixels that belong to nothing for certain."""


def write_indexed(
    segmentation: Segmentation,
    root: Path,
    place: Path,
    frames: range | list[int],
    *,
    pictures: bool,
) -> None:
    """Write the label maps of some frames to `Annotations/PLACE`.

    With `pictures`, the frames are written too, to `JPEGImages/PLACE`.
    """
    ids = [info.id for info in segmentation.objects]
    if max(ids, default=0) > LARGEST_ID:
        raise SessionError(
            f"Object {max(ids)} does not fit into an indexed PNG, whose numbers end at "
            f"{LARGEST_ID}: choose another format."
        )
    palette, names = _palette(segmentation), segmentation.frame_names
    folders = {root / "Annotations" / place: ".png"}
    if pictures:
        folders[root / "JPEGImages" / place] = ".jpg"
    files = [
        folder / f"{names.stem(frame)}{suffix}"
        for folder, suffix in folders.items()
        for frame in frames
    ]
    open_folder(segmentation, root, files, list(folders))
    overlaps = OverlapCounter()
    for frame in frames:
        image = Image.fromarray(segmentation.label_map(frame, overlaps).astype(np.uint8))
        image.putpalette(palette.tobytes())
        save_below(root / "Annotations" / place, f"{names.stem(frame)}.png", image)
        if pictures:
            picture = Image.fromarray(segmentation.picture(frame))
            file = f"{names.stem(frame)}.jpg"
            save_below(root / "JPEGImages" / place, file, picture, quality=JPEG_QUALITY)
    sentence = overlaps.describe(
        {info.id: info.name for info in segmentation.objects},
        "an indexed PNG",
        non_overlapping=segmentation.non_overlapping,
    )
    if sentence:
        warn(sentence)


def _palette(segmentation: Segmentation) -> NDArray[np.uint8]:
    """Make the palette, (256, 3) uint8: each object in its own colour, void white."""
    palette = np.zeros((256, 3), np.uint8)
    palette[255] = 255
    for info in segmentation.objects:
        palette[info.id] = info.rgb
    return palette
