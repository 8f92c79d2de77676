"""The types of event that leave the house: what each says, about which record, with which data.

`docs/events.md` is written from this table by `make docs`. Amounts are minor units, dates are ISO 8601, ids are prefixed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from models.cash.adjustments import AdjustmentKind


@dataclass(frozen=True, slots=True)
class EventType:
    """One type. `subject` is the prefix of the record's id; `data` the fields, each with what it is; those of
    `sometimes` are left out where they have nothing to say."""

    name: str
    says: str
    subject: str
    data: Mapping[str, str]
    sometimes: frozenset[str] = frozenset()


_PAYMENT: Final = {"payment_id": "the payment", "customer_id": "its customer; null while the payer is not known"}
_WRITE_OFF: Final = {
    "write_off_id": "the write-off",
    "invoice_id": "the invoice",
    "customer_id": "its customer",
    "legal_entity_id": "the entity that had issued it",
    "amount_minor": "what is given up, in the invoice's currency",
    "currency_code": "that currency",
    "reason_code": "why",
}
_CREDIT_NOTE: Final = {"credit_note_id": "the credit note", "customer_id": "its customer"}
_DEDUCTION: Final = {
    "deduction_id": "the deduction",
    "invoice_id": "the invoice",
    "customer_id": "its customer",
    "legal_entity_id": "the entity that issued it",
    "amount_minor": "what was left out, in the invoice's currency",
    "currency_code": "that currency",
    "reason_code": "why",
    "owner_role": "the role on whose desk it lies; null where it is a person's",
    "owner_user": "the person on whose desk it lies; null where it is a role's",
}
_ENDED: Final = _DEDUCTION | {"end_reason": "why it was ended so"}
_CUSTOMER: Final = {
    "customer_id": "the customer",
    "change_id": "the approved change; left out where an import or the bootstrap made it",
    "import_id": "the import that made it; left out otherwise",
    "version": "the record's version from now on",
}
_HOW: Final = frozenset({"change_id", "import_id", "version"})
_CHANGE: Final = {"change_id": "the change", "customer_id": "its customer"}
_LATE: Final = {
    "step": "the step's number",
    "role": "the role that decides it",
    "owner_role": "the role on whose desk it lies; null where it is a person's",
    "owner_user": "the person on whose desk it lies; null where it is a role's",
    "due_at": "when it is overdue (UTC)",
}
_APPROVAL: Final = {
    "approval_id": "the approval",
    "kind": "what is approved: `credit_note`, `write_off`, …",
    "subject_id": "the record that it is about",
}
_CASE: Final = {
    "case_id": "the case",
    "customer_id": "its customer",
    "escalation_id": "the escalation",
    "owner_role": "the role that is asked",
    "reason_code": "why it was escalated",
}
_COUNTS: Final = {
    "total_rows": "rows of the file",
    "created": "rows that made a customer",
    "updated": "rows that changed one",
    "skipped": "rows left as duplicates",
    "failed": "rows that failed, the invalid ones included",
    "not_attempted": "rows that were never reached",
}

_TYPES: Final = (
    EventType(
        "invoice.created",
        "An invoice was issued and posted.",
        "invoice",
        {
            "invoice_id": "the invoice",
            "external_id": "its id in the caller's system",
            "customer_id": "its customer",
            "legal_entity_id": "the entity that issued it",
            "currency_code": "its currency",
            "total_minor": "its total, the tax included",
            "tax_minor": "the tax of it",
            "issue_date": "the day of issue",
            "due_date": "the day it is due",
        },
    ),
    EventType(
        "invoice.voided",
        "An invoice that nothing was applied to was voided; its entry is reversed.",
        "invoice",
        {
            "invoice_id": "the invoice",
            "customer_id": "its customer",
            "legal_entity_id": "the entity that had issued it",
            "reason_code": "why",
            "void_date": "from when it owes nothing",
        },
    ),
    EventType(
        "credit_note.created",
        "A credit note was posted.",
        "cn",
        _CREDIT_NOTE
        | {
            "external_id": "its id in the caller's system",
            "legal_entity_id": "the entity that issued it",
            "invoice_id": "the invoice that it corrects; null where it names none",
            "currency_code": "its currency",
            "total_minor": "its total, the tax included",
            "tax_minor": "the tax of it",
            "issue_date": "the day of issue",
            "reason_code": "why",
        },
    ),
    EventType(
        "credit_note.applied",
        "A credit note settled invoices, alone or in a payment's session.",
        "cn",
        _CREDIT_NOTE
        | {
            "balance_minor": "what of it is left",
            "journal_entry_id": "the entry of the exchange difference; null where there is none, or the session's has it",
            "applications": "what was settled: application, invoice, amount, currency, payment",
        },
    ),
    EventType(
        "credit_note.unapplied",
        "An invoice is no longer settled by a credit note; both are open again.",
        "cn",
        _CREDIT_NOTE
        | {
            "application_id": "the application that was undone",
            "invoice_id": "the invoice",
            "applied_minor": "so much of it",
            "currency_code": "in this currency",
            "payment_id": "the payment whose session it was part of; null where it was applied alone",
            "reason_code": "why",
            "effective_date": "the day from which it no longer counts",
        },
    ),
    EventType(
        "credit_note.voided",
        "A credit note that settled nothing was taken back; its entry is reversed.",
        "cn",
        _CREDIT_NOTE
        | {
            "legal_entity_id": "the entity that had issued it",
            "reason_code": "why",
            "void_date": "from when it takes nothing back",
        },
    ),
    EventType(
        "deduction.opened",
        "A payer left something out, with his reason: it stays due and is disputed.",
        "ded",
        _DEDUCTION | {"due_at": "by when it is to be decided (UTC)"},
    ),
    EventType(
        "deduction.reminded",
        "Half of the time for it is over; its owner is reminded.",
        "ded",
        _DEDUCTION | {"due_at": "by when it is to be decided (UTC)"},
    ),
    EventType(
        "deduction.escalated",
        "Its due time has passed; the next owner is asked.",
        "ded",
        _DEDUCTION
        | {"was_due_at": "the due time that passed (UTC)",
           "due_at": "by when it is to be decided now (UTC)"},
    ),
    EventType(
        "deduction.accepted",
        "It was accepted: a credit note of what was still due of it settles the invoice.",
        "ded",
        _ENDED | {"credit_note_id": "the credit note", "accepted_minor": "its total, which settles the invoice"},
    ),
    EventType("deduction.rejected", "It was rejected: the amount is to be collected.", "ded", _ENDED),
    EventType("deduction.withdrawn", "Nothing is left to decide: paid, undone or void.", "ded", _ENDED),
    EventType(
        "ar.payment.received",
        "A payment was recorded, by hand, by a bank feed or from a statement.",
        "pay",
        _PAYMENT
        | {
            "legal_entity_id": "the entity that was paid",
            "amount_minor": "its amount",
            "currency_code": "its currency",
            "payment_date": "the day the money came",
        },
    ),
    EventType(
        "ar.payment.applied",
        "One application session was posted: the payment, or its credit, paid invoices or became a prepayment.",
        "pay",
        {
            "payment_id": "the payment",
            "customer_id": "its customer",
            "session_id": "the session",
            "journal_entry_id": "its entry; null where no account moved",
            "applications": "what was applied, each as the answer of apply shows it; empty for a prepayment",
            "credit_notes": "what credit notes settled with it, each as the answer of apply shows it",
            "deductions": "what was left out of it, each as `deduction.opened` tells it",
        },
    ),
    EventType(
        "ar.payment.unapplied",
        "One application was undone; the money is on the payment again.",
        "pay",
        {
            "payment_id": "the payment",
            "application_id": "the application",
            "invoice_id": "the invoice that is open again",
            "reason_code": "why",
            "effective_date": "the day from which it no longer counts",
        },
    ),
    EventType(
        "ar.adjustment.undone",
        "One adjustment was undone, its application stands; the invoice owes the amount again.",
        "adj",
        {
            "adjustment_id": "the adjustment",
            "kind": f"one of {', '.join(f'`{kind}`' for kind in AdjustmentKind)}",
            "amount_minor": "its amount, in the invoice's currency",
            "invoice_id": "the invoice",
            "payment_id": "the payment that it stood beside",
            "customer_id": "the invoice's customer",
            "reason_code": "why",
            "effective_date": "the day from which it no longer counts",
        },
    ),
    EventType(
        "ar.payment.reversed",
        "The payment was taken back with everything it did.",
        "pay",
        _PAYMENT
        | {
            "reason_code": "why",
            "reversal_date": "the day from which it no longer counts",
            "journal_entry_id": "the reversing entry; null where nothing had been posted",
        },
    ),
    EventType(
        "ar.write_off.posted",
        "An invoice's balance, or a part of it, was given up without a payment.",
        "wo",
        _WRITE_OFF | {"journal_entry_id": "its entry"},
    ),
    EventType(
        "ar.write_off.reversed",
        "A write-off was taken back: the invoice owes it again.",
        "wo",
        _WRITE_OFF
        | {"reversed_date": "from when the invoice owes it again", "journal_entry_id": "the entry that reverses it"},
    ),
    EventType("customer.created", "A customer is there from now on.", "cust", _CUSTOMER, _HOW),
    EventType("customer.updated", "A customer was changed or reactivated.", "cust", _CUSTOMER, _HOW),
    EventType("customer.deactivated", "A customer is inactive from now on.", "cust", _CUSTOMER, _HOW),
    EventType("customer.deleted", "A customer was deleted with all personal data.", "cust", _CUSTOMER, _HOW),
    EventType(
        "customer.change.submitted",
        "Somebody asked for a change; its first approver is waited for.",
        "chg",
        _CHANGE | {"operation": "`create`, `update`, `deactivate`, `reactivate` or `delete`"},
    ),
    EventType(
        "customer.change.decided",
        "An approver decided a step.",
        "chg",
        _CHANGE | {"step": "the step's number", "decision": "`approve`, `reject` or `return`"},
    ),
    EventType(
        "customer.change.reminded",
        "A step of a change is due soon: whom it waits for is reminded.",
        "chg",
        _CHANGE | _LATE,
    ),
    EventType(
        "customer.change.escalated",
        "A step of a change is overdue: it has been brought before its fallback.",
        "chg",
        _CHANGE | _LATE,
    ),
    EventType(
        "approval.submitted",
        "Somebody asked for approval; its first approver is waited for.",
        "apr",
        _APPROVAL,
    ),
    EventType(
        "approval.decided",
        "An approver decided a step of an approval.",
        "apr",
        _APPROVAL | {"step": "the step's number", "decision": "`approve`, `reject` or `return`"},
    ),
    EventType(
        "approval.reminded",
        "A step of an approval is due soon: whom it waits for is reminded.",
        "apr",
        _APPROVAL | _LATE,
    ),
    EventType(
        "approval.escalated",
        "A step of an approval is overdue: it has been brought before its fallback.",
        "apr",
        _APPROVAL | _LATE,
    ),
    EventType(
        "import.decided",
        "A reviewer decided a step of an import.",
        "imp",
        {"import_id": "the import", "step": "the step's number", "decision": "`approve` or `reject`"},
    ),
    EventType(
        "import.completed",
        "An import has ended, however it ended: `status` says how.",
        "imp",
        {"import_id": "the import", "status": "its last status"} | _COUNTS,
    ),
    EventType(
        "activity.logged",
        "A call, e-mail, meeting or note was logged. What was written stays in the activity.",
        "act",
        {
            "activity_id": "the activity",
            "customer_id": "its customer",
            "type": "`call`, `email`, `meeting` or `note`",
            "contact_id": "its contact, or null",
        },
    ),
    EventType(
        "opportunity.created",
        "An opportunity was started from the customer's view.",
        "opp",
        {
            "opportunity_id": "the opportunity",
            "customer_id": "its customer",
            "value_minor": "what it is worth",
            "currency_code": "in this currency",
            "stage": "its stage",
            "close_date": "the day it is expected to close",
        },
    ),
    EventType(
        "case.escalated",
        "Somebody escalated a case.",
        "case",
        _CASE | {"due_at": "until when", "priority": "the case's priority"},
    ),
    EventType(
        "case.escalation.reminded",
        "Half of the time is over and the case is still escalated.",
        "case",
        _CASE | {"due_at": "until when"},
    ),
    EventType(
        "case.escalation.overdue",
        "The time is over: the next owner is asked.",
        "case",
        _CASE | {"was_due_at": "until when the former owner was asked"},
    ),
    EventType(
        "case.escalation.resolved",
        "The case was closed, or its exception resolved; `reason_code` says which.",
        "case",
        _CASE | {"reason_code": "`CASE_CLOSED` or `EXCEPTION_RESOLVED`"},
    ),
)  # fmt: skip

EVENTS: Final[Mapping[str, EventType]] = MappingProxyType({t.name: t for t in _TYPES})
"""Every type of event by its name."""
