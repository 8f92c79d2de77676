"""What people do to an open change: decide, withdraw, delegate, resubmit. One transaction each.

The chain's rule says who may; what is known only here (the delegate's role, the token of a signal) is checked here.
"""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

from models.access import Principal, with_included
from models.customers.approval import Chain, ChangeStatus, Decision, decide, delegate, repeats, resubmit, withdraw
from models.db.customers import changes
from models.db.customers import records as customers
from models.db.customers.standing import standing_of
from models.db.tx import Row
from models.errors import FieldError, Refusal
from models.ids import new_id
from operations import carried
from operations.customers.approval_tokens import consume
from operations.customers.execution import at_once
from operations.customers.policies import policy_of
from operations.customers.submission import (
    claim_keys,
    planned,
    propose_create,
    propose_status,
    propose_update,
)
from operations.customers.view import change_body
from operations.customers.visibility import require_change, require_cover
from operations.desk import resolve
from operations.runner import untyped_operation
from operations.work import Outcome, Work


def principal(work: Work) -> Principal:
    """The person behind the command, as the verified token said."""
    return Principal(work.cmd.actor, work.tx.org_id, frozenset(work.cmd.roles), work.cmd.entities)


def _open(work: Work) -> tuple[Row, Chain]:
    """The change, locked, and its chain; its caller's roles are noted."""
    row = changes.get(work.tx, str(work.cmd.resource_id), lock=True)
    require_change(row, work.cmd.entities)
    entities = None if work.cmd.entities is None else sorted(work.cmd.entities)
    changes.seen(work.tx, work.cmd.actor, work.cmd.roles, entities)
    return row, changes.chain(work.tx, row)


@untyped_operation("change.decide", carried.Change("decide"))
def decide_change(work: Work) -> Outcome[Any]:
    """Approve, reject or return the step. With the last approval the change is executed (operations/.../execution.py)."""
    tx, body = work.tx, work.cmd.body
    row, before = _open(work)
    decision, reason = Decision(body["decision"]), body.get("reason_code")
    if "token_id" not in body and repeats(before, principal(work), decision, step=body.get("step"), reason=reason):
        return replace(_answer(work, row, before), replayed=True)
    if "token_id" in body:
        if body["round"] != before.round:
            raise Refusal("APPROVAL_TOKEN_INVALID", "The token is of an earlier round.")
        consume(work, body["token_id"])
    after = decide(before, principal(work), decision, work.now, step=body.get("step"), reason=reason)
    mine = next(s for s, old in zip(after.steps, before.steps, strict=True) if s.decided_at != old.decided_at)
    said = {
        "round": after.round,
        "step": mine.number,
        "role": mine.role,
        "decision": decision.value,
        "decided_by": work.cmd.actor,
        "on_behalf_of": mine.on_behalf_of,
        "reason_code": reason,
        "comment": body.get("comment"),
        "channel": body.get("channel", "api"),
        "decided_at": work.now,
    }
    tx.insert("customer_change_decisions", [{"id": new_id("dec"), "change_id": row["id"]} | said])
    done = at_once(work, row, after)
    over = done.chain.status in {ChangeStatus.REJECTED, ChangeStatus.APPROVED}
    changes.save(tx, row["id"], before, done.chain, body.get("comment"), release=over, **done.columns)
    if after.returned:
        work.open_exception(
            "change_returned",
            str(reason),
            row["id"],
            owner_user=row["submitted_by"],
            legal_entity_id=row["legal_entity_id"],
            detail={"change_id": row["id"], "customer_id": row["customer_id"], "step": mine.number},
        )
    if mine.reminded_at or mine.escalated_at:
        resolve(tx, "approval_overdue", row["id"], work.cmd.actor, "DECIDED")
    work.audit(row["id"], "customer.change.decided", said | {"step_started_at": mine.started_at}, reason_code=reason)
    ids = {"change_id": row["id"], "customer_id": row["customer_id"], "step": mine.number, "decision": decision.value}
    work.emit("customer.change.decided", row["id"], ids)
    if done.said is not None:
        work.take(done.said)
    return _answer(work, row, done.chain)


@untyped_operation("change.withdraw", carried.Change("withdraw"))
def withdraw_change(work: Work) -> Outcome[Any]:
    """The submitter takes the change back; a failed one too."""
    row, before = _open(work)
    after = withdraw(before, principal(work))
    changes.save(work.tx, row["id"], before, after, release=True)
    for kind in ("approval_overdue", "change_failed", "change_returned"):
        resolve(work.tx, kind, row["id"], work.cmd.actor, "WITHDRAWN")
    work.audit(
        row["id"], "customer.change.withdrawn", {"before": before.status}, reason_code=work.cmd.body.get("reason_code")
    )
    return _answer(work, row, after)


@untyped_operation("change.delegate", carried.Change("delegate"))
def delegate_step(work: Work) -> Outcome[Any]:
    """Give a step to another person who holds its role; one who is out of office passes it on to the stand-in."""
    row, before = _open(work)
    body = work.cmd.body
    until = _until(body.get("until"))
    to = changes.stand_in(work.tx, body["to_user_id"], work.now)
    after = delegate(before, principal(work), body["step"], to, until, work.now)
    role = after.steps[body["step"] - 1].role
    known = changes.person(work.tx, to)
    if known is not None and role not in with_included(known["roles"]):
        detail = f"{to} does not hold the role {role}."
        errors = [FieldError("/to_user_id", "DELEGATE_LACKS_ROLE", detail)]
        raise Refusal("DELEGATE_LACKS_ROLE", detail, errors=errors, role=role)
    changes.save(work.tx, row["id"], before, after)
    said = {"step": body["step"], "to": to, "asked_for": body["to_user_id"], "until": until}
    work.audit(row["id"], "customer.change.delegated", said)
    return _answer(work, row, after)


def _until(value: str | None) -> datetime | None:
    """A moment, or a date to whose end (UTC) the delegation holds."""
    if value is None:
        return None
    if len(value) == 10:
        return datetime.combine(datetime.fromisoformat(value).date(), time(), UTC) + timedelta(days=1)
    moment = datetime.fromisoformat(value)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@untyped_operation("change.resubmit", carried.Change("resubmit"))
def resubmit_change(work: Work) -> Outcome[Any]:
    """A new round of a returned or failed change: as corrected, or what was asked, re-based on the record as it is."""
    tx = work.tx
    row, before = _open(work)
    policy = policy_of(tx)
    # First whether it may be at all: nothing else is looked at for one who may not.
    resubmit(before, principal(work), planned_steps(row), work.now)
    request = work.cmd.body.get("request") or row["request"]
    if request is None:
        raise Refusal("CHANGE_CLOSED", "The change has been erased.")
    customers.release(tx, row["id"])
    if row["operation"] == "create":
        proposal = propose_create(work, request, row["customer_id"])
    elif row["operation"] == "update":
        proposal = propose_update(work, row["customer_id"], request, {})
    else:
        proposal = propose_status(work, row["customer_id"], row["operation"])
    require_cover(work, proposal.concerns)
    claim_keys(tx, row["id"], proposal)
    chain, columns = planned(tx, policy, proposal, row["submitted_by"], before.round + 1)
    tx.insert("customer_change_steps", changes.chain_rows(row["id"], chain))
    changes.save_state(
        tx,
        row["id"],
        chain,
        **columns,
        request=request,
        external_id=proposal.after["external_id"] if row["operation"] == "create" else None,
        base_version=proposal.version,
        failure_code=None,
        failure_detail=None,
    )
    for kind in ("change_failed", "change_returned"):
        resolve(tx, kind, row["id"], work.cmd.actor, "RESUBMITTED")
    said = {"round": chain.round, "diff": columns["diff"], "warnings": columns["warnings"]}
    work.audit(row["id"], "customer.change.resubmitted", said)
    return _answer(work, row, chain)


def planned_steps(row: Any) -> list[Any]:
    """A placeholder plan for asking whether a resubmission is allowed: the real one needs the proposal."""
    from models.customers.approval_policy import ApprovalPolicy, plan

    return plan(ApprovalPolicy(), row["operation"])


def _answer(work: Work, row: Row, after: Chain) -> Outcome[Any]:
    return Outcome(change_body(work.tx, row["id"]), aside=standing_of(row, after, work.now))
