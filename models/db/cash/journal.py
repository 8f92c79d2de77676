"""Journal entries, read."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

from sqlalchemy import literal_column

from models.answers import read_row
from models.cash.ledger import JournalEntry
from models.db.listing import Listing, among, param
from models.db.lookups import found
from models.db.tables.ledger import journal_entries
from models.db.tx import Tx

_LINES: Final = """(SELECT coalesce(json_agg(json_build_object('account', l.account, 'debit_minor', l.debit_minor,
    'credit_minor', l.credit_minor, 'currency_code', l.currency_code,
    'functional_debit_minor', l.functional_debit_minor, 'functional_credit_minor', l.functional_credit_minor,
    'customer_id', l.customer_id, 'invoice_id', l.invoice_id, 'bank_account_id', l.bank_account_id)
    ORDER BY l.line_no), '[]')
  FROM journal_lines l WHERE l.org_id = e.org_id AND l.entry_id = e.id)"""
_ENTRIES: Final = f"SELECT e.*, {_LINES} AS lines FROM journal_entries e WHERE e.org_id = :org"
_E: Final = journal_entries.alias("e")
_LIST: Final = Listing(
    _E,
    key=(_E.c.id,),
    shown=(_E, literal_column(_LINES).label("lines")),
    within=among(_E.c.legal_entity_id),
    equal=(_E.c.source_id,),
    filters={"since": _E.c.entry_date >= param("since"), "until": _E.c.entry_date <= param("until")},
)


@dataclass
class PostedEntry(JournalEntry):
    """An entry as it was posted, and when."""

    created_at: datetime = field(kw_only=True)


def list_entries(
    tx: Tx, entities: Collection[str] | None, source_id: str | None, since: date | None, until: date | None,
    after: tuple[str] | None, limit: int,
) -> Sequence[PostedEntry]:  # fmt: skip
    """In the order of posting, which is that of the ids. `since` and `until` (both included) are entry dates."""
    rows = _LIST.page(tx, entities, after, limit, source_id=source_id, since=since, until=until)
    return [read_row(PostedEntry, row) for row in rows]


def get_entry(tx: Tx, entry_id: str) -> PostedEntry:
    """The entry with its lines; 404 or 403 otherwise."""
    entry = tx.record(PostedEntry, f"{_ENTRIES} AND e.id = :id", id=entry_id)
    return found(tx, "journal_entry", entry_id, entry)


def entries_of(tx: Tx, source_id: str) -> list[JournalEntry]:
    """Every entry made for a payment or an invoice, in the order of posting."""
    return tx.records(JournalEntry, f"{_ENTRIES} AND e.source_id = :source ORDER BY e.id", source=source_id)


def revenue_account_of(tx: Tx, invoice_id: str) -> str | None:
    """The account that an invoice's net amount was credited to; None where all of it is tax."""
    found: str | None = tx.scalar(
        """SELECT l.account FROM journal_entries e JOIN journal_lines l ON l.org_id = e.org_id AND l.entry_id = e.id
           WHERE e.org_id = :org AND e.source_id = :id AND e.kind = 'invoice' AND l.account <> 'tax_payable'
             AND (l.credit_minor > 0 OR l.functional_credit_minor > 0) ORDER BY l.line_no LIMIT 1""",
        id=invoice_id,
    )
    return found
