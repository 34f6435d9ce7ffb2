"""Prepare docstrings for the reference, as an extension of griffe.

Types stand in annotations here, so what follows a parameter's colon is what it means, not what it
is; and what a prompt `>>>` begins is code wherever it stands.
"""

from __future__ import annotations

import re

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
