"""What a change does, as paths with the values before and after; and whether the customer has moved under it.

A master field is one path (`/name`, `/metadata` whole). A related record is one path when it is added or deleted, and
one per field when it is updated. Values are JSON, decimals as texts: they are kept with the change and shown to people.
"""

from collections.abc import Mapping, Sequence
from dataclasses import is_dataclass
from datetime import date
from decimal import Decimal
from typing import Final, cast

from pydantic import JsonValue

from models.answers import JsonObject, answer, read_row
from models.customers.records import FIELDS, RELATED, CustomerDetails, OverrideRecord, RelatedRecords, names
from models.facts import Record

_KEYED: Final = (*RELATED, "entity_overrides")
_NUMBERS: Final = frozenset({"credit_limit", "price", "min_quantity", "max_quantity"})


@answer
class Difference:
    """One place of a customer, as a JSON pointer, with its value before and after; null: there is none."""

    path: str
    before: JsonValue
    after: JsonValue


Diff = Sequence[Difference]


def as_json(customer: CustomerDetails) -> dict[str, JsonValue]:
    """The customer as the JSON document that paths lead into."""
    document: dict[str, JsonValue] = {f: _json(getattr(customer, f)) for f in FIELDS}
    document |= _lists(customer)
    document["entity_overrides"] = {e: override_json(o) for e, o in customer.entity_overrides.items()}
    return document


def related_json(customer: CustomerDetails | RelatedRecords) -> dict[str, dict[str, dict[str, JsonValue]]]:
    """The related lists as JSON: list → id → fields."""
    return {name: {i: item_json(one) for i, one in getattr(customer, name).items()} for name in RELATED}


def item_json(record: Record) -> dict[str, JsonValue]:
    """A related record as JSON, all its fields."""
    return {name: _json(getattr(record, name)) for name in names(type(record))}


def override_json(override: OverrideRecord) -> dict[str, JsonValue]:
    """An override as it is kept: only what differs from the master."""
    return {name: _json(getattr(override, name)) for name in override.differing}


def _json(value: object) -> JsonValue:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Sequence):
        return [_json(one) for one in value]
    if is_dataclass(value) and not isinstance(value, type):
        return item_json(value)
    return cast(JsonValue, value)


def diff(before: CustomerDetails | None, after: CustomerDetails) -> list[Difference]:
    """The paths at which `after` differs from `before` (None: there was no customer), in the record's own order."""
    return _differences({} if before is None else as_json(before), as_json(after))


def diff_of_related(before: RelatedRecords, after: RelatedRecords) -> list[Difference]:
    """As `diff`, of the related lists alone."""
    return _differences(_lists(before), _lists(after))


def _lists(customer: CustomerDetails | RelatedRecords) -> dict[str, JsonValue]:
    return {name: dict(items) for name, items in related_json(customer).items()}


def _differences(old: JsonObject, new: JsonObject) -> list[Difference]:
    changes: list[Difference] = []
    for field, value in new.items():
        if field in _KEYED:
            _note_items(changes, field, _mapping(old.get(field)), _mapping(value))
        else:
            _note(changes, f"/{field}", old.get(field), value)
    return changes


def _note_items(changes: list[Difference], field: str, before: JsonObject, after: JsonObject) -> None:
    for key in [*before, *(k for k in after if k not in before)]:
        path = f"/{field}/{_escape(key)}"
        if key not in before or key not in after:
            changes.append(Difference(path=path, before=before.get(key), after=after.get(key)))
            continue
        old, new = _mapping(before[key]), _mapping(after[key])
        for part in [*old, *(k for k in new if k not in old)]:
            _note(changes, f"{path}/{_escape(part)}", old.get(part), new.get(part))


def _note(changes: list[Difference], path: str, before: JsonValue, after: JsonValue) -> None:
    # An empty object and nothing at all are the same to the reader: a create lists what was given.
    if not _equal(path, before, after) and not (before is None and after in ({}, [])):
        changes.append(Difference(path=path, before=before, after=after))


def _mapping(value: JsonValue) -> JsonObject:
    return value if isinstance(value, Mapping) else {}


def _escape(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1")


def parts(path: str) -> list[str]:
    """The names on the way of a JSON pointer."""
    return [p.replace("~1", "/").replace("~0", "~") for p in path.split("/")[1:]]


def _value_at(document: JsonObject, path: str) -> JsonValue:
    value: JsonValue = dict(document)
    for part in parts(path):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def moved(customer: CustomerDetails, changes: Diff) -> list[str]:
    """The paths of the change at which the customer no longer is what it was when the change was submitted."""
    document = as_json(customer)
    return [
        c.path
        for c in changes
        if _is_in_lost_record(customer, c.path) or not _same(c.path, _value_at(document, c.path), c.before)
    ]


def _is_in_lost_record(customer: CustomerDetails, path: str) -> bool:
    """Whether a path leads into a related record that is gone: to its field, which was empty, nothing can be put."""
    name, *inside = parts(path)
    return name in RELATED and len(inside) == 2 and inside[0] not in getattr(customer, name)


def _same(path: str, now: JsonValue, before: JsonValue) -> bool:
    return _equal(path, now, before) or (now in (None, {}, []) and before in (None, {}, []))


def _equal(path: str, one: JsonValue, other: JsonValue) -> bool:
    """Equal as values: "9.5" and "9.50" are one price. Metadata is the customer's own and compared as it stands."""
    if one == other or path.startswith("/metadata"):
        return one == other
    last = parts(path)[-1]
    return _by_value(last, one) == _by_value(last, other)


def _by_value(field: str, value: JsonValue) -> object:
    if isinstance(value, Mapping):
        return {k: _by_value(k, v) for k, v in value.items()}
    return Decimal(value) if field in _NUMBERS and isinstance(value, str) else value


def applied(customer: CustomerDetails | None, changes: Diff) -> CustomerDetails:
    """The customer (None: a new one) with the change made at its paths, everything else as it is now."""
    document = _blank() if customer is None else as_json(customer)
    for change in changes:
        *above, last = parts(change.path)
        place = document
        for part in above:
            place = cast(dict[str, JsonValue], place.setdefault(part, {}))
        if change.after is None and (len(above) == 1 or above[:1] == ["entity_overrides"]):
            place.pop(last, None)
        else:
            place[last] = change.after
    document["metadata"] = document["metadata"] or {}
    return read_row(CustomerDetails, document)


def _blank() -> dict[str, JsonValue]:
    blank: dict[str, JsonValue] = dict.fromkeys(FIELDS)
    for name in _KEYED:
        blank[name] = {}
    return blank


def touched_entities(changes: Diff) -> list[str]:
    """The legal entities whose overrides a diff changes: their people approve it."""
    found = (parts(c.path) for c in changes)
    return sorted({p[1] for p in found if len(p) > 1 and p[0] == "entity_overrides"})


def new_credit_limits(changes: Diff) -> list[Decimal]:
    """The credit limits that a diff sets, of the master and of overrides."""
    found = [c.after for c in changes if parts(c.path)[-1] == "credit_limit"]
    added = [_mapping(c.after) for c in changes if c.path.startswith("/entity_overrides/")]
    return [Decimal(str(v)) for v in [*found, *(o.get("credit_limit") for o in added)] if v is not None]
