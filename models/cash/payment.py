"""The words of payments: statuses and dispositions, as the seed has them."""

from enum import StrEnum


class PaymentStatus(StrEnum):
    """UNAPPLIED → PARTIALLY_APPLIED → FULLY_APPLIED; terminal REVERSED."""

    UNAPPLIED = "UNAPPLIED"
    PARTIALLY_APPLIED = "PARTIALLY_APPLIED"
    FULLY_APPLIED = "FULLY_APPLIED"
    REVERSED = "REVERSED"


def standing(amount_minor: int, applied_minor: int) -> dict[str, object]:
    """How far a payment that is not reversed has been applied: what its audit trail says before and after."""
    if applied_minor == 0:
        status = PaymentStatus.UNAPPLIED
    else:
        status = PaymentStatus.FULLY_APPLIED if applied_minor == amount_minor else PaymentStatus.PARTIALLY_APPLIED
    return {"status": status.value, "applied_minor": applied_minor}


class Overpayment(StrEnum):
    """What becomes of what no invoice takes: held apart as the customer's credit, or left on the payment."""

    CUSTOMER_CREDIT = "customer_credit"
    UNAPPLIED = "unapplied"


class InvoiceStatus(StrEnum):
    OPEN = "OPEN"
    PARTIALLY_PAID = "PARTIALLY_PAID"
    PAID = "PAID"
    VOID = "VOID"


def invoice_status(total_minor: int, balance_due_minor: int) -> str:
    """How far an invoice that is not void has been paid."""
    if balance_due_minor == 0:
        return InvoiceStatus.PAID.value
    return (InvoiceStatus.OPEN if balance_due_minor == total_minor else InvoiceStatus.PARTIALLY_PAID).value
