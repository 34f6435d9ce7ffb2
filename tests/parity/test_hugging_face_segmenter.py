"""transformers' SAM 2 behind the widget answers as our own network with the same weights."""

from __future__ import annotations

import numpy as np
import pytest

from sam2_backend import load_model
from sam2_backend.predictors.automatic import proposals as ours_proposals
from sam2_backend.video import open_video
from sam2widget import Mask, Point, PromptSet, Proposed, TransformersSegmenter
from sam2widget.models.hugging_face import proposals as theirs_proposals
from sam2widget.models.sam2 import Sam2Segmenter
from tests.oracle import hugging_face
from tests.parity.figures import Figures
from tests.parity.scene import disc, drifting_texture

HEIGHT, WIDTH = 180, 320
CLICK = PromptSet((Point(100, 80, 1),))
BOX = PromptSet(box=(60, 40, 150, 120))
MASK = PromptSet(mask=Mask.from_array(disc(HEIGHT, WIDTH, 0.3, 0.4, 0.2)))


@pytest.fixture(scope="module")
def pair(needs_oracle, tmp_path_factory):
    """Our segmenter and transformers', of one video, which clean nothing."""
    theirs = hugging_face.build("sam2.1-hiera-tiny", 256)
    hugging_face.randomize_in_place(theirs)
    folder = tmp_path_factory.mktemp("weights")
    theirs.save_pretrained(folder)
    model = load_model(folder / "model.safetensors", device="cpu", image_size=256)
    video = open_video(np.stack(drifting_texture(9, HEIGHT, WIDTH)))
    return Sam2Segmenter(model, video, clean_masks=0), TransformersSegmenter(theirs, video)


@pytest.fixture
def segmenters(pair):
    ours, theirs = pair
    theirs.set_cleaning(0)
    ours.set_exclusive_memory(False)
    yield pair
    for segmenter in pair:
        segmenter.remove(1)


def compare(figures: Figures, ours, theirs) -> None:
    figures.compare_logits(theirs.logits_hw, ours.logits_hw)
    figures.compare_mask(theirs.mask_hw, ours.mask_hw)
    figures.compare_score(theirs.score, ours.score)
    figures.compare_score(theirs.iou, ours.iou)


@pytest.mark.slow
@pytest.mark.parametrize(
    "prompts",
    [
        CLICK,
        CLICK.with_candidate(2),
        CLICK.with_point(Point(200, 100, 0)).with_point(Point(120, 90, 1)),
        BOX,
        BOX.with_point(Point(200, 100, 0)),
        MASK,
        MASK.with_point(Point(200, 100, 1)),
    ],
)
def test_prompts_are_answered_alike(segmenters, prompts):
    ours, theirs = (one.prompt(0, 1, prompts) for one in segmenters)
    figures = Figures()
    compare(figures, ours, theirs)
    figures.check()
    assert (ours.candidates is None) == (theirs.candidates is None)
    if ours.candidates is not None:
        assert np.allclose(ours.candidates.ious, theirs.candidates.ious, atol=1e-4)
        assert ours.candidates.chosen == theirs.candidates.chosen


@pytest.mark.slow
def test_a_clip_is_tracked_and_corrected_alike(segmenters):
    figures = Figures()

    def prompt(frame: int, prompts: PromptSet) -> None:
        compare(figures, *(one.prompt(frame, 1, prompts) for one in segmenters))

    def track(frames, *, reverse: bool = False) -> None:
        for frame in frames:
            found = (one.track(frame, (1,), reverse=reverse)[1] for one in segmenters)
            compare(figures, *found)

    prompt(2, CLICK)
    track(range(3, 9))
    prompt(5, CLICK.with_point(Point(200, 100, 0)))
    track([6, 7, 8])
    track([1, 0], reverse=True)
    print(figures)
    figures.check()


@pytest.mark.slow
def test_everything_is_proposed_alike(segmenters, monkeypatch):
    for module in ours_proposals, theirs_proposals:  # random weights are sure of nothing
        monkeypatch.setattr(module, "LOW_IOU", 0.3)
        monkeypatch.setattr(module, "LOW_STABILITY", 0.3)
    ours, theirs = (list_proposals(one) for one in segmenters)
    assert len(ours) == len(theirs) >= 1  # one covers most of what random weights find
    for one, other in zip(ours, theirs, strict=True):
        assert np.mean(one.mask_hw != other.mask_hw) < 1e-3
        assert one.iou == pytest.approx(other.iou, abs=1e-4)
        assert one.stability == pytest.approx(other.stability, abs=1e-3)


def list_proposals(segmenter) -> list[Proposed]:
    steps = segmenter.propose(0)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value
