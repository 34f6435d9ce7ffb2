"""The documentation speaks of what there is: links lead somewhere, code compiles, names exist."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import shlex
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import sam2_backend
import sam2widget
from sam2widget import Sam2Widget
from sam2widget.cli.main import build_parser

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


def blocks(path: Path, language: str) -> list[str]:
    """Of code in a language ("" for what is typed in a terminal) on a page, in their order."""
    fences = re.findall(r"^```(\w*)\n(.*?)^```$", path.read_text(encoding="utf-8"), re.M | re.S)
    return [block for of, block in fences if of == language]


def trees(path: Path) -> Iterator[ast.Module]:
    for block in blocks(path, "python"):
        flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT | ast.PyCF_ONLY_AST
        yield compile(block, name(path), "exec", flags)


@pytest.mark.parametrize("path", WRITTEN, ids=name)
def test_python_in_it_compiles_and_imports_what_exists(path):
    for tree in trees(path):
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sam2"):
                module = importlib.import_module(node.module or "")
                for alias in node.names:
                    assert hasattr(module, alias.name) or find_spec(f"{node.module}.{alias.name}")


def binds(function: Any, call: ast.Call, *, of_instance: bool) -> None:
    """The call fits the signature, as far as it can be seen without running it."""
    is_error = isinstance(function, type) and issubclass(function, BaseException)
    if is_error or any(isinstance(one, ast.Starred) for one in call.args):
        return
    given = [None] * (len(call.args) + of_instance)
    named = {one.arg: None for one in call.keywords if one.arg is not None}
    inspect.signature(function).bind(*given, **named)


@pytest.mark.parametrize("path", WRITTEN, ids=name)
def test_python_in_it_calls_what_exists_as_it_is_declared(path):
    packages = (sam2_backend, sam2widget)
    known = {one: getattr(package, one) for package in packages for one in package.__all__}
    classes = {one: made for one, made in known.items() if inspect.isclass(made)}
    instances: dict[str, type] = {"w": Sam2Widget}
    for tree in trees(path):
        for node in ast.walk(tree):
            match node:
                case ast.Assign(targets=[ast.Name(to)], value=ast.Call(func=ast.Name(made))):
                    if made in classes:
                        instances[to] = classes[made]
        for node in ast.walk(tree):
            match node:
                case ast.Attribute(value=ast.Name(of), attr=attr) if of in instances:
                    assert hasattr(instances[of], attr), f"{instances[of].__name__}.{attr}"
            match node:
                case ast.Call(func=ast.Name(called)) if called in known:
                    binds(known[called], node, of_instance=False)
                case ast.Call(func=ast.Attribute(value=ast.Name(of), attr=attr)):
                    if of in instances:
                        is_static = isinstance(
                            inspect.getattr_static(instances[of], attr), staticmethod
                        )
                        binds(getattr(instances[of], attr), node, of_instance=not is_static)
                    elif of in classes:
                        binds(getattr(classes[of], attr), node, of_instance=False)


@pytest.mark.parametrize("path", WRITTEN, ids=name)
def test_commands_in_it_are_understood(path):
    for line in "\n".join(blocks(path, "")).splitlines():
        _, found, arguments = line.partition("sam2widget ")
        if found and re.match(r"(sam2widget|torchrun) ", line):
            build_parser().parse_args(shlex.split(arguments, comments=True))


@pytest.mark.parametrize("package", [sam2widget, sam2_backend], ids=lambda one: one.__name__)
def test_every_public_name_is_in_the_reference(package):
    reference = "\n".join(path.read_text(encoding="utf-8") for path in (DOCS / "api").glob("*.md"))
    named = set(re.findall(r"^::: .*\.(\w+)$", reference, re.M))
    assert set(package.__all__) - {"__version__"} <= named
