"""Bank statements and their lines: kept, read, worked off."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy import literal_column, select

from models.answers import read_row
from models.cash.invoice_book import OpenInvoice
from models.cash.records import Invoice
from models.cash.statement_records import BankStatement, BankStatementLine, CountedStatement, LineOutcome
from models.db.commands import SHARE_PERIODS
from models.db.listing import Listing, among, param
from models.db.lookups import found
from models.db.tables.bank import bank_accounts, statements
from models.db.tx import Tx, to_json

_COUNTS: Final = """(SELECT to_json(c) FROM (SELECT
    count(*) FILTER (WHERE payment_id IS NOT NULL AND status NOT IN ('DUPLICATE', 'LINKED', 'IGNORED')) AS recorded,
    count(*) FILTER (WHERE status = 'APPLIED') AS applied, count(*) FILTER (WHERE status = 'UNMATCHED') AS unmatched,
    count(*) FILTER (WHERE status = 'DUPLICATE') AS duplicates, count(*) FILTER (WHERE status = 'FAILED') AS failed,
    count(*) FILTER (WHERE status = 'IGNORED') AS ignored,
    count(*) FILTER (WHERE status = 'POSSIBLE_DUPLICATE') AS possible_duplicates,
    count(*) FILTER (WHERE status = 'LINKED') AS linked, count(*) FILTER (WHERE matched_later) AS matched_later
  FROM statement_lines l WHERE l.org_id = s.org_id AND l.statement_id = s.id) c) AS counts"""
_GET: Final = f"SELECT s.*, {_COUNTS} FROM statements s WHERE s.org_id = :org AND s.id = :id"
_S: Final = statements.alias("s")
_STATEMENTS: Final = Listing(
    _S,
    key=(_S.c.id,),
    newest_first=True,
    shown=(literal_column(f"s.*, {_COUNTS}"),),
    within=_S.c.bank_account_id.in_(
        select(bank_accounts.c.id).where(bank_accounts.c.org_id == param("org"), among(bank_accounts.c.legal_entity_id))
    ),
)


def get(tx: Tx, statement_id: str) -> CountedStatement:
    """The statement; 404 or 403 otherwise."""
    return found(tx, "statement", statement_id, find(tx, statement_id))


def find(tx: Tx, statement_id: str) -> CountedStatement | None:
    """The statement, if it is one of ours."""
    return tx.record(CountedStatement, _GET, id=statement_id)


def is_worked_off(tx: Tx, statement_id: str) -> bool:
    """Whether it is one of ours and its lines are done, or never will be."""
    sql = "SELECT status <> 'PROCESSING' FROM statements WHERE org_id = :org AND id = :id"
    return bool(tx.scalar(sql, id=statement_id))


def of_file(tx: Tx, bank_account_id: str, file_hash: str) -> CountedStatement | None:
    """The statement that this file became for this account."""
    return tx.record(
        CountedStatement,
        f"""SELECT s.*, {_COUNTS} FROM statements s
            WHERE s.org_id = :org AND s.bank_account_id = :bank AND s.file_hash = :hash AND s.status <> 'FAILED'""",
        bank=bank_account_id,
        hash=file_hash,
    )


def list_statements(
    tx: Tx, entities: Collection[str] | None, after: str | None, limit: int
) -> Sequence[CountedStatement]:
    """The newest first."""
    rows = _STATEMENTS.page(tx, entities, None if after is None else (after,), limit)
    return [read_row(CountedStatement, row) for row in rows]


def lines_of(tx: Tx, statement_id: str, only: Sequence[int] | None = None) -> Sequence[BankStatementLine]:
    """All lines, in the order of the file; or only those of these numbers."""
    sql = """SELECT * FROM statement_lines WHERE org_id = :org AND statement_id = :id
              AND (CAST(:only AS bigint[]) IS NULL OR line = ANY(CAST(:only AS bigint[]))) ORDER BY line"""
    return tx.records(BankStatementLine, sql, id=statement_id, only=None if only is None else list(only))


def line_of(tx: Tx, statement_id: str, line: int) -> BankStatementLine | None:
    """One line, if there is one of this number."""
    sql = "SELECT * FROM statement_lines WHERE org_id = :org AND statement_id = :id AND line = :line"
    return tx.record(BankStatementLine, sql, id=statement_id, line=line)


def keep(tx: Tx, statement: BankStatement, lines: Sequence[BankStatementLine]) -> None:
    """Keep a statement that has just been received."""
    tx.insert("statements", [statement])
    tx.insert("statement_lines", lines)


def lock(tx: Tx, statement_id: str) -> BankStatement:
    """The statement, locked, while no month closes under what is posted; 404 or 403 otherwise."""
    sql = f"SELECT *, {SHARE_PERIODS} FROM statements WHERE org_id = :org AND id = :id FOR UPDATE"
    return found(tx, "statement", statement_id, tx.record(BankStatement, sql, id=statement_id))


def advance(tx: Tx, statement_id: str, done: int, *, finished: bool) -> None:
    """Count lines of a locked statement as done, at the latest with the commit; all of them where it is finished."""
    tx.later(
        """UPDATE statements SET lines_done = CASE WHEN :finished THEN lines_total ELSE lines_done + :n END,
             status = CASE WHEN :finished THEN 'COMPLETED' ELSE status END,
             completed_at = CASE WHEN :finished THEN CAST(:at AS timestamptz) END WHERE org_id = :org AND id = :id""",
        n=done,
        finished=finished,
        at=tx.now,
        id=statement_id,
    )


def pending_lines(tx: Tx, statement_id: str, limit: int) -> Sequence[BankStatementLine]:
    """The next lines to be worked off."""
    return tx.records(
        BankStatementLine,
        "SELECT * FROM statement_lines WHERE org_id = :org AND statement_id = :id AND status = 'PENDING' ORDER BY line LIMIT :n",
        id=statement_id,
        n=limit,
    )


def settle_lines(tx: Tx, outcomes: Sequence[LineOutcome]) -> None:
    """Write what became of lines."""
    tx.run(
        """UPDATE statement_lines l SET status = n.status, reason_code = n.reason_code, payment_id = n.payment_id,
             suggestions = n.suggestions, matched_later = n.matched_later, possible_payments = n.possible_payments,
             waiting_for = n.waiting_for, looked_at = :at
           FROM json_to_recordset(CAST(:rows AS json)) AS n(statement_id text, line int, status text, reason_code text,
             payment_id text, suggestions jsonb, matched_later boolean, possible_payments jsonb,
             waiting_for text[])
           WHERE l.org_id = :org AND l.statement_id = n.statement_id AND l.line = n.line""",
        rows=to_json(outcomes),
        at=tx.now,
    )


def take_up_failed(tx: Tx, statement_id: str) -> list[BankStatementLine]:
    """Lines of a locked statement that failed are to be worked off again; as they were."""
    failed = tx.records(
        BankStatementLine,
        "SELECT * FROM statement_lines WHERE org_id = :org AND statement_id = :id AND status = 'FAILED' ORDER BY line",
        id=statement_id,
    )
    tx.later(
        "UPDATE statement_lines SET status = 'PENDING', reason_code = NULL "
        "WHERE org_id = :org AND statement_id = :id AND status = 'FAILED'",
        id=statement_id,
    )
    tx.later(
        "UPDATE statements SET status = 'PROCESSING', lines_done = lines_done - :n, completed_at = NULL "
        "WHERE org_id = :org AND id = :id",
        n=len(failed),
        id=statement_id,
    )
    return failed


def settle_exceptions(
    tx: Tx, subjects: Sequence[str], *, who: str, code: str, kinds: Sequence[str] = ("unmatched_payment",)
) -> list[str]:
    """The exceptions of lines that are not recorded, or of payments, are dealt with; their ids."""
    return tx.column(
        """UPDATE exceptions SET status = 'resolved', resolved_at = :at, resolved_by = :who, resolution_code = :code
           WHERE org_id = :org AND subject_id = ANY(:ids) AND kind = ANY(:kinds) AND status = 'open' RETURNING id""",
        at=tx.now,
        who=who,
        code=code,
        ids=list(subjects),
        kinds=list(kinds),
    )


def named_invoices(tx: Tx, keys: Collection[str]) -> Sequence[Invoice]:
    """Invoices whose id or external_id is among the reference keys, locked in the order of their ids.

    Thousands of keys name hundreds of invoices: as JSON they are written sooner, and PostgreSQL, which does not know their
    number then, looks each invoice up rather than going through all of them.
    """
    if not keys:
        return []
    return tx.records(
        Invoice,
        """SELECT * FROM invoices WHERE org_id = :org AND voided_at IS NULL AND id IN (
             SELECT id FROM invoices WHERE org_id = :org AND reference_key = ANY(ARRAY(SELECT * FROM
               json_array_elements_text(CAST(:keys AS json))))
             UNION SELECT id FROM invoices WHERE org_id = :org AND id = ANY(ARRAY(SELECT * FROM
               json_array_elements_text(CAST(:keys AS json)))))
           ORDER BY id FOR UPDATE""",
        keys=to_json(sorted(keys)),
    )


@dataclass(frozen=True, slots=True)
class UnplacedLine:
    """What is looked for when a line found no invoice: its amount in its currency, its payer's name key and its day."""

    line: int
    amount: int
    currency: str
    entity: str
    payer_key: str
    day: date


def likely_invoices(tx: Tx, lines: Sequence[UnplacedLine], per_line: int = 5) -> dict[int, list[OpenInvoice]]:
    """For lines that found no invoice: open ones of a customer of the payer's name or for whom it pays, and of the same amount
    and currency.

    The payer's come first, and among them those of the amount.
    """
    if not lines:
        return {}
    rows = tx.all(
        """SELECT n.line AS for_line, f.id, f.external_id, f.customer_id, f.legal_entity_id, f.currency_code,
             f.balance_due_minor AS balance_minor, f.due_date
           FROM json_to_recordset(CAST(:rows AS json)) AS n(line int, amount bigint,
             currency text, entity text, payer_key text, day date)
           CROSS JOIN LATERAL (SELECT DISTINCT ON (u.id) u.* FROM (
             (SELECT true AS of_payer, i.* FROM customers c JOIN invoices i ON i.org_id = c.org_id AND i.customer_id = c.id
              WHERE c.org_id = :org AND c.name_key = n.payer_key AND n.payer_key <> '' AND i.balance_due_minor > 0
                AND i.voided_at IS NULL AND i.legal_entity_id = n.entity
              ORDER BY i.balance_due_minor <> n.amount, i.due_date, i.id LIMIT :n)
             UNION ALL
             (SELECT true AS of_payer, i.* FROM customers c
              JOIN customer_pays_for p ON p.org_id = c.org_id AND p.customer_id = c.id
               AND coalesce(p.valid_from, n.day) <= n.day AND coalesce(p.valid_until, n.day) >= n.day
              JOIN invoices i ON i.org_id = p.org_id AND i.customer_id = p.paid_customer_id
              WHERE c.org_id = :org AND c.name_key = n.payer_key AND n.payer_key <> '' AND i.balance_due_minor > 0
                AND i.voided_at IS NULL AND i.legal_entity_id = n.entity
              ORDER BY i.balance_due_minor <> n.amount, i.due_date, i.id LIMIT :n)
             UNION ALL
             (SELECT false AS of_payer, i.* FROM invoices i WHERE i.org_id = :org AND i.balance_due_minor = n.amount
                AND i.voided_at IS NULL AND i.balance_due_minor > 0 AND i.currency_code = n.currency
                AND i.legal_entity_id = n.entity
              ORDER BY i.due_date, i.id LIMIT :n)) u ORDER BY u.id, u.of_payer DESC) f
           ORDER BY n.line, f.of_payer DESC, f.balance_due_minor <> n.amount, f.due_date, f.id""",
        rows=to_json(lines),
        n=per_line,
    )
    likely: dict[int, list[OpenInvoice]] = {}
    for row in rows:
        likely.setdefault(row["for_line"], []).append(read_row(OpenInvoice, row))
    return likely
