"""Raw rows of a staged file, read again."""

import csv
import json
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import cast

from pydantic import JsonValue

from models.imports.files import Layout


def cells_of(layout: Layout, raws: Sequence[str]) -> Iterator[list[str]]:
    """The raw rows of a table, parsed again."""
    if layout.format == "csv":
        return csv.reader(raws, delimiter=layout.delimiter, skipinitialspace=True)
    return map(json.loads, raws)


def objects_of(raws: Sequence[str]) -> Iterator[object]:
    """The raw lines of a file of JSON, parsed again, fractions exactly; None where a line is no JSON."""
    return map(_json, raws)


def values_of(layout: Layout, raw: str) -> JsonValue:
    """A row's cells by the names of their columns; as a list where it has more or fewer than the header; the text as it
    came where it is no JSON, or holds half a character."""
    if layout.format == "object":
        parsed = _json(raw)
        return raw if parsed is None or _is_halved(raw, parsed) else cast(JsonValue, parsed)
    cells = next(iter(cells_of(layout, [raw])), None)
    if cells is None:
        return raw
    if len(cells) != len(layout.header):
        return list(cells)
    return {name: cell for name, cell in zip(layout.header, cells, strict=True) if name.strip() or cell}


def _is_halved(raw: str, parsed: object) -> bool:
    """Whether a text within holds half a surrogate pair, which no answer can be written with."""
    if "\\ud" not in raw.lower():
        return False
    try:
        json.dumps(parsed, ensure_ascii=False, default=str).encode()
    except UnicodeEncodeError:
        return True
    return False


def _json(raw: str) -> object:
    try:
        return json.loads(raw, parse_float=Decimal, parse_constant=_no_constant, object_pairs_hook=_object)
    except (ValueError, RecursionError):
        return None


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a member twice")  # which of the two is meant, nobody knows
    return members


def _no_constant(_: str) -> object:
    raise ValueError
