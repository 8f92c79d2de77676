"""What the doors of deductions take. Amounts in minor units of the invoice's currency."""

from typing import Literal

from models.values import Body, PositiveMinor, ReasonCode, RecordId, Text, VerbatimText


class OpenDeduction(Body):
    """So much of an invoice a customer does not pay, and why: our reason code, and the customer's own words."""

    invoice_id: RecordId
    amount_minor: PositiveMinor
    reason_code: ReasonCode
    customer_reason: VerbatimText | None = None
    note: Text | None = None


class DeductLine(OpenDeduction):
    """A deduction that goes with a payment: the amount stays due and is disputed."""


class DecideDeduction(Body):
    """`accept` credits what is still disputed, `reject` ends the dispute: the amount is collected."""

    decision: Literal["accept", "reject"]
    reason_code: ReasonCode
    note: Text | None = None
