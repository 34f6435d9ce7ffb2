"""Fetch the pictures that teach nano: packages of Debian's main archive, by name.

    python recipes/nano/fetch.py DATA

Needs a Debian machine with `apt-get` and `dpkg`; nothing is installed. DATA/packages.json
lists package, version and licence for the model card.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from pathlib import Path

PACKAGES = {
    # Cut-outs with alpha, and the licences that their copyright files name
    "tuxpaint-stamps-default": "GPL-2",
    "wesnoth-1.16-data": "GPL-2",
    "freedroidrpg-data": "GPL-2+, GPL-3, CC0-1.0",
    "hedgewars-data": "GPL-2, CC-BY-SA-3.0, MIT and others",
    "oxygen-icon-theme": "LGPL-3+",
    "openclipart-png": "public domain",
    # Animated models
    "0ad-data": "CC-BY-SA-3.0",
    # Photographs and paintings
    "plasma-workspace-wallpapers": "GPL-2+",
    "gnome-backgrounds": "CC-BY-2.0, CC-BY-SA-2.0, CC-BY-SA-3.0",
    "mate-backgrounds": "GPL-2+, CC-BY-SA-4.0",
    "ukui-wallpapers": "CC-BY-SA-3.0",
    "lomiri-wallpapers-16.04": "CC-BY-4.0, CC-BY-SA-3.0, CC-BY-SA-4.0, CC0-1.0",
    "lomiri-wallpapers-20.04": "CC-BY-4.0, CC-BY-SA-3.0, CC-BY-SA-4.0, CC0-1.0",
    "stellarium-data": "GPL-2+, CC-BY-SA, public domain",
    # Both: landscapes, spaceships and their parts
    "endless-sky-high-dpi": "CC-BY-SA-4.0, CC-BY-SA-3.0, CC-BY-4.0, public domain",
}


def fetch(data: Path) -> None:
    """Download and unpack every package that is not there yet."""
    debs = data / "debs"
    debs.mkdir(parents=True, exist_ok=True)
    listing = []
    for package, licence in PACKAGES.items():
        if not list(debs.glob(f"{package}_*.deb")):
            subprocess.run(["apt-get", "download", package], cwd=debs, check=True)
        deb = next(debs.glob(f"{package}_*.deb"))
        root = data / "root" / package
        if not root.exists():
            root.mkdir(parents=True)
            subprocess.run(["dpkg", "-x", str(deb), str(root)], check=True)
        version = deb.stem.split("_")[1].replace("%3a", ":")
        listing.append({"package": package, "version": version, "licence": licence})
    (data / "packages.json").write_text(json.dumps(listing, indent=2) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="folder for the packages")
    fetch(parser.parse_args().data)
