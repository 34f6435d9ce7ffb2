"""A video is known again by its content, and by nothing else."""

import os

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks.identity import mistaken, recognized, seconds_of_large_file
from sam2_backend.video import VideoError, identity, open_video
from sam2_backend.video.identity import are_comparable, find_files, identify_files

FILM = np.random.default_rng(0).integers(0, 256, (6, 24, 32, 3), dtype=np.uint8)


def identity_of(source, **options):
    return open_video(source, **options).identity()


def test_films_that_look_alike_are_told_apart(tmp_path):
    assert mistaken(20, tmp_path) == 0


def test_renamed_moved_and_touched_videos_are_known_again(tmp_path):
    assert recognized(8, tmp_path) == 8


def test_a_file_of_ten_gigabytes_is_identified_in_less_than_a_second(tmp_path):
    assert seconds_of_large_file(tmp_path / "large.bin") < 1


def test_frames_in_memory_are_the_same_in_every_holder():
    one = identity_of(FILM)
    assert one == identity_of(FILM.copy()) == identity_of(torch.from_numpy(FILM))
    assert one == identity_of(list(FILM)) == identity_of([Image.fromarray(rgb) for rgb in FILM])
    assert one == identity_of(torch.from_numpy(FILM).permute(0, 3, 1, 2))
    changed = FILM.copy()
    changed[3, 10, 10, 1] ^= 1
    others = [FILM[::-1], FILM[:-1], FILM.reshape(6, 32, 24, 3), changed]
    assert one not in map(identity_of, others)


def test_pictures_of_several_sizes_are_told_apart():
    pictures = [FILM[0], FILM[1][:10, :30]]
    changed = [FILM[0], FILM[1][:10, :30].copy()]
    changed[1][9, 29] ^= 1
    one, same, other = (
        identity_of(source, kind="images") for source in (pictures, list(pictures), changed)
    )
    assert one == same != other


def test_of_a_large_array_every_row_counts_on_some_frame(monkeypatch):
    monkeypatch.setattr(identity, "FRAME_BYTES", FILM[0].nbytes * 20 // 7)
    film = np.repeat(FILM, 10, axis=0)
    one = identity_of(film)
    # Something of 5 pixels that stays where it is for a while.
    for y in range(24 - 5):
        changed = film.copy()
        changed[20:40, y : y + 5, 10:15] ^= 255
        assert identity_of(changed) != one, y


def test_of_a_large_file_that_is_mapped_some_frames_are_read(monkeypatch, tmp_path):
    monkeypatch.setattr(identity, "FRAME_BYTES", 10 * FILM[0].nbytes)
    path = tmp_path / "film.bin"
    np.repeat(FILM, 100, axis=0).tofile(path)
    mapped = np.memmap(path, np.uint8, "r", shape=(600, *FILM.shape[1:]))
    video = open_video(mapped)
    read, raw = [], video.raw
    video.raw = lambda frame: read.append(frame) or raw(frame)
    one = video.identity()
    assert len(set(read)) == 10 and read[-1] == 599 and one == identity_of(mapped)
    changed = np.array(mapped)
    changed[:, 3:8, 3:8] ^= 1
    changed.tofile(path)
    assert identity_of(np.memmap(path, np.uint8, "r", shape=mapped.shape)) != one


def test_a_large_file_is_sampled_all_over(monkeypatch, tmp_path):
    """Frames of one size, one after the other, with something small on the same place of each."""
    monkeypatch.setattr(identity, "FILE_BYTES", 64 * 2**10)
    monkeypatch.setattr(identity, "BLOCK_BYTES", 256)
    path, frame_bytes, frames = tmp_path / "film.raw", 4096, 255
    path.write_bytes(bytes(frame_bytes * frames))
    one = identify_files([path])
    for at in range(0, frame_bytes, 256):
        film = np.zeros((frames, frame_bytes), np.uint8)
        film[:, at : at + 64] = 1
        path.write_bytes(film.tobytes())
        assert identify_files([path]) != one, at
    for at in 0, -1:
        film = np.zeros(frames * frame_bytes, np.uint8)
        film[at] = 1
        path.write_bytes(film.tobytes())
        assert identify_files([path]) != one


@pytest.mark.parametrize("file_bytes", [2**25, 2**12])
def test_a_folder_is_its_files_in_their_order(monkeypatch, tmp_path, file_bytes):
    monkeypatch.setattr(identity, "FILE_BYTES", file_bytes)
    folder = tmp_path / "film"
    folder.mkdir()
    for n, rgb in enumerate(FILM):
        Image.fromarray(rgb).save(folder / f"{n}.bmp")
    one = identity_of(folder)
    paths = sorted(folder.iterdir())
    assert identity_of(paths) == one != identity_of(paths[::-1])
    for n, path in enumerate(paths):
        path.rename(folder / f"frame {2 * n + 1:03}.bmp")
    folder = folder.rename(tmp_path / "other name")
    assert identity_of(folder) == one
    Image.fromarray(FILM[0]).save(folder / "frame 007.bmp")
    assert identity_of(folder) != one


def test_a_file_and_an_array_say_nothing_of_each_other(tmp_path):
    Image.fromarray(FILM[0]).save(tmp_path / "a.png")
    assert not are_comparable(identity_of(tmp_path / "a.png"), identity_of(FILM[:1]))
    assert are_comparable(identity_of(FILM[:1]), identity_of(FILM))


def test_a_renamed_file_is_found_by_its_content(tmp_path):
    for n in range(3):
        (tmp_path / f"{n}.mp4").write_bytes(bytes([n]) * 1000)
    one = identify_files([tmp_path / "1.mp4"])
    os.rename(tmp_path / "1.mp4", tmp_path / "another name.mp4")
    assert find_files(tmp_path, one) == tmp_path / "another name.mp4"
    (tmp_path / "another name.mp4").write_bytes(b"?" * 1000)
    assert find_files(tmp_path, one) is None
    assert find_files(tmp_path / "nowhere", one) is None


def test_a_video_that_is_gone_before_it_was_identified_is_named(tmp_path):
    Image.fromarray(FILM[0]).save(tmp_path / "a.png")
    video = open_video(tmp_path / "a.png")
    (tmp_path / "a.png").unlink()
    with pytest.raises(VideoError, match=r"a\.png cannot be read any more \(No such file"):
        video.identity()
