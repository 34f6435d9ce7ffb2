"""SAM 3 of transformers finds through a video what its own loop finds, and keeps less of it."""

from __future__ import annotations

import sys
import types
from pathlib import Path

import numpy as np
import pytest
import torch

from sam2_backend.video import open_video
from sam2widget import Detection, SessionError, VideoDetector
from sam2widget.models.detection.registry import load_detector
from sam2widget.models.detection.sam3 import Sam3Detector
from sam2widget.models.detection.sam3_video import Sam3VideoDetector
from sam2widget.models.hugging_face.frames import LazyFrames
from sam2widget.models.hugging_face.kinds import kind_of
from tests.parity.scene import drifting_texture
from tests.support import hugging_face

HEIGHT, WIDTH, FRAMES = 60, 80, 26
VIDEO = open_video(np.stack(drifting_texture(FRAMES, HEIGHT, WIDTH)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    hugging_face.need_transformers()
    folder = tmp_path_factory.mktemp("sam3_video")
    hugging_face.save_sam3_video(folder)
    return folder


@pytest.fixture(scope="module")
def detector(folder) -> Sam3Detector:
    detector = load_detector(f"sam3:{folder}", "cpu", lambda text: None)
    assert isinstance(detector, Sam3Detector) and isinstance(detector, VideoDetector)
    return detector


def test_it_finds_what_the_library_finds(folder):
    from transformers import Sam3VideoModel, Sam3VideoProcessor

    model = Sam3VideoModel.from_pretrained(folder).eval()
    model.recondition_every_nth_frame = 4  # so that there are conditioning frames to drop
    model.high_conf_thresh = model.high_iou_thresh = 0.0
    processor = Sam3VideoProcessor.from_pretrained(folder)
    kind = kind_of("sam3_video")
    frames = LazyFrames(VIDEO, hugging_face.SIDE, kind.mean, kind.std)
    session = processor.init_video_session(dtype=torch.float32)
    session.processed_frames = {t: frames[t] for t in range(FRAMES)}
    session.video_height, session.video_width = HEIGHT, WIDTH
    processor.add_text_prompt(session, "zebra")
    theirs = [
        processor.postprocess_outputs(session, output)
        for output in model.propagate_in_video_iterator(session)
    ]
    assert len(session.output_dict_per_obj[0]["cond_frame_outputs"]) > 4

    ours = list(Sam3VideoDetector(model, processor).detect_video(VIDEO, "zebra"))
    told = [one for one in ours if one is not None]
    assert ours.index(told[0]) == model.hotstart_delay - 1
    assert [one.frame for one in told] == list(range(FRAMES))
    for one, other in zip(told, theirs, strict=True):
        assert list(one.detections) == other["object_ids"].tolist() != []
        for detection, score, mask in zip(
            one.detections.values(), other["scores"], other["masks"], strict=True
        ):
            assert detection == Detection(
                "zebra", pytest.approx(float(score)), mask_hw=detection.mask_hw
            )
            assert np.array_equal(detection.mask_hw, mask.numpy())


def test_memory_has_a_bound(folder, monkeypatch):
    from transformers import Sam3VideoInferenceSession, Sam3VideoModel, Sam3VideoProcessor

    sessions: list[Sam3VideoInferenceSession] = []
    new_session = Sam3VideoDetector._new_session

    def keep(self, video):
        sessions.append(new_session(self, video))
        return sessions[-1]

    monkeypatch.setattr(Sam3VideoDetector, "_new_session", keep)
    model = Sam3VideoModel.from_pretrained(folder)
    model.recondition_every_nth_frame, model.high_conf_thresh, model.high_iou_thresh = 2, 0.0, 0.0
    detector = Sam3VideoDetector(model, Sam3VideoProcessor.from_pretrained(folder))
    counts: list[int] = []
    for _ in detector.detect_video(VIDEO, "zebra"):
        per_object = [
            sum("maskmem_features" in entry for kind in outputs.values() for entry in kind.values())
            for outputs in sessions[0].output_dict_per_obj.values()
        ]
        counts.append(max(per_object))
    assert max(counts) <= 11 and counts[-1] <= counts[12]


def test_a_picture_and_a_video_are_searched_with_one_name(detector):
    found = next(one for one in detector.detect_video(VIDEO, "zebra") if one is not None)
    assert all(one.mask_hw.shape == (HEIGHT, WIDTH) for one in found.detections.values())
    # The model for pictures is that of the one for videos from now on.
    assert detector._model is detector._video.model.detector_model
    detector._min_score = 0.0
    assert len(detector.detect(VIDEO[0], "zebra", ())) == 8


def test_one_for_pictures_alone_says_so(detector):
    pictures = Sam3Detector(detector._model, detector._processor, name="mine")
    with pytest.raises(SessionError, match="mine was given as a model for pictures"):
        pictures.detect_video(VIDEO, "zebra")


def test_where_transformers_has_no_such_model_it_says_so(folder, monkeypatch):
    detector = load_detector(f"sam3:{folder}", "cpu", lambda text: None)
    old = types.ModuleType("transformers")
    old.__version__ = "5.0.0"
    monkeypatch.setitem(sys.modules, "transformers", old)
    with pytest.raises(SessionError, match=r"transformers 5\.0\.0 has no Sam3VideoModel"):
        detector.detect_video(VIDEO, "zebra")
