"""Masks of everything on an image, from a grid of single clicks.

The method is that of Kirillov et al. 2023, section 5 and appendix B.

Parameters, records and results are those of the official generator. It is faster because it
filters early: by the predicted IoU before masks are predicted, by stability and overlap before
they are encoded; because the image is projected once for all clicks; and because masks are
resized in batches that fit the cache.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from ...arguments import check_flag, check_model, check_number
from ...kernels.out_of_memory import AdaptiveBatcher
from ...masks.regions import keep_distinct_boxes, remove_small_regions
from ...network.sam2 import ImageFeatures, Sam2Model, select_single_mask
from ...network.transforms import as_rgb, image_to_input
from ..prompt_batches import prompt_batch_size
from ..prompts import REFINEMENT_CLAMP
from .crops import Crop, is_cut_off, make_crops, make_point_grids
from .found_masks import (
    DecodedMasks,
    KeptMask,
    ScoredMasks,
    count_pixels,
    find_boxes,
    suppress_overlaps,
)
from .mask_record import ENCODERS, MaskRecord, OutputMode

CPU_PIXELS, GPU_PIXELS = 2**20, 2**26
"""Pixels of masks that are resized at once."""


class AutomaticMaskGenerator:
    """Finds masks of everything on an image.

    Parameters
    ----------
    model : from `load_model`.
    points_per_side : clicks in each row and column of the grid; None where `point_grids` is given.
    points_per_batch : clicks decoded at once; what suits the device if None.
    pred_iou_thresh : masks whose predicted IoU, 0..1, is not above it are dropped; 0 keeps all.
        If None, what is right for the model: `model.config.proposal_thresholds`, which for the
        official models are the official generator's 0.8 and 0.95.
    stability_score_thresh : masks of lower stability, 0..1, are dropped; 0 keeps all. None as
        above.
    stability_score_offset : how far above and below `mask_threshold` stability is measured.
    mask_threshold : logit above which a pixel belongs to the mask.
    box_nms_thresh : of two masks on one crop whose boxes' IoU is higher, the one of the higher
        predicted IoU is kept.
    crop_n_layers : how often the image is searched again in smaller crops; layer n has 4ⁿ.
    crop_nms_thresh : as `box_nms_thresh` between crops, where smaller crops go first.
    crop_overlap_ratio : how far the first layer's crops overlap, over the image's shorter side.
    crop_n_points_downscale_factor : the grid of layer n has `points_per_side` over this, to the
        power of n, clicks a side.
    point_grids : for each layer, (P, 2) clicks (x, y) in 0..1, instead of `points_per_side`.
    min_mask_region_area : holes and separate parts of fewer pixels are filled and dropped, and
        masks that became alike with them. (The official generator does this on CUDA devices only,
        and counts pixels of the network's output.)
    output_mode : "binary_mask" for (H, W) arrays, "uncompressed_rle" for run lengths by columns,
        "coco_rle" for pycocotools' compressed ones.
    use_m2m : refine each mask once by handing it back to the network.
    multimask_output : take all three masks that a click may mean, rather than one.

    Raises
    ------
    ValueError
        When a parameter is out of range.

    Examples
    --------
    >>> generator = AutomaticMaskGenerator(load_model("sam2.1-hiera-tiny"))
    >>> for record in generator.generate(rgb):
    ...     print(record["area"], record["predicted_iou"])
    """

    def __init__(
        self,
        model: Sam2Model,
        points_per_side: int | None = 32,
        points_per_batch: int | None = None,
        pred_iou_thresh: float | None = None,
        stability_score_thresh: float | None = None,
        stability_score_offset: float = 1.0,
        mask_threshold: float = 0.0,
        box_nms_thresh: float = 0.7,
        crop_n_layers: int = 0,
        crop_nms_thresh: float = 0.7,
        crop_overlap_ratio: float = 512 / 1500,
        crop_n_points_downscale_factor: int = 1,
        point_grids: Sequence[ArrayLike] | None = None,
        min_mask_region_area: float = 0,
        output_mode: OutputMode = "binary_mask",
        use_m2m: bool = False,
        multimask_output: bool = True,
    ) -> None:
        check_model(model, type(self).__name__)
        if output_mode not in ENCODERS:
            raise ValueError(
                "output_mode must be 'binary_mask', 'uncompressed_rle' or 'coco_rle', got "
                f"{output_mode!r}."
            )
        thresholds = {
            "pred_iou_thresh": pred_iou_thresh,
            "stability_score_thresh": stability_score_thresh,
            "stability_score_offset": stability_score_offset,
            "mask_threshold": mask_threshold,
            "box_nms_thresh": box_nms_thresh,
            "crop_nms_thresh": crop_nms_thresh,
            "crop_overlap_ratio": crop_overlap_ratio,
            "min_mask_region_area": min_mask_region_area,
        }
        for name, value in thresholds.items():
            if value is not None:
                check_number(value, name)
        self.model = model
        on_cpu = model.device.type == "cpu"
        self.points_per_batch = points_per_batch or prompt_batch_size(model)
        self._batcher = AdaptiveBatcher(model.device, max_size=self.points_per_batch)
        self._resize_pixels = CPU_PIXELS if on_cpu else GPU_PIXELS
        iou, stability = model.config.proposal_thresholds
        self.pred_iou_thresh = iou if pred_iou_thresh is None else pred_iou_thresh
        self.stability_score_thresh = (
            stability if stability_score_thresh is None else stability_score_thresh
        )
        self.stability_score_offset = stability_score_offset
        self.mask_threshold = mask_threshold
        self.box_nms_thresh = box_nms_thresh
        self.crop_n_layers = crop_n_layers
        self.crop_nms_thresh = crop_nms_thresh
        self.crop_overlap_ratio = crop_overlap_ratio
        self.min_mask_region_area = min_mask_region_area
        self.output_mode: OutputMode = output_mode
        self.use_m2m = check_flag(use_m2m, "use_m2m")
        self.multimask_output = check_flag(multimask_output, "multimask_output")
        self.point_grids = make_point_grids(
            points_per_side,
            point_grids,
            layers=crop_n_layers,
            downscale=crop_n_points_downscale_factor,
        )

    def generate(self, rgb: ArrayLike) -> list[MaskRecord]:
        """Find the masks of an image.

        Parameters
        ----------
        rgb : (H, W, 3) uint8, RGB.

        Returns
        -------
        list of MaskRecord
            Of one crop, those of the highest predicted IoU first.

        Raises
        ------
        ValueError
            When it is no such image.
        """
        steps = self.steps(rgb)
        while True:
            try:
                next(steps)
            except StopIteration as end:
                return end.value

    def steps(
        self, rgb: ArrayLike, features: ImageFeatures | None = None
    ) -> Generator[None, None, list[MaskRecord]]:
        """Find the masks of an image, a batch of clicks a step; the records are the return value.

        Parameters
        ----------
        rgb : (H, W, 3) uint8, RGB.
        features : of the whole image, where it has been encoded before.
        """
        image = as_rgb(rgb)
        frame_hw = image.shape[0], image.shape[1]
        crops = make_crops(frame_hw, self.crop_n_layers, self.crop_overlap_ratio)
        kept: list[KeptMask] = []
        for crop in crops:
            if features is None or crop.layer:
                features = self._encode(image[crop.y0 : crop.y1, crop.x0 : crop.x1])
            kept += yield from self._search(features, crop, frame_hw)
        if len(crops) > 1:
            areas = np.array([(one.crop.hw[0] * one.crop.hw[1]) for one in kept], np.float32)
            kept = suppress_overlaps(kept, np.reciprocal(areas), self.crop_nms_thresh)
        if self.min_mask_region_area > 0:
            kept = self._clean(kept)
        return [self._record(one) for one in kept]

    def _encode(self, rgb_hw3: NDArray[np.uint8]) -> ImageFeatures:
        with self.model.runtime.inference():
            return self.model.encode_image(
                image_to_input(rgb_hw3, self.model.config.image_size, self.model.device)
            )

    def _search(
        self, features: ImageFeatures, crop: Crop, frame_hw: tuple[int, int]
    ) -> Generator[None, None, list[KeptMask]]:
        """The masks of one crop."""
        height, width = crop.hw
        points_n2 = (self.point_grids[crop.layer] * (width, height)).astype(np.float32)
        batches = []

        def search(batch_n2: NDArray[np.float32]) -> ScoredMasks:
            return self._score(self._decode(features, batch_n2, crop.hw), crop, frame_hw)

        for found in self._batcher.map(search, points_n2):
            batches.append(found)
            yield
        logits, *others = zip(*batches, strict=True)
        found = ScoredMasks(torch.cat(logits), *(np.concatenate(part) for part in others))
        found = found.take(keep_distinct_boxes(found.boxes_n4, found.ious_n, self.box_nms_thresh))
        kept = []
        for n in range(len(found.ious_n)):
            mask_hw = np.zeros(frame_hw, bool)
            logits_hw = self._resize(found.logits_nhw[n : n + 1], crop.hw)[0]
            mask_hw[crop.y0 : crop.y1, crop.x0 : crop.x1] = (
                (logits_hw > self.mask_threshold).cpu().numpy()
            )
            point_2 = found.points_n2[n] + np.array((crop.x0, crop.y0), np.float32)
            kept.append(
                KeptMask(
                    mask_hw=mask_hw,
                    box_4=found.boxes_n4[n],
                    iou=float(found.ious_n[n]),
                    person_score=float(found.person_scores_n[n]),
                    stability=float(found.stabilities_n[n]),
                    point_2=point_2,
                    crop=crop,
                )
            )
        return kept

    def _decode(
        self, features: ImageFeatures, points_n2: NDArray[np.float32], hw: tuple[int, int]
    ) -> DecodedMasks:
        """Masks of some single clicks; those of too low a predicted IoU are not predicted."""
        model = self.model
        with model.runtime.inference():
            points = torch.from_numpy(points_n2) / torch.tensor(hw[::-1]) * model.config.image_size
            points = points.to(model.device)[:, None]
            labels = torch.ones(points.shape[:2], dtype=torch.int64, device=model.device)
            s16 = model.add_no_memory_embed(features.s16)
            state = model.run_transformer(s16, points_np2=points, labels_np=labels)
            if self.multimask_output:
                wanted_nm = state.ious_nm[:, 1:] > (-math.inf if self.use_m2m else self._min_iou)
                rows = wanted_nm.any(dim=1).nonzero()[:, 0]
                output = model.predict_masks(state.take(rows), features.s8, features.s4)
                rows_m, which_m = wanted_nm[rows].nonzero(as_tuple=True)
                logits = output.logits_nmhw[rows_m, 1 + which_m]
                ious = output.ious_nm[rows_m, 1 + which_m]
                tokens = output.tokens_nmc[rows_m, 1 + which_m]
                rows = rows[rows_m]
            else:
                rows = torch.arange(len(points), device=model.device)
                output = model.predict_masks(state, features.s8, features.s4)
                logits, ious = select_single_mask(output)
                logits, tokens = logits[:, 0], output.tokens_nmc[:, 0]
            person_scores = model.sam_mask_decoder.person_scores(tokens[:, None])[:, 0]
            if self.use_m2m and len(rows):
                logits, ious = self._refine(features, s16, points[rows], labels[rows], logits)
            good = ious > self._min_iou
            return DecodedMasks(
                logits[good].float(),
                ious[good].float().cpu().numpy(),
                person_scores[good].float().cpu().numpy(),
                points_n2[rows[good].cpu().numpy()],
            )

    def _refine(
        self,
        features: ImageFeatures,
        s16_1chw: Tensor,
        points_n12: Tensor,
        labels_n1: Tensor,
        logits_nhw: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Predict masks again from their logits and clicks: logits (N, h, w), IoU (N,)."""
        refined = []
        for batch in torch.arange(len(points_n12)).split(self.points_per_batch):
            prompt = logits_nhw[batch, None].clamp(-REFINEMENT_CLAMP, REFINEMENT_CLAMP)
            output = self.model.decode_masks(
                s16_1chw,
                features.s8,
                features.s4,
                points_np2=points_n12[batch],
                labels_np=labels_n1[batch],
                mask_logits_n1hw=prompt,
            )
            refined.append(select_single_mask(output))
        logits, ious = (torch.cat(part) for part in zip(*refined, strict=True))
        return logits[:, 0], ious

    @property
    def _min_iou(self) -> float:
        """Predicted IoU that a mask must be above; 0 is no threshold."""
        return self.pred_iou_thresh if self.pred_iou_thresh > 0 else -math.inf

    def _score(self, decoded: DecodedMasks, crop: Crop, frame_hw: tuple[int, int]) -> ScoredMasks:
        """Measure stability and boxes; drop what is unstable, or cut off by the crop's edge."""
        offset = self.stability_score_offset
        stabilities, boxes = [], []
        chunk = max(1, self._resize_pixels // math.prod(crop.hw))
        for logits_nhw in decoded.logits_nhw.split(chunk):
            resized_nhw = self._resize(logits_nhw, crop.hw)
            inner_n = count_pixels(resized_nhw > self.mask_threshold + offset)
            outer_n = count_pixels(resized_nhw > self.mask_threshold - offset)
            stabilities.append(inner_n / outer_n)
            boxes.append(find_boxes(resized_nhw > self.mask_threshold))
        stabilities_n = torch.cat([*stabilities, decoded.logits_nhw.new_zeros(0)]).cpu().numpy()
        boxes_n4 = torch.cat([*boxes, decoded.logits_nhw.new_zeros(0, 4)]).cpu().numpy()
        boxes_n4 += np.array((crop.x0, crop.y0) * 2, np.float32)
        found = ScoredMasks(*decoded, stabilities_n, boxes_n4)
        good_n = ~is_cut_off(boxes_n4, crop, frame_hw)
        if self.stability_score_thresh > 0:
            good_n &= stabilities_n >= self.stability_score_thresh
        return found.take(good_n)

    def _resize(self, logits_nhw: Tensor, hw: tuple[int, int]) -> Tensor:
        return F.interpolate(logits_nhw[:, None], hw, mode="bilinear", align_corners=False)[:, 0]

    def _clean(self, kept: list[KeptMask]) -> list[KeptMask]:
        """Fill small holes, drop small components, then masks that are alike.

        Of those that are, one that was not changed is kept.
        """
        unchanged = np.ones(len(kept), np.float32)
        for n, one in enumerate(kept):
            mask_hw, changed = remove_small_regions(one.mask_hw, self.min_mask_region_area)
            if changed:
                box_4 = find_boxes(torch.from_numpy(mask_hw)[None])[0].numpy()
                kept[n] = replace(one, mask_hw=mask_hw, box_4=box_4)
                unchanged[n] = 0
        return suppress_overlaps(kept, unchanged, max(self.box_nms_thresh, self.crop_nms_thresh))

    def _record(self, kept: KeptMask) -> MaskRecord:
        x0, y0, x1, y1 = kept.box_4.tolist()
        height, width = kept.crop.hw
        record = MaskRecord(
            segmentation=ENCODERS[self.output_mode](kept.mask_hw),
            area=int(np.count_nonzero(kept.mask_hw)),
            bbox=[x0, y0, x1 - x0, y1 - y0],
            predicted_iou=kept.iou,
            point_coords=[kept.point_2.tolist()],
            stability_score=kept.stability,
            crop_box=[float(one) for one in (kept.crop.x0, kept.crop.y0, width, height)],
        )
        if self.model.config.person_head:
            record["person_score"] = kept.person_score
        return record
