"""What every source of frames gives, and the checks that several share."""

from __future__ import annotations

import copy
import os
import threading
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..arguments import ArgumentError, check_number, check_whole
from .contrast import Contrast, ContrastLike, as_contrast
from .errors import VideoError
from .georeference import GeoReference
from .identity import identify_files, identify_frames
from .options import DEFAULT_OPTIONS, OpenOptions
from .pixel_size import PixelSize, PixelSizeLike, as_pixel_size
from .pixels import thin_out

Kind = Literal["video", "images"]
"""Frames one after the other, or pictures that have nothing to do with each other."""

DEFAULT_FPS = 25.0
"""Of sources that do not say."""
SAMPLES = 8
"""How many frames a contrast is chosen by."""


class Video(ABC):
    """A sequence of frames, or of pictures. They may be read from any thread.

    ``len(video)`` is the number of frames and ``video[i]`` frame i as an (H, W, 3) uint8 RGB
    array, which belongs to the video: copy it before changing it.

    Parameters
    ----------
    num_frames : how many.
    width, height : in pixels; of the first frame where they differ.
    fps, name : to show.
    sizes : width and height of each frame where they may differ, as they may of pictures.
    """

    path: Path | None = None
    """Where it was opened on disk, absolute; None for frames in memory and by URL."""

    location: str | None = None
    """What opens it again: its path, or its URL without secrets; None for frames in memory."""

    kind: Kind = "video"
    """"images" where the frames are pictures that have nothing to do with each other."""

    names: Sequence[str] | None = None
    """What the source calls each frame, such as "00001.jpg"; None where it has no names."""

    options: OpenOptions = DEFAULT_OPTIONS
    """What was said when it was opened; with this, `location` opens in the same way."""

    found_pixel_size: PixelSize | None = None
    """How large a pixel is, as the source's own metadata has it."""

    georeference: GeoReference | None = None
    """Where pixels lie on the earth, as a GeoTIFF says."""

    found_shown_s: NDArray[np.float64] | None = None
    """(T,) seconds from the first frame to when each is shown; None where `fps` tells it."""

    found_interval_s: float | None = None
    """Seconds from the recording of a frame to that of the next, as a microscope's file says."""

    start_s: float = 0.0
    """When the first frame is shown by the clock of its file, which that of its sound is too."""

    _chosen_pixel_size: PixelSize | None = None

    decoder: str | None = None
    """What decodes a video file, where another one than PyAV was asked for."""

    recording: str | None = None
    """Of a live video, what no other recording is called; None for all others."""

    def __init__(
        self,
        num_frames: int,
        width: int,
        height: int,
        fps: float,
        name: str,
        sizes: Sequence[tuple[int, int]] | None = None,
    ) -> None:
        self.sizes = sizes
        self._num_frames = num_frames
        self.width = width
        self.height = height
        self._fps = fps
        self.name = name
        self._contrast: Contrast | None = None
        self._automatic: dict[int, Contrast | None] = {}
        self._choosing = threading.Lock()
        self._identity: str | None = None
        self._said: set[str] = set()
        self._original: Video | None = None

    def __len__(self) -> int:
        return self.num_frames

    @property
    def num_frames(self) -> int:
        """How many frames there are; of a live video, so far."""
        return self._num_frames

    @property
    def first_frame(self) -> int:
        """The first that can be read: 0 but for live videos."""
        return 0

    @property
    def fps(self) -> float:
        """Frames a second."""
        return self._fps

    @fps.setter
    def fps(self, fps: float) -> None:
        check_number(fps, "fps")
        if not 0 < fps < float("inf"):
            raise ArgumentError(f"fps must be above 0 and no infinity, got {fps!r}.")
        self._fps = fps
        self.found_shown_s = None

    @property
    def shown_s(self) -> NDArray[np.float64]:
        """(T,) seconds from the first frame to when each is shown where the video is played."""
        if self.found_shown_s is None:
            return np.arange(self.num_frames, dtype=np.float64) / self.fps
        return self.found_shown_s

    @property
    def times_s(self) -> NDArray[np.float64]:
        """(T,) seconds from the first frame to when each was recorded, else to when it is shown."""
        if self.found_interval_s is None:
            return self.shown_s
        return np.arange(self.num_frames, dtype=np.float64) * self.found_interval_s

    @property
    def interval_s(self) -> float:
        """Seconds from one of `times_s` to the next, on average."""
        return self.found_interval_s or 1 / self.fps

    def snapshot(self) -> Video:
        """The video, or what there is by now of one that grows."""
        return self

    def duplicate(self) -> Video:
        """Return the same frames as an object with a kind and a contrast of its own.

        They are read by the same means.
        """
        other = copy.copy(self)
        other._automatic = {}
        other._original = self  # what ends with it, such as a recording, stays as long as this
        return other

    @property
    def sizes_hw(self) -> Sequence[tuple[int, int]] | None:
        """(H, W) of each frame where they may differ; else None."""
        return None if self.sizes is None else [(height, width) for width, height in self.sizes]

    def size_hw(self, frame: int) -> tuple[int, int]:
        """(H, W) of a frame in pixels."""
        width, height = (self.width, self.height) if self.sizes is None else self.sizes[frame]
        return height, width

    def __getitem__(self, frame: int, /) -> NDArray[np.uint8]:
        return self.show(self.raw(frame), int(frame))

    def raw(self, frame: int) -> NDArray[Any]:
        """(H, W, C) values as the source holds them: uint8 RGB, or what a contrast shows."""
        self._check(frame)
        return self._read(int(frame))

    def identity(self) -> str:
        """Return a text that identifies the video, wherever it is and whatever it is called.

        It is a digest of its files' bytes, or of its frames where it is in memory, and computed
        once.

        Raises
        ------
        VideoError
            When it cannot be read any more.
        """
        if self._identity is None:
            try:
                self._identity = self._identify()
            except OSError as error:
                raise VideoError(
                    f"{self.name} cannot be read any more ({error.strerror or error})."
                ) from error
        return self._identity

    def _identify(self) -> str:
        """Compute the identity from the files' bytes and what is shown of them.

        Where there are no files, it is that of values. Sources that are not on this machine have a
        way of their own.
        """
        files = self._files
        if not files:
            return identify_frames(self, in_memory=self._in_memory)
        return identify_files(files) + (f":{self._view}" if self._view else "")

    @property
    def files(self) -> Sequence[Path]:
        """The files on this machine that the video is read from, which nothing may write over.

        None are listed where it is in memory, elsewhere, or in a store of many.
        """
        return self._files

    @property
    def _files(self) -> Sequence[Path]:
        """The files that it is read from; none where it is in memory, or in a store of many."""
        return [self.path] if self.path is not None and self.path.is_file() else []

    @property
    def _view(self) -> str:
        """What of the files is shown, where a user may choose it; "" where it is the whole."""
        return ""

    @property
    def _in_memory(self) -> bool:
        """Whether a few rows of a frame cost less than the frame."""
        return False

    @property
    def pixel_size(self) -> PixelSize | None:
        """How large a pixel is, as it was said or else as the source has it; None if not known.

        Set it to text such as "0.65 µm" or to what else `as_pixel_size` takes, or to None for what
        the source has.
        """
        return self._chosen_pixel_size or self.found_pixel_size

    @pixel_size.setter
    def pixel_size(self, size: PixelSizeLike | None) -> None:
        self._chosen_pixel_size = None if size is None else as_pixel_size(size)

    @property
    def chosen_pixel_size(self) -> PixelSize | None:
        """What `pixel_size` was set to; None where it is the source's."""
        return self._chosen_pixel_size

    # Contrast

    @property
    def contrast(self) -> Contrast | None:
        """How values become colours; None where the source has 8-bit colours, shown as they are.

        Set it to a `Contrast`, to (low, high), or to None for the automatic one: that of a video
        is chosen by frames all over it, and of pictures each has its own.
        """
        return self._contrast or self.automatic_contrast(0)

    @contrast.setter
    def contrast(self, contrast: ContrastLike | None) -> None:
        if contrast is not None:
            num_channels = self._num_channels(0)
            contrast = as_contrast(contrast, num_channels)
            if self.kind == "video" and len(contrast.channels) != num_channels:
                raise ValueError(
                    f"The contrast is of {len(contrast.channels)} channels, but {self.name} has "
                    f"{num_channels}."
                )
        self._contrast = contrast

    @property
    def chosen_contrast(self) -> Contrast | None:
        """What `contrast` was set to; None where it is automatic."""
        return self._contrast

    def contrast_of(self, frame: int) -> Contrast | None:
        """Return the contrast that a frame is shown with; None where it is shown as it is.

        Pictures of another number of channels than the chosen contrast has keep their automatic
        one, unless all its channels share one window.
        """
        if self._contrast is None or self.kind == "video":
            return self._contrast or self.automatic_contrast(frame)
        fitting = self._contrast.fit(self._num_channels(frame))
        return fitting or self.automatic_contrast(frame)

    def automatic_contrast(self, frame: int) -> Contrast | None:
        """What a frame is shown with unless a contrast is chosen."""
        if not self._is_deep:
            return None
        key = frame if self.kind == "images" else -1
        with self._choosing:
            if key not in self._automatic:
                samples = self._samples() if key < 0 else self._part_of(key)
                self._automatic[key] = self._choose_contrast(list(samples))
            return self._automatic[key]

    def show(self, values_hwc: NDArray[Any], frame: int = 0) -> NDArray[np.uint8]:
        """(H, W, 3) uint8 RGB of values of a frame of this source."""
        return _render(values_hwc, self.contrast_of(frame))

    def show_as_opened(self, frame: int) -> NDArray[np.uint8]:
        """(H, W, 3) uint8 RGB of a frame with its automatic contrast, whatever is chosen."""
        return _render(self.raw(frame), self.automatic_contrast(frame))

    def sample(self, frame: int) -> NDArray[Any]:
        """(h, w, C) values that stand for a frame's: all of them, unless that would be too many."""
        return self.raw(frame)

    def _num_channels(self, frame: int) -> int:
        return self.raw(frame).shape[-1]

    @property
    def _is_deep(self) -> bool:
        """Whether values are other than uint8 RGB, so that they need a contrast to be shown."""
        return False

    def _choose_contrast(self, samples: Sequence[NDArray[Any]]) -> Contrast | None:
        """The contrast of some values; None for 8-bit colours."""
        if all(part.dtype == np.uint8 and part.shape[-1] == 3 for part in samples):
            return None
        return Contrast.of(samples)

    def _samples(self) -> Iterator[NDArray[Any]]:
        """Parts of some frames that lie all over the video, to choose a contrast by."""
        last = self.num_frames - 1
        for frame in sorted({round(last * n / (SAMPLES - 1)) for n in range(SAMPLES)}):
            yield from self._part_of(frame)

    def _part_of(self, frame: int) -> Iterator[NDArray[Any]]:
        yield thin_out(self._read(frame))

    def read_progressive(self, frame: int) -> Iterator[tuple[int, NDArray[np.uint8]] | None]:
        """Read a frame, and give way on the way to it.

        Yields
        ------
        Frame and picture, the wanted one last; before it, where that takes long, others that lie
        on the way; now and then None, so that others get their turn.
        """
        yield frame, self[frame]

    def approach(self, frame: int) -> Iterator[tuple[int, NDArray[np.uint8]] | None]:
        """Deprecated name of `read_progressive`."""
        sentence = "Video.approach is deprecated: call read_progressive."
        warnings.warn(sentence, DeprecationWarning, stacklevel=2)
        return self.read_progressive(frame)

    def thumbnails(
        self, frames: Sequence[int], height: int
    ) -> Iterator[tuple[int, NDArray[np.uint8]] | None]:
        """Small pictures of some frames.

        Parameters
        ----------
        frames : in any order.
        height : of the pictures in pixels.

        Yields
        ------
        Frame and (height, W, 3) uint8 RGB; now and then None, so that others get their turn. A
        picture may be of a frame nearby where the exact one takes long to reach.
        """
        for frame in frames:
            image = Image.fromarray(self[frame])
            width = max(round(image.width * height / image.height), 1)
            yield frame, np.asarray(image.resize((width, height), Image.Resampling.BOX))

    def _check(self, frame: int) -> None:
        if not (isinstance(frame, (float, np.floating)) and frame.is_integer()):
            check_whole(frame, "A frame")
        if not 0 <= frame < self.num_frames:
            raise IndexError(
                f"There is no frame {frame}: {self.name} has frames 0 to {self.num_frames - 1}."
            )

    def _warn_once(self, sentence: str, about: str | None = None) -> None:
        """Say a sentence, the first time that it, or one about the same, is to be said."""
        if (about or sentence) not in self._said:
            self._said.add(about or sentence)
            warnings.warn(sentence, stacklevel=2)

    @abstractmethod
    def _read(self, frame: int) -> NDArray[Any]: ...

    def __repr__(self) -> str:
        return f"<{self.name}: {self.num_frames} frames of {self.width}x{self.height}>"


class ArrayLike(Protocol):
    """An array or tensor of any library, known by what it can do: none is imported for it."""

    @property
    def shape(self) -> Any:
        """The array's length along each axis."""
        ...

    def __getitem__(self, key: Any, /) -> Any: ...


class FrameReader(Protocol):
    """Anything with a length that gives a frame for a number, such as a decoder's reader."""

    def __len__(self) -> int: ...
    def __getitem__(self, frame: Any, /) -> Any: ...


Picture: TypeAlias = Image.Image | ArrayLike
PicturePath: TypeAlias = str | os.PathLike[str]
FrameSource: TypeAlias = (
    Video | PicturePath | Picture | FrameReader | Sequence[Picture | PicturePath]
)
"""What `open_video` takes."""


def _render(values_hwc: NDArray[Any], contrast: Contrast | None) -> NDArray[np.uint8]:
    return values_hwc if contrast is None else contrast.render(values_hwc)
