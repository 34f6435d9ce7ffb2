"""Another package adds a format, a source of frames, a memory policy and a family of models.

The package is that of docs/extending.md, put together from the page.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.support.data import ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PAGE = ROOT / "docs" / "extending.md"
PACKAGE = "sam2widget_example"
WIDTH, HEIGHT, FRAMES = 32, 24, 5


Groups = dict[str, dict[str, str]]
"""Entry points by group and name."""


def install(site: Path, name: str, files: dict[str, str], groups: Groups) -> None:
    """Put a package into a folder as an installer does, with its entry points."""
    for file, text in files.items():
        path = site / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    info = site / f"{name.replace('-', '_')}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8"
    )
    points = [
        line
        for group, entries in groups.items()
        for line in (f"[{group}]", *(f"{key} = {value}" for key, value in entries.items()))
    ]
    (info / "entry_points.txt").write_text("\n".join(points), encoding="utf-8")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder with the package of the page in it."""
    folder = tmp_path_factory.mktemp("site")
    blocks = re.findall(
        r"^```\w+\n# (\S+)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S
    )
    files = dict(blocks)
    project = tomllib.loads(files.pop("pyproject.toml"))["project"]
    files[f"{PACKAGE}/__init__.py"] = ""
    install(folder, project["name"], files, project["entry-points"])
    return folder


@pytest.fixture
def work(tmp_path):
    """A folder with a film in it, of a red square that moves over green."""
    film_thw3 = np.zeros((FRAMES, HEIGHT, WIDTH, 3), np.uint8)
    film_thw3[..., 1] = 200
    for t in range(FRAMES):
        film_thw3[t, 8:16, 4 + 2 * t : 12 + 2 * t] = (220, 10, 10)
    film_thw3.tofile(tmp_path / f"film-{WIDTH}x{HEIGHT}.frames")
    return tmp_path


def run(code: str, *sites: Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run code in a process that has these packages."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(map(str, (*sites, ROOT))),
        "SAM2WIDGET_AUTOSAVE": "off",
    }
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done


FILM = f"film-{WIDTH}x{HEIGHT}.frames"
USE = f"""
import sys
import numpy as np
from sam2widget import Sam2Widget

w = Sam2Widget("{FILM}", "color:40")
w.wait_until_loaded()
w.add_point(0, 8, 12)
w.propagate()
before = {{obj: np.array(masks_thw) for obj, masks_thw in w.masks.items()}}
assert len(before) == 1 and all(before[1].sum(axis=(1, 2)) == 64), before[1].sum(axis=(1, 2))
path = w.export("masks.txt", class_id=2)
lines = path.read_text().splitlines()
assert [line.split(" ")[:5] for line in lines] == [
    [str(t), "1", "2", "{HEIGHT}", "{WIDTH}"] for t in range({FRAMES})
]
w.clear()
w.import_masks(path)
assert (np.array(w.masks[1]) == before[1]).all()
w.save("work.sam2.zip")
w.close()
finds = Sam2Widget("{FILM}", "color:40", detector="like:30")
(square,) = finds.find("square", frame=1, boxes=(6, 8, 14, 16))
assert square.name == "square" and square.mask.area == 64
finds.close()
by_number = Sam2Widget("{FILM}", 40.0)
by_number.wait_until_loaded()
assert by_number.status["model"] == "color"
by_number.close()
again = Sam2Widget.load("work.sam2.zip")
again.wait_until_loaded()
assert again.status["model"] == "color" and (np.array(again.masks[1]) == before[1]).all()
again.close()
print("used")
"""


def test_a_package_adds_a_format_a_source_and_a_family_of_models(site, work):
    assert run(USE, site, cwd=work).stdout == "used\n"


@pytest.mark.slow
def test_a_family_of_a_package_propagates_many_videos_and_says_what_it_cannot(site, work):
    code = f"""
import numpy as np
from sam2widget import Sam2Widget, SessionError, propagate_many, read_session, segment_everything
from sam2widget.cli.main import main

video = "{FILM}"
for name, model in (("a", "color:40"), ("b", "color:40"), ("c", "nano")):
    w = Sam2Widget(video, model)
    w.add_point(0, 8, 12)
    w.save(f"{{name}}.sam2.zip")
    w.close()
said = []
sources = [f"{{name}}.sam2.zip" for name in "abc"]
report = propagate_many(sources, "out", on_status=said.append)
print(report)
assert not report.failed and said == ["Loading nano"], said
for name, model in (("a", "color"), ("b", "color"), ("c", "nano")):
    found = read_session(f"out/{{name}}.sam2.zip")
    assert found.model == model and len(found.results) == {FRAMES}, (name, found.model)
masks = [one.mask.area for one in read_session("out/a.sam2.zip").results.values()]
assert masks == [64] * {FRAMES}, masks
again = Sam2Widget.load("out/b.sam2.zip")
again.wait_until_loaded()
assert again.status["model"] == "color"
again.close()
assert main(["propagate", "c.sam2.zip", "--out", "other", "--model", "color:40"]) == 0
assert read_session("other/c.sam2.zip").model_source == "color:40"
failed = propagate_many(["a.sam2.zip", "c.sam2.zip"], "wrong", model="color:forty")
assert len(failed.failed) == 2 and "could not convert" in failed.outcomes[0].error
for call in (
    lambda: propagate_many("a.sam2.zip", "no", model=40.0),
    lambda: propagate_many("a.sam2.zip", "no", model=object()),
    lambda: segment_everything(video, "color:40"),
    lambda: segment_everything(video, 40.0),
    lambda: segment_everything(video, object()),
):
    try:
        call()
    except SessionError as error:
        print("refused:", error)
"""
    said = run(code, site, cwd=work).stdout
    assert "3 of 3 videos done" in said and said.count("refused:") == 5
    assert "model is a name or a path here, got a float: give what it is loaded by" in said
    assert said.count("The model color cannot propose masks.") == 2
    assert "model is a name, a path, a loaded Sam2Model" in said


@pytest.mark.slow
def test_workers_of_ray_know_the_families_of_packages(site, work):
    pytest.importorskip("ray")
    code = f"""
from sam2widget import Sam2Widget, propagate_many, read_session

w = Sam2Widget("{FILM}", "color:40")
w.add_point(0, 8, 12)
w.save("a.sam2.zip")
w.close()
print(propagate_many("a.sam2.zip", "out", engine="ray", workers=1))
assert len(read_session("out/a.sam2.zip").results) == {FRAMES}
"""
    assert "1 of 1 videos done" in run(code, site, cwd=work).stdout


@pytest.mark.slow
def test_without_the_package_each_is_refused_in_a_sentence(work):
    code = f"""
import numpy as np
from sam2widget import Sam2Widget, SessionError, export_masks, open_video
for call in (
    lambda: open_video("{FILM}"),
    lambda: Sam2Widget(np.zeros((2, 8, 8, 3), np.uint8), "color:40").wait_until_loaded(),
    lambda: export_masks("work.sam2.zip", "x", "mots"),
):
    try:
        call()
    except ValueError as error:
        print("refused:", error)
"""
    said = run(code, cwd=work).stdout
    assert said.count("refused:") == 3
    assert "no format 'mots'" in said and "'color:40'" in said and FILM in said


def test_nothing_of_a_package_is_imported_before_it_is_needed(site, work):
    code = f"""
import sys
import numpy as np
from sam2_backend import registry
from sam2widget import Sam2Widget, open_video
from sam2widget.export import FORMATS
from sam2widget.export.registry import find_format
video = open_video(np.zeros((2, 8, 8, 3), np.uint8), axes="THWC")
find_format("coco")
assert "mots" in registry.names("sam2widget.export")
print(sorted(one for one in sys.modules if one.startswith("{PACKAGE}")))
assert "mots" in FORMATS
print(sorted(one for one in sys.modules if one.startswith("{PACKAGE}.")))
"""
    assert run(code, site, cwd=work).stdout.splitlines() == ["[]", f"['{PACKAGE}.mots']"]


@pytest.mark.slow
def test_a_package_that_is_broken_costs_a_sentence_and_nothing_else(site, work, tmp_path):
    files = {
        "broken.py": "raise RuntimeError('no license')\n",
        "wrong.py": "FORMAT = 'a word'\ndef opens(*_): return 1 / 0\n",
    }
    groups = {
        "sam2widget.export": {
            "cracked": "broken:FORMAT",
            "word": "wrong:FORMAT",
            "coco": "broken:FORMAT",
            "mots": "broken:FORMAT",
        },
        "sam2_backend.video": {"cracked": "broken:FORMAT", "fails": "wrong:opens"},
        "sam2widget.models": {"cracked": "broken:FORMAT", "word": "wrong:FORMAT"},
    }
    install(tmp_path / "other", "broken-package", files, groups)
    code = f"""
from sam2widget import Sam2Widget, SessionError, open_video
from sam2widget.export import FORMATS
from sam2widget.export.registry import find_format
print(list(FORMATS))
print(FORMATS["coco"].write.__module__)
for name in ("cracked", "word", "mots"):
    try:
        find_format(name)
    except SessionError as error:
        print("refused:", error)
print(open_video("{FILM}"))
w = Sam2Widget(open_video("{FILM}"), "nano")
w.wait_until_loaded()
print(w.status["state"])
w.close()
for model in ("cracked:x", 3):
    try:
        Sam2Widget(open_video("{FILM}"), model).wait_until_loaded()
    except SessionError as error:
        print("refused:", error)
w = Sam2Widget(open_video("{FILM}"), 40.0)
w.wait_until_loaded()
print(w.status["model"])
w.close()
"""
    done = run(code, site, tmp_path / "other", cwd=work)
    formats, *_ = done.stdout.splitlines()
    assert "'mots'" not in formats and "'coco'" in formats
    said = done.stdout + done.stderr
    assert "sam2widget.export.formats.datasets.coco" in said
    assert "RuntimeError: no license" in said and "broken-package 1.0" in said
    assert "'word' of sam2widget.export in broken-package 1.0 is no Format" in said
    assert "'coco' of sam2widget.export in broken-package 1.0 (broken:FORMAT) is left out" in said
    assert "'mots' of sam2widget.export is in" in said and "none of them is used" in said
    assert "The video source 'fails' of broken-package 1.0 failed (ZeroDivisionError" in said
    assert f"<array: {FRAMES} frames of {WIDTH}x{HEIGHT}>" in said
    assert said.count("refused:") == 5
    assert done.stdout.splitlines()[-1] == "color" and "\nready\n" in done.stdout
    assert "'cracked' of sam2widget.models cannot be loaded from broken-package 1.0" in said
    assert "'word' of sam2widget.models in broken-package 1.0 is no ModelFamily" in said
    assert "model is a name, a path, a loaded Sam2Model" in said


@pytest.mark.slow
def test_a_package_adds_a_memory_policy(site, work):
    code = f"""
import sys
import numpy as np
from sam2_backend import VideoPredictor, load_model, open_video
model = load_model("nano", "cpu")
found = {{}}
for policy in ("short", "plain"):
    video = VideoPredictor(model, open_video("{FILM}"), memory_policy=policy)
    video.add_points(frame=0, obj=1, points=[(8, 12)], labels=[1])
    found[policy] = np.array([one.scores[1] for one in video.propagate()])
assert "{PACKAGE}.short" in sys.modules
assert len(found["short"]) == {FRAMES} and np.isfinite(found["short"]).all()
assert (found["short"] != found["plain"]).any()
print("used")
"""
    assert run(code, site, cwd=work).stdout == "used\n"
