"""The schema of `session.json`. Fields with a default are missing in files of earlier versions."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from sam2_backend.video.options import MAX_MEGAPIXELS

from ..annotation.classes import MAX_TEXT
from ..annotation.records import ColorBy
from ..core.schema import MAX_WHOLE, Finite, FiniteFromZero, Whole

MAX_CANDIDATE = 2
MAX_SIDE_PX = 2**20

FromOne = Annotated[int, Meta(ge=1, le=MAX_WHOLE)]
Side = Annotated[int, Meta(ge=1, le=MAX_SIDE_PX)]
WindowRecord = Annotated[
    tuple[Whole, Whole, Whole, Whole],
    Meta(extra={"expected": "4 whole numbers: x0, y0, x1, y1"}),
]
Window = Annotated[int, Meta(ge=-1, le=MAX_WHOLE)]
MaskNumber = Annotated[int, Meta(ge=-1, le=MAX_WHOLE)]
"""Of a mask in the file, from 0; -1 is none."""

PointRecord = Annotated[
    tuple[Finite, Finite, Annotated[int, Meta(ge=0, le=1)]],
    Meta(extra={"expected": "3 numbers: x, y, and 1 or 0"}),
]
BoxRecord = tuple[Finite, Finite, Finite, Finite]
MemoryName = Annotated[
    str,
    Meta(
        pattern=r"^[\w.-]+(:[\w.,=+-]+)?\Z",
        max_length=1000,
        extra={"expected": "text like 'motion' or 'motion:min_iou=0.4'"},
    ),
]


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """An object of the document, in the order in which it is written."""


class Header(Record, frozen=True, kw_only=True):
    """What files of every version have."""

    format: Literal["sam2widget session"]
    version: FromOne


class ModelRecord(Record, frozen=True, kw_only=True):
    """The model that made the masks, what to load it by, and its memory policy."""

    name: str
    source: str | None
    memory: MemoryName | None = None


class ThumbRecord(Record, frozen=True, kw_only=True):
    """A thumbnail of a frame: the mean RGB of blocks, (16, 16, 3) uint8."""

    frame: Whole
    rgb: str
    """Base64 of the pixels."""


class VideoRecord(Record, frozen=True, kw_only=True):
    """The video, how it was opened, and its fingerprint; sizes are in pixels."""

    path: str | None
    axes: str | None = None
    plane: Whole | Literal["max"] | None = None
    max_megapixels: Finite | None = MAX_MEGAPIXELS
    """None is no limit."""
    num_frames: FromOne
    height: Side
    width: Side
    sizes: list[tuple[Side, Side]] | None
    """Width and height of each frame where they may differ."""
    identity: str | None = None
    """A file without it is known by its looks alone."""
    thumbs: list[ThumbRecord]


class ChannelRecord(Record, frozen=True, kw_only=True):
    """The window of values of one channel, and how the channel is shown."""

    low: Finite
    high: Finite
    gamma: Finite
    color: str
    visible: bool


class ContrastRecord(Record, frozen=True, kw_only=True):
    """The contrast with which the video was shown."""

    channels: list[ChannelRecord]


class PixelSizeRecord(Record, frozen=True, kw_only=True):
    """How large a pixel was said to be."""

    x: Finite
    y: Finite
    unit: str


class MasksRecord(Record, frozen=True, kw_only=True):
    """How masks are cleaned, and whether they exclude each other."""

    clean: FiniteFromZero | None = None
    non_overlapping: bool | None = None


class ViewRecord(Record, frozen=True, kw_only=True):
    """What was shown and selected: 0 is no object, "" no class."""

    frame: Whole
    selected: Whole
    current_class: str = ""
    color_by: ColorBy = "object"


Name = Annotated[
    str,
    Meta(
        pattern=r"^\S(.*\S)?\Z",
        max_length=MAX_TEXT,
        extra={"expected": f"text of 1 to {MAX_TEXT} characters without blanks around it"},
    ),
]
Color = Annotated[str, Meta(pattern=r"^#[0-9a-f]{6}\Z", extra={"expected": "text like '#2f7ff5'"})]
Attributes = Annotated[
    dict[Name, bool | int | Finite | str],
    Meta(extra={"expected": "truth values, finite numbers and texts by name"}),
]


class ClassRecord(Record, frozen=True, kw_only=True):
    """A class that objects may have."""

    name: Name
    color: Color


class ObjectRecord(Record, frozen=True, kw_only=True):
    """An object of the video, as it was listed."""

    id: FromOne
    name: Annotated[str, Meta(pattern=r"\S", extra={"expected": "text that is not blank"})]
    color: Color
    visible: bool
    locked: bool
    class_name: str = ""
    attributes: Attributes = {}
    parents: tuple[FromOne, ...] = ()


class PromptRecord(Record, frozen=True, kw_only=True):
    """The prompts of an object on a frame, in pixels of the frame."""

    object: Whole
    frame: Whole
    points: list[PointRecord]
    box: BoxRecord | None
    mask: MaskNumber
    candidate: Annotated[int, Meta(ge=0, le=MAX_CANDIDATE)] | None
    windows: list[WindowRecord] = []
    """Of a large picture: what was looked at, x0, y0, x1, y1, each once."""
    point_windows: list[Window] = []
    """Of each point, the number of its window, or -1; empty where there are none."""
    box_window: Window = -1


class WholeRecord(Record, frozen=True, kw_only=True):
    """All that the model said, where other objects have some of it."""

    object: Whole
    frame: Whole
    mask: Whole


class SessionRecord(Header, frozen=True, kw_only=True):
    """The whole document."""

    library: str
    model: ModelRecord
    video: VideoRecord
    contrast: ContrastRecord | None = None
    pixel_size: PixelSizeRecord | None = None
    masks: MasksRecord = MasksRecord()
    view: ViewRecord
    classes: list[ClassRecord] = []
    objects: list[ObjectRecord]
    prompts: list[PromptRecord]
    whole: list[WholeRecord] = []


class Summary(Header, frozen=True, kw_only=True):
    """The part of the document that tells which video it is of, and its objects."""

    video: VideoRecord
    objects: list[Any]
