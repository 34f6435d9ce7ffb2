"""Nothing that arrives is ever run: read from the sources."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PYTHON = sorted(
    path for top in ("sam2widget", "sam2_backend") for path in (ROOT / top).rglob("*.py")
)
TYPESCRIPT = sorted((ROOT / "js" / "src").rglob("*.ts"))

RUNS_CODE = {
    *("eval", "exec", "compile", "__import__"),
    *("os.system", "os.popen", "pickle.load", "pickle.loads", "marshal.loads", "yaml.load"),
    *("shelve.open", "joblib.load", "torch.hub.load", "np.fromregex"),
}
LOADERS = {
    "torch.load": ("weights_only", True),
    "np.load": ("allow_pickle", False),
    "np.lib.format.read_array": ("allow_pickle", False),
}
"""What may unpickle, and the argument that keeps it from doing so."""


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def calls(path: Path) -> list[tuple[str, dict[str, ast.expr], int]]:
    """Dotted name, keywords and line of each call."""
    return [
        (ast.unparse(node.func), {k.arg: k.value for k in node.keywords if k.arg}, node.lineno)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
    ]


FROM_PARENT = {("sam2widget/batch/device_worker.py", "pickle.loads")}
"""What a process reads of the one that has started it, by its standard input."""


@pytest.mark.parametrize("path", PYTHON, ids=name)
def test_python_runs_nothing_that_it_reads(path):
    for called, keywords, line in calls(path):
        is_own = (path.relative_to(ROOT).as_posix(), called) in FROM_PARENT
        assert is_own or called not in RUNS_CODE, f"{path}:{line}"
        assert "shell" not in keywords, f"{path}:{line}"
        if called in LOADERS:
            argument, value = LOADERS[called]
            given = keywords.get(argument)
            assert isinstance(given, ast.Constant) and given.value is value, f"{path}:{line}"


def test_the_reader_sees_what_is_forbidden(tmp_path):
    path = tmp_path / "bad.py"
    path.write_text("import os\ndef f():\n    os.system('x')\n    np.load(p)\n")
    assert [called for called, _, _ in calls(path)] == ["os.system", "np.load"]


@pytest.mark.parametrize("path", PYTHON, ids=name)
def test_python_makes_no_html(path):
    """A file's name or an object's must never become markup in somebody's notebook."""
    source = path.read_text(encoding="utf-8")
    assert not re.search(r"_repr_html_|\bHTML\(|widgets\.HTML\b|display\.HTML\b", source)


@pytest.mark.parametrize("path", TYPESCRIPT, ids=name)
def test_the_front_end_makes_elements_and_no_markup(path):
    source = path.read_text(encoding="utf-8")
    sinks = r"(innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|srcdoc)"
    for found in re.finditer(rf"{sinks}.*", source):
        assert found[0].startswith("innerHTML = ICONS[name];"), f"{path}: {found[0]}"
    addresses = set(re.findall(r"https?://[^\"'`\s]+", source))
    assert addresses <= {"http://www.w3.org/2000/svg"}, "nothing is fetched from elsewhere"
