"""SAM 3 of transformers, which finds what a text names in a video, as a `VideoDetector`."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

from sam2_backend.video import Video

from ..hugging_face.frames import LazyFrames
from ..hugging_face.hub import find_class
from ..hugging_face.kinds import kind_of
from .detector import Detection
from .video_detector import FrameDetections


class Sam3VideoDetector:
    """A SAM 3 model for videos.

    Frames are read one at a time, and of those that are past only what later ones attend to is
    kept. What was found is told some frames late, as the model has it (`hotstart_delay` of its
    configuration): what turns out to be nothing until then is not told.

    Parameters
    ----------
    model : a `Sam3VideoModel`, on its device.
    processor : a `Sam3VideoProcessor`.
    name : to show; the model's own if "".
    """

    def __init__(self, model: Any, processor: Any, *, name: str = "") -> None:
        self.model: Any = model.eval().requires_grad_(False)
        self._processor = processor
        self.name: str = name or model.config.name_or_path or "SAM 3"

    def detect_video(self, video: Video, text: str) -> Iterator[FrameDetections | None]:
        """Find all instances of what a text names, on one frame after the other."""
        session = self._new_session(video)
        self._processor.add_text_prompt(session, text)
        delay = max(int(self.model.hotstart_delay), 1)
        waiting: deque[Any] = deque()
        for frame in range(len(video)):
            output = self.model(session, frame_idx=frame)
            session.hotstart_removed_obj_ids.update(output.removed_obj_ids)
            _drop_past(session, self.model.tracker_model.config, frame)
            waiting.append(output)
            # The library tells the first frame once `delay` of them are computed, then one each.
            yield self._told(session, waiting.popleft(), text) if len(waiting) >= delay else None
        while waiting:
            yield self._told(session, waiting.popleft(), text)

    def _new_session(self, video: Video) -> Any:
        kind, config = kind_of("sam3_video"), self.model.tracker_model.config
        session = find_class("Sam3VideoInferenceSession")(
            video_height=video.height,
            video_width=video.width,
            inference_device=self.model.device,
            inference_state_device=self.model.device,
            dtype=self.model.dtype,
        )
        session.processed_frames = LazyFrames(video, kind.side_of(config), kind.mean, kind.std)
        return session

    def _told(self, session: Any, output: Any, text: str) -> FrameDetections:
        found = self._processor.postprocess_outputs(session, output)
        masks_nhw = found["masks"].cpu().numpy().astype(bool)
        return FrameDetections(
            output.frame_idx,
            {
                number: Detection(text, min(max(score, 0.0), 1.0), mask_hw=mask_hw)
                for number, score, mask_hw in zip(
                    found["object_ids"].tolist(), found["scores"].tolist(), masks_nhw, strict=True
                )
            },
        )


def _drop_past(session: Any, config: Any, frame: int) -> None:
    """Drop what no frame after this one attends to: the library keeps all frames of all objects."""
    memory_reach = config.num_maskmem - 1
    reach = max(memory_reach, config.max_object_pointers_in_encoder - 1)
    for outputs in session.output_dict_per_obj.values():
        tracked, prompted = outputs["non_cond_frame_outputs"], outputs["cond_frame_outputs"]
        for t in list(tracked):
            if frame + 1 - t > reach:
                del tracked[t]
            elif frame + 1 - t > memory_reach:
                tracked[t] = {"object_pointer": tracked[t]["object_pointer"]}
        for entry in (*tracked.values(), *prompted.values()):
            entry.pop("high_res_masks", None)
        if config.max_cond_frame_num > 0:
            # All that is told of these again is their pointers.
            for t in sorted(prompted)[: -config.max_cond_frame_num]:
                if frame + 1 - t > memory_reach:
                    prompted[t] = {"object_pointer": prompted[t]["object_pointer"]}
