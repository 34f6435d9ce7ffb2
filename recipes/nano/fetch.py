"""Fetch data sets by name, where they can be downloaded.

    python recipes/nano/fetch.py DATA davis2017 coco2017 stamps

Without names it says of every set where it is from and whether it is in DATA.
"""

from __future__ import annotations

import argparse
import io
import shutil
import subprocess
import urllib.request
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image
from sources import Source, read_sources

_BACKGROUND = (124, 116, 104)
"""Behind a cut-out: the mean colour of pictures."""


def fetch(source: Source, data: Path) -> None:
    """Download a data set into DATA/NAME, unless it is there.

    Parameters
    ----------
    source : of `sources.toml`.
    data : the folder DATA.

    Raises
    ------
    ValueError
        When it has to be put there by hand.
    """
    folder = data / source.name
    if folder.is_dir():
        return
    if not source.archives and not source.debian:
        raise ValueError(
            f"{source.name} cannot be downloaded as it is: put it at {folder} by hand, as "
            f"{source.format}, from {source.origin}. Licence: {source.licence}."
        )
    partial = data / f"{source.name}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    for url in source.archives:
        print(f"{source.name}: {url}", flush=True)
        with urllib.request.urlopen(url) as answer, (partial / "archive.zip").open("wb") as file:
            shutil.copyfileobj(answer, file)
        with zipfile.ZipFile(partial / "archive.zip") as archive:
            archive.extractall(partial)
        (partial / "archive.zip").unlink()
    if source.debian:
        _extract_cut_outs(source.debian, partial)
    partial.rename(folder)


def _extract_cut_outs(package: str, folder: Path) -> None:
    """Extract cut-outs of a package of Debian, with label maps; needs apt-get and dpkg."""
    with TemporaryDirectory() as place:
        subprocess.run(["apt-get", "download", package], cwd=place, check=True)
        deb = next(Path(place).glob("*.deb"))
        subprocess.run(["dpkg", "-x", str(deb), place], check=True)
        for i, path in enumerate(sorted(Path(place).rglob("*.png"))):
            with Image.open(path) as image:
                if image.mode == "RGBA" and min(image.size) >= 40:
                    _write_cut_out(image, folder / f"{i:05d}.jpg")


def _write_cut_out(image: Image.Image, path: Path) -> None:
    ground = Image.new("RGB", image.size, _BACKGROUND)
    ground.paste(image, mask=image.getchannel("A"))
    opaque = np.asarray(image.getchannel("A")) > 127
    if 0.02 < opaque.mean() < 0.97:
        encoded = io.BytesIO()
        ground.save(encoded, "JPEG", quality=90)
        path.write_bytes(encoded.getvalue())
        Image.fromarray(opaque.astype(np.uint8)).save(path.with_suffix(".png"))


def main() -> None:
    """Fetch the sets that the command line names, or list all of them."""
    sources = read_sources()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("names", nargs="*", choices=[*sources, []], help="of sources.toml")
    arguments = parser.parse_args()
    for name in arguments.names:
        try:
            fetch(sources[name], arguments.data)
        except ValueError as error:
            parser.exit(2, f"{error}\n")
    if not arguments.names:
        for source in sources.values():
            there = "there" if (arguments.data / source.name).is_dir() else "missing"
            print(f"{source.name:20} {there:8} {source.licence}; {source.origin}")


if __name__ == "__main__":
    main()
