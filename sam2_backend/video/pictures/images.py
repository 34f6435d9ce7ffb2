"""Frames that are image files: a folder of them, or one."""

from __future__ import annotations

import os
import re
import warnings
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from ..base import DEFAULT_FPS, Kind, Video
from ..contrast import Contrast
from ..errors import VideoError
from ..lru import BytesLru
from ..options import MAX_MEGAPIXELS, OpenOptions, Plane
from ..remote.files import is_url
from .decoding import PictureInfo, detect_picture_format, read_info, read_values, readable

IMAGE_SUFFIXES = frozenset(
    {
        *(".apng", ".avif", ".avifs", ".bmp", ".dib", ".gif", ".ico", ".png", ".qoi", ".webp"),
        *(".heic", ".heif", ".hif", ".jfif", ".jif", ".jpe", ".jpeg", ".jpg"),
        *(".j2c", ".j2k", ".jp2", ".jpc", ".jpf", ".jpx"),
        *(".pbm", ".pgm", ".pnm", ".ppm", ".sgi", ".tga"),
        *(".btf", ".tf2", ".tf8", ".tif", ".tiff"),
    }
)
VIDEOS_OF_PICTURES = frozenset({".mjpeg", ".mjpg"})
"""Suffixes of videos that begin as pictures do."""
HIDDEN = (".", "~$")
"""What names begin with of files that a system or a program leaves for itself."""
CACHE_BYTES = 64 * 2**20


class ImageFiles(Video):
    """Image files as frames, read when needed.

    Parameters
    ----------
    paths : in order; each of one picture.
    name : to show.
    kind : "images" for pictures that may be of several sizes and depths; frames of a video are of
        one.
    max_megapixels : of a picture.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        name: str,
        kind: Kind = "video",
        max_megapixels: float = MAX_MEGAPIXELS,
    ) -> None:
        infos = [read_info(path, max_megapixels) for path in paths]
        for path, info in zip(paths, infos, strict=True):
            if len(paths) > 1 and info.num_frames > 1:
                raise VideoError(
                    f"{path} holds several frames, so it is a video of its own and no frame of "
                    f"another: open it alone, with open_video({str(path.absolute())!r})."
                )
            if kind == "video":
                _check_alike(path, info, paths[0], infos[0])
        for path, info in zip(paths, infos, strict=True):
            if info.num_pictures > 1:
                warnings.warn(
                    f"{path.name} holds {info.num_pictures} pictures, of which the first is shown.",
                    stacklevel=4,
                )
        sizes = [(info.width, info.height) for info in infos]
        self.kind = kind
        super().__init__(
            *(len(paths), *sizes[0], DEFAULT_FPS, name), sizes if kind == "images" else None
        )
        self._paths = paths
        self._max_megapixels = max_megapixels
        self._deep = any(info.is_deep for info in infos)
        self.names = get_picture_names(paths)
        if kind == "video" and detect_picture_format(paths[0]) == "tiff":
            from .tiff import TiffFrames

            with readable(paths[0]), TiffFrames(paths[0], max_megapixels) as first:
                self.found_pixel_size = first.pixel_size
        self._cache = BytesLru[int, NDArray[Any]](CACHE_BYTES, lambda values: values.nbytes)

    @classmethod
    def of_folder(
        cls,
        folder: Path,
        kind: Kind = "video",
        max_megapixels: float = MAX_MEGAPIXELS,
        plane: Plane = None,
    ) -> Video:
        """Open the images of a folder in natural order: 2.jpg comes before 10.jpg.

        Hidden files are left out.
        """
        paths = sorted(_images_in(folder), key=lambda path: natural_sort_key(path.name))
        if not paths:
            raise VideoError(
                f"The folder {folder} holds no images: expected files such as 00000.jpg or "
                "frame1.png."
            )
        if len(paths) == 1:
            only = open_picture_file(paths[0], kind, max_megapixels, plane)
            if only is not None:
                only.name = folder.name
                return only
        (stem, times), *_ = Counter(path.stem for path in paths).most_common(1)
        if times > 1:
            twins = ", ".join(path.name for path in paths if path.stem == stem)
            warnings.warn(
                f"The folder {folder} holds {twins}: each is taken for a frame of its own. If they "
                "are one frame and something made of it, give the frames as a list of paths.",
                stacklevel=4,
            )
        return cls(paths, folder.name, kind, max_megapixels)

    @property
    def _files(self) -> Sequence[Path]:
        return self._paths

    @property
    def _is_deep(self) -> bool:
        return self._deep

    def _read(self, frame: int) -> NDArray[Any]:
        values = self._cache.get(frame)
        if values is None:
            values = read_values(self._paths[frame], self._max_megapixels)
            self._cache.put(frame, values)
        return values


def open_pictures(source: Any, kind: Kind, options: OpenOptions) -> Video | None:
    """Open the path of a folder of pictures, or of a file of one or many; see `SourceOpener`.

    Raises
    ------
    VideoError
        When a folder has none, or one cannot be read.
    """
    if not isinstance(source, Path):
        return None
    if source.is_dir():
        pictures = ImageFiles.of_folder(source, kind, options.max_megapixels, options.plane)
    else:
        pictures = open_picture_file(source, kind, options.max_megapixels, options.plane)
    if pictures is not None:
        from .pages import TiffStack

        if options.axes is not None or not isinstance(pictures, TiffStack):
            options.refuse_for_arrays(f"{source} is none")
    return pictures


def open_picture_list(source: Any, kind: Kind, options: OpenOptions) -> Video | None:
    """Open a list of paths of pictures; see `SourceOpener`.

    Raises
    ------
    VideoError
        When one is no picture.
    """
    if not isinstance(source, Sequence) or isinstance(source, (str, bytes, bytearray, memoryview)):
        return None
    items = cast("Sequence[Any]", source)
    paths = [Path(one).expanduser() for one in items if isinstance(one, (str, os.PathLike))]
    if not paths or len(paths) < len(items):
        return None
    options.refuse_for_arrays("image files have their own")
    if any(is_url(str(one)) for one in items):
        raise VideoError("Of pictures by URL, give the URL of their folder, not a list.")
    for path in paths:
        if path.suffix.lower() not in IMAGE_SUFFIXES and _is_no_picture(path):
            raise VideoError(
                f"{path} is no picture: a list holds the frames of one video. Open a video "
                "alone, by its path."
            )
    return ImageFiles(paths, "list", kind, options.max_megapixels)


def _is_no_picture(path: Path) -> bool:
    """Whether a file's content is of another kind, such as a video."""
    if not path.is_file() or path.stat().st_size == 0 or detect_picture_format(path) is not None:
        return False
    try:
        read_info(path)
    except VideoError:
        return True
    return False


def open_picture_file(
    path: Path,
    kind: Kind = "video",
    max_megapixels: float = MAX_MEGAPIXELS,
    plane: Plane = None,
) -> Video | None:
    """Open a file of one picture or many; None where its content is of another kind.

    Raises
    ------
    VideoError
        When it is a picture that cannot be read.
    """
    form = detect_picture_format(path)
    suffix = path.suffix.lower()
    if suffix in VIDEOS_OF_PICTURES or (form is None and suffix not in IMAGE_SUFFIXES):
        return None
    if form == "tiff":
        from .pages import TiffStack

        return TiffStack(path, kind, max_megapixels, plane)
    try:
        info = read_info(path, max_megapixels)
    except VideoError:
        if form is None and _is_video(path):
            return None
        raise
    if info.num_frames > 1:
        from .animations import Animation

        return Animation(path, kind, max_megapixels)
    return ImageFiles([path], path.name, kind, max_megapixels)


def get_picture_names(paths: Sequence[Path]) -> list[str]:
    """The names of files, with as many folders before a "/" as it takes to tell them apart."""
    names = [path.name for path in paths]
    if len(set(names)) == len(names):
        return names
    parts = [path.absolute().parts for path in paths]
    for count in range(2, max(map(len, parts))):
        longer = ["/".join(one[-count:]) for one in parts]
        if len(set(longer)) == len(set(parts)):
            return longer
    return names


def read_image(path: Path) -> NDArray[np.uint8]:
    """An image file as (H, W, 3) uint8 RGB, upright; one of more bits with its own contrast.

    Raises
    ------
    VideoError
        When it cannot be read.
    """
    return as_rgb(read_values(path))


def as_rgb(values_hwc: NDArray[Any]) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 RGB of a picture's values; other than 8-bit colours with their contrast."""
    if values_hwc.dtype == np.uint8 and values_hwc.shape[-1] == 3:
        return values_hwc
    return Contrast.of([values_hwc]).render(values_hwc)


def _images_in(folder: Path) -> list[Path]:
    """Files that look like images by their names, without those that a system leaves."""
    return [
        path
        for path in folder.iterdir()
        if path.suffix.lower() in IMAGE_SUFFIXES
        and not path.name.startswith(HIDDEN)
        and path.is_file()
    ]


def _check_alike(path: Path, info: PictureInfo, first: Path, expected: PictureInfo) -> None:
    if (info.width, info.height) != (expected.width, expected.height):
        raise VideoError(
            f"{path} is {info.width}x{info.height}, but {first.name} is {expected.width}x"
            f"{expected.height}: all frames of a video must have one size. Are they pictures, each "
            "on its own? Then say kind='images'."
        )
    if (info.channels, info.dtype) != (expected.channels, expected.dtype):
        raise VideoError(
            f"{path} is {info}, but {first.name} is {expected}: all frames of a video must be of "
            "one kind. Are they pictures, each on its own? Then say kind='images'."
        )


def _is_video(path: Path) -> bool:
    from ..containers.container import FileVideo

    try:
        FileVideo(path)
    except VideoError:
        return False
    return True


def natural_sort_key(name: str) -> list[tuple[int, int | str]]:
    """A key to sort names by: 2.jpg comes before 10.jpg."""
    return [
        (0, int(part)) if part.isdecimal() else (1, part.lower())
        for part in re.split(r"(\d+)", name)
        if part
    ]
