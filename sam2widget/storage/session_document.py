"""A session file's `session.json`, and the checks on all that a session file says."""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, replace
from typing import Any, Literal, get_args

from sam2_backend.video import Channel, Contrast
from sam2_backend.video.options import MAX_MEGAPIXELS, OpenOptions

from .. import __version__
from ..annotation.records import ObjectInfo, Result, Source, State
from ..core.document import DocumentError, Node, numbers, parse_json, refuse, whole_in
from ..core.masks import Mask
from ..models.segmenter import Point, PromptSet
from .saved_session import THUMB, Fingerprint, SavedSession

FORMAT = "sam2widget session"

MAX_CANDIDATE = 2
_MAX_SIDE_PX = 2**16


def dump_document(saved: SavedSession, version: int, number: Callable[[Mask | None], int]) -> bytes:
    """Write `session.json`.

    Parameters
    ----------
    number : gives a mask its number in the file.
    """
    video = saved.video
    document = {
        "format": FORMAT,
        "version": version,
        "library": __version__,
        "model": {"name": saved.model, "source": saved.model_source},
        "video": {
            "path": saved.video_path,
            "axes": saved.options.axes,
            "plane": saved.options.plane,
            "max_megapixels": _finite(saved.options.max_megapixels),
            "num_frames": video.num_frames,
            "height": video.height,
            "width": video.width,
            "sizes": video.sizes,
            "identity": video.identity,
            "thumbs": [
                {"frame": frame, "rgb": base64.b64encode(pixels).decode()}
                for frame, pixels in sorted(video.thumbs.items())
            ],
        },
        "contrast": None if saved.contrast is None else asdict(saved.contrast),
        "masks": {"clean": saved.clean_masks, "non_overlapping": saved.non_overlapping},
        "view": {"frame": saved.frame, "selected": saved.selected},
        "objects": [asdict(info) for info in saved.objects],
        "prompts": [
            {
                "object": obj,
                "frame": frame,
                "points": [[point.x, point.y, point.label] for point in prompts.points],
                "box": prompts.box,
                "mask": number(prompts.mask),
                "candidate": prompts.candidate,
            }
            for (obj, frame), prompts in sorted(saved.prompts.items())
        ],
        # All that the model said, where other objects have some of it.
        "whole": [
            {"object": obj, "frame": frame, "mask": number(result.whole)}
            for (obj, frame), result in sorted(saved.results.items())
            if result.whole is not None
        ],
    }
    return json.dumps(document, indent=1, allow_nan=False).encode()


def load_document(content: bytes) -> Node:
    """Parse `session.json`.

    Raises
    ------
    DocumentError
        When it is no JSON, or of another format than ours.
    """
    document = parse_json(content, "'session.json' in it")
    if document.text("format") != FORMAT:
        refuse("format", document.text("format"), repr(FORMAT))
    return document


def parse_video(document: Node) -> Fingerprint:
    """What the document says of the video."""
    video = document.child("video")
    num_frames = video.whole("num_frames", 1)
    height, width = (video.whole(side, 1, _MAX_SIDE_PX) for side in ("height", "width"))
    thumbs: dict[int, bytes] = {}
    for node in video.children("thumbs"):
        try:
            pixels = base64.b64decode(node.text("rgb"), validate=True)
        except (binascii.Error, ValueError) as error:
            raise DocumentError(f"a thumbnail in it is no base64 ({error})") from error
        if len(pixels) != 3 * THUMB**2:
            raise DocumentError(f"a thumbnail in it has {len(pixels)} bytes, not {3 * THUMB**2}")
        thumbs[node.whole("frame", 0, num_frames - 1)] = pixels
    # Optional: a file without it is known by its looks alone.
    identity = video.text_or_none("identity") if video.has("identity") else None
    return Fingerprint(num_frames, height, width, thumbs, _sizes(video, num_frames), identity)


def _sizes(video: Node, num_frames: int) -> tuple[tuple[int, int], ...] | None:
    if video.is_none("sizes"):
        return None
    items = video.items("sizes")
    if len(items) != num_frames:
        raise DocumentError(f"'video.sizes' names {len(items)} sizes, but there are {num_frames}")
    sizes: list[tuple[int, int]] = []
    for n, item in enumerate(items):
        place = f"video.sizes[{n}]"
        width, height = (int(side) for side in numbers(item, place, 2))
        sizes.append(
            (
                whole_in(width, place, 1, _MAX_SIDE_PX),
                whole_in(height, place, 1, _MAX_SIDE_PX),
            )
        )
    return tuple(sizes)


def sizes_of_masks(
    document: Node, video: Fingerprint, results: Iterable[tuple[Any, ...]], count: int
) -> list[tuple[int, int]]:
    """(H, W) of each mask, by number: that of the frame that refers to it."""
    sizes_hw = [(video.height, video.width)] * count
    if video.sizes is not None:
        used = [(row[1], number) for row in results for number in (row[6], row[7])]
        prompts = [*document.children("prompts"), *_wholes(document)]
        used += [(node.whole("frame"), node.whole("mask", -1)) for node in prompts]
        for frame, number in used:
            if 0 <= number < count and 0 <= frame < video.num_frames:
                width, height = video.size_of(frame)
                sizes_hw[number] = height, width
    return sizes_hw


def parse_session(
    document: Node,
    video: Fingerprint,
    results: Iterable[tuple[Any, ...]],
    masks: Sequence[Mask],
) -> SavedSession:
    """Put a session together, of values that are each checked.

    Parameters
    ----------
    document : from `load_document`.
    video : from `parse_video`.
    results : rows of `results.npy`.
    masks : by number.
    """
    model, view = document.child("model"), document.child("view")
    objects = {info.id: info for info in map(_object, document.children("objects"))}
    if len(objects) != len(document.items("objects")):
        raise DocumentError("'objects' names an id twice")
    selected = view.whole("selected")
    if selected and selected not in objects:
        raise DocumentError(f"'view.selected' is {selected}, but there is no such object")
    check = _Keys(objects, video)
    prompts: dict[tuple[int, int], PromptSet] = {}
    for n, node in enumerate(document.children("prompts")):
        key = check.key(node.whole("object"), node.whole("frame"), f"prompts[{n}]", prompts)
        prompts[key] = _prompts(node, f"prompts[{n}]", video.size_of(key[1]), masks)
    by_key: dict[tuple[int, int], Result] = {}
    for n, row in enumerate(results):
        key = check.key(row[0], row[1], f"results[{n}]", by_key)
        by_key[key] = _result(row, f"results[{n}]", video.size_of(key[1]), masks)
    for obj, frame in prompts:
        if (obj, frame) not in by_key:
            raise DocumentError(f"object {obj} has prompts on frame {frame}, but no mask there")
    for n, node in enumerate(_wholes(document)):
        place, key = f"whole[{n}]", (node.whole("object"), node.whole("frame"))
        if key not in by_key:
            raise DocumentError(
                f"{place!r} is of object {key[0]} on frame {key[1]}, without a mask"
            )
        whole = _mask(node.whole("mask"), f"{place}.mask", video.size_of(key[1]), masks)
        by_key[key] = replace(by_key[key], whole=whole)
    clean_masks, non_overlapping = _settings(document)
    return SavedSession(
        video=video,
        video_path=document.child("video").text_or_none("path"),
        model=model.text("name"),
        model_source=model.text_or_none("source"),
        objects=tuple(objects[obj] for obj in sorted(objects)),
        prompts=prompts,
        results=by_key,
        contrast=_contrast(document),
        clean_masks=clean_masks,
        non_overlapping=non_overlapping,
        options=_options(document.child("video")),
        frame=view.whole("frame", 0, video.num_frames - 1),
        selected=selected,
        library=document.text("library"),
    )


class _Keys:
    """Which (object id, frame) there may be."""

    def __init__(self, objects: dict[int, ObjectInfo], video: Fingerprint) -> None:
        self._objects = objects
        self._num_frames = video.num_frames

    def key(
        self, obj: int, frame: int, place: str, taken: dict[tuple[int, int], Any]
    ) -> tuple[int, int]:
        if obj not in self._objects:
            raise DocumentError(f"{place!r} is of object {obj}, but there is no such object")
        if not 0 <= frame < self._num_frames:
            raise DocumentError(
                f"{place!r} is of frame {frame}, but the video has frames 0 to "
                f"{self._num_frames - 1}"
            )
        if (obj, frame) in taken:
            raise DocumentError(f"{place!r} repeats object {obj} on frame {frame}")
        return obj, frame


def _contrast(document: Node) -> Contrast | None:
    """Files of earlier versions have none."""
    if not document.has("contrast") or document.is_none("contrast"):
        return None
    channels: list[Channel] = []
    for n, node in enumerate(document.child("contrast").children("channels")):
        low, high, gamma = (node.number(name) for name in ("low", "high", "gamma"))
        try:
            channels.append(Channel(low, high, gamma, node.text("color"), node.flag("visible")))
        except ValueError as error:
            raise DocumentError(f"'contrast.channels[{n}]' is wrong ({error})") from error
    if not channels:
        raise DocumentError("'contrast.channels' is empty")
    return Contrast(tuple(channels))


def _settings(document: Node) -> tuple[float | None, bool | None]:
    """How masks are cleaned, and whether they exclude each other; unknown in files of earlier
    versions."""
    if not document.has("masks"):
        return None, None
    node = document.child("masks")
    clean_masks = None if node.is_none("clean") else node.number("clean")
    if clean_masks is not None and clean_masks < 0:
        refuse("masks.clean", clean_masks, "a number from 0 up")
    return clean_masks, None if node.is_none("non_overlapping") else node.flag("non_overlapping")


def _wholes(document: Node) -> list[Node]:
    """Files of earlier versions have none."""
    return document.children("whole") if document.has("whole") else []


def _options(video: Node) -> OpenOptions:
    """Files of earlier versions have none."""
    axes = video.text_or_none("axes") if video.has("axes") else None
    plane: int | Literal["max"] | None = None
    if video.has("plane") and not video.is_none("plane"):
        plane = "max" if video.is_text("plane", "max") else video.whole("plane")
    most = MAX_MEGAPIXELS
    if video.has("max_megapixels"):
        most = math.inf if video.is_none("max_megapixels") else video.number("max_megapixels")
    return OpenOptions(axes, plane, most)


def _finite(number: float) -> float | None:
    """JSON has no infinity."""
    return number if math.isfinite(number) else None


def _object(node: Node) -> ObjectInfo:
    return ObjectInfo(
        node.whole("id", 1),
        node.text("name", r"(?s).*\S.*"),
        node.text("color", "#[0-9a-f]{6}"),
        node.flag("visible"),
        node.flag("locked"),
    )


def _prompts(node: Node, place: str, size: tuple[int, int], masks: Sequence[Mask]) -> PromptSet:
    width, height = size
    points: list[Point] = []
    for n, item in enumerate(node.items("points")):
        x, y, label = numbers(item, f"{place}.points[{n}]", 3)
        if not (0 <= x <= width and 0 <= y <= height and label in (0, 1)):
            refuse(f"{place}.points[{n}]", item, "x, y in the frame, and 1 or 0")
        points.append(Point(x, y, int(label)))
    box = node.numbers("box", 4)
    if box is not None:
        x0, y0, x1, y1 = box
        if not (0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height):
            refuse(f"{place}.box", box, "x0 < x1 and y0 < y1 in the frame")
        box = (x0, y0, x1, y1)
    mask = _mask(node.whole("mask", -1), f"{place}.mask", size, masks)
    prompts = PromptSet(tuple(points), box, mask, _candidate(node))
    if not prompts:
        raise DocumentError(f"{place!r} has neither points nor a box nor a mask")
    return prompts


def _candidate(node: Node) -> int | None:
    return None if node.is_none("candidate") else node.whole("candidate", 0, MAX_CANDIDATE)


def _result(
    row: tuple[Any, ...], place: str, size: tuple[int, int], masks: Sequence[Mask]
) -> Result:
    _, _, score, iou, source, state, mask, corrected = row
    if not (math.isfinite(score) and math.isfinite(iou)):
        refuse(place, (score, iou), "a finite score and IoU")
    source, state = (text.decode("ascii", "replace") for text in (source, state))
    if source not in get_args(Source):
        refuse(f"{place}.source", source, f"one of {get_args(Source)}")
    if state not in get_args(State):
        refuse(f"{place}.state", state, f"one of {get_args(State)}")
    found = _mask(mask, f"{place}.mask", size, masks)
    if found is None:
        raise DocumentError(f"{place!r} has no mask")
    return Result(
        found, score, iou, source, state, _mask(corrected, f"{place}.corrected", size, masks)
    )


def _mask(number: int, place: str, size: tuple[int, int], masks: Sequence[Mask]) -> Mask | None:
    whole_in(number, place, -1, len(masks) - 1)
    if number == -1:
        return None
    if masks[number].shape != size[::-1]:
        refuse(place, masks[number], f"a mask of {size[0]}x{size[1]}")
    return masks[number]
