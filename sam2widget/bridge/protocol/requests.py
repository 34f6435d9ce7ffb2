"""What the browser asks of the kernel. Fields with a default may be left out."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from ...core.schema import Whole
from .values import (
    Attributes,
    ChannelEntry,
    DecoderFile,
    Direction,
    Indices,
    Label,
    LongText,
    Number,
    OptionValue,
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


Side = Annotated[int, Meta(ge=1, le=4096)]
ViewedWindow = Annotated[
    tuple[Whole, Whole, Whole, Whole],
    Meta(description="x0, y0, x1, y1 of what of a large picture is seen; the last two are not in."),
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

    The latest of a view counts: an answer tells that those before it get none any more.
    """

    frame: Whole
    pixels: bool
    then: Annotated[
        Indices, Meta(description="Wanted next, each as by a request with the next id.")
    ] = []
    moving: Annotated[
        bool,
        Meta(description="The view plays or scrubs: a smaller picture will do."),
    ] = False
    drawn: Annotated[
        Indices, Meta(description="As `seqs` of Ack: one message less for each frame.")
    ] = []


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


class WantRegion(Request, frozen=True, tag="want_region"):
    """A view needs a part of a large picture. The latest of a view counts."""

    frame: Whole
    x0: Whole
    y0: Whole
    x1: Whole
    y1: Whole
    width: Annotated[Side, Meta(description="Of what is sent, in its own pixels.")]
    height: Side


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
    window: ViewedWindow | None = None


class WantFeatures(Request, frozen=True, tag="want_features"):
    """A view decodes masks itself: send what its decoder is given before a further click.

    The latest of a view counts; object None is a new one.
    """

    frame: Whole
    object: Whole | None = None


class WantDecoder(Request, frozen=True, tag="want_decoder"):
    """A view decodes masks itself: send a part of a file that it needs for that."""

    file: DecoderFile
    offset: Whole


class Click(Request, frozen=True, tag="click"):
    """A point; object None is the selected one, or a new one if there is none."""

    frame: Whole
    x: Number
    y: Number
    label: Label
    object: Whole | None = None
    change_accepted: ChangeAccepted = False
    window: ViewedWindow | None = None


class Box(Request, frozen=True, tag="box"):
    """A box; object None as in Click."""

    frame: Whole
    x0: Number
    y0: Number
    x1: Number
    y1: Number
    object: Whole | None = None
    change_accepted: ChangeAccepted = False
    window: ViewedWindow | None = None


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


class Split(Request, frozen=True, tag="split"):
    """Let an object divide on a frame: two new ones go on from there, of which one is selected."""

    object: Whole
    frame: Whole


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


class NextUnreviewed(Request, frozen=True, tag="next_unreviewed"):
    """Go to the least certain mask that nobody has reviewed."""


class Propose(Request, frozen=True, tag="propose"):
    """Segment everything on a frame, or find on it, or through the video, what a text names."""

    frame: Whole
    text: str = ""
    video: bool = False
    window: ViewedWindow | None = None


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


class WantModels(Request, frozen=True, tag="want_models"):
    """A view shows which models there are."""


class SetModel(Request, frozen=True, tag="set_model"):
    """Load another model in place of the one at hand: a name, a path or a repository's id."""

    model: Text


class SetMemory(Request, frozen=True, tag="set_memory"):
    """Let tracking follow another memory policy, by its name."""

    memory: Text


class CancelModel(Request, frozen=True, tag="cancel_model"):
    """End the loading of a model; the one at hand stays."""


class Stop(Request, frozen=True, tag="stop"):
    """End the propagation that runs."""


class Undo(Request, frozen=True, tag="undo"):
    """Undo the last edit."""


class Redo(Request, frozen=True, tag="redo"):
    """Do again what was undone last."""


class Ack(Request, frozen=True, tag="ack"):
    """Frame or Masks messages have been drawn, or dropped as out of date."""

    seqs: Indices


class Ping(Request, frozen=True, tag="ping"):
    """A view is still there, and goes on listening to whether the kernel is."""


class Visible(Request, frozen=True, tag="visible"):
    """A view came into sight or went out of it."""

    visible: bool


class OpenResults(Request, frozen=True, tag="open_results"):
    """A view opens its results: tell the formats that there are, and where exports go."""


class Export(Request, frozen=True, tag="export"):
    """Write the masks for another program; of a widget one export runs at a time."""

    format: Text
    path: Annotated[
        LongText, Meta(description="On the kernel's machine; a download needs no more than a name.")
    ]
    options: Annotated[list[OptionValue], Meta(max_length=100)]
    replace: Annotated[bool, Meta(description="Whether files that are there may be replaced.")]
    download: Annotated[bool, Meta(description="Keep it for the browser to fetch.")]


class CancelExport(Request, frozen=True, tag="cancel_export"):
    """End the export that runs; nothing of it stays."""


class WantChunk(Request, frozen=True, tag="want_chunk"):
    """A view wants a part of a download, from a byte on."""

    download: Whole
    offset: Whole


class DropDownload(Request, frozen=True, tag="drop_download"):
    """A view has all of a download, or wants no more of it."""

    download: Whole


class SetBackground(Request, frozen=True, tag="set_background"):
    """The picture that the effect "background" puts objects on."""

    jpeg: Annotated[str, Meta(max_length=900_000, description="A JPEG in base64.")]


class WriteScript(Request, frozen=True, tag="write_script"):
    """Write the session as Python."""


class StartAnew(Request, frozen=True, tag="start_anew"):
    """Put what is saved aside and remove all objects."""


REQUESTS: dict[str, type[Request]] = {get_type(kind): kind for kind in leaves_of(Request)}
"""Every kind of request by its type."""
