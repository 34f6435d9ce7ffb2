"""What a session knows of objects and their masks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias, TypeVar

from ..core.masks import Mask
from ..core.masks.logits import MaskLogits
from ..core.palette import color_of, dash_of

T = TypeVar("T")

Source = Literal["prompt", "track", "edit", "import", "proposal"]
"""Where a mask comes from: prompts, tracking, a person's brush, a file or array, or a proposal
that was adopted."""

State = Literal["fresh", "stale", "accepted", "rejected"]
"""Stale: a correction since makes it worth tracking again. Accepted: a person vouches for it.
Rejected: a person says that it is wrong; it is no result, and tracking leaves it alone."""

Shape = Literal["brush", "polygon"]
"""What a mask is painted with."""

Direction = Literal["both", "forward", "backward"]

Run: TypeAlias = tuple[int, int]
"""Frames that follow each other: the first, and the one after the last."""

ColorBy = Literal["object", "class"]
"""Whose colour a mask is shown in: the object's own, or that of its class."""

Attribute: TypeAlias = bool | int | float | str
"""Value of an attribute of an object: what JSON has, but for null, lists and objects."""


@dataclass(frozen=True)
class ObjectInfo:
    """An object as it is listed."""

    id: int
    name: str
    color: str
    """``"#rrggbb"``."""
    visible: bool = True
    locked: bool = False
    """Whether nothing changes its masks."""
    class_name: str = ""
    """Name of its class; "" for none."""
    attributes: Mapping[str, Attribute] = field(default_factory=dict[str, Attribute], hash=False)
    """What a person says of it, by name."""
    parents: tuple[int, ...] = ()
    """Ids of the objects that it came from: one that divided, or several that merged."""

    @property
    def rgb(self) -> tuple[int, int, int]:
        """The colour as numbers 0..255."""
        red, green, blue = bytes.fromhex(self.color[1:])
        return red, green, blue

    @property
    def dash(self) -> tuple[int, ...]:
        """How its lines are dashed: lengths on and off along a line that is 2 wide."""
        return dash_of(self.id)

    @classmethod
    def numbered(cls, obj: int) -> ObjectInfo:
        """With a name and a colour from its id."""
        return cls(obj, f"Object {obj}", color_of(obj))


@dataclass(frozen=True)
class ObjectClass:
    """A class that objects may have."""

    name: str
    color: str
    """``"#rrggbb"``."""


@dataclass(frozen=True)
class Candidate:
    """One mask of an ambiguous click."""

    mask: Mask
    iou: float
    """Predicted IoU, 0..1."""
    index: int
    """Among all that the model gives, of which implausible ones are not offered."""


@dataclass(frozen=True)
class Proposal:
    """A mask of something on a frame, which may become an object."""

    id: int
    """From 1, on its frame."""
    mask: Mask
    iou: float
    """Predicted IoU, 0..1."""
    stability: float
    """IoU of the masks of two thresholds, 0..1."""
    name: str = ""
    """What a detector found it to be, and the object is called then; "" where nobody said."""


@dataclass(frozen=True, slots=True)  # of which there may be millions
class Result:
    """The mask of one object on one frame."""

    mask: Mask
    """What is shown and exported."""
    score: float
    """Object-score logit: above 0 the object is judged visible."""
    iou: float
    """Predicted IoU, 0..1."""
    source: Source
    state: State = "fresh"
    corrected: Mask | None = None
    """On a prompted frame that was tracked before: the tracked mask that the prompts correct."""
    candidates: tuple[Candidate, ...] = ()
    """Where a single click is ambiguous: the masks that it may mean."""
    chosen: int = 0
    """Which of the candidates this is."""
    whole: Mask | None = None
    """All that the model said, where other objects have some of it."""
    logits: MaskLogits | None = field(default=None, repr=False, compare=False)
    """Where the model gave some: what decides between objects that claim the same pixel."""

    @property
    def answer(self) -> Mask:
        """All that the model said, also what other objects have now."""
        return self.whole or self.mask

    def in_state(self, state: State) -> Result:
        """The same in another state. It is `replace`, and three times as quick, of millions."""
        return Result(
            self.mask,
            self.score,
            self.iou,
            self.source,
            state,
            self.corrected,
            self.candidates,
            self.chosen,
            self.whole,
            self.logits,
        )

    def holding(self, mask: Mask) -> Result:
        """The same, left with this part of the answer."""
        return replace(self, mask=mask, whole=None if mask == self.answer else self.answer)


class FrameKeys(Set[tuple[int, int]]):
    """A set of (object id, frame), of which there may be millions.

    Parameters
    ----------
    by_object : frames by object id.
    """

    def __init__(self, by_object: Mapping[int, Set[int]]) -> None:
        self.by_object = {obj: frames for obj, frames in by_object.items() if frames}

    def __contains__(self, key: object) -> bool:
        return isinstance(key, tuple) and key[1] in self.by_object.get(key[0], ())

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return ((obj, frame) for obj, frames in self.by_object.items() for frame in frames)

    def __len__(self) -> int:
        return sum(map(len, self.by_object.values()))

    @classmethod
    def _from_iterable(cls, it: Iterable[T]) -> frozenset[T]:  # what `&`, `|` and the like give
        return frozenset(it)


@dataclass(frozen=True)
class Changed:
    """What an edit, an undo or a tracked frame has changed."""

    objects: bool
    """Whether the list of objects is another."""
    prompts: FrameKeys
    """(object id, frame) of each changed prompt set."""
    results: FrameKeys
    """(object id, frame) of each changed result."""
    proposals: frozenset[int] = frozenset()
    """Frames whose proposals are others."""


@dataclass(frozen=True)
class Tracked:
    """One step of a propagation."""

    frame: int
    reverse: bool
    done: int
    """Steps so far, this one included."""
    total: int
    """Steps in all, as it looks now: a correction on the way adds some."""


@dataclass(frozen=True)
class Timeline:
    """Where in the video an object has what; frames, and half-open runs of frames."""

    prompted: list[int]
    accepted: list[Run]
    rejected: list[Run]
    tracked: list[Run]
    """Tracked and not stale."""
    stale: list[Run]
