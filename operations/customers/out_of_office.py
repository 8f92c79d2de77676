"""Who is away and who stands in. A stand-in decides by his own role: the absence passes on what was delegated."""

from datetime import UTC, datetime
from typing import Any

from models.db.tx import Tx
from models.errors import FieldError, Refusal
from operations.runner import untyped_operation
from operations.work import Outcome, Work


def absence_body(tx: Tx, user: str) -> dict[str, Any]:
    """One's own absence (null where there is none), and those for whom one stands in at the moment."""
    row = tx.one("SELECT * FROM out_of_office WHERE org_id = :org AND user_id = :user", user=user)
    standing = tx.all(
        "SELECT user_id, ends_at FROM out_of_office WHERE org_id = :org AND delegate_user_id = :user "
        "AND starts_at <= :now AND :now < ends_at ORDER BY user_id",
        user=user,
        now=tx.now,
    )
    fields = ("starts_at", "ends_at", "delegate_user_id")
    return {
        "user_id": user,
        "absence": {f: row[f] for f in fields} if row else None,
        "stands_in_for": [dict(s) for s in standing],
    }


@untyped_operation("out_of_office.put")
def put_absence(work: Work) -> Outcome[Any]:
    """Replace one's absence."""
    body, user = work.cmd.body, work.cmd.actor
    starts, ends = (_utc(body[f]) for f in ("starts_at", "ends_at"))
    wrong = None
    if ends <= starts:
        wrong = FieldError("/ends_at", "FIELD_RANGE", "ends_at lies before starts_at.")
    elif body["delegate_user_id"] == user:
        wrong = FieldError("/delegate_user_id", "FIELD_INVALID", "Nobody stands in for himself.")
    if wrong is not None:
        raise Refusal("VALIDATION_FAILED", wrong.detail, errors=[wrong])
    row = {
        "user_id": user,
        "delegate_user_id": body["delegate_user_id"],
        "starts_at": starts,
        "ends_at": ends,
        "updated_at": work.now,
    }
    work.tx.insert(
        "out_of_office",
        [row],
        suffix="ON CONFLICT (org_id, user_id) DO UPDATE SET delegate_user_id = excluded.delegate_user_id, "
        "starts_at = excluded.starts_at, ends_at = excluded.ends_at, updated_at = excluded.updated_at",
    )
    work.audit(work.tx.org_id, "out_of_office.set", {"after": row})
    return Outcome(absence_body(work.tx, user))


@untyped_operation("out_of_office.delete")
def delete_absence(work: Work) -> Outcome[Any]:
    """End one's absence."""
    work.tx.run("DELETE FROM out_of_office WHERE org_id = :org AND user_id = :user", user=work.cmd.actor)
    work.audit(work.tx.org_id, "out_of_office.ended", {"user_id": work.cmd.actor})
    return Outcome(absence_body(work.tx, work.cmd.actor))


def _utc(value: str) -> datetime:
    moment = datetime.fromisoformat(value)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
