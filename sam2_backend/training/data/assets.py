"""Pictures to compose training clips from, mapped into memory."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


class PackedArrays:
    """Arrays of many shapes in one flat file, read without loading it.

    Parameters
    ----------
    folder, name : `name`.npy holds the values, `name`.json the list `shapes` and, where some are
        drawn more often than others, `weights`.

    Raises
    ------
    FileNotFoundError
        When there is no such file.
    """

    def __init__(self, folder: Path, name: str) -> None:
        path = folder / f"{name}.npy"
        if not path.exists():
            raise FileNotFoundError(f"There is no {path}: fetch and pack the pictures first.")
        self._flat: NDArray[np.generic] = np.load(path, mmap_mode="r", allow_pickle=False)
        index = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        self._shapes = [tuple(shape) for shape in index["shapes"]]
        self._offsets = np.cumsum([0, *(int(np.prod(shape)) for shape in self._shapes)])
        weights = np.asarray(index.get("weights", [1.0] * len(self._shapes)))
        self._cumulative = np.cumsum(weights / weights.sum())

    def __len__(self) -> int:
        return len(self._shapes)

    def __getitem__(self, i: int) -> NDArray[np.generic]:
        return self._flat[self._offsets[i] : self._offsets[i + 1]].reshape(self._shapes[i])

    def draw(self, rng: np.random.Generator) -> int:
        """Draw an index by weight."""
        return min(int(np.searchsorted(self._cumulative, rng.random())), len(self) - 1)


class Assets:
    """Pictures that the renderer composes into clips.

    Parameters
    ----------
    folder : holds `cutouts` (H, W, 4) uint8 RGBA, `actors` (T, H, W, 4) uint8 RGBA, moving
        cut-outs, `grounds` (H, W, 3) uint8 RGB textures of ground, `photos` (H, W, 3) uint8 RGB,
        and `regions` (3, H/2, W/2) uint16, unsupervised segments of each photograph at three
        scales.

    Raises
    ------
    FileNotFoundError
        When one of them is missing.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.cutouts = PackedArrays(folder, "cutouts")
        self.actors = PackedArrays(folder, "actors")
        self.grounds = PackedArrays(folder, "grounds")
        self.photos = PackedArrays(folder, "photos")
        self.regions = PackedArrays(folder, "regions")

    def __reduce__(self) -> tuple[type[Assets], tuple[Path]]:
        # Another process maps the files itself: pickling a mapped array would copy all of it.
        return Assets, (self._folder,)
