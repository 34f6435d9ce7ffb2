"""Which cell of a notebook makes a widget, so that running it again can replace the widget.

A cell is known by the id that JupyterLab, Notebook 7, VS Code and others send with it, and in
marimo by its own. Where there is none, as in Colab and the IPython terminal, by its text; a widget
counts as replaced then only if a variable that held it is set again.
"""

from __future__ import annotations

import ast
import re
import sys
import threading
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from types import FrameType
from typing import Any, Generic, TypeVar, cast

W = TypeVar("W")

_HISTORY = re.compile(r"_{1,3}|_\d+|_oh|Out")
"""Variables of IPython's that keep what cells gave."""
_DEPTH = 3
"""Of containers within each other that are searched for a widget."""


@dataclass(frozen=True)
class Cell:
    """A run of a cell."""

    key: tuple[object, ...]
    """By what the cell is known among all of this process."""
    has_id: bool
    """Whether it is certain that this is one cell, and not two of the same text."""
    run: weakref.ref[object]
    """To something that lives as long as this run."""
    source: str
    variables: dict[str, Any]
    """Of the notebook, as they are now."""

    @cached_property
    def renewed(self) -> set[str]:
        """Variables that the cell sets, whatever they were before."""
        # Of IPython's magics, only %time has a statement behind it.
        lines = (re.sub(r"^%time\s", "", line) for line in self.source.splitlines())
        try:
            tree = ast.parse("\n".join(line for line in lines if _plain(line)))
        except SyntaxError:
            return set()
        return _renewed_names(tree)

    def replaces(self, widget: object) -> bool:
        """Whether a widget that an earlier run made is of no more use.

        It is of none where the cell has an id, or sets a variable that holds the widget; and no
        variable that the cell leaves alone holds it.
        """
        holders = {
            name
            for name, value in list(self.variables.items())
            if not _HISTORY.fullmatch(name) and _holds(value, widget, _DEPTH)
        }
        return holders <= self.renewed and (self.has_id or bool(holders))


class MadeWidgets(Generic[W]):
    """Widgets, and the runs of cells that made them. Nothing is kept alive by it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cells: list[tuple[weakref.ref[W], Cell]] = []

    def add(self, widget: W, cell: Cell) -> None:
        """Note what a cell has made."""
        with self._lock:
            alive = [one for one in self._cells if one[0]() is not None]
            self._cells = [*alive, (weakref.ref(widget), cell)]

    def replaced_by(self, cell: Cell) -> list[W]:
        """What earlier runs of a cell have made and this run replaces."""
        with self._lock:
            earlier = [
                (widget, made_by)
                for ref, made_by in self._cells
                if (widget := ref()) is not None and made_by.key == cell.key
            ]
        return [
            widget
            for widget, made_by in earlier
            if made_by.run() is not cell.run() and cell.replaces(widget)
        ]

    def register(self, widget: W) -> list[W]:
        """Note a widget that is being made, and give those that it replaces."""
        cell = current_cell()
        if cell is None:
            return []
        earlier = self.replaced_by(cell)
        self.add(widget, cell)
        return earlier

    def forget(self, widget: W) -> None:
        """Drop a widget that is closed."""
        with self._lock:
            self._cells = [one for one in self._cells if one[0]() not in (None, widget)]


def current_cell() -> Cell | None:
    """The run of a cell that the caller was called by, as far up as that may be.

    None outside of a notebook, or in a thread.
    """
    return _marimo_cell() or _ipython_cell()


def _ipython_cell() -> Cell | None:
    ipython = sys.modules.get("IPython")
    shell: Any = None if ipython is None else ipython.get_ipython()
    hook: Any = getattr(shell, "displayhook", None)
    result: Any = getattr(hook, "exec_result", None)
    info: Any = getattr(result, "info", None)
    if info is None or not _called_by_module(shell.user_ns):
        return None
    source = str(info.raw_cell or "")
    cell_id = getattr(info, "cell_id", None)
    variables = cast("dict[str, Any]", shell.user_ns)
    key = id(shell), bool(cell_id), cell_id or source
    return Cell(key, bool(cell_id), weakref.ref(result), source, variables)


def _marimo_cell() -> Cell | None:
    runtime = sys.modules.get("marimo._runtime.context")
    if runtime is None:
        return None
    context: Any = getattr(runtime, "safe_get_context", lambda: None)()
    cell_id = getattr(context, "cell_id", None)
    execution = getattr(context, "execution_context", None)
    if cell_id is None or execution is None:
        return None
    # marimo has deleted the variables of the cell's earlier run; and it may serve several people
    # in one process, each with a context.
    return Cell((id(context), cell_id), True, weakref.ref(execution), "", {})


def _called_by_module(variables: dict[str, Any]) -> bool:
    """Whether code at the outermost level of a cell is among the callers.

    A thread that an earlier cell has started has none among them.
    """
    frame: FrameType | None = sys._getframe()  # pyright: ignore[reportPrivateUsage]
    while frame is not None:
        if frame.f_globals is variables and not frame.f_code.co_flags & 0x0002:  # CO_NEWLOCALS
            return True
        frame = frame.f_back
    return False


def _holds(value: object, widget: object, depth: int) -> bool:
    if value is widget:
        return True
    if not depth:
        return False
    found: list[object] = []
    if isinstance(value, dict):
        found = list(cast("dict[object, object]", value).values())
    elif isinstance(value, (list, tuple, set, frozenset)):
        found = list(cast("list[object]", value))
    elif type(value).__module__ == "__main__" and hasattr(value, "__dict__"):
        found = list(vars(value).values())
    return any(_holds(one, widget, depth - 1) for one in found)


def _renewed_names(tree: ast.Module) -> set[str]:
    """Names that are set at the outermost level and not read before they are."""
    set_at: dict[str, tuple[int, int]] = {}
    for statement in tree.body:
        for node in _outermost(statement):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                end = statement.end_lineno or 0, statement.end_col_offset or 0
                set_at.setdefault(node.id, end)
    read = {
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name)
        and isinstance(node.ctx, ast.Load)
        and (node.lineno, node.col_offset) < set_at.get(node.id, (0, 0))
    }
    return set(set_at) - read


def _outermost(node: ast.AST) -> Iterator[ast.AST]:
    """A node and those in it that are of the same scope, without what `+=` adds to."""
    yield node
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
        return
    if isinstance(node, (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.AugAssign)):
        return
    for child in ast.iter_child_nodes(node):
        yield from _outermost(child)


def _plain(line: str) -> bool:
    return not line.lstrip().startswith(("%", "!", "?")) and not line.rstrip().endswith("?")
