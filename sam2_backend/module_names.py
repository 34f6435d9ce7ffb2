"""Names that a module has only where they are asked for: `__getattr__` of modules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from .renamed import warn_renamed


def import_lazily(module: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """Make the `__getattr__` of a module whose names are imported when they are asked for.

    Parameters
    ----------
    module : its `__name__`.
    homes : where each name is: a module, relative to this one where it begins with a dot.
    """

    def get(name: str) -> Any:
        return getattr(import_module(homes[name], module), name)

    return _getattr_of(module, homes, get)


def list_lazily(names: Mapping[str, Any], homes: Mapping[str, str]) -> Callable[[], list[str]]:
    """Make the `__dir__` of a module whose names are imported when they are asked for.

    Parameters
    ----------
    names : what the module has, its `globals()`.
    homes : as in `import_lazily`.
    """
    return lambda: sorted({*names, *homes})


def keep_old_names(
    module: str, new_names: Mapping[str, str], names: Mapping[str, Any]
) -> Callable[[str], Any]:
    """Make the `__getattr__` of a module that gives deprecated names with a warning.

    Parameters
    ----------
    module : its `__name__`.
    new_names : the new name of each, by its old one.
    names : what the module has, its `globals()`.
    """

    def get(name: str) -> Any:
        warn_renamed(f"{module}.{name}", new_names[name], stacklevel=4)
        return names[new_names[name]]

    return _getattr_of(module, new_names, get)


def _getattr_of(
    module: str, known: Mapping[str, str], get: Callable[[str], Any]
) -> Callable[[str], Any]:
    def get_attribute(name: str) -> Any:
        if name not in known:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        return get(name)

    return get_attribute
