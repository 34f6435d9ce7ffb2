"""Reader of CVAT's XML: "CVAT for images 1.1" and the tracks of "CVAT for video 1.1"."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from xml.etree import ElementTree as Xml

import numpy as np
from numpy.typing import NDArray

from sam2_backend.video import Video

from .....core.errors import SessionError
from .....core.masks import Mask
from ....encodings.outlines import NO_PIXEL, fill_shape
from ....frame_names import FrameNames, file_number
from ....reading.entries import EntryError, as_number, check_frame_size, check_size, describe_error
from ....reading.object_ids import ObjectIds
from ....segmentation import Imported
from ....wording import pluralize, shorten
from .labels import LabelsOfShapes
from .part import PartOfSource

_RUN = np.dtype("<u4")
_OF_VIDEO = re.compile(r"frame_[0-9]{6}(\.png)?", re.I)
_KINDS = ("mask", "polygon")
_OTHERS = ("box", "ellipse", "polyline", "points", "cuboid", "skeleton", "tag")


@dataclass(frozen=True)
class _Shape:
    """A mask or polygon of one object on one frame."""

    owner: tuple[str, str]
    """"track", "group" or "label", and which."""
    label: str
    frame: int
    element: Xml.Element


def read_cvat(path: Path, video: Video) -> Imported:
    """Read the masks and polygons of `annotations.xml`.

    On images an object is a ``group_id``, or else a label; tracks are objects.

    Raises
    ------
    SessionError
        When it cannot be read, with the image or track that is in the way, or does not fit the
        video.
    """
    try:
        root = Xml.parse(path).getroot()
    except (OSError, Xml.ParseError, ValueError, LookupError) as error:
        raise SessionError(f"{path} cannot be read as CVAT's XML ({error}).") from error
    left_out: Counter[str] = Counter()
    notes: list[str] = []
    shapes = [
        *_on_images(path, root, video, left_out, notes),
        *_of_tracks(path, root, video, left_out, notes),
    ]
    left_out = +left_out  # without what was counted 0 times
    if left_out:
        kinds = ", ".join(f"{number} x {kind}" for kind, number in sorted(left_out.items()))
        notes.append(
            f"{path} has shapes that are no masks, which are left out: {kinds}. Masks and polygons "
            "are read."
        )
    if not shapes:
        raise SessionError(
            " ".join(
                (
                    f"{path} has no masks or polygons of this video: export as 'CVAT for images "
                    "1.1' or 'CVAT for video 1.1'.",
                    *notes,
                )
            )
        )
    ids = _ids(path, shapes)
    masks: dict[tuple[int, int], Mask] = {}
    names: dict[int, str] = {}
    labels = LabelsOfShapes(path, root)
    empty = 0
    for shape in shapes:
        key = ids[shape.owner], shape.frame
        hw = video.size_hw(shape.frame) if 0 <= shape.frame < len(video) else None
        if hw is None:
            raise SessionError(
                f"{path} has a {shape.element.tag} on frame {shape.frame}, but the video has "
                f"frames 0 to {len(video) - 1}: it is of another video, or of a part of one."
            )
        try:
            mask_hw = _mask(shape.element, hw)
        except (KeyError, ValueError) as error:
            raise SessionError(
                f"{path} has a {shape.element.tag} of {shape.label!r} on frame {shape.frame} that "
                f"cannot be read: {describe_error(error)}."
            ) from error
        if shape.element.tag == "polygon" and not mask_hw.any():
            empty += 1
            continue
        if key in masks:
            mask_hw |= masks[key].to_array()
        masks[key] = Mask.from_array(mask_hw)
        names[key[0]] = labels.add(key[0], shape.label, shape.element)
    if empty:
        notes.append(f"{path} has {pluralize(empty, 'polygon')} {NO_PIXEL}.")
    if any(owner == "label" for (owner, _) in ids):
        notes.append(f"{path} has shapes without group_id or track: each label is an object.")
    return Imported(masks, names, (*notes, *labels.reader.notes), labels.reader.labels)


def _on_images(
    path: Path, root: Xml.Element, video: Video, left_out: Counter[str], notes: list[str]
) -> Iterator[_Shape]:
    images = list(root.iter("image"))
    if not images:
        return
    frames = _frames(path, root, images, video, notes)
    for n, image in enumerate(images):
        if n not in frames or not len(image):
            continue
        name = image.get("name", "")
        try:
            hw = (
                as_number(image.get("height"), "height"),
                as_number(image.get("width"), "width"),
            )
            check_size(hw)
            if frames[n] < len(video):
                check_frame_size(hw, video.size_hw(frames[n]), f"Image {name!r} in {path}")
            for element in image:
                if element.tag not in _KINDS:
                    left_out[_kind(element)] += element.tag in _OTHERS
                    continue
                group = element.get("group_id") or "0"
                label = element.attrib["label"]
                owner = ("group", group) if group != "0" else ("label", label)
                yield _Shape(owner, label, frames[n], element)
        except SessionError:
            raise
        except (KeyError, ValueError) as error:
            raise SessionError(
                f"{path} has an image {name!r} that cannot be read: {describe_error(error)}."
            ) from error


def _frames(
    path: Path, root: Xml.Element, images: list[Xml.Element], video: Video, notes: list[str]
) -> dict[int, int]:
    """Find the frame of each image that has one, by the image's place in the list."""
    called = [image.get("name", "") for image in images]
    names = FrameNames(video)
    numbered = all(file_number(name) is not None for name in called)
    # What CVAT calls the frames of a video, which may be a folder of other names to us.
    of_video = all(map(_OF_VIDEO.fullmatch, called))
    of_video = of_video and not any(_OF_VIDEO.fullmatch(name) for name in video.names or ())
    part = PartOfSource.of(root)
    of_video = of_video and (names.known or part is not None)
    if not of_video and (names.known or numbered):
        matched = names.match(called, str(path))
        notes += matched.notes
        return {n: matched.frames[name] for n, name in enumerate(called) if name in matched.frames}
    if of_video:
        notes.append(f"{path} is of a video: its frames are matched by number, from 0.")
        numbers = [file_number(name) or 0 for name in called]
        return dict(enumerate(_placed(path, part, numbers, video, notes)))
    notes.append(
        f"{path} names images that are not numbered, such as {called[0]!r}: they are matched by "
        "their id, from 0."
    )
    try:
        numbers = [as_number(image.get("id"), "id") for image in images]
    except EntryError as error:
        raise SessionError(f"{path} has an image that cannot be read: {error}.") from error
    return dict(enumerate(_placed(path, part, numbers, video, notes)))


def _placed(
    path: Path, part: PartOfSource | None, numbers: list[int], video: Video, notes: list[str]
) -> list[int]:
    """Give the frames of the video that numbers of CVAT mean."""
    if part is None or not numbers:
        return numbers
    return part.place(numbers, video, str(path), notes)


def _of_tracks(
    path: Path, root: Xml.Element, video: Video, left_out: Counter[str], notes: list[str]
) -> Iterator[_Shape]:
    shapes = list(_shapes_of_tracks(path, root, left_out, notes))
    numbers = [shape.frame for shape in shapes]
    placed = _placed(path, PartOfSource.of(root), numbers, video, notes)
    for shape, frame in zip(shapes, placed, strict=True):
        yield replace(shape, frame=frame)


def _shapes_of_tracks(
    path: Path, root: Xml.Element, left_out: Counter[str], notes: list[str]
) -> Iterator[_Shape]:
    """Yield the shapes of all tracks, with CVAT's numbers of frames."""
    part = PartOfSource.of(root)
    step = 1 if part is None else part.step
    gaps = 0
    for n, track in enumerate(root.iter("track")):
        try:
            label, owner = track.attrib["label"], ("track", track.get("id") or str(n))
            before: tuple[int, bool] | None = None
            for element in track:
                if element.tag not in _KINDS:
                    left_out[_kind(element)] += element.tag in _OTHERS
                    continue
                frame = as_number(element.get("frame"), "frame")
                hidden = element.get("outside") == "1"
                gaps += before is not None and not before[1] and frame > before[0] + step
                before = frame, hidden
                if not hidden:
                    yield _Shape(owner, label, frame, element)
        except (KeyError, ValueError) as error:
            raise SessionError(
                f"{path} has a track {track.get('id', n)} that cannot be read: "
                f"{describe_error(error)}."
            ) from error
    if gaps:
        notes.append(
            f"{path} has tracks with {pluralize(gaps, 'gap')} between keyframes, where frames have "
            "no mask: propagate to fill them."
        )


def _kind(element: Xml.Element) -> str:
    """Give what a shape is called, also where it is turned."""
    turned = element.get("rotation", "0").strip("0.") != ""
    return f"rotated {element.tag}" if turned else element.tag


def _ids(path: Path, shapes: list[_Shape]) -> Mapping[tuple[str, str], int]:
    """Give object ids by owner: groups keep their number, tracks too where they count from 1.

    Labels come last.
    """
    owners = list(dict.fromkeys(shape.owner for shape in shapes))
    found: dict[tuple[str, str], int] = {}
    try:
        for kind in ("group", "track", "label"):
            ids = ObjectIds([name for owner, name in owners if owner == kind], f"{kind} id")
            first = max(found.values(), default=0)
            if kind == "label":
                of_kind = [name for owner, name in owners if owner == kind]
                found |= {("label", name): first + n for n, name in enumerate(of_kind, 1)}
            else:
                found |= {
                    (kind, name): first + ids[name] for owner, name in owners if owner == kind
                }
    except EntryError as error:
        raise SessionError(f"{path} has an id that cannot be read: {error}.") from error
    return found


def _mask(shape: Xml.Element, hw: tuple[int, int]) -> NDArray[np.bool_]:
    if shape.tag == "mask":
        return _paste(shape, hw)
    points = shape.attrib["points"]
    try:
        corners_p2 = np.array([pair.split(",") for pair in points.split(";")], np.float64)
        if corners_p2.ndim != 2 or corners_p2.shape[1] != 2 or not np.isfinite(corners_p2).all():
            raise ValueError(points)
    except ValueError as error:
        raise EntryError(f"its points {shorten(points)} are not x,y;x,y;x,y") from error
    return fill_shape(corners_p2, hw)


def _paste(shape: Xml.Element, hw: tuple[int, int]) -> NDArray[np.bool_]:
    left, top, width, height = (
        as_number(shape.get(key), key) for key in ("left", "top", "width", "height")
    )
    if min(top, left, width, height) < 0 or top + height > hw[0] or left + width > hw[1]:
        raise EntryError(f"a mask at ({left}, {top}) sticks out of the picture")
    try:
        runs = np.array([int(run) for run in shape.attrib["rle"].split(",")], _RUN).tobytes()
        part = Mask.from_bytes(runs, height, width).to_array()
    except (ValueError, OverflowError) as error:
        raise EntryError("its rle is no list of run lengths of its size") from error
    mask_hw = np.zeros(hw, bool)
    mask_hw[top : top + height, left : left + width] = part
    return mask_hw
