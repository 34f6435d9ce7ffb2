"""Objects cut out, with a transparent background."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from ....core.files import make_file_name
from ...effects.mattes import MatteName, check_matte, soft_matte, warn_of_hard_edges
from ...effects.rendering import cut_out
from ...registry import Format
from ...segmentation import Segmentation
from ...writing.folders import open_folder, save_below


def write_cutouts(
    segmentation: Segmentation, path: Path, *, crop: bool = False, matte: MatteName = "mask"
) -> Path:
    """Write `ID_NAME/00000.png`…, RGBA, transparent outside the object.

    Files have the names of the source's frames, where it has some.

    Parameters
    ----------
    path : the folder.
    crop : cut to the object's box; else each is as large as its frame.
    matte : "mask", which is hard, or "logits", whose edges are as soft as the model saw them.
    """
    check_matte(matte)
    if matte == "logits":
        warn_of_hard_edges(segmentation, frozenset(info.id for info in segmentation.objects))
    folders = {
        info.id: path / f"{info.id}_{make_file_name(info.name, default='object')}"
        for info in segmentation.objects
    }

    def file(obj: int, frame: int) -> Path:
        return folders[obj] / f"{segmentation.frame_names.stem(frame)}.png"

    files = [file(*key) for key, result in segmentation.results.items() if result.mask.area]
    earlier = [one for one in path.glob("[0-9]*_*") if one.is_dir()]
    open_folder(segmentation, path, files, sorted(earlier))
    for frame in segmentation.frames:
        rgb = segmentation.picture(frame)
        for info, mask_hw in segmentation.shown(frame):
            matte_hw = mask_hw.astype(np.float32)
            if matte == "logits":
                matte_hw = soft_matte(segmentation.results[info.id, frame])
            picture = Image.fromarray(cut_out(rgb, matte_hw))
            if crop:
                picture = picture.crop(picture.getchannel("A").getbbox())
            target = file(info.id, frame)
            save_below(target.parent, target.name, picture)
    return path


FORMAT = Format(
    "cutouts",
    "",
    write_cutouts,
    description="a folder for each object: RGBA PNGs, transparent outside",
    options={
        "crop": "True cuts to the object's box",
        "matte": "'mask', or 'logits', whose edges are as soft as the model saw them",
    },
)
