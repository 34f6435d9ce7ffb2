"""The built-in sample clips, with the true masks of their objects.

They are what `demo`, the examples and tests work on.

>>> from sam2widget import Sam2Widget
>>> from sam2widget.samples import sample_clip
>>> clip = sample_clip("yard")
>>> w = Sam2Widget(clip.frames_thw3)
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NUM_FRAMES = 48
"""Of each clip."""
HEIGHT = 270
"""Of each clip, in pixels."""
WIDTH = 480
"""Of each clip, in pixels."""
SAMPLE_CLIPS = ("meadow", "yard")
"""Names that `sample_clip` takes."""
_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class SampleClip:
    """A clip with the true masks of its objects.

    Attributes
    ----------
    frames_thw3
        (T, H, W, 3) uint8, RGB, read-only.
    masks
        By object id, (T, H, W) bool, read-only: the pixels where the object is what one sees.
    fps
        Frames per second.
    names
        Of the objects, by id.
    """

    frames_thw3: NDArray[np.uint8]
    masks: dict[int, NDArray[np.bool_]]
    fps: float
    names: dict[int, str]


def sample_clip(name: str = "meadow") -> SampleClip:
    """Give a sample clip, made or read once in a process.

    Parameters
    ----------
    name
        "meadow": a ball (1), a car (2) and a kite (3) on a meadow, drawn when asked for, at 24
        frames/s; behind the others, the ball is hidden for a while. "yard": a furry toy (1) that
        hops behind a towel (2) in the wind, and a ball (3) that rolls in front of both, with
        shadows and a camera held by hand, rendered in Blender, at 20 frames/s.

    Returns
    -------
    SampleClip
        48 frames of 480 × 270 pixels.

    Raises
    ------
    ValueError
        When there is no clip of that name.
    """
    if name not in SAMPLE_CLIPS:
        raise ValueError(f"There are the sample clips {' and '.join(SAMPLE_CLIPS)}, got {name!r}.")
    return _make(name)


@lru_cache(maxsize=len(SAMPLE_CLIPS))
def _make(name: str) -> SampleClip:
    clip = _draw_meadow() if name == "meadow" else _read_yard()
    for array in (clip.frames_thw3, *clip.masks.values()):
        array.flags.writeable = False
    return clip


def _draw_meadow() -> SampleClip:
    # Imported only now: the command line starts without SciPy.
    from . import meadow as sample_meadow

    return SampleClip(*sample_meadow.render(), sample_meadow.FPS, sample_meadow.NAMES)


def _read_yard() -> SampleClip:
    """Read the clip that `recipes/sample` has rendered."""
    import numpy as np

    from sam2_backend.video import open_video

    video = open_video(_FOLDER / "yard.mp4")
    frames = np.stack([video[frame] for frame in range(len(video))])
    with np.load(_FOLDER / "yard.npz", allow_pickle=False) as saved:
        labels_thw = saved["labels_thw"]
    names = {1: "toy", 2: "towel", 3: "ball"}
    return SampleClip(frames, {obj: labels_thw == obj for obj in names}, 20.0, names)
