"""labelme's JSON, a file for each picture."""

from __future__ import annotations

import base64
import io
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sam2_backend.video import Video

from ....core.errors import SessionError
from ....core.masks import Mask
from ...encodings.outlines import fill_shape, find_polygons
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

Outline: TypeAlias = Literal["mask", "polygons"]
OUTLINES = ("mask", "polygons")
WRITER, OURS = "written_by", "sam2widget"
CLASSES = "classes"
OBJECT_NAME = "object_name"
"""What labelme keeps beside a shape and a file, as it does with all that it does not know."""
_VERSION = "5.5.0"
"""The first of labelme whose shapes may be masks is 5.3."""


def write_labelme(
    segmentation: Segmentation, path: Path, *, outline: Outline = "mask", frames: bool = False
) -> Path:
    """Write `00000.json`…, each with the shapes of a frame.

    Labels are the classes, or else the names of objects; the ``group_id`` is the object's id.
    Objects that have a class have their name as ``object_name`` beside, and their attributes as
    ``attributes``, which labelme keeps.

    Parameters
    ----------
    path : the folder.
    outline : "mask" writes the mask itself; "polygons" one for each separate part.
    frames : write the pictures too, beside the JSON.
    """
    if outline not in OUTLINES:
        raise SessionError(f"outline is one of {', '.join(OUTLINES)}, got {outline!r}.")
    names = segmentation.frame_names
    suffix = ".jpg"
    called = [
        names.name(frame) if names.known and not frames else f"{names.stem(frame)}{suffix}"
        for frame in range(len(segmentation))
    ]
    files = [path / f"{names.stem(frame)}.json" for frame in range(len(segmentation))]
    pictures = [path / name for name in called] if frames else []
    open_folder(segmentation, path, [*files, *pictures], [path])
    for frame, file in enumerate(files):
        height, width = segmentation.size_hw(frame)
        shapes = [
            _described(segmentation, info, shape)
            for info, mask_hw in segmentation.shown(frame)
            for shape in _shapes(mask_hw, outline)
        ]
        document: dict[str, Any] = {
            "version": _VERSION,
            "flags": {},
            "shapes": shapes,
            "imagePath": Path(called[frame]).name,
            "imageData": None,
            "imageHeight": height,
            "imageWidth": width,
            WRITER: OURS,
        }
        if segmentation.classes:
            document[CLASSES] = [one.name for one in segmentation.classes]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(document, ensure_ascii=False, indent=1), encoding="utf-8")
        if frames:
            picture = Image.fromarray(segmentation.picture(frame))
            save_below(path, called[frame], picture, quality=JPEG_QUALITY)
    return path


def _described(segmentation: Segmentation, info: Any, shape: dict[str, Any]) -> dict[str, Any]:
    extra: dict[str, Any] = {}
    if info.class_name:
        extra[OBJECT_NAME] = info.name
    if info.attributes:
        extra["attributes"] = dict(info.attributes)
    return {
        "label": segmentation.category(info),
        "group_id": info.id,
        "description": "",
        "flags": {},
        "mask": None,
        **shape,
        **extra,
    }


def _shapes(mask_hw: NDArray[np.bool_], outline: Outline) -> list[dict[str, Any]]:
    if outline == "polygons":
        return [
            {"shape_type": "polygon", "points": points_p2.tolist()}
            for points_p2 in find_polygons(mask_hw)
        ]
    rows, columns = np.flatnonzero(mask_hw.any(1)), np.flatnonzero(mask_hw.any(0))
    y0, y1, x0, x1 = (int(n) for n in (rows[0], rows[-1], columns[0], columns[-1]))
    file = io.BytesIO()
    Image.fromarray(mask_hw[y0 : y1 + 1, x0 : x1 + 1].astype(np.uint8) * 255).save(file, "PNG")
    packed = base64.b64encode(file.getvalue()).decode("ascii")
    return [{"shape_type": "mask", "points": [[x0, y0], [x1, y1]], "mask": packed}]


def read_labelme(path: Path, video: Video) -> Imported:
    """Read a folder of labelme's files, or one of them.

    Polygons and masks of one `group_id` are an object; without one, each label is.
    """
    files = sorted(path.rglob("*.json")) if path.is_dir() else [path]
    documents = [(file, read_json(file)) for file in files]
    documents = [(file, one) for file, one in documents if "shapes" in one]
    if not documents:
        raise SessionError(f"{path} has no JSON of labelme, which has shapes.")
    names = FrameNames(video)
    root = path if path.is_dir() else path.parent
    called = [_picture_name(file, document, root) for file, document in documents]
    matched = names.match(called, str(path))
    notes = list(matched.notes)
    shapes: list[_Shape] = []
    left_out: Counter[str] = Counter()
    labels = LabelReader(str(path))
    for name, (file, document) in zip(called, documents, strict=True):
        frame = matched.frames.get(name)
        if frame is None:
            continue
        shapes += _list_shapes(file, document, frame, video, left_out)
        classes = document.get(CLASSES)
        if document.get(WRITER) == OURS and isinstance(classes, list):
            labels.add_classes(one for one in classes if isinstance(one, str))
    notes += [
        f"{path} has {pluralize(number, kind)}, left out: only polygons and masks are taken."
        for kind, number in left_out.items()
    ]
    return _collect(path, video, shapes, labels, notes)


def _picture_name(file: Path, document: dict[str, Any], root: Path) -> str:
    """Give the name of the picture that a file is of, with the folders before the file."""
    said = document.get("imagePath")
    name = said.replace("\\", "/").rpartition("/")[2] if isinstance(said, str) else ""
    return file.relative_to(root).with_name(name.strip() or file.stem).as_posix()


@dataclass(frozen=True)
class _Shape:
    """A shape of a file, and whose it is."""

    owner: int | str
    """Its group, or else its label."""
    label: str
    frame: int
    said: dict[str, Any]
    file: Path
    is_own: bool
    """Whether we wrote it."""


def _list_shapes(
    file: Path, document: dict[str, Any], frame: int, video: Video, left_out: Counter[str]
) -> list[_Shape]:
    found: list[_Shape] = []
    is_own = document.get(WRITER) == OURS
    try:
        shapes = document["shapes"]
        if not isinstance(shapes, list):
            raise EntryError(f"its shapes are {shorten(shapes)}, not a list")
        if shapes and document.get("imageHeight") is not None:
            hw = (
                as_number(document["imageHeight"], "imageHeight"),
                as_number(document.get("imageWidth"), "imageWidth"),
            )
            check_size(hw)
            check_frame_size(hw, video.size_hw(frame), str(file))
        for said in shapes:
            if not isinstance(said, dict) or not isinstance(said.get("label"), str):
                raise EntryError(f"{shorten(said)} is no shape with a label")
            kind, label = said.get("shape_type") or "polygon", said["label"]
            if kind not in ("polygon", "mask"):
                left_out[str(kind)[:20]] += 1
                continue
            group = said.get("group_id")
            owner = label if group is None else as_number(group, "group_id")
            found.append(_Shape(owner, label, frame, said, file, is_own))
    except SessionError:
        raise
    except (KeyError, TypeError, ValueError) as error:
        raise SessionError(f"{file} cannot be read as labelme: {describe_error(error)}.") from error
    return found


def _collect(
    path: Path, video: Video, shapes: list[_Shape], labels: LabelReader, notes: list[str]
) -> Imported:
    """Put the shapes of objects together: groups keep their number, labels come after."""
    try:
        ids, said = number_owners((one.owner for one in shapes), "group_id")
    except EntryError as error:
        raise SessionError(f"{path} cannot be read as labelme: {error}.") from error
    notes += said
    if any(isinstance(owner, str) for owner in ids):
        notes.append(f"{path} has shapes without group_id: each label is an object.")
    masks: dict[tuple[int, int], Mask] = {}
    names: dict[int, str] = {}
    for shape in shapes:
        key = ids[shape.owner], shape.frame
        try:
            mask_hw = _read_mask(shape.said, video.size_hw(shape.frame))
        except (TypeError, ValueError, OSError, SyntaxError) as error:
            raise SessionError(
                f"{shape.file} has a shape of {shape.label!r} that cannot be read: "
                f"{describe_error(error)}."
            ) from error
        if key in masks:
            mask_hw |= masks[key].to_array()
        masks[key] = Mask.from_array(mask_hw)
        name = shape.said.get(OBJECT_NAME) if shape.is_own else None
        names[key[0]] = name if isinstance(name, str) else shape.label
        # A label of ours without it is the name of an object that has no class.
        if isinstance(name, str) or not shape.is_own:
            labels.set_class(key[0], shape.label)
        labels.add_attributes(key[0], shape.said.get("attributes"))
    masks = {key: mask for key, mask in masks.items() if mask.area}
    return Imported(masks, names, (*notes, *labels.notes), labels.labels)


def _read_mask(shape: dict[str, Any], hw: tuple[int, int]) -> NDArray[np.bool_]:
    points = shape.get("points")
    try:
        points_p2 = np.array(points, np.float64)
        if points_p2.ndim != 2 or points_p2.shape[1] != 2 or not np.isfinite(points_p2).all():
            raise ValueError(points)
    except (TypeError, ValueError, OverflowError) as error:
        raise EntryError(f"its points {shorten(points)} are not x and y of corners") from error
    if (shape.get("shape_type") or "polygon") == "polygon":
        return fill_shape(points_p2, hw)
    if len(points_p2) != 2 or np.abs(points_p2).max() > 1e9:
        raise EntryError(f"its points {shorten(points)} are not two corners of a mask")
    (x0, y0), (x1, y1) = points_p2.astype(np.int64).tolist()
    packed = shape.get("mask")
    if not isinstance(packed, str):
        raise EntryError(f"its mask is {shorten(packed)}, not a PNG in base64")
    with Image.open(io.BytesIO(base64.b64decode(packed)), formats=["PNG"]) as picture:
        check_size((picture.height, picture.width))
        part_hw = np.asarray(picture.convert("L")) > 0
    if part_hw.shape != (y1 - y0 + 1, x1 - x0 + 1):
        raise EntryError(
            f"its mask has {part_hw.shape[1]} x {part_hw.shape[0]} pixels, its corners say "
            f"{x1 - x0 + 1} x {y1 - y0 + 1}"
        )
    if x0 < 0 or y0 < 0 or y1 >= hw[0] or x1 >= hw[1]:
        raise EntryError(f"a mask at ({x0}, {y0}) sticks out of the picture")
    mask_hw = np.zeros(hw, np.bool_)
    mask_hw[y0 : y1 + 1, x0 : x1 + 1] = part_hw
    return mask_hw


def is_labelme(path: Path) -> bool:
    """Whether a JSON file, or the first of a folder, has labelme's shapes."""
    if path.is_dir():
        first = next(iter(sorted(path.glob("*.json"))), None)
        return first is not None and is_labelme(first)
    kind, keys = find_json_keys(path)
    return kind is dict and "shapes" in keys


FORMAT = Format(
    "labelme",
    "",
    write_labelme,
    read_labelme,
    description="a folder: a JSON for each frame as labelme, the object's id as group_id",
    options={
        "outline": "'mask', which is exact, or 'polygons'",
        "frames": "True writes the pictures too, beside the JSON",
    },
    recognize=is_labelme,
    more_suffixes=frozenset({".json"}),
)
