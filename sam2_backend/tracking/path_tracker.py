"""Tracking with a policy that chooses among the network's masks, along one path or several."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from numpy.typing import NDArray
from torch import Tensor

from ..network.mask_decoder import DecoderOutput
from .memory_bank import MemoryBank, MemoryEntry, make_entries
from .policies import CandidateMasks, DecidingPolicy, Decision, FrameRecord, TrackedPath
from .track_step import encode_memories

if TYPE_CHECKING:
    from .tracker import Tracker


class _Path(NamedTuple):
    bank: MemoryBank
    score: float


@dataclass
class _Course:
    """The paths of an object after a frame; the first is the one that the tracker knows."""

    frame: int
    reverse: bool
    edits: int
    paths: list[_Path]


class _Row(NamedTuple):
    """One path of an object on the current frame, and what the network predicts from it."""

    obj: int
    path: _Path
    output: DecoderOutput
    candidates: CandidateMasks


class PathTracker:
    """Tracks objects as a policy decides.

    Where tracking goes on from the frame before, an object has the paths of the last decision;
    where it begins anew, or anything was prompted since, only the best of them. Paths of all
    objects are one batch. The tracker's bank of an object is always that of its best path.

    Parameters
    ----------
    tracker : whose objects they are.
    policy : decides.
    """

    def __init__(self, tracker: Tracker, policy: DecidingPolicy) -> None:
        self._tracker = tracker
        self._policy = policy
        self._courses: dict[int, _Course] = {}

    def track(self, frame: int, objs: Iterable[int], *, reverse: bool) -> None:
        """Track objects onto a frame, and store them; see `Tracker.track`."""
        banks = self._tracker.banks
        self._courses = {obj: one for obj, one in self._courses.items() if obj in banks}
        starts: list[tuple[int, _Path]] = []
        for obj in objs:
            banks[obj].drop_corrected_spans()
            if frame in banks[obj].conditioning:
                self._courses.pop(obj, None)
            else:
                starts += [(obj, path) for path in self._paths(frame, obj, reverse=reverse)]
        if not starts:
            return
        self._write_missing_records(frame, [path.bank for _, path in starts], reverse=reverse)
        rows = self._predict(frame, starts, reverse=reverse)
        decided = {obj: self._decide(frame, own, reverse=reverse) for obj, own in rows.items()}
        entries = self._make_entries(decided)
        for rank in range(max(map(len, entries.values()))):
            self._remember(frame, entries, rank)
        for obj, choices in decided.items():
            self._store(frame, obj, choices, entries[obj], reverse=reverse)

    def _paths(self, frame: int, obj: int, *, reverse: bool) -> list[_Path]:
        """The paths that an object goes on with."""
        bank, course = self._tracker.banks[obj], self._courses.get(obj)
        if course is None or course.reverse != reverse or course.edits != bank.edits:
            return [_Path(bank, 0.0)]
        step = frame - course.frame if not reverse else course.frame - frame
        follows = step >= 1 if bank.skips_frames else step == 1
        return course.paths if follows and course.paths[0].bank is bank else [_Path(bank, 0.0)]

    def _write_missing_records(
        self, frame: int, banks: Sequence[MemoryBank], *, reverse: bool
    ) -> None:
        """Write down what policies want to know of prompts, and of masks that were restored."""
        missing = {
            id(entry): entry
            for bank in banks
            for entry in bank.entries_without_record(frame, reverse=reverse)
        }
        for entry in missing.values():
            logits = entry.require_logits()
            scores_c = torch.cat((entry.iou, entry.object_score[0])).float()
            masks_chw, numbers = _to_numpy(logits[0] > 0), _to_numpy(scores_c)
            whole = CandidateMasks(masks_chw, numbers[:1], 1.0)
            seen = whole.record(0)
            entry.record = FrameRecord(seen.iou, float(numbers[1]), seen.box, seen.area)

    def _predict(
        self, frame: int, starts: Sequence[tuple[int, _Path]], *, reverse: bool
    ) -> dict[int, list[_Row]]:
        """Let the network predict from each path; the rows of each object in their order."""
        rows: dict[int, list[_Row]] = {}
        tracker, model = self._tracker, self._tracker.model

        def predict(batch: Sequence[tuple[int, _Path]]) -> list[_Row]:
            chosen = [(path.bank, path.bank.select(frame, reverse=reverse)) for _, path in batch]
            tracker.encode_pending(chosen)
            features = tracker.frames.fetch(frame, reverse=reverse)
            with model.runtime.inference():
                conditioned = tracker.condition(features.s16, chosen)
                output = model.decode_tracked(conditioned, features.s8, features.s4)
                masks_nchw = _to_numpy(output.logits_nmhw[:, 1:] > 0)
                scores = (output.ious_nm[:, 1:], output.object_score_n1)
                scores_n4 = _to_numpy(torch.cat(scores, dim=1).float())
            outputs = zip(*(level.split(1) for level in output), strict=True)
            return [
                _Row(
                    *(obj, path, DecoderOutput(*row)),
                    CandidateMasks(masks_chw, scores_4[:3], float(scores_4[3])),
                )
                for (obj, path), row, masks_chw, scores_4 in zip(
                    batch, outputs, masks_nchw, scores_n4, strict=True
                )
            ]

        for batch in tracker.batcher.map(predict, starts):
            for row in batch:
                rows.setdefault(row.obj, []).append(row)
        return rows

    def _decide(
        self, frame: int, rows: Sequence[_Row], *, reverse: bool
    ) -> list[tuple[_Row, Decision]]:
        paths = [
            TrackedPath(
                row.path.bank.history(frame, reverse=reverse), row.candidates, row.path.score
            )
            for row in rows
        ]
        decisions = self._policy.decide(paths)
        offered = range(len(rows[0].candidates.ious_c))
        are_offered = all(
            one.path in range(len(rows)) and one.candidate in offered for one in decisions
        )
        if not decisions or not are_offered:
            raise ValueError(
                f"The memory policy {type(self._policy).__name__} chose no mask for frame {frame} "
                f"of those that are offered: paths 0 to {len(rows) - 1}, candidates 0 to "
                f"{offered[-1]}, got {list(decisions)!r}."
            )
        return [(rows[one.path], one) for one in decisions]

    def _make_entries(
        self, decided: dict[int, list[tuple[_Row, Decision]]]
    ) -> dict[int, list[MemoryEntry]]:
        """Make the entries of all decisions, whose memories are still to be encoded."""
        model = self._tracker.model
        choices = [choice for own in decided.values() for choice in own]

        def select(batch: Sequence[tuple[_Row, Decision]]) -> list[MemoryEntry]:
            parts = zip(*(row.output for row, _ in batch), strict=True)
            candidate_n = torch.tensor([one.candidate for _, one in batch], device=model.device)
            with model.runtime.inference():
                output = DecoderOutput(*map(torch.cat, parts))
                selected = model.select_mask(output, multimask=True, candidate=candidate_n)
                return make_entries(selected)

        made = [entry for batch in self._tracker.batcher.map(select, choices) for entry in batch]
        for entry, (_, one) in zip(made, choices, strict=True):
            entry.record = one.record
        rest = iter(made)
        return {obj: [next(rest) for _ in own] for obj, own in decided.items()}

    def _remember(self, frame: int, entries: dict[int, list[MemoryEntry]], rank: int) -> None:
        """Encode the memories of the paths of one rank: beside the best of other objects."""
        tracker, model = self._tracker, self._tracker.model
        objs = [obj for obj, own in entries.items() if rank < len(own)]
        logits = {obj: entries[obj][rank].require_logits() for obj in objs}
        if tracker.exclusive_memory:
            best = {obj: own[0].require_logits() for obj, own in entries.items()}
            if rank:
                logits = {
                    obj: tracker.exclusive_logits(frame, {**best, obj: own})[obj]
                    for obj, own in logits.items()
                }
            else:
                logits = tracker.exclusive_logits(frame, best)

        def encode(batch: Sequence[int]) -> None:
            own = [entries[obj][rank] for obj in batch]
            with model.runtime.inference():
                memories = encode_memories(
                    *(model, tracker.frames[frame].s16),
                    torch.cat([logits[obj] for obj in batch]),
                    torch.cat([entry.object_score for entry in own]),
                    binarize=False,
                )
            for entry, memory in zip(own, memories.split(1), strict=True):
                entry.memory = memory

        for _ in tracker.batcher.map(encode, objs):
            pass

    def _store(
        self,
        frame: int,
        obj: int,
        choices: Sequence[tuple[_Row, Decision]],
        entries: Sequence[MemoryEntry],
        *,
        reverse: bool,
    ) -> None:
        """Let each decision's path go on with its entry."""
        paths: list[_Path] = []
        for (row, one), entry in zip(choices, entries, strict=True):
            bank = row.path.bank if len(choices) == 1 else row.path.bank.fork()
            paths.append(_Path(bank, one.score))
            bank.track(frame, entry, reverse=reverse)
        best = paths[0].bank
        self._tracker.banks[obj] = best
        self._courses[obj] = _Course(frame, reverse, best.edits, paths)


def _to_numpy(tensor: Tensor) -> NDArray[Any]:
    return tensor.cpu().numpy()
