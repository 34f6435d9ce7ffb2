"""What the fields of messages hold. A title becomes the name of a type in TypeScript."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import Meta

from ...annotation import records
from ...core.schema import Whole

Number = Annotated[
    float,
    Meta(gt=-(2**31), lt=2**31, extra={"expected": "a number below 2**31"}),
]
Text = Annotated[str, Meta(max_length=200, extra={"expected": "a text of at most 200 characters"})]
LongText = Annotated[
    str, Meta(max_length=4000, extra={"expected": "a text of at most 4000 characters"})
]
Indices = Annotated[
    list[Whole],
    Meta(max_length=10_000, extra={"expected": "at most 10000 whole numbers from 0 up"}),
]
Path = Annotated[list[Number], Meta(max_length=20_000, extra={"expected": "at most 20000 numbers"})]

DecoderFile = Annotated[
    Literal["runtime", "runtime_webgpu", "network"],
    Meta(title="DecoderFile", description="A program that runs networks, and the decoder's."),
]
Shape = Annotated[records.Shape, Meta(title="Shape", description="What a mask is painted with.")]
Direction = Annotated[records.Direction, Meta(title="Direction")]
Source = Annotated[records.Source, Meta(title="Source", description="Where a mask comes from.")]
State = Annotated[records.State, Meta(title="State")]
Label = Annotated[
    int,
    Meta(
        ge=0,
        le=1,
        title="Label",
        description="1 is on the object, 0 is not.",
        extra_json_schema={"enum": [0, 1]},
        extra={"expected": "0 or 1"},
    ),
]
OptionKind = Annotated[
    Literal["flag", "number", "text", "choice"],
    Meta(title="OptionKind", description="How an option of an export is asked for."),
]
SavingState = Annotated[
    Literal["off", "unsaved", "saved", "failed"],
    Meta(title="SavingState", description="Whether what was done is in a file yet."),
]
PointPx = Annotated[tuple[float, float, Label], Meta(title="Point", description="x, y, label.")]
BoxPx = Annotated[
    tuple[float, float, float, float], Meta(title="BoxPx", description="x0, y0, x1, y1.")
]
Run = Annotated[
    tuple[Whole, Whole],
    Meta(title="Run", description="First frame, and the one after the last."),
]

Attributes = Annotated[
    dict[str, bool | int | float | Text | None],
    Meta(
        max_length=100,
        extra={
            "expected": "at most 100 truth values, numbers, texts of at most 200 characters or "
            "null by name"
        },
    ),
]

Iou = Annotated[float, Meta(description="Predicted IoU, 0..1.")]
Area = Annotated[Whole, Meta(description="In pixels.")]


class ReplyTo(msgspec.Struct, frozen=True):
    """The request that a message answers."""

    view: str
    id: Whole


class OptionValue(msgspec.Struct, frozen=True):
    """An option of an export as a person wrote it, which the kernel reads by the option's kind."""

    name: Text
    value: LongText


_ChannelNumber = Annotated[float, Meta(gt=-1e300, lt=1e300, extra={"expected": "a number"})]


class ChannelEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How one channel's values are shown, as in `sam2_backend.video.Channel`, which checks them."""

    low: Annotated[
        _ChannelNumber, Meta(description="What is shown black, in the source's own values.")
    ]
    high: Annotated[_ChannelNumber, Meta(description="What is shown in full colour.")]
    gamma: _ChannelNumber
    color: Annotated[str, Meta(max_length=20, description='"#rrggbb"')]
    visible: bool


T = TypeVar("T")


def leaves_of(base: type[T]) -> Iterator[type[T]]:
    """Give each class under a base that has none under itself, in the order of their definition."""
    for kind in base.__subclasses__():
        yield from leaves_of(kind) if kind.__subclasses__() else (kind,)


def get_type(kind: type[msgspec.Struct]) -> str:
    """What a message of a kind has for its `type`."""
    tag = kind.__struct_config__.tag
    assert isinstance(tag, str)
    return tag
