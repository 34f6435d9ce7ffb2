"""A widget in a line of text and in a picture, for notebooks that are read without a kernel."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from sam2_backend.video import LargeImage, Video

from ...annotation.records import ObjectInfo
from ...annotation.view import SessionView
from ...core.masks import Mask
from ...core.masks.sparse import sample_mask
from ...export.effects.overlay import OUTLINE_PX, TINT

MAX_BYTES = 120_000
"""Of a picture: it is in the notebook's file, and goes to the page each time it is renewed."""
MAX_SIDE = 640
"""Largest width and height of the frame in a picture, in pixels."""
MARK = b"sam2widget"
"""A JPEG comment by which a page tells these pictures from others; styles/saved.css has it too."""
_QUALITIES = (85, 70, 50, 30, 15)
_LINE_PX, _MARGIN_PX, _FONT_PX = 20, 8, 12
_BACK, _INK = (250, 250, 250), (40, 44, 52)


def describe_counts(video: Video, session: SessionView) -> str:
    """How far the work on a video is: "289 frames, 2 objects, 41 % tracked"."""
    is_video = session.kind == "video"
    parts = [_count(len(video), "frame" if is_video else "picture")]
    objects = session.objects
    parts.append(_count(len(objects), "object"))
    if objects:
        done = sum(len(session.results(info.id)) for info in objects)
        share = done / (len(objects) * max(len(video), 1))
        # Neither nothing nor everything is claimed of what is a bit of it.
        percent = min(max(round(100 * share), 1 if done else 0), 100 if share >= 1 else 99)
        parts.append(f"{percent} % {'tracked' if is_video else 'segmented'}")
    return ", ".join(parts)


def draw_picture(video: Video, session: SessionView, frame: int, name: str) -> bytes:
    """A JPEG of a frame with its masks, and a legend below it, of `MAX_BYTES` at most.

    Parameters
    ----------
    video : whose frame it is.
    session : of the video.
    frame : from 0.
    name : of the video, as it is shown.

    Raises
    ------
    VideoError
        When the frame cannot be read.
    """
    shown = [
        (info, mask)
        for info in session.objects
        if info.visible and (mask := session.shown_mask(frame, info.id)) is not None
    ]
    is_large = isinstance(video, LargeImage)
    image = Image.fromarray(video.overview(MAX_SIDE) if is_large else video[frame])
    image.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.BOX)
    rgb = np.asarray(image, np.float32)
    for info, mask in shown:
        rgb = _tint(rgb, mask, np.array(info.rgb, np.float32))
    frames = f"{'frame' if session.kind == 'video' else 'picture'} {frame}"
    lines = f"{name} · {frames} · {describe_counts(video, session)}"
    whole = _add_legend(Image.fromarray(rgb.astype(np.uint8)), lines, [info for info, _ in shown])
    encoded = b""
    for quality in _QUALITIES:
        encoded = _encode(whole, quality)
        if len(encoded) <= MAX_BYTES:
            break
    return encoded


def _tint(rgb: NDArray[np.float32], mask: Mask, color: NDArray[np.float32]) -> NDArray[np.float32]:
    """Show a mask on a frame, which may be smaller than it."""
    from scipy import ndimage

    height, width = rgb.shape[:2]
    small_hw = sample_mask(mask, (0, 0, mask.width, mask.height), height, width)
    grown_hw = np.asarray(ndimage.binary_dilation(small_hw, iterations=OUTLINE_PX), np.bool_)
    tinted = rgb.copy()
    tinted[small_hw] = (1 - TINT) * rgb[small_hw] + TINT * color
    tinted[grown_hw & ~small_hw] = color
    return tinted


def _add_legend(image: Image.Image, text: str, objects: list[ObjectInfo]) -> Image.Image:
    """Write a line under an image, and below it the objects that are to be seen."""
    font = _load_font()
    width = max(image.width, 240)
    rows: list[list[tuple[ObjectInfo, int]]] = [[]] if objects else []
    at = _MARGIN_PX
    for info in objects:
        length = 16 + int(font.getlength(_legible(info.name))) + 14
        if at + length > width and rows[-1]:
            rows.append([])
            at = _MARGIN_PX
        rows[-1].append((info, at))
        at += length
    whole = Image.new("RGB", (width, image.height + 8 + _LINE_PX * (1 + len(rows))), _BACK)
    whole.paste(image, ((width - image.width) // 2, 0))
    draw = ImageDraw.Draw(whole)
    y = image.height + 6
    draw.text((_MARGIN_PX, y), _legible(text), _INK, font)
    for row in rows:
        y += _LINE_PX
        for info, x in row:
            draw.rounded_rectangle((x, y + 1, x + 10, y + 11), 2, info.rgb)
            draw.text((x + 16, y), _legible(info.name), _INK, font)
    return whole


def _load_font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    try:
        return ImageFont.load_default(_FONT_PX)
    except (TypeError, OSError, ImportError):  # Pillow 10.0, or without FreeType
        return ImageFont.load_default()


def _legible(text: str) -> str:
    """A text without what the font at hand may lack."""
    return text.encode("latin-1", "replace").decode("latin-1")


def _encode(image: Image.Image, quality: int) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality, comment=MARK)
    return file.getvalue()


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
