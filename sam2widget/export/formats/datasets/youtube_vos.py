"""YouTube-VOS' folders of indexed PNGs."""

from __future__ import annotations

import json
from pathlib import Path

from ....annotation.tables import FrameTable
from ...reading.pictures import read_pictures
from ...registry import Format
from ...segmentation import Segmentation
from ._indexed_png import write_indexed


def write_youtube_vos(segmentation: Segmentation, path: Path, *, frames: bool = False) -> Path:
    """Write `Annotations/NAME/00000.png`… of the frames that have masks, and `meta.json`.

    An object's category is its class, or else its name.

    Files have the names of the source's frames, where it has some.

    Parameters
    ----------
    path : the folder.
    frames : write the pictures too, as `JPEGImages`.
    """
    place = Path(segmentation.name)
    write_indexed(segmentation, path, place, segmentation.frames, pictures=frames)
    names, results = segmentation.frame_names, FrameTable.of_mapping(segmentation.results)
    objects = {
        str(info.id): {
            "category": segmentation.category(info),
            "name": info.name,
            "class": info.class_name,
            "attributes": dict(info.attributes),
            "frames": [names.stem(t) for t in results.of(info.id)],
        }
        for info in segmentation.objects
    }
    meta = {"videos": {segmentation.name: {"objects": objects}}}
    (path / "meta.json").write_text(json.dumps(meta), encoding="utf-8")
    return path


def is_youtube_vos(path: Path) -> bool:
    """Whether a folder has the names of objects beside the pictures."""
    return (path / "meta.json").is_file()


FORMAT = Format(
    "youtube-vos",
    "",
    write_youtube_vos,
    read_pictures,
    description="a folder as YouTube-VOS: indexed PNGs, meta.json",
    options={"frames": "True writes the pictures too, as JPEGImages"},
    recognize=is_youtube_vos,
)
