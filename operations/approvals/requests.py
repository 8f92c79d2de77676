"""Asking for approval, and what becomes of the approvals that are asked for (`apr_*`)."""

from dataclasses import replace
from typing import Final

from models.approvals import chain as rules
from models.approvals.answers import ApprovalAnswer
from models.approvals.approval import Approval, Asked
from models.approvals.approval_answer import approval_answer
from models.approvals.plan import PlannedStep
from models.approvals.requests import ResubmitApproval
from models.approvals.step_times import planned
from models.db.approvals import approvals, people, step_times
from models.db.tx import Tx
from models.facts import Fact, Facts
from models.ids import new_id
from models.messages.approvals import approval_workflow_id
from operations import execution
from operations.approvals import acts
from operations.approvals.execution import approved_by
from operations.approvals.families import FAMILIES, Family, Store, system_work
from operations.approvals.kinds import kind_of
from operations.approvals.staffing import missing, put_on_a_desk
from operations.runner import operation
from operations.work import Outcome, Work


def ask(work: Work, asked: Asked, approval_id: str | None = None) -> Approval:
    """Ask for approval, in the transaction that keeps what is to be approved. Its process begins with the event."""
    found = approval_id or new_id("apr")
    lacking = missing(work, asked.roles, asked.legal_entity_id)
    approval = Approval(
        id=found,
        kind=asked.kind,
        subject_id=asked.subject_id,
        customer_id=asked.customer_id,
        legal_entity_id=asked.legal_entity_id,
        summary=asked.summary,
        href=asked.href,
        amount_minor=asked.amount_minor,
        currency_code=asked.currency_code,
        reason_code=asked.reason_code,
        authority=asked.authority,
        request=asked.request,
        warnings=[*asked.warnings, *lacking],
        submitted_at=work.now,
        command_id=work.cmd.id,
        workflow_id=approval_workflow_id(found),
        chain=rules.open_chain(work.cmd.actor, plan(work.tx, asked), work.now),
    )
    people.seen(work.tx, work.cmd.actor, work.cmd.roles, work.cmd.entities)
    for table, rows in approvals.rows_of(approval).items():
        work.add(table, rows)
    work.audit(approval.id, "approval.submitted", _said(approval), reason_code=approval.reason_code)
    ids = {"approval_id": approval.id, "kind": approval.kind, "subject_id": approval.subject_id}
    work.emit("approval.submitted", approval.id, ids)
    put_on_a_desk(work, approval)
    return approval


def plan(tx: Tx, asked: Asked) -> list[PlannedStep]:
    """The steps to come, with the deadlines that the organisation has set by now."""
    return planned(step_times.get(tx), asked.kind, asked.roles)


def _said(a: Approval) -> dict[str, Fact]:
    return {
        "kind": a.kind,
        "subject_id": a.subject_id,
        "summary": a.summary,
        "amount_minor": a.amount_minor,
        "currency_code": a.currency_code,
        "round": a.chain.round,
        "roles": [s.role for s in a.chain.steps],
        "authority": a.authority,
        "request": a.request,
        "warnings": a.warnings,
    }


class Approvals(Family[Approval]):
    """Approvals of their own."""

    store: Store[Approval] = approvals
    word, noun = "approval", "approval"
    decided = "approval.decided"
    reminded = "approval.reminded"
    escalated = "approval.escalated"

    def ids(self, one: Approval) -> Facts:
        return {"approval_id": one.id, "kind": one.kind, "subject_id": one.subject_id}

    def carry_out(self, tx: Tx, one: Approval, request_id: str) -> None:
        """By a work of its own, written before the savepoint ends: refused, all of it is taken back."""
        doing = system_work(tx, one, "approval.execute", request_id)
        kind_of(one).carry_out(doing, one)
        doing.flush()

    def record_execution(self, work: Work, one: Approval, effect: int | None) -> None:
        said = {
            "kind": one.kind,
            "subject_id": one.subject_id,
            "approved": approved_by(one),
            "authority": one.authority,
        }
        work.audit(one.id, "approval.executed", said)

    def answer(self, one: Approval) -> ApprovalAnswer:
        return approval_answer(one)

    def over(self, work: Work, one: Approval) -> Approval:
        kind_of(one).follow(work, one)
        return one

    def follow(self, work: Work, one: Approval) -> None:
        kind_of(one).follow(work, one)


APPROVALS: Final = Approvals()
FAMILIES["apr"] = APPROVALS
acts.acts_of(APPROVALS, ApprovalAnswer, approval_answer, execution.Approval)


@operation("approval.resubmit", ResubmitApproval, ApprovalAnswer, execution.Approval("resubmit"))
def resubmit_approval(work: Work, asked: ResubmitApproval) -> Outcome[ApprovalAnswer]:
    """A new round of what was returned or could not be carried out, as things are now, under the limits of this day."""
    before = acts.opened(work, APPROVALS)
    who = acts.principal(work)
    rules.require_resubmittable(before.chain, who)
    again = kind_of(before).again(work.tx, before)
    chain = rules.resubmit(before.chain, who, plan(work.tx, again), work.now)
    after = replace(
        before.moved_to(chain, work.now),
        authority=again.authority,
        request=again.request,
        warnings=[*again.warnings, *missing(work, again.roles, again.legal_entity_id)],
        failure_code=None,
        failure_detail=None,
    )
    approvals.save(work.tx, before, after)
    kind_of(after).follow(work, after)
    acts.settled(work, APPROVALS, before.id, "RESUBMITTED")
    put_on_a_desk(work, after)
    work.audit(before.id, "approval.resubmitted", _said(after) | {"comment": asked.comment})
    return acts.answered(work, approval_answer, after)
