"""docs/other-models.md: its table says what is so, and its detector runs."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from sam2widget import Detector, Sam2Widget
from sam2widget.models.hugging_face.kinds import KINDS
from sam2widget.models.hugging_face.segmenter import TransformersSegmenter
from sam2widget.models.sam2 import Sam2Segmenter
from tests.support.data import ROOT
from tests.support.fakes import DiscSegmenter

PAGE = (ROOT / "docs" / "other-models.md").read_text(encoding="utf-8")


def rows() -> dict[str, dict[str, str]]:
    """What the table says, by model and column."""
    lines = [re.split(r"\s*\|\s*", line.strip("| ")) for line in PAGE.splitlines() if "|" in line]
    start = next(n for n, cells in enumerate(lines) if cells[0] == "model")
    columns = [cell.strip("`") for cell in lines[start][1:]]
    found: dict[str, dict[str, str]] = {}
    for cells in lines[start + 2 :]:
        if len(cells) != len(columns) + 1:
            break
        found[cells[0].strip("`")] = dict(zip(columns, cells[1:], strict=True))
    return found


def test_every_tracker_of_transformers_is_in_the_table():
    trackers = {kind.model_class for kind in KINDS.values()}
    assert {name for name in rows() if name.endswith("Model")} == trackers


def test_everything_is_proposed_by_those_that_the_table_says():
    for name, row in rows().items():
        if name.endswith("Model"):
            assert (row["everything"] == "yes") == hasattr(TransformersSegmenter, "propose")
        if "ours" in name:
            assert (row["everything"] == "yes") == hasattr(Sam2Segmenter, "propose")


def test_the_detector_of_the_page_finds():
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE, re.M | re.S)
    (code,) = (block for block in blocks if "class " in block)
    assert len(code.splitlines()) <= 30
    names: dict[str, Any] = {}
    exec(compile(code, "docs/other-models.md", "exec"), names)
    clip = np.zeros((3, 40, 60, 3), np.uint8)
    clip[..., 0] = 200  # red, which is last as OpenCV has it

    def model(image_hw3, classes, verbose):
        assert (image_hw3[..., 2] == 200).all() and classes == [16] and not verbose
        boxes = np.array([[5.0, 6.0, 25.0, 30.0]])
        return [SimpleNamespace(boxes=SimpleNamespace(conf=np.array([0.75]), xyxy=boxes))]

    model.names = {0: "person", 16: "dog"}
    detector = names["Yolo"](model)
    assert isinstance(detector, Detector)
    w = Sam2Widget(clip, DiscSegmenter(40, 60), detector=detector, autosave=False)
    try:
        (dog,) = w.find("dog", frame=0)
        assert dog.name == "dog" and dog.mask.area == 20 * 24
        with pytest.raises(ValueError, match="Classes: person, dog"):
            w.find("cat", frame=0)
    finally:
        w.close()
