"""The memory of one object in one of transformers' video models.

Each object has an inference session of its own: the library's cannot remove an object, and tracks
all that it has. What it keeps by frame is moved and dropped here as SAM 2's memory wants it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from torch import Tensor

from sam2_backend.tracking.stale import find_stale

from .decoder_hooks import watch_decoder

REFINEMENT_CLAMP = 32.0
"""Logits handed back for refinement stay within ± this (official predictors)."""
_OBJ, _INDEX = 1, 0
"""Id and index of the only object of an inference session."""


class Answer(NamedTuple):
    """What a model says of an object on a frame."""

    logits_11hw: Tensor
    """(1, 1, h, w) mask logits."""
    score: float
    """Object-score logit."""
    iou: float
    """Predicted IoU, 0..1."""
    candidate_logits_mhw: Tensor | None
    """(M, h, w) of the masks that an ambiguous click may mean; None where it is not."""
    candidate_ious: tuple[float, ...]
    chosen: int


class ObjectMemory:
    """Prompted and tracked frames of one object.

    Parameters
    ----------
    model : one of transformers' video segmentation models.
    new_session : makes an empty inference session of the video.
    """

    def __init__(self, model: Any, new_session: Callable[[], Any]) -> None:
        self._model = model
        self._new_session = new_session
        self._session = new_session()
        self._session.obj_id_to_idx(_OBJ)
        self._passes: dict[int, bool] = {}
        """Whether the last pass over a frame that was tracked went backward."""
        self._corrected: set[int] = set()

    @property
    def conditioning(self) -> dict[int, dict[str, Any]]:
        """What is kept of prompted frames."""
        return self._session.output_dict_per_obj[_INDEX]["cond_frame_outputs"]

    @property
    def tracked(self) -> dict[int, dict[str, Any]]:
        """What is kept of tracked frames that are near enough to be attended to again."""
        return self._session.output_dict_per_obj[_INDEX]["non_cond_frame_outputs"]

    def copy(self) -> ObjectMemory:
        """The same memory, to try something on."""
        other = ObjectMemory(self._model, self._new_session)
        other.conditioning.update(self.conditioning)
        other.tracked.update(self.tracked)
        other._passes = dict(self._passes)
        return other

    def add_points(
        self,
        frame: int,
        points_p2: Tensor,
        labels_p: Tensor,
        *,
        candidate: int | None = None,
        remember: bool = True,
    ) -> Answer:
        """Answer clicks, and make the frame a conditioning one, also when it was tracked before.

        Parameters
        ----------
        frame : zero-based index.
        points_p2 : (P, 2) in pixels of the network's input: all there are, a box first.
        labels_p : (P,) 1 on the object, 0 outside it, 2 and 3 the corners of a box.
        candidate : of a single click, the mask to take; the best if None.
        remember : whether tracking will need it.
        """
        before = self.conditioning.pop(frame, None) or self.tracked.get(frame)
        logits = None if before is None else before.get("pred_masks")
        if logits is not None:
            logits = logits.clamp(-REFINEMENT_CLAMP, REFINEMENT_CLAMP)
        prompt = {"point_coords": points_p2[None, None], "point_labels": labels_p[None, None]}
        self._session.add_point_inputs(_INDEX, frame, prompt)
        return self._prompt(frame, logits, candidate, remember)

    def add_mask(self, frame: int, mask_11ss: Tensor) -> Answer:
        """Take a (1, 1, S, S) mask, 0 or 1, for the answer on a frame, a conditioning one now."""
        self.conditioning.pop(frame, None)
        self._session.add_mask_inputs(_INDEX, frame, mask_11ss)
        answer = self._prompt(frame, None, None, True)
        # The decoder ran for the object pointer alone.
        self.conditioning[frame]["iou"] = 1.0
        return answer._replace(iou=1.0, candidate_logits_mhw=None)

    def restore(self, frame: int, mask_11ss: Tensor) -> None:
        """Put a known mask back as a tracked one, if the frame is not there."""
        self._drop_corrected_spans()
        if frame in self.conditioning or frame in self.tracked:
            return
        reverse = self._passes.pop(frame, False)
        self.add_mask(frame, mask_11ss)
        self._corrected.clear()
        self._passes[frame] = reverse
        self.tracked[frame] = self.conditioning.pop(frame)

    def track(self, frame: int, *, reverse: bool) -> Answer:
        """Track the object onto a frame; a prompted one gives the mask of its prompts.

        Raises
        ------
        ValueError
            When the object has no prompts.
        """
        self._check_prompted()
        self._drop_corrected_spans()
        answer = self._run(frame, reverse=reverse)
        self._session.frames_tracked_per_obj[_INDEX] = {}
        if frame not in self.conditioning:
            self._passes[frame] = reverse
            self._prune(frame)
        return answer

    def begin_track(self, frame: int) -> Any:
        """Return the inference session to track the object onto an unprompted frame with.

        What is found then goes to `end_track`. See `track`.
        """
        self._check_prompted()
        self._drop_corrected_spans()
        self._drop_unusable(frame)
        return self._session

    def end_track(self, frame: int, entry: dict[str, Any], *, reverse: bool) -> Answer:
        """Remember what was found on a frame; see `begin_track`."""
        self.tracked[frame] = entry
        self._passes[frame] = reverse
        self._prune(frame)
        return _answer(entry)

    def forget(self, frame: int) -> None:
        """Drop all there is of one frame."""
        self.conditioning.pop(frame, None)
        self.tracked.pop(frame, None)
        self._passes.pop(frame, None)
        self._corrected.discard(frame)

    def _prompt(
        self, frame: int, logits: Tensor | None, candidate: int | None, remember: bool
    ) -> Answer:
        """Run on inputs that the session has now; the frame is none of its conditioning ones."""
        session = self._session
        # A frame that was tracked is answered from memory, as long as there is one to attend to.
        was_tracked = frame in self._passes and bool(self.conditioning)
        session.frames_tracked_per_obj[_INDEX] = {frame: {}} if was_tracked else {}
        session.obj_with_new_inputs = [_OBJ]
        try:
            answer = self._run(
                frame,
                reverse=self._passes.get(frame, False),
                logits=logits,
                candidate=candidate,
                remember=remember,
            )
        finally:
            session.obj_with_new_inputs = []
            session.frames_tracked_per_obj[_INDEX] = {}
            session.remove_point_inputs(_INDEX, frame)
            session.remove_mask_inputs(_INDEX, frame)
        # The library stores a correction as a tracked frame, which a later pass would overwrite.
        entry = self.tracked.pop(frame, None)
        if was_tracked and entry is not None:
            self.conditioning[frame] = entry
        self._corrected.add(frame)
        return answer

    def _run(
        self,
        frame: int,
        *,
        reverse: bool,
        logits: Tensor | None = None,
        candidate: int | None = None,
        remember: bool = True,
    ) -> Answer:
        self._drop_unusable(frame)
        with watch_decoder(self._model, logits_11hw=logits, candidate=candidate) as run:
            self._model(self._session, frame_idx=frame, reverse=reverse, run_mem_encoder=remember)
        entry = self.conditioning.get(frame) or self.tracked[frame]
        entry.pop("high_res_masks", None)  # only the memory encoder needed it
        if run.ious_m is not None:
            entry["iou"] = run.ious_m[run.chosen]
        ious = () if run.ious_m is None else tuple(run.ious_m.float().tolist())
        return _answer(entry)._replace(
            candidate_logits_mhw=run.logits_mhw if len(ious) > 1 else None,
            candidate_ious=ious,
            chosen=run.chosen,
        )

    def _check_prompted(self) -> None:
        if not self.conditioning:
            raise ValueError("An object without prompts cannot be tracked.")

    def _drop_unusable(self, frame: int) -> None:
        """Drop tracked frames without a memory map that this frame would attend to."""
        near = self._model.config.num_maskmem
        for t in range(frame - near + 1, frame + near):
            if t != frame and t in self.tracked and "maskmem_features" not in self.tracked[t]:
                del self.tracked[t]

    def _drop_corrected_spans(self) -> None:
        """Drop tracked frames that a prompt since the last pass has made stale.

        These are the frames from each prompted one outwards to the next one.
        """
        corrected = self._corrected & self.conditioning.keys()
        for stale in find_stale(self.tracked, self.conditioning, corrected):
            del self.tracked[stale]
        self._corrected.clear()

    def _prune(self, frame: int) -> None:
        """Drop what no pass from this frame, or from a prompted one, attends to."""
        config = self._model.config
        anchors = (*self.conditioning, frame)
        memory_reach = config.num_maskmem - 1
        reach = max(memory_reach, config.max_object_pointers_in_encoder - 1)
        for t in list(self.tracked):
            distance = min(abs(t - anchor) for anchor in anchors)
            if distance > reach:
                del self.tracked[t]
            elif distance > memory_reach:
                kept = self.tracked[t]
                self.tracked[t] = {"object_pointer": kept["object_pointer"]}


def _answer(entry: dict[str, Any]) -> Answer:
    """What is kept of a frame as an answer without candidates."""
    score = float(entry["object_score_logits"].reshape(-1)[0])
    return Answer(entry["pred_masks"].float(), score, float(entry["iou"]), None, (), 0)
