"""YOLO's segmentation labels: a text file for each frame, a polygon in each line: writing."""

from __future__ import annotations

import json
from pathlib import Path

from PIL import Image

from .files import JPEG_QUALITY, save_below
from .folders import open_folder
from .outlines import one_polygon
from .segmentation import Segmentation


def write_yolo(segmentation: Segmentation, path: Path, *, frames: bool = False) -> Path:
    """Write `labels/train/NAME_00000.txt`… of the frames that have masks, and `data.yaml`.

    Where the source's frames have names, the files have them too: `00012.txt` for `00012.jpg`.

    A line is the class and the corners x y of one polygon, over width and height. Objects of one
    name are one class; an object in several parts is one polygon with cuts between them.

    Parameters
    ----------
    path : the folder.
    frames : write the pictures too, as `images/train`.
    """
    classes = list(dict.fromkeys(info.name for info in segmentation.objects))
    names = segmentation.frame_names
    labels, images = path / "labels" / "train", path / "images" / "train"
    folders = {labels: ".txt", **({images: ".jpg"} if frames else {})}

    def name(frame: int) -> str:
        own = names.stem(frame)
        return own if names.known else f"{segmentation.name}_{own}"

    files = [
        folder / f"{name(frame)}{suffix}"
        for folder, suffix in folders.items()
        for frame in segmentation.frames
    ]
    open_folder(segmentation, path, files, list(folders))
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    for frame in segmentation.frames:
        height, width = segmentation.size_hw(frame)
        lines = []
        for info, mask_hw in segmentation.shown(frame):
            points_p2 = one_polygon(mask_hw) / (width, height)
            numbers = " ".join(f"{value:.6f}" for value in points_p2.ravel())
            lines.append(f"{classes.index(info.name)} {numbers}\n")
        file = labels / f"{name(frame)}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(lines), encoding="utf-8")
        if frames:
            picture = Image.fromarray(segmentation.video[frame])
            save_below(images, f"{name(frame)}.jpg", picture, quality=JPEG_QUALITY)
    # JSON is YAML too, and quotes names that need it.
    listed = "".join(f"  {n}: {json.dumps(one)}\n" for n, one in enumerate(classes))
    text = f"path: .\ntrain: images/train\nval: images/train\nnames:\n{listed}"
    (path / "data.yaml").write_text(text, encoding="utf-8")
    return path
