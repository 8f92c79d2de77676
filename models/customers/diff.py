"""What a change does, as paths with the values before and after; and whether the record has moved under it.

A master field is one path (`/name`, `/metadata` whole). A related record is one path when it is added or deleted, and
one per field when it is updated.
"""

from collections.abc import Mapping
from copy import deepcopy
from decimal import Decimal
from typing import Any, Final

Diff = list[dict[str, Any]]
_KEYED: Final = ("addresses", "contacts", "pricing_tiers", "tax_profiles", "dimensions", "entity_overrides")
_ABSENT: Final = None
_NUMBERS: Final = frozenset({"credit_limit", "price", "min_quantity", "max_quantity"})


def diff(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> Diff:
    """The paths at which `after` differs from `before` (None: there was no record), in the record's own order."""
    changes: Diff = []
    for field, value in after.items():
        if field in _KEYED:
            changes += _items(field, (before or {}).get(field) or {}, value)
        else:
            _note(changes, f"/{field}", (before or {}).get(field), value)
    return changes


def _items(field: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Diff:
    changes: Diff = []
    for key in [*before, *(k for k in after if k not in before)]:
        path = f"/{field}/{_escape(key)}"
        if key not in before or key not in after:
            changes.append({"path": path, "before": before.get(key), "after": after.get(key)})
            continue
        for part in [*before[key], *(k for k in after[key] if k not in before[key])]:
            _note(changes, f"{path}/{_escape(part)}", before[key].get(part), after[key].get(part))
    return changes


def _note(changes: Diff, path: str, before: Any, after: Any) -> None:
    # An empty object and nothing at all are the same to the reader: a create lists what was given.
    if not _equal(path, before, after) and not (before is None and after in ({}, [])):
        changes.append({"path": path, "before": before, "after": after})


def _escape(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1")


def _parts(path: str) -> list[str]:
    return [p.replace("~1", "/").replace("~0", "~") for p in path.split("/")[1:]]


def value_at(record: Mapping[str, Any], path: str) -> Any:
    """The value that a path names; None where there is none."""
    value: Any = record
    for part in _parts(path):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def moved(record: Mapping[str, Any], changes: Diff) -> list[str]:
    """The paths of the change at which the record no longer is what it was when the change was submitted."""
    return [c["path"] for c in changes if not _same(c["path"], value_at(record, c["path"]), c["before"])]


def _same(path: str, now: Any, before: Any) -> bool:
    return _equal(path, now, before) or (now in (None, {}, []) and before in (None, {}, []))


def _equal(path: str, one: Any, other: Any) -> bool:
    """Equal as values: "9.5" and "9.50" are one price. Metadata is the customer's own and compared as it stands."""
    if one == other or path.startswith("/metadata"):
        return bool(one == other)
    last = _parts(path)[-1]
    return bool(_by_value(last, one) == _by_value(last, other))


def _by_value(field: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: _by_value(k, v) for k, v in value.items()}
    return Decimal(value) if field in _NUMBERS and isinstance(value, str) else value


def applied(record: Mapping[str, Any], changes: Diff) -> dict[str, Any]:
    """The record with the change made at its paths, everything else as it is now."""
    after = deepcopy(dict(record))
    for change in changes:
        *above, last = _parts(change["path"])
        place = after
        for part in above:
            place = place.setdefault(part, {})
        if change["after"] is _ABSENT and ((above and len(above) == 1) or above[:1] == ["entity_overrides"]):
            place.pop(last, None)
        else:
            place[last] = deepcopy(change["after"])
    if after.get("metadata") is None:
        after["metadata"] = {}
    return after
