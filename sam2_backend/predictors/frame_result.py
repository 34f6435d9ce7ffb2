"""What a video predictor returns for a frame, and how it is made of memory entries."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property, partial
from typing import Any, NamedTuple, NoReturn, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..arguments import UnknownObjectError, as_plain_id, list_ids
from ..masks.postprocessing import MaskCleaner
from ..network.mask_decoder import DecoderOutput
from ..network.transforms import logits_to_masks
from ..tracking.memory_bank import MemoryEntry
from ..tracking.tracker import Tracker
from .packed_masks import PackedMasks
from .prompt_store import PromptStore
from .prompts import NO_CLICKS, Clicks, ModelPrompts

V = TypeVar("V")


class Candidates(NamedTuple):
    """The masks that an ambiguous click may mean."""

    masks_nhw: NDArray[np.bool_]
    """(3, H, W) in pixels of the frame."""
    ious: tuple[float, ...]
    """Predicted IoU of each, 0..1."""
    chosen: int
    """Index of the one that is the result: the best unless another was asked for."""


@dataclass(frozen=True)
class FrameResult:
    """Masks of some objects on one frame; each mapping is by object id.

    On a GPU they may still be computed: whoever asks for a value first waits for it. To keep the
    GPU busy ask for a frame's values when the next has been tracked.
    """

    frame: int
    """Zero-based index."""
    masks: Mapping[int, NDArray[np.bool_]] = field(default_factory=dict)
    """(H, W) bool, in pixels of the frame."""
    scores: Mapping[int, float] = field(default_factory=dict)
    """Object-score logits; above 0 the object is judged visible."""
    ious: Mapping[int, float] = field(default_factory=dict)
    """Predicted IoU of the mask, 0..1."""
    logits: Mapping[int, NDArray[np.float32]] = field(default_factory=dict)
    """(S/4, S/4) mask logits, before they are resized and cut at 0, and masks are cleaned. They
    are copied off a GPU where one is asked for, all objects' at once; with the masks where the
    predictor's `fetch_logits` is on."""
    candidates: dict[int, Candidates] = field(default_factory=lambda: CandidatesByObject())
    """Where the prompt is a single click: all masks that it may mean."""


def explain_missing(obj: object, known: Iterable[int]) -> str:
    """Say in a sentence that a result has nothing of an object, and of which it has."""
    return (
        f"There is nothing of an object {as_plain_id(obj)!r} here. "
        f"Objects: {list_ids(known) or 'none'}."
    )


class CandidatesByObject(dict[int, Candidates]):
    """Candidates by object id."""

    def __missing__(self, obj: object) -> NoReturn:
        raise UnknownObjectError(
            f"{explain_missing(obj, self)} Candidates are those of a single click."
        )


class _Later(Mapping[int, V]):
    """A mapping whose keys are known, and whose values are loaded when the first is asked for."""

    def __init__(self, keys: Sequence[int], load: Callable[[], Mapping[int, V]]) -> None:
        self._keys = dict.fromkeys(keys)
        self._load = load

    @cached_property
    def _values(self) -> Mapping[int, V]:
        return self._load()

    def __getitem__(self, key: int) -> V:
        if key not in self._keys:
            raise UnknownObjectError(explain_missing(key, self._keys))
        return self._values[key]

    def __contains__(self, key: object) -> bool:
        return key in self._keys

    def __iter__(self) -> Iterator[int]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)

    def __repr__(self) -> str:
        return repr(dict(self))

    def __reduce__(self) -> Any:
        return dict, (dict(self),)


class _Loaded(NamedTuple):
    masks: dict[int, NDArray[np.bool_]]
    scores: dict[int, float]
    ious: dict[int, float]
    logits: dict[int, NDArray[np.float32]]
    """Of those that came with the masks."""


class ResultBuilder:
    """Makes results of memory entries: resized, cleaned, exclusive where so wished.

    Parameters
    ----------
    tracker : whose entries they are.
    prompts : of the video; what was clicked is not cleaned away.
    cleaner : removes small components and holes.
    non_overlapping : whether masks of different objects on a frame exclude each other.
    fetch_logits : whether logits are brought to the host with the masks.
    """

    def __init__(
        self,
        tracker: Tracker,
        prompts: PromptStore,
        cleaner: MaskCleaner,
        *,
        non_overlapping: bool,
        fetch_logits: bool,
    ) -> None:
        self._tracker = tracker
        self._prompts = prompts
        self.cleaner = cleaner
        self.non_overlapping = non_overlapping
        self._fetch_logits = fetch_logits

    def build_stored(self, frame: int, objs: Iterable[int]) -> FrameResult:
        """Make the result of what memory holds of some objects on a frame."""
        entries = self._tracker.entries(frame, objs)
        return self.build(frame, entries, {obj: self._prompts.find(frame, obj) for obj in entries})

    def build(
        self,
        frame: int,
        entries: Mapping[int, MemoryEntry],
        prompts: Mapping[int, ModelPrompts | None],
    ) -> FrameResult:
        """Make the result of some entries of a frame.

        Parameters
        ----------
        frame : zero-based index.
        entries : by object.
        prompts : by object; None where there are none.
        """
        clicks = {obj: self._clicks_px(frame, prompts[obj]) for obj in entries}
        tracker, size_hw = self._tracker, self._tracker.frames.size_of(frame)
        logits = {obj: entry.require_logits() for obj, entry in entries.items()}
        if self.non_overlapping:
            logits = tracker.exclusive_logits(frame, logits)
        parts: list[tuple[Sequence[int], PackedMasks]] = []

        def pack(objs: Sequence[int]) -> None:
            with tracker.model.runtime.inference():
                packed = PackedMasks(
                    torch.cat([logits[obj] for obj in objs]),
                    torch.cat([entries[obj].object_score[:, 0] for obj in objs]),
                    torch.cat([entries[obj].iou for obj in objs]),
                    size_hw,
                    has_logits=self._fetch_logits,
                )
            parts.append((objs, packed))

        objs = list(entries)
        for _ in tracker.batcher.map(pack, objs):
            pass
        others = logits if self.non_overlapping and self.cleaner.fill_holes else {}
        load = cache(partial(self._load, parts, clicks, others, size_hw))
        own_logits = [] if self._fetch_logits else [logits[obj] for obj in objs]

        def load_logits() -> Mapping[int, NDArray[np.float32]]:
            if self._fetch_logits:
                return load().logits
            return dict(zip(objs, _to_numpy(own_logits), strict=True))

        return FrameResult(
            frame,
            _Later(objs, lambda: load().masks),
            _Later(objs, lambda: load().scores),
            _Later(objs, lambda: load().ious),
            _Later(objs, load_logits),
        )

    def _load(
        self,
        parts: Sequence[tuple[Sequence[int], PackedMasks]],
        clicks: Mapping[int, Clicks],
        exclusive: Mapping[int, Tensor],
        size_hw: tuple[int, int],
    ) -> _Loaded:
        """Wait for masks and scores, and clean the masks.

        Parameters
        ----------
        exclusive : logits of all objects where filled holes may belong to another.
        """
        loaded = _Loaded({}, {}, {}, {})
        for objs, packed in parts:
            masks_nhw, scores_n2, logits_nhw = packed.load()
            if logits_nhw is not None:
                loaded.logits.update(zip(objs, logits_nhw, strict=True))
            for obj, mask_hw, (score, iou) in zip(objs, masks_nhw, scores_n2.tolist(), strict=True):
                loaded.masks[obj] = self.cleaner.clean(mask_hw, *clicks[obj])
                loaded.scores[obj], loaded.ious[obj] = score, iou
        if exclusive:
            _restore_filled_holes(loaded.masks, exclusive, size_hw)
        return loaded

    def build_candidates(
        self,
        frame: int,
        obj: int,
        output: DecoderOutput,
        prompts: ModelPrompts,
        candidate: int | None,
    ) -> Candidates:
        """Make the candidates of one object of a decoder's output.

        Parameters
        ----------
        frame, obj : of the click.
        output : of one prompt set.
        prompts : the click.
        candidate : the one that was asked for, 0 to 2; None for the best.
        """
        # Also where masks may overlap: what another object has more of is not offered.
        logits_n1hw = torch.cat(
            [
                self._tracker.exclusive_logits(frame, {obj: logits_hw[None, None].float()})[obj]
                for logits_hw in output.logits_nmhw[0, 1:]
            ]
        )
        masks = logits_to_masks(logits_n1hw, self._tracker.frames.size_of(frame))
        clicks = self._clicks_px(frame, prompts)
        masks_nhw = np.stack([self.cleaner.clean(mask_hw, *clicks) for mask_hw in masks])
        ious = output.ious_nm[0, 1:].float()
        chosen = int(ious.argmax()) if candidate is None else candidate
        return Candidates(masks_nhw, tuple(ious.tolist()), chosen)

    def _clicks_px(self, frame: int, prompts: ModelPrompts | None) -> Clicks:
        """Clicks in pixels of the frame; none where nothing is cleaned, which needs no copy."""
        if prompts is None or not self.cleaner:
            return NO_CLICKS
        return self._prompts.clicks_px(frame, prompts)


def _restore_filled_holes(
    masks: dict[int, NDArray[np.bool_]], exclusive: Mapping[int, Tensor], size_hw: tuple[int, int]
) -> None:
    """Undo the filling of holes where the pixels belong to another object."""
    taken_hw = np.zeros(size_hw, np.bool_)
    filled: dict[int, NDArray[np.bool_]] = {}
    for obj, logits in exclusive.items():
        mask_hw = logits_to_masks(logits, size_hw)[0]
        taken_hw |= mask_hw
        if obj in masks:
            filled[obj] = masks[obj] & ~mask_hw
    for obj, filled_hw in filled.items():
        masks[obj] = masks[obj] & ~(filled_hw & taken_hw)
        taken_hw |= filled_hw


def _to_numpy(logits: Sequence[Tensor]) -> NDArray[np.float32]:
    """Copy (1, 1, h, w) logits of N objects to the host at once: (N, h, w)."""
    if not logits:
        return np.zeros((0, 0, 0), np.float32)
    return torch.cat(list(logits))[:, 0].cpu().numpy()
