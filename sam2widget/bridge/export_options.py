"""Options of export formats: how a view asks for them, and what a person's text means."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from inspect import Parameter, signature
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from ..core.errors import SessionError
from ..export.effects.frame_effect import EFFECT_OPTIONS
from ..export.registry import Format
from .protocol import OptionEntry, OptionValue

NUMBERS = (int, float)


@dataclass(frozen=True)
class _Option:
    """A keyword of a writer."""

    name: str
    default: Any
    kinds: tuple[Any, ...]
    """The types that it may have."""
    choices: tuple[str, ...]

    @property
    def kind(self) -> Literal["flag", "number", "text", "choice"] | None:
        """How it is asked for; None where a view cannot."""
        if self.choices:
            return "choice"
        if bool in self.kinds:
            return "flag"
        if any(kind in self.kinds for kind in NUMBERS):
            return "number"
        return "text" if str in self.kinds else None

    def read(self, text: str) -> Any:
        text = text.strip()
        if NoneType in self.kinds and text.lower() == "none":
            return None
        match self.kind:
            case "flag" if text in ("true", "false"):
                return text == "true"
            case "choice" if text in self.choices:
                return text
            case "number":
                try:
                    number = float(text)
                    return int(text) if float not in self.kinds else number
                except ValueError:
                    pass
            case "text":
                return text
            case _:
                pass
        expected = {"flag": "true or false", "choice": f"one of {', '.join(self.choices)}"}
        number = "a number" if float in self.kinds else "a whole number"
        raise SessionError(f"{self.name} is {expected.get(self.kind or '', number)}, got {text!r}.")


def describe_options(format: Format) -> list[OptionEntry]:
    """Describe the options of a format that a view asks for, without those of effects."""
    return [
        OptionEntry(
            *(one.name, format.options[one.name], one.kind, _show(one.default)), list(one.choices)
        )
        for one in _options(format).values()
        if one.kind is not None and not (has_effects(format) and one.name in EFFECT_OPTIONS)
    ]


def has_effects(format: Format) -> bool:
    """Whether a format writes frames with an effect."""
    return EFFECT_OPTIONS.keys() <= format.options.keys()


def read_options(
    format: Format, given: Iterable[OptionValue], background: object | None
) -> dict[str, Any]:
    """Read what a person wrote, as keywords of the format's writer. What is empty is left out.

    Parameters
    ----------
    background : the picture that the value "picture" of the option "background" means.

    Raises
    ------
    SessionError
        When there is no such option, or the text is not what it should be.
    """
    known = _options(format)
    found: dict[str, Any] = {}
    for one in given:
        if one.name not in known:
            raise SessionError(f"The format {format.name!r} has no option {one.name}.")
        if not one.value.strip():
            continue
        if one.name == "objects":
            found[one.name] = _read_objects(one.value)
        elif has_effects(format) and one.name == "background":
            found[one.name] = background if one.value == "picture" else _read_color(one.value)
        else:
            found[one.name] = known[one.name].read(one.value)
    return found


def _options(format: Format) -> Mapping[str, _Option]:
    try:
        hints = get_type_hints(format.write)
    except Exception:  # whatever names another package's annotations may need
        hints = {}
    found: dict[str, _Option] = {}
    for name, one in list(signature(format.write).parameters.items())[2:]:
        if one.kind is Parameter.VAR_KEYWORD:
            continue
        default = None if one.default is Parameter.empty else one.default
        hint = hints.get(name, type(default))
        parts = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
        literals = [
            value for part in parts if get_origin(part) is Literal for value in get_args(part)
        ]
        choices = tuple(value for value in literals if isinstance(value, str))
        found[name] = _Option(name, default, parts, choices)
    return found


def _show(default: object) -> str:
    if default is None:
        return ""
    return str(default).lower() if isinstance(default, bool) else str(default)


def _read_color(text: str) -> str:
    # No path: of a browser, a picture is sent, and files of the kernel's machine are not opened.
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", text):
        raise SessionError(f"background is '#rrggbb' or 'picture', got {text[:40]!r}.")
    return text


def _read_objects(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise SessionError(f"objects is ids with commas between them, got {text!r}.") from None
