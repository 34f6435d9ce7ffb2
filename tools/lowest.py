"""Write constraints-lowest.txt: each lower bound of pyproject.toml as the version to test with.

python -m tools.lowest
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parent.parent
TARGET = ROOT / "constraints-lowest.txt"
HEADER = """\
# Written by `python -m tools.lowest`: the lowest versions that pyproject.toml asks for, which
# `make test-lowest` tests with. What is not here is for tests alone, or of an extra left out there.
"""
UNTESTED = {"all", "dev", "docs", "onnx", "oracle", "test", "testing", "torchcodec", "transformers"}
"""Extras that `make test-lowest` does not install: tools, and what needs higher versions of the
same libraries than the rest (transformers 5 asks for huggingface_hub 1)."""
COMPANIONS = {"zarr": ["numcodecs==0.13.1"]}
"""What a lowest version needs besides, and does not ask for: zarr 2 fails with later numcodecs."""


def read_project() -> dict[str, Any]:
    """What pyproject.toml says of the package."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        return tomllib.load(file)["project"]


def lowest() -> list[str]:
    """Lines of constraints: the lowest version of each dependency of the package and its extras."""
    project = read_project()
    extras = project["optional-dependencies"]
    asked = [*project["dependencies"]]
    asked += [text for name, texts in extras.items() if name not in UNTESTED for text in texts]
    lines: set[str] = set()
    for requirement in map(Requirement, asked):
        name = requirement.name.lower()
        bounds = [one.version for one in requirement.specifier if one.operator == ">="]
        if bounds:
            marker = f" ; {requirement.marker}" if requirement.marker else ""
            lines |= {f"{name}=={bounds[0]}{marker}", *COMPANIONS.get(name, ())}
        elif name != "sam2widget" and not requirement.specifier:
            sys.exit(f"{name} has no lower bound in pyproject.toml.")
    return sorted(lines, key=lambda line: re.split("[=; ]", line)[0])


def text() -> str:
    """What constraints-lowest.txt holds."""
    return HEADER + "".join(f"{line}\n" for line in lowest())


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
