"""YAML as people write a short file by hand: mappings and lists by indentation, plain and quoted scalars, comments. JSON too.

No more than that: no anchors, tags, flow collections, blocks of text or documents; what is none of it is refused with its line.
A library for all of YAML would be the larger part of the command that needs it.
"""

import json
import re
from typing import Final, NamedTuple

Value = str | int | None | bool | list["Value"] | dict[str, "Value"]

_PAIR: Final = re.compile(r"([A-Za-z_][A-Za-z0-9_]*):(?:\s+(.*))?$")


class NotPlain(Exception):
    """The file says something that this reads not; the message names the line."""


class _Line(NamedTuple):
    number: int
    indent: int
    text: str


def read(text: str) -> Value:
    """What the file says. Raises NotPlain."""
    if text.lstrip()[:1] in ("{", "["):
        try:
            found: Value = json.loads(text)
        except ValueError as error:
            raise NotPlain(str(error)) from None
        return found
    lines = [
        _Line(n, len(bare) - len(bare.lstrip()), bare.strip())
        for n, line in enumerate(text.splitlines(), 1)
        if (bare := _bare(line)).strip() and bare.strip() != "---"
    ]
    if any("\t" in line.text[:1] or "\t" in text.splitlines()[line.number - 1][: line.indent] for line in lines):
        raise NotPlain("indentation is by blanks, not by tabs")
    if not lines:
        raise NotPlain("the file is empty")
    value, rest = _block(lines, lines[0].indent)
    if rest:
        raise NotPlain(f"line {rest[0].number}: it is not indented as its neighbours are")
    return value


def _bare(line: str) -> str:
    """The line without its comment; a quoted text may hold a #."""
    quote = ""
    for n, character in enumerate(line):
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"" and line[:n].rstrip()[-1:] in ("", ":", "-"):
            quote = character
        elif character == "#" and line[n - 1 : n].strip() == "":
            return line[:n].rstrip()
    return line.rstrip()


def _block(lines: list[_Line], indent: int) -> tuple[Value, list[_Line]]:
    return _list(lines, indent) if lines[0].text.startswith("-") else _mapping(lines, indent)


def _list(lines: list[_Line], indent: int) -> tuple[Value, list[_Line]]:
    found: list[Value] = []
    while lines and lines[0].indent == indent and re.match(r"-(\s|$)", lines[0].text):
        first, rest = lines[0], lines[1:]
        inner = first.text[1:].lstrip()
        if not inner:
            value, lines = _nested(first, rest)
        elif _PAIR.match(inner):
            # The mapping begins on the line of its dash; its further lines stand under its first key.
            within = indent + len(first.text) - len(inner)
            value, lines = _mapping([_Line(first.number, within, inner), *rest], within)
        else:
            value, lines = _scalar(inner, first.number), rest
        found.append(value)
    return found, lines


def _mapping(lines: list[_Line], indent: int) -> tuple[Value, list[_Line]]:
    found: dict[str, Value] = {}
    while lines and lines[0].indent == indent and not lines[0].text.startswith("- "):
        first, rest = lines[0], lines[1:]
        pair = _PAIR.match(first.text)
        if pair is None:
            raise NotPlain(f"line {first.number}: neither `name: value` nor `- value`")
        name, said = pair[1], pair[2]
        if name in found:
            raise NotPlain(f"line {first.number}: {name} is said twice")
        if said:
            found[name], lines = _scalar(said, first.number), rest
        else:
            found[name], lines = _nested(first, rest)
    return found, lines


def _nested(parent: _Line, rest: list[_Line]) -> tuple[Value, list[_Line]]:
    """What is indented under a line; a list may stand under the very column of its name."""
    if rest and (rest[0].indent > parent.indent or (rest[0].indent == parent.indent and rest[0].text.startswith("- ")
                                                    and not parent.text.startswith("-"))):  # fmt: skip
        return _block(rest, rest[0].indent)
    return None, rest


def _scalar(text: str, number: int) -> Value:
    quoted = re.fullmatch(r"\"([^\"\\]*)\"|'([^']*)'", text)
    if quoted:
        return quoted[1] if quoted[1] is not None else quoted[2]
    if text[0] in "&*!|>{[%@`\"'":
        raise NotPlain(f"line {number}: {text[:20]!r} is more than plain YAML")
    if text in ("null", "~"):
        return None
    if text in ("true", "false"):
        return text == "true"
    return int(text) if re.fullmatch(r"-?(0|[1-9]\d{0,17})", text) else text
