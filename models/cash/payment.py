"""The words of payments: statuses and dispositions, as the seed has them."""

from enum import StrEnum


class PaymentStatus(StrEnum):
    """UNAPPLIED → PARTIALLY_APPLIED → FULLY_APPLIED; terminal REVERSED."""

    UNAPPLIED = "UNAPPLIED"
    PARTIALLY_APPLIED = "PARTIALLY_APPLIED"
    FULLY_APPLIED = "FULLY_APPLIED"
    REVERSED = "REVERSED"


class Overpayment(StrEnum):
    """What becomes of what no invoice takes: held apart as the customer's credit, or left on the payment."""

    CUSTOMER_CREDIT = "customer_credit"
    UNAPPLIED = "unapplied"


class InvoiceStatus(StrEnum):
    OPEN = "OPEN"
    PARTIALLY_PAID = "PARTIALLY_PAID"
    PAID = "PAID"
    VOID = "VOID"
