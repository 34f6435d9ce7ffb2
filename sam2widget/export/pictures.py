"""Pictures of objects: cut out with a transparent background, and tinted in their frames."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from .files import save_below
from .folders import open_folder
from .segmentation import Segmentation, file_name

TINT = 0.45
OUTLINE_PX = 2


def overlay(segmentation: Segmentation, frame: int) -> NDArray[np.uint8]:
    """(H, W, 3) a frame with its visible objects tinted, and outlined in full colour."""
    rgb = segmentation.video[frame].astype(np.float32)
    for info, mask_hw in segmentation.shown(frame):
        if not info.visible:
            continue
        color = np.array(info.rgb, np.float32)
        rgb[mask_hw] = (1 - TINT) * rgb[mask_hw] + TINT * color
        grown_hw = np.asarray(ndimage.binary_dilation(mask_hw, iterations=OUTLINE_PX), np.bool_)
        rgb[grown_hw & ~mask_hw] = color
    return rgb.astype(np.uint8)


def write_cutouts(segmentation: Segmentation, path: Path, *, crop: bool = False) -> Path:
    """Write `ID_NAME/00000.png`…, RGBA, transparent outside the object; files have the
    names of the source's frames, where it has some.

    Parameters
    ----------
    path : the folder.
    crop : cut to the object's box; else each is as large as its frame.
    """
    folders = {
        info.id: path / f"{info.id}_{file_name(info.name, otherwise='object')}"
        for info in segmentation.objects
    }

    def file(obj: int, frame: int) -> Path:
        return folders[obj] / f"{segmentation.frame_names.stem(frame)}.png"

    files = [file(*key) for key, result in segmentation.results.items() if result.mask.area]
    earlier = [one for one in path.glob("[0-9]*_*") if one.is_dir()]
    open_folder(segmentation, path, files, sorted(earlier))
    for frame in segmentation.frames:
        rgb = segmentation.video[frame]
        for info, mask_hw in segmentation.shown(frame):
            picture = Image.fromarray(np.dstack((rgb, mask_hw.astype(np.uint8) * 255)))
            if crop:
                picture = picture.crop(picture.getchannel("A").getbbox())
            target = file(info.id, frame)
            save_below(target.parent, target.name, picture)
    return path
