"""Lines and payments that a new line of a statement may be."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from models.cash.records import Payment
from models.cash.statement_records import BankStatementLine
from models.db.tx import Tx, to_json

NEAR_DAYS: Final = 5
"""How far apart the dates of a bank line and of a payment recorded by hand may be."""

_RECORDED: Final = "('APPLIED', 'UNMATCHED', 'LINKED', 'POSSIBLE_DUPLICATE')"
"""What became of lines that are payments, or wait to be."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A payment that a line became, or the line that waits; `payment_id` None while it waits."""

    external_id: str
    payment_id: str | None


def recorded_before(tx: Tx, statement_id: str, external_ids: Collection[str]) -> dict[str, Recorded]:
    """What lines of these identities have become: by the lines of other statements, else by the payments' own."""
    rows = tx.records(
        Recorded,
        f"""SELECT external_id, payment_id FROM (
              SELECT external_id, id AS payment_id, 0 AS rank FROM payments WHERE org_id = :org AND external_id = ANY(:ids)
              UNION ALL SELECT external_id, payment_id, 1 FROM statement_lines WHERE org_id = :org
                AND external_id = ANY(:ids) AND statement_id <> :statement AND status IN {_RECORDED}) known
            ORDER BY rank, payment_id IS NOT NULL, payment_id""",
        ids=sorted(external_ids),
        statement=statement_id,
    )
    return {r.external_id: r for r in rows}  # a line knows better than its first payment: it may have been linked since


@dataclass(frozen=True, slots=True)
class ByReference:
    """What is looked for by the bank's reference of a line, or of the batch that it is a part of."""

    line: int
    bank_ref: str | None
    entry_ref: str | None
    entry_minor: int | None
    day: date
    amount: int
    currency: str


_LINES: Final = """json_to_recordset(CAST(:rows AS json)) AS n(line int, bank_ref text, entry_ref text, entry_minor bigint,
  day date, amount bigint, currency text)"""


def of_reference(
    tx: Tx, statement_id: str, bank_account_id: str, wanted: Sequence[ByReference]
) -> Sequence[BankStatementLine]:
    """Where other statements of the account have lines of a reference, day and amount: those, and this statement's own."""
    if not wanted:
        return ()
    return tx.records(
        BankStatementLine,
        f"""WITH k AS (SELECT DISTINCT n.bank_ref, n.day, n.amount, n.currency FROM {_LINES} WHERE n.bank_ref IS NOT NULL),
              hit AS (SELECT k.* FROM k WHERE EXISTS (SELECT FROM statement_lines l JOIN statements s ON s.org_id = l.org_id
                AND s.id = l.statement_id WHERE l.org_id = :org AND l.bank_ref = k.bank_ref AND l.booking_date = k.day
                AND l.amount_minor = k.amount AND l.amount_minor > 0 AND l.currency_code = k.currency
                AND s.bank_account_id = :bank AND l.statement_id <> :statement AND l.status IN {_RECORDED}))
            SELECT l.* FROM hit JOIN statement_lines l ON l.org_id = :org AND l.bank_ref = hit.bank_ref
              AND l.booking_date = hit.day AND l.amount_minor = hit.amount AND l.amount_minor > 0
              AND l.currency_code = hit.currency
            JOIN statements s ON s.org_id = l.org_id AND s.id = l.statement_id AND s.bank_account_id = :bank
            WHERE l.statement_id = :statement AND l.status <> 'IGNORED' OR l.status IN {_RECORDED}
            ORDER BY s.created_at, s.id, l.line""",
        rows=to_json(wanted),
        bank=bank_account_id,
        statement=statement_id,
    )


def parts_of(
    tx: Tx, statement_id: str, bank_account_id: str, wanted: Sequence[ByReference]
) -> dict[int, list[BankStatementLine]]:
    """For lines that are whole entries: the lines of other statements that are parts of the same entry."""
    return _by_line(
        tx,
        f"""SELECT n.line AS for_line, l.* FROM {_LINES} JOIN statement_lines l ON l.org_id = :org
              AND l.entry_ref = n.bank_ref AND l.booking_date = n.day AND l.entry_minor = n.amount
              AND l.entry_ref IS NOT NULL AND l.currency_code = n.currency
            JOIN statements s ON s.org_id = l.org_id AND s.id = l.statement_id AND s.bank_account_id = :bank
            WHERE n.entry_ref IS NULL AND l.statement_id <> :statement AND l.status IN {_RECORDED}
            ORDER BY n.line, s.created_at, s.id, l.line""",
        statement_id,
        bank_account_id,
        wanted,
    )


def wholes_of(
    tx: Tx, statement_id: str, bank_account_id: str, wanted: Sequence[ByReference]
) -> dict[int, list[BankStatementLine]]:
    """For lines that are parts of an entry: the line of another statement that is the whole of it."""
    return _by_line(
        tx,
        f"""SELECT n.line AS for_line, l.* FROM {_LINES} JOIN statement_lines l ON l.org_id = :org
              AND l.bank_ref = n.entry_ref AND l.booking_date = n.day AND l.amount_minor = n.entry_minor
              AND l.bank_ref IS NOT NULL AND l.amount_minor > 0 AND l.entry_ref IS NULL AND l.currency_code = n.currency
            JOIN statements s ON s.org_id = l.org_id AND s.id = l.statement_id AND s.bank_account_id = :bank
            WHERE n.entry_ref IS NOT NULL AND l.statement_id <> :statement AND l.status IN {_RECORDED}
            ORDER BY n.line, s.created_at, s.id, l.line""",
        statement_id,
        bank_account_id,
        wanted,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found(BankStatementLine):
    """A line, and for which of the new ones it was found."""

    for_line: int


def _by_line(
    tx: Tx, sql: str, statement_id: str, bank_account_id: str, wanted: Sequence[ByReference]
) -> dict[int, list[BankStatementLine]]:
    found: dict[int, list[BankStatementLine]] = {}
    if wanted:
        rows = tx.records(_Found, sql, rows=to_json(wanted), bank=bank_account_id, statement=statement_id)
        for x in rows:
            found.setdefault(x.for_line, []).append(x)
    return found


@dataclass(frozen=True, slots=True)
class Amount:
    """What is looked for by its amount and day."""

    line: int
    amount: int
    currency: str
    day: date


@dataclass(frozen=True, slots=True)
class _ByHand:
    line: int
    payment_id: str


def by_hand(tx: Tx, bank_account_id: str, wanted: Sequence[Amount]) -> dict[int, list[str]]:
    """Payments of the account, the amount and the days around that no bank line is known of: their ids, by line."""
    found: dict[int, list[str]] = {}
    if wanted:
        rows = tx.records(
            _ByHand,
            """SELECT n.line, p.id AS payment_id
               FROM json_to_recordset(CAST(:rows AS json)) AS n(line int, amount bigint, currency text, day date)
               JOIN payments p ON p.org_id = :org AND p.bank_account_id = :bank AND p.amount_minor = n.amount
                 AND p.currency_code = n.currency AND p.payment_date BETWEEN n.day - :near AND n.day + :near
                 AND p.statement_id IS NULL AND p.reversed_at IS NULL
               ORDER BY n.line, abs(p.payment_date - n.day), p.id""",
            rows=to_json(wanted),
            bank=bank_account_id,
            near=NEAR_DAYS,
        )
        for r in rows:
            found.setdefault(r.line, []).append(r.payment_id)
    return found


def still_waiting(tx: Tx, bank_account_id: str, of: Amount) -> Sequence[BankStatementLine]:
    """Lines of the account that wait for a person to say whether they are a payment of this amount."""
    return tx.records(
        BankStatementLine,
        """SELECT l.* FROM statement_lines l JOIN statements s ON s.org_id = l.org_id AND s.id = l.statement_id
           WHERE l.org_id = :org AND s.bank_account_id = :bank AND l.status = 'POSSIBLE_DUPLICATE'
             AND l.amount_minor = :amount AND l.currency_code = :currency
             AND l.booking_date BETWEEN CAST(:day AS date) - :near AND CAST(:day AS date) + :near
           ORDER BY l.statement_id, l.line""",
        bank=bank_account_id,
        amount=of.amount,
        currency=of.currency,
        day=of.day,
        near=NEAR_DAYS,
    )


def give_to_duplicates(tx: Tx, x: BankStatementLine, payment_id: str, instead_of: str | None = None) -> None:
    """The lines of other statements that are the same as this one are this payment, at the latest with the commit."""
    tx.later(
        "UPDATE statement_lines SET payment_id = :payment WHERE org_id = :org AND status = 'DUPLICATE' "
        "AND (payment_id = :before OR external_id = :ext)",
        payment=payment_id,
        before=instead_of,
        ext=x.external_id,
    )


def link(tx: Tx, x: BankStatementLine, payment_id: str, instead_of: str | None) -> None:
    """From now on the line, and every line that was the same payment, is this payment, at the latest with the commit."""
    give_to_duplicates(tx, x, payment_id, instead_of)
    tx.later(
        """UPDATE statement_lines SET payment_id = :payment, status = 'LINKED', reason_code = NULL, suggestions = '[]',
             possible_payments = '[]' WHERE org_id = :org AND statement_id = :statement AND line = :line""",
        payment=payment_id,
        statement=x.statement_id,
        line=x.line,
    )
    tx.later(
        """UPDATE payments SET statement_id = :statement, statement_line = :line, payer = coalesce(payer, :payer),
             version = version + 1 WHERE org_id = :org AND id = :payment""",
        statement=x.statement_id,
        line=x.line,
        payer=x.payer,
        payment=payment_id,
    )


def release(tx: Tx, payment_id: str) -> None:
    """A payment recorded by hand is no bank line's any more, at the latest with the commit."""
    tx.later(
        "UPDATE payments SET statement_id = NULL, statement_line = NULL, version = version + 1 "
        "WHERE org_id = :org AND id = :payment",
        payment=payment_id,
    )


def add_to_line(tx: Tx, x: BankStatementLine) -> None:
    """Keep what a later file has added to a line, with its payment, at the latest with the commit."""
    tx.later(
        """UPDATE statement_lines SET payer = :payer, reference = :reference, remittance_text = :text,
             structured_references = CAST(:structured AS jsonb), texts = CAST(:texts AS jsonb)
           WHERE org_id = :org AND statement_id = :statement AND line = :line""",
        payer=x.payer,
        reference=x.reference,
        text=x.remittance_text,
        structured=to_json(x.structured_references),
        texts=to_json(x.texts),
        statement=x.statement_id,
        line=x.line,
    )
    tx.later(
        """UPDATE payments SET payer = coalesce(payer, :payer), reference = coalesce(reference, :reference),
             remittance_text = coalesce(remittance_text, :text), version = version + 1
           WHERE org_id = :org AND id = :payment AND statement_id = :statement AND statement_line = :line""",
        payer=x.payer,
        reference=x.shown_reference,
        text=x.remittance_text,
        payment=x.payment_id,
        statement=x.statement_id,
        line=x.line,
    )


def ask_about_bank_lines(tx: Tx, p: Payment, exception_id: str, due: datetime) -> None:
    """Ask a person about a payment recorded by hand that a bank line of the account, amount and days around has become
    already, with the commit at the latest. A line of another customer is no question."""
    tx.later(
        """INSERT INTO exceptions (org_id, id, kind, reason_code, subject_id, owner_role, legal_entity_id, detail, created_at,
             due_at)
           SELECT :org, :id, 'possible_duplicate', 'POSSIBLE_DUPLICATE', :payment, 'ar_clerk', :entity,
             jsonb_build_object('lines', jsonb_agg(jsonb_build_object('statement_id', l.statement_id, 'line', l.line,
               'payment_id', b.id) ORDER BY b.id)), :at, :due
           FROM payments b JOIN statement_lines l ON l.org_id = b.org_id AND l.statement_id = b.statement_id
             AND l.line = b.statement_line AND l.status IN ('APPLIED', 'UNMATCHED')
           WHERE b.org_id = :org AND b.bank_account_id = :bank AND b.amount_minor = :amount AND b.currency_code = :currency
             AND b.payment_date BETWEEN CAST(:day AS date) - :near AND CAST(:day AS date) + :near
             AND b.reversed_at IS NULL AND (b.customer_id IS NULL OR b.customer_id = :customer)
           HAVING count(*) > 0 ON CONFLICT DO NOTHING""",
        id=exception_id,
        payment=p.id,
        entity=p.legal_entity_id,
        bank=p.bank_account_id,
        amount=p.amount_minor,
        currency=p.currency_code,
        day=p.payment_date,
        customer=p.customer_id,
        near=NEAR_DAYS,
        at=tx.now,
        due=due,
    )
