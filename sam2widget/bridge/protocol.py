"""The messages between kernel and browser. Twin of js/src/kernel/protocol.ts: keep both in step.

Custom messages of the widget's comm. What happened goes in messages; what is current goes in
traits (see `widget.py`). All coordinates are (x, y) in pixels of the original frame; runs of
frames are half-open. Pixels and masks travel in binary buffers beside a message.
"""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, cast

from ..annotation.records import Direction, Shape, Source, State

PROTOCOL = 2


class ProtocolError(ValueError):
    """A message that is none of these; the text says what is wrong with it."""


# Browser to kernel


@dataclass(frozen=True)
class Request:
    """What every message of the browser has."""

    type: ClassVar[str]
    id: int
    """Rises by one with each message of a view."""
    view: str
    """UUID of the view that sends it."""
    epoch: int
    """The kernel's, as the view knows it."""


@dataclass(frozen=True)
class Hello(Request):
    """A view was rendered or reconnected: send what is current."""

    type = "hello"


@dataclass(frozen=True)
class Want(Request):
    """A view needs masks and prompts of a frame, and its pixels unless it still has them. The
    latest of a view counts."""

    type = "want"
    frame: int
    pixels: bool


@dataclass(frozen=True)
class Thumbnails(Request):
    """A view needs small pictures of these frames. The latest of a view counts."""

    type = "thumbnails"
    frames: list[int]


@dataclass(frozen=True)
class WantLevels(Request):
    """A view shows how a frame's values are spread. The latest of a view counts."""

    type = "want_levels"
    frame: int


@dataclass(frozen=True)
class SetContrast(Request):
    """Show the video, or the pictures, otherwise; channels None is automatic. The latest of a
    view counts."""

    type = "set_contrast"
    channels: list[dict[str, Any]] | None
    """Of each what `ChannelEntry` has."""


@dataclass(frozen=True)
class Hover(Request):
    """Which mask would a positive point here give? The latest of a view counts; object None is
    a new one."""

    type = "hover"
    frame: int
    object: int | None
    x: float
    y: float


@dataclass(frozen=True)
class Click(Request):
    """A point; object None is the selected one, or a new one if there is none."""

    type = "click"
    frame: int
    object: int | None
    x: float
    y: float
    label: int


@dataclass(frozen=True)
class Box(Request):
    """A box; object None as in Click."""

    type = "box"
    frame: int
    object: int | None
    x0: float
    y0: float
    x1: float
    y1: float


@dataclass(frozen=True)
class Paint(Request):
    """Add to a mask by hand, or take away from it; object None as in Click."""

    type = "paint"
    frame: int
    object: int | None
    shape: Shape
    erase: bool
    radius: float
    """Of a brush; a polygon has none."""
    path: list[float]
    """x0, y0, x1, y1…: the way of the brush's centre, or the polygon's corners."""


@dataclass(frozen=True)
class Choose(Request):
    """Choose another of an ambiguous click's masks."""

    type = "choose"
    frame: int
    object: int
    index: int


@dataclass(frozen=True)
class MovePoint(Request):
    type = "move_point"
    frame: int
    object: int
    index: int
    x: float
    y: float


@dataclass(frozen=True)
class RemovePoint(Request):
    type = "remove_point"
    frame: int
    object: int
    index: int


@dataclass(frozen=True)
class RemoveBox(Request):
    type = "remove_box"
    frame: int
    object: int


@dataclass(frozen=True)
class ClearPrompts(Request):
    type = "clear_prompts"
    frame: int
    object: int


@dataclass(frozen=True)
class AddObject(Request):
    type = "add_object"


@dataclass(frozen=True)
class RemoveObject(Request):
    type = "remove_object"
    object: int


@dataclass(frozen=True)
class UpdateObject(Request):
    type = "update_object"
    object: int
    name: str | None = None
    color: str | None = None
    visible: bool | None = None
    locked: bool | None = None


@dataclass(frozen=True)
class Propagate(Request):
    """Track frames start to stop (not included); None is the end of the video there. Objects
    None are all that are not locked."""

    type = "propagate"
    start: int | None
    stop: int | None
    direction: Direction
    objects: list[int] | None


@dataclass(frozen=True)
class Accept(Request):
    """Vouch for masks on frames start to stop (not included); object None is every one."""

    type = "accept"
    object: int | None
    start: int
    stop: int


@dataclass(frozen=True)
class Reject(Request):
    """Say that masks are wrong, on frames and of objects as in Accept."""

    type = "reject"
    object: int | None
    start: int
    stop: int


@dataclass(frozen=True)
class Unreview(Request):
    """Take acceptance or rejection back, on frames and of objects as in Accept."""

    type = "unreview"
    object: int | None
    start: int
    stop: int


@dataclass(frozen=True)
class Reset(Request):
    """Take prompts and masks away, on frames and of objects as in Accept."""

    type = "reset"
    object: int | None
    start: int
    stop: int


@dataclass(frozen=True)
class NextToCheck(Request):
    """Go to the least certain mask that nobody has reviewed."""

    type = "next_to_check"


@dataclass(frozen=True)
class Propose(Request):
    """Segment everything on a frame."""

    type = "propose"
    frame: int


@dataclass(frozen=True)
class Adopt(Request):
    """Make proposals objects: each its own, or with `merge` all one: `object`, or a new one."""

    type = "adopt"
    frame: int
    proposals: list[int]
    merge: bool
    object: int | None


@dataclass(frozen=True)
class Dismiss(Request):
    """Drop proposals."""

    type = "dismiss"
    frame: int
    proposals: list[int]


@dataclass(frozen=True)
class SetNonOverlapping(Request):
    """Let masks of different objects on a frame exclude each other, or overlap."""

    type = "set_non_overlapping"
    on: bool


@dataclass(frozen=True)
class Stop(Request):
    type = "stop"


@dataclass(frozen=True)
class Undo(Request):
    type = "undo"


@dataclass(frozen=True)
class Redo(Request):
    type = "redo"


@dataclass(frozen=True)
class Ack(Request):
    """A Frame or Masks message has been drawn, or dropped as out of date."""

    type = "ack"
    seq: int


@dataclass(frozen=True)
class Visible(Request):
    """A view came into sight or went out of it."""

    type = "visible"
    visible: bool


REQUESTS: dict[str, type[Request]] = {
    kind.type: kind
    for kind in (
        *(Hello, Visible, Ack, Want, Thumbnails, WantLevels, SetContrast, Hover),
        *(Click, Box, Paint, Choose, MovePoint, RemovePoint, RemoveBox, ClearPrompts),
        *(AddObject, RemoveObject, UpdateObject, Propagate, Stop, Undo, Redo),
        *(Accept, Reject, Unreview, Reset, NextToCheck, Propose, Adopt, Dismiss),
        SetNonOverlapping,
    )
}

# Kernel to browser


@dataclass(frozen=True)
class ReplyTo:
    """The request that a message answers."""

    view: str
    id: int


@dataclass(frozen=True)
class Message:
    """What every message of the kernel has; `epoch` is added when it is sent."""

    type: ClassVar[str]


@dataclass(frozen=True)
class Welcome(Message):
    """Answers Hello; what is current follows."""

    type = "welcome"
    reply_to: ReplyTo
    protocol: int = PROTOCOL


@dataclass(frozen=True)
class Frame(Message):
    """Pixels of a frame. Buffer: a JPEG. To be acknowledged by `seq`. With `towards`, it lies on
    the way to that frame, which takes a while to reach."""

    type = "frame"
    seq: int
    frame: int
    towards: int | None


@dataclass(frozen=True)
class Thumbnail(Message):
    """A small picture of a frame. Buffer: a JPEG."""

    type = "thumbnail"
    frame: int


@dataclass(frozen=True)
class ContrastChanged(Message):
    """Frames and small pictures look otherwise from now on; those before are out of date."""

    type = "contrast"


@dataclass(frozen=True)
class ChannelEntry:
    """How one channel is shown, as in `sam2_backend.video.Channel`."""

    low: float
    high: float
    gamma: float
    color: str
    visible: bool


@dataclass(frozen=True)
class Levels(Message):
    """Answers WantLevels. Buffers: for each channel one byte a bin, how many values are there,
    0..255; the bins go from `low` to `high`."""

    type = "levels"
    reply_to: ReplyTo
    frame: int
    automatic: bool
    whole: bool
    """Whether values are whole numbers."""
    low: list[float]
    """Least value of each channel."""
    high: list[float]
    channels: list[ChannelEntry]


@dataclass(frozen=True)
class MaskEntry:
    """One mask of a Masks message."""

    object: int
    score: float
    """Object-score logit: above 0 the object is judged visible."""
    iou: float
    """Predicted IoU, 0..1."""
    source: Source
    state: State
    area: int
    """In pixels."""


@dataclass(frozen=True)
class Masks(Message):
    """Masks of a frame. Buffers: run lengths as in `masks.Mask`, one for each entry. To be
    acknowledged by `seq`."""

    type = "masks"
    seq: int
    reply_to: ReplyTo | None
    frame: int
    complete: bool
    """Objects that are not listed have no mask on this frame."""
    masks: list[MaskEntry]


@dataclass(frozen=True)
class Preview(Message):
    """Answers Hover. Buffer: run lengths."""

    type = "preview"
    reply_to: ReplyTo
    frame: int
    iou: float
    """Predicted IoU, 0..1."""


@dataclass(frozen=True)
class Candidates(Message):
    """The masks of an ambiguous click, perhaps none any more. Buffers: run lengths of each."""

    type = "candidates"
    frame: int
    object: int
    chosen: int
    ious: list[float]
    """Predicted IoU, 0..1."""


@dataclass(frozen=True)
class ProposalEntry:
    """One mask of a Proposals message."""

    id: int
    iou: float
    """Predicted IoU, 0..1."""
    stability: float
    """IoU of the masks of two thresholds, 0..1."""
    area: int
    """In pixels."""


@dataclass(frozen=True)
class Proposals(Message):
    """All proposals of a frame that are neither adopted nor dismissed. Buffers: run lengths of
    each."""

    type = "proposals"
    frame: int
    proposals: list[ProposalEntry]


@dataclass(frozen=True)
class Prompts(Message):
    """All prompts of an object on a frame, perhaps none."""

    type = "prompts"
    frame: int
    object: int
    points: list[tuple[float, float, int]]
    """x, y, label."""
    box: tuple[float, float, float, float] | None
    mask: bool
    """Whether a mask is among the prompts."""


@dataclass(frozen=True)
class Timeline(Message):
    """Where an object is prompted (frames), accepted, rejected, tracked and stale (runs)."""

    type = "timeline"
    object: int
    prompted: list[int]
    accepted: list[tuple[int, int]]
    rejected: list[tuple[int, int]]
    tracked: list[tuple[int, int]]
    stale: list[tuple[int, int]]


@dataclass(frozen=True)
class Certainty(Message):
    """How sure an object's masks are. Buffer: one byte a frame, from `start` on: 0 for no mask,
    1 for absent, 2..255 for a certainty of 0..1."""

    type = "certainty"
    object: int
    start: int


@dataclass(frozen=True)
class Progress(Message):
    """How far a propagation is."""

    type = "progress"
    running: bool
    frame: int
    """The newest tracked."""
    done: int
    total: int
    fps: float
    eta_s: float
    direction: Direction
    """The way it goes at the moment."""


@dataclass(frozen=True)
class Error(Message):
    """A sentence to show in place."""

    type = "error"
    reply_to: ReplyTo | None
    text: str


@dataclass(frozen=True)
class Done(Message):
    """A request has been carried out; what it changed was sent before."""

    type = "done"
    reply_to: ReplyTo


def to_wire(message: Message, epoch: int) -> dict[str, Any]:
    """A message as the JSON object that is sent."""
    return {"type": message.type, "epoch": epoch, **asdict(message)}


def parse(content: object) -> Request:
    """Check a message of the browser.

    Raises
    ------
    ProtocolError
        When its type is unknown, a field is missing, or a value is not what it should be.
    """
    if not isinstance(content, Mapping):
        raise ProtocolError(
            f"A message must be an object with a type, got {reprlib.repr(content)}."
        )
    message = cast("Mapping[str, Any]", content)
    name = message.get("type")
    kind = REQUESTS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise ProtocolError(f"Unknown message type {reprlib.repr(name)}.")
    values: dict[str, Any] = {}
    for field in fields(kind):
        value = message.get(field.name)
        optional = "None" in str(field.type)
        if value is None and not optional:
            raise ProtocolError(f"The message {name!r} lacks {field.name!r}.")
        if value is not None:
            expected, check = _CHECKS[field.name]
            if not check(value):
                raise ProtocolError(
                    f"In {name!r}, {field.name} must be {expected}: {reprlib.repr(value)}."
                )
        values[field.name] = value
    return kind(**values)


def _is_index(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 2**31


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _is_list_of(check: Callable[[Any], bool], longest: int) -> Callable[[Any], bool]:
    return lambda value: (
        isinstance(value, list) and len(value) <= longest and all(map(check, value))  # pyright: ignore[reportUnknownArgumentType]
    )


def _is_channel(value: Any) -> bool:
    """Whether something is a `ChannelEntry`; whether its values fit, a `Channel` checks."""
    kinds = {"low": float, "high": float, "gamma": float, "color": str, "visible": bool}
    return (
        isinstance(value, dict)
        and value.keys() == kinds.keys()  # pyright: ignore[reportUnknownMemberType]
        and all(_is_kind(value[name], kind) for name, kind in kinds.items())  # pyright: ignore[reportUnknownArgumentType]
    )


def _is_kind(value: Any, kind: type) -> bool:
    if kind is float:
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return number and abs(value) < 1e300
    return isinstance(value, kind) and (kind is bool or len(value) <= 20)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= 200


_INDEX = "a whole number from 0 up", _is_index
_NUMBER = "a number below 2**31", _is_number
_TEXT = "a text of at most 200 characters", _is_text
_FLAG = "true or false", _is_flag
_INDICES = "at most 10000 whole numbers from 0 up", _is_list_of(_is_index, 10000)
_CHECKS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    **dict.fromkeys(("id", "epoch", "frame", "object", "index", "start", "stop", "seq"), _INDEX),
    **dict.fromkeys(("x", "y", "x0", "y0", "x1", "y1", "radius"), _NUMBER),
    **dict.fromkeys(("view", "name", "color"), _TEXT),
    **dict.fromkeys(("visible", "locked", "erase", "merge", "pixels", "on"), _FLAG),
    **dict.fromkeys(("frames", "objects", "proposals"), _INDICES),
    "channels": ("at most 100 channels", _is_list_of(_is_channel, 100)),
    "path": ("at most 20000 numbers", _is_list_of(_is_number, 20000)),
    "shape": ("'brush' or 'polygon'", lambda value: value in ("brush", "polygon")),
    "label": ("0 or 1", lambda value: _is_index(value) and value <= 1),
    "direction": (
        "'both', 'forward' or 'backward'",
        lambda value: value in ("both", "forward", "backward"),
    ),
}
