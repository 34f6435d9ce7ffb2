"""What finds things by words: functions, objects and models of transformers."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sam2widget import Detection, Detector, SessionError
from sam2widget.models.detection.detector import check_detections
from sam2widget.models.detection.registry import KNOWN, load_detector
from tests.support import hugging_face
from tests.support.data import ROOT

HEIGHT, WIDTH = 40, 60
IMAGE = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)


def load(detector: Any) -> Detector:
    loaded = load_detector(detector, "cpu", lambda text: None)
    assert isinstance(loaded, Detector)
    return loaded


def check(found: object) -> list[Detection]:
    return check_detections(found, size_hw=(HEIGHT, WIDTH), text="zebra", detector="mine")


# Functions and objects


def test_a_function_is_a_detector():
    def yolo(image_hw3, text):
        assert image_hw3 is IMAGE
        return [Detection(text, 0.5, (1, 2, 3, 4))]

    detector = load(yolo)
    assert detector.name == "yolo"
    assert detector.detect(IMAGE, "zebra", ()) == [Detection("zebra", 0.5, (1, 2, 3, 4))]
    with pytest.raises(SessionError, match="yolo does not look for what boxes show"):
        detector.detect(IMAGE, "zebra", [(1, 2, 3, 4)])


def test_a_function_may_take_examples():
    detector = load(lambda image_hw3, text, boxes: [Detection(text, 1.0, boxes[0])])
    assert detector.detect(IMAGE, "", [(1, 2, 3, 4)])[0].box == (1, 2, 3, 4)


def test_an_object_with_the_methods_is_taken_as_it_is():
    class Mine:
        name = "mine"

        def detect(self, image_hw3, text, boxes):
            return []

    mine = Mine()
    assert load(mine) is mine
    with pytest.raises(SessionError, match="Mine: give an instance"):
        load(Mine)
    del Mine.name
    with pytest.raises(SessionError, match="which has no name"):
        load(mine)


@pytest.mark.parametrize("detector", [7, b"sam3:x", ["sam3"]])
def test_what_is_no_detector_is_refused(detector):
    with pytest.raises(SessionError, match="a function of a picture and a text"):
        load(detector)


@pytest.mark.parametrize("detector", ["zebra", "sam3", "sam3:", "other:facebook/sam3"])
def test_a_name_that_there_is_not_is_refused(detector):
    with pytest.raises(SessionError, match="Families: zero-shot, sam3"):
        load(detector)


def test_where_nothing_was_chosen_it_says_what_to_choose(monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    hugging_face.need_transformers()
    with pytest.raises(SessionError, match=r"w\.detector = ") as refused:
        load(None)
    assert "sam3:facebook/sam3" in str(refused.value)


def test_where_transformers_is_not_installed_it_says_so(monkeypatch):
    monkeypatch.setattr("sam2widget.models.detection.registry.find_spec", lambda name: None)
    with pytest.raises(SessionError, match=r'pip install "sam2widget\[transformers\]"'):
        load(None)


def test_one_that_is_on_this_machine_is_taken(monkeypatch, tmp_path):
    hugging_face.need_transformers()
    asked: list[str] = []

    def cached(repository: str, file: str) -> str | None:
        asked.append(repository)
        return str(tmp_path) if repository == KNOWN[1].partition(":")[2] else None

    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", cached)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(SessionError, match="owlv2-base-patch16-ensemble is not on this machine"):
        load(None)
    assert asked[0] == "facebook/sam3"


# Answers


def test_what_was_found_is_sorted_and_cut_to_the_picture():
    mask_hw = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask_hw[3:5, 3:5] = 1
    found = check(
        [
            {"label": "a", "score": 0.25, "box": {"xmin": -5, "ymin": 1, "xmax": 9, "ymax": 99}},
            {"score": np.float32(2), "box": np.array([1, 2, 3, 4])},
            Detection("c", 0.5, mask_hw=mask_hw),
            {"label": "outside", "score": 1, "box": (70, 1, 80, 9)},
            {"label": "empty", "score": 1, "box": (5, 5, 5, 9)},
        ]
    )
    assert [(one.name, one.score) for one in found] == [("zebra", 1.0), ("c", 0.5), ("a", 0.25)]
    assert found[0].box == (1, 2, 3, 4) and found[2].box == (0, 1, 9, HEIGHT)
    assert found[1].mask_hw is not None and found[1].mask_hw.dtype == bool
    assert check(iter([])) == []


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (None, "gave a NoneType"),
        ({"label": "a"}, "gave a dict"),
        ("zebra", "gave a str"),
        ([(1, 2, 3, 4)], "neither a Detection nor"),
        ([{"label": "a", "score": 1.0}], "neither a Detection nor"),
        ([Detection("a", 1.0)], "without a box or a mask"),
        ([Detection("a", 1.0, (1, 2, 3))], "x0, y0, x1, y1"),
        ([Detection("a", 1.0, (1, 2, 3, np.nan))], "finite"),
        ([Detection("a", np.nan, (1, 2, 3, 4))], "a number"),
        ([Detection("a", "much", (1, 2, 3, 4))], "a number"),
        ([{"box": {"xmin": 1}, "score": 1}], "x0, y0, x1, y1"),
        ([Detection("a", 1.0, mask_hw=np.zeros((4, 4), bool))], r"shape \(4, 4\)"),
    ],
)
def test_what_cannot_be_right_is_refused_with_a_sentence(found, words):
    with pytest.raises(SessionError, match=words):
        check(found)


# Models of transformers


@pytest.fixture(scope="module")
def owlvit(tmp_path_factory) -> Path:
    hugging_face.need_transformers()
    folder = tmp_path_factory.mktemp("owlvit")
    runpy.run_path(str(ROOT / "examples" / "words.py"))["save_tiny_owlvit"](folder)
    return folder


@pytest.fixture(scope="module")
def sam3(tmp_path_factory) -> Path:
    hugging_face.need_transformers()
    folder = tmp_path_factory.mktemp("sam3")
    hugging_face.save_sam3(folder)
    return folder


def test_a_zero_shot_detector_of_transformers(owlvit):
    detector = load(f"zero-shot:{owlvit}")
    assert detector.name == str(owlvit)
    found = detector.detect(IMAGE, "a zebra, lying", ())
    assert found and {one.name for one in found} == {"a zebra, lying"}
    for one in found:
        assert one.box is not None and one.mask_hw is None and 0.1 <= one.score <= 1
    with pytest.raises(SessionError, match="not for what boxes show"):
        detector.detect(IMAGE, "zebra", [(1, 2, 3, 4)])


def test_a_pipeline_is_taken_as_it_is(owlvit):
    from transformers import pipeline

    finds = pipeline("zero-shot-object-detection", model=str(owlvit), device="cpu")
    by_name = load(f"zero-shot:{owlvit}").detect(IMAGE, "zebra", ())
    assert load(finds).detect(IMAGE, "zebra", ()) == by_name


def test_sam_3_finds_by_words_and_by_examples(sam3):
    from sam2widget.models.detection.sam3 import Sam3Detector

    detector = load(f"sam3:{sam3}")
    assert isinstance(detector, Sam3Detector)
    detector._min_score = 0.0
    words = detector.detect(IMAGE, "zebra", ())
    shown = detector.detect(IMAGE, "", [(5, 5, 20, 20)])
    both = detector.detect(IMAGE, "zebra", [(5, 5, 20, 20), (30, 5, 50, 20)])
    for found in words, shown, both:
        assert len(found) == 8  # as many as it has queries
        assert all(one.mask_hw.shape == (HEIGHT, WIDTH) for one in found)
    assert {one.name for one in words} == {"zebra"}
    assert not np.allclose([one.score for one in words], [one.score for one in both])


def test_weights_that_are_not_there_are_told(tmp_path):
    hugging_face.need_transformers()
    for family in "zero-shot", "sam3":
        with pytest.raises(SessionError, match=r"no config\.json"):
            load(f"{family}:{tmp_path}")
