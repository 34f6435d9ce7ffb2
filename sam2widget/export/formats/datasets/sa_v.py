"""SA-V's JSON of masklets (Ravi et al. 2024, section 5)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from sam2_backend.video import Video

from ....core.errors import SessionError
from ....core.masks import Mask
from ...encodings.coco_segmentation import as_text, decode, encode
from ...frame_names import FrameNames
from ...reading.entries import EntryError, as_number, describe_error, find_json_keys, read_json
from ...reading.labels import LabelReader
from ...reading.object_ids import ObjectIds
from ...registry import Format
from ...segmentation import Imported, Segmentation

EVERY = 4
"""SA-V's videos have 24 frames a second, and are annotated 6 times a second."""


def write_sa_v(segmentation: Segmentation, path: Path, *, every: int = EVERY) -> Path:
    """Write one JSON file of masklets, by custom `NAME_manual.json` beside `NAME.mp4`.

    Parameters
    ----------
    every : annotate each so many frames. Readers of SA-V expect 4; 1 keeps all.
    """
    if every < 1:
        raise SessionError(f"every must be at least 1, got {every}.")
    video = segmentation.video
    annotated = range(0, len(segmentation), every)
    objects = segmentation.objects
    areas_no = np.array(
        [[segmentation.share(info.id, t) for info in objects] for t in annotated]
    ).reshape(len(annotated), len(objects))
    document: dict[str, Any] = {
        "video_id": segmentation.name,
        "video_duration": len(video) / video.fps,
        "video_frame_count": len(video),
        "video_height": video.height,
        "video_width": video.width,
        "video_resolution": video.height * video.width,
        "masklet": [
            [as_text(encode(segmentation.mask(info.id, t))) for info in objects] for t in annotated
        ],
        "frame_step": every,
        **_names(segmentation, annotated),
        "masklet_id": [info.id for info in objects],
        "masklet_name": [info.name for info in objects],
        **_labels(segmentation),
        "masklet_num": len(objects),
        "masklet_type": ["manual"] * len(objects),
        "masklet_frame_count": [len(annotated)] * len(objects),
        "masklet_first_appeared_frame": [
            float(np.argmax(areas_n > 0)) if (areas_n > 0).any() else -1.0 for areas_n in areas_no.T
        ],
        "masklet_size_rel": [
            float(areas_n[areas_n > 0].mean()) if (areas_n > 0).any() else 0.0
            for areas_n in areas_no.T
        ],
        "masklet_visibility_changes": [
            int(np.abs(np.diff(areas_n > 0)).sum()) for areas_n in areas_no.T
        ],
    }
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def read_sa_v(path: Path, video: Video) -> Imported:
    """Read a JSON file of SA-V, `NAME_manual.json` or `NAME_auto.json`.

    Empty masks are frames without one.
    """
    document = read_json(path, "masklet")
    masklets = document["masklet"]
    if not isinstance(masklets, list) or not masklets or not masklets[0]:
        raise SessionError(f"{path} has no masklets.")
    try:
        every = as_number(document.get("frame_step", EVERY), "frame_step")
        listed = document.get("masklet_id") or list(range(len(masklets[0])))
        ids = ObjectIds(listed, "masklet_id")
    except (EntryError, TypeError) as error:
        raise SessionError(f"{path} cannot be read as sa-v: {describe_error(error)}.") from error
    names = FrameNames(video)
    frames = [n * every for n in range(len(masklets))]
    notes: list[str] = []
    given = document.get("frame_names")
    if names.known and isinstance(given, list) and len(given) == len(masklets):
        matched = names.match(map(str, given), str(path))
        frames = [matched.frames.get(str(name), -1) for name in given]
        notes += matched.notes
    masks: dict[tuple[int, int], Mask] = {}
    for frame, row in zip(frames, masklets, strict=True):
        if frame < 0:
            continue
        if not isinstance(row, list) or len(row) != len(listed):
            raise SessionError(
                f"{path} has no mask of each of its {len(listed)} masklets on a frame."
            )
        for obj, said in zip(listed, row, strict=True):
            try:
                height, width = (as_number(side, "size") for side in said["size"])
                mask_hw = decode(said, (height, width))
            except (KeyError, TypeError, ValueError) as error:
                raise SessionError(
                    f"{path} has a mask that cannot be read: {describe_error(error)}."
                ) from error
            if mask_hw.any():
                masks[ids[obj], frame] = Mask.from_array(mask_hw)
    called = document.get("masklet_name")
    words = zip(listed, called, strict=False) if isinstance(called, list) else ()
    notes += ids.notes if ids.names else []
    labels = LabelReader(str(path))
    labels.add_classes(_listed(document, "class_names"))
    for obj, name in zip(listed, _listed(document, "masklet_class"), strict=False):
        labels.set_class(ids[obj], name)
    for obj, one in zip(listed, _listed(document, "masklet_attributes"), strict=False):
        labels.add_attributes(ids[obj], one)
    return Imported(
        *(masks, {**ids.names, **{ids[obj]: str(word) for obj, word in words}}),
        *((*notes, *labels.notes), labels.labels),
    )


def _listed(document: dict[str, Any], key: str) -> list[Any]:
    found = document.get(key)
    return [*found] if isinstance(found, list) else []


def _labels(segmentation: Segmentation) -> dict[str, list[Any]]:
    """Give classes and attributes, which SA-V has no place for, where there are some."""
    objects = segmentation.objects
    found: dict[str, list[Any]] = {}
    if segmentation.classes:
        found["class_names"] = [one.name for one in segmentation.classes]
        found["masklet_class"] = [info.class_name for info in objects]
    if any(info.attributes for info in objects):
        found["masklet_attributes"] = [dict(info.attributes) for info in objects]
    return found


def _names(segmentation: Segmentation, annotated: range) -> dict[str, list[str]]:
    """Give the names of the annotated frames, which SA-V has no place for."""
    names = segmentation.frame_names
    return {"frame_names": [names.name(frame) for frame in annotated]} if names.known else {}


def is_sa_v(path: Path) -> bool:
    """Whether a JSON file has masklets."""
    return "masklet" in find_json_keys(path)[1]


FORMAT = Format(
    "sa-v",
    ".json",
    write_sa_v,
    read_sa_v,
    description="one JSON of masklets as SA-V",
    options={"every": "annotate one frame in so many; 4, as there, if not given"},
    recognize=is_sa_v,
)
