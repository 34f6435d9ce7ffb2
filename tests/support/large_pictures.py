"""Large pictures that tests and benchmarks make: round cells on a ground, tiled, with levels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

GROUND = np.array([236, 226, 232], np.float32)
TILE = 512


@dataclass(frozen=True)
class Cells:
    """A picture of cells that is known everywhere, so that any part of it can be drawn alone.

    Parameters
    ----------
    width, height : in pixels.
    spacing : between the middles of cells.
    radius : of a cell.
    """

    width: int
    height: int
    spacing: int = 500
    radius: int = 160

    def center(self, row: int, column: int) -> tuple[int, int]:
        """The middle (x, y) of a cell."""
        half = self.spacing // 2
        return column * self.spacing + half, row * self.spacing + half

    def draw(self, x0: int, y0: int, x1: int, y1: int, step: int = 1) -> NDArray[np.uint8]:
        """(h, w, 3) uint8 of a part, of which each `step`-th pixel."""
        ys, xs = np.mgrid[y0:y1:step, x0:x1:step].astype(np.float32)
        half = self.spacing / 2
        away = np.hypot((xs % self.spacing) - half, (ys % self.spacing) - half)
        inside = (away <= self.radius)[..., None]
        nucleus = (away <= self.radius / 3)[..., None]
        grain = ((xs * 7 + ys * 13) % 10 - 5)[..., None]
        color = np.where(inside, np.array([178, 92, 150], np.float32), GROUND)
        color = np.where(nucleus, np.array([92, 40, 110], np.float32), color)
        return np.clip(color + grain, 0, 255).astype(np.uint8)

    def mask(self, row: int, column: int) -> NDArray[np.bool_]:
        """(spacing, spacing) bool of the cell in its square."""
        ys, xs = np.mgrid[: self.spacing, : self.spacing].astype(np.float32)
        half = self.spacing / 2
        return np.hypot(xs - half, ys - half) <= self.radius

    def tiles(self, step: int = 1) -> Iterator[NDArray[np.uint8]]:
        """The tiles of a level, row by row, each pixel one of `step` x `step`."""
        width, height = self.width // step, self.height // step
        for top in range(0, height, TILE):
            for left in range(0, width, TILE):
                right, bottom = (left + TILE) * step, (top + TILE) * step
                yield self.draw(left * step, top * step, right, bottom, step)


def write_pyramid(
    path: Path,
    cells: Cells,
    steps: Sequence[int] = (1, 4, 16),
    *,
    kind: str = "plain",
    compression: str | None = "zlib",
) -> Path:
    """Write a tiled TIFF with smaller levels.

    Parameters
    ----------
    steps : of each level.
    kind : "plain" with pages one after the other, as COG; "ome" with sub-resolutions; "svs" as
        Aperio writes slides.
    """
    options: dict[str, Any] = {
        "tile": (TILE, TILE),
        "photometric": "rgb",
        "compression": compression,
        "dtype": np.uint8,
    }
    with tifffile.TiffWriter(path, bigtiff=True, ome=kind == "ome") as tiff:
        for n, step in enumerate(steps):
            shape = cells.height // step, cells.width // step, 3
            said: dict[str, Any] = {"subfiletype": 1 if n and kind != "svs" else 0}
            if kind == "ome":
                said |= {"metadata": {"axes": "YXS", "PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5}}
                said |= {} if n else {"subifds": len(steps) - 1}
            else:
                said |= {"metadata": None}
            if kind == "svs":
                said["description"] = (
                    f"Aperio Image Library v12\n{cells.width}x{cells.height} |AppMag = 20|MPP = 0.5"
                )
            tiff.write(cells.tiles(step), shape=shape, **options, **said)
            if kind == "svs" and n == 0:
                small = cells.draw(0, 0, cells.spacing, cells.spacing)[::8, ::8]
                tiff.write(small, photometric="rgb", metadata=None, description="Aperio thumbnail")
    return path


def write_geotiff(path: Path, cells: Cells, steps: Sequence[int] = (1, 4)) -> Path:
    """Write a tiled GeoTIFF in UTM zone 33 north, of half a metre a pixel."""
    tags = [
        (33550, "d", 3, (0.5, 0.5, 0.0), True),
        (33922, "d", 6, (0.0, 0.0, 0.0, 400_000.0, 5_800_000.0, 0.0), True),
        (
            *(34735, "H", 20),
            (1, 1, 0, 4, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, 32633, 3076, 0, 1, 9001),
            True,
        ),
    ]
    with tifffile.TiffWriter(path, bigtiff=True) as tiff:
        for n, step in enumerate(steps):
            tiff.write(
                cells.tiles(step),
                shape=(cells.height // step, cells.width // step, 3),
                dtype=np.uint8,
                tile=(TILE, TILE),
                photometric="rgb",
                compression="zlib",
                subfiletype=1 if n else 0,
                metadata=None,
                extratags=() if n else tags,
            )
    return path


def write_fast_pyramid(path: Path, cells: Cells) -> Path:
    """Write a tiled TIFF with levels of a half each whose tiles repeat, as fast as a disk takes it.

    Cells lie on a lattice, so that a block of them is drawn once and cut into all tiles.
    """
    steps = [1]
    while max(cells.width, cells.height) // steps[-1] > 2048:
        steps.append(2 * steps[-1])
    block = cells.draw(
        0, 0, cells.spacing, cells.spacing
    )  # of which 10, as grain repeats, is a part
    side = len(block)

    def tiles(step: int) -> Iterator[NDArray[np.uint8]]:
        width, height = cells.width // step, cells.height // step
        for top in range(0, height, TILE):
            rows = (top + np.arange(TILE)) * step % side
            for left in range(0, width, TILE):
                columns = (left + np.arange(TILE)) * step % side
                yield block[rows[:, None], columns[None]]

    with tifffile.TiffWriter(path, bigtiff=True) as tiff:
        for step in steps:
            tiff.write(
                tiles(step),
                shape=(cells.height // step, cells.width // step, 3),
                dtype=np.uint8,
                tile=(TILE, TILE),
                photometric="rgb",
                compression="jpeg",
                compressionargs={"level": 85},
                subfiletype=0 if step == 1 else 1,
                metadata=None,
            )
    return path
