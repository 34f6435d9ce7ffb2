"""One picture file as an array of values, of as many bits as it has."""

from __future__ import annotations

import math
import re
import struct
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError, features

from ...extras import install_command
from ..errors import VideoError
from ..options import MAX_MEGAPIXELS

_TRANSPOSED = (5, 6, 7, 8)
"""Values of the EXIF orientation tag that swap width and height."""
_ORIENTATION = 0x0112
_DEEP_MODES = {"I": np.dtype(np.int32), "F": np.dtype(np.float32)}
_WITH_ORIENTATION = frozenset({"exif", "xmp", "XML:com.adobe.xmp", "Raw profile type exif"})
_SEQUENCES = frozenset({"PNG", "GIF", "WEBP", "AVIF"})
"""Formats whose further frames are those of an animation. In others they are previews, sizes of
an icon, or what a phone adds to a photograph."""


@dataclass(frozen=True)
class PictureInfo:
    """What a file's header says of the picture in it."""

    width: int
    """In pixels, upright."""
    height: int
    channels: int
    """Of the values that are read."""
    dtype: np.dtype[Any]
    num_frames: int = 1
    """2 stands for any number above."""
    num_pictures: int = 1
    """In a container of several, of which the first is shown."""

    @property
    def is_deep(self) -> bool:
        """Whether it is other than 8-bit colours."""
        return self.dtype != np.uint8 or self.channels != 3

    def __str__(self) -> str:
        if not self.is_deep:
            return "8-bit colour"
        kind = {"f": "floating-point"}.get(self.dtype.kind, f"{8 * self.dtype.itemsize}-bit")
        return f"{kind} with {self.channels} channel{'s' if self.channels > 1 else ''}"


# What a file is


def detect_picture_format(path: Path) -> str | None:
    """What a file's first bytes say it is: "tiff", "heif", "png", "other" picture, or None."""
    with open(path, "rb") as file:
        head = file.read(32)
    if head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return "tiff"
    if head[:8] == b"\x89PNG\r\n\x1a\n":
        return "png"
    if head[4:8] == b"ftyp" and head[8:12] in (b"heic", b"heix", b"heim", b"heis", b"mif1"):
        return "avif" if b"avif" in head[12:] else "heif"
    if head[4:8] == b"ftyp" and head[8:12] in (b"avif", b"avis"):
        return "avif"
    known = (b"GIF87a", b"GIF89a", b"\xff\xd8\xff", b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51", b"8BPS")
    if head.startswith(known) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP"):
        return "other"
    if re.match(rb"P[1-7]\s", head) or (head[:2] == b"BM" and head[6:10] == b"\0\0\0\0"):
        return "other"
    return None


def check_megapixels(path: Path, width: int, height: int, max_megapixels: float) -> None:
    """Raise VideoError where a picture is too large to be opened without being asked to."""
    megapixels = width * height / 1e6
    if megapixels > max_megapixels:
        raise VideoError(
            f"{path} is {width}x{height}: {megapixels:.0f} megapixels, which take "
            f"{3 * megapixels / 1000:.1f} GB or more. More than {max_megapixels:g} are opened only "
            f"if you say so: give max_megapixels={math.ceil(megapixels)}."
        )


# Reading


def read_info(path: Path, max_megapixels: float = MAX_MEGAPIXELS) -> PictureInfo:
    """Read what a picture file's header says.

    Raises
    ------
    VideoError
        When it is no picture, or too large.
    """
    with readable(path) as form:
        if form == "tiff":
            from .tiff import TiffFrames

            with TiffFrames(path, max_megapixels) as frames:
                return frames.info
        deep = _deep_reader(path, form)
        with open_with_pillow(path, form, max_megapixels) as image:
            width, height = image.size
            if _orientation(path, image) in _TRANSPOSED:
                width, height = height, width
            channels, dtype = _values_of(image.mode)
            if deep is not None:
                channels, dtype = deep.channels, deep.dtype
            animated = image.format in _SEQUENCES and getattr(image, "is_animated", False)
            others = int(getattr(image, "n_frames", 1)) if image.format == "HEIF" else 1
            return PictureInfo(width, height, channels, dtype, 2 if animated else 1, others)


def read_values(path: Path, max_megapixels: float = MAX_MEGAPIXELS) -> NDArray[Any]:
    """Read a picture file's values, upright.

    Returns
    -------
    ndarray
        (H, W, 3) uint8 RGB of a picture of 8 bits, transparency dropped; (H, W, C) of another
        type or number of channels as they are.

    Raises
    ------
    VideoError
        When it cannot be read, or is too large.
    """
    with readable(path) as form:
        if form == "tiff":
            from .tiff import TiffFrames

            with TiffFrames(path, max_megapixels) as frames:
                return frames.read(0)
        deep = _deep_reader(path, form)
        with open_with_pillow(path, form, max_megapixels) as image:
            values = values_of(image) if deep is None else deep.read(path)
            return upright(values, _orientation(path, image))


def values_of(image: Image.Image) -> NDArray[Any]:
    """(H, W, C) values of a Pillow image: uint8 RGB, or one channel of more bits."""
    _, dtype = _values_of(image.mode)
    if dtype == np.uint8:
        if image.mode in ("P", "PA") and "transparency" in image.info:
            image = image.convert("RGBA")  # Pillow warns of the direct way
        return np.array(image.convert("RGB"))
    return np.array(image).astype(dtype, copy=False)[..., None]


@contextmanager
def readable(path: Path) -> Generator[str | None, None, None]:
    """Give what a file's first bytes say it is, and turn what goes wrong into a VideoError."""
    try:
        yield detect_picture_format(path)
    except VideoError:
        raise
    except FileNotFoundError as error:
        raise VideoError(f"There is no file {path}.") from error
    except MemoryError as error:
        raise VideoError(
            f"{path} says that it takes more memory than there is ({error or 'out of memory'}): it "
            "may be damaged."
        ) from error
    except Exception as error:
        # Whatever Pillow, tifffile and their codecs raise: of data with faults there is no end.
        raise _unreadable(path, error) from error


@contextmanager
def open_with_pillow(
    path: Path, form: str | None, max_megapixels: float
) -> Generator[Image.Image, None, None]:
    """A file opened by Pillow."""
    if form == "heif":
        _register_heif(path)
    elif form == "avif" and not features.check("avif"):  # pyright: ignore[reportUnknownMemberType]
        raise VideoError(
            f"{path} is an AVIF picture, which this Pillow does not read: run pip install "
            "--upgrade 'pillow>=11.3', and restart the kernel."
        )
    with no_pillow_limit():
        image: Image.Image = Image.open(path)
    with image:
        check_megapixels(path, *image.size, max_megapixels)
        yield image


_LIMIT = threading.Lock()
_limits: list[int | None] = []


@contextmanager
def no_pillow_limit() -> Generator[None, None, None]:
    """Let Pillow open pictures of any size, since ours are checked by `check_megapixels`.

    Its own limit is the whole process's, and its words are of an attack.
    """
    with _LIMIT:
        _limits.append(Image.MAX_IMAGE_PIXELS)
        Image.MAX_IMAGE_PIXELS = None
    try:
        yield
    finally:
        with _LIMIT:
            limit = _limits.pop()
            if not _limits:
                Image.MAX_IMAGE_PIXELS = limit


def upright(values_hwc: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Values turned as the EXIF orientation tag says."""
    if orientation in _TRANSPOSED:
        values_hwc = values_hwc.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        values_hwc = values_hwc[::-1]
    if orientation in (2, 3, 6, 7):
        values_hwc = values_hwc[:, ::-1]
    return np.ascontiguousarray(values_hwc)


def iter_png_chunks(file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """Kind, offset and length of the data of each chunk of a PNG file."""
    at = 8
    while True:
        file.seek(at)
        head = file.read(8)
        if len(head) < 8:
            return
        length, kind = struct.unpack(">I4s", head)
        yield kind, at + 8, length
        at += length + 12


def _values_of(mode: str) -> tuple[int, np.dtype[Any]]:
    """Number of channels and type of the values that a Pillow mode gives."""
    if mode.startswith("I;16"):
        return 1, np.dtype(np.uint16)
    dtype = _DEEP_MODES.get(mode)
    return (3, np.dtype(np.uint8)) if dtype is None else (1, dtype)


def is_turned(image: Image.Image) -> bool:
    """Whether EXIF data of a Pillow image say that it is to be turned when it is shown."""
    return bool(_WITH_ORIENTATION & image.info.keys()) and _tagged_orientation(image) != 1


def _tagged_orientation(image: Image.Image) -> int:
    return image.getexif().get(_ORIENTATION, 1)


def _orientation(path: Path, image: Image.Image) -> int:
    if _WITH_ORIENTATION & image.info.keys():
        return _tagged_orientation(image)
    if image.format == "PNG":
        # It may come after the pixels: to look there, Pillow decodes the whole picture.
        with open(path, "rb") as file:
            for kind, at, length in iter_png_chunks(file):
                if kind == b"eXIf":
                    file.seek(at)
                    exif = Image.Exif()
                    exif.load(b"Exif\0\0" + file.read(length))
                    return exif.get(_ORIENTATION, 1)
    return 1


def _register_heif(path: Path) -> None:
    try:
        from pillow_heif import register_heif_opener  # pyright: ignore
    except ImportError as error:
        raise VideoError(
            f"{path} is a HEIC picture, which pillow-heif reads: run "
            f"{install_command('pillow_heif')}, and restart the kernel."
        ) from error
    register_heif_opener()


def _unreadable(path: Path, error: Exception) -> VideoError:
    if path.is_file() and path.stat().st_size == 0:
        return VideoError(f"{path} is an empty file.")
    if path.name.startswith("._"):
        return VideoError(
            f"{path} is no picture, but what a Mac keeps beside {path.name[2:]}: leave out files "
            "whose names begin with '._'."
        )
    reason = "not an image" if isinstance(error, UnidentifiedImageError) else str(error)
    return VideoError(f"{path} cannot be read as an image ({reason}): it may be damaged.")


# What Pillow would cut to 8 bits


@dataclass(frozen=True)
class _Packed:
    """A picture of 16 bits that FFmpeg decodes.

    Parameters
    ----------
    channels : that are kept.
    stored : that there are.
    format : for FFmpeg.
    """

    channels: int
    stored: int
    format: str
    dtype = np.dtype(np.uint16)

    def read(self, path: Path) -> NDArray[Any]:
        import av
        from av.error import FFmpegError

        try:
            with av.open(str(path), format=self.format) as container:
                frame = next(container.decode(video=0))
        except (FFmpegError, StopIteration) as error:
            raise OSError(str(error) or "it ends too early") from error
        order = ">u2" if frame.format.name.endswith("be") else "<u2"
        rows = np.frombuffer(memoryview(frame.planes[0]), order).reshape(frame.height, -1)
        values = rows[:, : frame.width * self.stored].reshape(
            frame.height, frame.width, self.stored
        )
        return values[..., : self.channels].astype(self.dtype)


@dataclass(frozen=True)
class _Netpbm:
    """A Netpbm picture of more than 8 bits."""

    magic: bytes
    width: int
    height: int
    offset: int
    dtype = np.dtype(np.uint16)

    @property
    def channels(self) -> int:
        return 3 if self.magic in (b"P3", b"P6") else 1

    def read(self, path: Path) -> NDArray[Any]:
        shape = self.height, self.width, self.channels
        count = math.prod(shape)
        with open(path, "rb") as file:
            file.seek(self.offset)
            data = file.read() if self.magic in (b"P2", b"P3") else file.read(2 * count)
        if self.magic in (b"P2", b"P3"):
            values = np.array(re.sub(rb"#[^\r\n]*", b"", data).split()[:count], np.uint16)
        else:
            values = np.frombuffer(data, ">u2")
        if values.size < count:
            raise OSError("it ends too early")
        return values.reshape(shape).astype(self.dtype)


_NETPBM = re.compile(rb"(P[2356])" + 3 * rb"(?:\s|#[^\r\n]*[\r\n])+(\d+)" + rb"\s")


def _deep_reader(path: Path, form: str | None) -> _Packed | _Netpbm | None:
    """What reads a file that Pillow would cut to 8 bits; None where it would not."""
    if form not in ("png", "other"):
        return None
    with open(path, "rb") as file:
        head = file.read(4096)
    if form == "png":
        depth, colors = head[24], head[25]
        stored = {2: 3, 4: 2, 6: 4}.get(colors, 0)
        return (
            _Packed(1 if stored == 2 else 3, stored, "png_pipe") if depth == 16 and stored else None
        )
    netpbm = _NETPBM.match(head)
    if netpbm is not None:
        magic, width, height, maximum = netpbm.groups()
        deep = 255 < int(maximum) < 2**16
        return _Netpbm(magic, int(width), int(height), netpbm.end()) if deep else None
    size = head.find(b"\xff\x51", head.find(b"\xff\x4f\xff\x51"))
    if head[:4] in (b"\0\0\0\x0c", b"\xff\x4f\xff\x51") and 0 <= size < len(head) - 43:
        stored, depth = (
            int.from_bytes(head[size + 38 : size + 40], "big"),
            (head[size + 40] & 127) + 1,
        )
        if depth > 8 and stored in (3, 4):
            return _Packed(3, stored, "j2k_pipe")
    return None
