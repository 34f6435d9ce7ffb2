"""`sam2widget demo`, as a person runs it."""

from __future__ import annotations

import subprocess
import sys

import av
import numpy as np
import pytest
from PIL import Image

from sam2widget.cli.demo import correction, deepest_point, jaccard
from sam2widget.cli.main import main
from sam2widget.samples import sample_clip


@pytest.fixture
def short_clip(tmp_path):
    """A folder of the sample clip's first six frames."""
    folder = tmp_path / "clip"
    folder.mkdir()
    for frame, rgb in enumerate(sample_clip().frames_thw3[:6]):
        Image.fromarray(rgb).save(folder / f"{frame:03}.png")
    return folder


@pytest.mark.slow
def test_the_demo_segments_the_sample_clip_and_measures_itself(tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["demo", "--out", str(out)]) == 0

    printed = capsys.readouterr().out
    assert "Model nano" in printed
    assert "ms a frame" in printed
    assert printed.count("click at") <= 5 * 3
    assert "quickstart.ipynb" in printed
    mean_after = float(next(row for row in printed.splitlines() if "mean  " in row).split()[-1])
    assert mean_after > 0.5

    with np.load(out / "masks.npz") as saved:
        masks = {int(obj): saved[obj] for obj in saved if obj != "names"}
    truth = sample_clip().masks
    assert masks.keys() == truth.keys()
    measured = np.mean([jaccard(masks[obj], truth[obj]).mean() for obj in truth])
    assert measured == pytest.approx(mean_after, abs=2e-3)
    with av.open(str(out / "overlay.mp4")) as container:
        assert sum(1 for _ in container.decode(video=0)) == 48
    assert Image.open(out / "contact_sheet.png").width > 1000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--clip", "beach"], "choose from 'meadow', 'yard'"),
        (["--clip", "yard", "--video", "dog.mp4"], "not allowed with argument --clip"),
    ],
)
def test_the_demo_refuses_a_clip_that_there_is_not_or_beside_a_video(arguments, message, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["demo", *arguments])
    assert message in capsys.readouterr().err.replace("choose from meadow, yard", message)


@pytest.mark.slow
def test_the_demo_takes_a_video_and_clicks_of_several_objects(short_clip, tmp_path, capsys):
    out = tmp_path / "out"
    ball = deepest_point(sample_clip().masks[1][0])
    car = deepest_point(sample_clip().masks[2][0])
    clicks = [f"0,{ball[0]},{ball[1]}", f"0,{car[0]},{car[1]},2", f"3,{car[0] - 5},{car[1]},2,1"]
    status = main(
        [
            "demo",
            "--video",
            str(short_clip),
            "--model",
            "nano",
            "--out",
            str(out),
            "--click",
            *clicks,
        ]
    )
    assert status == 0
    assert capsys.readouterr().out.count("Propagated") == 2
    with np.load(out / "masks.npz") as saved:
        assert {obj: saved[obj].shape for obj in "12"} == {"1": (6, 270, 480), "2": (6, 270, 480)}
        assert saved["2"].any()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--video", "no/such.mp4", "--click", "0,1,1"], "There is no file or folder no/such.mp4"),
        (["--video", "{clip}", "--click", "99,1,1"], "99"),
        (["--video", "{clip}", "--click", "0,9999,1"], "9999"),
        (["--video", "{clip}", "--click", "0,1,1", "--model", "sam9"], "sam9"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    arguments, sentence, short_clip, tmp_path, capsys
):
    arguments = [argument.format(clip=short_clip) for argument in arguments]
    assert main(["demo", "--model", "nano", "--out", str(tmp_path / "out"), *arguments]) == 1
    said = capsys.readouterr().err
    assert said.startswith("sam2widget: ")
    assert sentence in said
    assert "Traceback" not in said


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["demo", "--click", "0,1,1"], "--click needs --video"),
        (["demo", "--video", "x.mp4"], "--video needs a --click"),
        (["demo", "--video", "x.mp4", "--click", "here"], "'here' is no click"),
        (["dance"], "invalid choice"),
        ([], "COMMAND"),
    ],
)
def test_wrong_usage_exits_with_2(arguments, sentence):
    run = subprocess.run(
        [sys.executable, "-m", "sam2widget", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 2
    assert sentence in run.stderr


def test_a_correction_is_made_in_the_middle_of_the_largest_error():
    truth_hw = np.zeros((20, 30), np.bool_)
    truth_hw[5:15, 5:25] = True
    missed = truth_hw.copy()
    missed[:, 14:] = False
    assert correction(missed, truth_hw) == (
        pytest.approx(19.5, abs=1.5),
        pytest.approx(10, abs=1),
        1,
    )
    spilt = truth_hw.copy()
    spilt[:5, :9] = True
    _, y, label = correction(spilt, truth_hw)
    assert label == 0
    assert y < 5
