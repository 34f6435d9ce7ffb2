"""Parts that are known by a name, ours and those of other packages.

A group is a table of such parts: export formats, video sources, memory policies, segmenters. Our
own are registered by the package that owns the group. Another package adds one by an entry point
(`importlib.metadata`) of the group's name in its pyproject.toml::

    [project.entry-points."sam2widget.export"]
    outline = "my_package.outline:FORMAT"

Nothing is imported before it is asked for. A plugin that cannot be used costs a sentence that names
it, and nothing else.
"""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pkgutil import iter_modules
from typing import Any, NamedTuple


class RegistryError(LookupError):
    """A part that is not there, or cannot be used; the message names it and what there is."""


class UnknownPartError(RegistryError):
    """A name that no part of the group has."""


class _BuiltIn(NamedTuple):
    """Where a part of ours is found."""

    module: str
    attribute: str

    def load(self) -> Any:
        return getattr(import_module(self.module), self.attribute)


_built_in: defaultdict[str, dict[str, _BuiltIn]] = defaultdict(dict)
"""By group, then name."""
_refused: set[str] = set()
"""Sentences about plugins that have been given."""


def register(group: str, name: str, module: str, attribute: str) -> None:
    """Add a built-in part, which is imported once it is asked for.

    Parameters
    ----------
    group : such as "sam2widget.export".
    name : of the part, by which `find` finds it.
    module, attribute : where the part is.

    Raises
    ------
    RegistryError
        When the group has another part of this name.
    """
    part = _BuiltIn(module, attribute)
    other = _built_in[group].setdefault(name, part)
    if other != part:
        raise RegistryError(
            f"{group} has {name!r} already, in {other.module}: {module} needs another name."
        )


def register_modules(group: str, package: str | Iterable[str], attribute: str) -> None:
    """Add the part of each module in a package, named as its file: "sa-v" of `sa_v.py`.

    Parameters
    ----------
    group : such as "sam2widget.export".
    package : dotted name, or several, whose parts stand in one order by name. Modules that begin
        with an underscore are no parts.
    attribute : what the part is called in each of them.
    """
    packages = [package] if isinstance(package, str) else package
    found = [
        (module.name, f"{one}.{module.name}")
        for one in packages
        for module in iter_modules(import_module(one).__path__)
        if not module.name.startswith("_")
    ]
    for name, module in sorted(found):
        register(group, name.replace("_", "-"), module, attribute)


def names(group: str) -> list[str]:
    """List the names of a group's parts: the built-in ones in their order, then plugins by name.

    Nothing is imported for it.

    Warns
    -----
    UserWarning
        Of each plugin whose name is taken, once.
    """
    usable: list[str] = []
    for name, points in sorted(_plugins(group).items()):
        refusal = _refusal(group, name, points)
        if refusal is None:
            usable.append(name)
        else:
            _warn_once(refusal)
    return [*_built_in[group], *usable]


def find(group: str, name: str) -> Any:
    """The part of a name.

    Raises
    ------
    UnknownPartError
        When there is none.
    RegistryError
        When two packages have one of this name, or when it cannot be imported.
    """
    part = _built_in[group].get(name)
    if part is not None:
        return part.load()
    points = _plugins(group).get(name)
    if points is None:
        _plugins.cache_clear()  # it may have been installed since
        points = _plugins(group).get(name)
    if points is None:
        raise UnknownPartError(
            f"{group} has no {name!r}. It has: {', '.join(names(group)) or 'nothing'}."
        )
    refusal = _refusal(group, name, points)
    if refusal is not None:
        raise RegistryError(refusal)
    try:
        return points[0].load()
    except Exception as error:  # whatever another package may do
        raise RegistryError(
            f"{name!r} of {group} cannot be loaded from {_package(points[0])}, "
            f"{points[0].value} ({type(error).__name__}: {error}): update or uninstall that."
        ) from error


def load_all(group: str) -> dict[str, Any]:
    """All parts of a group by name, in the order of `names`.

    Warns
    -----
    UserWarning
        Of each plugin that cannot be used, which is left out.
    """
    found: dict[str, Any] = {}
    for name in names(group):
        try:
            found[name] = find(group, name)
        except RegistryError as error:
            _warn_once(str(error))
    return found


def is_built_in(group: str, name: str) -> bool:
    """Whether a part is ours."""
    return name in _built_in[group]


def origin(group: str, name: str) -> str:
    """The package that a part is of, to name it in a sentence: "sam2widget", "my-package 1.0"."""
    part = _built_in[group].get(name)
    if part is not None:
        return part.module.partition(".")[0]
    return " and ".join(map(_package, _plugins(group).get(name, ()))) or "no package"


@cache
def _plugins(group: str) -> dict[str, tuple[EntryPoint, ...]]:
    """Entry points by name, each but once where several say the same."""
    found: defaultdict[str, dict[str, EntryPoint]] = defaultdict(dict)
    for point in entry_points(group=group):
        found[point.name].setdefault(f"{_package(point)} {point.value}", point)
    return {name: tuple(points.values()) for name, points in found.items()}


def _refusal(group: str, name: str, points: tuple[EntryPoint, ...]) -> str | None:
    """Why a plugin's name cannot be used; None where it can."""
    if name in _built_in[group]:
        return (
            f"{name!r} of {group} in {_packages(points)} is left out: "
            f"{origin(group, name)} has one of that name."
        )
    if len(points) > 1:
        return (
            f"{name!r} of {group} is in {_packages(points)}: none of them is used. Uninstall all "
            "but one, or give them other names."
        )
    return None


def _packages(points: tuple[EntryPoint, ...]) -> str:
    return " and ".join(f"{_package(point)} ({point.value})" for point in points)


def _package(point: EntryPoint) -> str:
    return "a package" if point.dist is None else f"{point.dist.name} {point.dist.version}"


def _warn_once(sentence: str) -> None:
    if sentence not in _refused:
        _refused.add(sentence)
        warnings.warn(sentence, UserWarning, stacklevel=3)
