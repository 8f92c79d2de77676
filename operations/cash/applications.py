"""Applying a payment, or a customer credit of it, to invoices: one session, one transaction."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from models.cash.adjustments import Adjustment, AskedAdjustment
from models.cash.allocation import Funds, OpenInvoice, Plan, Request, check_invoices, plan
from models.cash.answers import SessionAnswer, session_answer
from models.cash.credit_notes import CreditLine, CreditNoteApplication, Netting, refuse_excess
from models.cash.ledger import Account, JournalEntry
from models.cash.payment import CreditKind
from models.cash.periods import explicit_entry_date
from models.cash.records import (
    ApplicationSession,
    CustomerCredit,
    Invoice,
    Payment,
    PaymentApplication,
)
from models.cash.requests import ApplyLine, ApplySession
from models.db.cash import credit_notes, payments, rates, sessions
from models.errors import Refusal
from models.ids import new_id
from operations import execution
from operations.cash import deductions
from operations.cash.netting import credit_exchange, credit_rows, netted, record_netting
from operations.cash.payers import payees_of
from operations.cash.payments import resolve_unmatched
from operations.cash.session_adjustments import adjustment_rows, debit_adjustments, decide_adjustments
from operations.cash.session_funds import funds_of, new_credit_of, payment_after, settle
from operations.cash.session_replays import by_external_id, same_as_latest, session_hash
from operations.cash.session_trail import Booked, record_session
from operations.runner import operation
from operations.work import Outcome, Work


class Applied(NamedTuple):
    """What a session answers, and its payment as it left it."""

    payment: Payment
    answer: SessionAnswer


@operation("apply_payment", ApplySession, SessionAnswer, execution.Posting("ApplyPayment"))
def apply_payment(work: Work, asked: ApplySession) -> Outcome[SessionAnswer]:
    """The clerk matches a payment to invoices: DR cash CR accounts_receivable, at once with the match."""
    payment_id = str(work.cmd.resource_id)
    earlier = by_external_id(work, asked, payment_id)
    if earlier is not None:
        return earlier
    locked = payments.lock_for_session(work.tx, payment_id, asked, work.cmd.actor)
    again = by_external_id(work, asked, payment_id) or same_as_latest(
        work, asked, locked.held
    )  # nobody can add one now
    return again or Outcome(_session(work, asked, locked, None).answer)


@operation("apply_credit", ApplySession, SessionAnswer, execution.Posting("ApplyCredit"))
def apply_credit(work: Work, asked: ApplySession) -> Outcome[SessionAnswer]:
    """A customer credit is spent on invoices: a further application of the payment that made it."""
    seen = sessions.get_credit(work.tx, str(work.cmd.resource_id))
    own = seen.id if seen.kind is CreditKind.CUSTOMER_CREDIT else None
    earlier = by_external_id(work, asked, seen.payment_id, own)
    if earlier is not None:
        return earlier
    locked = payments.lock_for_session(work.tx, seen.payment_id, asked, work.cmd.actor)
    again = by_external_id(work, asked, seen.payment_id, own) or same_as_latest(work, asked, locked.held)
    if again is not None:
        return again
    credit = sessions.get_credit(work.tx, seen.id, lock=True)
    if own is None:  # it names what is still on the payment: applied like the payment, up to what the record holds
        return Outcome(_session(work, asked, locked, None, at_most=credit.remaining_minor).answer)
    return Outcome(_session(work, asked, locked, credit).answer)


def apply_first(work: Work, payment_id: str, asked: ApplySession) -> Applied:
    """The first session of a payment, within what the caller's transaction does to it."""
    locked = payments.lock_for_session(work.tx, payment_id, asked, work.cmd.actor)
    return _session(work, asked, locked, None)


def _session(
    work: Work, asked: ApplySession, locked: payments.Locked, credit: CustomerCredit | None, *, at_most: int | None = None
) -> Applied:  # fmt: skip
    p = locked.payment
    work.require_entity(p.legal_entity_id)
    invoices = payments.require_all(work.tx, asked.invoice_ids, locked.invoices)
    for invoice in invoices.values():
        work.require_entity(invoice.legal_entity_id)
    notes = credit_notes.require_notes(work.tx, asked.credit_note_ids, locked.notes)
    funds = _funds(p, credit)
    selected = {i: open_invoice(invoice) for i, invoice in invoices.items()}
    check_invoices(funds, [selected[i] for i in asked.invoice_ids], payees_of(work.tx, funds, selected.values()))
    netting = netted(work, _credit_lines(asked), notes, selected)
    day = explicit_entry_date(asked.posting_date, p.payment_date, locked.held.closed_periods)
    decided = plan(
        funds,
        [_request(x) for x in asked.applications],
        netting.invoices,
        rates.rate(work.tx, funds.currency_code, _target(funds, selected), funds.payment_date),
        overpayment_named=credit is not None or at_most is not None or bool(asked.overpayment or p.overpayment),
        at_most=at_most,
    )
    refuse_excess(netting)
    return _book(work, asked, locked, credit, decide_adjustments(work, locked, decided), netting, day)


def _credit_lines(asked: ApplySession) -> list[CreditLine]:
    return [CreditLine(x.credit_note_id, x.invoice_id, x.applied_minor) for x in asked.credit_notes]


def _request(x: ApplyLine) -> Request:
    beside = tuple(AskedAdjustment(a.kind, a.amount_minor, a.reason_code, a.note) for a in x.adjustments)
    return Request(x.invoice_id, x.applied_minor, x.fx_rate, x.invoice_applied_minor, beside)


def _target(funds: Funds, selected: dict[str, OpenInvoice]) -> str:
    """The invoices' one currency."""
    return next((invoice.currency_code for invoice in selected.values()), funds.currency_code)


def _funds(p: Payment, credit: CustomerCredit | None) -> Funds:
    """What the session may spend; refused where the payment is reversed or nobody's."""
    if p.reversed_at is not None or (credit is not None and credit.withdrawn_at is not None):
        raise Refusal("PAYMENT_REVERSED", f"Payment {p.id} is reversed.", payment_id=p.id)
    if p.customer_id is None:
        raise Refusal(
            "CUSTOMER_UNASSIGNED",
            f"Say whose payment {p.id} is first: POST /v1/customer-payments/{p.id}/assign.",
        )
    return funds_of(p, p.customer_id, credit)


def _book(
    work: Work, asked: ApplySession, locked: payments.Locked, credit: CustomerCredit | None, decided: Plan,
    netting: Netting, day: date,
) -> Applied:  # fmt: skip
    """Write the session: applications, balances, credit, entry, trail, event."""
    p = locked.payment
    new_credit = None if credit is not None else new_credit_of(work, p, decided, asked.overpayment)
    session_id = new_id("sess")
    applications = application_rows(work, p, session_id, credit, decided, day)
    adjusted = adjustment_rows(work, p, decided, applications, day)
    credited = credit_rows(work, netting, day, entry_id=None, payment_id=p.id, session_id=session_id)
    entry = session_entry(p, credit, decided, day, new_credit, adjusted, credited)
    session = ApplicationSession(
        id=session_id,
        payment_id=p.id,
        seq=1 + (locked.held.latest.seq if locked.held.latest else 0),
        credit_used=credit.id if credit else None,
        credit_id=new_credit.id if new_credit else None,
        external_id=asked.external_id,
        body_hash=session_hash(work),
        body=work.cmd.body,
        command_id=work.cmd.id,
        journal_entry_id=entry.id if entry else None,
        created_at=work.now,
    )
    if entry is not None:
        work.post(entry)
    work.add("customer_credits", [new_credit] if new_credit else [])
    work.add("application_sessions", [session])
    work.add("payment_applications", applications)
    work.add("adjustments", adjusted)
    after = payment_after(p, decided, credit, new_credit, asked.overpayment)
    changes = settle(work, locked, after, decided, netting, credit, new_credit)
    record_netting(work, netting, locked.notes, credited, None)
    deducted = deductions.stated_in(work, session, asked.deductions, locked.invoices, changes)
    record_session(
        work,
        Booked(p, after, session, decided, applications, entry, asked.overpayment, adjusted, credited, deducted),
    )
    if after.available_minor == 0 or asked.overpayment:
        resolve_unmatched(work, p, "APPLIED")
    return Applied(
        after,
        session_answer(
            after,
            session.id,
            applications,
            adjusted,
            credited,
            deducted,
            payments.balances_after(locked.invoices, changes),
            payments.owed_after(locked, changes),
            journal_entry_id=session.journal_entry_id,
            credit_id=session.credit_id,
            would_post=entry if work.dry_run else None,
        ),
    )


def open_invoice(i: Invoice) -> OpenInvoice:
    """What the rules of a session look at."""
    return OpenInvoice(
        i.id, i.customer_id, i.legal_entity_id, i.currency_code, i.issue_date, i.total_minor, i.balance_due_minor,
        i.functional_balance_minor, i.voided_at is not None,
    )  # fmt: skip


def session_entry(
    p: Payment, credit: CustomerCredit | None, decided: Plan, day: date, new_credit: CustomerCredit | None,
    adjusted: Sequence[Adjustment] = (), credited: Sequence[CreditNoteApplication] = (),
) -> JournalEntry | None:  # fmt: skip
    """The session's journal entry: receivables are the invoices' customers', the remainder is the payer's.

    None where nothing moves between accounts (a named prepayment already posted).
    """
    currency, payer = p.currency_code, p.customer_id
    entry = JournalEntry(new_id("je"), day, "application", p.id, p.legal_entity_id, p.functional_currency)
    moved = new_credit.held_apart_minor if new_credit else 0
    moved_worth = decided.functional_remainder_minor if moved else 0
    if credit is not None:
        spent, worth = decided.applied_minor, decided.functional_applied_minor
        entry.debit(Account.CUSTOMER_CREDITS, spent, currency, worth, customer_id=payer)
    elif p.posted:
        spent, worth = decided.applied_minor + moved, decided.functional_applied_minor + moved_worth
        entry.debit(Account.UNAPPLIED_CASH, spent, currency, worth, customer_id=payer)
    else:
        entry.debit(
            Account.CASH, p.amount_minor, currency, p.functional_amount_minor, bank_account_id=p.bank_account_id
        )
    debit_adjustments(entry, adjusted)
    for a in decided.allocations:
        entry.credit(
            Account.ACCOUNTS_RECEIVABLE, a.relieved_minor, a.invoice.currency_code, a.functional_relieved_minor,
            customer_id=a.invoice.customer_id, invoice_id=a.invoice.id,
        )  # fmt: skip
    credit_exchange(entry, credited)
    if moved:
        entry.credit(Account.CUSTOMER_CREDITS, moved, currency, moved_worth, customer_id=payer)
    elif credit is None and not p.posted:
        rest, worth = decided.remainder_minor, decided.functional_remainder_minor
        entry.credit(Account.UNAPPLIED_CASH, rest, currency, worth, customer_id=payer)
    entry.settle_fx()
    return entry if entry.lines else None


def application_rows(
    work: Work, p: Payment, session_id: str, credit: CustomerCredit | None, decided: Plan, day: date
) -> list[PaymentApplication]:
    """The applications of a session, one per allocation."""
    return [
        PaymentApplication(
            id=new_id("papp"),
            session_id=session_id,
            payment_id=p.id,
            invoice_id=a.invoice.id,
            customer_id=a.invoice.customer_id,
            credit_id=credit.id if credit else None,
            applied_minor=a.applied_minor,
            currency_code=p.currency_code,
            invoice_applied_minor=a.invoice_applied_minor,
            invoice_currency_code=a.invoice.currency_code,
            fx_rate=a.fx_rate,
            functional_cash_minor=a.functional_cash_minor,
            functional_relief_minor=a.functional_relief_minor,
            effective_date=a.effective_date,
            entry_date=day,
            created_at=work.now,
        )
        for a in decided.allocations
    ]
