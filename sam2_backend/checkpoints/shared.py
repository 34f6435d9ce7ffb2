"""Models shared within a process: the same weights on the same device are in memory once.

A network holds no state of a video, so that any number of predictors may use one. It is freed with
the last of them.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Hashable
from pathlib import Path

import torch

from ..kernels.runtime import Runtime
from ..network.sam2 import Sam2Model
from .loading import load_model

_MODELS: weakref.WeakValueDictionary[Hashable, Sam2Model] = weakref.WeakValueDictionary()
_LOADING: dict[Hashable, threading.Lock] = {}


def load_shared(name: str | os.PathLike[str], device: str | None = None) -> Sam2Model:
    """Load a model, or return the one that is in use already; it must not be changed.

    Two threads that ask for the same model at the same time get the same one.

    Parameters
    ----------
    name, device : see `load_model`.

    Raises
    ------
    CheckpointError, ValueError
        See `load_model`.
    """
    key = _key(name, device)
    with _LOADING.setdefault(key, threading.Lock()):
        model = _MODELS.get(key)
        if model is None:
            model = _MODELS[key] = load_model(name, device)
        return model


def find_shared(name: str | os.PathLike[str], device: str | None = None) -> Sam2Model | None:
    """Return the model that `load_shared` would return, if it is in memory; else None."""
    return _MODELS.get(_key(name, device))


def _key(name: str | os.PathLike[str], device: str | None) -> Hashable:
    """Return what identifies a model; that of a file that was written anew is another."""
    chosen = str(torch.empty(0, device=Runtime.choose(device).device).device)
    path = Path(os.path.expanduser(name))
    if not os.path.exists(path):
        return os.fspath(name), chosen
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    return tuple((str(one.resolve()), *_stamp_of(one)) for one in files), chosen


def _stamp_of(path: Path) -> tuple[int, int, int]:
    found = path.stat()
    return found.st_ino, found.st_mtime_ns, found.st_size
