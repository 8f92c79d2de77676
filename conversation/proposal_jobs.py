"""Tools that propose, and the one that commits."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Final, Literal
from urllib.parse import quote

from pydantic import Field, JsonValue

from conversation.api import Refused
from conversation.customer_jobs import CustomerId
from conversation.jobs import Talk, job
from models.answers import JsonObject, WarningAnswer, answer
from models.approvals.chain import Decision
from models.approvals.requests import DelegateStep
from models.cash.requests import ApplySession, AssignPayment
from models.customers.bodies import CreateCustomer
from models.customers.patch import PatchCustomer
from models.values import Body, Choice, ReasonCode, RecordId, Text

_STALE: Final = "After PROPOSAL_STALE show the person the new effect, then commit the new proposal_id."
_FIX: Final = "Look at the records again (find_customers, open_invoices, explain_record), and propose anew."


@answer
class Proposed:
    """What would be done; nothing has been. Show `in_words` to the person, then commit `proposal_id`. `effect`: what the
    operation would answer, with the journal entries that it would post."""

    proposal_id: str
    operation: str
    record_id: str
    effect: JsonObject
    in_words: Sequence[str]
    warnings: Sequence[WarningAnswer]
    expires_at: datetime
    confirmation: Literal["elicitation", "page"]
    confirm_url: str


async def propose(talk: Talk, operation: str, record_id: str | None, body: Mapping[str, JsonValue]) -> JsonObject:
    """Ask the API for the proposal."""
    made = await talk.api.post("/v1/proposals", {"operation": operation, "record_id": record_id, "body": dict(body)})
    shown = {name: made[name] for name in Proposed.__dataclass_fields__ if name != "confirm_url"}
    return {**shown, "confirm_url": _page(talk, str(made["proposal_id"]))}


def _page(talk: Talk, proposal_id: str) -> str:
    return f"{talk.api.base_url}/confirm/{proposal_id}"


def _rest(asked: Body, *taken: str) -> dict[str, JsonValue]:
    """The body without what named the record, as it was sent."""
    dumped = asked.model_dump(mode="json", exclude_unset=True)
    return {name: value for name, value in dumped.items() if name not in taken}


@job("propose_customer_create", "Propose a new customer", CreateCustomer, Proposed, reads=False, next=_FIX)
async def propose_customer_create(talk: Talk, asked: CreateCustomer) -> JsonObject:
    """Show what submitting a new customer would do: everything that belongs to it in one call (addresses, contacts, prices, tax
    profiles, credit limit, terms). Nothing is changed; commit submits it to its approvers."""
    return await propose(talk, "customer.create", None, _rest(asked))


class ProposeCustomerUpdate(PatchCustomer):
    """The customer, and what changes: absent is unchanged, null is cleared, lists by add, update and delete."""

    customer_id: CustomerId = ""


@job("propose_customer_update", "Propose a customer's change", ProposeCustomerUpdate, Proposed, reads=False, next=_FIX)
async def propose_customer_update(talk: Talk, asked: ProposeCustomerUpdate) -> JsonObject:
    """Show what a change of a customer would do. Absent fields stay, null clears one; related lists take items with `action`
    add, update or delete. Nothing is changed; commit submits it to its approvers."""
    return await propose(talk, "customer.update", asked.customer_id, _rest(asked, "customer_id"))


class ProposeCustomerEnd(Body):
    """Which customer, and what becomes of it."""

    customer_id: CustomerId
    what: Literal["deactivate", "reactivate", "delete"]
    reason_code: ReasonCode | None = None


@job("propose_customer_end", "Propose to end or reopen a customer", ProposeCustomerEnd, Proposed, reads=False,
     destructive=True, next=_FIX)  # fmt: skip
async def propose_customer_end(talk: Talk, asked: ProposeCustomerEnd) -> JsonObject:
    """Show what deactivating, reactivating or deleting (for good, with all personal data) a customer would do. Nothing is
    changed; commit submits it to its approvers."""
    body = {} if asked.what == "reactivate" else _rest(asked, "customer_id", "what")
    return await propose(talk, f"customer.{asked.what}", asked.customer_id, body)


ApprovalId = Annotated[RecordId, Field(description="As waiting_for_me answers it (chg_… imp_… apr_…)")]


def _noun(approval_id: str) -> str:
    """What the operations on an approval of this kind are called by."""
    return {"imp": "import", "apr": "approval"}.get(approval_id.partition("_")[0], "change")


class ProposeDecision(Body):
    """What is decided, and how. Rejecting and returning need a reason_code."""

    approval_id: ApprovalId
    decision: Choice[Decision]
    step: Annotated[int, Field(ge=1, le=10)] | None = None
    reason_code: ReasonCode | None = None
    comment: Text | None = None


@job("propose_decision", "Propose a decision", ProposeDecision, Proposed, reads=False, destructive=True, next=_FIX)
async def propose_decision(talk: Talk, asked: ProposeDecision) -> JsonObject:
    """Show what approving, rejecting or returning would do. Only the person can confirm a decision, on the page whose address
    commit answers: you cannot."""
    return await propose(talk, f"{_noun(asked.approval_id)}.decide", asked.approval_id, _rest(asked, "approval_id"))


class ProposeDelegation(DelegateStep):
    """Whose step goes to whom."""

    approval_id: ApprovalId


@job("propose_delegation", "Propose to delegate a step", ProposeDelegation, Proposed, reads=False, next=_FIX)
async def propose_delegation(talk: Talk, asked: ProposeDelegation) -> JsonObject:
    """Show what giving a step of an approval to another person would do. Only the person can confirm it, on a page."""
    return await propose(talk, f"{_noun(asked.approval_id)}.delegate", asked.approval_id, _rest(asked, "approval_id"))


class ProposeWithdrawal(Body):
    """Which change is taken back by its submitter."""

    approval_id: ApprovalId
    reason_code: ReasonCode | None = None


@job("propose_withdrawal", "Propose to withdraw a change", ProposeWithdrawal, Proposed, reads=False, next=_FIX)
async def propose_withdrawal(talk: Talk, asked: ProposeWithdrawal) -> JsonObject:
    """Show what taking back a change that the person submitted would do."""
    return await propose(talk, f"{_noun(asked.approval_id)}.withdraw", asked.approval_id, _rest(asked, "approval_id"))


class ProposeApplication(ApplySession):
    """The payment, or the credit that is spent, and the session: the body of apply."""

    payment_id: Annotated[RecordId, Field(description="A payment's id (pay_…), or a customer credit's (cred_…)")]


@job("propose_application", "Propose an application", ProposeApplication, Proposed, reads=False, next=_FIX)
async def propose_application(talk: Talk, asked: ProposeApplication) -> JsonObject:
    """Show what applying a payment to invoices would do: balances and statuses afterwards, what is left, the journal entry.
    Amounts in minor units of the payment's currency. Nothing is changed; commit posts exactly this."""
    operation = "apply_credit" if asked.payment_id.startswith("cred_") else "apply_payment"
    return await propose(talk, operation, asked.payment_id, _rest(asked, "payment_id"))


class ProposeAssignment(AssignPayment):
    """Whose a payment is."""

    payment_id: Annotated[RecordId, Field(description="A payment whose customer is not known (pay_…)")]


@job("propose_assignment", "Propose whose a payment is", ProposeAssignment, Proposed, reads=False, next=_FIX)
async def propose_assignment(talk: Talk, asked: ProposeAssignment) -> JsonObject:
    """Show what saying whose a receipt is would do, where the bank's line did not say it."""
    return await propose(talk, "assign_payment", asked.payment_id, _rest(asked, "payment_id"))


class ProposeUndo(Body):
    """One application is undone, or a whole payment taken back: give one of the two ids."""

    payment_id: Annotated[RecordId, Field(description="Reverses the payment and everything that it did")] | None = None
    application_id: Annotated[RecordId, Field(description="Undoes this application alone (papp_…)")] | None = None
    reason_code: ReasonCode
    note: Text | None = None


@job("propose_undo", "Propose to undo", ProposeUndo, Proposed, reads=False, destructive=True, next=_FIX)
async def propose_undo(talk: Talk, asked: ProposeUndo) -> JsonObject:
    """Show what undoing one application, or reversing a whole payment, would do. The books are corrected by entries; nothing
    is deleted."""
    body = _rest(asked, "payment_id", "application_id")
    if (asked.payment_id is None) is (asked.application_id is None):
        raise Refused(
            {"code": "VALIDATION_FAILED", "status": 422, "detail": "Give payment_id or application_id, one of the two."}
        )
    if asked.application_id is not None:
        return await propose(talk, "unapply_application", asked.application_id, body)
    return await propose(talk, "reverse_payment", asked.payment_id, body)


class Commit(Body):
    """Which proposal."""

    proposal_id: Annotated[RecordId, Field(description="As a propose_ tool answered it (prop_…)")]


@answer
class Committed:
    """COMMITTED: done, exactly as shown, with the operation's `result`; again, and the same is answered. UNDER_WAY: it goes on;
    call commit again. CONFIRMATION_REQUIRED: the person opens `confirm_url`, signed in; call commit again afterwards to be
    told. DECLINED: the person said no; nothing was done."""

    proposal_id: str
    status: Literal["COMMITTED", "UNDER_WAY", "CONFIRMATION_REQUIRED", "DECLINED"]
    confirm_url: str | None
    http_status: int | None
    result: JsonObject | None
    detail: str


@job("commit", "Carry out a proposal", Commit, Committed, reads=False, destructive=True, next=_STALE)
async def commit(talk: Talk, asked: Commit) -> JsonObject:
    """Carry out exactly the effect that a proposal showed, once. The person confirms it: in a dialogue of their assistant, or
    on a page; you cannot confirm. Repeating it never does anything twice."""
    path = f"/v1/proposals/{quote(asked.proposal_id, safe='')}"
    p = await talk.api.get(path)
    if p["status"] == "DECLINED":
        return _ended(asked, "DECLINED", "The person declined it. Nothing was done.")
    if p["status"] != "OPEN":
        return await _carried_out(talk, asked, path)
    if p["expired"]:
        raise Refused({"code": "PROPOSAL_EXPIRED", "status": 409, "detail": f"It was good until {p['expires_at']}."})
    if p["confirmation"] == "page" or not talk.person.can_be_asked:
        return await _by_page(talk, asked, path)
    said = await talk.person.asked("Carry this out?\n" + "\n".join(f"• {line}" for line in _lines(p)))
    if said == "accept":
        return await _carried_out(talk, asked, path, by_the_person=True)
    if said == "decline":
        await talk.api.post(f"{path}/decline", {})
        return _ended(asked, "DECLINED", "The person declined it. Nothing was done.")
    return _by_url(talk, asked, "The person did not answer. Nothing was done; they can still confirm on the page.")


def _lines(p: JsonObject) -> list[str]:
    found = p["in_words"]
    return [str(line) for line in found] if isinstance(found, list) else []


async def _carried_out(talk: Talk, asked: Commit, path: str, *, by_the_person: bool = False) -> JsonObject:
    done = await talk.api.post(f"{path}/commit", {}, by_the_person=by_the_person)
    goes_on = done["status"] != "COMMITTED"
    said = "It goes on; call commit again to be told the end." if goes_on else "Carried out as it was shown."
    return {**_ended(asked, str(done["status"]), said), "http_status": done["http_status"], "result": done["result"]}


async def _by_page(talk: Talk, asked: Commit, path: str) -> JsonObject:
    """Send the person to the page; they may have confirmed when they come back."""
    if talk.person.can_be_sent:
        url = _page(talk, asked.proposal_id)
        await talk.person.sent("Look at what will be done, and confirm it or not.", url, asked.proposal_id)
        if (await talk.api.get(path))["status"] == "COMMITTED":
            return await _carried_out(talk, asked, path)
    return _by_url(talk, asked, "The person opens confirm_url, signed in, and confirms there. Then call commit again.")


def _by_url(talk: Talk, asked: Commit, detail: str) -> JsonObject:
    return {**_ended(asked, "CONFIRMATION_REQUIRED", detail), "confirm_url": _page(talk, asked.proposal_id)}


def _ended(asked: Commit, status: str, detail: str) -> dict[str, JsonValue]:
    return {
        "proposal_id": asked.proposal_id,
        "status": status,
        "confirm_url": None,
        "http_status": None,
        "result": None,
        "detail": detail,
    }
