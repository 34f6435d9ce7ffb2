"""Mattes as OpenEXR, which compositors take: a channel for each object."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....annotation.records import ObjectInfo
from ...effects.frame_effect import check_objects
from ...effects.mattes import MatteName, check_matte, join_mattes, soft_matte, warn_of_hard_edges
from ...optional_library import import_library
from ...registry import Format
from ...segmentation import Segmentation
from ...writing.folders import open_folder

INSTEAD = "export as 'png'"
OBJECTS = "sam2widgetObjects"
"""Attribute of the header: JSON of the objects' ids and names by layer."""
MAX_LAYER_NAME = 40


def write_exr(
    segmentation: Segmentation,
    path: Path,
    *,
    matte: MatteName = "logits",
    objects: int | Iterable[int] | None = None,
    frames: bool = False,
) -> Path:
    """Write `00000.exr`…, whose channels are mattes of 16-bit floats, from 0 to 1.

    `A` is the matte of all objects, and each has a layer of its own, such as `1_dog.A`, on every
    frame. Files have the names of the source's frames, where it has some.

    Parameters
    ----------
    path : the folder.
    matte : "logits", as soft as the model saw the edges, or "mask", which is hard.
    objects : ids; all visible ones if None.
    frames : write the picture too, as `R`, `G` and `B` in linear light, multiplied by `A`.

    Raises
    ------
    SessionError
        When OpenEXR is not installed.
    """
    openexr = import_library("OpenEXR", INSTEAD)
    check_matte(matte)
    ids = check_objects(segmentation, objects)
    if matte == "logits":
        warn_of_hard_edges(segmentation, ids)
    shown = [one for one in segmentation.objects if (one.visible if ids is None else one.id in ids)]
    layers = {info.id: _layer(info) for info in shown}
    names = [f"{segmentation.frame_names.stem(frame)}.exr" for frame in range(len(segmentation))]
    open_folder(segmentation, path, [path / name for name in names], [path])
    header: dict[str, Any] = {
        "compression": openexr.ZIP_COMPRESSION,
        "type": openexr.scanlineimage,
        OBJECTS: json.dumps({layers[one.id]: {"id": one.id, "name": one.name} for one in shown}),
    }
    if segmentation.video.kind == "video":
        rate = Fraction(segmentation.video.fps).limit_denominator(1001)
        header["framesPerSecond"] = rate
    for frame, name in enumerate(names):
        hw = segmentation.size_hw(frame)
        if segmentation.on_frame is not None:
            segmentation.on_frame(frame)
        mattes = {info.id: _matte(segmentation, info.id, frame, matte) for info in shown}
        joined_hw = join_mattes(mattes.values(), hw, add=segmentation.non_overlapping)
        channels = {"A": joined_hw}
        channels |= {f"{layers[obj]}.A": matte_hw for obj, matte_hw in mattes.items()}
        if frames:
            linear = _to_linear(segmentation.picture(frame)) * joined_hw[..., None]
            channels |= {channel: linear[..., n] for n, channel in enumerate("RGB")}
        target = path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        halves = {
            channel: np.ascontiguousarray(values, np.float16)
            for channel, values in channels.items()
        }
        openexr.File(dict(header), halves).write(str(target))
    return path


def _layer(info: ObjectInfo) -> str:
    """Name the layer of an object as all compositors take it; its id tells it from others."""
    word = re.sub(r"[^A-Za-z0-9]+", "_", info.name).strip("_")[:MAX_LAYER_NAME]
    return f"{info.id}_{word or 'object'}"


def _matte(
    segmentation: Segmentation, obj: int, frame: int, matte: MatteName
) -> NDArray[np.float32]:
    result = segmentation.results.get((obj, frame))
    if result is None or matte == "mask":
        return segmentation.mask(obj, frame).astype(np.float32)
    return soft_matte(result)


def _to_linear(rgb_hw3: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Give pixels of sRGB in linear light, 0..1 (IEC 61966-2-1)."""
    levels = np.arange(256, dtype=np.float32) / 255
    curve = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
    return curve.astype(np.float32)[rgb_hw3]


FORMAT = Format(
    "exr",
    "",
    write_exr,
    description="a folder of OpenEXR: mattes with soft edges, a channel for each object",
    options={
        "matte": "'logits', whose edges are as soft as the model saw them, or 'mask'",
        "objects": "ids; all visible ones if not given",
        "frames": "True writes the pictures too, as linear R, G, B multiplied by A",
    },
)
