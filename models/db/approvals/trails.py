"""The audit chain of one subject, as it is kept."""

from collections.abc import Sequence

from models.audit.chain import AuditEvent
from models.db.tx import Tx


def trail(tx: Tx, subject_id: str) -> Sequence[AuditEvent]:
    """The events of the chain, in order."""
    sql = "SELECT * FROM audit_events WHERE org_id = :org AND subject_id = :id ORDER BY seq"
    return tx.records(AuditEvent, sql, id=subject_id)


def head(tx: Tx, subject_id: str) -> tuple[int, bytes] | None:
    """Number and hash of the latest event, as the chain's head has them."""
    row = tx.one("SELECT seq, hash FROM audit_heads WHERE org_id = :org AND subject_id = :id", id=subject_id)
    return None if row is None else (row["seq"], bytes(row["hash"]))
