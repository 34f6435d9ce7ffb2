"""YOLO's segmentation labels: a text file for each frame, a polygon in each line."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
from PIL import Image

from sam2_backend.video import Video

from ..masks import Mask
from ..records import SessionError
from .files import JPEG_QUALITY, frame_number
from .outlines import fill, one_polygon
from .segmentation import Imported, Segmentation


def write_yolo(segmentation: Segmentation, path: Path, *, frames: bool = False) -> Path:
    """Write `labels/train/NAME_00000.txt`… of the frames that have masks, and `data.yaml`.

    A line is the class and the corners x y of one polygon, over width and height. Objects of one
    name are one class; an object in several parts is one polygon with cuts between them.

    Parameters
    ----------
    path : the folder.
    frames : write the pictures too, as `images/train`.
    """
    classes = list(dict.fromkeys(info.name for info in segmentation.objects))
    labels, images = path / "labels" / "train", path / "images" / "train"
    for folder in (labels, *([images] if frames else [])):
        folder.mkdir(parents=True, exist_ok=True)
    for frame in segmentation.frames:
        height, width = segmentation.size_hw(frame)
        lines = []
        for info, mask_hw in segmentation.shown(frame):
            points_p2 = one_polygon(mask_hw) / (width, height)
            numbers = " ".join(f"{value:.6f}" for value in points_p2.ravel())
            lines.append(f"{classes.index(info.name)} {numbers}\n")
        name = f"{segmentation.name}_{frame:05}"
        (labels / f"{name}.txt").write_text("".join(lines), encoding="utf-8")
        if frames:
            picture = Image.fromarray(segmentation.video[frame])
            picture.save(images / f"{name}.jpg", quality=JPEG_QUALITY)
    # JSON is YAML too, and quotes names that need it.
    listed = "".join(f"  {n}: {json.dumps(name)}\n" for n, name in enumerate(classes))
    text = f"path: .\ntrain: images/train\nval: images/train\nnames:\n{listed}"
    (path / "data.yaml").write_text(text, encoding="utf-8")
    return path


def read_yolo(path: Path, video: Video) -> Imported:
    """Read a folder of label files, which are named by frame; each class is an object.

    Parameters
    ----------
    path : the folder of the labels, or of `data.yaml` beside them.
    video : whose frames they are of: labels do not tell their size.
    """
    files = sorted(path.rglob("*.txt"))
    if not files:
        raise SessionError(f"There are no label files (*.txt) in {path}.")
    masks: dict[tuple[int, int], Mask] = {}
    classes: set[int] = set()
    for file in files:
        frame = frame_number(file)
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            try:
                kind, *numbers = line.split()
                points_p2 = np.array(numbers, np.float64).reshape(-1, 2)
                obj = int(kind) + 1
            except ValueError as error:
                raise SessionError(
                    f"Line {number} of {file} is not a class and the x and y of corners."
                ) from error
            if frame >= len(video) or len(points_p2) < 3:
                continue
            height, width = video.size_hw(frame)
            mask_hw = fill(points_p2 * (width, height), (height, width))
            if (obj, frame) in masks:
                mask_hw |= masks[obj, frame].to_array()
            masks[obj, frame] = Mask.from_array(mask_hw)
            classes.add(obj)
    return Imported(masks, _names(path, classes))


def _names(path: Path, objects: set[int]) -> dict[int, str]:
    """From data.yaml, where `names` are as we and most tools write them: `0: ball` a line."""
    file = path / "data.yaml"
    if not file.is_file():
        return {}
    found = re.findall(r"^\s+(\d+):\s*(.+?)\s*$", file.read_text(encoding="utf-8"), re.MULTILINE)
    names = {
        int(n) + 1: json.loads(name) if name[:1] == '"' else name.strip("'") for n, name in found
    }
    return {obj: name for obj, name in names.items() if obj in objects}
