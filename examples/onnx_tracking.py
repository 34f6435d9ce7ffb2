"""Track objects through a video by ONNX Runtime alone, without PyTorch.

    sam2widget export-onnx nano-onnx
    python examples/onnx_tracking.py nano-onnx dog.mp4 --click 320 180 --out masks.npz

`OnnxTracker` is short on purpose: what is here is all that a port to another language needs. It
goes forward only; frames attend to memories as SAM 2's do (Ravi et al. 2024, section 4).
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from PIL import Image

from sam2_backend import open_video

MAX_CONDITIONING = 8
"""Prompted frames that a frame attends to at most."""
REFINEMENT_CLAMP = 32.0
"""Logits that a mask is refined from stay within ± this."""

Floats = NDArray[np.float32]


@dataclass
class Entry:
    """One object on one frame."""

    logits_hw: Floats
    """(S/4, S/4)."""
    pointer_c: Floats
    memory_dhw: Floats


class OnnxTracker:
    """Prompts and tracks the objects of one video.

    Parameters
    ----------
    folder : that `sam2widget export-onnx` has written.
    frames : anything with a length that indexes to (H, W, 3) uint8 RGB.
    providers : of ONNX Runtime.
    """

    def __init__(
        self, folder: Path, frames: Any, providers: Sequence[str] = ("CPUExecutionProvider",)
    ) -> None:
        self.model: dict[str, Any] = json.loads((folder / "model.json").read_text())
        self.frames = frames
        self._sessions = {
            name: onnxruntime.InferenceSession(folder / one["file"], providers=list(providers))
            for name, one in self.model["files"].items()
        }
        self._features: tuple[int, dict[str, Any]] = (-1, {})
        self._prompts: dict[tuple[int, int], list[tuple[float, float, int]]] = defaultdict(list)
        self.conditioning: dict[int, dict[int, Entry]] = defaultdict(dict)
        """What was prompted, by object and frame."""
        self.tracked: dict[int, dict[int, Entry]] = defaultdict(dict)
        """What was tracked, by object and frame."""

    def click(
        self, frame: int, obj: int, points: Sequence[Sequence[float]], labels: Sequence[int]
    ) -> NDArray[np.bool_]:
        """Add clicks in pixels of the frame, and get the object's mask (H, W) there.

        Parameters
        ----------
        frame : that has not been tracked yet.
        obj : id of the object, new or known.
        points : (P, 2), x and y.
        labels : (P,) 1 on the object, 0 outside it.
        """
        prompts = self._prompts[frame, obj]
        height, width = self.frames[frame].shape[:2]
        size = self.model["image_size"]
        for (x, y), label in zip(points, labels, strict=True):
            prompts.append((x / width * size, y / height * size, label))
        earlier = self.conditioning[obj].get(frame)
        logits_n1hw = None
        if earlier is not None:
            clamped = earlier.logits_hw.clip(-REFINEMENT_CLAMP, REFINEMENT_CLAMP)
            logits_n1hw = clamped[None, None]
        embed = self._encode_image(frame)["image_embed"]
        decoded = self._decode(frame, embed, np.array(prompts, np.float32)[None], logits_n1hw)
        entry = self._select(frame, decoded, multimask=len(prompts) == 1, is_prompted=True)[0]
        self.conditioning[obj][frame] = entry
        return self._to_mask(frame, entry.logits_hw)

    def track(self, frame: int) -> dict[int, NDArray[np.bool_]]:
        """Track all objects onto a frame from those before it: (H, W) masks by object."""
        objects = [obj for obj in self.conditioning if frame not in self.conditioning[obj]]
        if objects:
            padding = np.full((len(objects), 1, 3), -1, np.float32)
            decoded = self._decode(frame, self._attend(frame, objects), padding, None)
            entries = self._select(frame, decoded, multimask=True, is_prompted=False)
            for obj, entry in zip(objects, entries, strict=True):
                self.tracked[obj][frame] = entry
                # Nothing that is farther back is attended to again.
                self.tracked[obj].pop(frame - self.model["max_pointers"], None)
        found = {obj: self.conditioning[obj].get(frame) for obj in self.conditioning}
        return {
            obj: self._to_mask(frame, (entry or self.tracked[obj][frame]).logits_hw)
            for obj, entry in found.items()
        }

    def _run(self, name: str, **inputs: Any) -> dict[str, Any]:
        outputs = self._sessions[name].run(None, inputs)
        return dict(zip(self.model["files"][name]["outputs"], outputs, strict=True))

    def _encode_image(self, frame: int) -> dict[str, Any]:
        if self._features[0] != frame:
            size, how = self.model["image_size"], self.model["preprocessing"]
            resized = Image.fromarray(self.frames[frame]).resize((size, size))
            rgb_hw3 = np.asarray(resized, np.float32) * how["scale"]
            pixels_hw3 = (rgb_hw3 - np.float32(how["mean"])) / np.float32(how["std"])
            pixels = np.ascontiguousarray(pixels_hw3.transpose(2, 0, 1)[None], np.float32)
            self._features = frame, self._run("image_encoder", pixels=pixels)
        return self._features[1]

    def _decode(
        self, frame: int, embed: Floats, prompts_np3: Floats, logits_n1hw: Floats | None
    ) -> dict[str, Any]:
        """Decode (N, P, 3) prompts (x, y, label), and (N, 1, S/4, S/4) logits if there are any."""
        features = self._encode_image(frame)
        n, side = len(prompts_np3), self.model["mask_size"]
        return self._run(
            "mask_decoder",
            image_embed=embed,
            high_res_feats_1=features["high_res_feats_1"],
            high_res_feats_0=features["high_res_feats_0"],
            point_coords=np.ascontiguousarray(prompts_np3[..., :2]),
            point_labels=prompts_np3[..., 2].astype(np.int64),
            mask_input=np.zeros((n, 1, side, side), np.float32)
            if logits_n1hw is None
            else logits_n1hw,
            has_mask_input=np.full(n, logits_n1hw is not None),
        )

    def _select(
        self, frame: int, decoded: dict[str, Any], *, multimask: bool, is_prompted: bool
    ) -> list[Entry]:
        """Select one of four masks for each object, and encode what is remembered of it."""
        ious_nm, scores_n1 = decoded["iou_predictions"], decoded["object_score_logits"]
        rows = np.arange(len(ious_nm))
        best = 1 + ious_nm[:, 1:].argmax(axis=1)
        chosen, token = (best, best) if multimask else (self._single(decoded, best), 0 * best)
        masks = decoded["masks"][rows, chosen][:, None]
        logits = np.where(scores_n1[..., None, None] > 0, masks, self.model["no_object_logit"])
        logits = logits.astype(np.float32)
        memories = self._run(
            "memory_encoder",
            image_features=self._encode_image(frame)["image_features"],
            mask_logits=logits,
            object_score_logits=scores_n1,
            is_prompted=np.full(len(rows), is_prompted),
        )["memories"]
        pointers = decoded["object_pointers"][rows, token]
        return [Entry(*one) for one in zip(logits[:, 0], pointers, memories, strict=True)]

    def _single(self, decoded: dict[str, Any], best: NDArray[np.int64]) -> NDArray[np.int64]:
        """Choose the single mask, 0, or the best of the others where it is unstable."""
        delta = self.model["stability_delta"]
        single = decoded["masks"][:, 0].reshape(len(best), -1)
        inner, outer = ((single > edge).sum(axis=1) for edge in (delta, -delta))
        stability = np.where(outer > 0, inner / np.maximum(outer, 1), 1.0)
        return np.where(stability >= self.model["stability_threshold"], 0, best)

    def _attend(self, frame: int, objects: Sequence[int]) -> Floats:
        """Condition a frame's features on the memories of N objects: (N, C, S/16, S/16)."""
        selected = [self._select_memories(frame, obj) for obj in objects]
        max_memories = max(len(memories) for memories, _ in selected)
        max_pointers = max(1, *(len(pointers) for _, pointers in selected))
        model, n = self.model, len(objects)
        cells = model["feature_size"]
        memories = np.zeros((n, max_memories, model["memory_dim"], cells, cells), np.float32)
        slots = np.zeros((n, max_memories), np.int64)
        memory_valid = np.zeros((n, max_memories), bool)
        pointers = np.zeros((n, max_pointers, model["hidden_dim"]), np.float32)
        distances = np.zeros((n, max_pointers), np.float32)
        pointer_valid = np.zeros((n, max_pointers), bool)
        max_distance = max(min(len(self.frames), model["max_pointers"]) - 1, 1)
        for row, (chosen, pointed) in enumerate(selected):
            for i, (slot, entry) in enumerate(chosen):
                memories[row, i], slots[row, i] = entry.memory_dhw, slot
            for i, (distance, entry) in enumerate(pointed):
                pointers[row, i], distances[row, i] = entry.pointer_c, distance / max_distance
            memory_valid[row, : len(chosen)] = True
            pointer_valid[row, : len(pointed)] = True
        return self._run(
            "memory_attention",
            image_features=self._encode_image(frame)["image_features"],
            memories=memories,
            memory_slots=slots,
            memory_valid=memory_valid,
            pointers=pointers,
            pointer_distances=distances,
            pointer_valid=pointer_valid,
        )["image_embed"]

    def _select_memories(
        self, frame: int, obj: int
    ) -> tuple[list[tuple[int, Entry]], list[tuple[int, Entry]]]:
        """Select memories with their temporal slots, and pointers with their distances."""
        conditioning, tracked = self.conditioning[obj], self.tracked[obj]
        nearest = sorted(conditioning, key=lambda t: abs(t - frame))[:MAX_CONDITIONING]
        memories = [(self.model["num_memories"] - 1, conditioning[t]) for t in nearest]
        pointers = [(frame - t, conditioning[t]) for t in nearest if t < frame]
        earlier = {**tracked, **{t: conditioning[t] for t in conditioning if t not in nearest}}
        for distance in range(self.model["max_pointers"] - 1, 0, -1):
            entry = earlier.get(frame - distance)
            if entry is not None:
                pointers.append((distance, entry))
                if distance <= self.model["tracked_memories"]:
                    memories.append((distance - 1, entry))
        return memories, pointers

    def _to_mask(self, frame: int, logits_hw: Floats) -> NDArray[np.bool_]:
        height, width = self.frames[frame].shape[:2]
        logits = Image.fromarray(logits_hw).resize((width, height), Image.Resampling.BILINEAR)
        return np.asarray(logits) > self.model["mask_threshold"]


def main() -> None:
    """Track what is clicked on the first frame, and write its masks."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("model", type=Path, help="the folder of sam2widget export-onnx")
    parser.add_argument("video")
    parser.add_argument(
        "--click",
        type=float,
        nargs=2,
        action="append",
        required=True,
        metavar=("X", "Y"),
        help="on the first frame, in pixels; several are one object",
    )
    parser.add_argument("--out", type=Path, default=Path("masks.npz"))
    arguments = parser.parse_args()
    tracker = OnnxTracker(arguments.model, open_video(arguments.video))
    tracker.click(0, 1, arguments.click, [1] * len(arguments.click))
    masks = [tracker.track(frame)[1] for frame in range(len(tracker.frames))]
    np.savez_compressed(arguments.out, masks_thw=np.stack(masks))
    print(f"{len(masks)} masks in {arguments.out}.")


if __name__ == "__main__":
    main()
