"""Models that several users of one process share: the same weights on the same device, once in
memory.

A network remembers nothing of a video, so that any number of predictors may use one at a time. It
goes with the last of them.
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
    """As `load_model`, or the same again while anyone uses it: not to be changed. Two threads
    that ask for one at the same time get one."""
    key = _key(name, device)
    with _LOADING.setdefault(key, threading.Lock()):
        model = _MODELS.get(key)
        if model is None:
            model = _MODELS[key] = load_model(name, device)
        return model


def find_shared(name: str | os.PathLike[str], device: str | None = None) -> Sam2Model | None:
    """The model that `load_shared` would give, if it is in memory."""
    return _MODELS.get(_key(name, device))


def _key(name: str | os.PathLike[str], device: str | None) -> Hashable:
    """By what two models are the same: a file that was written anew is another."""
    chosen = str(torch.empty(0, device=Runtime.choose(device).device).device)
    path = Path(name).expanduser()
    if not path.exists():
        return os.fspath(name), chosen
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    return tuple((str(one.resolve()), *_written(one)) for one in files), chosen


def _written(path: Path) -> tuple[int, int, int]:
    found = path.stat()
    return found.st_ino, found.st_mtime_ns, found.st_size
