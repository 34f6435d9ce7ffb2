"""Let a CUDA build of torchvision import beside a CPU-only torch.

The official SAM 2 and transformers import torchvision, for its resize alone. Where only the CUDA
wheel is to be had, its compiled operators cannot load, and registering their shapes fails because
they were never declared. Declaring them is all that is missing; the one that the official mask
generator calls is also written out.
"""

from __future__ import annotations

import importlib
import sys

import torch

_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_declared: list[torch.library.Library] = []  # operators live as long as their library object


def install() -> None:
    """Make `import torchvision` work; nothing is touched where it works by itself."""
    try:
        importlib.import_module("torchvision")
    except RuntimeError as error:
        if "operator torchvision::" not in str(error):
            raise
        for name in [n for n in sys.modules if n.split(".")[0] == "torchvision"]:
            del sys.modules[name]
        library = torch.library.Library("torchvision", "DEF")
        for schema in _SCHEMAS:
            library.define(schema)
        library.impl("nms", _nms, "CPU")
        _declared.append(library)
        importlib.import_module("torchvision")
        importlib.import_module("torchvision.extension")._has_ops = lambda: True


def _nms(dets: torch.Tensor, scores: torch.Tensor, iou_threshold: float) -> torch.Tensor:
    """Boxes to keep, the best first, as torchvision's documentation of `nms` says."""
    left = scores.argsort(descending=True, stable=True)
    kept = []
    while len(left):
        best, left = left[0], left[1:]
        kept.append(best)
        low = torch.maximum(dets[best, :2], dets[left, :2])
        high = torch.minimum(dets[best, 2:], dets[left, 2:])
        shared = (high - low).clamp(min=0).prod(dim=1)
        areas = (dets[:, 2:] - dets[:, :2]).prod(dim=1)
        iou = shared / (areas[best] + areas[left] - shared)
        left = left[~(iou > iou_threshold)]
    return torch.stack(kept) if kept else left
