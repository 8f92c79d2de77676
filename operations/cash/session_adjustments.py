"""The adjustments of an application session: decided, written, told."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date

from models.authority import highest
from models.cash.adjustments import ACCOUNTS, Adjustment
from models.cash.allocation import Allocation, Plan
from models.cash.ledger import Account, JournalEntry
from models.cash.records import Payment, PaymentApplication
from models.cash.settling import Caller, settled
from models.db.cash.payments import Locked
from models.facts import Facts
from models.ids import new_id
from operations.work import Work


def decide_adjustments(work: Work, locked: Locked, decided: Plan) -> Plan:
    """The plan with what its adjustments take off the tax; refused where they are neither granted nor within authority."""
    granting = locked.granting
    if granting is None:  # nothing was asked for beside the money
        return decided
    caller = Caller(highest(work.cmd.roles), granting.limits)

    def each(a: Allocation) -> Allocation:
        if not a.adjustments:
            return a
        return settled(a, granting.of(locked.invoices[a.invoice.id]), locked.payment.payment_date, caller)

    return replace(decided, allocations=tuple(each(a) for a in decided.allocations))


def adjustment_rows(
    work: Work, p: Payment, decided: Plan, applications: Sequence[PaymentApplication], day: date
) -> list[Adjustment]:
    """The adjustments of a session, each beside its application."""
    return [
        Adjustment(
            id=new_id("adj"),
            application_id=row.id,
            session_id=row.session_id,
            payment_id=p.id,
            invoice_id=row.invoice_id,
            customer_id=row.customer_id,
            legal_entity_id=a.invoice.legal_entity_id,
            kind=x.asked.kind,
            amount_minor=x.asked.amount_minor,
            tax_minor=x.tax_minor,
            currency_code=a.invoice.currency_code,
            functional_minor=x.functional_minor,
            functional_tax_minor=x.functional_tax_minor,
            functional_currency=p.functional_currency,
            authorised_minor=x.authorised_minor,
            reason_code=x.asked.reason_code,
            note=x.asked.note,
            effective_date=a.effective_date,
            entry_date=day,
            created_at=work.now,
            created_by=work.cmd.actor,
        )
        for a, row in zip(decided.allocations, applications, strict=True)
        for x in a.adjustments
    ]


def debit_adjustments(entry: JournalEntry, rows: Sequence[Adjustment]) -> None:
    """What was given instead of money: to the account of its kind, and the tax in it to the tax payable."""
    _enter(entry.debit, rows)


def credit_adjustments(entry: JournalEntry, rows: Sequence[Adjustment]) -> None:
    """The opposite: what was given instead of money is taken back."""
    _enter(entry.credit, rows)


def _enter(side: Callable[..., None], rows: Sequence[Adjustment]) -> None:
    for a in rows:
        tags = {"customer_id": a.customer_id, "invoice_id": a.invoice_id}
        net, worth = a.amount_minor - a.tax_minor, a.functional_minor - a.functional_tax_minor
        side(ACCOUNTS[a.kind], net, a.currency_code, worth, **tags)
        side(Account.TAX_PAYABLE, a.tax_minor, a.currency_code, a.functional_tax_minor, **tags)


def audit_posted(work: Work, rows: Sequence[Adjustment]) -> None:
    """The first word of each adjustment's own trail: `arflow verify` holds the record to it."""
    for a in rows:
        facts: Facts = {
            "invoice_id": a.invoice_id, "application_id": a.application_id, "payment_id": a.payment_id, "kind": a.kind,
            "amount_minor": a.amount_minor, "tax_minor": a.tax_minor, "currency_code": a.currency_code,
            "functional_minor": a.functional_minor, "authorised_minor": a.authorised_minor,
            "effective_date": a.effective_date, "entry_date": a.entry_date, "created_by": a.created_by,
            "reason_code": a.reason_code,
        }  # fmt: skip
        work.audit(a.id, "adjustment.posted", {"after": facts, "note": a.note}, reason_code=a.reason_code)


def audit_undone(work: Work, rows: Sequence[Adjustment], reason: str) -> None:
    """That each is undone."""
    for a in rows:
        work.audit(
            a.id, "adjustment.undone", {"invoice_id": a.invoice_id, "amount_minor": a.amount_minor}, reason_code=reason
        )
