"""A session as the calls that make it: Python for a notebook cell or a script."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Any

from sam2_backend.video.contrast import Contrast
from sam2_backend.video.options import DEFAULT_OPTIONS

from ..annotation.records import ObjectInfo, Result
from ..annotation.tables import FrameTable
from ..core.masks import Mask
from ..core.masks.cleaning import CLEANED_SHARE
from ..models.segmenter import PromptSet, Window
from ..models.source import DEFAULT_MEMORY
from ..storage.saved_session import SavedSession
from .encodings.coco_segmentation import as_text, encode

LINE = 100
"""Characters of a line; masks take longer ones."""


def write_python(saved: SavedSession, *, auto_propagate: str = "corrections") -> str:
    """Write the calls that make a session anew: the same objects, prompts, masks and review.

    Masks that were tracked are tracked again; those that came from a brush, from files or of an
    object that divided are in the text as run lengths. Accepted masks that were tracked are those
    of the new tracking: a session file keeps the very masks. What a script cannot name, frames or a
    model in memory, is a variable that a comment asks for.

    Parameters
    ----------
    saved : the session.
    auto_propagate : as `Sam2Widget` takes it.
    """
    results, prompts = (FrameTable.of_mapping(one) for one in (saved.results, saved.prompts))
    num_frames = saved.video.num_frames
    objects = [
        _Object(info, prompts.of(info.id), results.of(info.id), num_frames)
        for info in saved.objects
    ]
    blocks = [
        _opening(saved, auto_propagate),
        *(
            block
            for born in _generations(objects)
            for block in _making(born, num_frames, alone=len(born) == len(objects))
        ),
        _showing(saved),
    ]
    return "\n\n".join("\n".join(lines) for lines in blocks if lines) + "\n"


@dataclass(frozen=True)
class _Object:
    info: ObjectInfo
    prompts: dict[int, PromptSet]
    """By frame, as results are."""
    results: dict[int, Result]
    num_frames: int

    @cached_property
    def imported(self) -> dict[int, Result]:
        """Masks that no prompt gives: they came from elsewhere, or of an object that divided."""
        return {
            frame: result
            for frame, result in sorted(self.results.items())
            if (result.source == "import" or not self.prompts)
            and frame not in self.prompts
            and result.mask.area
        }

    @cached_property
    def tracked(self) -> range:
        """The frames that are tracked again."""
        frames = [frame for frame, result in self.results.items() if result.source == "track"]
        if not frames or not self.prompts:
            return range(0)
        if len(self.results) == self.num_frames:
            return range(self.num_frames)
        return range(min(frames), max(frames) + 1)


def _opening(saved: SavedSession, auto_propagate: str) -> list[str]:
    needed: list[str] = []
    imports = ["from sam2widget import Sam2Widget"]
    video = saved.video
    source = "video" if saved.video_path is None else repr(saved.video_path)
    if saved.video_path is None:
        size = f"{video.num_frames} frames of {video.width}x{video.height} pixels"
        needed.append(f"# Put the video, {size}, into the variable `video` first.")
    options: dict[str, str] = {}
    if saved.model_source is not None:
        options["model"] = repr(saved.model_source)
    else:
        options["model"] = "model"
        name = f", {saved.model}," if saved.model else ""
        needed.append(f"# Put the model{name} into the variable `model` first.")
    if saved.memory not in (None, DEFAULT_MEMORY):
        options["memory"] = repr(saved.memory)
    if saved.kind != "video":
        options["kind"] = repr(saved.kind)
    for name in ("axes", "plane", "max_megapixels"):
        value = getattr(saved.options, name)
        if value != getattr(DEFAULT_OPTIONS, name):
            options[name] = repr(value)
    if saved.contrast is not None:
        options["contrast"] = _contrast(saved.contrast)
        if options["contrast"].startswith("Contrast"):
            imports.insert(0, "from sam2_backend.video import Channel, Contrast")
    if saved.pixel_size is not None:
        size = saved.pixel_size
        options["pixel_size"] = repr(f"{size.x!r} x {size.y!r} {size.unit}")
    if saved.classes:
        options["classes"] = repr({one.name: one.color for one in saved.classes})
    if saved.color_by != "object":
        options["color_by"] = repr(saved.color_by)
    if auto_propagate != "corrections":
        options["auto_propagate"] = repr(auto_propagate)
    if saved.clean_masks is not None and saved.clean_masks != CLEANED_SHARE:
        options["clean_masks"] = repr(saved.clean_masks)
    if saved.non_overlapping is False:
        options["non_overlapping"] = "False"
    # What was saved of the video by itself would go on, and get all of this once more.
    options["autosave"] = "False"
    return [*imports, "", *needed, *_call("w = Sam2Widget", [source], options)]


def _generations(objects: Sequence[_Object]) -> Iterator[list[_Object]]:
    """Give objects after those that they came from, which are out of their way then."""
    left = {one.info.id: one for one in objects}
    while left:
        born = [one for one in left.values() if left.keys().isdisjoint(one.info.parents)]
        yield born
        for one in born:
            del left[one.info.id]


def _making(objects: Sequence[_Object], num_frames: int, *, alone: bool) -> Iterator[list[str]]:
    yield from map(_prompting, objects)
    yield _imports(objects)
    yield _tracking(objects, num_frames, alone=alone)
    yield [line for one in objects for line in _reviewing(one)]


def _prompting(one: _Object) -> list[str]:
    lines: list[str] = []
    if not one.prompts and not one.imported:
        lines.append(f"w.add_object({one.info.id})")
    for frame, prompts in sorted(one.prompts.items()):
        lines += _prompts(frame, one.info.id, prompts)
    return lines


def _prompts(frame: int, obj: int, prompts: PromptSet) -> Iterator[str]:
    """In an order in which none takes the place of another."""
    of = {"obj": str(obj)}
    if prompts.mask is not None:
        yield from _call("w.add_mask", [str(frame), repr(_runs(prompts.mask))], of)
    if prompts.box is not None:
        box_in = _window(prompts.box_window)
        yield from _call("w.add_box", [str(frame), *map(repr, prompts.box)], of | box_in)
    chosen = {} if prompts.candidate is None else {"candidate": str(prompts.candidate)}
    for window, group in groupby(prompts.points, key=lambda point: point.window):
        points = list(group)
        given_in = _window(window)
        if len(points) == 1 and not chosen:
            (point,) = points
            options = ({} if point.label == 1 else {"label": str(point.label)}) | of | given_in
            yield from _call("w.add_point", [str(frame), repr(point.x), repr(point.y)], options)
        else:
            places = [(point.x, point.y) for point in points]
            labels = [point.label for point in points]
            options = of | chosen | given_in
            yield from _call("w.add_points", [str(frame), repr(places), repr(labels)], options)
        chosen = {}


def _window(window: Window | None) -> dict[str, str]:
    return {} if window is None else {"window": repr(tuple(window))}


def _imports(objects: Iterable[_Object]) -> list[str]:
    by_frame: dict[int, dict[int, dict[str, Any]]] = {}
    for one in objects:
        for frame, result in one.imported.items():
            by_frame.setdefault(frame, {})[one.info.id] = _runs(result.mask)
    if not by_frame:
        return []
    rows = [f"        {frame}: {masks!r}," for frame, masks in sorted(by_frame.items())]
    return ["w.import_masks(", "    {", *rows, "    }", ")"]


def _tracking(objects: Sequence[_Object], num_frames: int, *, alone: bool) -> list[str]:
    """Track objects over the frames that they were tracked over, those of one range at once."""
    ranges: dict[tuple[int, int], list[int]] = {}
    for one in objects:
        if one.tracked:
            ranges.setdefault((one.tracked.start, one.tracked.stop), []).append(one.info.id)
    with_masks = {one.info.id for one in objects if one.prompts or one.results}
    lines: list[str] = []
    for (start, stop), together in sorted(ranges.items()):
        arguments = [] if (start, stop) == (0, num_frames) else [str(start), str(stop)]
        options = {} if alone and set(together) == with_masks else {"objects": repr(together)}
        lines += _call("w.propagate", arguments, options)
    return lines


def _reviewing(one: _Object) -> Iterator[str]:
    frames: dict[str, list[int]] = {"accept": [], "reject": [], "unreview": []}
    for frame, result in sorted(one.results.items()):
        # What is imported is accepted.
        is_imported = frame in one.imported
        has_mask = is_imported or frame in one.prompts or frame in one.tracked
        if result.state == "accepted" and not is_imported:
            frames["accept"].append(frame)
        elif result.state == "rejected" and has_mask:
            frames["reject"].append(frame)
        elif result.state not in ("accepted", "rejected") and is_imported:
            frames["unreview"].append(frame)
    for call, found in frames.items():
        for start, stop in _spans(found):
            yield f"w.{call}({start}, {stop}, obj={one.info.id})"


def _showing(saved: SavedSession) -> list[str]:
    lines: list[str] = []
    for info in saved.objects:
        usual = ObjectInfo.numbered(info.id)
        changes = {
            name: repr(getattr(info, name))
            for name in ("name", "color", "visible", "locked")
            if getattr(info, name) != getattr(usual, name)
        }
        if info.class_name:
            lines.append(f"w.set_class({info.id}, {info.class_name!r})")
        if info.attributes:
            lines.append(f"w.set_attributes({info.id}, {dict(info.attributes)!r})")
        if info.parents:
            lines.append(f"w.set_parents({info.id}, {list(info.parents)!r})")
        if changes:
            lines += _call("w.update_object", [str(info.id)], changes)
    if saved.current_class:
        lines.append(f"w.current_class = {saved.current_class!r}")
    if saved.frame:
        lines.append(f"w.frame = {saved.frame}")
    if saved.selected:
        lines.append(f"w.selected = {saved.selected}")
    return [*lines, "w"]


def _call(name: str, arguments: Sequence[str], options: dict[str, str]) -> list[str]:
    parts = [*arguments, *(f"{key}={value}" for key, value in options.items())]
    line = f"{name}({', '.join(parts)})"
    if len(line) <= LINE:
        return [line]
    return [f"{name}(", *(f"    {part}," for part in parts), ")"]


def _runs(mask: Mask) -> dict[str, Any]:
    return as_text(encode(mask.to_array()))


def _contrast(contrast: Contrast) -> str:
    first = contrast.channels[0]
    if contrast == Contrast.window(first.low, first.high, len(contrast.channels)):
        return f"({first.low!r}, {first.high!r})"
    return repr(contrast)


def _spans(frames: Iterable[int]) -> list[tuple[int, int]]:
    """Half-open runs of frames that are in ascending order."""
    runs: list[tuple[int, int]] = []
    for frame in frames:
        start = runs.pop()[0] if runs and runs[-1][1] == frame else frame
        runs.append((start, frame + 1))
    return runs
