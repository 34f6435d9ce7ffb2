"""Batches in processes of this machine, one a device."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import numpy as np
import pytest

from sam2widget import propagate_many, read_session
from sam2widget.batch import devices as pools
from sam2widget.cli.main import main
from tests.support.waiting import threads_ended, wait_until

from .test_local import CLIP, FRAMES, clip_file, prompt_file


@pytest.fixture
def started(monkeypatch) -> list[tuple[str, int]]:
    """Device and process id of each process that was started."""
    found: list[tuple[str, int]] = []
    start = pools._DevicePool._start

    def note(self, device):
        process = start(self, device)
        if process is not None:
            found.append((device, process.pid))
        return process

    monkeypatch.setattr(pools._DevicePool, "_start", note)
    return found


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.slow
def test_each_device_has_a_process_and_the_masks_are_those_of_this_one(tmp_path, started):
    class Unsendable:
        def __len__(self) -> int:
            return FRAMES

        def __getitem__(self, frame: int) -> np.ndarray:
            return CLIP.frames_thw3[frame]

    clip_file(tmp_path, "one")
    sources: dict[Path, object] = {
        prompt_file(tmp_path, "folder", "one"): None,
        prompt_file(tmp_path, "array", None): CLIP.frames_thw3[:FRAMES],
        prompt_file(tmp_path, "gone", "nowhere.mp4"): None,
        prompt_file(tmp_path, "reader", None): Unsendable(),
    }
    lines: list[str] = []
    report = propagate_many(
        sources, tmp_path / "out", devices=["cpu", "cpu"], on_status=lines.append
    )
    folder, array, gone, reader = report.outcomes
    assert folder.error is None and folder.frames == array.frames == FRAMES - 1
    assert gone.error is not None and "nowhere.mp4" in gone.error and "\n" not in gone.error
    assert reader.error is not None and "cannot be sent to another process" in reader.error
    assert [device for device, _ in started] == ["cpu", "cpu"]
    assert os.getpid() not in {pid for _, pid in started}
    assert not any(is_running(pid) for _, pid in started), "they end with the batch"
    assert lines and all(line.startswith("cpu: ") for line in lines)

    source = next(iter(sources))
    propagate_many(source, tmp_path / "here", device="cpu", on_status=lambda _: None)
    ours, here = (read_session(tmp_path / out / "folder.sam2.zip") for out in ("out", "here"))
    assert ours.results.keys() == here.results.keys()
    for key, result in here.results.items():
        assert np.mean(ours.results[key].mask.to_array() != result.mask.to_array()) < 1e-3
    assert propagate_many(source, tmp_path / "out", devices=["cpu"]).outcomes[0].frames == 0


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_a_video_whose_process_dies_is_begun_anew_and_given_up_in_the_end(tmp_path, started):
    clip_file(tmp_path, "one")
    source = prompt_file(tmp_path, "a", "one")

    def kill(number: int) -> None:
        """Kill so many processes, each as soon as it was started."""
        for n in range(number):
            wait_until(lambda n=n: len(started) > n)
            os.kill(started[n][1], signal.SIGKILL)

    for kills, has_failed in ((1, False), (2, True)):
        started.clear()
        killer = threading.Thread(target=kill, args=(kills,))
        killer.start()
        report = propagate_many(
            source, tmp_path / f"out{kills}", devices=["cpu"], retries=1, on_status=lambda _: None
        )
        killer.join()
        (outcome,) = report.outcomes
        assert outcome.attempts == 2 == len(started)
        if has_failed:
            assert outcome.error == "its process on cpu died 2 times (exit status -9)."
        else:
            assert outcome.error is None and outcome.frames == FRAMES - 1


@pytest.mark.slow
def test_an_interrupted_batch_leaves_no_process_and_no_thread(tmp_path, started):
    clip_file(tmp_path, "one")
    before = threading.enumerate()

    def interrupt(line: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        propagate_many(
            prompt_file(tmp_path, "a", "one"),
            tmp_path / "out",
            devices=["cpu"],
            on_status=interrupt,
        )
    assert started and not any(is_running(pid) for _, pid in started)
    assert threads_ended(before)


@pytest.mark.slow
def test_a_device_that_is_not_there_is_refused(tmp_path):
    sources = [prompt_file(tmp_path, name, "nowhere.mp4") for name in "ab"]
    with pytest.raises(ValueError, match="Device 'nonsense' cannot be used here"):
        propagate_many(sources, tmp_path / "out", devices=["nonsense", "cpu"])


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"devices": "cuda:0"}, "devices must be names of devices, such as"),
        ({"devices": []}, "devices must be names of devices"),
        ({"devices": [0, 1]}, "devices must be names of devices"),
        ({"devices": ["cpu"], "device": "cpu"}, "not both"),
        ({"devices": ["cpu"], "engine": "ray"}, "Ray's workers take the GPUs"),
    ],
)
def test_devices_that_cannot_be_meant_are_refused(tmp_path, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        propagate_many(prompt_file(tmp_path, "a", "nowhere.mp4"), tmp_path / "out", **options)


@pytest.mark.slow
def test_the_command_line_takes_devices(tmp_path, started, capsys):
    clip_file(tmp_path, "one")
    source, out = prompt_file(tmp_path, "a", "one"), tmp_path / "out"
    command = ["propagate", str(source), "--out", str(out), "--devices", "cpu", "cpu"]
    assert main(command) == 0
    assert len(started) == 1, "no more processes than videos"
    assert "1 of 1 videos done" in capsys.readouterr().out


@pytest.mark.slow
def test_the_memory_policy_goes_along(tmp_path):
    clip_file(tmp_path, "one")
    source = prompt_file(tmp_path, "a", "one")
    options = {"memory": "nearest", "on_status": lambda _: None}
    (outcome,) = propagate_many(source, tmp_path / "out", devices=["cpu"], **options).outcomes
    assert outcome.error is None
    assert read_session(outcome.job.target).memory == "nearest"
