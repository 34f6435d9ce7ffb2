"""What the browser asks of the kernel. Fields with a default may be left out."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from ...core.schema import Whole
from .values import (
    Attributes,
    ChannelEntry,
    Direction,
    Indices,
    Label,
    Number,
    Path,
    Shape,
    Text,
    get_type,
    leaves_of,
)

ChangeAccepted = Annotated[
    bool,
    Meta(description="Whether masks that are accepted may change; without it, they are refused."),
]


class Request(msgspec.Struct, frozen=True):
    """What every message of the browser has."""

    id: Annotated[Whole, Meta(description="Rises by one with each message of a view.")]
    view: Annotated[Text, Meta(description="UUID of the view that sends it.")]
    epoch: Annotated[Whole, Meta(description="The kernel's, as the view knows it.")]

    @property
    def type(self) -> str:
        """By which a message is told from others."""
        return get_type(type(self))


class Hello(Request, frozen=True, tag="hello"):
    """A view was rendered or reconnected: send what is current."""


class Want(Request, frozen=True, tag="want"):
    """A view needs masks and prompts of a frame, and its pixels unless it still has them.

    The latest of a view counts.
    """

    frame: Whole
    pixels: bool


class Thumbnails(Request, frozen=True, tag="thumbnails"):
    """A view needs small pictures of these frames. The latest of a view counts."""

    frames: Indices


class WantMasks(Request, frozen=True, tag="want_masks"):
    """A view shows a frame in small, besides the one on its stage: send its masks."""

    frame: Whole


class WantAreas(Request, frozen=True, tag="want_areas"):
    """A view shows how large an object's masks are over time."""

    object: Whole


class WantLevels(Request, frozen=True, tag="want_levels"):
    """A view shows how a frame's values are spread. The latest of a view counts."""

    frame: Whole


class SetContrast(Request, frozen=True, tag="set_contrast"):
    """Show the video, or the pictures, with another contrast.

    Channels None is the automatic one. The latest of a view counts.
    """

    channels: Annotated[list[ChannelEntry], Meta(max_length=100)] | None = None


class Hover(Request, frozen=True, tag="hover"):
    """Predict the mask that a positive point here would give.

    The latest of a view counts; object None is a new one.
    """

    frame: Whole
    x: Number
    y: Number
    object: Whole | None = None


class Click(Request, frozen=True, tag="click"):
    """A point; object None is the selected one, or a new one if there is none."""

    frame: Whole
    x: Number
    y: Number
    label: Label
    object: Whole | None = None
    change_accepted: ChangeAccepted = False


class Box(Request, frozen=True, tag="box"):
    """A box; object None as in Click."""

    frame: Whole
    x0: Number
    y0: Number
    x1: Number
    y1: Number
    object: Whole | None = None
    change_accepted: ChangeAccepted = False


class Paint(Request, frozen=True, tag="paint"):
    """Add to a mask by hand, or take away from it; object None as in Click."""

    frame: Whole
    shape: Shape
    erase: bool
    radius: Annotated[Number, Meta(description="Of a brush; a polygon has none.")]
    path: Annotated[
        Path,
        Meta(
            description="x0, y0, x1, y1…: the way of the brush's centre, or the polygon's corners."
        ),
    ]
    object: Whole | None = None
    change_accepted: ChangeAccepted = False


class PromptRequest(Request, frozen=True):
    """What every request has that changes the prompts of an object on a frame."""

    frame: Whole
    object: Whole


class IndexedRequest(PromptRequest, frozen=True):
    """One that is about the mask or the point of an index."""

    index: Whole


class Choose(IndexedRequest, frozen=True, tag="choose"):
    """Choose another of an ambiguous click's masks."""

    change_accepted: ChangeAccepted = False


class MovePoint(IndexedRequest, frozen=True, tag="move_point"):
    """Put a point elsewhere."""

    x: Number
    y: Number
    change_accepted: ChangeAccepted = False


class RemovePoint(IndexedRequest, frozen=True, tag="remove_point"):
    """Take a point away."""

    change_accepted: ChangeAccepted = False


class RemoveBox(PromptRequest, frozen=True, tag="remove_box"):
    """Take the box away."""

    change_accepted: ChangeAccepted = False


class ClearPrompts(PromptRequest, frozen=True, tag="clear_prompts"):
    """Take all prompts of an object on a frame away."""

    change_accepted: ChangeAccepted = False


class AddObject(Request, frozen=True, tag="add_object"):
    """Add an object and select it."""


class RemoveObject(Request, frozen=True, tag="remove_object"):
    """Remove an object with its masks."""

    object: Whole
    change_accepted: ChangeAccepted = False


class UpdateObject(Request, frozen=True, tag="update_object"):
    """Change of an object what is not None."""

    object: Whole
    name: Text | None = None
    color: Text | None = None
    visible: bool | None = None
    locked: bool | None = None


class SetClass(Request, frozen=True, tag="set_class"):
    """Say of which class objects are; "" for none. With `add`, a new class is added."""

    objects: Indices
    class_name: Text
    add: bool = False


class SetAttributes(Request, frozen=True, tag="set_attributes"):
    """Set attributes of an object by name; None takes one away."""

    object: Whole
    attributes: Attributes


class AddClass(Request, frozen=True, tag="add_class"):
    """Add a class after the others."""

    class_name: Text


class SetClassColor(Request, frozen=True, tag="set_class_color"):
    """Give a class another colour."""

    class_name: Text
    color: Text


class Propagate(Request, frozen=True, tag="propagate"):
    """Track frames start to stop (not included); None is the end of the video there.

    Objects None are all that are not locked.
    """

    direction: Direction
    start: Whole | None = None
    stop: Whole | None = None
    objects: Indices | None = None


class RangeRequest(Request, frozen=True):
    """What every request has that is about frames start to stop (not included)."""

    start: Whole
    stop: Whole
    object: Whole | None = None


class Accept(RangeRequest, frozen=True, tag="accept"):
    """Vouch for masks on frames start to stop (not included); object None is every one."""


class Reject(RangeRequest, frozen=True, tag="reject"):
    """Say that masks are wrong, on frames and of objects as in Accept."""


class Unreview(RangeRequest, frozen=True, tag="unreview"):
    """Take acceptance or rejection back, on frames and of objects as in Accept."""


class Reset(RangeRequest, frozen=True, tag="reset"):
    """Take prompts and masks away, on frames and of objects as in Accept."""

    change_accepted: ChangeAccepted = False


class NextToCheck(Request, frozen=True, tag="next_to_check"):
    """Go to the least certain mask that nobody has reviewed."""


class Propose(Request, frozen=True, tag="propose"):
    """Segment everything on a frame."""

    frame: Whole


class Adopt(Request, frozen=True, tag="adopt"):
    """Make proposals objects: each its own, or with `merge` all one: `object`, or a new one."""

    frame: Whole
    proposals: Indices
    merge: bool
    object: Whole | None = None
    change_accepted: ChangeAccepted = False


class Dismiss(Request, frozen=True, tag="dismiss"):
    """Drop proposals."""

    frame: Whole
    proposals: Indices


class SetNonOverlapping(Request, frozen=True, tag="set_non_overlapping"):
    """Let masks of different objects on a frame exclude each other, or overlap."""

    on: bool


class Stop(Request, frozen=True, tag="stop"):
    """End the propagation that runs."""


class Undo(Request, frozen=True, tag="undo"):
    """Undo the last edit."""


class Redo(Request, frozen=True, tag="redo"):
    """Do again what was undone last."""


class Ack(Request, frozen=True, tag="ack"):
    """A Frame or Masks message has been drawn, or dropped as out of date."""

    seq: Whole


class Visible(Request, frozen=True, tag="visible"):
    """A view came into sight or went out of it."""

    visible: bool


REQUESTS: dict[str, type[Request]] = {get_type(kind): kind for kind in leaves_of(Request)}
"""Every kind of request by its type."""
