"""Datumaro's own format: a folder with annotations/default.json, and pictures beside."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sam2_backend.video import Video

from ....annotation.records import Attribute, ObjectInfo
from ....core.errors import SessionError
from ....core.masks import Mask
from ...encodings.coco_segmentation import as_text, decode, encode
from ...frame_names import FrameNames
from ...reading.entries import (
    EntryError,
    as_number,
    check_frame_size,
    check_size,
    describe_error,
    find_json_keys,
    read_json,
)
from ...reading.labels import LabelReader
from ...reading.object_ids import number_owners
from ...registry import Format
from ...segmentation import Imported, Segmentation
from ...wording import pluralize, shorten
from ...writing.folders import JPEG_QUALITY, open_folder, save_below

WRITER, OURS = "written_by", "sam2widget"
"""What of the file's `infos` says that it is one of ours."""
CLASSES = "classes"
OBJECT_NAME = "object_name"
_SUBSET = "default"


def write_datumaro(segmentation: Segmentation, path: Path, *, frames: bool = False) -> Path:
    """Write `annotations/default.json`, an item for each frame, with masks as run lengths.

    Labels are the classes, or else the names of objects; the ``object_id`` is the object's id.
    Objects that have a class have their name as the attribute ``object_name``, beside their own.

    Parameters
    ----------
    path : the folder.
    frames : write the pictures too, to `images/default`.
    """
    names = segmentation.frame_names
    stems = [names.stem(frame) for frame in range(len(segmentation))]
    file = path / "annotations" / f"{_SUBSET}.json"
    pictures = path / "images" / _SUBSET
    listed = [pictures / f"{stem}.jpg" for stem in stems] if frames else []
    open_folder(segmentation, path, [file, *listed], [file.parent, pictures])
    categories = segmentation.categories
    document: dict[str, Any] = {
        "dm_format_version": "1.0",
        "media_type": 2,
        "infos": {
            WRITER: OURS,
            "video": segmentation.video.name,
            CLASSES: [one.name for one in segmentation.classes],
        },
        "categories": {
            "label": {
                "labels": [{"name": name, "parent": "", "attributes": []} for name in categories],
                "label_groups": [],
                "attributes": [],
            }
        },
        "items": [
            {
                "id": stem,
                "annotations": [
                    {
                        "id": n,
                        "type": "mask",
                        "attributes": _attributes(info),
                        "group": 0,
                        "object_id": info.id,
                        "label_id": categories.index(segmentation.category(info)),
                        "z_order": n,
                        "rle": as_text(encode(mask_hw)),
                    }
                    for n, (info, mask_hw) in enumerate(segmentation.shown(frame))
                ],
                "attr": {"frame": frame},
                "image": {
                    "path": f"{stem}.jpg" if frames else names.name(frame),
                    "size": list(segmentation.size_hw(frame)),
                },
            }
            for frame, stem in enumerate(stems)
        ],
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    if frames:
        for frame, stem in enumerate(stems):
            picture = Image.fromarray(segmentation.picture(frame))
            save_below(pictures, f"{stem}.jpg", picture, quality=JPEG_QUALITY)
    return path


def _attributes(info: ObjectInfo) -> dict[str, Attribute]:
    return {**info.attributes, **({OBJECT_NAME: info.name} if info.class_name else {})}


def read_datumaro(path: Path, video: Video) -> Imported:
    """Read a folder of Datumaro, or one of the JSON files in its `annotations`.

    Masks and polygons of one ``object_id``, or attribute ``track_id``, or else of one group are an
    object; without any of them, each label is.
    """
    files = _annotation_files(path) if path.is_dir() else [path]
    if not files:
        raise SessionError(f"{path} has no annotations/*.json, as Datumaro's folders have.")
    documents = [read_json(file, "items") for file in files]
    items: list[tuple[dict[str, Any], list[str], bool]] = []
    labels = LabelReader(str(path))
    for file, document in zip(files, documents, strict=True):
        if not isinstance(document["items"], list):
            raise SessionError(f"{file} cannot be read as datumaro: its items are no list.")
        infos = document.get("infos")
        is_own = isinstance(infos, dict) and infos.get(WRITER) == OURS
        listed = _labels(document)
        classes = infos.get(CLASSES) if isinstance(infos, dict) and is_own else listed
        labels.add_classes(
            one for one in (classes if isinstance(classes, list) else ()) if isinstance(one, str)
        )
        items += [(one, listed, is_own) for one in document["items"] if isinstance(one, dict)]
    called = [str(item.get("id", "")) for item, *_ in items]
    matched = FrameNames(video).match(called, str(path))
    notes = list(matched.notes)
    shapes: list[_Shape] = []
    left_out: Counter[str] = Counter()
    for name, (item, listed, is_own) in zip(called, items, strict=True):
        if name in matched.frames:
            shapes += _list_shapes(path, item, listed, is_own, matched.frames[name], left_out)
    notes += [
        f"{path} has {pluralize(number, kind)}, left out: only masks and polygons are taken."
        for kind, number in left_out.items()
        if number
    ]
    return _collect(path, video, shapes, labels, notes)


@dataclass(frozen=True)
class _Shape:
    """An annotation of a frame, and whose it is."""

    owner: int | str
    label: str
    frame: int
    said: dict[str, Any]
    attributes: dict[str, Any]
    is_own: bool


def _annotation_files(path: Path) -> list[Path]:
    place = path / "annotations"
    return sorted((place if place.is_dir() else path).glob("*.json"))


def _labels(document: dict[str, Any]) -> list[str]:
    """Give the names of the labels by their number."""
    categories = document.get("categories")
    label = categories.get("label") if isinstance(categories, dict) else None
    listed = label.get("labels") if isinstance(label, dict) else None
    return [
        str(one.get("name", "")) if isinstance(one, dict) else ""
        for one in (listed if isinstance(listed, list) else ())
    ]


def _list_shapes(
    path: Path,
    item: dict[str, Any],
    labels: list[str],
    is_own: bool,
    frame: int,
    left_out: Counter[str],
) -> list[_Shape]:
    found: list[_Shape] = []
    annotations = item.get("annotations")
    try:
        for said in annotations if isinstance(annotations, list) else ():
            if not isinstance(said, dict):
                raise EntryError(f"{shorten(said)} is no annotation")
            kind = said.get("type")
            if kind not in ("mask", "polygon"):
                left_out[str(kind)[:20]] += kind not in ("label", "caption")
                continue
            number = said.get("label_id")
            place = -1 if number is None else as_number(number, "label_id")
            label = labels[place] if 0 <= place < len(labels) else ""
            attributes = said.get("attributes")
            attributes = dict(attributes) if isinstance(attributes, dict) else {}
            owner = _owner(said, {} if is_own else attributes)
            owner = label if owner is None else owner
            found.append(_Shape(owner, label, frame, said, attributes, is_own))
    except EntryError as error:
        raise SessionError(
            f"{path} has an item {shorten(item.get('id'))} that cannot be read: {error}."
        ) from error
    return found


def _owner(said: dict[str, Any], attributes: dict[str, Any]) -> int | None:
    """Give what tells an object from others; None where nothing but its label does."""
    if said.get("object_id") not in (None, -1):
        return as_number(said["object_id"], "object_id")
    if attributes.get("track_id") is not None:
        return as_number(attributes.pop("track_id"), "track_id")
    return as_number(said["group"], "group") if said.get("group") else None


def _collect(
    path: Path, video: Video, shapes: list[_Shape], labels: LabelReader, notes: list[str]
) -> Imported:
    try:
        ids, said = number_owners((one.owner for one in shapes), "object_id")
    except EntryError as error:
        raise SessionError(f"{path} cannot be read as datumaro: {error}.") from error
    notes += said
    if any(isinstance(owner, str) for owner in ids):
        notes.append(f"{path} has shapes without object_id or group: each label is an object.")
    masks: dict[tuple[int, int], Mask] = {}
    names: dict[int, str] = {}
    for shape in shapes:
        obj, hw = ids[shape.owner], video.size_hw(shape.frame)
        try:
            mask_hw = _read_mask(shape.said, hw, str(path))
        except SessionError:
            raise
        except (KeyError, TypeError, ValueError) as error:
            raise SessionError(
                f"{path} has a {shape.said['type']} of {shape.label!r} that cannot be read: "
                f"{describe_error(error)}."
            ) from error
        name = shape.attributes.pop(OBJECT_NAME, None) if shape.is_own else None
        names[obj] = name if isinstance(name, str) else shape.label or f"Object {obj}"
        # A label of ours without it is the name of an object that has no class.
        if isinstance(name, str) or not shape.is_own:
            labels.set_class(obj, shape.label)
        labels.add_attributes(obj, shape.attributes)
        key = obj, shape.frame
        if key in masks:
            mask_hw |= masks[key].to_array()
        masks[key] = Mask.from_array(mask_hw)
    masks = {key: mask for key, mask in masks.items() if mask.area}
    return Imported(masks, names, (*notes, *labels.notes), labels.labels)


def _read_mask(said: dict[str, Any], hw: tuple[int, int], where: str) -> NDArray[np.bool_]:
    if said["type"] == "polygon":
        return decode([said["points"]], hw)
    rle = said["rle"]
    if not isinstance(rle, dict) or not isinstance(rle.get("size"), list) or len(rle["size"]) != 2:
        raise EntryError(f"its rle is {shorten(rle)}, not run lengths with size and counts")
    height, width = (as_number(side, "size") for side in rle["size"])
    check_size((height, width))
    check_frame_size((height, width), hw, f"A mask in {where}")
    return decode(rle, hw)


def is_datumaro(path: Path) -> bool:
    """Whether a JSON file, or the first of a folder's annotations, is of Datumaro."""
    if path.is_dir():
        if not (path / "annotations").is_dir():
            return False
        first = next(iter(_annotation_files(path)), None)
        return first is not None and is_datumaro(first)
    kind, keys = find_json_keys(path)
    return kind is dict and {"items", "categories"} <= keys


FORMAT = Format(
    "datumaro",
    "",
    write_datumaro,
    read_datumaro,
    description="a folder as Datumaro: annotations/default.json, masks with object_id",
    options={"frames": "True writes the pictures too, to images/default"},
    recognize=is_datumaro,
    more_suffixes=frozenset({".json"}),
)
