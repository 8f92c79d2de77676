"""The words of payments and invoices: statuses and dispositions."""

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


class CreditKind(StrEnum):
    """Of a remainder: held apart for the customer, or a record of what is left on the payment."""

    CUSTOMER_CREDIT = "customer_credit"
    UNAPPLIED_CASH = "unapplied_cash"


class CreditStatus(StrEnum):
    OPEN = "OPEN"
    USED = "USED"
    WITHDRAWN = "WITHDRAWN"


class InvoiceStatus(StrEnum):
    OPEN = "OPEN"
    PARTIALLY_PAID = "PARTIALLY_PAID"
    PAID = "PAID"
    VOID = "VOID"
