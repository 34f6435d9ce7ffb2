"""How far a session is, read without its masks."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest

from sam2_backend.video import open_video
from sam2widget.annotation.session import Session
from sam2widget.core.errors import SessionError
from sam2widget.storage.progress import SessionProgress, read_progress
from sam2widget.storage.saved_session import SavedSession
from sam2widget.storage.session_file import write_session
from tests.support.fakes import DiscSegmenter


@pytest.fixture
def saved(tmp_path):
    video = open_video(np.zeros((4, 60, 80, 3), np.uint8))
    session = Session(len(video), video.height, video.width, DiscSegmenter(60, 80))
    path = tmp_path / "a.sam2.zip"

    def write():
        write_session(path, SavedSession.of(session, video, "fake", None))
        return read_progress(path)

    return session, write, path


def test_progress_counts_what_is_tracked_out_of_date_and_reviewed(saved):
    session, write, _ = saved
    assert write() == SessionProgress()
    assert (write().tracked_percent, write().reviewed_percent) == (0, 0)
    session.add_point(0, 20, 20, 1, session.add_object())
    session.add_point(0, 60, 40, 1, session.add_object())
    assert write() == SessionProgress(2, 8, 2, 0)
    for _ in session.propagate():
        pass
    session.accept(1, 0, 2)
    session.reject(2, 3)
    assert write() == SessionProgress(2, 8, 8, 3)
    assert (write().tracked_percent, write().reviewed_percent) == (100, 37)
    session.add_point(1, 60, 45, 1, 2)  # from here to the next prompted frame, on both sides
    assert write() == SessionProgress(2, 8, 7, 3)


def test_progress_of_a_damaged_file_is_an_error_with_its_name(saved):
    _, write, path = saved
    write()
    with zipfile.ZipFile(path) as archive:
        document = archive.read("session.json")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("session.json", document)
    with pytest.raises(SessionError, match=r"a\.sam2\.zip cannot be read .* lacks 'results\.npy'"):
        read_progress(path)
