"""Draw the packages and what they import: docs/drawings/packages.svg.

    python -m tools.architecture            # draws it anew
    python -m tools.architecture --check    # fails where the drawing is not of these sources

Rows are the layers of the contracts in pyproject.toml, with each package's own sentence. An arc
leads from a package to one that it imports; it is left out where a way over others says the same.
"""

from __future__ import annotations

import argparse
import ast
import sys
from html import escape
from pathlib import Path
from typing import Any

import grimp

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parent.parent
DRAWING = ROOT / "docs" / "drawings" / "packages.svg"
WIDTH, ROW, GAP = 900, 26, 18
LEFT, ARCS = 20, 725
"""Where names begin, and where arcs do."""
INK, NAME, ARC = "#7b818a", "#3a80f0", "#f59e0b"


def contracts() -> list[dict[str, Any]]:
    """The contracts on imports."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return settings["tool"]["importlinter"]["contracts"]


def layers() -> dict[str, list[str]]:
    """Packages of each top-level package, from the top layer down."""
    found: dict[str, list[str]] = {}
    for contract in contracts():
        for container in contract.get("containers", ()):
            names = [name.strip() for row in contract["layers"] for name in row.split("|")]
            found[container] = [
                f"{container}.{name}"
                for name in names
                if name not in ("__main__", "plots", "sample")
            ]
    return found


def imports(packages: list[str]) -> dict[str, set[str]]:
    """What each package imports of the others, but for what a contract lets pass by name."""
    graph = grimp.build_graph(
        *sorted({name.split(".")[0] for name in packages}),
        exclude_type_checking_imports=True,
        cache_dir=None,
    )
    for line in (one for contract in contracts() for one in contract.get("ignore_imports", ())):
        importer, imported = line.split(" -> ")
        graph.remove_import(importer=importer, imported=imported)
    own = {name: {name, *graph.find_descendants(name)} for name in packages}
    home = {module: name for name, modules in own.items() for module in modules}
    return {
        name: {
            home[imported]
            for module in modules
            for imported in graph.find_modules_directly_imported_by(module)
            if imported in home and home[imported] != name
        }
        for name, modules in own.items()
    }


def reduced(direct: dict[str, set[str]]) -> dict[str, set[str]]:
    """The same without what also follows over others."""

    def reach(start: str) -> set[str]:
        return direct[start].union(*(reach(way) for way in direct[start]))

    return {
        name: {
            one for one in found if not any(one in reach(other) for other in found if other != one)
        }
        for name, found in direct.items()
    }


def sentence(package: str) -> str:
    """The first line of a package's or module's docstring."""
    path = ROOT / package.replace(".", "/")
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    said = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return said.split("\n")[0].replace("`", "")


def draw() -> str:
    """The drawing as SVG."""
    houses = layers()
    packages = [name for rows in houses.values() for name in rows]
    middle: dict[str, float] = {}
    parts: list[str] = []
    y = 10
    for house, rows in houses.items():
        parts.append(_text(LEFT, y + 18, f"{house}: {sentence(house)}", weight="bold", fill=INK))
        y += ROW + 4
        for package in rows:
            middle[package] = y + ROW / 2
            name = package.split(".")[1]
            parts.append(_text(LEFT + 14, y + 17, name, weight="bold", fill=NAME))
            parts.append(_text(LEFT + 120, y + 17, sentence(package), size=12))
            y += ROW
        y += GAP
    arcs = reduced(imports(packages))
    for package in packages:
        for one in sorted(arcs[package]):
            parts.append(_arc(middle[package], middle[one]))
    marker = (
        '<defs><marker id="a" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        f'markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z" fill="{ARC}"/></marker></defs>'
    )
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" width="{WIDTH}" '
        f'height="{y}" font-family="system-ui, sans-serif" font-size="13" fill="{INK}" role="img">'
    )
    return "\n".join([head, marker, *parts, "</svg>"]) + "\n"


def _text(
    x: float, y: float, text: str, *, weight: str = "normal", fill: str = INK, size: int = 13
) -> str:
    return (
        f'<text x="{x:g}" y="{y:g}" fill="{fill}" font-size="{size}" font-weight="{weight}">'
        f"{escape(text)}</text>"
    )


def _arc(start: float, end: float) -> str:
    reach = ARCS + 8 + 0.42 * abs(end - start)
    # A little apart, so that arcs that come and go can be told from each other.
    start, end = start + 4, end - 4
    return (
        f'<path d="M{ARCS} {start:g} C{reach:g} {start:g} {reach:g} {end:g} {ARCS} {end:g}" '
        f'stroke="{ARC}" stroke-width="1.2" stroke-opacity="0.75" fill="none" '
        'marker-end="url(#a)"/>'
    )


def main() -> None:
    """Write the drawing of the packages, or check that it is fresh."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true", help="only say whether it is fresh")
    drawn = draw()
    if not parser.parse_args().check:
        DRAWING.write_text(drawn, encoding="utf-8")
    elif drawn != DRAWING.read_text(encoding="utf-8"):
        sys.exit(f"{DRAWING} is not of these sources: run python -m tools.architecture.")


if __name__ == "__main__":
    main()
