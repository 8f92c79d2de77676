"""The receipts that debits of a bank may give back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from models.cash.bank_texts import BankText
from models.cash.statement_records import BankStatementLine
from models.db.tx import Tx, to_json


@dataclass(frozen=True, slots=True)
class Debit:
    """A debit of so much (above zero), and the reference keys that it says."""

    line: int
    amount: int
    currency: str
    day: date
    keys: Sequence[str]


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt of a debit's amount: what it was recorded by, and what the bank said of it."""

    line: int
    payment_id: str
    reference: str | None
    external_id: str
    by_hand: bool
    texts: Sequence[BankText]


_DEBITS: Final = (
    "json_to_recordset(CAST(:debits AS json)) AS n(line int, amount bigint, currency text, day date, keys json)"
)
_OF_ITS_AMOUNT: Final = """p.bank_account_id = :bank AND p.amount_minor = n.amount AND p.currency_code = n.currency
  AND p.payment_date <= n.day AND p.reversed_at IS NULL"""


def by_invoice(tx: Tx, bank_account_id: str, debits: Sequence[Debit]) -> Mapping[int, set[str]]:
    """Receipts of the amount that paid an invoice which the debit names: their ids, by line."""
    rows = tx.all(
        f"""SELECT DISTINCT n.line, p.id FROM {_DEBITS}
            CROSS JOIN LATERAL json_array_elements_text(n.keys) k (key)
            JOIN invoices i ON i.org_id = :org AND i.reference_key = k.key
            JOIN payment_applications a ON a.org_id = :org AND a.invoice_id = i.id
            JOIN payments p ON p.org_id = :org AND p.id = a.payment_id AND {_OF_ITS_AMOUNT}""",
        debits=to_json(debits),
        bank=bank_account_id,
    )
    found: dict[int, set[str]] = {}
    for row in rows:
        found.setdefault(row["line"], set()).add(row["id"])
    return found


def of_its_amount(tx: Tx, bank_account_id: str, debits: Sequence[Debit]) -> Sequence[Receipt]:
    """Receipts of the amount, whatever they paid."""
    return tx.records(
        Receipt,
        f"""SELECT n.line, p.id AS payment_id, p.reference, p.external_id, p.statement_id IS NULL AS by_hand,
              coalesce(l.texts, '[]') AS texts
            FROM {_DEBITS} JOIN payments p ON p.org_id = :org AND {_OF_ITS_AMOUNT}
            LEFT JOIN statement_lines l ON l.org_id = :org AND l.statement_id = p.statement_id
              AND l.line = p.statement_line""",
        debits=to_json(debits),
        bank=bank_account_id,
    )


def debits_of(tx: Tx, statement_id: str) -> Sequence[BankStatementLine]:
    """The debits of a statement that name no payment yet."""
    return tx.records(
        BankStatementLine,
        """SELECT * FROM statement_lines WHERE org_id = :org AND statement_id = :id AND amount_minor < 0
             AND payment_id IS NULL ORDER BY line""",
        id=statement_id,
    )
