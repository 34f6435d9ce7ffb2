"""Many videos at once: what comes out, what is left out the second time, and what goes wrong."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sam2_backend import VideoPredictor, load_model
from sam2_backend.video import Video, open_video
from sam2widget import SessionError, propagate_many, read_session
from sam2widget.annotation.session import Session
from sam2widget.batch import local, propagation
from sam2widget.batch.jobs import BatchOutcome, read_jobs, track_job
from sam2widget.cli.demo import deepest_point
from sam2widget.cli.main import main
from sam2widget.samples import sample_clip
from sam2widget.storage.saved_session import SavedSession
from sam2widget.storage.session_file import write_session
from tests.support.fakes import DiscSegmenter

FRAMES = 5
CLIP = sample_clip()
BALL = deepest_point(CLIP.masks[1][0])


def clip_file(folder: Path, name: str, start: int = 0) -> Path:
    """A folder of frames of the built-in clip."""
    from PIL import Image

    video = folder / name
    video.mkdir()
    for n, frame in enumerate(CLIP.frames_thw3[start : start + FRAMES]):
        Image.fromarray(frame).save(video / f"{n}.png")
    return video


def prompt_file(folder: Path, name: str, video: str | None, **more: object) -> Path:
    path = folder / f"{name}.json"
    objects = [
        {"id": 2, "name": "ball", "prompts": [{"frame": 0, "points": [[*BALL, 1]], "box": None}]}
    ]
    path.write_text(
        json.dumps(
            {"model": "nano", "objects": objects} | ({"video": video} if video else {}) | more
        )
    )
    return path


@pytest.mark.slow
def test_a_prompt_file_gives_the_masks_that_the_predictor_gives(tmp_path):
    clip_file(tmp_path, "one")
    report = propagate_many(
        prompt_file(tmp_path, "a", "one"), tmp_path / "out", on_status=lambda _: None
    )
    assert not report.failed
    saved = read_session(tmp_path / "out" / "a.sam2.zip")
    assert [info.name for info in saved.objects] == ["ball"]
    assert saved.model_source == "nano" and saved.video_path == str(tmp_path / "one")

    cleaned = {"fill_holes": 0.01, "remove_specks": 0.01}
    predictor = VideoPredictor(load_model("nano"), CLIP.frames_thw3[:FRAMES], **cleaned)
    predictor.add_points(0, 2, [BALL], [1])
    for result in predictor.propagate():
        ours = saved.results[2, result.frame].mask.to_array()
        np.testing.assert_array_equal(ours, result.masks[2])
    assert "a.json: 4 frames" in str(report)


def test_nothing_is_said_where_nobody_listens(tmp_path, monkeypatch):
    def run(jobs, *, device, on_status, on_frames):
        on_status("Loading")
        return map(BatchOutcome, jobs)

    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    monkeypatch.setattr(propagation, "run_locally", run)
    clip_file(tmp_path, "one")
    propagate_many(prompt_file(tmp_path, "a", "one"), "~/out", on_status=None)
    assert (home / "out").is_dir()


def test_what_only_workers_have_is_not_refused_here(tmp_path, monkeypatch):
    def run(jobs, **options):
        assert options["device"] == "npu" and jobs[0].model == "/only/there/mine.pt"
        ran.append(jobs)
        return map(BatchOutcome, jobs)

    ran = []
    monkeypatch.setattr("sam2widget.batch.ray.run_on_ray", run)
    clip_file(tmp_path, "one")
    source = prompt_file(tmp_path, "a", "one")
    given = {"model": "/only/there/mine.pt", "device": "npu"}
    propagate_many(source, tmp_path / "out", engine="ray", **given)
    assert ran
    with pytest.raises(SessionError):
        propagate_many(source, tmp_path / "out", **given)


@pytest.mark.parametrize("error", [ValueError("mine"), KeyError("mine")])
def test_what_on_status_raises_keeps_its_cause(tmp_path, error):
    cause = OSError("cause")

    def say(line):
        raise error from cause

    clip_file(tmp_path, "one")
    with pytest.raises(type(error)) as told:
        propagate_many(prompt_file(tmp_path, "a", "one"), tmp_path / "out", on_status=say)
    assert told.value is error and error.__cause__ is cause


@pytest.mark.slow
def test_the_same_call_goes_on_where_it_stopped(tmp_path, monkeypatch):
    for n, name in enumerate(("one", "two", "three")):
        clip_file(tmp_path, name, 5 * n)
        prompt_file(tmp_path, f"of_{name}", name)
    out = tmp_path / "out"
    real, begun = local.run_job, []

    def interrupted(job, *rest):
        begun.append(job.path.name)
        if len(begun) == 3:
            raise KeyboardInterrupt
        return real(job, *rest)

    monkeypatch.setattr(local, "run_job", interrupted)
    with pytest.raises(KeyboardInterrupt):
        propagate_many(tmp_path, out, on_status=lambda _: None)
    written = {path: path.stat().st_mtime_ns for path in out.iterdir()}
    assert len(written) == 2
    report = propagate_many(tmp_path, out, on_status=lambda _: None)
    assert begun[3:] == [begun[2]]
    assert not report.failed and len(list(out.iterdir())) == 3
    assert {path: path.stat().st_mtime_ns for path in written} == written
    # Other prompts are other work.
    source = read_jobs(tmp_path / "of_one.json", out, None)[0]
    changed = read_session(source.target)
    prompts = {
        key: one.without_point(0).with_box((9, 9, 60, 60)) for key, one in changed.prompts.items()
    }
    write_session(tmp_path / "of_one.sam2.zip", replace(changed, prompts=prompts))
    (tmp_path / "of_one.json").unlink()
    propagate_many(tmp_path, out, on_status=lambda _: None)
    assert begun[4:] == ["of_one.sam2.zip"]


@pytest.mark.slow
def test_accepted_masks_stay_and_only_the_rest_is_tracked(tmp_path):
    clip_file(tmp_path, "one")
    propagate_many(prompt_file(tmp_path, "a", "one"), tmp_path / "first", on_status=lambda _: None)
    saved = read_session(tmp_path / "first" / "a.sam2.zip")
    kept = replace(saved.results[2, 2], state="accepted")
    results = {(2, 0): saved.results[2, 0], (2, 2): kept}
    write_session(tmp_path / "b.sam2.zip", replace(saved, results=results))
    report = propagate_many(tmp_path / "b.sam2.zip", tmp_path / "second", on_status=lambda _: None)
    assert report.outcomes[0].frames == FRAMES - 2
    after = read_session(tmp_path / "second" / "b.sam2.zip")
    assert after.results[2, 2] == kept and len(after.results) == FRAMES


@pytest.mark.slow
def test_one_that_cannot_be_done_is_reported_and_the_others_are(tmp_path):
    clip_file(tmp_path, "one")
    sources = {
        prompt_file(tmp_path, "gone", "nowhere.mp4"): None,
        prompt_file(tmp_path, "silent", None): None,
        prompt_file(tmp_path, "array", None): CLIP.frames_thw3[:FRAMES],
        prompt_file(tmp_path, "odd", "one", model="giant"): None,
    }
    report = propagate_many(sources, tmp_path / "out", on_status=lambda _: None)
    errors = [outcome.error for outcome in report.outcomes]
    assert "nowhere.mp4" in errors[0] and '"video"' in errors[1] and "giant" in errors[3]
    assert errors[2] is None and "1 of 4 videos done" in str(report)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"objects": []}, "has no prompts"),
        ({"objects": 3}, "'objects' is 3"),
        ({"objects": [{"id": 0, "prompts": []}]}, r"'objects\[0\].id' is 0"),
        ({"objects": [{"id": 1, "prompts": [{"frame": 0}]}]}, "neither points nor a box"),
        (
            {"objects": [{"id": 1, "prompts": [{"frame": 0, "points": [[1, 2, 7]]}]}]},
            "label 7, not 0 or 1",
        ),
        ({"objects": [{"id": 1, "prompts": [{"frame": 0, "box": [1, 2]}]}]}, "expected 4 numbers"),
    ],
)
def test_a_wrong_prompt_file_is_refused_before_anything_is_begun(tmp_path, change, says):
    with pytest.raises(SessionError, match=says):
        propagate_many(prompt_file(tmp_path, "a", "one", **change), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_would_be_written_over_is_refused(tmp_path):
    (tmp_path / "sub").mkdir()
    twice = [prompt_file(tmp_path, "a", "x"), prompt_file(tmp_path / "sub", "a", "x")]
    with pytest.raises(SessionError, match=r"would both be written to .*a\.sam2\.zip"):
        propagate_many(twice, tmp_path / "out")
    with pytest.raises(SessionError, match="neither a session file"):
        propagate_many(tmp_path / "a.txt", tmp_path / "out")
    with pytest.raises(ValueError, match="engine must be"):
        propagate_many(twice[0], tmp_path / "out", engine="slurm")  # pyright: ignore


@pytest.mark.slow
def test_the_command_says_what_was_done(tmp_path, capsys):
    clip_file(tmp_path, "one")
    sources = [prompt_file(tmp_path, "a", "one"), prompt_file(tmp_path, "b", "two")]
    out = tmp_path / "out"
    assert main(["propagate", *map(str, sources), "--out", str(out), "--model", "nano"]) == 1
    said = capsys.readouterr().out
    assert "a.json: 4 frames" in said and "1 of 2 videos done" in said
    assert isinstance(read_session(out / "a.sam2.zip").open_video(), Video)


def test_classes_and_attributes_go_through_a_batch(tmp_path):
    video = open_video(np.zeros((4, 12, 40, 3), np.uint8))
    session = Session(4, 12, 40, DiscSegmenter(12, 40))
    session.set_classes(["person", "dog"])
    session.add_point(0, 10, 6)
    session.set_class(1, "dog")
    session.set_attributes(1, {"occluded": True})
    session.set_color_by("class")
    write_session(tmp_path / "a.sam2.zip", SavedSession.of(session, video, "disc", "nano"))
    (job,) = read_jobs(tmp_path / "a.sam2.zip", tmp_path / "out", None)
    done, frames = track_job(job, video, DiscSegmenter(12, 40), lambda: None)
    assert frames == 3
    write_session(tmp_path / "b.sam2.zip", done)
    found = read_session(tmp_path / "b.sam2.zip")
    assert found.classes == session.classes and found.objects == tuple(session.objects)
    assert found.color_by == "class"
