"""What a newcomer types wrong gets a sentence with what was given, and changes nothing."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from sam2_backend import AutomaticMaskGenerator, SAM2MultiPersonSegmentation, load_model, open_video
from sam2widget import (
    Sam2Widget,
    export_masks,
    finetune,
    plots,
    propagate_many,
    read_session,
    segment_everything,
    to_dataframe,
    write_session,
)
from tests.support.fakes import ChoosySegmenter

FRAMES, HEIGHT, WIDTH = 4, 24, 40
CLIP = np.zeros((FRAMES, HEIGHT, WIDTH, 3), np.uint8)
NAN = math.nan


@pytest.fixture(scope="module")
def model():
    return load_model("nano", "cpu")


@pytest.fixture
def given(tmp_path, monkeypatch, model):
    """A widget with a tracked object, its session file, and a file that is none."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.txt").write_text("notes")
    w = Sam2Widget(CLIP, ChoosySegmenter(HEIGHT, WIDTH), autosave=False)
    w.add_point(0, 20, 12)
    w.propagate()
    w.save("good.sam2.zip")
    yield SimpleNamespace(w=w, model=model)
    w.close()


def new(**options: object) -> Sam2Widget:
    return Sam2Widget(CLIP, ChoosySegmenter(HEIGHT, WIDTH), **{"autosave": False, **options})


CALLS = {
    # Prompts and objects
    "a point's place": (lambda g: g.w.remove_point(0, "a"), "whole number, got 'a'"),
    "a point to move": (lambda g: g.w.move_point(0, NAN, 1, 1), "whole number, got nan"),
    "a candidate's place": (lambda g: g.w.choose(0, "a"), "whole number, got 'a'"),
    "a brush's radius": (lambda g: g.w.paint(0, [(1, 1)], "a"), "finite number, got 'a'"),
    "a brush without radius": (lambda g: g.w.paint(0, [(1, 1)], NAN), "finite number, got nan"),
    "erasing": (
        lambda g: g.w.paint(0, [(1, 1)], 3, erase="no"),
        "erase is True or False, got 'no'",
    ),
    "whether it is shown": (
        lambda g: g.w.update_object(1, visible="no"),
        "visible is True or False, got 'no'",
    ),
    "whether it is locked": (lambda g: g.w.update_object(1, locked=2), "True or False, got 2"),
    "attributes": (lambda g: g.w.set_attributes(1, 5), "values by name, .*got 5"),
    "attributes in a list": (lambda g: g.w.set_attributes(1, ["a"]), r"values by name, .*\['a'\]"),
    "adding a class": (lambda g: g.w.set_class(1, "new", add="no"), "add is True or False, .*'no'"),
    "joining proposals": (lambda g: g.w.adopt(0, 1, merge="no"), "merge is True or False, .*'no'"),
    "parents that are none": (lambda g: g.w.set_parents(1, 2), "parents is a list of ids, .*got 2"),
    "one to merge": (lambda g: g.w.merge(1, 2), "objects is a list of ids, .*got 1"),
    # What there is
    "prompts of no frame": (lambda g: g.w.prompts(99), "no frame 99: the video has frames 0 to 3"),
    "prompts of a name": (lambda g: g.w.prompts(0, "dog"), "whole number, got 'dog'"),
    "proposals of no frame": (lambda g: g.w.proposals(99), "no frame 99"),
    "a timeline of no object": (lambda g: g.w.timeline(99), "no object 99. Objects: 1"),
    "a timeline of a name": (lambda g: g.w.timeline("dog"), "whole number, got 'dog'"),
    "a number to find": (lambda g: g.w.find(5), "What to find is a text, .*got 5"),
    "a number to find in a video": (lambda g: g.w.find(5, video=True), "is a text, .*got 5"),
    "half a window": (
        lambda g: g.w.read_mask(1, (0, 0, 5)),
        r"four whole numbers, got \(0, 0, 5\)",
    ),
    "a number for a window": (lambda g: g.w.read_mask(1, 5), "four whole numbers, got 5"),
    "a number for a size": (
        lambda g: g.w.read_mask(1, (0, 0, 5, 5), size=5),
        "size is width and height .*got 5",
    ),
    "a size below 1": (
        lambda g: g.w.read_mask(1, (0, 0, 5, 5), size=(-1, 3)),
        "at least 1, got -1",
    ),
    "sides that are lists": (
        lambda g: g.w.read_mask(1, (0, 0, 5, 5), size=[[1], [2, 3]]),
        r"size is width and height .*got \[\[1\], \[2, 3\]\]",
    ),
    "whether a video is searched": (
        lambda g: g.w.find("dog", video="no"),
        "video is True or False, got 'no'",
    ),
    # Files and other libraries
    "frames of an export": (
        lambda g: g.w.export("o", "davis", frames="no"),
        "frames is True or False, got 'no'",
    ),
    "crops of an export": (
        lambda g: g.w.export("o", "cutouts", crop="no"),
        "crop is True or False, got 'no'",
    ),
    "tracks of an export": (
        lambda g: g.w.export("o", "cvat", tracks="no"),
        "tracks is True or False, got 'no'",
    ),
    "a movie's width": (lambda g: g.w.export("o.gif", width="a"), "width .*whole number, got 'a'"),
    "a movie's frames": (lambda g: g.w.export("o.gif", every=0), "every must be at least 1, got 0"),
    "masks as prompts": (
        lambda g: g.w.import_masks(np.ones((HEIGHT, WIDTH), bool), as_prompts="no"),
        "as_prompts is True or False, got 'no'",
    ),
    "the same video": (
        lambda g: Sam2Widget.load("good.sam2.zip", CLIP, same_video="no"),
        "same_video is True or False, got 'no'",
    ),
    "a session's same video": (
        lambda g: read_session("good.sam2.zip").open_video(CLIP, same_video="no"),
        "same_video is True or False, got 'no'",
    ),
    "progress that is no function": (
        lambda g: g.w.export("a.npz", on_progress=5),
        "on_progress is a function of the frame and the number of frames, got 5",
    ),
    "pictures of a data set": (lambda g: g.w.to_datasets(pictures="no"), "True or False, got 'no'"),
    "an export of a number": (lambda g: export_masks(5, "a.npz"), "Masks come from .*got a int"),
    "an export of nothing": (lambda g: export_masks(None, "a.npz"), "got a NoneType"),
    "a table of a number": (lambda g: to_dataframe(5), "Masks come from .*got a int"),
    "a figure of a number": (lambda g: plots.over_time(5), "Masks come from .*got a int"),
    "columns of a sheet": (lambda g: plots.contact_sheet(g.w, columns="a"), "columns .*got 'a'"),
    "frames of a sheet": (lambda g: plots.contact_sheet(g.w, 3), "frames is a list .*got 3"),
    "a session that is a number": (lambda g: read_session(5), "text or a Path, got 5"),
    "a session to write": (lambda g: write_session("a.sam2.zip", 5), "got a int: w.save"),
    # Making a widget
    "a path as saved": (
        lambda g: new(saved="good.sam2.zip"),
        r"what read_session\(path\) gave, got 'good.sam2.zip': Sam2Widget.load\(path\)",
    ),
    "what is no option": (lambda g: new(status={}), "no option status. It has: video, model"),
    "autosave as a word": (
        lambda g: new(autosave="off"),
        "autosave='off' would be a file of this name: say autosave=False",
    ),
    "overlaps": (lambda g: new(non_overlapping="no"), "non_overlapping is True or False, got 'no'"),
    "a browser's decoder": (
        lambda g: new(browser_decoder="no"),
        "browser_decoder is True or False, got 'no'",
    ),
    "megapixels": (lambda g: new(max_megapixels="many"), "number above 0, got 'many'"),
    "no megapixels": (lambda g: new(max_megapixels=NAN), "number above 0, got nan"),
    # Videos
    "a frame's name": (lambda g: open_video(CLIP)["a"], "A frame .*whole number, got 'a'"),
    "half a frame": (lambda g: open_video(CLIP)[0.5], "A frame .*whole number, got 0.5"),
    "no frame's name": (lambda g: open_video(CLIP)[None], "A frame .*whole number, got None"),
    # Many videos
    "sources": (lambda g: propagate_many(5, "out"), "sources is a path, several.*got 5"),
    "a source": (lambda g: propagate_many([5], "out"), "One of sources is text or a Path, got 5"),
    "where to": (lambda g: propagate_many("good.sam2.zip", 5), "out is text or a Path, got 5"),
    "where a file is": (
        lambda g: propagate_many("good.sam2.zip", "notes.txt", model="nano"),
        r"out is the folder .*notes.txt cannot be made \(",
    ),
    "workers": (lambda g: propagate_many("good.sam2.zip", "o", workers="a"), "workers .*got 'a'"),
    "shipped videos": (
        lambda g: propagate_many("good.sam2.zip", "o", ship_videos="no"),
        "ship_videos is True or False, got 'no'",
    ),
    "retries": (lambda g: propagate_many("good.sam2.zip", "o", retries=-1), "at least 0, got -1"),
    "a batch's device": (lambda g: propagate_many("good.sam2.zip", "o", device="a"), "Device 'a'"),
    "a batch's model": (
        lambda g: propagate_many("good.sam2.zip", "o", model="nanno"),
        "Did you mean 'nano'",
    ),
    "every how many": (lambda g: segment_everything(CLIP, every="a"), "every .*got 'a'"),
    "how many objects": (lambda g: segment_everything(CLIP, max_objects=NAN), "got nan"),
    "how many frames": (lambda g: segment_everything(CLIP, min_frames=0), "at least 1, got 0"),
    "a search's device": (lambda g: segment_everything(CLIP, device="a"), "Device 'a'"),
    "sessions to learn from": (lambda g: finetune(5), "sessions is a path, several.*got 5"),
    "prompted frames": (
        lambda g: finetune("good.sam2.zip", include_prompted="no"),
        "include_prompted is True or False, got 'no'",
    ),
    "what is to learn": (lambda g: finetune("good.sam2.zip", 5), "model is a name, .*got 5"),
    "a learner of another family": (
        lambda g: finetune("good.sam2.zip", "hf:x/y"),
        "^What is fine-tuned is a network of SAM 2. Unknown model 'hf:x/y'",
    ),
    "where a learner goes": (
        lambda g: finetune("good.sam2.zip", out=3),
        "^Weights are written to a path such as .*got 3",
    ),
    "an option of learning": (
        lambda g: finetune("good.sam2.zip", nonsense=3),
        r"^finetune\(\) has no argument nonsense. It takes sessions, model, .*patience",
    ),
    "what a learner says": (lambda g: finetune("good.sam2.zip", on_status=3), "on_status .*got 3"),
    "what a batch says": (
        lambda g: propagate_many("good.sam2.zip", "o", on_status=3),
        "on_status is a function of a line, or None for none, got 3",
    ),
    "a list among sources": (
        lambda g: propagate_many([["good.sam2.zip"]], "o"),
        r"One of sources is text or a Path, got \['good",
    ),
    "a very long model's name": (
        lambda g: propagate_many("good.sam2.zip", "o", model="a" * 5000),
        "^Unknown model 'aaaa.*hf:owner/name, a path",
    ),
    "a misspelt learner": (lambda g: finetune("good.sam2.zip", "nanno"), "Did you mean 'nano'"),
    # The library
    "points per side": (
        lambda g: AutomaticMaskGenerator(g.model, points_per_side="a"),
        "points_per_side .*got 'a'",
    ),
    "a threshold": (
        lambda g: AutomaticMaskGenerator(g.model, pred_iou_thresh="a"),
        "pred_iou_thresh must be a number, got 'a'",
    ),
    "how many people": (
        lambda g: SAM2MultiPersonSegmentation("nano").segment_auto(CLIP[0], num_people="a"),
        "num_people .*got 'a'",
    ),
    "people's boxes": (
        lambda g: SAM2MultiPersonSegmentation("nano").segment_auto(CLIP[0], boxes="a"),
        "A box must be four numbers .*got 'a'",
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_wrong_call_gets_a_sentence_and_changes_nothing(given, name):
    call, sentence = CALLS[name]
    before = given.w.to_python()
    with pytest.raises((ValueError, TypeError), match=sentence) as told:
        call(given)
    said = str(told.value)
    assert said.endswith(".") and "\n" not in said
    assert given.w.to_python() == before and given.w.history["redo"] == ""
    assert not any(Path(one).exists() for one in ("out", "o", "a.npz", "a.sam2.zip"))


def test_what_is_right_is_still_taken(given):
    w = given.w
    w.update_object(1, visible=0, locked=np.bool_(False))
    assert w.objects[0].visible is False and w.objects[0].locked is False
    w.paint(1, [(1, 1)], "2", erase=False)
    assert w.prompts("1", 1.0).mask is not None and w.prompts(0, 7).points == ()
    assert w.read_mask(1, np.array([0, 0, 5, 4]), size=(2, 3)).shape == (3, 2)
    w.set_attributes(1, {"id card": 7}, occluded=True)
    assert w.objects[0].attributes == {"id card": 7, "occluded": True}
    for frame in (np.int64(1), 1.0, np.float32(1)):
        assert open_video(CLIP)[frame].shape == (HEIGHT, WIDTH, 3)
    assert w.export("o.gif", width="16", every="2", feather=1).exists()
    assert w.export("o", "davis", frames=1).exists()


def test_a_fraction_is_no_frame_in_any_guise():
    for fraction in (1.7, np.array(1.7), np.float32(1.7)):
        with pytest.raises(ValueError, match="whole number"):
            open_video(CLIP)[fraction]


def test_what_on_status_raises_is_the_callers_own(given):
    fault = OSError("my screen")

    def tell(line: str) -> None:
        raise fault

    given.w.save("b.sam2.zip")
    with pytest.raises(OSError, match="my screen") as told:
        propagate_many({"b.sam2.zip": CLIP}, "out", model="nano", device="cpu", on_status=tell)
    assert told.value is fault
