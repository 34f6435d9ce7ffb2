"""The tables of a session, by object and frame."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from typing import Any, TypeVar, overload

from sam2_backend.video import Kind

from ..models.segmenter import PromptSet
from .records import ColorBy, ObjectClass, ObjectInfo, Proposal, Result, State
from .timeline import TimelineIndex

V = TypeVar("V")
D = TypeVar("D")

OnChange = Callable[[int, int, "V | None", "V | None"], None]
"""Called with object id, frame, and the values before and after; None where there is none."""


class FrameTable(MutableMapping[tuple[int, int], V]):
    """Values by (object id, frame).

    Parameters
    ----------
    on_change : called after each write.
    rows : values to begin with, by object id, then by frame.
    """

    def __init__(
        self, on_change: OnChange[V] | None = None, rows: dict[int, dict[int, V]] | None = None
    ) -> None:
        self._rows = {} if rows is None else rows
        self._on_change = on_change

    @classmethod
    def of_mapping(cls, values: Mapping[tuple[int, int], V]) -> FrameTable[V]:
        """The values by (object id, frame) as a table: the same where they are one."""
        if isinstance(values, FrameTable):
            return values
        rows: dict[int, dict[int, V]] = {}
        for (obj, frame), value in values.items():
            rows.setdefault(obj, {})[frame] = value
        return cls(rows=rows)

    def fill(self, values: Mapping[tuple[int, int], V]) -> None:
        """Take over values, in a table that is still empty. Nothing is called."""
        self._rows.update(FrameTable.of_mapping(values).copy().rows())

    def rows(self) -> list[tuple[int, dict[int, V]]]:
        """Object ids, ascending, and the values of each by frame, which are to be read only."""
        return sorted(self._rows.copy().items())

    def of(self, obj: int) -> dict[int, V]:
        """A copy of one object's values, by frame."""
        row = self._rows.get(obj)
        return {} if row is None else row.copy()

    def copy(self) -> FrameTable[V]:
        """A copy that calls nothing, soon made also of millions of values. Any thread."""
        return FrameTable(rows={obj: row.copy() for obj, row in self._rows.copy().items()})

    def to_dict(self) -> dict[tuple[int, int], V]:
        """A copy of all values, by (object id, frame). Any thread."""
        rows = self._rows.copy().items()
        return {(obj, frame): one for obj, row in rows for frame, one in row.copy().items()}

    @overload
    def get(self, key: tuple[int, int], default: None = None, /) -> V | None: ...
    @overload
    def get(self, key: tuple[int, int], default: V, /) -> V: ...
    @overload
    def get(self, key: tuple[int, int], default: D, /) -> V | D: ...
    def get(self, key: tuple[int, int], default: D | None = None, /) -> V | D | None:
        """The value of an object on a frame, or else the default."""
        row = self._rows.get(key[0])
        return default if row is None else row.get(key[1], default)

    def __getitem__(self, key: tuple[int, int]) -> V:
        return self._rows[key[0]][key[1]]

    def __setitem__(self, key: tuple[int, int], value: V) -> None:
        obj, frame = key
        row = self._rows.setdefault(obj, {})
        before = row.get(frame)
        row[frame] = value
        if self._on_change is not None:
            self._on_change(obj, frame, before, value)

    def __delitem__(self, key: tuple[int, int]) -> None:
        obj, frame = key
        row = self._rows[obj]
        before = row.pop(frame)
        if not row:
            del self._rows[obj]
        if self._on_change is not None:
            self._on_change(obj, frame, before, None)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return ((obj, frame) for obj, row in self._rows.items() for frame in row)

    def __len__(self) -> int:
        return sum(len(row) for row in self._rows.values())


class SessionTables:
    """All that is known of one video: its size, and what was done to it.

    Parameters
    ----------
    num_frames : length of the video.
    height, width : of its frames in pixels.
    kind : "video", or "images" for frames that have nothing to do with each other.
    sizes_hw : (H, W) of each frame where they differ.
    non_overlapping : whether masks of different objects on a frame exclude each other.
    is_windowed : whether the frame is a picture so large that a model sees windows of it, and no
        array is made of its masks.
    """

    def __init__(
        self,
        num_frames: int,
        height: int,
        width: int,
        *,
        kind: Kind = "video",
        sizes_hw: Sequence[tuple[int, int]] | None = None,
        non_overlapping: bool = True,
        is_windowed: bool = False,
    ) -> None:
        self.is_windowed = is_windowed
        self.num_frames = num_frames
        self.height = height
        self.width = width
        self.kind: Kind = kind
        self.sizes_hw = sizes_hw
        self.objects: dict[int, ObjectInfo] = {}
        self.prompts: FrameTable[PromptSet] = FrameTable(self._index_prompts)
        self.results: FrameTable[Result] = FrameTable(self._index_result)
        self.proposals: dict[int, tuple[Proposal, ...]] = {}
        self.settings: dict[str, bool] = {"non_overlapping": non_overlapping}
        self.classes: dict[int, ObjectClass] = {}
        """By index, from 0, in the order in which they are exported."""
        self.current_class = ""
        """The class that new objects get."""
        self.color_by: ColorBy = "object"
        self.timelines = TimelineIndex()
        """Follows prompts and results."""

    def by_name(self) -> dict[str, MutableMapping[Any, Any]]:
        """The tables that undo knows."""
        return {
            "objects": self.objects,
            "prompts": self.prompts,
            "results": self.results,
            "proposals": self.proposals,
            "settings": self.settings,
            "classes": self.classes,
        }

    def fill(
        self,
        prompts: Mapping[tuple[int, int], PromptSet],
        results: Mapping[tuple[int, int], Result],
    ) -> None:
        """Take over prompts and results by (object id, frame), where there are none yet."""
        self.prompts.fill(prompts)
        self.results.fill(results)
        for obj in {obj for table in (self.prompts, self.results) for obj, _ in table.rows()}:
            states: dict[int, State] = {
                frame: one.state for frame, one in self.results.of(obj).items()
            }
            self.timelines.fill(obj, self.prompts.of(obj), states)

    def _index_prompts(
        self, obj: int, frame: int, before: PromptSet | None, after: PromptSet | None
    ) -> None:
        if (before is None) == (after is None):
            return
        result = self.results.get((obj, frame))
        state = None if result is None else result.state
        self.timelines.set_prompted(obj, frame, after is not None, state)

    def _index_result(
        self, obj: int, frame: int, before: Result | None, after: Result | None
    ) -> None:
        state_before = None if before is None else before.state
        state_after = None if after is None else after.state
        if state_before != state_after:
            self.timelines.set_state(obj, frame, state_before, state_after)
