"""Lists of journal entries."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

from models.db.cash.payment_reads import entity_filter
from models.db.lookups import find
from models.db.tx import Row, Tx

_LINES = """(SELECT json_agg(json_build_object('account', l.account, 'debit_minor', l.debit_minor,
    'credit_minor', l.credit_minor, 'currency_code', l.currency_code,
    'functional_debit_minor', l.functional_debit_minor, 'functional_credit_minor', l.functional_credit_minor,
    'customer_id', l.customer_id, 'invoice_id', l.invoice_id, 'bank_account_id', l.bank_account_id) ORDER BY l.line_no)
  FROM journal_lines l WHERE l.org_id = e.org_id AND l.entry_id = e.id)"""
_ENTRIES = f"SELECT e.*, {_LINES} AS lines FROM journal_entries e WHERE e.org_id = :org"


def list_entries(
    tx: Tx, entities: Collection[str] | None, source_id: str | None, since: date | None, until: date | None,
    after: str | None, limit: int,
) -> Sequence[Row]:  # fmt: skip
    """In the order of posting, which is that of the ids. `since` and `until` (both included) are entry dates."""
    where, params = entity_filter(entities, "e.legal_entity_id")
    given = {
        "source": (source_id, "e.source_id = :source"),
        "since": (since, "e.entry_date >= :since"),
        "until": (until, "e.entry_date <= :until"),
        "after": (after, "e.id > :after"),
    }
    for name, (value, condition) in given.items():
        if value is not None:
            where += f" AND {condition}"
            params[name] = value
    return tx.all(f"{_ENTRIES}{where} ORDER BY e.id LIMIT :n", **params, n=limit)


def get_entry(tx: Tx, entry_id: str) -> Row:
    """The entry with its lines; 404 or 403 otherwise."""
    return find(tx, "journal_entry", f"{_ENTRIES} AND e.id = :id", entry_id)


def entry_body(e: Any) -> dict[str, Any]:
    """The entry as the API shows it."""
    shown = ("id", "kind", "source_id", "legal_entity_id", "functional_currency", "lines")
    return {
        **{name: e[name] for name in shown},
        "entry_date": e["entry_date"].isoformat(),
        "created_at": e["created_at"].isoformat(),
    }
