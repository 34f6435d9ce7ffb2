"""The documentation speaks of what there is: links lead somewhere, code compiles, names exist."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

import pytest

import sam2_backend
import sam2widget

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
WRITTEN = [ROOT / "README.md", *PAGES]


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def anchors(path: Path) -> set[str]:
    """Of a page's headings, as MkDocs makes them."""
    headings = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w]+", "-", heading.lower()).strip("-") for heading in headings}


def test_every_page_is_in_the_navigation_and_the_reverse():
    nav = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").split("nav:")[1]
    assert sorted(re.findall(r": (\S+\.md)$", nav, re.M)) == sorted(
        path.relative_to(DOCS).as_posix() for path in PAGES
    )


@pytest.mark.parametrize("path", WRITTEN, ids=name)
def test_links_and_pictures_lead_somewhere(path):
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
        if "://" in target:
            continue
        file, _, anchor = target.partition("#")
        found = path.parent / file if file else path
        assert found.exists(), target
        assert not anchor or anchor in anchors(found), target


@pytest.mark.parametrize("path", WRITTEN, ids=name)
def test_python_in_it_compiles_and_imports_what_exists(path):
    for block in re.findall(r"```python\n(.*?)```", path.read_text(encoding="utf-8"), re.S):
        flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT | ast.PyCF_ONLY_AST
        tree = compile(block, name(path), "exec", flags)
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sam2"):
                module = importlib.import_module(node.module or "")
                assert all(hasattr(module, alias.name) for alias in node.names)


@pytest.mark.parametrize("package", [sam2widget, sam2_backend], ids=lambda one: one.__name__)
def test_every_public_name_is_in_the_reference(package):
    reference = "\n".join(path.read_text(encoding="utf-8") for path in (DOCS / "api").glob("*.md"))
    named = set(re.findall(r"^::: .*\.(\w+)$", reference, re.M))
    constants = {"__version__", "AVAILABLE_MODELS", "CONFIGS"}
    assert set(package.__all__) - constants <= named
