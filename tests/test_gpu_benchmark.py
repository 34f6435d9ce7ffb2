"""The script for GPU machines runs to its end, with what such machines have."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import gpu

TINY = (
    *("--device", "cpu", "--image-size", "64", "--frame-size", "48", "64", "--frames", "4"),
    *("--batches", "1", "--warm-up", "1", "--objects", "1", "2"),
)
NOT_THERE = (
    *("anywidget", "av", "comm", "contourpy", "cv2", "huggingface_hub", "hydra", "ipycanvas"),
    *("IPython", "ipywidgets", "matplotlib", "msgspec", "pycocotools", "sam2", "tifffile", "tqdm"),
    *("traitlets", "transformers", "yaml"),
)
"""Packages that GPU machines lack."""


@pytest.mark.slow
def test_all_sections_run_with_torch_and_little_else():
    hide = f"import sys; sys.modules.update(dict.fromkeys({NOT_THERE}))"
    run = f"import runpy; sys.argv[1:] = {['--only', 'nano', *TINY]}; sys.path.insert(0, '.')"
    code = f"{hide}; {run}; runpy.run_module('benchmarks.gpu', run_name='__main__')"
    folder = Path(gpu.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=folder, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.findall(r"^## (.*)$", done.stdout, re.M) == list(gpu.SECTIONS)
    assert "| float32, eager | 0.0e+00 | 1.000 | 1.000 |" in done.stdout, "the CPU against itself"
    for objects in (1, 2):
        speed = re.search(rf"^\| nano, {objects} \| ([\d.]+) \| – \| – \|", done.stdout, re.M)
        assert speed and float(speed[1]) > 0, done.stdout
        kernels = re.search(rf"^\| nano, {objects} \| (\d+) \| 1\.0 \|", done.stdout, re.M)
        assert kernels and int(kernels[1]) > 100, done.stdout
    assert re.search(r"\*\*[\d.]+ frames a second\*\*", done.stdout)
    assert "no time" not in done.stdout


def test_a_section_that_fails_does_not_hold_up_the_others(monkeypatch, capsys):
    monkeypatch.setitem(gpu.SECTIONS, "speed", "speed:no_such_function")
    sections = ["--sections", "speed", "memory"]
    assert gpu.main([*TINY, *sections]) == 1
    printed = capsys.readouterr().out
    assert "speed failed: AttributeError" in printed
    assert "Memory is measured on CUDA devices" in printed


def test_what_there_is_no_time_for_is_said(capsys):
    assert gpu.main([*TINY, "--budget", "0"]) == 0
    assert f"There was no time for: {'; '.join(gpu.SECTIONS)}." in capsys.readouterr().out


@pytest.mark.slow
def test_the_official_implementation_is_timed_where_it_is_there(capsys):
    if importlib.util.find_spec("sam2") is None:
        pytest.skip("sam2 not installed: pip install -e '.[oracle]'")
    settings = ["--image-size", "128", "--objects", "1", "--only", "tiny", "--sections", "speed"]
    assert gpu.main([*TINY, *settings]) == 0
    row = re.search(
        r"^\| sam2\.1-hiera-tiny, 1 \| ([\d.]+) \| – \| – \| ([\d.]+) \| ([\d.]+) \|$",
        capsys.readouterr().out,
        re.M,
    )
    assert row and float(row[3]) == pytest.approx(float(row[1]) / float(row[2]), abs=0.05)
