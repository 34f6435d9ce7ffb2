"""What the kernel tells the browser. Pixels and masks travel in binary buffers beside a message."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from ...core.schema import Whole
from ...models.catalog import ModelState
from .values import (
    Area,
    BoxPx,
    ChannelEntry,
    DecoderFile,
    Direction,
    Indices,
    Iou,
    OptionKind,
    PointPx,
    ReplyTo,
    Run,
    SavingState,
    Source,
    State,
    get_type,
    leaves_of,
)

PROTOCOL = 2
"""Version of the protocol; one page speaks one."""


class Message(msgspec.Struct, frozen=True):
    """What every message of the kernel has; `epoch` is added when it is sent."""

    @property
    def type(self) -> str:
        """By which a message is told from others."""
        return get_type(type(self))


class Welcome(Message, frozen=True, tag="welcome"):
    """Answers Hello; what is current follows."""

    reply_to: ReplyTo
    protocol: Whole = PROTOCOL


class Frame(Message, frozen=True, tag="frame"):
    """Pixels of a frame. Buffer: a JPEG.

    To be acknowledged by `seq`. With `towards`, it lies on the way to that frame, which takes a
    while to reach.
    """

    seq: Whole
    reply_to: ReplyTo
    frame: Whole
    towards: Whole | None
    reduced: Annotated[bool, Meta(description="Whether it is smaller or coarser than could be.")]


class Region(Message, frozen=True, tag="region"):
    """Answers WantRegion: a part of a large picture. Buffer: a JPEG."""

    reply_to: ReplyTo
    frame: Whole
    x0: Whole
    y0: Whole
    x1: Whole
    y1: Whole


class Thumbnail(Message, frozen=True, tag="thumbnail"):
    """A small picture of a frame. Buffer: a JPEG."""

    frame: Whole


class ContrastChanged(Message, frozen=True, tag="contrast"):
    """Frames and small pictures look otherwise from now on; those before are out of date."""


class Levels(Message, frozen=True, tag="levels"):
    """Answers WantLevels. Buffers: for each channel one byte a bin, how many values are there.

    The bytes are 0..255; the bins go from `low` to `high`.
    """

    reply_to: ReplyTo
    frame: Whole
    automatic: bool
    whole: Annotated[bool, Meta(description="Whether values are whole numbers.")]
    low: Annotated[list[float], Meta(description="Least value of each channel.")]
    high: Annotated[list[float], Meta(description="Largest value of each channel.")]
    channels: list[ChannelEntry]


class MaskEntry(msgspec.Struct, frozen=True):
    """One mask of a Masks message."""

    object: Whole
    score: Annotated[
        float,
        Meta(description="Object-score logit: above 0 the object is judged visible."),
    ]
    iou: Iou
    source: Source
    state: State
    area: Area


class Masks(Message, frozen=True, tag="masks"):
    """Masks of a frame. Buffers: run lengths as in `masks.Mask`, one for each entry.

    To be acknowledged by `seq`.
    """

    seq: Whole
    reply_to: ReplyTo | None
    frame: Whole
    complete: Annotated[
        bool, Meta(description="Objects that are not listed have no mask on this frame.")
    ]
    masks: list[MaskEntry]


class Preview(Message, frozen=True, tag="preview"):
    """Answers Hover. Buffer: run lengths."""

    reply_to: ReplyTo
    frame: Whole
    iou: Iou


class Decoder(Message, frozen=True, tag="decoder"):
    """A view shall decode masks itself, ahead of the kernel. Buffer: a module of JavaScript."""


class DecoderPart(Message, frozen=True, tag="decoder_part"):
    """Answers WantDecoder. Buffer: some bytes of a file, which is compressed by gzip."""

    reply_to: ReplyTo
    file: DecoderFile
    offset: Whole
    total: Annotated[Whole, Meta(description="Bytes of the file.")]


class Features(Message, frozen=True, tag="features"):
    """Answers WantFeatures. Buffer: int8 maps, each after the float32 scales of its channels.

    The maps are the image embedding (channels, size / 16, size / 16), features of a quarter of the
    channels and size / 8, features of an eighth and size / 4, and with `has_mask` the logits
    (1, size / 4, size / 4) of the mask that is refined. A value is its byte times the scale.
    """

    reply_to: ReplyTo
    network: Annotated[str, Meta(description="Which decoder they are for.")]
    size: Annotated[Whole, Meta(description="Side of the network's input.")]
    channels: Whole
    points: Annotated[list[float], Meta(description="x, y of earlier ones, in its pixels.")]
    labels: Indices
    has_mask: bool


class Candidates(Message, frozen=True, tag="candidates"):
    """The masks of an ambiguous click, perhaps none any more. Buffers: run lengths of each."""

    frame: Whole
    object: Whole
    chosen: Whole
    ious: Annotated[list[float], Meta(description="Predicted IoU, 0..1.")]


class ProposalEntry(msgspec.Struct, frozen=True):
    """One mask of a Proposals message."""

    id: Whole
    iou: Iou
    stability: Annotated[float, Meta(description="IoU of the masks of two thresholds, 0..1.")]
    area: Area


class Proposals(Message, frozen=True, tag="proposals"):
    """All proposals of a frame that are neither adopted nor dismissed.

    Buffers: run lengths of each.
    """

    frame: Whole
    proposals: list[ProposalEntry]


class Prompts(Message, frozen=True, tag="prompts"):
    """All prompts of an object on a frame, perhaps none."""

    frame: Whole
    object: Whole
    points: list[PointPx]
    box: BoxPx | None
    mask: Annotated[bool, Meta(description="Whether a mask is among the prompts.")]


class Timeline(Message, frozen=True, tag="timeline"):
    """Where an object is prompted (frames), accepted, rejected, tracked and stale (runs)."""

    object: Whole
    prompted: list[Whole]
    accepted: list[Run]
    rejected: list[Run]
    tracked: list[Run]
    stale: list[Run]


class Confidence(Message, frozen=True, tag="confidence"):
    """How certain an object's masks are. Buffer: one byte a frame, from `start` on.

    A byte is 0 for no mask, 1 for absent, 2..255 for a confidence of 0..1.
    """

    object: Whole
    start: Whole


class Areas(Message, frozen=True, tag="areas"):
    """Answers WantAreas. Buffer: pixels of the mask on each frame, uint32 little-endian."""

    reply_to: ReplyTo
    object: Whole


class Progress(Message, frozen=True, tag="progress"):
    """How far a propagation is."""

    running: bool
    frame: Annotated[Whole, Meta(description="The newest tracked.")]
    done: Whole
    total: Whole
    fps: float
    eta_s: Annotated[float, Meta(description="Seconds that are left; 0 where nothing can be told.")]
    direction: Annotated[Direction, Meta(description="The way it goes at the moment.")]
    elapsed_s: Annotated[float, Meta(description="Seconds since it began.")]


class ModelEntry(msgspec.Struct, frozen=True):
    """One model of a Models message."""

    name: str
    label: Annotated[str, Meta(description="As a person reads it.")]
    state: Annotated[
        ModelState,
        Meta(description="It comes with the library, is on the kernel's machine, or is fetched."),
    ]
    size_bytes: Whole


class MemoryEntry(msgspec.Struct, frozen=True):
    """One memory policy of a Models message."""

    name: str
    purpose: Annotated[str, Meta(description="What it is for, as a person reads it.")]


class Models(Message, frozen=True, tag="models"):
    """Answers WantModels."""

    reply_to: ReplyTo
    models: list[ModelEntry]
    memories: list[MemoryEntry]


class Alive(Message, frozen=True, tag="alive"):
    """The kernel is there, also while a cell runs. It says so about once a second."""

    pausing: Annotated[
        bool, Meta(description="Nothing follows until the view is heard again: silence is no sign.")
    ]


class Error(Message, frozen=True, tag="error"):
    """A sentence to show in place."""

    reply_to: ReplyTo | None
    text: str


class Done(Message, frozen=True, tag="done"):
    """A request has been carried out; what it changed was sent before."""

    reply_to: ReplyTo


class OptionEntry(msgspec.Struct, frozen=True):
    """An option of a format."""

    name: str
    description: str
    kind: OptionKind
    default: Annotated[str, Meta(description='As it is shown; "" where it is nothing.')]
    choices: Annotated[list[str], Meta(description="Of a choice.")]


class FormatEntry(msgspec.Struct, frozen=True):
    """A format that results can be exported in."""

    name: str
    description: str
    file: Annotated[str, Meta(description="What an export would be called.")]
    effects: Annotated[bool, Meta(description="Whether frames are written with an effect.")]
    options: list[OptionEntry]


class Formats(Message, frozen=True, tag="formats"):
    """Answers OpenResults."""

    reply_to: ReplyTo
    folder: Annotated[str, Meta(description="Where exports go unless said, absolute.")]
    formats: list[FormatEntry]


class ExportProgress(Message, frozen=True, tag="export_progress"):
    """How far an export is."""

    reply_to: ReplyTo
    frame: Annotated[Whole, Meta(description="That is read.")]
    total: Whole
    eta_s: Annotated[float, Meta(description="Seconds that are left; 0 where nothing can be told.")]


class ExportExists(Message, frozen=True, tag="export_exists"):
    """Something is where an export was to be written: nothing was written."""

    reply_to: ReplyTo
    text: str
    other: Annotated[str, Meta(description="A path beside it where nothing is.")]


class DownloadEntry(msgspec.Struct, frozen=True):
    """A file that a view may fetch."""

    id: Whole
    name: str
    size: Annotated[Whole, Meta(description="In bytes.")]


class Exported(Message, frozen=True, tag="exported"):
    """An export is there: in its place, or to be fetched. The text says all of it."""

    reply_to: ReplyTo
    text: str
    path: Annotated[str, Meta(description='Absolute; "" of a download.')]
    download: DownloadEntry | None


class Chunk(Message, frozen=True, tag="chunk"):
    """Answers WantChunk. Buffer: some bytes of a download."""

    download: Whole
    offset: Whole


class Script(Message, frozen=True, tag="script"):
    """Answers WriteScript: the session as Python."""

    reply_to: ReplyTo
    text: str


class Saved(Message, frozen=True, tag="saved"):
    """Whether all edits are in a file. Told when it changes."""

    state: SavingState
    path: Annotated[str, Meta(description='Of the file, absolute; "" where there is none.')]
    ago_s: Annotated[float | None, Meta(description="Since it was written last.")]


MESSAGES: dict[str, type[Message]] = {get_type(kind): kind for kind in leaves_of(Message)}
"""Every kind of message by its type."""
