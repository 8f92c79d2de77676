"""Tools that propose what changes receivables: applications, what undoes them, write-offs, credit notes, deductions."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Final, Literal

from pydantic import Field

from conversation.api import Refused
from conversation.jobs import Talk, job
from conversation.proposing import FIX, Proposed, propose, rest
from models.answers import JsonObject
from models.cash.credit_note_requests import CreateCreditNote
from models.cash.requests import ApplySession, AssignPayment
from models.cash.write_offs import CreateWriteOff
from models.values import Body, PositiveMinor, ReasonCode, RecordId, Text, VerbatimText

_APPLIES: Final[Mapping[str, str]] = MappingProxyType({"cred": "apply_credit", "cn": "apply_credit_note"})


class ProposeApplication(ApplySession):
    """The payment, or the credit or credit note that is spent, and the session: the body of apply."""

    payment_id: Annotated[
        RecordId, Field(description="A payment's id (pay_…), a customer credit's (cred_…), or a credit note's (cn_…)")
    ]


@job("propose_application", "Propose an application", ProposeApplication, Proposed, reads=False, next=FIX)
async def propose_application(talk: Talk, asked: ProposeApplication) -> JsonObject:
    """Show what applying a payment to invoices would do: balances and statuses afterwards, what is left, the journal entry.
    Amounts in minor units of the payment's currency. Nothing is changed; commit posts exactly this."""
    operation = _APPLIES.get(asked.payment_id.partition("_")[0], "apply_payment")
    return await propose(talk, operation, asked.payment_id, rest(asked, "payment_id"))


class ProposeAssignment(AssignPayment):
    """Whose a payment is."""

    payment_id: Annotated[RecordId, Field(description="A payment whose customer is not known (pay_…)")]


@job("propose_assignment", "Propose whose a payment is", ProposeAssignment, Proposed, reads=False, next=FIX)
async def propose_assignment(talk: Talk, asked: ProposeAssignment) -> JsonObject:
    """Show what saying whose a receipt is would do, where the bank's line did not say it."""
    return await propose(talk, "assign_payment", asked.payment_id, rest(asked, "payment_id"))


class ProposeUndo(Body):
    """What is undone: give one of the ids."""

    payment_id: Annotated[RecordId, Field(description="Reverses the payment and everything that it did")] | None = None
    application_id: Annotated[RecordId, Field(description="Undoes this application alone (papp_…)")] | None = None
    record_id: (
        Annotated[
            RecordId,
            Field(
                description="Undoes an adjustment (adj_…) or what a credit note settled (cnapp_…), reverses a write-off (wo_…), "
                "voids a credit note (cn_…), withdraws what the person submitted for approval (chg_… imp_… apr_…)"
            ),
        ]
        | None
    ) = None
    reason_code: ReasonCode
    note: Text | None = None


_UNDOES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "pay": "reverse_payment",
        "papp": "unapply_application",
        "adj": "undo_adjustment",
        "cnapp": "unapply_credit_note",
        "wo": "reverse_write_off",
        "cn": "void_credit_note",
        "chg": "change.withdraw",
        "imp": "import.withdraw",
        "apr": "approval.withdraw",
    }
)
"""What undoes a record, by the prefix of its id."""


@job("propose_undo", "Propose to undo", ProposeUndo, Proposed, reads=False, destructive=True, next=FIX)
async def propose_undo(talk: Talk, asked: ProposeUndo) -> JsonObject:
    """Show what undoing one application, adjustment or write-off, voiding a credit note, reversing a whole payment, or
    withdrawing a submitted change would do. The books are corrected by entries; nothing is deleted."""
    given = [i for i in (asked.payment_id, asked.application_id, asked.record_id) if i is not None]
    operation = _UNDOES.get(given[0].partition("_")[0]) if len(given) == 1 else None
    if operation is None:
        detail = "Give payment_id, application_id or record_id, one of the three, of something that can be undone."
        raise Refused({"code": "VALIDATION_FAILED", "status": 422, "detail": detail})
    taken = ("payment_id", "application_id", "record_id", *(("note",) if operation.endswith(".withdraw") else ()))
    return await propose(talk, operation, given[0], rest(asked, *taken))


@job("propose_write_off", "Propose a write-off", CreateWriteOff, Proposed, reads=False, destructive=True, next=FIX)
async def propose_write_off(talk: Talk, asked: CreateWriteOff) -> JsonObject:
    """Show what giving up an invoice's balance, or a part of it (amount_minor, in its currency), would do. Within the person's
    authority it is posted at the commit; beyond it those above are asked first. Nothing is changed."""
    return await propose(talk, "create_write_off", None, rest(asked))


@job("propose_credit_note", "Propose a credit note", CreateCreditNote, Proposed, reads=False, next=FIX)
async def propose_credit_note(talk: Talk, asked: CreateCreditNote) -> JsonObject:
    """Show what a credit note to a customer would do; with invoice_id it corrects that invoice. Within the person's authority it
    is posted at the commit; beyond it those above are asked first. propose_application with its id (cn_…) then settles
    invoices with it. Nothing is changed."""
    return await propose(talk, "create_credit_note", None, rest(asked))


class ProposeDeduction(Body):
    """What a customer does not pay of an invoice (invoice_id, amount_minor), or how a deduction that is there is decided
    (deduction_id, decision)."""

    invoice_id: RecordId | None = None
    amount_minor: PositiveMinor | None = None
    customer_reason: Annotated[VerbatimText, Field(description="In the customer's own words")] | None = None
    deduction_id: Annotated[RecordId, Field(description="Which one is decided (ded_…)")] | None = None
    decision: Annotated[
        Literal["accept", "reject"], Field(description="accept credits it, reject collects it")
    ] | None = None  # fmt: skip
    reason_code: ReasonCode
    note: Text | None = None


@job("propose_deduction", "Propose a deduction or its end", ProposeDeduction, Proposed, reads=False, next=FIX)
async def propose_deduction(talk: Talk, asked: ProposeDeduction) -> JsonObject:
    """Show what stating would do that a customer does not pay a part of an invoice: it stays due, and is disputed; or what
    accepting or rejecting such a deduction would do. One that comes with a payment is a line of propose_application."""
    if (asked.invoice_id is None) is (asked.deduction_id is None):
        detail = "Give invoice_id with amount_minor to state one, or deduction_id with decision to decide one."
        raise Refused({"code": "VALIDATION_FAILED", "status": 422, "detail": detail})
    operation = "open_deduction" if asked.deduction_id is None else "resolve_deduction"
    return await propose(talk, operation, asked.deduction_id, rest(asked, "deduction_id"))
