"""Keep metaphors out of identifiers: what is defined is named in the field's words.

    python -m tools.words

The papers and PyTorch have words for what is done here; a reader who knows them never has to guess.
Only definitions are read: functions, classes, parameters, attributes and variables of modules.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
FOLDERS = "sam2widget", "sam2_backend", "benchmarks", "tools", "recipes"
METAPHORS = {
    "beside": "near",
    "consider": "run, evaluate",
    "considered": "DecoderState",
    "converse": "simulate_clicks",
    "crumb": "min_region",
    "dialogue": "InteractionTrace",
    "hear": "on_…, receive",
    "least": "min_",
    "lesson": "loss, task",
    "likeness": "score",
    "look": "view, attention",
    "looks": "view, attention",
    "most": "max_",
    "otherwise": "default",
    "practice": "TrainingRecipe",
    "room": "memory, package",
    "say": "on_status",
    "scaffold": "aux_head",
    "settle": "refresh, update",
    "teach": "train",
    "verdict": "outcome",
    "widen": "mlp, dilate",
    "wing": "package",
}
"""What is not a name, and what to write instead."""


def words(name: str) -> list[str]:
    """The words of a name in snake_case or CamelCase, in small letters."""
    return [word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)]


def definitions(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and name of all that a module defines."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.lineno, node.name
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id if isinstance(node, ast.Name) else node.attr


def faults(source: str) -> Iterator[tuple[int, str, str]]:
    """Line, name and metaphor of each identifier that has one."""
    for line, name in sorted(set(definitions(ast.parse(source)))):
        for word in words(name):
            if word in METAPHORS:
                yield line, name, word


def main() -> None:
    """Print each metaphor in an identifier; exit with an error where there is one."""
    found = 0
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            for line, name, word in faults(path.read_text(encoding="utf-8")):
                found += 1
                place = f"{path.relative_to(ROOT)}:{line}"
                print(f"{place}: {name} says {word!r}; rather: {METAPHORS[word]}")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
