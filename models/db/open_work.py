"""What stands open in one organisation's books, in SQL. Which process each of it needs: `workflows/open_work.py`."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Final

from models.db.tx import Tx
from models.ids import first_id
from models.messages.webhooks import WebhookQueue
from models.open_work import (
    OpenDeduction,
    OpenEscalation,
    OpenRecord,
    OpenStatement,
    PendingCommand,
    UnconfirmedSession,
)

LOOKED_BACK: Final = timedelta(days=7)
"""So far back a request that nobody carried out, or a confirmation that nobody noted, is still looked for: no outage of
Temporal is longer, and what is older waits for a person (`standing still`)."""
SETTLED: Final = timedelta(seconds=10)
"""What is younger is in the hands of whoever has just kept it."""


_UNDER_APPROVAL: Final = """SELECT id, CASE WHEN awaiting_step IS NOT NULL THEN awaiting_step::text
    WHEN returned OR status = 'FAILED' THEN status END AS step FROM {table} WHERE org_id = :org AND status = ANY(:open)"""


def changes(tx: Tx) -> Sequence[OpenRecord]:
    """Changes that approvers, or their submitters, still move on."""
    sql = _UNDER_APPROVAL.format(table="customer_changes")
    return tx.records(OpenRecord, sql, open=["PENDING_APPROVAL", "FAILED"])


def approvals(tx: Tx) -> Sequence[OpenRecord]:
    """Other approvals that approvers, or their submitters, still move on."""
    sql = _UNDER_APPROVAL.format(table="approvals")
    return tx.records(OpenRecord, sql, open=["PENDING_APPROVAL", "FAILED"])


def imports(tx: Tx) -> Sequence[OpenRecord]:
    """Imports that have not ended."""
    sql = "SELECT id, status AS step FROM customer_imports WHERE org_id = :org AND status = ANY(:open)"
    return tx.records(OpenRecord, sql, open=["STAGING", "VALIDATING", "AWAITING_REVIEW", "EXECUTING", "PAUSED"])


def statements(tx: Tx) -> Sequence[OpenStatement]:
    """Statements with lines that nobody has looked at."""
    sql = "SELECT id, lines_total, created_by FROM statements WHERE org_id = :org AND status = 'PROCESSING'"
    return tx.records(OpenStatement, sql)


def escalations(tx: Tx) -> Sequence[OpenEscalation]:
    """Escalations whose due time is watched."""
    sql = "SELECT id, case_id, command_id FROM case_escalations WHERE org_id = :org AND status = 'OPEN'"
    return tx.records(OpenEscalation, sql)


def deductions(tx: Tx) -> Sequence[OpenDeduction]:
    """Deductions whose due time is watched."""
    sql = "SELECT id, customer_id FROM deductions WHERE org_id = :org AND status = 'OPEN'"
    return tx.records(OpenDeduction, sql)


def webhook_queues(tx: Tx) -> Sequence[WebhookQueue]:
    """Queues with a delivery that has neither been taken nor given up."""
    sql = "SELECT DISTINCT endpoint_id, subject FROM webhook_deliveries WHERE org_id = :org AND status = 'PENDING'"
    return [WebhookQueue(tx.org_id, row["endpoint_id"], row["subject"]) for row in tx.all(sql)]


def unconfirmed_sessions(tx: Tx) -> Sequence[UnconfirmedSession]:
    """Sessions of late that applied something and of which no confirmation is noted."""
    return tx.records(
        UnconfirmedSession,
        """SELECT s.id, s.payment_id, p.customer_id, s.created_at AS at FROM application_sessions s
             JOIN payments p ON p.org_id = s.org_id AND p.id = s.payment_id
             JOIN customers c ON c.org_id = p.org_id AND c.id = p.customer_id
           WHERE s.org_id = :org AND s.id >= :first AND s.created_at < :settled
             AND NOT EXISTS (SELECT 1 FROM remittance_confirmations r WHERE r.org_id = s.org_id AND r.session_id = s.id)
             AND EXISTS (SELECT 1 FROM payment_applications a WHERE a.org_id = s.org_id AND a.session_id = s.id)""",
        first=first_id("sess", tx.now - LOOKED_BACK),
        settled=tx.now - SETTLED,
    )


def commands(tx: Tx) -> Sequence[PendingCommand]:
    """Requests of late that were kept for a process and are still to be carried out, in the order of asking."""
    return tx.records(
        PendingCommand,
        """SELECT id, operation, workflow_id, resource_id FROM commands WHERE org_id = :org AND state = 'pending'
             AND workflow_id IS NOT NULL AND created_at BETWEEN :since AND :settled ORDER BY created_at, id""",
        since=tx.now - LOOKED_BACK,
        settled=tx.now - SETTLED,
    )


def gone(tx: Tx, workflow_ids: Collection[str]) -> set[str]:
    """Those of these processes whose record, and whose request, is not in the books.

    A process is named after the record that it moves on; one that carries a request, after the request as well."""
    kept = tx.column(
        "SELECT DISTINCT workflow_id FROM commands WHERE org_id = :org AND workflow_id = ANY(:ids)",
        ids=list(workflow_ids),
    )
    left = set(workflow_ids) - set(kept)
    tables = tx.pairs("SELECT prefix, table_name FROM record_kinds")
    by_table: dict[str, dict[str, list[str]]] = {}
    for workflow_id in left:
        record = workflow_id.partition("/")[0]
        table = tables.get(record.partition("_")[0])
        if table is not None:
            by_table.setdefault(table, {}).setdefault(record, []).append(workflow_id)
    found: set[str] = set()
    for table, named in by_table.items():
        there = tx.column(f"SELECT id FROM {table} WHERE org_id = :org AND id = ANY(:ids)", ids=list(named))
        for record in set(named) - set(there):
            found.update(named[record])
    return found
