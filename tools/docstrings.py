"""Prepare docstrings for the reference, as an extension of griffe.

Types stand in annotations here, so what follows a parameter's colon is what it means, not what it
is; and what a prompt `>>>` begins is code wherever it stands. Functions that a class has for
methods are methods.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import griffe

_SECTION = re.compile(r"^(Parameters|Attributes)\n-+\n(.*?)(?=^\S[^\n]*\n-+\n|\Z)", re.M | re.S)
_ENTRY = re.compile(r"^(\S[^:\n]*?) : (.*)$", re.M)
_EXAMPLES = re.compile(r"^Examples\n-+\n", re.M)
_CODE = re.compile(r"(?:(?<=\n\n)|\A)(>>> .*(?:\n\S.*)*)")
_LITERAL_MARK = re.compile(r"^::\n\n", re.M)


class Meanings(griffe.Extension):
    """Puts the meaning of each parameter below its name, and code into fences.

    The meaning goes where numpydoc has it; code outside of a section of examples is fenced as
    Markdown has it.
    """

    def on_object(self, *, obj: griffe.Object, **_: object) -> None:
        """Rewrite the docstring of an object, if it has one."""
        if obj.docstring is not None:
            text = _SECTION.sub(
                lambda found: _ENTRY.sub(r"\1\n    \2", found[0]), obj.docstring.value
            )
            text = _LITERAL_MARK.sub("", text)
            if not _EXAMPLES.search(text):
                text = _CODE.sub(r"```pycon\n\1\n```", text)
            obj.docstring.value = text

    def on_package(self, *, pkg: griffe.Module, **_: object) -> None:
        """Put the function in the place of an attribute that is one: `restore = masks.restore`."""
        for cls in _list_classes(pkg):
            for name, member in list(cls.members.items()):
                function = _find_function(member, pkg)
                if function is not None:
                    cls.set_member(name, _as_method(member, function))


def _list_classes(module: griffe.Module) -> Iterator[griffe.Class]:
    yield from module.classes.values()
    for inner in module.modules.values():
        yield from _list_classes(inner)


def _find_function(
    member: griffe.Object | griffe.Alias, pkg: griffe.Module
) -> griffe.Function | None:
    """Find the function that an attribute is; None where it is none."""
    value = member.value if isinstance(member, griffe.Attribute) else None
    if not isinstance(value, (griffe.ExprName, griffe.ExprAttribute)):
        return None
    try:
        found = pkg[value.canonical_path.removeprefix(f"{pkg.path}.")]
    except KeyError:
        return None
    return found if isinstance(found, griffe.Function) else None


def _as_method(member: griffe.Object | griffe.Alias, function: griffe.Function) -> griffe.Function:
    """Make a method, where a member stands, of a function whose first parameter is the object."""
    given, *others = function.parameters
    itself = griffe.Parameter("self", kind=given.kind)
    method = griffe.Function(
        member.name,
        lineno=member.lineno,
        parameters=griffe.Parameters(itself, *others),
        returns=function.returns,
    )
    if function.docstring is not None:
        text = re.sub(rf"^{given.name}(?: :|\n   ) .*\n", "", function.docstring.value, flags=re.M)
        method.docstring = griffe.Docstring(text, parent=method)
    return method
