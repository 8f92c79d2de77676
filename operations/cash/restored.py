"""What invoices get back when something that had relieved them is undone; from when."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from models.cash.adjustments import Adjustment
from models.cash.answers import InvoiceBalanceAnswer
from models.cash.credit_notes import CreditNoteApplication
from models.cash.records import Invoice, PaymentApplication
from models.db.cash import payments
from models.db.cash.payments import BalanceChange
from models.errors import Refusal
from operations.work import Work


@dataclass(frozen=True, slots=True)
class Relief:
    """What one record took off an invoice, in its currency and off receivables in the functional one."""

    invoice_id: str
    minor: int
    functional_minor: int


def reliefs(
    applications: Iterable[PaymentApplication],
    adjustments: Iterable[Adjustment] = (),
    credited: Iterable[CreditNoteApplication] = (),
) -> list[Relief]:
    """What these records took, as one kind of thing."""
    return [
        *(Relief(a.invoice_id, a.invoice_applied_minor, a.functional_relief_minor) for a in applications),
        *(Relief(a.invoice_id, a.amount_minor, a.functional_minor) for a in adjustments),
        *(Relief(a.invoice_id, a.applied_minor, a.functional_relief_minor) for a in credited),
    ]


def restore_invoices(
    work: Work, undone: Sequence[Relief], invoices: Mapping[str, Invoice]
) -> list[InvoiceBalanceAnswer]:  # fmt: skip
    """Give locked invoices back what was taken; answers them as they are then."""
    open_again = {i: BalanceChange(i, v.balance_due_minor, v.functional_balance_minor) for i, v in invoices.items()}
    for r in undone:
        c = open_again[r.invoice_id]
        open_again[r.invoice_id] = replace(c, balance=c.balance + r.minor, functional=c.functional + r.functional_minor)
    changes = [open_again[i] for i in dict.fromkeys(r.invoice_id for r in undone)]
    payments.move_balances(work.tx, changes)
    return payments.balances_after(invoices, changes)


def day_of_undoing(work: Work, field: str, given: date | None, payment_date: date) -> date:
    """The date given, else today (UTC), never before the payment's."""
    if given is None:
        return max(work.now.date(), payment_date)
    if given < payment_date:
        raise Refusal(
            "DATE_BEFORE_PAYMENT",
            f"{field} {given} is before the payment date {payment_date}.",
            payment_date=str(payment_date),
        )
    return given
