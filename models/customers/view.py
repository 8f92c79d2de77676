"""The customer as its readers see it: lists as arrays, each item with its id."""

from collections.abc import Mapping
from typing import Any

from models.customers.record import FIELDS, LISTS, Record, effective
from models.money import amount_text


def master_body(record: Record, row: Mapping[str, Any]) -> dict[str, Any]:
    """The master with everything that belongs to it."""
    return _head(record, row) | _lists(record) | {"entity_overrides": overrides_body(record)}


def effective_body(
    record: Record, row: Mapping[str, Any], legal_entity_id: str, functional: Mapping[str, str]
) -> dict[str, Any]:
    """What a legal entity sees. `overrides` names the fields that come from the entity, `provenance` says it of each.

    `functional`: the functional currencies of that entity and of the customer's owner.
    """
    seen = effective(record, legal_entity_id, functional[legal_entity_id], functional[record["legal_entity_id"]])
    body = _head(seen, row) | _lists(seen) | {"effective_for": legal_entity_id}
    return body | {k: seen[k] for k in ("credit_limit_currency", "overrides", "provenance")}


def summary_body(row: Any) -> dict[str, Any]:
    """The master's own fields, as the lists show them."""
    limit = row["credit_limit"]
    return _head(row, row) | {"credit_limit": None if limit is None else amount_text(limit, row["currency_code"])}


def overrides_body(record: Record) -> list[dict[str, Any]]:
    return [{"legal_entity_id": e, **fields} for e, fields in record["entity_overrides"].items()]


def items_body(items: Any) -> list[dict[str, Any]]:
    """A related list; an entity's own addresses have no ids, they are replaced whole."""
    return list(items) if isinstance(items, list) else [{"id": i, **one} for i, one in items.items()]


def _head(record: Any, row: Any) -> dict[str, Any]:
    fields = {f: record[f] for f in FIELDS}
    return {"id": row["id"]} | fields | {k: row[k] for k in ("version", "created_at", "updated_at")}


def _lists(record: Mapping[str, Any]) -> dict[str, Any]:
    return {name: items_body(record[name]) for name in LISTS}
