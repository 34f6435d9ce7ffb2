"""Models of transformers as a family: ``model="hf:facebook/sam2.1-hiera-tiny"``, or a folder."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sam2_backend.video import Video

from ..registry import ModelFamily
from .hub import load_from_hub, require_transformers
from .kinds import KINDS, kind_of
from .segmenter import TransformersSegmenter


def _load(
    model: Any, device: str | None, video: Video, on_status: Callable[[str], None]
) -> TransformersSegmenter:
    """Load a model by its hub id or folder, or take one that is loaded."""
    if not isinstance(model, str):
        return TransformersSegmenter(model, video)
    from sam2_backend.kernels.runtime import find_best_device

    require_transformers(f"The model {model!r}")
    on_status(f"Loading {model}")
    config = load_from_hub(model, "AutoConfig")
    loaded = load_from_hub(model, kind_of(config.model_type).model_class)
    return TransformersSegmenter(loaded.to(device or find_best_device()), video, name=model)


def _accepts(model: Any) -> bool:
    """Whether it is a loaded model of transformers that tracks."""
    classes = {kind.model_class for kind in KINDS.values()}
    return any(
        one.__name__ in classes and one.__module__.startswith("transformers.")
        for one in type(model).__mro__
    )


FAMILY = ModelFamily(_load, _accepts)
