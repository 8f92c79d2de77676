"""Lines that no invoice answered, found by the invoices that come later."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from models.cash.statement_records import BankStatementLine
from models.db.postgres.connection import ThreadConnection
from models.db.postgres.statements import ACT_AS
from models.db.tx import Tx

MARGIN: Final = timedelta(minutes=1)
"""So long an invoice may have been under way, unseen, when a line was looked at last."""


@dataclass(frozen=True, slots=True)
class WaitingStatement:
    """A statement with lines that an invoice may answer now."""

    org_id: str
    id: str
    lines_total: int


def statements_waiting_for(conn: ThreadConnection, org_id: str, keys: Sequence[str]) -> list[WaitingStatement]:
    """The statements of an organisation whose unmatched lines wait for one of these names; for whoever goes through many
    organisations."""
    sql = """SELECT DISTINCT s.org_id, s.id, s.lines_total FROM statement_lines l
             JOIN statements s ON s.org_id = l.org_id AND s.id = l.statement_id
             WHERE l.org_id = :org AND l.waiting_for && CAST(:keys AS text[]) AND l.waiting_for IS NOT NULL
               AND l.status = 'UNMATCHED' ORDER BY s.id"""
    asked = {"org": org_id, "keys": list(keys)}
    _, found = conn.exchange([(ACT_AS, {"org": org_id}), (sql, asked)])
    return [WaitingStatement(row["org_id"], row["id"], row["lines_total"]) for row in found]


def answered_lines(tx: Tx, statement_id: str) -> Sequence[BankStatementLine]:
    """Unmatched lines of a statement that name an open invoice which has come since they were looked at, and whose money nobody
    has begun to place."""
    return tx.records(
        BankStatementLine,
        """SELECT l.* FROM statement_lines l JOIN payments p ON p.org_id = l.org_id AND p.id = l.payment_id
             AND p.reversed_at IS NULL AND p.applied_minor = 0 AND p.credit_held_minor = 0
           WHERE l.org_id = :org AND l.statement_id = :id AND l.status = 'UNMATCHED' AND l.waiting_for IS NOT NULL
             AND EXISTS (SELECT FROM invoices i WHERE i.org_id = :org AND i.voided_at IS NULL AND i.balance_due_minor > 0
               AND (i.reference_key = ANY(l.waiting_for) OR i.id = ANY(l.waiting_for))
               AND i.created_at > coalesce(l.looked_at, '-infinity') - CAST(:margin AS interval))
           ORDER BY l.line""",
        id=statement_id,
        margin=f"{MARGIN.total_seconds()} seconds",
    )
