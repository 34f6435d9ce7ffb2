"""The people in a picture, each with a mask, from SAM 2 alone."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, UnidentifiedImageError

from ...arguments import check_whole
from ...checkpoints.loading import load_model
from ...masks.regions import keep_separate_masks, remove_small_regions
from ...network.transforms import logits_to_masks
from ..automatic.generator import AutomaticMaskGenerator
from ..automatic.mask_record import MaskRecord
from ..image import ImagePredictor
from ..prompts import check_boxes
from .person_search import search_people

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COARSE, DENSE = 12, 24
"""Clicks a row over the whole image, and where people are likely."""
LIKELY_ROWS = 0.15, 0.9
"""Shares of the height between which photographs have people's faces and bodies."""
MIN_AREA, MAX_AREA = 0.004, 0.6
"""Shares of the image that one person may take."""
MIN_ASPECT = 0.6
"""Height over width from which on a mask counts as upright; lying people are flatter."""
MIN_PERSON_SCORE = 0.01
"""Least score by a model's person head; low, since few agreeing masks lower the score."""
MIN_REGION_SHARE = 0.01
"""Holes and separate parts of a smaller share of the mask's area are filled and dropped."""
MAX_OVERLAP = 0.3
"""Of two masks whose intersection is a larger share of the smaller one, the better is kept."""


class SAM2MultiPersonSegmentation:
    """Segment several people in one picture, without a click.

    SAM 2 knows what belongs together, not what it is. A model may have a small head that says how
    much a mask is one whole person (`ModelConfig.person_head`), as nano has; people are what it
    says then. It takes animals for people now and then. With other models, such as the official
    ones, this class looks for what people usually are in a photograph: upright or compact regions
    of a certain size, in its middle rows, that do not run along its borders. It then cannot tell a
    person from a lamp post, a dog or a vase, it may take a coat for its wearer, and people who lie
    down or fill the picture are ranked low. Where it must be people and nothing else, give `boxes`
    of a person detector.

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
        self,
        image_path: str | os.PathLike[str] | NDArray[np.uint8],
        num_people: int = 5,
        *,
        boxes: ArrayLike | None = None,
    ) -> tuple[list[NDArray[np.bool_]], NDArray[np.uint8]]:
        """Find at most so many separate people.

        Parameters
        ----------
        image_path : of the picture, or the picture itself as (H, W, 3) uint8, RGB.
        num_people : how many at most; fewer where no more are convincing.
        boxes : (N, 4) x0, y0, x1, y1 in pixels, of any detector, the surest first: the masks are
            those of the first `num_people` boxes, in their order.

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
        check_whole(num_people, "num_people", 1)
        boxes_n4 = None if boxes is None else check_boxes(boxes)
        image = _read(image_path)
        if boxes_n4 is not None:
            return self._in_boxes(image, boxes_n4[:num_people]), image
        by_head = self.model.config.person_head
        masks = self._by_head(image) if by_head else self._by_shape(image)
        return [masks[n] for n in keep_separate_masks(masks, MAX_OVERLAP)[:num_people]], image

    def _by_head(self, image: NDArray[np.uint8]) -> list[NDArray[np.bool_]]:
        """Find people by the model's person head, the highest score first."""
        found = search_people(self.model, image)
        logits_nhw = found.logits_nhw[found.scores_n >= MIN_PERSON_SCORE]
        if not len(logits_nhw):
            return []
        coarse = list((logits_nhw > 0).cpu().numpy())
        kept = keep_separate_masks(coarse, MAX_OVERLAP)
        masks = logits_to_masks(logits_nhw[kept, None], (image.shape[0], image.shape[1]))
        return [remove_small_regions(mask, MIN_REGION_SHARE * mask.sum())[0] for mask in masks]

    def _by_shape(self, image: NDArray[np.uint8]) -> list[NDArray[np.bool_]]:
        """Find masks shaped like people, the highest score first."""
        iou, stability = self.model.config.proposal_thresholds
        generator = AutomaticMaskGenerator(
            self.model,
            points_per_side=None,
            point_grids=[make_person_grid()],
            pred_iou_thresh=min(0.5, iou),
            stability_score_thresh=min(0.7, stability),
            min_mask_region_area=MIN_AREA * image.shape[0] * image.shape[1] / 4,
        )
        records = sorted(generator.generate(image), key=person_score, reverse=True)
        return [record["segmentation"] for record in records if person_score(record) > 0]

    def _in_boxes(
        self, image: NDArray[np.uint8], boxes_n4: NDArray[np.float32]
    ) -> list[NDArray[np.bool_]]:
        predictor = ImagePredictor(self.model)
        predictor.set_image(image)
        return [predictor.predict(box=box, multimask=False)[0][0] for box in boxes_n4]

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


def make_person_grid() -> NDArray[np.float64]:
    """Make clicks: a coarse grid everywhere, a dense one where people are likely.

    Returns
    -------
    (P, 2) float64, (x, y) in 0..1.
    """

    def grid(side: int, top: float, bottom: float) -> NDArray[np.float64]:
        x = (np.arange(side) + 0.5) / side
        y = x[(x >= top) & (x <= bottom)]
        return np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)

    return np.concatenate((grid(DENSE, *LIKELY_ROWS), grid(COARSE, 0.0, 1.0)))


def person_score(record: MaskRecord) -> float:
    """Score how much a mask is shaped like one person, 0 or more.

    The score is its predicted IoU and stability, times how well size, shape and position fit; a
    whole person scores higher than a part of one.
    """
    mask_hw = record["segmentation"]
    height, width = mask_hw.shape
    share = record["area"] / (height * width)
    if not MIN_AREA <= share <= MAX_AREA:
        return 0.0
    w, h = record["bbox"][2:]
    upright = min(1.0, (h + 1) / (w + 1) / MIN_ASPECT) ** 2
    # A background runs along several borders; people stand on the lower one at most.
    borders = mask_hw[0].mean() + mask_hw[:, 0].mean() + mask_hw[:, -1].mean()
    away_from_borders = max(0.0, 1.0 - 2.0 * float(borders))
    solid = min(1.0, 2.0 * record["area"] / ((w + 1) * (h + 1)))
    quality = record["predicted_iou"] * record["stability_score"]
    return quality * upright * away_from_borders * solid * share**0.25


def _read(image: str | os.PathLike[str] | NDArray[np.uint8]) -> NDArray[np.uint8]:
    if isinstance(image, np.ndarray):
        return image
    try:
        with Image.open(os.path.expanduser(image)) as opened:
            return np.asarray(opened.convert("RGB"))
    except FileNotFoundError as error:
        raise ValueError(
            f"There is no file {os.fspath(image)}. Paths start at {Path.cwd()} unless absolute."
        ) from error
    except (OSError, UnidentifiedImageError) as error:
        raise ValueError(f"{os.fspath(image)} cannot be read as a picture ({error}).") from error
