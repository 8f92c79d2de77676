"""Reviews of imports found: those that wait for somebody, or have been decided."""

from collections.abc import Collection, Sequence
from typing import Final

from models.approvals.chain import ChangeStatus
from models.db.tx import Tx
from models.imports.records import Import

_STATUS: Final = {
    ChangeStatus.PENDING_APPROVAL: "status = 'AWAITING_REVIEW'",
    ChangeStatus.APPROVED: "started_at IS NOT NULL AND status <> 'FAILED'",
    ChangeStatus.REJECTED: "status = 'REJECTED'",
    ChangeStatus.WITHDRAWN: "status = 'CANCELLED' AND started_at IS NULL",
    ChangeStatus.FAILED: "status = 'FAILED'",
}
"""What of imports has which status as an approval; only those whose rows were validated are one."""
_MINE: Final = """submitted_by <> :me AND NOT EXISTS (SELECT FROM jsonb_array_elements(steps) s
    WHERE s ->> 'decided_by' = :me OR s ->> 'on_behalf_of' = :me)
  AND EXISTS (SELECT FROM jsonb_array_elements(steps) s WHERE s ->> 'status' = 'PENDING' AND s ->> 'role' = ANY(:roles))"""


def reviews(
    tx: Tx, entities: Collection[str] | None, *, statuses: Collection[ChangeStatus], submitted_by: str | None,
    awaiting: tuple[str, Sequence[str]] | None, after: str | None, limit: int,
) -> Sequence[Import]:  # fmt: skip
    """Imports under review or decided, the oldest first. `awaiting`: only what this person in these roles may decide now."""
    wanted = " OR ".join(f"({_STATUS[status]})" for status in statuses if status in _STATUS)
    if not wanted:
        return []
    conditions = [f"org_id = :org AND jsonb_array_length(steps) > 0 AND ({wanted})"]
    params: dict[str, object] = {"limit": limit}
    if entities is not None:
        conditions.append("legal_entity_id = ANY(:entities)")
        params["entities"] = sorted(entities)
    if submitted_by is not None:
        conditions.append("submitted_by = :by")
        params["by"] = submitted_by
    if awaiting is not None:
        conditions.append(_MINE)
        params |= {"me": awaiting[0], "roles": list(awaiting[1])}
    if after is not None:
        conditions.append("id > :after")
        params["after"] = after
    sql = f"SELECT * FROM customer_imports WHERE {' AND '.join(conditions)} ORDER BY id LIMIT :limit"
    return tx.records(Import, sql, **params)
