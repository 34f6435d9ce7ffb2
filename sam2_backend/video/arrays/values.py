"""Values of arrays of any library, as NumPy arrays. The libraries are known by what they can do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..errors import VideoError

DEEP_MODES = ("I", "F")
"""What Pillow calls pictures of more than 8 bits begins with these."""


def to_numpy(value: Any, what: str) -> NDArray[Any]:
    """Make a NumPy array of an array, a tensor on any device, or a picture.

    Parameters
    ----------
    value : anything that knows a way to NumPy. Masked values become 0.
    what : names it in errors.

    Raises
    ------
    VideoError
        When it knows none, or fails at it.
    """
    try:
        array = _convert(value)
    except VideoError:
        raise
    except Exception as error:
        # Whatever a library raises: of a broken chunk, a filter that is not installed, a device.
        raise VideoError(
            f"{what} cannot be read ({type(error).__name__}: {error}). What does np.asarray make "
            "of it?"
        ) from error
    if array is None:
        raise VideoError(
            f"{what} is a {type(value).__name__}, which has no way to NumPy: convert it first, "
            "with np.asarray or what its library has for that."
        )
    check_type(array.dtype, what)
    return array.astype(np.float32) if array.dtype.name == "bfloat16" else array


def _convert(value: Any) -> NDArray[Any] | None:
    if isinstance(value, np.ma.MaskedArray):
        return value.filled(0)
    if isinstance(value, np.ndarray):
        return np.asarray(value)
    if isinstance(value, Image.Image):
        deep = value.mode.startswith(DEEP_MODES)
        return np.asarray(value if deep else value.convert("RGB"))
    if hasattr(value, "detach"):  # torch
        tensor = value.detach().cpu()
        if getattr(tensor, "is_quantized", False):
            tensor = tensor.dequantize()
        if str(getattr(tensor, "layout", "torch.strided")) != "torch.strided":
            tensor = tensor.to_dense()
        if str(tensor.dtype).startswith(("torch.bfloat16", "torch.float8")):
            tensor = tensor.float()
        return tensor.numpy()
    if hasattr(value, "asnumpy"):  # decord, MXNet
        return value.asnumpy()
    if hasattr(value, "__cuda_array_interface__") and hasattr(value, "get"):  # CuPy
        return value.get()
    if hasattr(value, "__array__"):
        return np.asarray(value)
    if hasattr(value, "__dlpack__"):
        return np.from_dlpack(value)
    return None


def get_dtype(source: Any) -> np.dtype[Any] | None:
    """The type of an array's values once they are NumPy's; None where that is not said."""
    dtype = getattr(source, "dtype", None)
    if dtype is None:
        return None
    name = str(dtype).removeprefix("torch.")
    if name == "bfloat16" or name.startswith("float8"):
        return np.dtype(np.float32)
    for known in (dtype, getattr(dtype, "as_numpy_dtype", None), name):
        try:
            return None if known is None else np.dtype(known)
        except TypeError:
            continue
    return None


def check_type(dtype: np.dtype[Any], what: str) -> None:
    """Raise VideoError unless values are booleans, whole numbers or floats."""
    if dtype.kind in "buif" or dtype.name == "bfloat16":
        return
    if dtype.kind == "c":
        advice = "Take a real part of it first, such as np.abs(array)."
    elif dtype.names:
        advice = f"Take one of its fields, such as array[{dtype.names[0]!r}]."
    elif dtype.kind == "O":
        advice = "Make one array of numbers of it, such as np.stack(list(array)), or a list."
    else:
        advice = "Frames are of booleans, whole numbers or floats."
    raise VideoError(f"{what} holds values of type {dtype}, which is no picture. {advice}")


def get_axis_names(source: Any) -> Sequence[str]:
    """What an array's own library calls its axes; nothing where it has no names for them."""
    dims: Any = getattr(source, "dims", None)  # xarray
    if dims is not None and hasattr(source, "id"):  # h5py has objects there
        dims = [getattr(dim, "label", "") for dim in dims]
    if not dims:
        dims = getattr(getattr(source, "metadata", None), "dimension_names", None)  # zarr v3
    attributes: Any = getattr(source, "attrs", None)
    if not dims and hasattr(attributes, "get"):  # zarr v2, as xarray writes it
        dims = attributes.get("_ARRAY_DIMENSIONS")
    return [str(dim) for dim in dims] if isinstance(dims, (list, tuple)) else ()


def get_fps(source: Any) -> float | None:
    """Frames a second, where a reader says it."""
    found: Any = None
    if hasattr(source, "get_avg_fps"):  # decord
        found = source.get_avg_fps()
    elif hasattr(source, "get_meta_data"):  # imageio
        found = source.get_meta_data().get("fps")
    else:  # torchcodec; pims
        found = getattr(getattr(source, "metadata", None), "average_fps", None)
        found = found or getattr(source, "frame_rate", None)
    good = isinstance(found, (int, float)) and np.isfinite(found) and found > 0
    return float(found) if good else None


def get_chunks(source: Any) -> Sequence[int | Sequence[int]] | None:
    """Return the lengths of chunks along each axis: one number, or the length of each chunk.

    None where all lies in memory, or the source does not say.
    """
    chunks: Any = getattr(source, "chunks", None)
    if chunks is None and hasattr(source, "encoding"):  # xarray of a file, without dask
        chunks = source.encoding.get("chunksizes")
    if not isinstance(chunks, (list, tuple)) or len(chunks) != len(source.shape):
        return None
    return chunks
