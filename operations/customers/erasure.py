"""Hard deletion: no personal value of the customer stays anywhere in the database; the audit chain still verifies.

What stays are ids, roles, codes and times: that a customer was, who asked for its deletion and who approved it.
"""

from models.db.customers import records as customers
from models.db.tx import Tx
from operations.work import Work


def erase(work: Work, customer_id: str, change_id: str, *, keep: bool) -> list[str]:
    """Remove the customer (or, with `keep` and transactions, leave a pseudonym that the ledger may point to).

    Everything told of it by changes, commands, audit payloads, exceptions and records of other rooms goes too. Other
    open changes of it are closed; the answer names their processes.
    """
    tx = work.tx
    closed = _close_others(tx, customer_id, change_id)
    for change in closed:
        work.audit(
            change["id"], "customer.change.closed", {"because": "CUSTOMER_DELETED"}, reason_code="CUSTOMER_DELETED"
        )
    work.flush()
    if keep and customers.has_transactions(tx, customer_id):
        tx.scalar("SELECT erase_customer(:id, :change, true)", id=customer_id, change=change_id)
    else:
        tx.scalar("SELECT erase_customer(:id, :change, false)", id=customer_id, change=change_id)
    return [str(c["workflow_id"]) for c in closed]


def _close_others(tx: Tx, customer_id: str, change_id: str) -> list[dict[str, str]]:
    rows = tx.all(
        "UPDATE customer_changes SET status = 'REJECTED', returned = false, reason_code = 'CUSTOMER_DELETED', closed_at = :now, "
        "awaiting_step = NULL, awaiting_role = NULL, awaiting_since = NULL, remind_at = NULL, due_at = NULL "
        "WHERE org_id = :org AND customer_id = :id AND id <> :change AND status IN ('PENDING_APPROVAL', 'FAILED') "
        "RETURNING id, workflow_id",
        id=customer_id,
        change=change_id,
        now=tx.now,
    )
    ids = [r["id"] for r in rows]
    tx.run(
        "UPDATE customer_change_steps SET status = 'SKIPPED' WHERE org_id = :org AND change_id = ANY(:ids) "
        "AND status IN ('PENDING', 'WAITING')",
        ids=ids,
    )
    for change in ids:
        customers.release(tx, change)
    return [dict(r) for r in rows]
