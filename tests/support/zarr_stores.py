"""Stores that zarr 2 and 3 write alike, so that both are tested; zarr 2 knows format 2 alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest


def need_zarr(zarr_format: int = 2) -> Any:
    """Import zarr; skip the test where it is not installed, or does not write the format."""
    zarr = pytest.importorskip("zarr", reason="zarr is not installed")
    if zarr_format > _major(zarr):
        pytest.skip(f"zarr {zarr.__version__} does not write format {zarr_format}")
    return zarr


def as_format(zarr_format: int) -> dict[str, int]:
    """What zarr's functions are given so that they write this format."""
    return {} if _major(need_zarr(zarr_format)) == 2 else {"zarr_format": zarr_format}


def create_group(path: Path, zarr_format: int = 2) -> Any:
    """Create an empty group, in place of what was there."""
    zarr = need_zarr(zarr_format)
    return zarr.open_group(str(path), mode="w", **as_format(zarr_format))


def add_array(group: Any, name: str, data: np.ndarray, chunks: tuple[int, ...]) -> None:
    """Write an array into a group."""
    create = group.create_array if hasattr(group, "create_array") else group.create_dataset
    create(name, data=data, chunks=chunks)


def _major(zarr: Any) -> int:
    return int(zarr.__version__.partition(".")[0])
