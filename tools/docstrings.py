"""For the reference: types stand in annotations here, so what follows a parameter's colon is what
it means, not what it is."""

from __future__ import annotations

import re

import griffe

_SECTION = re.compile(r"^(Parameters|Attributes)\n-+\n(.*?)(?=^\S[^\n]*\n-+\n|\Z)", re.M | re.S)
_ENTRY = re.compile(r"^(\S[^:\n]*?) : (.*)$", re.M)


class Meanings(griffe.Extension):
    """Puts the meaning of each parameter below its name, where numpydoc has it."""

    def on_object(self, *, obj: griffe.Object, **_: object) -> None:
        if obj.docstring is not None:
            obj.docstring.value = _SECTION.sub(
                lambda found: _ENTRY.sub(r"\1\n    \2", found[0]), obj.docstring.value
            )
