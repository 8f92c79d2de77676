"""Journal entries, read back."""

from collections.abc import Sequence
from typing import Any

from models.cash.ledger import JournalEntry, JournalLine
from models.db.tx import Row, Tx


def entries_of(tx: Tx, source_id: str) -> list[JournalEntry]:
    """Every entry made for a payment or an invoice, in the order of posting."""
    sql = "SELECT * FROM journal_entries WHERE org_id = :org AND source_id = :source ORDER BY id"
    return with_lines(tx, tx.all(sql, source=source_id))


def with_lines(tx: Tx, rows: Sequence[Row]) -> list[JournalEntry]:
    lines = tx.all(
        "SELECT * FROM journal_lines WHERE org_id = :org AND entry_id = ANY(:ids) ORDER BY entry_id, line_no",
        ids=[r["id"] for r in rows],
    )
    found = {r["id"]: entry_from(r) for r in rows}
    for line in lines:
        found[line["entry_id"]].lines.append(line_from(line))
    return list(found.values())


def entry_from(r: Any) -> JournalEntry:
    return JournalEntry(
        r["id"], r["entry_date"], r["kind"], r["source_id"], r["legal_entity_id"], r["functional_currency"]
    )


def line_from(r: Any) -> JournalLine:
    return JournalLine(
        r["account"], r["debit_minor"], r["credit_minor"], r["currency_code"], r["functional_debit_minor"],
        r["functional_credit_minor"], r["customer_id"], r["invoice_id"], r["bank_account_id"],
    )  # fmt: skip
