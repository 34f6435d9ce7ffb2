"""Objects of other libraries that give frames: told apart by what they can do."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..base import Kind, Video
from ..errors import VideoError
from ..options import OpenOptions, Plane
from .arrays import ArrayVideo
from .stores import find_only_array


class _ByGetData:
    """A reader of imageio, which has no index but methods for it."""

    def __init__(self, reader: Any) -> None:
        self._reader = reader
        self._length = int(reader.count_frames())

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, frame: int) -> Any:
        return self._reader.get_data(frame)

    def get_meta_data(self) -> dict[str, Any]:
        """See imageio."""
        return self._reader.get_meta_data()


def open_array(source: Any, kind: Kind, options: OpenOptions) -> Video | None:
    """Open an array, a tensor or a reader of any library; see `SourceOpener`.

    Raises
    ------
    VideoError
        When it is none, or cannot be shown.
    """
    if isinstance(source, (str, Path)):
        return None
    try:
        return _open(source, options.axes, options.plane)
    except VideoError:
        raise
    except Exception as error:
        # Whatever a library raises: of a file that was closed, a store that is gone.
        raise VideoError(
            f"The {type(source).__name__} cannot be read ({type(error).__name__}: {error})."
        ) from error


def _open(source: Any, axes: str | None, z: Plane) -> Video:
    kind = type(source).__name__
    if hasattr(source, "data_vars"):  # xarray.Dataset
        source, _ = find_only_array(
            source.data_vars, f"The {kind}", lambda name: f"dataset[{name!r}]"
        )
    elif isinstance(source, Mapping) or (hasattr(source, "keys") and not hasattr(source, "shape")):
        source, _ = find_only_array(source, f"The {kind}", lambda name: f"it[{name!r}]")
    name = "tensor" if hasattr(source, "detach") else "array"
    if hasattr(source, "shape") and hasattr(source, "__getitem__"):
        return ArrayVideo(source, name, axes=axes, z=z)
    if hasattr(source, "get_data") and hasattr(source, "count_frames"):
        source = _ByGetData(source)
    if isinstance(source, (bytes, bytearray, memoryview)):
        raise VideoError(
            f"{kind} are the content of a file: write them to one, and give its path. Of pixels "
            "make an array, with np.frombuffer(…).reshape(…)."
        )
    if hasattr(source, "__len__") and hasattr(source, "__getitem__"):
        return ArrayVideo(source, "reader", axes=axes, z=z)
    if hasattr(source, "get_data"):
        raise VideoError(
            f"A {kind} gives frames one after the other, without a length: give list(…) of it, or "
            "the path of its file."
        )
    raise VideoError(
        f"A video cannot be made of a {kind}: give a path, an array (T, H, W, 3), a tensor, or a "
        "list of Pillow images. np.asarray makes an array of many things."
    )
