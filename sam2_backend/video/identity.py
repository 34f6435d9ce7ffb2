"""By what a video is known again: its content, whatever its name, place and times are.

Of files the bytes count, of frames in memory their values; what is small is read whole, what is
large is sampled all over, so that telling two videos apart takes a fraction of a second. An
identity is text, ``SCHEME:NUM_BYTES:DIGEST``, and what of the content is shown after one more
colon, where that can be chosen; two of one scheme are equal for the same content only. Two of
different schemes, as of a folder of pictures and of the array that was read from it, say nothing of
each other.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from .base import Video
    from .remote.files import RemoteFile

FILES, FRAMES, RECORDING = "files-1", "frames-1", "recording-1"
OVERVIEW = "overview-1"
"""Schemes. A change of what is sampled makes the number another."""

FILE_BYTES = 32 * 2**20
"""Of files, so much is read."""
REMOTE_BYTES = 2**20
"""Of a file by URL, so much is read."""
FRAME_BYTES = 128 * 2**20
"""Of frames, so much is read."""
MIN_SHARE_BYTES = 8 * 2**10
"""Of each file at least."""
BLOCK_BYTES = 64 * 2**10
"""Read in one go from a large file."""
MIN_FRAMES = 8
"""So many are read at least where reading all would take too long."""
MAX_ENTRIES = 10_000
"""Of a folder in which a video is looked for."""

_GOLDEN = 0.6180339887498949
"""Steps of this part of a range, taken around it, leave no part of it out."""


def identify_files(paths: Sequence[Path | RemoteFile], num_bytes: int = FILE_BYTES) -> str:
    """The identity of some files, in their order, whatever they are called.

    Up to `num_bytes`, 32 MiB, are read whole. Of more, each file's size counts, and blocks spread
    over each file: 512 of 64 KiB of a single one, in each file of many at other places.

    Raises
    ------
    OSError
        When one cannot be read.
    """
    sizes = [path.stat().st_size for path in paths]
    total = sum(sizes)
    share = total if total <= num_bytes else max(num_bytes // len(paths), MIN_SHARE_BYTES)
    digest = blake2b(digest_size=16)
    for n, (path, size) in enumerate(zip(paths, sizes, strict=True)):
        digest.update(size.to_bytes(8, "little"))
        with path.open("rb") as file:
            for start, length in _blocks(size, share, n * _GOLDEN % 1):
                file.seek(start)
                digest.update(file.read(length))
    return f"{FILES}:{total}:{digest.hexdigest()}"


def _blocks(size: int, share: int, phase: float) -> Iterator[tuple[int, int]]:
    """Start and length of what is read of a file: all, or blocks all over it and its end."""
    block = BLOCK_BYTES
    if size <= share:
        yield from ((start, min(block, size - start)) for start in range(0, size, block))
        return
    block = min(block, share // 8)
    count = share // block - 1
    for n in range(count):
        # Not at equal distances, of which a frame of fixed size could be a part.
        at = (n + (phase + n * _GOLDEN) % 1) * size / count
        yield min(int(at), size - block), block
    yield size - block, block


def identify_frames(video: Video, *, in_memory: bool) -> str:
    """The identity of frames by their values, as `Video.raw` gives them.

    Up to 128 MiB are read whole. Of more in memory, rows of every frame count, in each frame
    others; of more that is elsewhere, whole frames spread over the video.

    Parameters
    ----------
    in_memory : whether a few rows of a frame cost less than the frame.
    """
    size = video.raw(0).nbytes
    total = size * len(video)
    frames, step = range(len(video)), 1
    if total > FRAME_BYTES and in_memory:
        step = -(-total // FRAME_BYTES)
    elif total > FRAME_BYTES:
        count = min(max(FRAME_BYTES // size, MIN_FRAMES), len(video))
        frames = np.linspace(0, len(video) - 1, count).round().astype(int).tolist()
    digest = blake2b(digest_size=16)
    for frame in frames:
        values_hwc = video.raw(frame)
        step_here = min(step, values_hwc.shape[0])
        first = int(frame * _GOLDEN % 1 * step_here)
        digest.update(f"{values_hwc.dtype.str}{values_hwc.shape}".encode())
        digest.update(np.ascontiguousarray(values_hwc[first::step_here]).data)
    return f"{FRAMES}:{total}:{digest.hexdigest()}"


def identify_values(values_hwc: NDArray[Any], size: tuple[int, int]) -> str:
    """The identity of a picture in a store of many files, by its overview.

    Parameters
    ----------
    values_hwc : (h, w, C) of the overview.
    size : width and height of the picture in pixels.
    """
    digest = blake2b(digest_size=16)
    digest.update(f"{size}{values_hwc.dtype.str}{values_hwc.shape}".encode())
    digest.update(np.ascontiguousarray(values_hwc).data)
    num_bytes = size[0] * size[1] * values_hwc.shape[-1] * values_hwc.itemsize
    return f"{OVERVIEW}:{num_bytes}:{digest.hexdigest()}"


def identify_recording(recording: str) -> str:
    """Return the identity of what a live source gives, by the unique id of the recording.

    Its frames do not identify it: some may be gone, and more may come.
    """
    return f"{RECORDING}:0:{recording}"


def are_comparable(identity: str, other: str) -> bool:
    """Whether two identities say of two videos that they are the same, or are not."""
    return identity.split(":")[0] == other.split(":")[0]


def find_files(folder: Path, identity: str) -> Path | None:
    """Find the file in a folder that has an identity, whatever it is called now, or None.

    Only files of the right size are read.
    """
    scheme, num_bytes, *_ = parts = identity.split(":")
    content = ":".join(parts[:3])
    if scheme != FILES or not num_bytes.isdecimal():
        return None
    try:
        with os.scandir(folder) as entries:
            for entry, _ in zip(entries, range(MAX_ENTRIES), strict=False):
                if entry.is_file() and entry.stat().st_size == int(num_bytes):
                    path = Path(entry.path)
                    if identify_files([path]) == content:
                        return path
    except OSError:
        pass
    return None
