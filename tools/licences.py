"""The licences of everything that sam2widget needs at run time, as a table.

Each must go with Apache-2.0. PyAV's wheels also bring FFmpeg as shared libraries, under the LGPL.
"""

from __future__ import annotations

import re
import sys
from importlib import metadata

from packaging.requirements import Requirement

FREE = re.compile(
    r"\b(MIT|BSD|FreeBSD|0BSD|Apache|ISC|PSF|Python Software Foundation|MPL|Mozilla|HPND"
    r"|Historical Permission|Unlicense|Zlib|CC0)\b",
    re.I,
)
NOT_OURS = {"triton"}
"""Installed by PyTorch on some machines only, and under its licence."""


def needed(name: str, seen: dict[str, metadata.Distribution]) -> None:
    """Collect a distribution and what it requires here, without extras."""
    key = re.sub(r"[-_.]+", "-", name).lower()
    if key in seen or key in NOT_OURS or key.startswith("nvidia-"):
        return
    try:
        found = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return
    seen[key] = found
    for text in found.requires or ():
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            needed(requirement.name, seen)


def licence_of(found: metadata.Distribution) -> str:
    """What a distribution says of itself, in a line."""
    said = found.metadata.get("License-Expression") or ""
    classifiers = found.metadata.get_all("Classifier") or []
    named = [one.split(" :: ")[-1] for one in classifiers if one.startswith("License :: ")]
    first_line = (found.metadata.get("License") or "").strip().splitlines()[:1]
    return said or ", ".join(named) or "".join(first_line)


def licences() -> dict[str, tuple[str, str]]:
    """Version and licence by name."""
    seen: dict[str, metadata.Distribution] = {}
    needed("sam2widget", seen)
    return {name: (one.version, licence_of(one)) for name, one in sorted(seen.items())}


def main() -> None:
    """Print the table of licences; exit with an error where one is not known to be free."""
    print("| package | version | licence |\n|---|---|---|")
    found = licences()
    for name, (version, licence) in found.items():
        print(f"| {name} | {version} | {licence} |")
    unknown = [name for name, (_, licence) in found.items() if not FREE.search(licence)]
    if unknown:
        sys.exit(f"Of these it is not known that they go with Apache-2.0: {', '.join(unknown)}.")


if __name__ == "__main__":
    main()
