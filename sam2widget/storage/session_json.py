"""`session.json`, the text in a session file: written, and read with checks."""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace

import msgspec

from sam2_backend.video import Channel, Contrast, PixelSize
from sam2_backend.video.options import OpenOptions
from sam2_backend.video.pixel_size import as_pixel_size

from .. import __version__
from ..annotation.records import ObjectClass, ObjectInfo
from ..annotation.tables import FrameTable
from ..core.masks import Mask
from ..core.masks.logits import MaskLogits
from ..core.schema import SchemaError, refuse
from ..models.segmenter import Point, PromptSet
from .fingerprint import THUMB, Fingerprint
from .saved_session import SavedSession
from .session_results import Records, build_results, check_key, find_mask
from .session_schema import (
    ChannelRecord,
    ClassRecord,
    ContrastRecord,
    MasksRecord,
    ModelRecord,
    ObjectRecord,
    PixelSizeRecord,
    PromptRecord,
    SessionRecord,
    ThumbRecord,
    VideoRecord,
    ViewRecord,
    WholeRecord,
)


def dump_session(saved: SavedSession, version: int, number: Callable[[Mask | None], int]) -> bytes:
    """Give the bytes of `session.json` for a session.

    Parameters
    ----------
    number : gives a mask its number in the file.
    """
    record = SessionRecord(
        format="sam2widget session",
        version=version,
        library=__version__,
        model=ModelRecord(name=saved.model, source=saved.model_source, memory=saved.memory),
        video=_make_video_record(saved),
        contrast=_make_contrast_record(saved.contrast),
        pixel_size=_make_pixel_size_record(saved.pixel_size),
        masks=MasksRecord(clean=saved.clean_masks, non_overlapping=saved.non_overlapping),
        view=ViewRecord(
            frame=saved.frame,
            selected=saved.selected,
            current_class=saved.current_class,
            color_by=saved.color_by,
        ),
        classes=[ClassRecord(**asdict(one)) for one in saved.classes],
        objects=[ObjectRecord(**asdict(info)) for info in saved.objects],
        prompts=[
            _make_prompt_record(obj, frame, prompts, number(prompts.mask))
            for (obj, frame), prompts in sorted(saved.prompts.items(), key=lambda one: one[0])
        ],
        whole=[
            WholeRecord(object=obj, frame=frame, mask=number(result.whole))
            for obj, row in FrameTable.of_mapping(saved.results).rows()
            for frame, result in sorted(
                (frame, one) for frame, one in row.items() if one.whole is not None
            )
        ],
    )
    # Not msgspec's JSON: a path may hold bytes that are no Unicode.
    return json.dumps(msgspec.to_builtins(record), indent=1, allow_nan=False).encode()


def _make_prompt_record(obj: int, frame: int, prompts: PromptSet, mask: int) -> PromptRecord:
    windows = [point.window for point in prompts.points]
    known = list(dict.fromkeys(one for one in (*windows, prompts.box_window) if one is not None))
    numbers = [-1 if one is None else known.index(one) for one in (*windows, prompts.box_window)]
    return PromptRecord(
        object=obj,
        frame=frame,
        points=[(point.x, point.y, point.label) for point in prompts.points],
        box=prompts.box,
        mask=mask,
        candidate=prompts.candidate,
        windows=known,
        point_windows=numbers[:-1] if known else [],
        box_window=numbers[-1],
    )


def _make_video_record(saved: SavedSession) -> VideoRecord:
    video, options = saved.video, saved.options
    # JSON has no infinity.
    limit = options.max_megapixels if math.isfinite(options.max_megapixels) else None
    return VideoRecord(
        path=saved.video_path,
        axes=options.axes,
        plane=options.plane,
        max_megapixels=limit,
        num_frames=video.num_frames,
        height=video.height,
        width=video.width,
        sizes=None if video.sizes is None else list(video.sizes),
        identity=video.identity,
        thumbs=[
            ThumbRecord(frame=frame, rgb=base64.b64encode(pixels).decode())
            for frame, pixels in sorted(video.thumbs.items())
        ],
    )


def _make_contrast_record(contrast: Contrast | None) -> ContrastRecord | None:
    if contrast is None:
        return None
    return ContrastRecord(channels=[ChannelRecord(**asdict(one)) for one in contrast.channels])


def _make_pixel_size_record(size: PixelSize | None) -> PixelSizeRecord | None:
    return None if size is None else PixelSizeRecord(x=size.x, y=size.y, unit=size.unit)


def build_fingerprint(video: VideoRecord) -> Fingerprint:
    """Make the fingerprint of the video from what the document says of it."""
    thumbs: dict[int, bytes] = {}
    for n, thumb in enumerate(video.thumbs):
        try:
            pixels = base64.b64decode(thumb.rgb, validate=True)
        except (binascii.Error, ValueError) as error:
            raise SchemaError(f"a thumbnail in it is no base64 ({error})") from error
        if len(pixels) != 3 * THUMB**2:
            raise SchemaError(f"a thumbnail in it has {len(pixels)} bytes, not {3 * THUMB**2}")
        _check_frame(thumb.frame, f"video.thumbs[{n}].frame", video.num_frames)
        thumbs[thumb.frame] = pixels
    sizes = video.sizes
    if sizes is not None and len(sizes) != video.num_frames:
        raise SchemaError(
            f"'video.sizes' names {len(sizes)} sizes, but there are {video.num_frames}"
        )
    return Fingerprint(
        video.num_frames,
        video.height,
        video.width,
        thumbs,
        None if sizes is None else tuple(sizes),
        video.identity,
    )


def find_mask_sizes(
    record: SessionRecord, video: Fingerprint, results: Records, count: int
) -> list[tuple[int, int]]:
    """Find the size (H, W) of each mask, by number: that of the frame that refers to it."""
    sizes_hw = [(video.height, video.width)] * count
    if video.sizes is not None:
        used: list[tuple[int, int]] = results[["frame", "mask"]].tolist()
        used += results[["frame", "corrected"]].tolist()
        used += [(one.frame, one.mask) for one in (*record.prompts, *record.whole)]
        for frame, number in used:
            if 0 <= number < count and 0 <= frame < video.num_frames:
                width, height = video.size_of(frame)
                sizes_hw[number] = height, width
    return sizes_hw


def build_session(
    record: SessionRecord,
    video: Fingerprint,
    results: Records,
    masks: Sequence[Mask],
    logits: Sequence[MaskLogits | None],
) -> SavedSession:
    """Put a session together, of values that are each checked.

    Parameters
    ----------
    record : the document.
    video : from `build_fingerprint`.
    results : of `results.npy`.
    masks : by number.
    logits : of each result.
    """
    objects = {one.id: ObjectInfo(*msgspec.structs.astuple(one)) for one in record.objects}
    if len(objects) != len(record.objects):
        raise SchemaError("'objects' names an id twice")
    classes = {one.name: ObjectClass(one.name, one.color) for one in record.classes}
    if len(classes) != len(record.classes):
        raise SchemaError("'classes' names a class twice")
    for n, one in enumerate(record.objects):
        if one.class_name and one.class_name not in classes:
            raise SchemaError(
                f"'objects[{n}].class_name' is {one.class_name!r}, but there is no such class"
            )
        if one.id in one.parents or not objects.keys() >= set(one.parents):
            raise SchemaError(f"'objects[{n}].parents' is {list(one.parents)}: no other objects")
    view = record.view
    if view.selected and view.selected not in objects:
        raise SchemaError(f"'view.selected' is {view.selected}, but there is no such object")
    _check_frame(view.frame, "view.frame", video.num_frames)
    prompts: dict[tuple[int, int], PromptSet] = {}
    for n, one in enumerate(record.prompts):
        place = f"prompts[{n}]"
        key = check_key(one.object, one.frame, place, objects, video.num_frames)
        if key in prompts:
            raise SchemaError(f"{place!r} repeats object {one.object} on frame {one.frame}")
        prompts[key] = _build_prompts(one, place, video.size_of(one.frame), masks)
    by_key = build_results(results, objects, video, masks, logits)
    for obj, frame in prompts:
        if (obj, frame) not in by_key:
            raise SchemaError(f"object {obj} has prompts on frame {frame}, but no mask there")
    for n, one in enumerate(record.whole):
        place, key = f"whole[{n}]", (one.object, one.frame)
        if key not in by_key:
            raise SchemaError(f"{place!r} is of object {key[0]} on frame {key[1]}, without a mask")
        whole = find_mask(one.mask, f"{place}.mask", video.size_of(one.frame), masks)
        by_key[key] = replace(by_key[key], whole=whole)
    return SavedSession(
        video=video,
        video_path=record.video.path,
        model=record.model.name,
        model_source=record.model.source,
        memory=record.model.memory,
        objects=tuple(objects[obj] for obj in sorted(objects)),
        prompts=prompts,
        results=by_key,
        contrast=_build_contrast(record.contrast),
        pixel_size=_build_pixel_size(record.pixel_size),
        clean_masks=record.masks.clean,
        non_overlapping=record.masks.non_overlapping,
        options=_build_options(record.video),
        frame=view.frame,
        selected=view.selected,
        classes=tuple(classes.values()),
        current_class=view.current_class if view.current_class in classes else "",
        color_by=view.color_by,
        library=record.library,
    )


def _check_frame(frame: int, place: str, num_frames: int) -> None:
    if frame >= num_frames:
        refuse(place, frame, f"a whole number from 0 to {num_frames - 1}")


def _build_pixel_size(size: PixelSizeRecord | None) -> PixelSize | None:
    if size is None:
        return None
    try:
        return as_pixel_size((size.x, size.y, size.unit))
    except ValueError as error:
        raise SchemaError(f"'pixel_size' is wrong ({error})") from error


def _build_contrast(contrast: ContrastRecord | None) -> Contrast | None:
    if contrast is None:
        return None
    channels: list[Channel] = []
    for n, one in enumerate(contrast.channels):
        try:
            channels.append(Channel(*msgspec.structs.astuple(one)))
        except ValueError as error:
            raise SchemaError(f"'contrast.channels[{n}]' is wrong ({error})") from error
    if not channels:
        raise SchemaError("'contrast.channels' is empty")
    return Contrast(tuple(channels))


def _build_options(video: VideoRecord) -> OpenOptions:
    limit = math.inf if video.max_megapixels is None else video.max_megapixels
    return OpenOptions(video.axes, video.plane, limit)


def _build_prompts(
    one: PromptRecord, place: str, size: tuple[int, int], masks: Sequence[Mask]
) -> PromptSet:
    width, height = size
    for n, (x, y, label) in enumerate(one.points):
        if not (0 <= x <= width and 0 <= y <= height):
            refuse(f"{place}.points[{n}]", [x, y, label], "x, y in the frame, and 1 or 0")
    if one.box is not None:
        x0, y0, x1, y1 = one.box
        if not (0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height):
            refuse(f"{place}.box", list(one.box), "x0 < x1 and y0 < y1 in the frame")
    for n, (x0, y0, x1, y1) in enumerate(one.windows):
        if not (x0 < x1 <= width and y0 < y1 <= height):
            refuse(f"{place}.windows[{n}]", [x0, y0, x1, y1], "x0 < x1 and y0 < y1 in the frame")
    numbers = one.point_windows or [-1] * len(one.points)
    if len(numbers) != len(one.points):
        raise SchemaError(f"'{place}.point_windows' is not one number for each point")
    for name, number in (*(("point_windows", n) for n in numbers), ("box_window", one.box_window)):
        if number >= len(one.windows):
            raise SchemaError(f"'{place}.{name}' has {number}, but there is no such window")
    windows = [None if n < 0 else one.windows[n] for n in (*numbers, one.box_window)]
    points = tuple(
        Point(*point, window) for point, window in zip(one.points, windows, strict=False)
    )
    mask = find_mask(one.mask, f"{place}.mask", size, masks)
    prompts = PromptSet(points, one.box, mask, one.candidate, windows[-1])
    if not prompts:
        raise SchemaError(f"{place!r} has neither points nor a box nor a mask")
    return prompts
