"""Every kind of exception: what has happened, and on whose desk it lies.

A kind is part of the interface (`?kind=` of `/v1/exceptions`): it is never renamed. `docs/exceptions.md` is written from it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class Kind:
    """`says` what has happened, `desk` whose it is at first."""

    says: str
    desk: str


_SUBMITTER: Final = "whoever submitted it"
_STEPS: Final = "when it is due the step's role or delegate; when it is overdue the step's fallback"

KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        # Cash
        "unmatched_payment": Kind(
            "a line of a statement failed, is applied to nothing, or may be a payment already", "`ar_clerk`"
        ),
        "possible_duplicate": Kind("a payment was recorded by hand that a bank line has become already", "`ar_clerk`"),
        "bank_statement": Kind("a file came with a warning, or took receipts back", "`ar_clerk`"),
        "remittance_confirmation": Kind("the mail server does not take a customer's confirmation", "`ar_manager`"),
        "exchange_rates": Kind("a pair of currencies in use has no young rate", "`controller`"),
        "invoice_dispute": Kind("an invoice is disputed as a whole", "`ar_manager`"),
        "deduction": Kind("a payer left something out", "the role that owns its reason code"),
        # Approvals
        "approval_overdue": Kind("a step of a change or an approval is due, or overdue", _STEPS),
        "approval_unstaffed": Kind("nobody but the submitter holds a step's role", "the step's fallback"),
        "change_returned": Kind("an approver gave a customer's change back", _SUBMITTER),
        "change_failed": Kind("an approved change of a customer could not be carried out", _SUBMITTER),
        "approval_returned": Kind("an approver gave back what was asked for", _SUBMITTER),
        "approval_failed": Kind("what was approved could not be carried out", _SUBMITTER),
        "signals_refused": Kind("so many signals came without a valid token that a process hears no more", "`ops`"),
        # Imports, customers
        "import_overdue": Kind("the review of an import is due, or overdue", _STEPS),
        "import_failed": Kind("a file could not be staged", _SUBMITTER),
        "partner_feed": Kind("a partner's file was refused", "`ops`"),
        "tax_certificate": Kind("an exemption certificate expires within thirty days, or has expired", "`ar_manager`"),
        "contract_renewal": Kind(
            "a contract is to be renewed soon, or was not", "the contract's owner, else `account_manager`"
        ),
        "case_escalation": Kind(
            "a case was handed up", "`customer_success_manager`, and on from there as it is overdue"
        ),
        # How it works
        "webhook_delivery": Kind("an event could not be delivered, or its endpoint is gone", "`ops`"),
        "write_refused": Kind("the database refused a write that no rule of ours foresaw", "`ops`"),
        "not_moving": Kind("something open has taken no step for longer than anything takes", "`ops`"),
        "step_failing": Kind("a step of a process fails in the same way again and again", "`ops`"),
    }
)
