"""What is served, and where the work on it is kept."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from sam2_backend.video import VideoError
from sam2widget.core.errors import SessionError
from sam2widget.serve.videos import find_videos, make_slug


def picture(path, size=(8, 6)):
    path.parent.mkdir(exist_ok=True, parents=True)
    Image.fromarray(np.zeros((*size[::-1], 3), np.uint8)).save(path)
    return str(path)


def test_videos_keep_their_order_and_have_session_files_of_their_names(tmp_path):
    folder = tmp_path / "walk.v2"
    for n in range(3):
        picture(folder / f"{n}.png")
    one = picture(tmp_path / "cat.png")
    walk, cat = find_videos([str(folder), one])
    assert (walk.name, walk.num_frames, walk.width, walk.height) == ("walk.v2", 3, 8, 6)
    assert walk.session(tmp_path).name == "walk.v2.sam2.zip"
    assert (cat.name, cat.session(tmp_path).name) == ("cat.png", "cat.sam2.zip")
    assert cat.session(tmp_path, "bob").name == "cat.bob.sam2.zip"


def test_copies_are_those_of_this_video_alone(tmp_path):
    (cat,) = find_videos([picture(tmp_path / "cat.png")])
    for name in ("cat", "cat.bob", "cat.anna-2", "cat.bob.old", "cats.eve", "cat.B"):
        (tmp_path / f"{name}.sam2.zip").touch()
    assert cat.find_copies(tmp_path) == ["anna-2", "bob"]


@pytest.mark.parametrize("second", ["b/dog.png", "b/DOG.png"])
def test_two_videos_with_one_session_file_are_refused(tmp_path, second):
    sources = [picture(tmp_path / "a" / "dog.png"), picture(tmp_path / second)]
    with pytest.raises(SessionError, match=r"would share the session file (dog|DOG)\.sam2\.zip"):
        find_videos(sources)


def test_what_cannot_be_opened_is_refused_before_anything_is_served(tmp_path):
    with pytest.raises(VideoError, match="missing"):
        find_videos([str(tmp_path / "missing.mp4")])


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Anna", "anna"),
        ("  Bob B. ", "bob-b"),
        ("../../etc/passwd", "etc-passwd"),
        ("Zoë", "zo"),
        ("x" * 100, "x" * 40),
    ],
)
def test_a_name_becomes_a_part_of_a_file_name(name, slug):
    assert make_slug(name) == slug


@pytest.mark.parametrize("name", ["", "..", "日本"])
def test_a_name_of_which_nothing_is_left_is_refused(name):
    with pytest.raises(SessionError, match="a letter from a to z"):
        make_slug(name)
