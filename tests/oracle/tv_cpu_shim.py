"""Let a CUDA build of torchvision import beside a CPU-only torch.

The official SAM 2 and transformers import torchvision, for its resize alone. Where only the CUDA
wheel is to be had, its compiled operators cannot load, and registering their shapes fails because
they were never declared. Declaring them is all that is missing.
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
        _declared.append(library)
        importlib.import_module("torchvision")
