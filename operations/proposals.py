"""Proposing: the operation is carried out for its effect and taken back; what stays is the proposal."""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from models.access import Principal
from models.answers import JsonObject
from models.approvals.chain import require_reason
from models.approvals.requests import DecideChange, DelegateStep, WithdrawChange
from models.cash.credit_note_requests import ApplyCreditNote, CreateCreditNote, UnapplyCreditNote, VoidCreditNote
from models.cash.deduction_requests import DecideDeduction, OpenDeduction
from models.cash.requests import ApplySession, AssignPayment, ReversePayment, UnapplyApplication, UndoAdjustment
from models.cash.write_offs import CreateWriteOff, ReverseWriteOff
from models.conversation.in_words import in_words
from models.conversation.proposals import (
    COMMIT_PATH,
    GOOD_FOR,
    PROPOSABLE,
    ConfirmProposal,
    DeclineProposal,
    Effect,
    KeptProposal,
    ProposalAnswer,
    ProposalRecord,
    ProposalStatus,
)
from models.customers.bodies import CreateCustomer
from models.customers.patch import PatchCustomer
from models.customers.requests import DeleteCustomer, DeleteMode, UpdateCustomer
from models.db import master_data, proposals
from models.db.cash.rates import required_rate
from models.db.tx import to_json
from models.errors import FieldError, Refusal
from models.ids import new_id, noting_ids
from models.imports.requests import SubmitImport
from models.money import convert
from models.values import Body, Empty
from operations.commands import Submission, command_of
from operations.effects import effect_of
from operations.execution import workflow_id
from operations.proposed import require_agents
from operations.runner import OPERATIONS, operation
from operations.work import Command, Outcome, Work


def _decision(body: Body) -> Body:
    assert isinstance(body, DecideChange)
    require_reason(body.decision, body.reason_code)
    return body


def _update(body: Body) -> Body:
    assert isinstance(body, PatchCustomer)
    return UpdateCustomer(patch=body)


def _soft(body: Body) -> Body:
    assert isinstance(body, DeleteCustomer)
    return body.model_copy(update={"mode": DeleteMode.SOFT})


def _hard(body: Body) -> Body:
    assert isinstance(body, DeleteCustomer)
    return body.model_copy(update={"mode": DeleteMode.HARD})


def _session(body: Body) -> Body:
    assert isinstance(body, ApplySession)
    if not body.invoice_ids and not body.overpayment:
        detail = "Name an invoice, or say overpayment."
        raise Refusal("VALIDATION_FAILED", detail, errors=[FieldError("/body/applications", "FIELD_REQUIRED", detail)])
    return body


def _as_sent(body: Body) -> Body:
    return body


BODIES: Final[Mapping[str, tuple[type[Body], Callable[[Body], Body]]]] = MappingProxyType(
    {
        "customer.create": (CreateCustomer, _as_sent),
        "customer.update": (PatchCustomer, _update),
        "customer.deactivate": (DeleteCustomer, _soft),
        "customer.reactivate": (Empty, _as_sent),
        "customer.delete": (DeleteCustomer, _hard),
        "change.decide": (DecideChange, _decision),
        "change.delegate": (DelegateStep, _as_sent),
        "change.withdraw": (WithdrawChange, _as_sent),
        "import.submit": (SubmitImport, _as_sent),
        "import.pause": (Empty, _as_sent),
        "import.resume": (Empty, _as_sent),
        "import.cancel": (Empty, _as_sent),
        "import.decide": (DecideChange, _decision),
        "import.delegate": (DelegateStep, _as_sent),
        "import.withdraw": (WithdrawChange, _as_sent),
        "approval.decide": (DecideChange, _decision),
        "approval.delegate": (DelegateStep, _as_sent),
        "approval.withdraw": (WithdrawChange, _as_sent),
        "assign_payment": (AssignPayment, _as_sent),
        "apply_payment": (ApplySession, _session),
        "apply_credit": (ApplySession, _session),
        "reverse_payment": (ReversePayment, _as_sent),
        "unapply_application": (UnapplyApplication, _as_sent),
        "undo_adjustment": (UndoAdjustment, _as_sent),
        "create_write_off": (CreateWriteOff, _as_sent),
        "reverse_write_off": (ReverseWriteOff, _as_sent),
        "open_deduction": (OpenDeduction, _as_sent),
        "resolve_deduction": (DecideDeduction, _as_sent),
        "create_credit_note": (CreateCreditNote, _as_sent),
        "apply_credit_note": (ApplyCreditNote, _as_sent),
        "unapply_credit_note": (UnapplyCreditNote, _as_sent),
        "void_credit_note": (VoidCreditNote, _as_sent),
    }
)
"""The body of each operation as its own path takes it, and as the operation does."""


_NAMED: Final = re.compile(r"\b(?:invoice|cn)_[0-9a-z]{26}\b")


class _TakenBack(Exception):
    """The rehearsal is over."""

    def __init__(self, effect: Effect) -> None:
        self.effect = effect


@operation("proposal.make", KeptProposal, ProposalAnswer)
def make_proposal(work: Work, asked: KeptProposal) -> Outcome[ProposalAnswer]:
    """Keep a proposal with the effect that it would have now. Nothing else is changed. One that it replaces is stale."""
    require_agents(master_data.settings_of(work.tx).agents, writes=asked.agent is not None or asked.client is not None)
    record_id = asked.record_id or new_id(PROPOSABLE[asked.operation].makes)
    effect = _rehearsed(work, _command(work, asked, record_id))
    minor, currency = _counted(work, effect.amounts, asked)
    by_page = PROPOSABLE[asked.operation].by_page or effect.money_leaves
    made = ProposalRecord(
        id=new_id("prop"),
        operation=asked.operation,
        record_id=record_id,
        body=asked.body,
        effect=_named(work, effect),
        effect_hash=effect.hash,
        warnings=effect.warnings,
        confirmation="page" if by_page else "elicitation",
        customer_id=effect.customer_id,
        actor=work.cmd.actor,
        agent=asked.agent,
        client=asked.client,
        writes_per_hour=asked.writes_per_hour,
        amount_minor_per_day=asked.amount_minor_per_day,
        amount_minor=minor,
        budget_currency=asked.budget_currency,
        amount_currency=currency,
        status=ProposalStatus.OPEN,
        made_at=work.now,
        expires_at=work.now + GOOD_FOR,
        ended_at=None,
        confirmed_by=None,
        command_id=None,
        successor_id=None,
    )
    work.add("proposals", [made])
    if asked.replaces is not None:
        _replace(work, asked.replaces, made.id)
    work.conversation = made.conversation
    work.audit(made.id, "proposal.made", {"operation": made.operation, "record_id": record_id})
    return Outcome(proposal_answer(made, expired=False), 201)


def _counted(work: Work, amounts: Mapping[str, int], asked: KeptProposal) -> tuple[int, str | None]:
    """What counts against the agent's budget, and in which currency: the budget's, at the rates of today, else the functional
    one. FX_RATE_MISSING where the budget bounds what no rate leads to."""
    total, within = sum(amounts.values()), asked.budget_currency
    if within is None or asked.amount_minor_per_day is None:
        return total, next(iter(amounts)) if len(amounts) == 1 else None
    return sum(_in(work, minor, currency, within) for currency, minor in amounts.items()), within


def _in(work: Work, minor: int, currency: str, within: str) -> int:
    if currency == within or not minor:
        return minor
    return convert(minor, required_rate(work.tx, currency, within, work.now.date()), currency, within)


def _named(work: Work, effect: Effect) -> JsonObject:
    """The effect with `names`: what people know its records by. It is no part of what is compared."""
    ids = set(_NAMED.findall(to_json(effect.shown)))
    names = proposals.names_of(work.tx, ids, effect.customer_id)
    return {**effect.shown, "names": dict(names)} if names else effect.shown


def _replace(work: Work, proposal_id: str, successor_id: str) -> None:
    former = proposals.get(work.tx, proposal_id, lock=True)
    if former.status is ProposalStatus.OPEN:
        proposals.end(work.tx, former.id, ProposalStatus.STALE, successor_id=successor_id)


def _command(work: Work, asked: KeptProposal, record_id: str) -> Command:
    """The command that the proposal would become."""
    cmd = work.cmd
    who = Principal(cmd.actor, work.tx.org_id, frozenset(cmd.roles), cmd.entities)
    command_id = new_id("cmd")
    return command_of(
        who,
        Submission(
            operation=asked.operation,
            path=COMMIT_PATH.format("rehearsed"),
            body=asked.body,
            idempotency_key="",
            key_given=True,
            request_id=cmd.request_id,
            resource_id=record_id,
            subject_id=record_id,
            workflow_id=workflow_id(OPERATIONS[asked.operation].execution, record_id, command_id),
            command_id=command_id,
        ),
    )


def _rehearsed(work: Work, cmd: Command) -> Effect:
    """What the command would do: done, checked as a commit would, and taken back."""
    inner, asked_for = Work(work.tx, cmd), OPERATIONS[cmd.operation]
    try:
        with work.tx.savepoint("rehearsed"):
            with noting_ids() as made:
                done = asked_for.do(inner, asked_for.asked(cmd)).written()
            effect = effect_of(inner, done, made)
            inner.flush()
            work.tx.check_constraints()
            raise _TakenBack(effect)
    except _TakenBack as back:
        return back.effect


@operation("proposal.confirm", ConfirmProposal, ProposalAnswer)
def confirm_proposal(work: Work, asked: ConfirmProposal) -> Outcome[ProposalAnswer]:
    """The person says yes, by their own hand. What follows is carried out by a command of its own."""
    p = _own(work)
    p.require_committable(work.now)
    if p.confirmed_by != asked.by:
        proposals.confirm(work.tx, p.id, asked.by)
        work.conversation = p.conversation
        work.audit(p.id, "proposal.confirmed", {"by": asked.by, "operation": p.operation, "record_id": p.record_id})
    return Outcome(proposal_answer(p, expired=False))


@operation("proposal.decline", DeclineProposal, ProposalAnswer)
def decline_proposal(work: Work, asked: DeclineProposal) -> Outcome[ProposalAnswer]:
    """The person says no; again, and nothing happens."""
    p = _own(work)
    if p.status is ProposalStatus.COMMITTED:
        raise Refusal("PROPOSAL_CLOSED", "The proposal has been carried out.")
    if p.status is ProposalStatus.OPEN:
        proposals.end(work.tx, p.id, ProposalStatus.DECLINED)
        work.conversation = p.conversation
        work.audit(p.id, "proposal.declined", {"operation": p.operation}, reason_code=asked.reason_code)
    now = proposals.get(work.tx, p.id)
    return Outcome(proposal_answer(now, expired=False))


def _own(work: Work) -> ProposalRecord:
    p = proposals.get(work.tx, str(work.cmd.resource_id), lock=True)
    if p.actor != work.cmd.actor:
        raise Refusal("FORBIDDEN", "This is another person's proposal.")
    return p


def proposal_answer(p: ProposalRecord, *, expired: bool) -> ProposalAnswer:
    """The proposal as it stands."""
    return ProposalAnswer(
        proposal_id=p.id,
        status=p.status,
        operation=p.operation,
        record_id=p.record_id,
        effect=p.effect,
        in_words=in_words(p.operation, p.record_id, p.effect),
        warnings=p.warnings,
        effect_hash=p.effect_hash,
        confirmation=p.confirmation,
        confirm_path=f"/confirm/{p.id}",
        proposed_by=p.actor,
        agent=p.agent,
        client=p.client,
        made_at=p.made_at,
        expires_at=p.expires_at,
        expired=expired,
        ended_at=p.ended_at,
        successor_id=p.successor_id,
    )
