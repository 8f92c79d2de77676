"""What no two customers may have, and who has it: a customer, or an open change that has reserved it."""

from collections.abc import Mapping, Sequence
from typing import Final, Literal

from models.db.tx import Tx

Kind = Literal["email", "tax_id", "external_id"]
_COLUMN: Final[Mapping[str, str]] = {"email": "email_key", "tax_id": "tax_id_key", "external_id": "external_id"}


def taken_by(tx: Tx, kind: Kind, key: str) -> str | None:
    """The customer (active or inactive) that has this e-mail, tax id or external id."""
    found: str | None = tx.scalar(f"SELECT id FROM customers WHERE org_id = :org AND {_COLUMN[kind]} = :key", key=key)
    return found


def claim(tx: Tx, kind: Kind, key: str, change_id: str, customer_id: str) -> str | None:
    """Reserve a key for an open change; the change that holds it already, or None when it is now ours.

    Waits for a change that is just ending, so what follows sees its outcome.
    """
    row = {"kind": kind, "key": key, "change_id": change_id, "customer_id": customer_id}
    if tx.insert("customer_claims", [row], suffix="ON CONFLICT DO NOTHING", returning="change_id"):
        return None
    holder: str | None = tx.scalar(
        "SELECT change_id FROM customer_claims WHERE org_id = :org AND kind = :kind AND key = :key", kind=kind, key=key
    )
    return None if holder == change_id else holder or "another change"


def entities_of_change(tx: Tx, change_id: str) -> Sequence[str]:
    """The legal entities that a change concerns."""
    sql = "SELECT entities FROM customer_changes WHERE org_id = :org AND id = :id"
    return tx.scalar(sql, id=change_id) or ()


def any_claimed(tx: Tx, kind: Kind, keys: Sequence[str]) -> str | None:
    """An open change that has reserved one of the keys."""
    found: str | None = tx.scalar(
        "SELECT change_id FROM customer_claims WHERE org_id = :org AND kind = :kind AND key = ANY(:keys) LIMIT 1",
        kind=kind,
        keys=list(keys),
    )
    return found


def wait_for_external_id(tx: Tx, external_id: str) -> None:
    """Of two that create a customer with the same external id the second waits here until the first is committed."""
    tx.later(
        "SELECT pg_advisory_xact_lock(hashtextextended('customer:' || :org || ':' || :external, 0))",
        external=external_id,
    )
