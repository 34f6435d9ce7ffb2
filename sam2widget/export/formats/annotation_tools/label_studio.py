"""Label Studio's JSON of tasks: brushes on pictures, and boxes that move through a video."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias
from urllib.parse import unquote

import numpy as np
from numpy.typing import NDArray

from sam2_backend.video import Video

from ....annotation.records import ObjectInfo
from ....core.errors import SessionError
from ....core.masks import Mask
from ....models.segmenter import Box
from ...encodings.label_studio import decode_brush, encode_brush
from ...encodings.outlines import fill_shape
from ...frame_names import FrameNames
from ...reading.entries import (
    EntryError,
    as_number,
    check_frame_size,
    check_size,
    describe_error,
    find_json_keys,
)
from ...reading.labels import LabelReader
from ...reading.object_ids import ObjectIds
from ...registry import Format
from ...segmentation import Imported, Segmentation
from ...wording import pluralize, shorten

Regions: TypeAlias = Literal["brush", "video"]
REGIONS = ("brush", "video")
_BRUSH, _POLYGON, _BOXES = "brushlabels", "polygonlabels", "videorectangle"
_META = "meta"
"""Of a region: what it is of, as text, which Label Studio shows and keeps."""
_OBJECT = re.compile(r"object (?P<id>[0-9]{1,9})(?:: (?P<name>.*))?", re.S)


def write_label_studio(
    segmentation: Segmentation, path: Path, *, regions: Regions = "brush", url: str = ""
) -> Path:
    """Write the JSON of tasks that Label Studio imports.

    Labels are the classes, or else the names of objects. Which object a region is of is its
    ``meta`` text, "object 3: left dog".

    Parameters
    ----------
    regions : "brush" writes a task for each frame with a mask, with the masks as brushes; "video"
        one task of the video, with a box for each object on each frame that it is seen on.
    url : of the folder from which Label Studio serves the pictures or the video, such as
        "/data/local-files/?d=walk".
    """
    if regions not in REGIONS:
        raise SessionError(f"regions is one of {', '.join(REGIONS)}, got {regions!r}.")
    place = f"{url.rstrip('/')}/" if url else ""
    if regions == "video":
        tasks = [_write_video(segmentation, place)]
    else:
        tasks = [_write_picture(segmentation, frame, place) for frame in segmentation.frames]
    document = json.dumps(tasks, ensure_ascii=False)
    path.write_text(document, encoding="utf-8")
    return path


def _write_picture(segmentation: Segmentation, frame: int, place: str) -> dict[str, Any]:
    height, width = segmentation.size_hw(frame)
    result = [
        {
            "id": f"{frame}-{info.id}",
            "type": _BRUSH,
            "from_name": "tag",
            "to_name": "image",
            "origin": "manual",
            "image_rotation": 0,
            "original_width": width,
            "original_height": height,
            "value": {
                "format": "rle",
                "rle": encode_brush(mask_hw),
                _BRUSH: [segmentation.category(info)],
            },
            _META: _describe(info),
        }
        for info, mask_hw in segmentation.shown(frame)
    ]
    name = segmentation.frame_names.name(frame)
    return _task(frame + 1, {"image": f"{place}{name}"}, result)


def _write_video(segmentation: Segmentation, place: str) -> dict[str, Any]:
    video = segmentation.video
    result: list[dict[str, Any]] = []
    for info in segmentation.objects:
        sequence = list(_boxes(segmentation, info))
        if not sequence:
            continue
        result.append(
            {
                "id": f"object-{info.id}",
                "type": _BOXES,
                "from_name": "box",
                "to_name": "video",
                "origin": "manual",
                "value": {
                    "framesCount": len(video),
                    "duration": len(video) / video.fps,
                    "sequence": sequence,
                    "labels": [segmentation.category(info)],
                },
                _META: _describe(info),
            }
        )
    return _task(1, {"video": f"{place}{video.name}"}, result)


def _boxes(segmentation: Segmentation, info: ObjectInfo) -> Iterator[dict[str, Any]]:
    """Yield the boxes of an object; the last before it is gone says so."""
    boxes: dict[int, tuple[int, int, int, int]] = {}
    for frame in segmentation.frames:
        result = segmentation.results.get((info.id, frame))
        box = None if result is None else result.mask.box
        if box is not None:
            boxes[frame] = box
    for frame, (y0, x0, y1, x1) in boxes.items():
        height, width = segmentation.size_hw(frame)
        yield {
            "frame": frame + 1,
            "enabled": frame + 1 in boxes,
            "rotation": 0,
            "x": 100 * x0 / width,
            "y": 100 * y0 / height,
            "width": 100 * (x1 - x0) / width,
            "height": 100 * (y1 - y0) / height,
            "time": (frame + 1) / segmentation.video.fps,
        }


def _task(number: int, data: dict[str, str], result: list[dict[str, Any]]) -> dict[str, Any]:
    return {"id": number, "data": data, "annotations": [{"result": result}]}


def _describe(info: ObjectInfo) -> dict[str, Any]:
    """Say which object a region is of."""
    return {"text": [f"object {info.id}: {info.name}"]} | (
        {"class": info.class_name, "attributes": dict(info.attributes)}
        if info.class_name or info.attributes
        else {}
    )


@dataclass(frozen=True)
class _Region:
    """A brush or polygon of a task."""

    label: str
    frame: int
    said: dict[str, Any]
    owner: str
    """What tells the object from others."""


def read_label_studio(path: Path, video: Video) -> Imported:
    """Read the brushes and polygons of a JSON of tasks, as Label Studio exports and imports it.

    What we wrote says which object a region is of; else each label is one. Of a task the first
    annotation that was not cancelled is taken, else the first prediction. Boxes on a video are
    prompts: one for each frame that has one.
    """
    tasks = _load_tasks(path)
    names = FrameNames(video)
    called = [name for name in map(_picture_name, tasks) if name]
    matched = names.match(called, str(path)) if called else None
    notes = [] if matched is None else list(matched.notes)
    regions: list[_Region] = []
    boxes: list[_Region] = []
    left_out: Counter[str] = Counter()
    for task in tasks:
        name = _picture_name(task)
        frame = 0 if name is None or matched is None else matched.frames.get(name)
        if frame is None:
            continue
        for said in _results(task):
            kind = said.get("type")
            labels = _labels(said)
            if kind not in (_BRUSH, _POLYGON, _BOXES, "brush", "polygon"):
                left_out[str(kind)[:20]] += kind not in (None, "labels", "choices", "relation")
                continue
            label = labels[0] if labels else ""
            region = _Region(label, frame, said, _owner(said, label))
            (boxes if kind == _BOXES else regions).append(region)
    notes += [
        f"{path} has {pluralize(number, 'region')} of the kind {kind}, left out: brushes, "
        "polygons and boxes on a video are taken."
        for kind, number in left_out.items()
        if number
    ]
    return _collect(path, video, regions, boxes, notes)


def _load_tasks(path: Path) -> list[dict[str, Any]]:
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise SessionError(f"{path} cannot be read as JSON ({error}).") from error
    tasks = [document] if isinstance(document, dict) else document
    if not isinstance(tasks, list) or not all(
        isinstance(one, dict) and isinstance(one.get("data"), dict) for one in tasks
    ):
        raise SessionError(f"{path} has no list of tasks with data, as Label Studio has.")
    return tasks


def _picture_name(task: dict[str, Any]) -> str | None:
    """Give the name of a task's picture; None for a task of a video."""
    data = task["data"]
    if "video" in data:
        return None
    said = data.get("image") or next((one for one in data.values() if isinstance(one, str)), "")
    return unquote(str(said)).replace("\\", "/").rpartition("/")[2].rpartition("?d=")[2] or "?"


def _results(task: dict[str, Any]) -> list[dict[str, Any]]:
    for key in ("annotations", "completions", "predictions"):
        listed = task.get(key)
        for one in listed if isinstance(listed, list) else ():
            if isinstance(one, dict) and not one.get("was_cancelled"):
                result = one.get("result")
                if isinstance(result, list):
                    return [said for said in result if isinstance(said, dict)]
    return []


def _labels(said: dict[str, Any]) -> list[str]:
    value = said.get("value")
    if not isinstance(value, dict):
        return []
    for key in (_BRUSH, _POLYGON, "labels"):
        listed = value.get(key)
        if isinstance(listed, list):
            return [one for one in listed if isinstance(one, str)]
    return []


def _meta(said: dict[str, Any]) -> dict[str, Any]:
    meta = said.get(_META)
    return meta if isinstance(meta, dict) else {}


def _object(said: dict[str, Any]) -> re.Match[str] | None:
    text = _meta(said).get("text")
    first = text[0] if isinstance(text, list) and text else text
    return _OBJECT.fullmatch(first) if isinstance(first, str) else None


def _owner(said: dict[str, Any], label: str) -> str:
    found = _object(said)
    return found["id"] if found and int(found["id"]) else f"label {label}"


def _collect(
    path: Path, video: Video, regions: list[_Region], boxes: list[_Region], notes: list[str]
) -> Imported:
    ids = ObjectIds([one.owner for one in (*regions, *boxes)], "meta")
    if any(one.owner.startswith("label ") for one in (*regions, *boxes)):
        notes.append(f"{path} does not say which object a region is of: each label is an object.")
    labels = LabelReader(str(path))
    names: dict[int, str] = {}
    masks: dict[tuple[int, int], Mask] = {}
    prompts: dict[tuple[int, int], Box] = {}
    for region in (*regions, *boxes):
        obj = ids[region.owner]
        own, meta = _object(region.said), _meta(region.said)
        names[obj] = (own["name"] or "" if own else "") or region.label or f"Object {obj}"
        labels.set_class(obj, meta.get("class") if own else region.label)
        labels.add_attributes(obj, meta.get("attributes"))
        try:
            if region in boxes:
                prompts |= _read_boxes(region.said, obj, video)
                continue
            mask_hw = _read_region(region.said, video.size_hw(region.frame), str(path))
        except SessionError:
            raise
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise SessionError(
                f"{path} has a region of {region.label!r} that cannot be read: "
                f"{describe_error(error)}."
            ) from error
        key = obj, region.frame
        if key in masks:
            mask_hw |= masks[key].to_array()
        masks[key] = Mask.from_array(mask_hw)
    masks = {key: mask for key, mask in masks.items() if mask.area}
    return Imported(masks, names, (*notes, *labels.notes), labels.labels, prompts)


def _read_region(said: dict[str, Any], hw: tuple[int, int], where: str) -> NDArray[np.bool_]:
    value = said["value"]
    size = (
        as_number(said.get("original_height"), "original_height"),
        as_number(said.get("original_width"), "original_width"),
    )
    check_size(size)
    check_frame_size(size, hw, f"A region in {where}")
    if said.get("image_rotation"):
        raise EntryError(f"its picture is turned by {shorten(said['image_rotation'])} degrees")
    if "rle" in value:
        return decode_brush(value["rle"], hw)
    points = value["points"]
    try:
        corners_p2 = np.array(points, np.float64) * (hw[1] / 100, hw[0] / 100)
        if corners_p2.ndim != 2 or corners_p2.shape[1] != 2 or not np.isfinite(corners_p2).all():
            raise ValueError(points)
    except (TypeError, ValueError, OverflowError) as error:
        raise EntryError(f"its points {shorten(points)} are not x and y in per cent") from error
    return fill_shape(corners_p2, hw)


def _read_boxes(said: dict[str, Any], obj: int, video: Video) -> dict[tuple[int, int], Box]:
    """Read the boxes of an object, x0, y0, x1, y1 in pixels by object and frame."""
    sequence = said["value"]["sequence"]
    if not isinstance(sequence, list):
        raise EntryError(f"its sequence is {shorten(sequence)}, not a list")
    found: dict[tuple[int, int], Box] = {}
    for one in sequence:
        if not isinstance(one, dict):
            raise EntryError(f"{shorten(one)} is no box of a frame")
        frame = as_number(one.get("frame"), "frame") - 1
        if not 0 <= frame < len(video):
            raise EntryError(
                f"frame {frame + 1} is not of this video, which Label Studio counts from 1 to "
                f"{len(video)}"
            )
        height, width = video.size_hw(frame)
        x, y, w, h = (float(one[key]) / 100 for key in ("x", "y", "width", "height"))
        box = x * width, y * height, (x + w) * width, (y + h) * height
        if not np.isfinite(box).all() or w <= 0 or h <= 0 or min(box) < -1:
            raise EntryError(f"its box on frame {frame + 1} is none within the picture")
        if one.get("rotation"):
            raise EntryError(f"its box on frame {frame + 1} is turned, which no prompt can be")
        found[obj, frame] = (
            *(max(box[0], 0.0), max(box[1], 0.0)),
            *(min(box[2], float(width)), min(box[3], float(height))),
        )
    return found


def is_label_studio(path: Path) -> bool:
    """Whether a JSON file has tasks of Label Studio."""
    kind, keys = find_json_keys(path)
    return (
        kind in (list, dict)
        and "data" in keys
        and bool(keys & {"annotations", "predictions", "completions"})
    )


FORMAT = Format(
    "label-studio",
    ".json",
    write_label_studio,
    read_label_studio,
    description="one JSON of tasks for Label Studio: brushes on pictures, or boxes on the video",
    options={
        "regions": "'brush', masks on a picture for each frame, or 'video', boxes alone",
        "url": "of the folder from which Label Studio serves the pictures or the video",
    },
    recognize=is_label_studio,
)
