"""The documentation speaks of what there is: links lead somewhere, code compiles, names exist."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
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
from tools.gallery import NOTEBOOKS

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


PUBLIC = (
    *("sam2widget", "sam2widget.export", "sam2widget.plots", "sam2widget.samples"),
    *("sam2_backend", "sam2_backend.training", "sam2_backend.training.datasets"),
    "sam2_backend.video",
)
"""Packages whose names are for users."""


def is_module(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # a class's parent is no package
        return False


@pytest.mark.parametrize("package", PUBLIC)
def test_every_public_name_is_in_the_reference(package):
    reference = "\n".join(path.read_text(encoding="utf-8") for path in (DOCS / "api").glob("*.md"))
    targets = re.findall(r"^::: (\S+)$", reference, re.M)
    members = re.findall(r"^      members: \[(.*)\]$", reference, re.M)
    named = {target.rpartition(".")[2] for target in targets}
    named |= {one for listed in members for one in listed.split(", ")}
    for target in targets:
        if is_module(target):  # with all that is in it
            named |= set(getattr(importlib.import_module(target), "__all__", ()))
    missing = set(importlib.import_module(package).__all__) - {"__version__"} - named
    assert not missing, f"docs/api names none of {sorted(missing)} of {package}"


# The gallery's pages and notebooks

JOBS = sorted(path for path in (DOCS / "gallery").glob("*.md") if path.stem != "index")
MAX_PICTURE_BYTES = 100_000


def test_every_notebook_of_the_gallery_has_a_page_and_the_reverse():
    assert [page.stem for page in JOBS] == sorted(one.stem for one in NOTEBOOKS.glob("*.ipynb"))
    overview = (DOCS / "gallery" / "index.md").read_text(encoding="utf-8")
    assert all(f"({page.name})" in overview for page in JOBS)


@pytest.mark.parametrize("page", JOBS, ids=name)
def test_what_a_page_of_the_gallery_shows_is_in_its_notebook(page):
    cells = json.loads((NOTEBOOKS / f"{page.stem}.ipynb").read_text(encoding="utf-8"))["cells"]
    code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    shown = blocks(page, "python")
    assert shown and all(block.rstrip("\n") in code for block in shown)


def test_pictures_of_the_gallery_are_small():
    pictures = list((DOCS / "gallery").glob("*.webp"))
    assert pictures and all(one.stat().st_size < MAX_PICTURE_BYTES for one in pictures)


# Hosts


def test_the_table_of_hosts_says_what_their_pages_say():
    overview = (DOCS / "hosts" / "index.md").read_text(encoding="utf-8")
    rows = re.findall(
        r"^\| .*?\]?\((\w+)\.md[^)]*\).*? \| (driven|read)\b.* \| (.*) \|$", overview, re.M
    )
    pages = [path for path in (DOCS / "hosts").glob("*.md") if path.stem != "index"]
    assert {page for page, _, _ in rows} == {path.stem for path in pages}
    for page, how, when in rows:
        text = (DOCS / "hosts" / f"{page}.md").read_text(encoding="utf-8")
        begin = text.split("\n\n")[1].replace("\n", " ")
        assert begin.startswith("**Driven**" if how == "driven" else "**Read, not driven**"), page
        assert when in begin, page


# What is quoted


def strings_of_python(folder: Path) -> Iterator[str]:
    """Texts of its sources; "…" stands for what is put into them."""
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Constant(value=str(text)):
                    yield text
                case ast.JoinedStr(values=parts):
                    yield "".join(
                        str(part.value) if isinstance(part, ast.Constant) else "…" for part in parts
                    )


def strings_of_typescript(folder: Path) -> Iterator[str]:
    """The same of the front end's."""
    for path in folder.rglob("*.ts"):
        text = re.sub(r"[\"`]\s*\+\s*[\"`]", "", path.read_text(encoding="utf-8"))
        for plain, template in re.findall(r'"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\]|\\.)*)`', text):
            yield plain or re.sub(r"\$\{[^}]*\}", "…", template)


def test_what_troubleshooting_quotes_is_what_is_said():
    said = [
        *strings_of_python(ROOT / "sam2widget"),
        *strings_of_python(ROOT / "sam2_backend"),
        *strings_of_typescript(ROOT / "js" / "src"),
    ]
    page = (DOCS / "troubleshooting.md").read_text(encoding="utf-8")
    text = re.sub(r"^```.*?^```$|`[^`\n]*`", "", page, flags=re.M | re.S).replace("\n", " ")
    quotes = [re.sub(r"\s+", " ", one) for one in re.findall(r'"([^"]+)"', text)]
    assert len(quotes) > 40
    unknown = [
        quote
        for quote in quotes
        if not any(all(part in one for part in quote.split("…")) for one in said)
    ]
    assert not unknown
