"""Whether videos are known again, and told from those that look like them.

    python -m benchmarks.identity [--pairs 200] [--renamed 50]

Pairs of films of one camera, of one length and size: insects at other places in an arena, cells
in the dark, noise of a few levels. As arrays, folders of pictures and video files; each is tried on
the session of the other, once to go on by itself and once by `load`. Then files and folders that
were renamed, moved and touched, and the time that a large file takes.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sam2_backend.video import FrameSource, open_video
from sam2_backend.video.identity import identify_files
from sam2widget import SessionError
from sam2widget.annotation.records import ObjectInfo
from sam2widget.storage.autosave import find_saved
from sam2widget.storage.fingerprint import Fingerprint
from sam2widget.storage.saved_session import SavedSession
from sam2widget.storage.session_file import SUFFIX, write_session

FRAMES, HEIGHT, WIDTH = 12, 96, 128


def insects(seed: int) -> NDArray[np.uint8]:
    """(T, H, W, 3) a fixed camera over an arena, two insects of 5 pixels at other places."""
    ground = np.random.default_rng(0).integers(120, 160, (HEIGHT, WIDTH, 3)).astype(np.uint8)
    return _with_discs(ground, seed, radius=2.5, value=30)


def cells(seed: int) -> NDArray[np.uint8]:
    """(T, H, W, 3) dim cells on black, which a thumbnail hardly shows."""
    return _with_discs(np.zeros((HEIGHT, WIDTH, 3), np.uint8), seed, radius=4, value=14, count=6)


def same_ends(seed: int) -> NDArray[np.uint8]:
    """(T, H, W, 3) insects that begin and end where those of all others do."""
    film = insects(seed)
    film[0], film[-1] = insects(0)[0], insects(0)[-1]
    return film


def dark(seed: int) -> NDArray[np.uint8]:
    """(T, H, W, 3) a closed shutter: noise of a few levels, more than a codec takes away."""
    return np.random.default_rng(seed).integers(0, 9, (FRAMES, HEIGHT, WIDTH, 3), dtype=np.uint8)


def _with_discs(
    ground: NDArray[np.uint8], seed: int, *, radius: float, value: int, count: int = 2
) -> NDArray[np.uint8]:
    film, (yy, xx) = np.repeat(ground[None], FRAMES, 0), np.mgrid[:HEIGHT, :WIDTH]
    starts = np.random.default_rng(seed).uniform((20, 20), (WIDTH - 40, HEIGHT - 40), (count, 2))
    for t in range(FRAMES):
        for x, y in starts + 1.5 * t:
            film[t][(xx - x) ** 2 + (yy - y) ** 2 < radius**2] = value
    return film


FILMS = (insects, cells, same_ends, dark)


def as_array(film: NDArray[np.uint8], _: Path) -> FrameSource:
    """The film itself, (T, H, W, 3)."""
    return film


def as_folder(film: NDArray[np.uint8], place: Path) -> Path:
    """Write a film as a folder of PNG files, and return the folder."""
    place.mkdir(parents=True)
    for n, rgb in enumerate(film):
        Image.fromarray(rgb).save(place / f"{n:05}.png")
    return place


def as_bitmaps(film: NDArray[np.uint8], place: Path) -> Path:
    """Write a film as a folder of BMP files, all of one size, and return the folder."""
    place.mkdir(parents=True)
    for n, rgb in enumerate(film):
        Image.fromarray(rgb).save(place / f"{n:05}.bmp")
    return place


def as_video(film: NDArray[np.uint8], place: Path) -> Path:
    """Write a film as an MP4 file in H.264, and return its path."""
    return encode(film, place.with_name(f"{place.name}.mp4"), "libx264", crf=23)


def as_uncompressed(film: NDArray[np.uint8], place: Path) -> Path:
    """Write a film as an uncompressed video file, all of one size, and return its path."""
    return encode(film, place.with_name(f"{place.name}.mkv"), "rawvideo")


def encode(film: NDArray[np.uint8], path: Path, codec: str, **options: object) -> Path:
    """Write a film (T, H, W, 3) as a video file of 25 frames a second, and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(
            codec, rate=25, options={name: str(value) for name, value in options.items()}
        )
        stream.height, stream.width = film.shape[1:3]
        stream.pix_fmt = "yuv420p"
        for rgb in film:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(rgb, format="rgb24")))
        container.mux(stream.encode())
    return path


WAYS: tuple[Callable[[NDArray[np.uint8], Path], FrameSource], ...] = (
    as_array,
    as_folder,
    as_bitmaps,
    as_video,
    as_uncompressed,
)


def saved_of(source: FrameSource, folder: Path) -> SavedSession:
    """A session with an object, written where one is saved by itself."""
    folder.mkdir(parents=True, exist_ok=True)
    video = open_video(source)
    path = None if video.path is None else str(video.path)
    saved = SavedSession(Fingerprint.of(video), path, "", None, (ObjectInfo.numbered(1),), {}, {})
    write_session(folder / f"{saved.video.name}{SUFFIX}", saved)
    return saved


def is_taken(source: FrameSource, saved: SavedSession, folder: Path) -> tuple[bool, bool]:
    """Whether a new widget on a video goes on from saved work, and whether `load` takes it."""
    video = open_video(source)
    found = find_saved(video, folder)
    try:
        saved.check_video(video)
    except SessionError:
        return found is not None, False
    return found is not None, True


def mistaken(pairs: int, scratch: Path) -> int:
    """In how many pairs of look-alikes one was taken for the other."""
    wrong = 0
    for n in range(pairs):
        film, way = FILMS[n % len(FILMS)], WAYS[n // len(FILMS) % len(WAYS)]
        place = scratch / f"pair{n}"
        one, other = (way(film(2 * n + side + 1), place / str(side)) for side in (0, 1))
        saved = saved_of(one, place / "sessions")
        assert all(is_taken(one, saved, place / "sessions")), "the very video is recognized"
        wrong += any(is_taken(other, saved, place / "sessions"))
        shutil.rmtree(place)
    return wrong


def recognized(count: int, scratch: Path) -> int:
    """How many videos are known again after they were renamed, moved and touched."""
    known = 0
    for n in range(count):
        film, way = FILMS[n % len(FILMS)], WAYS[1:][n % (len(WAYS) - 1)]
        place = scratch / f"renamed{n}"
        path = Path(str(way(film(n + 1), place / "before")))
        saved = saved_of(path, place / "sessions")
        moved = place / "elsewhere" / f"new name{path.suffix}"
        moved.parent.mkdir()
        path.rename(moved)
        os.utime(moved, (n, n))
        if moved.is_dir():
            for number, file in enumerate(sorted(moved.iterdir()), 1):
                file.rename(moved / f"frame {number}{file.suffix}")
        known += all(is_taken(moved, saved, place / "sessions"))
        shutil.rmtree(place)
    return known


def seconds_of_large_file(path: Path, num_bytes: int = 10 * 2**30) -> float:
    """How long the identity of a file with holes in it takes."""
    rng = np.random.default_rng(0)
    with open(path, "wb") as file:
        file.truncate(num_bytes)
        for start in range(0, num_bytes, num_bytes // 64):
            file.seek(start)
            file.write(rng.bytes(2**20))
    began_at = time.perf_counter()
    identify_files([path])
    return time.perf_counter() - began_at


def main() -> None:
    """Print how many look-alikes are mistaken and renamed videos recognized, and times in s."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=200)
    parser.add_argument("--renamed", type=int, default=50)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        wrong = mistaken(options.pairs, scratch)
        print(f"{wrong} of {options.pairs} pairs of look-alikes taken for each other")
        known = recognized(options.renamed, scratch)
        print(f"{known} of {options.renamed} renamed, moved and touched videos recognized")
        print(f"{seconds_of_large_file(scratch / 'large.bin'):.2f} s for a file of 10 GiB")
        film = np.zeros((300, 480, 640, 3), np.uint8)
        began_at = time.perf_counter()
        open_video(film).identity()
        print(f"{time.perf_counter() - began_at:.2f} s for an array of {film.nbytes >> 20} MiB")


if __name__ == "__main__":
    main()
