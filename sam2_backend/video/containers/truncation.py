"""Whether a file is as long as its own header says."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from ..remote.files import RemoteFile

VideoFile: TypeAlias = "Path | RemoteFile"
"""A file on disk, or by URL."""

_EBML, _SEGMENT = 0x1A45DFA3, 0x18538067
_ASF_FILE_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
_HEAD = 2**16
_FIRST_BOXES = frozenset({b"ftyp", b"styp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"})


def is_cut_off(path: VideoFile) -> bool:
    """Whether an AVI, Matroska, WebM, ASF or MP4 file ends before it says; of others, False."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if measure_whole_boxes(path) not in (0, path.stat().st_size):
        return True
    announced = _riff_bytes(head) or _matroska_bytes(head) or _asf_bytes(head)
    return announced > path.stat().st_size


def measure_whole_boxes(path: VideoFile) -> int:
    """Bytes of an MP4 or MOV file up to the first box of which a part is missing; 0 for others."""
    end, at = path.stat().st_size, 0
    with path.open("rb") as file:
        while at < end:
            file.seek(at)
            head = file.read(16)
            size = int.from_bytes(head[:4], "big")
            if at == 0 and head[4:8] not in _FIRST_BOXES:
                return 0
            if size == 1:
                size = int.from_bytes(head[8:16], "big")
            if size == 0:  # up to the end, wherever that is
                return end
            if size < 8 or at + size > end:
                break
            at += size
    return at


def _riff_bytes(head: bytes) -> int:
    if head[:4] != b"RIFF" or len(head) < 8:
        return 0
    (size,) = struct.unpack_from("<I", head, 4)
    return 8 + size if 0 < size < 2**32 - 1 else 0


def _asf_bytes(head: bytes) -> int:
    at = head.find(_ASF_FILE_PROPERTIES)
    if at < 0 or len(head) < at + 48:
        return 0
    return struct.unpack_from("<Q", head, at + 40)[0]


def _matroska_bytes(head: bytes) -> int:
    """Where the segment ends."""
    at = 0
    for wanted in (_EBML, _SEGMENT):
        if len(head) < at + 12 or int.from_bytes(head[at : at + 4], "big") != wanted:
            return 0
        first = head[at + 4]
        if first == 0:
            return 0
        length = 9 - first.bit_length()
        bits = 7 * length
        size = int.from_bytes(head[at + 4 : at + 4 + length], "big") & (2**bits - 1)
        if size == 2**bits - 1:  # a live recording, which does not know
            return 0
        at += 4 + length + size
    return at
