"""Conversion of arrays, tensors, images and run lengths to one (H, W) mask."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .run_lengths import decode_run_lengths
from .values import MaskValues, read_values

_LOSS = 8
"""Levels by which channels of a grey picture may differ once it was compressed."""
_WHITE = 240
_PHOTOMETRIC = 262
"""TIFF's tag that says whether 0 is black, 1, or white, 0."""


def as_mask(
    given: object, hw: tuple[int, int], what: str = "The mask"
) -> tuple[NDArray[np.bool_], str | None]:
    """Convert to the (H, W) bool mask of one object.

    Parameters
    ----------
    given : flags, 0 and 1 or 0 and 255 (also with grey edges), probabilities in 0..1, or logits
        below and above 0; as an array, a torch tensor, a sparse matrix, a Pillow image, or COCO's
        run lengths ``{"size", "counts"}``.
    hw : (H, W) of its frame in pixels.
    what : names it in messages.

    Returns
    -------
    mask_hw, note
        (H, W) bool, and a sentence on what had to be guessed, or None.

    Raises
    ------
    ValueError
        When it is no mask, of another size, or of several objects.
    """
    values = as_array(given, what)
    shape = values.shape
    if shape[:2] == hw and values.ndim == 3 and shape[2] in (1, 2, 3, 4):
        values = colours_to_grey(values, what)
    while values.ndim > 2 and values.shape[0] == 1:
        values = values[0]
    if values.shape != hw:
        raise wrong_shape(shape, hw, what)
    reading = read_values([MaskValues.of(values, what)], what)
    if len(reading.labels) > 1:
        listed = ", ".join(map(str, reading.labels[:4]))
        more = "…" if len(reading.labels) > 4 else ""
        raise ValueError(
            f"{what} holds the labels {listed}{more}: give the mask of one object, as in labels == "
            f"{reading.labels[0]}."
        )
    mask_hw = next(iter(reading.masks(values).values()), None)
    return np.zeros(hw, np.bool_) if mask_hw is None else mask_hw, reading.note


def wrong_shape(shape: tuple[int, ...], hw: tuple[int, int], what: str = "The mask") -> ValueError:
    """Make the error of a mask of another shape than its frame.

    Parameters
    ----------
    shape : as it was given.
    hw : (H, W) of its frame in pixels.
    what : names it.
    """
    return ValueError(
        f"{what} must have the frame's shape (H, W) = {hw}, got {shape}."
        f"{explain_swapped_axes(shape, hw)}"
    )


def explain_swapped_axes(shape: tuple[int, ...], hw: tuple[int, int]) -> str:
    """Say in a sentence that an array has width and height swapped; empty if it has not."""
    if tuple(shape[-2:]) != hw[::-1] or hw[0] == hw[1]:
        return ""
    return " Width and height are the other way round: swap its last two axes, as .T does."


def as_array(given: object, what: str) -> NDArray[Any]:
    """Convert an array, a tensor, an image or run lengths to a NumPy array of its values.

    Raises
    ------
    ValueError
        When it holds no numbers; the message names `what`.
    """
    if isinstance(given, Mapping):
        return _from_run_lengths(cast("Mapping[str, Any]", given), what)
    if isinstance(given, Image.Image):
        return values_of_picture(given, what)
    array: Any = given
    if hasattr(array, "detach"):  # a torch tensor, which NumPy takes from the CPU only
        if getattr(array, "is_meta", False):
            raise ValueError(f"{what} is a tensor on the device 'meta', which holds no values.")
        array = array.detach()
        array = array.to_dense() if getattr(array, "is_sparse", False) else array
        array = array.cpu()
        array = array.float() if "bfloat16" in str(array.dtype) else array
    elif hasattr(array, "toarray"):
        array = array.toarray()
    try:
        is_masked = isinstance(array, np.ma.MaskedArray)
        values = np.ma.filled(array, 0) if is_masked else np.asarray(array)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{what} is no array of numbers, but a {_type(given)}.") from error
    if values.dtype.kind not in "buif":
        raise ValueError(f"{what} is no array of numbers, but a {_type(given)} of {values.dtype}.")
    return values


def values_of_picture(
    image: Image.Image, what: str, on_doubt: Callable[[str], object] | None = None
) -> NDArray[Any]:
    """Read (H, W) labels or grey levels from a Pillow image.

    Of a palette these are its indices, but where two colours are used, black and white, what is
    white is the object, and where greys are those of an antialiased mask, they are the levels.

    Parameters
    ----------
    what : names it in messages.
    on_doubt : is given a sentence where a palette may be meant in another way; if None, it is
        warned of.

    Raises
    ------
    ValueError
        When it has colours; the message names `what`.
    """
    if image.mode == "P":
        return _values_of_palette(image, what, on_doubt or _warn)
    if image.mode in ("1", "L") and getattr(image, "tag_v2", {}).get(_PHOTOMETRIC) == 0:
        # Pillow turns values of which 0 is white, which is how a TIFF is shown; they are labels.
        values_hw = np.asarray(image)
        return ~values_hw if image.mode == "1" else 255 - values_hw
    if image.mode in ("1", "L", "F") or image.mode.startswith("I"):
        return np.asarray(image)
    if image.mode not in ("LA", "RGB", "RGBA"):
        image = image.convert("RGBA" if "A" in image.mode or "a" in image.mode else "RGB")
    return colours_to_grey(np.asarray(image), what)


def _values_of_palette(
    image: Image.Image, what: str, on_doubt: Callable[[str], object]
) -> NDArray[Any]:
    indices_hw = np.asarray(image)
    used = np.unique(indices_hw)
    colours_n3 = np.zeros((256, 3), np.uint8)
    known = np.array(image.getpalette("RGB") or [], np.uint8).reshape(-1, 3)
    colours_n3[: len(known)] = known
    grey_n = colours_n3[:, 0]
    if (colours_n3[used] != grey_n[used, None]).any():
        return indices_hw
    grey_hw = grey_n[indices_hw]
    if not np.isin(grey_n[used], (0, 255)).all():
        return grey_hw if MaskValues.of(grey_hw, what).is_grey else indices_hw
    # Fiji's inverting table shows objects, which are 255, in black.
    is_inverted = grey_n[0] == 255 and grey_n[255] == 0 and len(known) == 256
    # Where several indices are white, they are labels, which white does not tell apart.
    are_labels = len(used) > 2 or (grey_n[:3] == (0, 255, 255)).all()
    if is_inverted or are_labels:
        return indices_hw
    if ((used == 0) != (grey_n[used] == 0)).any():
        on_doubt(
            f"{what} has a palette in which 0 is not black: black is taken for the background, and "
            "white for the object. If 0 is the background, give np.asarray(picture) in its place."
        )
    return grey_hw


def _warn(text: str) -> None:
    warnings.warn(text, UserWarning, stacklevel=4)


def colours_to_grey(values_hwc: NDArray[Any], what: str) -> NDArray[Any]:
    """Convert (H, W, 1 to 4) channels to (H, W): grey, or one colour with alpha as the mask.

    Raises
    ------
    ValueError
        When there are colours; the message names `what`.
    """
    channels = values_hwc.shape[-1]
    colours, alpha_hw = values_hwc, None
    if channels == 2 and values_hwc.dtype.kind == "f":
        raise ValueError(
            f"{what} has 2 channels of floats, which may be scores of background and object: give "
            "those of the object, as in scores[..., 1]."
        )
    if channels in (2, 4):
        colours, alpha_hw = values_hwc[..., :-1], values_hwc[..., -1]
    grey_hw = colours[..., 0]
    is_grey = bool((colours == grey_hw[..., None]).all())
    if not is_grey and is_nearly_grey(colours):
        grey_hw, is_grey = colours[..., 1], True
    if alpha_hw is not None and (alpha_hw != alpha_hw.flat[0]).any():
        if (colours == colours[:1, :1]).all():
            return alpha_hw
        opaque_hw = alpha_hw != 0
        if is_grey and len(np.unique(grey_hw[opaque_hw])) == 1:
            return alpha_hw
        if is_grey:
            return np.where(opaque_hw, grey_hw, 0)
    if not is_grey:
        raise ValueError(
            f"{what} has the colours of a picture: expected a mask whose pixels are object "
            "numbers, such as an indexed PNG, or black and white."
        )
    return grey_hw


def is_nearly_grey(colours: NDArray[Any]) -> bool:
    """Whether (..., 3) 8-bit colours are greys up to white, up to compression artefacts.

    Dark colours alone may be object numbers, which some tools spread over channels.
    """
    if colours.dtype != np.uint8 or not colours.size or colours.max() < _WHITE:
        return False
    spread = colours.max(-1).astype(np.int16) - colours.min(-1)
    return int(spread.max()) <= _LOSS


def _from_run_lengths(given: Mapping[str, Any], what: str) -> NDArray[np.bool_]:
    if "segmentation" in given:  # as mask generators give it
        return as_array(given["segmentation"], what)
    size = np.ravel(np.asarray(given.get("size", ()), object))
    if (
        "counts" not in given
        or len(size) != 2
        or not all(isinstance(n, (int, np.integer)) for n in size)
    ):
        raise ValueError(
            f"{what} is a dictionary, but not run lengths, which are "
            '{"size": [H, W], "counts": ...}.'
        )
    try:
        return decode_run_lengths(given["counts"], (int(size[0]), int(size[1])))
    except ValueError as error:
        raise ValueError(f"{what} has run lengths that cannot be read ({error}).") from error


def _type(given: object) -> str:
    return type(given).__name__
