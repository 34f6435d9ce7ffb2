"""Pack data sets into two files that a GPU can keep whole.

    python recipes/nano/pack.py DATA PACK

DATA/NAME is each set of `sources.toml` that is there. Writes PACK/stills.npz and PACK/clips.npz.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sources import Source, check_no_evaluation_data, read_sources

from sam2_backend.training import PackWriter

_MIN_AREA = 0.003
"""Smallest share of a still that an object takes; smaller ones are left out."""
_MIN_FRAMES = 4


def is_large(mask_hw: NDArray[np.bool_]) -> bool:
    """Return whether an object of a still is large enough to train on."""
    return bool(mask_hw.mean() > _MIN_AREA)


def pack(data: Path, out: Path, *, side: int, quality: int, sources: dict[str, Source]) -> None:
    """Pack every set that is in `data`.

    Parameters
    ----------
    data, out : folders of the sets and of the packs.
    side : longest side of a picture, in pixels; larger ones are made smaller.
    quality : of WebP, 1 to 100.
    sources : the sets, by name.

    Raises
    ------
    DatasetError
        When a set is damaged, none is there, or one has what the model is evaluated on.
    """
    stills, clips = (PackWriter(side=side, quality=quality) for _ in range(2))
    for source in sources.values():
        if not (data / source.name).is_dir():
            print(f"{source.name}: not in {data}, left out", flush=True)
            continue
        records = source.records(data)
        check_no_evaluation_data(records, source.name)
        # By a hash, so that the choice stays when others come.
        records.sort(key=lambda record: hashlib.sha256(record.name.encode()).digest())
        for record in records[: source.limit]:
            name, frames = f"{source.name}/{record.name}", record.read(range(len(record)))
            if len(record) == 1:
                stills.add(name, frames, keep=is_large)
            elif len(record) >= _MIN_FRAMES:
                clips.add(name, frames)
        print(f"{source.name}: {len(records[: source.limit])} stills and videos", flush=True)
    out.mkdir(parents=True, exist_ok=True)
    for writer, name in ((stills, "stills"), (clips, "clips")):
        if len(writer):
            writer.write(out / f"{name}.npz")
            print(f"{out / name}.npz: {len(writer)}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="folder of data sets, each by its name")
    parser.add_argument("pack", type=Path, help="folder to write to")
    parser.add_argument("--side", type=int, default=448, help="longest side of a picture, pixels")
    parser.add_argument("--quality", type=int, default=70, help="of WebP")
    arguments = parser.parse_args()
    pack(
        arguments.data,
        arguments.pack,
        side=arguments.side,
        quality=arguments.quality,
        sources=read_sources(),
    )
