"""An organisation's approval policy."""

from models.customers.approval_policy import ApprovalPolicy
from models.customers.change_records import KeptPolicy
from models.db.tx import Tx
from models.facts import Facts


def get(tx: Tx) -> KeptPolicy:
    """The policy; where none was put, the table that every organisation has."""
    kept = tx.record(KeptPolicy, "SELECT * FROM approval_policies WHERE org_id = :org")
    return kept or KeptPolicy(policy=ApprovalPolicy())


def lock(tx: Tx) -> None:
    """Of two that put a policy, the second waits here for the first."""
    tx.later("SELECT pg_advisory_xact_lock(hashtextextended('approval_policy:' || :org, 0))")


def put(tx: Tx, policy: ApprovalPolicy, by: str) -> None:
    """Keep the policy in place of the one before, at the next version."""
    row: Facts = {"policy": policy.dump(), "version": 1, "updated_at": tx.now, "updated_by": by}
    tx.insert(
        "approval_policies",
        [row],
        suffix="ON CONFLICT (org_id) DO UPDATE SET policy = excluded.policy, version = approval_policies.version + 1, "
        "updated_at = excluded.updated_at, updated_by = excluded.updated_by",
    )
