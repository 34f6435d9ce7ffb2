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

OnChange = Callable[[int, "Mapping[int, V | None]", "Mapping[int, V | None]"], None]
"""Called with object id, and by frame the values before and after; None where there is none."""

FEW_SHARE = 1 / 8
"""Of an object's frames: of fewer that change, each is noted in its timeline by itself."""


class FrameTable(MutableMapping[tuple[int, int], V]):
    """Values by (object id, frame).

    Parameters
    ----------
    on_change : called after each write of an object's values.
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

    def row(self, obj: int) -> Mapping[int, V]:
        """One object's values by frame, which are to be read only, and in the thread of writers."""
        return self._rows.get(obj, {})

    def of(self, obj: int) -> dict[int, V]:
        """A copy of one object's values, by frame. Any thread."""
        row = self._rows.get(obj)
        return {} if row is None else row.copy()

    def write_row(self, obj: int, values: Mapping[int, V | None]) -> None:
        """Set values of one object by frame, or delete them with None."""
        row = self._rows.setdefault(obj, {})
        before = {frame: row.get(frame) for frame in values} if self._on_change else {}
        kept = {frame: value for frame, value in values.items() if value is not None}
        row.update(kept)
        if len(kept) < len(values):
            for frame in values.keys() - kept.keys():
                row.pop(frame, None)
        if not row:
            del self._rows[obj]
        if self._on_change is not None:
            self._on_change(obj, before, values)

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
        self.write_row(key[0], {key[1]: value})

    def __delitem__(self, key: tuple[int, int]) -> None:
        if key not in self:
            raise KeyError(key)
        self.write_row(key[0], {key[1]: None})

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
        self.results: FrameTable[Result] = FrameTable(self._index_results)
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
            self._index_all(obj)

    def _index_prompts(
        self,
        obj: int,
        before: Mapping[int, PromptSet | None],
        after: Mapping[int, PromptSet | None],
    ) -> None:
        changed = [t for t, one in after.items() if (one is None) != (before[t] is None)]
        if self._are_many(obj, changed):
            self._index_all(obj)
            return
        results = self.results.row(obj)
        for t in changed:
            state = _state_of(results.get(t))
            self.timelines.set_prompted(obj, t, after[t] is not None, state)

    def _index_results(
        self, obj: int, before: Mapping[int, Result | None], after: Mapping[int, Result | None]
    ) -> None:
        states: dict[int, State | None] = {t: _state_of(one) for t, one in after.items()}
        changed = [t for t, state in states.items() if state != _state_of(before[t])]
        if self._are_many(obj, changed):
            self._index_all(obj)
            return
        for t in changed:
            self.timelines.set_state(obj, t, _state_of(before[t]), states[t])

    def _are_many(self, obj: int, frames: Sequence[int]) -> bool:
        """Whether an object's timeline is sooner made anew than changed on these frames."""
        return len(frames) > 1 and len(frames) > FEW_SHARE * len(self.results.row(obj))

    def _index_all(self, obj: int) -> None:
        states: dict[int, State] = {t: one.state for t, one in self.results.row(obj).items()}
        self.timelines.fill(obj, self.prompts.row(obj).keys(), states)


def _state_of(result: Result | None) -> State | None:
    return None if result is None else result.state
