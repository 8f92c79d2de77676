"""An organisation's approval policy: reading it, and tightening it."""

import json

from models.access import ROLES
from models.answers import WarningAnswer
from models.approvals.step_times import StepTimes
from models.customers.approval_answers import ApprovalPolicyAnswer, policy_answer
from models.customers.approval_policy import BASE, ApprovalPolicy, PutApprovalPolicy, loosened
from models.db.approvals import people
from models.db.customers import policies
from models.db.tx import Tx, to_json
from models.errors import FieldError, Refusal
from operations.runner import operation
from operations.work import Outcome, Work


def policy_of(tx: Tx) -> ApprovalPolicy:
    """The organisation's policy; where it has none, the table that every organisation has."""
    return policies.get(tx).policy


@operation("approval_policy.put", PutApprovalPolicy, ApprovalPolicyAnswer)
def put_policy(work: Work, asked: PutApprovalPolicy) -> Outcome[ApprovalPolicyAnswer]:
    """Replace the policy. Raises POLICY_LOOSENED where it asks less than the table, VERSION_MISMATCH where it was read
    before another one was put, VALIDATION_FAILED where a read-only field is not what it was read as."""
    policy = asked.policy()
    less = loosened(policy)
    if less:
        detail = f"The steps of {', '.join(less)} leave out what every organisation needs."
        errors = [
            FieldError(f"/operations/{op}/steps", "POLICY_LOOSENED", f"At least: {', '.join(BASE[op])}.") for op in less
        ]
        raise Refusal("POLICY_LOOSENED", detail, errors=errors)
    tx = work.tx
    policies.lock(tx)
    before = policies.get(tx)
    _refuse_changed(asked, policy_answer(before))
    policies.put(tx, policy, work.cmd.actor)
    was = before.policy.dump() if before.version else None
    work.audit(tx.org_id, "approval_policy.changed", {"before": was, "after": policy.dump()})
    return Outcome(policy_answer(policies.get(tx), _unknown_people(tx, policy)))


def _unknown_people(tx: Tx, policy: ApprovalPolicy) -> list[WarningAnswer]:
    """Who is to hear of overdue steps, and is neither a role nor anybody who has signed in."""
    steps: list[StepTimes] = [s for p in policy.operations.values() for s in p.steps or ()]
    steps += [r.step for p in policy.operations.values() for r in p.rules]
    steps += [t for times in policy.deadlines.values() for t in times]
    named = sorted({s.fallback for s in steps if s.fallback and s.fallback not in ROLES})
    return [
        WarningAnswer(code="FALLBACK_UNKNOWN", detail=f"{who} is no role, and nobody has signed in as {who} yet.")
        for who in named
        if people.person(tx, who) is None
    ]


def _refuse_changed(given: PutApprovalPolicy, current: ApprovalPolicyAnswer) -> None:
    """What GET added may come back with PUT, but only as it was read."""
    sent = given.model_fields_set
    if "version" in sent and given.version != current.version:
        raise Refusal("VERSION_MISMATCH", f"The policy is at version {current.version}.", version=current.version)
    read_only = {
        "effective_steps": (given.effective_steps, json.loads(to_json(current.effective_steps))),
        "effective_deadlines": (given.effective_deadlines, json.loads(to_json(current.effective_deadlines))),
        "updated_at": (given.updated_at, current.updated_at),
        "updated_by": (given.updated_by, current.updated_by),
    }
    errors = [
        FieldError(f"/{f}", "FIELD_READ_ONLY", "Follows from the policy: it cannot be set.")
        for f, (said, now) in read_only.items()
        if f in sent and said != now
    ]
    if errors:
        raise Refusal("VALIDATION_FAILED", errors[0].detail, errors=errors)
