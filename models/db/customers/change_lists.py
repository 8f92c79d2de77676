"""Customer changes found: listed, waiting for somebody, of a customer, or only kept yet."""

from collections.abc import Collection, Sequence
from typing import Final

from sqlalchemy import literal_column

from models.answers import read_row
from models.customers.change_records import Change
from models.db.customers.changes import TABLES
from models.db.listing import Listing
from models.db.tables.changes import customer_changes
from models.db.tx import Tx
from models.messages.changes import change_workflow_id

_C: Final = customer_changes.alias("c")
_CHANGES: Final = Listing(
    _C,
    key=(_C.c.id,),
    shown=(_C, *TABLES.beside),
    within=_C.c.entities.op("<@")(literal_column("CAST(:entities AS text[])")),
    equal=(_C.c.status, _C.c.customer_id, _C.c.operation, _C.c.submitted_by),
    filters={"waiting": _C.c.status.in_(("PENDING_APPROVAL", "FAILED"))},
)


def list_changes(
    tx: Tx, entities: Collection[str] | None, *, status: str | None, customer_id: str | None, operation: str | None,
    submitted_by: str | None, after: str | None, limit: int, waiting: bool = False,
) -> Sequence[Change]:  # fmt: skip
    """Changes, oldest first. `waiting`: only those that somebody still has to move on."""
    rows = _CHANGES.page(
        tx, entities, None if after is None else (after,), limit, status=status, customer_id=customer_id,
        operation=operation, submitted_by=submitted_by, waiting=waiting or None,
    )  # fmt: skip
    return [read_row(Change, row) for row in rows]


def inbox(
    tx: Tx, *, user: str, roles: Sequence[str], entities: Collection[str] | None, after: str | None, limit: int
) -> Sequence[Change]:
    """The changes whose pending step this person may decide now, oldest first.

    One range of the partial index per role, merged: its cost is the page's, not the number of pending changes.
    """
    if not roles:
        return []
    covered = " AND entities <@ CAST(:mine AS text[])" if entities is not None else ""
    union = " UNION ALL ".join(
        f"(SELECT * FROM customer_changes WHERE org_id = :org AND awaiting_role = :role{n} AND id > :after"
        f" AND submitted_by <> :me AND NOT :me = ANY(deciders){covered} ORDER BY id LIMIT :limit)"
        for n in range(len(roles))
    )
    page = f"(SELECT * FROM ({union}) mine ORDER BY id LIMIT :limit)"
    sql = TABLES.whole.replace("FROM customer_changes c", f"FROM {page} c ORDER BY c.id")
    params: dict[str, object] = {f"role{n}": role for n, role in enumerate(roles)}
    if entities is not None:
        params["mine"] = sorted(entities)
    return tx.records(Change, sql, me=user, after=after or "", limit=limit, **params)


def by_external_id(tx: Tx, external_id: str) -> Change | None:
    """The create that holds this external id, if its customer exists or may still come to exist."""
    sql = (
        f"{TABLES.whole} WHERE c.org_id = :org AND c.operation = 'create' AND c.external_id = :external "
        "AND c.status NOT IN ('REJECTED', 'WITHDRAWN')"
    )
    return tx.record(Change, sql, external=external_id)


_SUBMITTED: Final = """SELECT :id AS id, split_part(k.operation, '.', 2) AS operation, k.resource_id AS customer_id,
    e.legal_entity_id, ARRAY[e.legal_entity_id] || ARRAY(SELECT DISTINCT o ->> 'legal_entity_id'
      FROM jsonb_array_elements(coalesce(nullif(k.body #> '{entity_overrides}', 'null'),
        nullif(k.body #> '{patch,entity_overrides}', 'null'), '[]')) o) AS entities,
    k.body ->> 'external_id' AS external_id, NULL AS mode, false AS force, k.body ->> 'reason_code' AS reason_code,
    k.created_at AS submitted_at, k.id AS command_id, k.workflow_id, k.body_hash, NULL AS base_version, NULL AS request,
    CAST('[]' AS json) AS diff, CAST('[]' AS json) AS warnings,
    json_build_object('submitted_by', k.actor, 'steps', CAST('[]' AS json), 'status', 'SUBMITTED') AS chain
  FROM commands k LEFT JOIN customers c ON c.org_id = k.org_id AND c.id = k.resource_id
    CROSS JOIN LATERAL (SELECT coalesce(k.body ->> 'legal_entity_id', c.legal_entity_id, '') AS legal_entity_id) e
  WHERE k.org_id = :org AND k.workflow_id = :workflow AND k.state = 'pending' AND k.operation LIKE 'customer.%'"""


def submitted(tx: Tx, change_id: str) -> Change | None:
    """A change whose submission is kept and has not been looked at yet: what is known of it so far."""
    return tx.record(Change, _SUBMITTED, id=change_id, workflow=change_workflow_id(change_id))


def workflows_of_customer_of(tx: Tx, change_id: str) -> list[str]:
    """The processes of all changes of the customer that this change is of."""
    return tx.column(
        "SELECT workflow_id FROM customer_changes WHERE org_id = :org AND customer_id = "
        "(SELECT customer_id FROM customer_changes WHERE org_id = :org AND id = :id) ORDER BY id",
        id=change_id,
    )


def close_others(tx: Tx, customer_id: str, change_id: str, reason: str) -> dict[str, str]:
    """Reject the customer's other open changes; their processes, by change."""
    closed: dict[str, str] = tx.pairs(
        "UPDATE customer_changes SET status = 'REJECTED', returned = false, reason_code = :reason, closed_at = :now, "
        "awaiting_step = NULL, awaiting_role = NULL, awaiting_since = NULL, remind_at = NULL, due_at = NULL "
        "WHERE org_id = :org AND customer_id = :id AND id <> :change AND status IN ('PENDING_APPROVAL', 'FAILED') "
        "RETURNING id, workflow_id",
        id=customer_id,
        change=change_id,
        reason=reason,
        now=tx.now,
    )
    tx.later(
        "UPDATE customer_change_steps SET status = 'SKIPPED' WHERE org_id = :org AND change_id = ANY(:ids) "
        "AND status IN ('PENDING', 'WAITING')",
        ids=list(closed),
    )
    tx.later("DELETE FROM customer_claims WHERE org_id = :org AND change_id = ANY(:ids)", ids=list(closed))
    return closed


def erase_customer(tx: Tx, customer_id: str, change_id: str, *, keep_pseudonym: bool) -> None:
    """Remove every personal value of the customer; with `keep_pseudonym` its row stays for the ledger to point to."""
    tx.run("SELECT erase_customer(:id, :change, :keep)", id=customer_id, change=change_id, keep=keep_pseudonym)


def note_customer(tx: Tx, command_id: str, customer_id: str) -> None:
    """Note whose a command is: an erasure finds by it what was asked about the customer."""
    tx.later(
        "UPDATE commands SET customer_id = :customer WHERE org_id = :org AND id = :id",
        customer=customer_id,
        id=command_id,
    )
