"""A recording as files."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from ..errors import VideoError

if TYPE_CHECKING:
    from .live_video import LiveVideo


def write_folder(live: LiveVideo, frames: Sequence[int], folder: Path) -> None:
    """Write frames as pictures, as they are kept; of 16 bits as TIFF."""
    if folder.is_dir() and any(folder.iterdir()):
        raise VideoError(f"The folder {folder} is not empty: give another one.")
    folder.mkdir(parents=True, exist_ok=True)
    for frame in frames:
        data = live.stored(frame)
        stem = folder / f"{frame:08d}"
        values_hwc = live.raw(frame)
        if values_hwc.dtype == np.uint8:
            suffix = ".jpg" if data.startswith(b"\xff\xd8") else ".png"
            stem.with_suffix(suffix).write_bytes(data)
        elif values_hwc.shape[-1] == 1:
            Image.fromarray(values_hwc[..., 0]).save(stem.with_suffix(".tif"))
        else:
            raise VideoError(
                "Colour frames of 16 bits have no kind of file that is read everywhere: save an "
                "8-bit video, as in live.save('recording.mp4')."
            )


def write_movie(live: LiveVideo, frames: Sequence[int], path: Path, crf: int) -> None:
    """Write frames as H.264, as they are shown."""
    import av

    even = live.width % 2 == 0 and live.height % 2 == 0
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=Fraction(live.fps).limit_denominator(1001))
        stream.width, stream.height = live.width, live.height
        # Halved colour needs even sides, and no pixel may be lost: masks are to fit.
        stream.pix_fmt = "yuv420p" if even else "yuv444p"
        stream.options = {"crf": str(crf)}
        for frame in frames:
            out.mux(stream.encode(av.VideoFrame.from_ndarray(live[frame], format="rgb24")))
        out.mux(stream.encode())
