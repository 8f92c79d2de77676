"""Raw rows of a staged file, read again."""

import csv
import json
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from models.imports.options import Layout


def layout_of(row: Any) -> Layout:
    """How to read the import's raw rows."""
    said = row["layout"]
    return Layout(said["format"], tuple(said["header"]), said["delimiter"], said["header_line"])


def read_rows(layout: Layout, raws: Sequence[str]) -> Iterator[Any]:
    """The raw rows parsed again: lists of cells or JSON values (None where a line is no JSON)."""
    if layout.format == "csv":
        return csv.reader(raws, delimiter=layout.delimiter)
    return map(_json, raws)


def _json(raw: str) -> Any:
    try:
        return json.loads(raw, parse_float=Decimal, parse_constant=_no_constant, object_pairs_hook=_object)
    except (ValueError, RecursionError):
        return None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a member twice")  # which of the two is meant, nobody knows
    return members


def _no_constant(_: str) -> Any:
    raise ValueError
