"""The people in a picture, each with a mask, from SAM 2 alone."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from .automatic import AutomaticMaskGenerator
from .checkpoint import load_model
from .mask_record import MaskRecord
from .regions import keep_separate_masks

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COARSE, DENSE = 12, 24
"""Clicks a row over all of the picture, and where people are likely."""
LIKELY_ROWS = 0.15, 0.9
"""Between which shares of the height photographs of people have their faces and bodies."""
LEAST_AREA, MOST_AREA = 0.004, 0.6
"""Shares of the picture that one person may take."""
FLATTEST = 0.6
"""Height over width of a person sitting, lying people are flatter."""
MOST_SHARED = 0.3
"""Of two masks that share more of the smaller one, only the better is a person."""


class SAM2MultiPersonSegmentation:
    """Segment several people in one picture, without a click.

    SAM 2 knows what belongs together, not what it is: there is no detector in it. This class looks
    for what people usually are in a photograph: upright or compact regions of a certain size, in
    its middle rows, that do not run along its borders. It tells one person from another by their
    outlines. It cannot tell a person from a lamp post, a dog or a vase, it may take a coat for its
    wearer, and people who lie down or fill the picture are ranked low. Where it must be people and
    nothing else, hand boxes of a person detector to `ImagePredictor`.

    Parameters
    ----------
    checkpoint_path : a name as of `load_model` ("nano", "sam2.1-hiera-large"), or the path of a
        checkpoint.
    device : "cuda", "cpu"…; the best there is if None.

    Raises
    ------
    CheckpointError
        When the name is unknown or the checkpoint does not fit.

    Examples
    --------
    >>> people = SAM2MultiPersonSegmentation("sam2.1-hiera-large")
    >>> masks, image = people.segment_auto("team.jpg", num_people=5)
    >>> people.figure(masks, image)
    >>> Sam2Widget(image, masks=masks)  # to correct them by hand
    """

    def __init__(
        self, checkpoint_path: str | os.PathLike[str] = "nano", device: str | None = None
    ) -> None:
        self.model = load_model(checkpoint_path, device)
        self.device = str(self.model.device)

    def segment_auto(
        self, image_path: str | os.PathLike[str] | NDArray[np.uint8], num_people: int = 5
    ) -> tuple[list[NDArray[np.bool_]], NDArray[np.uint8]]:
        """Find at most so many separate people.

        Parameters
        ----------
        image_path : of the picture, or the picture itself as (H, W, 3) uint8, RGB.
        num_people : how many at most; fewer where no more are convincing.

        Returns
        -------
        masks, image
            (H, W) bool each, the most convincing first, no two of which share more than a little;
            and the picture, (H, W, 3) uint8, RGB.

        Raises
        ------
        ValueError
            When the picture cannot be read, or `num_people` is less than 1.
        """
        if num_people < 1:
            raise ValueError(f"num_people must be at least 1, got {num_people}.")
        image = _read(image_path)
        generator = AutomaticMaskGenerator(
            self.model,
            points_per_side=None,
            point_grids=[likely_grid()],
            pred_iou_thresh=0.5,
            stability_score_thresh=0.7,
            min_mask_region_area=LEAST_AREA * image.shape[0] * image.shape[1] / 4,
        )
        records = sorted(generator.generate(image), key=likeness, reverse=True)
        records = [record for record in records if likeness(record) > 0]
        masks = [record["segmentation"] for record in records]
        kept = keep_separate_masks(masks, MOST_SHARED)[:num_people]
        return [masks[n] for n in kept], image

    @staticmethod
    def figure(masks: Sequence[NDArray[np.bool_]], image: NDArray[np.uint8]) -> Figure:
        """The picture with each person tinted and numbered, as a Matplotlib figure."""
        from matplotlib import colormaps
        from matplotlib.figure import Figure

        height, width = image.shape[:2]
        figure = Figure(figsize=(8, 8 * height / width))
        axis = figure.add_axes((0, 0, 1, 1))
        axis.set_axis_off()
        axis.imshow(image)
        for n, mask_hw in enumerate(masks):
            red, green, blue, _ = colormaps["tab10"](n % 10)
            tint = np.zeros((height, width, 4), np.float32)
            tint[mask_hw] = red, green, blue, 0.45
            axis.imshow(tint)
            if not mask_hw.any():
                continue
            axis.contour(mask_hw, levels=[0.5], colors=[(red, green, blue)], linewidths=1.5)
            y, x = np.argwhere(mask_hw).mean(axis=0)
            label = {"facecolor": (red, green, blue), "edgecolor": "none", "boxstyle": "round"}
            axis.text(x, y, str(n + 1), color="white", ha="center", va="center", bbox=label)
        return figure


def likely_grid() -> NDArray[np.float64]:
    """(P, 2) clicks (x, y) in 0..1: a coarse grid everywhere, a dense one in the rows where
    photographs of people have them."""

    def grid(side: int, top: float, bottom: float) -> NDArray[np.float64]:
        x = (np.arange(side) + 0.5) / side
        y = x[(x >= top) & (x <= bottom)]
        return np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)

    return np.concatenate((grid(DENSE, *LIKELY_ROWS), grid(COARSE, 0.0, 1.0)))


def likeness(record: MaskRecord) -> float:
    """How much a mask looks like one person, 0 or more: its quality, times how well its size,
    shape and place fit; of a person and a part of one, the whole person is the likelier."""
    mask_hw = record["segmentation"]
    height, width = mask_hw.shape
    share = record["area"] / (height * width)
    if not LEAST_AREA <= share <= MOST_AREA:
        return 0.0
    w, h = record["bbox"][2:]
    upright = min(1.0, (h + 1) / (w + 1) / FLATTEST) ** 2
    # A background runs along several borders; people stand on the lower one at most.
    borders = mask_hw[0].mean() + mask_hw[:, 0].mean() + mask_hw[:, -1].mean()
    within = max(0.0, 1.0 - 2.0 * float(borders))
    solid = min(1.0, 2.0 * record["area"] / ((w + 1) * (h + 1)))
    quality = record["predicted_iou"] * record["stability_score"]
    return quality * upright * within * solid * share**0.25


def _read(image: str | os.PathLike[str] | NDArray[np.uint8]) -> NDArray[np.uint8]:
    if isinstance(image, np.ndarray):
        return image
    try:
        with Image.open(image) as opened:
            return np.asarray(opened.convert("RGB"))
    except (OSError, UnidentifiedImageError) as error:
        raise ValueError(f"{os.fspath(image)} cannot be read as a picture ({error}).") from error
