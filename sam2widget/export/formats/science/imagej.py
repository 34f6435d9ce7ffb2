"""ROIs of ImageJ and Fiji: a zip with one for each object and frame, as its ROI Manager has."""

from __future__ import annotations

import io
import json
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

from sam2_backend.video import Video

from ....annotation.records import ObjectInfo
from ....core.errors import SessionError
from ....core.files import make_file_name
from ....core.masks import Mask
from ....models.segmenter import Box
from ....storage.safe_zip import SafeZip, ZipError
from ....storage.session_file import SUFFIX as SESSION_SUFFIX
from ...encodings.imagej_roi import (
    ENTRY_SUFFIX,
    INSTEAD,
    Roi,
    decode_roi,
    encode_parts,
    fill_roi,
)
from ...encodings.outlines import NO_PIXEL
from ...encodings.rings import trace_polygons
from ...frame_names import FrameNames
from ...optional_library import import_library
from ...reading.entries import EntryError, as_number
from ...reading.labels import LabelReader
from ...reading.object_ids import LARGEST
from ...registry import Format
from ...segmentation import Imported, Segmentation
from ...wording import pluralize, shorten

Axis: TypeAlias = Literal["stack", "t", "z"]
AXES = ("stack", "t", "z")
MAX_SIDE_PX = 60_535
"""ImageJ keeps corners in 16 bits, and takes what is above for what is below 0."""
MAX_BYTES = 2**30
"""That a zip may unpack to."""
_PREFIX = "sam2widget_"
_ONE_TIME = (1980, 1, 1, 0, 0, 0)
"""Of entries, so that a second export is the same file."""


def write_imagej(segmentation: Segmentation, path: Path, *, axis: Axis = "stack") -> Path:
    """Write a zip with a ROI for each object and frame, which ImageJ's ROI Manager opens.

    Corners are those of pixels, so that ImageJ fills the very mask: a traced ROI, or where an
    object has several parts or holes, a composite one. It is called ``ID_NAME_FRAME``, in the
    object's colour; frames count from 1. The object, its name, class, attributes and parents are
    among the ROI's properties, which ImageJ keeps.

    Parameters
    ----------
    axis : where a frame is: "stack", an image of a stack; "t" or "z" of a hyperstack that has
        several channels too.

    Raises
    ------
    SessionError
        When roifile is not installed, or a frame is wider or higher than 60,535 pixels.
    """
    if axis not in AXES:
        raise SessionError(f"axis is one of {', '.join(AXES)}, got {axis!r}.")
    if path.name.endswith(SESSION_SUFFIX):
        raise SessionError(
            f"{path} would be called as a session file is: w.save({path.name!r}) writes one, and "
            f"{path.name.removesuffix(SESSION_SUFFIX)}-rois.zip is a name for ROIs."
        )
    import_library("roifile", INSTEAD)
    for frame in segmentation.frames:
        _check_side(segmentation, frame)
    digits = max(4, len(str(len(segmentation))))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for frame in segmentation.frames:
            if segmentation.on_frame is not None:
                segmentation.on_frame(frame)
            for info in segmentation.objects:
                result = segmentation.results.get((info.id, frame))
                if result is None or not result.mask.area:
                    continue
                name = (
                    f"{info.id}_{make_file_name(info.name, default='object')}_{frame + 1:0{digits}}"
                )
                content = encode_parts(
                    trace_polygons(result.mask),
                    name=name,
                    color=info.color,
                    position={axis: frame + 1},
                    properties=_properties(segmentation, info, frame),
                )
                entry = zipfile.ZipInfo(f"{name}{ENTRY_SUFFIX}", _ONE_TIME)
                entry.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(entry, content)
    return path


def _check_side(segmentation: Segmentation, frame: int) -> None:
    height, width = segmentation.size_hw(frame)
    if max(height, width) > MAX_SIDE_PX:
        raise SessionError(
            f"ImageJ's ROIs go up to {MAX_SIDE_PX:,} pixels, and frame {frame} has {width:,} x "
            f"{height:,}: export 'geojson', which QuPath and QGIS read."
        )


def _properties(segmentation: Segmentation, info: ObjectInfo, frame: int) -> dict[str, str]:
    said: dict[str, Any] = {"object": info.id, "name": info.name}
    if segmentation.frame_names.known:
        said["frame"] = segmentation.frame_names.name(frame)
    if info.class_name:
        said["class"] = info.class_name
    if info.attributes:
        said["attributes"] = json.dumps(dict(info.attributes))
    if info.parents:
        said["parents"] = " ".join(map(str, info.parents))
    return {f"{_PREFIX}{key}": str(value) for key, value in said.items()}


def read_imagej(path: Path, video: Video) -> Imported:
    """Read a zip of ROIs, or one `.roi`.

    ROIs that `write_imagej` wrote are of the objects that they name; of others, those of one name
    are an object. Frames go by name, where the video has names and the ROIs say some, else by
    position. Polygons, ovals, freehand, traced and composite ROIs are masks, rectangles are
    boxes, which become prompts. Lines, points and texts are left out, and named.
    """
    rois = list(_read_rois(path))
    frames, notes = _find_frames([roi for _, roi in rois], video, path)
    owners = {name: _owner(roi, name, path) for name, roi in rois}
    next_id = max((one for one in owners.values() if one), default=0) + 1
    others = dict.fromkeys(roi.name for name, roi in rois if owners[name] is None)
    ids = {name: obj for obj, name in enumerate(others, next_id)}
    masks: dict[tuple[int, int], Mask] = {}
    boxes: dict[tuple[int, int], Box] = {}
    names: dict[int, str] = {}
    parents: dict[int, tuple[int, ...]] = {}
    labels = LabelReader(str(path))
    left_out: Counter[str] = Counter()
    num_outside = 0
    for (entry, roi), frame in zip(rois, frames, strict=True):
        if frame is None:
            continue
        key = owners[entry] or ids[roi.name], frame
        if roi.box is not None:
            boxes[key] = roi.box
        elif roi.rings is not None:
            mask_hw = fill_roi(roi, video.size_hw(frame))
            num_outside += not mask_hw.any()
            if key in masks:
                mask_hw |= masks[key].to_array()
            masks[key] = Mask.from_array(mask_hw)
        else:
            left_out[roi.kind] += 1
            continue
        names[key[0]] = roi.properties.get(f"{_PREFIX}name", "").strip() or roi.name or entry
        labels.set_class(key[0], roi.properties.get(f"{_PREFIX}class"))
        labels.add_attributes(key[0], _attributes(roi))
        parents[key[0]] = _parents(roi)
    notes += [
        f"{path} has {pluralize(number, kind)}, left out: areas and rectangles alone are taken."
        for kind, number in left_out.items()
    ]
    if num_outside:
        notes.append(f"{path} has {pluralize(num_outside, 'ROI')} {NO_PIXEL}.")
    masks = {key: mask for key, mask in masks.items() if mask.area}
    boxes = {key: box for key, box in boxes.items() if key not in masks}
    parents = {obj: given for obj, given in parents.items() if given}
    return Imported(masks, names, (*notes, *labels.notes), labels.labels, boxes, parents)


def _read_rois(path: Path) -> Iterator[tuple[str, Roi]]:
    """Yield the names of the entries of a file, and their ROIs."""
    for name, content in _read_entries(path):
        try:
            yield name, decode_roi(content)
        except EntryError as error:
            raise SessionError(f"{path} has an entry {name!r} that is wrong: {error}.") from error


def _read_entries(path: Path) -> Iterator[tuple[str, bytes]]:
    try:
        content = path.read_bytes()
        if path.suffix.lower() == ENTRY_SUFFIX:
            yield path.name, content
            return
        archive = SafeZip(io.BytesIO(content), MAX_BYTES)
        found = [name for name in archive.names if _is_roi(name)]
        if not found:
            raise SessionError(f"{path} has no entry called NAME.roi, so it holds no ROIs.")
        for name in found:
            yield name, archive.read(name)
    except (OSError, ZipError) as error:
        raise SessionError(f"{path} cannot be read as ROIs of ImageJ: {error}.") from error


def _is_roi(entry: str) -> bool:
    """Whether an entry of a zip is a ROI; macOS puts others of the same suffix beside them."""
    return entry.lower().endswith(ENTRY_SUFFIX) and not entry.startswith("__MACOSX/")


def _find_frames(
    rois: Sequence[Roi], video: Video, path: Path
) -> tuple[list[int | None], list[str]]:
    """Give the frame of each ROI, None where it is of none, and notes to say."""
    names = FrameNames(video)
    called = [one.properties.get(f"{_PREFIX}frame", "") for one in rois]
    if names.known and all(called):
        matched = names.match(called, str(path))
        return [matched.frames.get(name) for name in called], list(matched.notes)
    if len({one.t for one in rois} - {0}) > 1 and len({one.z for one in rois} - {0}) > 1:
        raise SessionError(
            f"{path} has ROIs at several times and on several slices: a video has one of these. "
            "Save those of one slice, or of one time, by themselves."
        )
    by_z = len({one.z for one in rois} - {0}) > 1 or not any(one.t for one in rois)
    found: list[int | None] = []
    for roi in rois:
        place = roi.stack or (roi.z if by_z else roi.t)
        if place > len(video):
            raise SessionError(
                f"{path} has a ROI {shorten(roi.name)} on image {place}, which counts from 1, but "
                f"the video has {pluralize(len(video), 'frame')}: it is of another video."
            )
        found.append(place - 1 if place else 0 if len(video) == 1 else None)
    missing = found.count(None)
    if not missing:
        return found, []
    told = pluralize(missing, "ROI")
    return found, [
        f"{path} has {told} without a position, left out: select them in ImageJ's ROI Manager, and "
        "give them one by Properties."
    ]


def _owner(roi: Roi, entry: str, path: Path) -> int | None:
    """Give the object that a ROI of ours names; None for another program's."""
    said = roi.properties.get(f"{_PREFIX}object")
    if said is None:
        return None
    try:
        obj = as_number(said, "object")
    except EntryError as error:
        raise SessionError(f"{path} has an entry {entry!r} that is wrong: {error}.") from error
    if not 1 <= obj <= LARGEST:
        raise SessionError(f"{path} has an entry {entry!r} of an object {obj}: ids are from 1 up.")
    return obj


def _attributes(roi: Roi) -> object:
    try:
        return json.loads(roi.properties.get(f"{_PREFIX}attributes", "null"))
    except (ValueError, RecursionError):
        return None


def _parents(roi: Roi) -> tuple[int, ...]:
    words = roi.properties.get(f"{_PREFIX}parents", "").split()
    return tuple(int(word) for word in words if word.isascii() and word.isdigit())


def is_imagej(path: Path) -> bool:
    """Whether a file is a ROI, or a zip that has some."""
    if path.suffix.lower() == ENTRY_SUFFIX:
        return True
    try:
        with zipfile.ZipFile(path) as archive:
            return any(map(_is_roi, archive.namelist()))
    except Exception:  # whatever damaged bytes make of zipfile
        return False


FORMAT = Format(
    "imagej",
    ".zip",
    write_imagej,
    read_imagej,
    description="a zip of ROIs for ImageJ and Fiji, one for each object and frame, in its colour",
    options={
        "axis": "'stack', where a frame is an image of a stack, or 't' or 'z' of a hyperstack"
    },
    recognize=is_imagej,
    more_suffixes=frozenset({ENTRY_SUFFIX}),
    is_sparse=True,
)
