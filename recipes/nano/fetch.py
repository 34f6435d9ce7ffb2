"""Fetch the pictures that teach nano: packages of Debian's main archive, by name.

    python recipes/nano/fetch.py DATA

Needs a Debian machine with `apt-get` and `dpkg`; nothing is installed. DATA/packages.json
lists package, version and the place of its licence for the model card.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from pathlib import Path

PACKAGES = (
    # Cut-outs with alpha
    "tuxpaint-stamps-default",
    "wesnoth-1.16-data",
    "freedroidrpg-data",
    "hedgewars-data",
    "oxygen-icon-theme",
    "openclipart-png",
    # Photographs and paintings
    "plasma-workspace-wallpapers",
    "gnome-backgrounds",
    "mate-backgrounds",
    "ukui-wallpapers",
    "lomiri-wallpapers-16.04",
    "lomiri-wallpapers-20.04",
    "stellarium-data",
)


def fetch(data: Path) -> None:
    """Download and unpack every package that is not there yet."""
    debs = data / "debs"
    debs.mkdir(parents=True, exist_ok=True)
    listing = []
    for package in PACKAGES:
        if not list(debs.glob(f"{package}_*.deb")):
            subprocess.run(["apt-get", "download", package], cwd=debs, check=True)
        deb = next(debs.glob(f"{package}_*.deb"))
        root = data / "root" / package
        if not root.exists():
            root.mkdir(parents=True)
            subprocess.run(["dpkg", "-x", str(deb), str(root)], check=True)
        licence = next(root.glob("usr/share/doc/*/copyright"), None)
        version = deb.stem.split("_")[1].replace("%3a", ":")
        listing.append(
            {
                "package": package,
                "version": version,
                "licence": str(licence.relative_to(root)) if licence else "see the package",
            }
        )
    (data / "packages.json").write_text(json.dumps(listing, indent=2) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="folder for the packages")
    fetch(parser.parse_args().data)
