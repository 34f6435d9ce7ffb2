"""Loading a SAM 2 model by what a user gives: a name, a path, a function, "auto"."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from sam2_backend.video import Video

from .sam2 import OFFICIAL, Sam2Segmenter

if TYPE_CHECKING:
    from sam2_backend import Sam2Model

BUNDLED = "nano"
HUB_TIMEOUT_S = 4.0
"""How long the hub may take to answer before it counts as out of reach."""


def load_segmenter(
    model: Any,
    device: str | None,
    video: Video,
    on_status: Callable[[str], None],
) -> Sam2Segmenter:
    """Load a model for a video, or share one that another has loaded; see `load_any`."""
    return Sam2Segmenter(load_any(model, device, on_status, shared=True), video)


def load_any(
    model: Any, device: str | None, on_status: Callable[[str], None], *, shared: bool = False
) -> Sam2Model:
    """Load a model.

    Parameters
    ----------
    model : "auto", or what `sam2_backend.load_model` takes, or a loaded model, or a function
        that loads one.
    device : "cuda", "cpu"…; the best there is if None. A loaded model stays where it is.
    on_status : shows what takes long.
    shared : of the same name and device, all get one; nobody may change it.

    Raises
    ------
    sam2_backend.CheckpointError
        When the name is unknown, or the checkpoint cannot be had or does not fit.
    ValueError
        When it is nothing of the kind.
    """
    from sam2_backend import Sam2Model, load_model
    from sam2_backend.checkpoints.shared import load_shared

    if not isinstance(model, Sam2Model) and callable(model):
        on_status("Loading the model")
        model = model()
    if isinstance(model, Sam2Model):
        return model
    if not isinstance(model, (str, os.PathLike)):
        raise ValueError(
            f"model must be a name, a path, a loaded Sam2Model, a function that returns one of "
            f"these, or a Segmenter, got a {type(model).__name__}."
        )
    load = load_shared if shared else load_model
    if model == "auto":
        return _load_auto(device, on_status, load)
    on_status(f"Loading {label_of(model)}")
    return load(model, device)


def label_of(model: object) -> str:
    """What a person reads of a model's name, or of the path of its file.

    >>> label_of("sam2.1-hiera-base-plus")
    'SAM 2.1 base+'
    """
    if not isinstance(model, (str, os.PathLike)):
        return "the model"
    name = os.fspath(cast("str | os.PathLike[str]", model))
    family, hiera, size = name.partition("-hiera-")
    if hiera and family in ("sam2.1", "sam2"):
        return f"SAM {'2.1' if family == 'sam2.1' else '2.0'} {size.replace('base-plus', 'base+')}"
    path = Path(name)
    return path.name if path.name != name and path.exists() else name


def find_loaded(model: object, device: str | None) -> Sam2Model | None:
    """The model that `load_segmenter` would use, if others use it already."""
    if "sam2_backend.checkpoints.shared" not in sys.modules or not isinstance(
        model, (str, os.PathLike)
    ):
        return None
    from sam2_backend.checkpoints.shared import find_shared

    names = (OFFICIAL, BUNDLED) if model == "auto" else (cast("str | os.PathLike[str]", model),)
    found = (find_shared(name, device) for name in names)
    return next((one for one in found if one is not None), None)


def _load_auto(
    device: str | None,
    on_status: Callable[[str], None],
    load: Callable[[str, str | None], Sam2Model],
) -> Sam2Model:
    from sam2_backend import CheckpointError
    from sam2_backend.checkpoints.hub import is_cached

    if is_cached(OFFICIAL) or is_hub_reachable():
        on_status(f"Loading {label_of(OFFICIAL)}")
        try:
            return load(OFFICIAL, device)
        except CheckpointError:
            on_status(f"{label_of(OFFICIAL)} could not be had: loading the bundled {BUNDLED}")
    else:
        on_status(f"Loading the bundled {BUNDLED}")
    return load(BUNDLED, device)


def is_hub_reachable(timeout_s: float = HUB_TIMEOUT_S) -> bool:
    """Whether the Hugging Face hub answers in time.

    A thread asks, since resolving its name takes its own time.
    """
    from huggingface_hub import constants, get_hf_file_metadata, hf_hub_url

    if constants.HF_HUB_OFFLINE:
        return False
    url = hf_hub_url(f"facebook/{OFFICIAL}", "config.json")
    answered = threading.Event()

    def ask() -> None:
        try:
            get_hf_file_metadata(url, timeout=timeout_s)
        except Exception:
            # Whatever keeps it from answering, it is out of reach.
            return
        answered.set()

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(timeout_s)
    return answered.is_set()
