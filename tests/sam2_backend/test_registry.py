"""Named parts: found by name, imported late, one a name."""

from __future__ import annotations

import sys

import pytest

from sam2_backend.registry import (
    RegistryError,
    UnknownPartError,
    find,
    is_built_in,
    load_all,
    names,
    origin,
    register,
    register_modules,
)


@pytest.fixture
def group(request):
    """A group that no other test has."""
    return f"tests.{request.node.name}"


@pytest.fixture
def package(tmp_path, monkeypatch, request):
    """The name of a package with the modules `one_a` and `two`, and a private one."""
    name = f"registered_{request.node.name}"
    (tmp_path / name).mkdir()
    for module, text in {
        "__init__": "",
        "two": "PART = 2",
        "one_a": "PART = 1",
        "_shared": "raise ImportError('not a part')",
    }.items():
        (tmp_path / name / f"{module}.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    return name


def test_each_module_of_a_package_is_a_part_named_as_its_file(group, package):
    register_modules(group, package, "PART")
    assert names(group) == ["one-a", "two"]
    assert not any(one.startswith(f"{package}.") for one in sys.modules)
    assert find(group, "two") == 2
    assert f"{package}.one_a" not in sys.modules
    assert load_all(group) == {"one-a": 1, "two": 2}
    assert is_built_in(group, "two") and origin(group, "two") == package


def test_a_name_has_one_part(group):
    register(group, "join", "os.path", "join")
    register(group, "join", "os.path", "join")
    with pytest.raises(RegistryError, match=r"has 'join' already, in os\.path: shlex needs"):
        register(group, "join", "shlex", "join")
    assert find(group, "join") is __import__("os").path.join


def test_an_unknown_name_is_told_with_those_that_there_are(group):
    with pytest.raises(UnknownPartError, match=r"has no 'x'\. It has: nothing\."):
        find(group, "x")
    register(group, "join", "os.path", "join")
    with pytest.raises(LookupError, match=r"has no 'x'\. It has: join\."):
        find(group, "x")
    assert not is_built_in(group, "x") and origin(group, "x") == "no package"


def test_what_is_installed_later_is_found_without_a_restart(group, tmp_path, monkeypatch):
    with pytest.raises(UnknownPartError):
        find(group, "late")
    info = tmp_path / "late_package-2.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: late-package\nVersion: 2.0\n")
    (info / "entry_points.txt").write_text(f"[{group}]\nlate = os.path:join\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert find(group, "late") is __import__("os").path.join
    assert names(group) == ["late"] and origin(group, "late") == "late-package 2.0"
