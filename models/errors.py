"""The one tree of refusals. It knows nothing of HTTP or Temporal.

Refusal
└── every business rule, validation or lookup that says no, with a stable code

A code is part of the interface (docs/api.md): it is never renamed. `CODES` is the one table of codes and their titles;
`api.problems` adds the HTTP status to each, and `docs/errors.md` lists both. Tests hold the three together.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, cast

from pydantic import JsonValue

CODES: Final[Mapping[str, str]] = MappingProxyType(
    {
        # Every request
        "UNAUTHENTICATED": "Not authenticated",
        "PAYLOAD_TOO_LARGE": "Payload too large",
        "UNSUPPORTED_MEDIA_TYPE": "Unsupported media type",
        "FORBIDDEN": "Not allowed for your roles or legal entities",
        "VALIDATION_FAILED": "The request is not valid",
        "IDEMPOTENCY_KEY_CONFLICT": "Idempotency key used with another body",
        "EXTERNAL_ID_CONFLICT": "External id used with other fields",
        "ORG_CONTEXT_MISMATCH": "The record belongs to another organisation",
        "NOT_FOUND": "Not found",
        "METHOD_NOT_ALLOWED": "Method not allowed",
        "NOT_ACCEPTABLE": "No such representation",
        "VERSION_MISMATCH": "The record has changed since it was read",
        "RATE_LIMITED": "Too many requests",
        "UNAVAILABLE": "Temporarily unavailable",
        "INTERNAL": "Internal error",
        "WRITE_REFUSED": "The database refuses what this would write",
        # Records that the path or the body names
        "CUSTOMER_NOT_FOUND": "Customer not found",
        "INVOICE_NOT_FOUND": "Invoice not found",
        "PAYMENT_NOT_FOUND": "Payment not found",
        "PAYMENT_APPLICATION_NOT_FOUND": "Payment application not found",
        "ADJUSTMENT_NOT_FOUND": "Adjustment not found",
        "CREDIT_NOT_FOUND": "Customer credit not found",
        "CREDIT_NOTE_NOT_FOUND": "Credit note not found",
        "CREDIT_NOTE_APPLICATION_NOT_FOUND": "Credit note application not found",
        "RECONCILIATION_NOT_FOUND": "Reconciliation not found",
        "STATEMENT_NOT_FOUND": "Bank statement not found",
        "STATEMENT_LINE_NOT_FOUND": "The bank statement has no such line",
        "STATEMENT_FORMAT_NOT_FOUND": "The bank account has no such statement format",
        "JOURNAL_ENTRY_NOT_FOUND": "Journal entry not found",
        "LEGAL_ENTITY_NOT_FOUND": "Legal entity not found",
        "BANK_ACCOUNT_NOT_FOUND": "Bank account not found",
        "DIMENSION_NOT_FOUND": "Dimension not found",
        "ADDRESS_NOT_FOUND": "Address not found",
        "PRICING_TIER_NOT_FOUND": "Pricing tier not found",
        "TAX_PROFILE_NOT_FOUND": "Tax profile not found",
        "ENTITY_OVERRIDE_NOT_FOUND": "Entity override not found",
        "PAYS_FOR_NOT_FOUND": "The customer has no such entry of whom it pays for",
        "WRITE_OFF_NOT_FOUND": "Write-off not found",
        "DEDUCTION_NOT_FOUND": "Deduction not found",
        "CHANGE_NOT_FOUND": "Customer change not found",
        "APPROVAL_NOT_FOUND": "Approval not found",
        "IMPORT_NOT_FOUND": "Import not found",
        "CONTACT_NOT_FOUND": "Contact not found",
        "CASE_NOT_FOUND": "Case not found",
        "EXCEPTION_NOT_FOUND": "Exception not found",
        "OPERATION_NOT_FOUND": "Operation not found",
        "WEBHOOK_ENDPOINT_NOT_FOUND": "Webhook endpoint not found",
        "WEBHOOK_DELIVERY_NOT_FOUND": "Webhook delivery not found",
        # Invoices
        "INVOICE_VOID": "The invoice is void",
        "INVOICE_HAS_APPLICATIONS": "The invoice has applications",
        "INVOICE_NOT_DISPUTED": "The invoice is not in dispute",
        "INVOICE_NOT_OPEN": "The invoice is not open",
        "WRITE_OFF_REVERSED": "The write-off is reversed already",
        "WRITE_OFF_NOT_POSTED": "The write-off is not posted",
        "PAYMENT_AFTER_THROUGH_DATE": "The payment is later than the reconciliation",
        "DATE_BEFORE_PAYMENT": "The date is before the payment's",
        "APPLIED_TOO_SMALL": "Less than one minor unit of the invoice's currency",
        "PAYMENT_TERMS_UNKNOWN": "Unknown payment terms",
        "BANK_ACCOUNT_REQUIRED": "Name the bank account",
        "INVOICE_DISPUTED": "The invoice is in dispute already",
        # Payments
        "PAYMENT_DATE_IN_FUTURE": "The payment date is too far ahead",
        "PAYMENT_REVERSED": "The payment is reversed",
        "CUSTOMER_UNASSIGNED": "The payment has no customer yet",
        "CUSTOMER_ALREADY_ASSIGNED": "The payment has a customer already",
        "CUSTOMER_INACTIVE": "The customer is inactive",
        "INVOICE_CUSTOMER_MISMATCH": "The invoice is another customer's",
        "LEGAL_ENTITY_MISMATCH": "The record belongs to another legal entity",
        "MIXED_INVOICE_CURRENCIES": "The invoices are in more than one currency",
        "OVERPAYMENT_REQUIRES_CREDIT": "The payment exceeds what is open",
        "APPLIED_EXCEEDS_PAYMENT": "More applied than the payment has left",
        "APPLIED_EXCEEDS_BALANCE": "More applied than the invoice has open",
        "APPLICATION_UNAPPLIED": "The application is undone already",
        "ADJUSTMENT_UNDONE": "The adjustment is undone already",
        "DISCOUNT_NOT_EARNED": "More discount than the terms grant",
        "APPROVAL_REQUIRED": "Beyond the caller's authority",
        "FX_RATE_MISSING": "No exchange rate",
        # Credit notes
        "CREDIT_NOTE_NOT_OPEN": "The credit note is not open",
        "CREDIT_NOTE_HAS_APPLICATIONS": "The credit note settles invoices",
        "CREDIT_NOTE_CURRENCY_MISMATCH": "The credit note is in another currency",
        "APPLIED_EXCEEDS_CREDIT": "More applied than the credit note has left",
        "DATE_BEFORE_CREDIT_NOTE": "The date is before the credit note's",
        # Deductions
        "DEDUCTION_CLOSED": "The deduction is decided or withdrawn",
        "DEDUCTION_AWAITS_APPROVAL": "The deduction waits for approval",
        "DEDUCTION_UNDECIDED": "The deduction is to be decided",
        # Ledger and bank
        "PERIOD_CLOSED": "The period is closed",
        "BANK_ACCOUNT_MISMATCH": "The payment is in another bank account",
        "RECONCILIATION_COMPLETE": "The bank reconciliation is complete",
        "RECONCILIATION_NOT_COMPLETE": "The bank reconciliation is not complete",
        "RECONCILIATION_DIFFERENCE": "The statement balance differs from the books",
        "STATEMENT_UNREADABLE": "The statement cannot be read",
        "STATEMENT_ACCOUNT_MISMATCH": "The file is of another bank account",
        "STATEMENT_ACCOUNT_AMBIGUOUS": "The file is of several bank accounts",
        "STATEMENT_CURRENCY_MISMATCH": "The file is in another currency than the bank account",
        "LINE_NOT_A_RECEIPT": "The bank line is no receipt",
        "LINE_AMOUNT_DIFFERS": "The bank line is of another amount than the payment",
        "PAYMENT_LINKED": "The payment is another bank line already",
        "ALREADY_EXISTS": "The record exists already",
        # Customers and approvals
        "DUPLICATE_EMAIL": "A customer with this email exists",
        "DUPLICATE_TAX_ID": "A customer with this tax id exists",
        "HAS_TRANSACTIONS": "The customer has transactions",
        "CHANGE_PENDING": "Another change of the record is pending",
        "CUSTOMER_ACTIVE": "The customer is active",
        "REASON_REQUIRED": "A reason code is required",
        "SEGREGATION_OF_DUTIES": "Segregation of duties",
        "STEP_NOT_PENDING": "The step is not pending",
        "CHANGE_CLOSED": "The change is closed",
        "POLICY_LOOSENED": "An approval policy may only be tightened",
        "DELEGATE_LACKS_ROLE": "The delegate does not hold the step's role",
        "RECORD_MOVED": "The record has changed where the change touches it",
        "NOT_CARRIED_OUT": "The change could not be carried out",
        "ACCOUNT_UNKNOWN": "Unknown revenue account",
        "DIMENSION_UNKNOWN": "Unknown dimension",
        "PAYS_FOR_SELF": "A customer does not pay for itself",
        "PAYS_FOR_CIRCLE": "Two customers would pay for each other",
        "STAGE_UNKNOWN": "Unknown stage of an opportunity",
        "APPROVAL_TOKEN_INVALID": "The approval token is not valid",
        # Imports
        "FILE_UNREADABLE": "The file cannot be read",
        "IMPORT_CLOSED": "The import has ended",
        "IMPORT_NOT_AWAITING_REVIEW": "The import does not await a review",
        "IMPORT_STATE": "Not possible in the import's present state",
        # Customer 360, events, exceptions
        "WEBHOOK_ENDPOINT_DISABLED": "The webhook endpoint is disabled",
        "OPPORTUNITY_NOT_FOUND": "Opportunity not found",
        "QUOTE_NOT_FOUND": "Quote not found",
        "ORDER_NOT_FOUND": "Order not found",
        "CONTRACT_NOT_FOUND": "Contract not found",
        "NPS_RESPONSE_NOT_FOUND": "Survey answer not found",
        "ACTIVITY_NOT_FOUND": "Activity not found",
        "PANEL_NOT_FOUND": "No such panel",
        "SOURCE_CONNECTION_NOT_FOUND": "Source connection not found",
        # Conversation
        "PROPOSAL_NOT_FOUND": "Proposal not found",
        "PROPOSAL_STALE": "What was shown would no longer happen",
        "PROPOSAL_CLOSED": "The proposal has ended",
        "PROPOSAL_EXPIRED": "The proposal is no longer good",
        "PERSON_REQUIRED": "A person has to do this by their own hand",
        "BUDGET_EXCEEDED": "The agent's budget is used up",
        "AGENTS_OFF": "Assistants are switched off",
        "AGENTS_READ_ONLY": "Assistants may only read",
        "CONTACT_CUSTOMER_MISMATCH": "The contact is another customer's",
        "CASE_CLOSED": "The case is closed",
        "CASE_ALREADY_ESCALATED": "The case is escalated already",
        "EXCEPTION_CLOSED": "The exception is resolved already",
    }
)


@dataclass(frozen=True)
class FieldError:
    """One wrong field. `loc` is a JSON pointer into the request body ("/applications/0/applied_minor")."""

    loc: str
    code: str
    detail: str

    def as_dict(self) -> dict[str, str]:
        return {"loc": self.loc, "code": self.code, "detail": self.detail}


class Refusal(Exception):
    """A request that the rules refuse. `extra` lands beside `code` in the problem body (ids and amounts, no names)."""

    def __init__(self, code: str, detail: str, *, errors: list[FieldError] | None = None, **extra: Any) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.errors = errors or []
        self.extra = extra

    def as_problem(self) -> Mapping[str, JsonValue]:
        """As a member of an answer, where the refusal is of a part of what was asked."""
        said = {"code": self.code, "detail": self.detail, "errors": [e.as_dict() for e in self.errors], **self.extra}
        return cast("Mapping[str, JsonValue]", said)
