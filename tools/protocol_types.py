"""The protocol's TypeScript, from the schema of its Python: `python -m tools.protocol_types`.

It writes js/src/kernel/protocol/messages.ts (types) and message-checks.ts there (what each field of
the kernel's messages must be). A test holds that they are as this makes them.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from sam2widget.bridge.protocol import MESSAGES, PROTOCOL, REQUESTS, Request, values

FOLDER = Path(__file__).parent.parent / "js" / "src" / "kernel" / "protocol"
WIDTH = 100

PARTIAL = {"UpdateObjectRequest"}
"""Says of an object only what changes. In all others TypeScript says every field, null too, but
for flags."""

Schema = Mapping[str, Any]
OPTIONAL = {"window"}
"""Fields that are of large pictures alone."""

_WRITTEN = (
    "Written by `python -m tools.protocol_types` from sam2widget/bridge/protocol: change that."
)
_TYPES = {
    "integer": "number",
    "number": "number",
    "string": "string",
    "boolean": "boolean",
    "null": "null",
}
_CHECKS = {"integer": "isIndex", "number": "isNumber", "string": "isText", "boolean": "isFlag"}


def generate() -> dict[Path, str]:
    """The text of each file."""
    protocol = Protocol()
    return {
        FOLDER / "messages.ts": protocol.types(),
        FOLDER / "message-checks.ts": protocol.checks(),
    }


class Protocol:
    """The schema of all messages, by the names that they have in TypeScript."""

    def __init__(self) -> None:
        self._requests = {f"{kind.__name__}Request": kind for kind in REQUESTS.values()}
        self._messages = {f"{kind.__name__}Message": kind for kind in MESSAGES.values()}
        kinds = {**self._requests, **self._messages}
        every = [*kinds.values(), Request]
        _, schemas = msgspec.json.schema_components(every, ref_template="{name}")
        named = {kind.__name__: name for name, kind in kinds.items()}
        self._sender: Schema = schemas.pop("Request")
        self._schemas: dict[str, Schema] = {
            named.get(name, name): schema for name, schema in schemas.items()
        }
        aliases = (
            msgspec.json.schema(value)
            for name, value in vars(values).items()
            if name[0].isupper() and hasattr(value, "__metadata__")
        )
        self._aliases: dict[str, Schema] = {
            schema["title"]: schema for schema in aliases if "title" in schema
        }

    def types(self) -> str:
        """A type for each message, for its parts, and for all requests and messages."""
        parts = [name for name in self._schemas if name not in (*self._requests, *self._messages)]
        sections = [
            _comment(f"The messages between kernel and browser. {_WRITTEN}"),
            f"export const PROTOCOL = {PROTOCOL};\n",
            *(
                _doc(schema) + f"export type {name} = {_type(schema, inline=True)};\n"
                for name, schema in self._aliases.items()
            ),
            *(self._interface(name) for name in parts),
            "// Browser to kernel\n",
            _doc(self._sender) + f"export interface Sender {{\n{self._fields(self._sender)}}}\n",
            *(self._interface(name) for name in self._requests),
            _comment("A request without what every request has, which the client adds.")
            + f"export type Request =\n{_lines(f'  | {name}' for name in self._requests)[:-1]};\n",
            "export type SentRequest = Request & Sender;\n",
            "// Kernel to browser\n",
            *(self._interface(name) for name in self._messages),
            "export type Message = { epoch: number } & (\n"
            + _lines(f"  | {name}" for name in self._messages)
            + ");\n",
        ]
        return "\n".join(sections)

    def checks(self) -> str:
        """For each message of the kernel a check for each field."""
        named: dict[str, str] = {}
        entries = [
            f"  {self._tag(name)}: {self._record(self._schemas[name], named, '  ')},"
            for name in self._messages
        ]
        text = _lines(
            [
                *(f"const {name} = {check};" for name, check in named.items()),
                "",
                'export const CHECKS: Record<Message["type"], Checks> = {',
                *entries,
                "};",
            ]
        )
        used = sorted(set(re.findall(r"\b(is[A-Z]\w*|listOf|oneOf|orNull|record|tuple)\b", text)))
        imported = ["type Checks", *(name for name in used if name not in named)]
        return (
            _comment(f"What each field of the kernel's messages must be. {_WRITTEN}")
            + f'\nimport {{\n{_lines(f"  {name}," for name in imported)}}} from "./checks";\n'
            + f'import type {{ Message }} from "./messages";\n\n{text}'
        )

    def _interface(self, name: str) -> str:
        schema = self._schemas[name]
        tag = f'  type: "{self._tag(name)}";\n' if "type" in schema["properties"] else ""
        return _doc(schema) + f"export interface {name} {{\n{tag}{self._fields(schema, name)}}}\n"

    def _tag(self, name: str) -> str:
        (tag,) = self._schemas[name]["properties"]["type"]["enum"]
        return tag

    def _fields(self, schema: Schema, name: str = "") -> str:
        left_out = {"type"} if name not in self._requests else {"type", *Request.__struct_fields__}
        lines: list[str] = []
        for field, kind in schema["properties"].items():
            if field in left_out:
                continue
            alias = self._aliases.get(kind.get("title", ""), {})
            if kind.get("description") != alias.get("description"):
                lines.append(_doc(kind, "  "))
            is_flag = kind.get("default") is False  # which is off unless it is said
            may_lack = (name in PARTIAL or is_flag or field in OPTIONAL) and field not in schema[
                "required"
            ]
            lines.append(f"  {field}{'?' if may_lack else ''}: {_type(kind)};\n")
        return "".join(lines)

    def _record(self, schema: Schema, named: dict[str, str], indent: str = "") -> str:
        fields = [
            f"{indent}  {field}: {self._check(kind, named)},"
            for field, kind in schema["properties"].items()
            if field != "type"
        ]
        return f"{{\n{_lines(fields)}{indent}}}" if fields else "{}"

    def _check(self, schema: Schema, named: dict[str, str], *, inline: bool = False) -> str:
        """The check of a value; `named` gets those that have a name, after what they need."""
        if "$ref" in schema:
            name = schema["$ref"]
            if f"is{name}" not in named:
                named[f"is{name}"] = f"record({self._record(self._schemas[name], named)})"
            return f"is{name}"
        if "title" in schema and not inline:
            name = schema["title"]
            if f"is{name}" not in named:
                named[f"is{name}"] = self._check(self._aliases[name], named, inline=True)
            return f"is{name}"
        if "anyOf" in schema:
            one, null = schema["anyOf"]
            assert null == {"type": "null"}
            return f"orNull({self._check(one, named)})"
        if "enum" in schema:
            return f"oneOf({', '.join(map(json.dumps, schema['enum']))})"
        if "prefixItems" in schema:
            items = (self._check(one, named) for one in schema["prefixItems"])
            return f"tuple({', '.join(items)})"
        if schema["type"] == "array":
            return f"listOf({self._check(schema['items'], named)})"
        assert schema["type"] != "integer" or schema["minimum"] == 0, schema
        return _CHECKS[schema["type"]]


def _type(schema: Schema, *, inline: bool = False) -> str:
    if "$ref" in schema:
        return schema["$ref"]
    if "title" in schema and not inline:
        return schema["title"]
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(_type(one) for one in schema["anyOf"]))
    if "enum" in schema:
        return " | ".join(map(json.dumps, schema["enum"]))
    if "prefixItems" in schema:
        return f"[{', '.join(_type(one) for one in schema['prefixItems'])}]"
    if schema["type"] == "array":
        items = _type(schema["items"])
        return f"({items})[]" if " | " in items else f"{items}[]"
    if schema["type"] == "object":
        return f"Record<string, {_type(schema['additionalProperties'])}>"
    return _TYPES[schema["type"]]


def _doc(schema: Schema, indent: str = "") -> str:
    text = schema.get("description", "")
    return _comment(text, indent) if text else ""


def _comment(text: str, indent: str = "") -> str:
    text = re.sub(r"\bNone\b", "null", " ".join(text.split()))
    line = f"{indent}/** {text} */\n"
    if len(line) <= WIDTH:
        return line
    wrapped = textwrap.wrap(text, WIDTH - len(indent) - 3)
    return f"{indent}/**\n" + _lines(f"{indent} * {one}" for one in wrapped) + f"{indent} */\n"


def _lines(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def main() -> None:
    """Write the TypeScript files."""
    for path, text in generate().items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
