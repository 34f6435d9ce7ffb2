"""Batches on a real Ray cluster of two nodes on this machine, of which one is killed."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from sam2widget import propagate_many, read_session
from tests.support.films import write_film
from tests.support.waiting import wait_until

from .test_local import CLIP, FRAMES, clip_file, prompt_file

ray = pytest.importorskip("ray")


@pytest.fixture(scope="module")
def cluster():
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    cluster.add_node(num_cpus=1)
    ray.init(address=cluster.address, log_to_driver=False)
    yield cluster
    ray.shutdown()
    cluster.shutdown()


@pytest.mark.slow
def test_videos_travel_and_what_is_wrong_comes_back_as_a_sentence(cluster, tmp_path):
    sources = {
        prompt_file(tmp_path, "array", None): CLIP.frames_thw3[:FRAMES],
        prompt_file(tmp_path, "gone", "nowhere.mp4"): None,
        prompt_file(tmp_path, "file", None): write_film(
            tmp_path / "film.mp4", CLIP.frames_thw3[:FRAMES]
        ),
    }
    report = propagate_many(sources, tmp_path / "out", engine="ray", workers=1, ship_videos=True)
    array, gone, file = report.outcomes
    assert array.error is None and array.frames == FRAMES - 1
    assert gone.error is not None and "nowhere.mp4" in gone.error and "\n" not in gone.error
    assert file.error is None
    assert read_session(file.job.target).video_path == str(tmp_path / "film.mp4")
    # Nothing else to do but what cannot even be sent.
    alone = propagate_many(
        prompt_file(tmp_path, "alone", "nowhere.mp4"),
        tmp_path / "out",
        engine="ray",
        ship_videos=True,
    )
    assert "nowhere.mp4 is no file" in (alone.outcomes[0].error or "")


@pytest.mark.slow
def test_a_killed_node_loses_no_finished_video_and_its_video_is_done_elsewhere(cluster, tmp_path):
    sources = []
    for n in range(5):
        clip_file(tmp_path, f"clip{n}", n)
        sources.append(prompt_file(tmp_path, f"p{n}", f"clip{n}"))
    out = tmp_path / "out"
    finished: dict[Path, int] = {}

    def look() -> bool:
        finished.update({path: path.stat().st_mtime_ns for path in out.glob("*.sam2.zip")})
        return bool(finished)

    def kill_a_node() -> None:
        wait_until(look)
        cluster.remove_node(cluster.list_all_nodes()[1], allow_graceful=False)

    killer = threading.Thread(target=kill_a_node)
    killer.start()
    report = propagate_many(sources, out, engine="ray", workers=2)
    killer.join()
    assert not report.failed, str(report)
    assert finished
    assert {path: path.stat().st_mtime_ns for path in finished} == finished
    wait_until(lambda: sum(node["Alive"] for node in ray.nodes()) == 1)
    # What came out is what one process gives, whoever did it.
    propagate_many(sources[-1], tmp_path / "local", on_status=lambda _: None)
    there, here = (read_session(folder / "p4.sam2.zip") for folder in (out, tmp_path / "local"))
    assert there.prompts == here.prompts and there.results.keys() == here.results.keys()
    for key, result in here.results.items():
        assert np.mean(result.mask.to_array() != there.results[key].mask.to_array()) < 1e-3
