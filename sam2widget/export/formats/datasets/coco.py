"""COCO's instance JSON, each image a frame; read as many tools write it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sam2_backend.video import Video

from ....core.errors import SessionError
from ....core.masks import Mask
from ...encodings.coco_segmentation import as_text, decode, encode
from ...encodings.outlines import NO_PIXEL, find_polygons
from ...frame_names import FrameNames
from ...reading.entries import (
    EntryError,
    as_id,
    as_number,
    check_frame_size,
    check_size,
    describe_error,
    read_json,
)
from ...reading.labels import LabelReader
from ...reading.object_ids import ObjectIds
from ...registry import Format
from ...segmentation import Imported, Segmentation
from ...wording import pluralize, shorten
from ...writing.folders import JPEG_QUALITY, open_folder, save_below

Outline = Literal["rle", "polygons"]
Id: TypeAlias = int | str
_ARTICLES = {"image": "an image", "annotation": "an annotation", "category": "a category"}
_OTHERS = {
    "_via_img_metadata": "the VGG Image Annotator",
    "videos": "YouTube-VIS",
    "features": "GeoJSON",
}
"""Keys by which files of other tools are known."""
TRACK_KEYS = ("track_id", "instance_id", "object_id")
"""What an annotation calls its object."""


def write_coco(
    segmentation: Segmentation, path: Path, *, outline: Outline = "rle", frames: bool = False
) -> Path:
    """Write one JSON file of COCO, with an annotation for each mask.

    Images have the names of the source's frames; where it has none they are called
    `NAME/00000.jpg`. With `frames` they are beside the file, in a folder that is named after it:
    for `dataset.json`, `dataset-frames/00000.jpg`, by number or by name. Categories are the classes
    in their order, and after them the names of objects that have none; of which object an
    annotation is says its ``track_id``, and ``objects`` what each is called.

    Parameters
    ----------
    outline : "rle" is exact; "polygons" is what some tools read only, and has holes as cuts.
    frames : write the pictures beside the file too.
    """
    from pycocotools import mask as coco_mask  # other formats do without

    if outline not in ("rle", "polygons"):
        raise SessionError(f"outline is 'rle' or 'polygons', got {outline!r}.")
    folder = f"{path.stem}-frames" if frames else None
    images = [_image(segmentation, frame, folder) for frame in range(len(segmentation))]
    if folder is not None:
        files = [path.parent / image["file_name"] for image in images]
        open_folder(segmentation, path.parent, files, [path.parent / folder])
    categories = segmentation.categories
    document: dict[str, Any] = {
        "info": {"description": segmentation.video.name, "version": "1.0"},
        "licenses": [],
        "videos": [{"id": 1, "name": segmentation.name}],
        "images": images,
        "categories": [
            {"id": n, "name": name, "supercategory": "object"}
            for n, name in enumerate(categories, 1)
        ],
        "objects": [
            {
                "id": info.id,
                "name": info.name,
                "class": info.class_name,
                "attributes": dict(info.attributes),
            }
            for info in segmentation.objects
        ],
        "annotations": [],
    }
    for frame in segmentation.frames:
        for info, mask_hw in segmentation.shown(frame):
            encoded = encode(mask_hw)
            result = segmentation.results[info.id, frame]
            document["annotations"].append(
                {
                    "id": len(document["annotations"]) + 1,
                    "image_id": frame + 1,
                    "category_id": categories.index(segmentation.category(info)) + 1,
                    "track_id": info.id,
                    "iscrowd": 0,
                    "area": int(mask_hw.sum()),
                    "bbox": [float(value) for value in coco_mask.toBbox(encoded)],
                    "segmentation": as_text(encoded)
                    if outline == "rle"
                    else [part.ravel().tolist() for part in find_polygons(mask_hw)],
                    "score": round(result.iou, 4),
                    **({"attributes": dict(info.attributes)} if info.attributes else {}),
                }
            )
    path.write_text(json.dumps(document), encoding="utf-8")
    if frames:
        for frame, image in enumerate(images):
            picture = Image.fromarray(segmentation.picture(frame))
            save_below(path.parent, image["file_name"], picture, quality=JPEG_QUALITY)
    return path


def _image(segmentation: Segmentation, frame: int, folder: str | None) -> dict[str, Any]:
    """Describe a frame as an image of COCO.

    `folder` is where its picture is written to, None where it is not.
    """
    height, width = segmentation.size_hw(frame)
    names = segmentation.frame_names
    own = names.known and folder is None
    return {
        "id": frame + 1,
        "video_id": 1,
        "frame_id": frame,
        "file_name": names.name(frame)
        if own
        else f"{folder or segmentation.name}/{names.stem(frame)}.jpg",
        "width": width,
        "height": height,
    }


def read_coco(path: Path, video: Video) -> Imported:
    """Read a COCO file whose images are the frames of a video.

    Frames are found by name, else by ``frame_id``. An object is a ``track_id``, also one among an
    annotation's ``attributes``; without one each category is an object. Categories are classes, but
    where ``objects`` say of which class each object is, as `write_coco` has it.

    Raises
    ------
    SessionError
        When it cannot be read, with the entry that is in the way, or does not fit the video.
    """
    document = read_json(path)
    for key, tool in _OTHERS.items():
        if key in document and "images" not in document:
            raise SessionError(
                f"{path} is a file of {tool}, which is not read: convert it to COCO."
            )
    document = read_json(path, "images", "annotations")
    said = _entries(document, "annotations", path)
    images: dict[Id, dict[str, Any]] = {}
    for n, one in enumerate(_entries(document, "images", path)):
        image = _id_of(one, "id", n, "image", path)
        other = images.setdefault(image, one)
        if other.get("file_name") != one.get("file_name"):
            raise SessionError(
                f"{path} has two images of the id {shorten(image)}, "
                f"{shorten(other.get('file_name'))} and {shorten(one.get('file_name'))}: give each "
                "its own."
            )
    categories = _categories(document, path)
    of_image = [_id_of(one, "image_id", n, "annotation", path) for n, one in enumerate(said)]
    for n, image in enumerate(of_image):
        if image not in images:
            raise SessionError(
                f"{path} has an annotation that cannot be read: {_name(said[n], n)} is of image "
                f"{shorten(image)}, which is not among its images."
            )
    frames, notes = _frames(images, set(of_image), video, path)
    owners = [_owner(one, n, path) for n, one in enumerate(said)]
    tracks = _ids([owner for key, owner in owners if key], "track_id", path)
    kinds = _ids([owner for key, owner in owners if not key], "category_id", path)
    first = max([0, *(tracks[owner] for key, owner in owners if key)])
    masks: dict[tuple[int, int], NDArray[np.bool_]] = {}
    names: dict[int, str] = {}
    labels = LabelReader(str(path))
    own = _own_objects(document, tracks)
    unclassed = {str(one["name"]) for one in own.values() if not one.get("class")}
    unclassed -= {str(one.get("class")) for one in own.values()}
    labels.add_classes(name for name in categories.values() if name not in unclassed)
    boxes = crowds = empty = 0
    for n, (one, image, (key, owner)) in enumerate(zip(said, of_image, owners, strict=True)):
        if image not in frames:
            continue
        frame = frames[image]
        shape = one.get("segmentation")
        if shape in (None, [], {}) and one.get("bbox"):
            boxes += 1
            continue
        try:
            hw = _size(images[image], video.size_hw(frame))
            mask_hw = decode(shape, hw)
        except (EntryError, KeyError, TypeError, ValueError) as error:
            raise SessionError(
                f"{path} has an annotation that cannot be read: {_name(one, n)}: "
                f"{describe_error(error)}."
            ) from error
        check_frame_size(
            hw, video.size_hw(frame), f"Image {images[image].get('file_name')} in {path}"
        )
        if isinstance(shape, list) and not mask_hw.any():
            empty += 1
            continue
        obj = tracks[owner] if key else kinds[owner] + first
        masks[obj, frame] = masks.get((obj, frame), False) | mask_hw
        word, kind = tracks.names.get(obj, "") if key else "", _category(one, categories)
        names[obj] = word or kind or f"Object {obj}"
        if not (key and obj in own):
            labels.set_class(obj, kind)
            labels.add_attributes(obj, _attributes(one, key))
        crowds += bool(one.get("iscrowd"))
    for obj, said_of in own.items():
        names[obj] = str(said_of["name"])
        labels.set_class(obj, said_of.get("class"))
        labels.add_attributes(obj, said_of.get("attributes"))
    notes += [*tracks.notes, *kinds.notes, *labels.notes]
    if said and boxes == len(said):
        raise SessionError(
            f"{path} has boxes alone, no masks: export with segmentation, or add boxes as prompts."
        )
    if boxes:
        notes.append(f"{path} has {pluralize(boxes, 'annotation')} with a box alone, left out.")
    if empty:
        notes.append(f"{path} has {pluralize(empty, 'annotation')} {NO_PIXEL}.")
    if any(not key for key, _ in owners):
        notes.append(f"{path} has annotations without track_id: each category is an object.")
    if crowds:
        notes.append(f"{path} has {pluralize(crowds, 'crowd')} (iscrowd), taken as masks.")
    return Imported(
        *({key: Mask.from_array(mask) for key, mask in masks.items()}, names, tuple(notes)),
        labels.labels,
    )


def _own_objects(document: dict[str, Any], tracks: ObjectIds) -> dict[int, dict[str, Any]]:
    """Give what `write_coco` says of objects, by the ids that they get here."""
    listed: Any = document.get("objects")
    return {
        tracks[one["id"]]: one
        for one in (listed if isinstance(listed, list) else ())
        if isinstance(one, dict) and one.get("name") and one.get("id") in tracks
    }


def _attributes(said: dict[str, Any], key: str) -> dict[str, Any]:
    """Give an annotation's attributes, without the one that says which object it is of."""
    attributes = said.get("attributes")
    own = {} if not isinstance(attributes, dict) else attributes
    return {name: one for name, one in own.items() if name != key or key in said}


def _frames(
    images: dict[Id, dict[str, Any]], wanted: set[Id], video: Video, path: Path
) -> tuple[dict[Id, int], list[str]]:
    """Find the frame of each image that has one, and what had to be guessed.

    Where other images than the `wanted` are of no frame, those of the `wanted` alone are given.
    """
    numbers: dict[Id, int] = {}
    called: dict[Id, str] = {}
    for image, said in images.items():
        try:
            if said.get("frame_id") is not None:
                numbers[image] = as_number(said["frame_id"], "frame_id")
        except EntryError as error:
            raise SessionError(f"{path} has an image that cannot be read: {error}.") from error
        name = said.get("file_name")
        if isinstance(name, str) and name:
            called[image] = name
    names = FrameNames(video)
    numbered = wanted <= numbers.keys()
    if numbered and not names.known:
        return numbers, []
    missing = next(iter(wanted - called.keys()), None)
    if missing is not None and not numbered:
        raise SessionError(
            f"{path} has an image that cannot be read: image {shorten(missing)} has no file_name."
        )
    try:
        matched = names.match(called.values(), str(path))
    except SessionError:
        if numbered:
            note = f"{path} has other names than this video's frames: it is matched by frame_id."
            return numbers, [note]
        if names.known:
            raise
        called = {image: name for image, name in called.items() if image in wanted}
        matched = names.match(called.values(), str(path))
    frames = {
        image: matched.frames[name] for image, name in called.items() if name in matched.frames
    }
    return frames, list(matched.notes)


def _owner(said: dict[str, Any], n: int, path: Path) -> tuple[str, object]:
    """Give the key of an annotation that says which object it is of, and the object.

    The key is "" where the annotation has a category alone.
    """
    attributes = said.get("attributes")
    for place in (said, attributes if isinstance(attributes, dict) else {}):
        for key in TRACK_KEYS:
            if place.get(key) not in (None, ""):
                return key, place[key]
    if said.get("category_id") is None:
        raise SessionError(
            f"{path} has an annotation that cannot be read: {_name(said, n)} has neither track_id "
            "nor category_id."
        )
    return "", said["category_id"]


def _ids(given: list[object], key: str, path: Path) -> ObjectIds:
    try:
        return ObjectIds(given, key)
    except EntryError as error:
        raise SessionError(f"{path} has a {key} that cannot be read: {error}.") from error


def _categories(document: dict[str, Any], path: Path) -> dict[Id, str]:
    if not document.get("categories"):
        return {}
    listed = _entries(document, "categories", path)
    return {
        _id_of(one, "id", n, "category", path): str(one.get("name") or "")
        for n, one in enumerate(listed)
    }


def _category(said: dict[str, Any], categories: dict[Id, str]) -> str:
    kind = said.get("category_id")
    return (
        ""
        if kind is None or isinstance(kind, (list, dict, bool))
        else categories.get(as_id(kind), "")
    )


def _entries(document: dict[str, Any], key: str, path: Path) -> list[dict[str, Any]]:
    listed = document[key]
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise SessionError(f"{path} cannot be read as coco: its {key} are no list of objects.")
    return listed


def _id_of(said: dict[str, Any], key: str, n: int, kind: str, path: Path) -> Id:
    try:
        if key not in said:
            raise EntryError(f"it has no {key}")
        return as_id(said[key])
    except EntryError as error:
        raise SessionError(
            f"{path} has {_ARTICLES[kind]} that cannot be read: {_name(said, n)}: {error}."
        ) from error


def _name(said: dict[str, Any], n: int) -> str:
    """Name an entry so that a person finds it: by its id, else by its place in the list."""
    return f"number {n} of the list" if "id" not in said else f"the one of id {shorten(said['id'])}"


def _size(image: dict[str, Any], frame_hw: tuple[int, int]) -> tuple[int, int]:
    """Give the size (H, W) in pixels that a file says of an image; the frame's if it says none."""
    if image.get("height") is None and image.get("width") is None:
        return frame_hw
    hw = as_number(image.get("height"), "height"), as_number(image.get("width"), "width")
    check_size(hw)
    return hw


FORMAT = Format(
    "coco",
    ".json",
    write_coco,
    read_coco,
    description="one JSON, each frame an image, with track_id",
    options={
        "outline": "'rle', which is exact, or 'polygons'",
        "frames": "True writes the pictures too, to dataset-frames/ for dataset.json",
    },
)
