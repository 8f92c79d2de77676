"""How much of an answer an assistant is shown: texts clipped, lists cut, and said so; nothing that somebody wrote can flood it.

Every bound is on what is shown, never on what is done: a proposal's effect is compared whole.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Final

from pydantic import JsonValue

from models.answers import JsonObject

LONGEST: Final = 1_000
"""Characters of one text."""
MOST: Final = 200
"""Records of one list."""
LARGEST: Final = 150_000
"""Characters of a whole answer."""
_TIGHTER: Final = ((LONGEST, MOST), (LONGEST, 50), (500, 20), (200, 10), (100, 3))
FIELDS: Final = 60
"""Members of an object that are never left out: a record's fields, without which it would not be what it is described to be."""
_PLACES: Final = 20
"""Places that are named where something was left out."""
Cut = dict[str, JsonValue]


def bounded(found: JsonObject) -> tuple[dict[str, JsonValue], list[JsonValue]]:
    """The answer within its bounds, and what of it was left out: `{path, shown, of}`, in characters of a text or records of a
    list."""
    for longest, most in _TIGHTER:
        cuts: list[Cut] = []
        shown = {name: _within(value, f"/{name}", longest, most, cuts) for name, value in found.items()}
        if len(json.dumps(shown, ensure_ascii=False)) <= LARGEST:
            break
    return shown, [dict(c) for c in cuts[:_PLACES]]


def _within(value: JsonValue, path: str, longest: int, most: int, cuts: list[Cut]) -> JsonValue:
    if isinstance(value, str) and len(value) > longest:
        cuts.append({"path": path, "shown": longest, "of": len(value)})
        return value[: longest - 1] + "…"
    if isinstance(value, Mapping):
        members = max(most, FIELDS)
        if len(value) > members:
            cuts.append({"path": path, "shown": members, "of": len(value)})
        return {
            name[:longest]: _within(item, f"{path}/{name[:50]}", longest, most, cuts)
            for name, item in list(value.items())[:members]
        }
    if isinstance(value, Sequence) and not isinstance(value, str):
        if len(value) > most:
            cuts.append({"path": path, "shown": most, "of": len(value)})
        return [_within(item, f"{path}/{n}", longest, most, cuts) for n, item in enumerate(value[:most])]
    return value
