"""The messages between kernel and browser. Twin of js/src/protocol.ts: keep both in step.

Custom messages of the widget's comm. What happened goes in messages; what is current goes in
traits (see `widget.py`). All coordinates are (x, y) in pixels of the original frame; runs of
frames are half-open. Pixels and masks travel in binary buffers beside a message.
"""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, cast

from .records import Direction, Source, State

PROTOCOL = 1


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
    """A view needs pixels, masks and prompts of a frame. The latest of a view counts."""

    type = "want"
    frame: int


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


@dataclass(frozen=True)
class Propagate(Request):
    """Track frames start to stop (not included); None is the end of the video there."""

    type = "propagate"
    start: int | None
    stop: int | None
    direction: Direction


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
        *(Hello, Want, Click, Box, RemovePoint, RemoveBox, ClearPrompts),
        *(AddObject, RemoveObject, UpdateObject, Propagate, Stop, Undo, Redo, Ack, Visible),
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
    """Pixels of a frame. Buffer: a JPEG. To be acknowledged by `seq`."""

    type = "frame"
    seq: int
    frame: int


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
    """Where an object is prompted (frames), accepted, tracked and stale (runs)."""

    type = "timeline"
    object: int
    prompted: list[int]
    accepted: list[tuple[int, int]]
    tracked: list[tuple[int, int]]
    stale: list[tuple[int, int]]


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


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= 200


_INDEX = "a whole number from 0 up", _is_index
_NUMBER = "a number below 2**31", _is_number
_TEXT = "a text of at most 200 characters", _is_text
_FLAG = "true or false", _is_flag
_CHECKS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    **dict.fromkeys(("id", "epoch", "frame", "object", "index", "start", "stop", "seq"), _INDEX),
    **dict.fromkeys(("x", "y", "x0", "y0", "x1", "y1"), _NUMBER),
    **dict.fromkeys(("view", "name", "color"), _TEXT),
    "visible": _FLAG,
    "label": ("0 or 1", lambda value: _is_index(value) and value <= 1),
    "direction": (
        "'both', 'forward' or 'backward'",
        lambda value: value in ("both", "forward", "backward"),
    ),
}
