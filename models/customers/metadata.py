"""Metadata: the caller's own JSON, kept beside a customer."""

import json
from decimal import Decimal
from typing import Final, cast

from pydantic import JsonValue

from models.checks import invalid
from models.invisible import deceptive, turns

METADATA_DEPTH: Final = 20
METADATA_BYTES: Final = 65_536


def metadata(value: object) -> dict[str, JsonValue]:
    """A JSON object of at most 20 levels (itself the first) and 64 kB, free of NaN, NUL and lone surrogates. Approvers
    read it: no member's name may look like another, no value turn itself round. What else a value holds is kept as it came:
    texts copied from pages are full of breaks and hyphens that nobody sees."""
    if not isinstance(value, dict):
        raise invalid("FIELD_TYPE", "Metadata is a JSON object.")
    level: list[object] = [value]
    depth = 0
    while level:
        depth += 1
        if depth > METADATA_DEPTH:
            raise invalid("METADATA_TOO_DEEP", f"Metadata has at most {METADATA_DEPTH} levels.")
        below: list[object] = []
        for node in level:
            if isinstance(node, dict) and any(map(deceptive, node)):
                raise invalid("FIELD_FORMAT", "Deceptive invisible characters are not allowed in names of metadata.")
            children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
            below.extend(c for c in children if isinstance(c, dict | list))
        level = below
    kept = {name: _json(member) for name, member in value.items()}
    try:
        encoded = json.dumps(kept, ensure_ascii=False, allow_nan=False).encode()
    except ValueError:  # NaN, infinity, lone surrogates
        raise invalid("FIELD_TYPE", "Metadata holds a value that JSON cannot.") from None
    if len(encoded) > METADATA_BYTES:
        raise invalid("METADATA_TOO_LARGE", f"Metadata has at most {METADATA_BYTES} bytes.")
    if b"\\u0000" in encoded:
        raise invalid("FIELD_TYPE", "Metadata holds a NUL character.")
    if turns(encoded.decode()):
        raise invalid("FIELD_FORMAT", "Characters that turn a text round are not allowed.")
    return kept


def _json(node: object) -> JsonValue:
    """Fractions, which arrive as decimals, as the numbers that JSON is read with: nothing here is money."""
    if isinstance(node, dict):
        return {name: _json(member) for name, member in node.items()}
    if isinstance(node, list):
        return [_json(member) for member in node]
    return float(node) if isinstance(node, Decimal) else cast(JsonValue, node)
