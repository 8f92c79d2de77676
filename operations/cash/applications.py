"""Applying a payment, or a customer credit of it, to invoices: one session, one transaction."""

from datetime import date
from decimal import Decimal
from typing import Any

from models.cash.allocation import Funds, OpenInvoice, Plan, Request, check_invoices, plan
from models.cash.ledger import Account, JournalEntry
from models.cash.payment import standing
from models.cash.periods import explicit_entry_date
from models.db import lookups
from models.db.cash import payments, rates
from models.db.tx import Row
from models.errors import Refusal
from models.ids import new_id
from operations.cash.payments import no_longer_unmatched
from operations.cash.session_funds import funds_of, new_credit_of, settle
from operations.cash.session_replays import application_body, by_external_id, same_as_latest, session_hash
from operations.runner import untyped_operation
from operations.work import Outcome, Work, entry_mark


@untyped_operation("apply_payment")
def apply_payment(work: Work) -> Outcome[Any]:
    """The clerk matches a payment to invoices: DR cash CR accounts_receivable, at once with the match."""
    earlier = by_external_id(work, str(work.cmd.resource_id))
    if earlier is not None:
        return earlier
    held = _lock(work, str(work.cmd.resource_id))
    again = by_external_id(work, held.payment["id"]) or same_as_latest(
        work, held.payment
    )  # nobody else can add one now
    if again is not None:
        return again
    return _session(work, held, None)


@untyped_operation("apply_credit")
def apply_credit(work: Work) -> Outcome[Any]:
    """A customer credit is spent on invoices: a further application of the payment that made it."""
    sql = "SELECT * FROM customer_credits WHERE org_id = :org AND id = :id"
    found = lookups.find(work.tx, "credit", sql, str(work.cmd.resource_id))
    own = found["id"] if found["kind"] == "customer_credit" else None
    earlier = by_external_id(work, found["payment_id"], own)
    if earlier is not None:
        return earlier
    held = _lock(work, found["payment_id"])
    again = by_external_id(work, held.payment["id"], own) or same_as_latest(work, held.payment)
    if again is not None:
        return again
    credit = lookups.find(work.tx, "credit", f"{sql} FOR UPDATE", found["id"])
    if own is None:  # it names what is still on the payment: applied like the payment, up to what the record holds
        return _session(work, held, None, at_most=credit["remaining_minor"])
    return _session(work, held, credit)


def _lock(work: Work, payment_id: str) -> payments.Locked:
    held = payments.lock_with_invoices(work.tx, payment_id, [a["invoice_id"] for a in work.cmd.body["applications"]])
    work.require_entity(held.payment["legal_entity_id"])
    return held


def _session(work: Work, held: payments.Locked, credit: Row | None, *, at_most: int | None = None) -> Outcome[Any]:
    p = held.payment
    b = work.cmd.body
    requests = _requests(b)
    rows = payments.require_all(work.tx, [r.invoice_id for r in requests], held.invoices)
    for r in rows.values():
        work.require_entity(r["legal_entity_id"])
    _refuse_by_state(p, credit)
    funds = funds_of(p, credit)
    invoices = {i: open_invoice(r) for i, r in rows.items()}
    check_invoices(funds, [invoices[r.invoice_id] for r in requests])
    posting = date.fromisoformat(b["posting_date"]) if b.get("posting_date") else None
    day = explicit_entry_date(posting, p["payment_date"], p["closed_periods"])
    word = b.get("overpayment")
    decided = plan(
        funds, requests, invoices, stored_rate(work, funds, invoices),
        overpayment_named=credit is not None or at_most is not None or bool(word or p["overpayment"]), at_most=at_most,
    )  # fmt: skip
    return book(work, held, credit, decided, day, word)


def book(
    work: Work, held: payments.Locked, credit: Row | None, decided: Plan, day: date, word: str | None
) -> Outcome[Any]:
    """Write the session: applications, balances, credit, entry, trail, event."""
    p = held.payment
    session_id = new_id("sess")
    new_credit = new_credit_of(p, decided, word if credit is None else None)
    entry = session_entry(p, credit, decided, day, new_credit)
    if entry is not None:
        work.post(entry)
    if new_credit is not None:
        work.add("customer_credits", [new_credit | {"created_at": work.now}])
    row, body = session_row(work, p, session_id, credit, new_credit, entry)
    work.add("application_sessions", [row])
    applications = application_rows(work, p, session_id, credit, decided, day)
    work.add("payment_applications", applications)
    settled = settle(work, held, credit, decided, new_credit, word)
    after = settled.payment
    answer = {
        "payment_id": p["id"],
        "session_id": session_id,
        "applied_count": len(decided.allocations),
        "unapplied_minor": after["amount_minor"] - after["applied_minor"],
        "available_minor": after["amount_minor"] - after["applied_minor"] - after["credit_held_minor"],
        "status": after["status"],
        "journal_entry_id": entry.id if entry else None,
        "applications": [application_body(a) for a in applications],
        "invoices": [settled.invoices[a.invoice.id] for a in decided.allocations],
        "outstanding_balances": settled.owed,
    }
    if new_credit is not None:
        answer["credit_id"] = new_credit["id"]
    if work.dry_run:
        answer["journal_entry"] = entry and entry_body(entry)
    told(work, p, p["applied_minor"], session_id, decided, applications, entry, new_credit, body)
    if answer["available_minor"] == 0 or word:
        no_longer_unmatched(work, p, "APPLIED")
    return Outcome(answer)


def told(
    work: Work, p: Any, was_minor: int, session_id: str, decided: Plan, applications: list[dict[str, Any]],
    entry: JournalEntry | None, new_credit: dict[str, Any] | None, body: dict[str, Any],
) -> None:  # fmt: skip
    """The trail of payment and invoices, and the event, of one session. `was_minor`: applied by the sessions before."""
    marks = entry_mark(entry) if entry else []
    work.audit(
        p["id"], "payment.applied",
        {
            "session_id": session_id, "entries": marks, "overpayment": body.get("overpayment"),
            "credit_id": new_credit and new_credit["id"],
            "before": standing(p["amount_minor"], was_minor),
            "after": standing(p["amount_minor"], was_minor + decided.applied_minor),
            "applications": [
                {k: a[k] for k in ("id", "invoice_id", "applied_minor", "invoice_applied_minor", "credit_id")}
                for a in applications
            ],
        },
    )  # fmt: skip
    for a, row in zip(decided.allocations, applications, strict=True):
        work.audit(
            a.invoice.id, "invoice.payment_applied",
            {
                "payment_id": p["id"], "application_id": row["id"],
                "before": {"balance_due_minor": a.invoice.balance_minor},
                "after": {"balance_due_minor": a.new_balance_minor},
            },
        )  # fmt: skip
    work.emit(
        "ar.payment.applied", p["id"],
        {
            "payment_id": p["id"], "customer_id": p["customer_id"], "session_id": session_id,
            "journal_entry_id": entry.id if entry else None,
            "applications": [application_body(a) for a in applications],
        },
    )  # fmt: skip


def open_invoice(r: Any) -> OpenInvoice:
    return OpenInvoice(
        r["id"], r["customer_id"], r["legal_entity_id"], r["currency_code"], r["issue_date"], r["total_minor"],
        r["balance_due_minor"], r["functional_balance_minor"], r["voided_at"] is not None,
    )  # fmt: skip


def stored_rate(work: Work, funds: Funds, invoices: dict[str, OpenInvoice]) -> Decimal | None:
    """The stored rate of the payment date to the invoices' one currency; None where none is needed or known."""
    target = next((i.currency_code for i in invoices.values()), funds.currency_code)
    return rates.rate(work.tx, funds.currency_code, target, funds.payment_date)


def session_entry(
    p: Any, credit: Any, decided: Plan, day: date, new_credit: dict[str, Any] | None
) -> JournalEntry | None:
    """The session's journal entry; None where nothing moves between accounts (a named prepayment already posted)."""
    currency, customer = p["currency_code"], p["customer_id"]
    entry = JournalEntry(new_id("je"), day, "application", p["id"], p["legal_entity_id"], p["functional_currency"])
    moved = new_credit["amount_minor"] if new_credit and new_credit["kind"] == "customer_credit" else 0
    moved_worth = decided.functional_remainder_minor if moved else 0
    if credit is not None:
        spent, worth = decided.applied_minor, decided.functional_applied_minor
        entry.debit(Account.CUSTOMER_CREDITS, spent, currency, worth, customer_id=customer)
    elif p["posted"]:
        spent, worth = decided.applied_minor + moved, decided.functional_applied_minor + moved_worth
        entry.debit(Account.UNAPPLIED_CASH, spent, currency, worth, customer_id=customer)
    else:
        worth = p["functional_amount_minor"]
        entry.debit(Account.CASH, p["amount_minor"], currency, worth, bank_account_id=p["bank_account_id"])
    for a in decided.allocations:
        entry.credit(
            Account.ACCOUNTS_RECEIVABLE, a.invoice_applied_minor, a.invoice.currency_code, a.functional_relief_minor,
            customer_id=customer, invoice_id=a.invoice.id,
        )  # fmt: skip
    if moved:
        entry.credit(Account.CUSTOMER_CREDITS, moved, currency, moved_worth, customer_id=customer)
    elif credit is None and not p["posted"]:
        rest, worth = decided.remainder_minor, decided.functional_remainder_minor
        entry.credit(Account.UNAPPLIED_CASH, rest, currency, worth, customer_id=customer)
    entry.settle_fx()
    return entry if entry.lines else None


def session_row(
    work: Work, p: Any, session_id: str, credit: Any, new_credit: dict[str, Any] | None, entry: JournalEntry | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    body = work.cmd.body
    return {
        "id": session_id,
        "payment_id": p["id"],
        "seq": (p["last_seq"] or 0) + 1,
        "credit_used": credit["id"] if credit else None,
        "credit_id": new_credit["id"] if new_credit else None,
        "external_id": body.get("external_id"),
        "body_hash": session_hash(work),
        "body": body,
        "command_id": work.cmd.id,
        "journal_entry_id": entry.id if entry else None,
        "undone": False,
        "created_at": work.now,
    }, body


def application_rows(
    work: Work, p: Any, session_id: str, credit: Any, decided: Plan, day: date
) -> list[dict[str, Any]]:
    return [
        {
            "id": new_id("papp"),
            "session_id": session_id,
            "payment_id": p["id"],
            "invoice_id": a.invoice.id,
            "customer_id": a.invoice.customer_id,
            "credit_id": credit["id"] if credit else None,
            "applied_minor": a.applied_minor,
            "currency_code": p["currency_code"],
            "invoice_applied_minor": a.invoice_applied_minor,
            "invoice_currency_code": a.invoice.currency_code,
            "fx_rate": a.fx_rate,
            "functional_cash_minor": a.functional_cash_minor,
            "functional_relief_minor": a.functional_relief_minor,
            "effective_date": a.effective_date,
            "entry_date": day,
            "created_at": work.now,
        }
        for a in decided.allocations
    ]


def entry_body(e: JournalEntry) -> dict[str, Any]:
    """A journal entry as the API shows it."""
    shown = (
        "account",
        "debit_minor",
        "credit_minor",
        "currency_code",
        "functional_debit_minor",
        "functional_credit_minor",
    )
    return {
        "id": e.id,
        "entry_date": e.entry_date.isoformat(),
        "source_id": e.source_id,
        "lines": [{k: getattr(line, k) for k in shown} for line in e.lines],
    }


def _requests(b: dict[str, Any]) -> list[Request]:
    return [
        Request(
            a["invoice_id"], a["applied_minor"], Decimal(a["fx_rate"]) if a.get("fx_rate") else None,
            a.get("invoice_applied_minor"),
        )
        for a in b["applications"]
    ]  # fmt: skip


def _refuse_by_state(p: Any, credit: Any) -> None:
    if p["reversed_at"] is not None or (credit is not None and credit["withdrawn_at"] is not None):
        raise Refusal("PAYMENT_REVERSED", f"Payment {p['id']} is reversed.", payment_id=p["id"])
    if p["customer_id"] is None:
        raise Refusal(
            "CUSTOMER_UNASSIGNED",
            f"Say whose payment {p['id']} is first: POST /v1/customer-payments/{p['id']}/assign.",
        )
