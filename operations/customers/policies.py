"""An organisation's approval policy: reading it, and tightening it."""

from typing import Any

from models.customers.approval_policy import BASE, ApprovalPolicy, PolicyAsRead, loosened, plan
from models.db.tx import Tx
from models.errors import FieldError, Refusal
from operations.runner import untyped_operation
from operations.work import Outcome, Work


def policy_of(tx: Tx) -> ApprovalPolicy:
    """The organisation's policy; the seed's table where it has none."""
    stored = tx.scalar("SELECT policy FROM approval_policies WHERE org_id = :org")
    return ApprovalPolicy.model_validate(stored or {})


def policy_body(tx: Tx) -> dict[str, object]:
    """The policy as it was put, and the steps that follow from it for each operation."""
    row = tx.one("SELECT * FROM approval_policies WHERE org_id = :org")
    policy = ApprovalPolicy.model_validate(row["policy"] if row else {})
    effective = {
        op: [
            {
                "step": n,
                "role": s.role,
                "remind_after_seconds": int(s.remind_after.total_seconds()),
                "escalate_after_seconds": int(s.escalate_after.total_seconds()),
                "fallback": s.fallback,
            }
            for n, s in enumerate(plan(policy, op), 1)
        ]
        for op in BASE
    }
    return policy.model_dump(mode="json", exclude_none=True) | {
        "effective_steps": effective,
        "version": row["version"] if row else 0,
        "updated_at": row["updated_at"] if row else None,
        "updated_by": row["updated_by"] if row else None,
    }


@untyped_operation("approval_policy.put")
def put_policy(work: Work) -> Outcome[Any]:
    """Replace the policy. Raises POLICY_LOOSENED where it asks less than the seed's table, VERSION_MISMATCH where it

    was read before another one was put, VALIDATION_FAILED where a read-only field is not what it was read as.
    """
    given, read_only = PolicyAsRead.model_validate(work.cmd.body).split()
    policy = ApprovalPolicy.model_validate(given)
    less = loosened(policy)
    if less:
        detail = f"The steps of {', '.join(less)} leave out what every organisation needs."
        errors = [
            FieldError(f"/operations/{op}/steps", "POLICY_LOOSENED", f"At least: {', '.join(BASE[op])}.") for op in less
        ]
        raise Refusal("POLICY_LOOSENED", detail, errors=errors)
    tx = work.tx
    tx.scalar("SELECT pg_advisory_xact_lock(hashtextextended('approval_policy:' || :org, 0))")
    _, current = PolicyAsRead.model_validate(policy_body(tx)).split()
    _refuse_changed(read_only, current)
    before = tx.scalar("SELECT policy FROM approval_policies WHERE org_id = :org")
    row = {"policy": policy.dump(), "version": 1, "updated_at": work.now, "updated_by": work.cmd.actor}
    tx.insert(
        "approval_policies",
        [row],
        suffix="ON CONFLICT (org_id) DO UPDATE SET policy = excluded.policy, version = approval_policies.version + 1, "
        "updated_at = excluded.updated_at, updated_by = excluded.updated_by",
    )
    work.audit(tx.org_id, "approval_policy.changed", {"before": before, "after": policy.dump()})
    return Outcome(policy_body(tx))


def _refuse_changed(given: dict[str, Any], current: dict[str, Any]) -> None:
    """What GET added may come back with PUT, but only as it was read."""
    if given.get("version", current["version"]) != current["version"]:
        raise Refusal("VERSION_MISMATCH", f"The policy is at version {current['version']}.", version=current["version"])
    changed = [field for field, value in given.items() if value != current[field]]
    if changed:
        errors = [FieldError(f"/{f}", "FIELD_READ_ONLY", "Follows from the policy: it cannot be set.") for f in changed]
        raise Refusal("VALIDATION_FAILED", errors[0].detail, errors=errors)
