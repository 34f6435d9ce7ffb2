"""Video files as FFmpeg opens them: the stream of the video, its packets, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Disposition
from av.video.stream import VideoStream

from ..errors import VideoError
from .truncation import VideoFile, measure_whole_boxes

VideoPacket: TypeAlias = "Packet[VideoStream]"

PICTURE_CODECS = frozenset({"mjpeg", "png", "bmp", "gif", "webp", "tiff", "jpegxl", "jpegls"})
"""Codecs of covers, where there is another video; of videos too, where there is none."""
FILMS_OF_LETTERS = frozenset({"tty", "bin", "xbin", "adf", "idf"})
"""What any text, and some data, are to FFmpeg; so are some zeros a CD's pictures, "cdg"."""
OTHER_FILES = {
    "7z bz2 gz rar tar tgz xz zip zst": "it is an archive. Unpack it, and open what is in it",
    "czi dcm dicom fcs ims lif mha mhd mrc nd2 nii nrrd obf oib oif sld vsi": "it comes from a "
    "microscope or a scanner. Read it into an array with a library of its kind and give that, or "
    "export it as OME-TIFF or OME-Zarr",
    "arw cr2 cr3 dng erf kdc mrw nef nrw orf pef raf rw2 srw x3f": "it is a camera's raw picture. "
    "Develop it, and open the TIFF or JPEG",
    "mpd": "it is a list of streams. Give one stream by itself, or download it as MP4",
    "csv doc docx htm html json md pdf ppt pptx txt xls xlsx xml yaml yml": "it is a document. "
    "Give a video, pictures or arrays",
}
"""What sound files are of whose kind no frames are read, by suffixes."""


def open_stream(path: VideoFile) -> tuple[InputContainer, VideoStream]:
    """A file and the stream of its video: the first that is no cover."""
    container = _open_file(path)
    streams = [
        stream
        for stream in container.streams.video
        if not stream.disposition & Disposition.attached_pic
    ]
    if not streams:
        container.close()
        raise VideoError(f"{path} holds no video, only sound, pictures of a cover or data.")
    # Players pass over what they cannot decode, and some muxers do not say what is a cover.
    known = [stream for stream in streams if _is_decodable(stream)]
    known.sort(key=lambda stream: stream.codec_context.name in PICTURE_CODECS)
    if not known:
        container.close()
        raise VideoError(
            f"{path} holds video of a kind that cannot be decoded here. Export it as H.264 in MP4 "
            "from a program that plays it."
        )
    return container, known[0]


def iter_packets(container: InputContainer, stream: VideoStream) -> Iterator[VideoPacket]:
    """Packets that hold something, to the end."""
    try:
        for packet in container.demux(stream):
            if packet.size:
                yield packet
    except IndexError:
        # At its end PyAV stumbles over a stream that was not yet there when the file was opened.
        return


def _open_file(path: VideoFile) -> InputContainer:
    try:
        opened = str(path) if isinstance(path, Path) else path.open()
        container = av.open(opened, "r", metadata_errors="ignore")
    except FFmpegError as error:
        whole = measure_whole_boxes(path)
        if isinstance(path, Path) and 0 < whole < path.stat().st_size:
            # FFmpeg gives up at a fragment of which a part is missing.
            with suppress(FFmpegError):
                cut = f"subfile,,start,0,end,{whole},,:{path}"
                return av.open(cut, metadata_errors="ignore")
        raise damage_error(path, error) from error
    form = container.format.name
    if form in FILMS_OF_LETTERS or (form == "cdg" and not path.name.lower().endswith(".cdg")):
        container.close()
        raise damage_error(path, ValueError("it is text" if form == "tty" else "it is data"))
    return container


def damage_error(path: VideoFile, error: Exception) -> VideoError:
    """Says that a file cannot be read: what else it is, where its name tells that."""
    reason = str(getattr(error, "strerror", None) or error)
    suffix = path.name.lower().rpartition(".")[2]
    for suffixes, advice in OTHER_FILES.items():
        if suffix in suffixes.split():
            return VideoError(f"{path} cannot be read as a video: {advice}.")
    return VideoError(
        f"{path} cannot be read as a video ({reason}). If it is one, it may be damaged or only "
        "partly downloaded: try it in a player, or fetch it again."
    )


def describe_undecodable(path: VideoFile) -> str:
    """Says that no frame of a file comes out."""
    return (
        f"{path} has no frame that can be decoded: it is not what its header says, or lacks what "
        "its frames depend on. If a program plays it, export it from there as H.264 in MP4."
    )


def _is_decodable(stream: VideoStream) -> bool:
    return stream.codec_context is not None  # pyright: ignore[reportUnnecessaryComparison]
