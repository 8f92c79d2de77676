"""Undoing: one application (unapply), or the whole payment (reverse). Entries are reversed by entries, never changed."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from models.cash.ledger import Account, JournalEntry, reversing
from models.cash.payment import standing
from models.cash.periods import entry_date
from models.db import lookups
from models.db.cash import payments
from models.db.cash.journal import entries_of
from models.db.tx import Row
from models.errors import Refusal
from models.ids import new_id
from operations.cash.payments import no_longer_unmatched
from operations.cash.session_funds import follow_unapplied
from operations.runner import untyped_operation
from operations.work import Outcome, Work, entry_mark

LIVE = "SELECT * FROM payment_applications WHERE org_id = :org AND {} AND unapplied_at IS NULL ORDER BY invoice_id, id FOR UPDATE"


@untyped_operation("unapply_application")
def unapply_application(work: Work) -> Outcome[Any]:
    """Undo one application: DR accounts_receivable CR unapplied_cash. Never blocked by a reconciliation."""
    a = _find_application(work)
    p = payments.lock(work.tx, a["payment_id"])
    work.require_entity(p["legal_entity_id"])
    a = _find_application(work)  # again, now that the payment is locked
    if p["reversed_at"] is not None:
        raise Refusal("PAYMENT_REVERSED", f"Payment {p['id']} is reversed.")
    if a["unapplied_at"] is not None:
        raise Refusal("APPLICATION_UNAPPLIED", f"Application {a['id']} was undone on {a['undone_date']}.")
    effective = _date(work, "effective_date", p["payment_date"])
    invoice = payments.lock_invoices(work.tx, [a["invoice_id"]])[a["invoice_id"]]
    entry = _unapply_entry(p, a, entry_date(effective, p["closed_periods"]))
    work.post(entry)
    _undo_rows(work, [a], effective, entry.entry_date)
    changed = _restore_invoices(work, [a], {invoice["id"]: invoice})
    after = work.tx.one(
        """UPDATE payments SET applied_minor = applied_minor - :minor, version = version + 1,
             functional_available_minor = functional_available_minor + :worth
           WHERE org_id = :org AND id = :id RETURNING *""",
        minor=a["applied_minor"],
        worth=a["functional_cash_minor"],
        id=p["id"],
    )
    assert after is not None
    follow_unapplied(work, after)
    reason = work.cmd.body["reason_code"]
    work.audit(
        p["id"], "payment.unapplied",
        {"application_id": a["id"], "invoice_id": a["invoice_id"], "applied_minor": a["applied_minor"],
         "effective_date": str(effective), "note": work.cmd.body.get("note"), "entries": entry_mark(entry),
         "before": standing(p["amount_minor"], p["applied_minor"]),
         "after": standing(p["amount_minor"], after["applied_minor"])},
        reason_code=reason,
    )  # fmt: skip
    _audit_invoices(work, [a], {invoice["id"]: invoice}, p["id"], "invoice.payment_unapplied", reason)
    work.emit(
        "ar.payment.unapplied", p["id"],
        {"payment_id": p["id"], "application_id": a["id"], "invoice_id": a["invoice_id"], "reason_code": reason,
         "effective_date": str(effective)},
    )  # fmt: skip
    return Outcome(
        {
            "id": a["id"],
            "payment_id": p["id"],
            "invoice_id": a["invoice_id"],
            "applied_minor": a["applied_minor"],
            "currency_code": a["currency_code"],
            "unapplied_at": work.now.isoformat(),
            "effective_date": effective.isoformat(),
            "status": after["status"],
            "unapplied_minor": after["amount_minor"] - after["applied_minor"],
            "available_minor": after["amount_minor"] - after["applied_minor"] - after["credit_held_minor"],
            "journal_entry_id": entry.id,
            "invoices": [dict(c) for c in changed],
            "outstanding_balances": payments.outstanding(work.tx, p["customer_id"]),
        }
    )


@untyped_operation("reverse_payment")
def reverse_payment(work: Work) -> Outcome[Any]:
    """Reverse a payment: everything it did is undone, and the reversal is the end of it."""
    p = payments.lock(work.tx, str(work.cmd.resource_id))
    work.require_entity(p["legal_entity_id"])
    applications = work.tx.all(LIVE.format("payment_id = :id"), id=p["id"])
    invoices = payments.lock_invoices(work.tx, [a["invoice_id"] for a in applications])
    if p["reversed_at"] is not None:
        raise Refusal("PAYMENT_REVERSED", f"Payment {p['id']} was reversed on {p['reversal_date']}.")
    recon = payments.completed_reconciliation(work.tx, p["id"])
    if recon is not None:
        raise Refusal(
            "RECONCILIATION_COMPLETE",
            f"The payment is part of completed bank reconciliation {recon}. A controller can reopen it: "
            f"POST /v1/reconciliations/{recon}/reopen {{reason_code}}.",
            reconciliation_id=recon,
        )
    effective = _date(work, "reversal_date", p["payment_date"])
    reason, note = work.cmd.body["reason_code"], work.cmd.body.get("note")
    entry = _reversing_entry(work, p, entry_date(effective, p["closed_periods"]))
    _undo_rows(work, applications, effective, entry.entry_date if entry else effective)
    changed = _restore_invoices(work, applications, invoices)
    work.tx.later(
        """UPDATE customer_credits SET withdrawn_at = :at, withdrawn_date = :day, remaining_minor = 0,
             functional_remaining_minor = 0 WHERE org_id = :org AND payment_id = :id AND withdrawn_at IS NULL""",
        at=work.now,
        day=effective,
        id=p["id"],
    )
    work.tx.later(
        """UPDATE payments SET reversed_at = :at, reversal_date = :day, reversal_reason = :reason, reversal_note = :note,
             applied_minor = 0, credit_held_minor = 0, functional_available_minor = 0, version = version + 1
           WHERE org_id = :org AND id = :id""",
        at=work.now,
        day=effective,
        reason=reason,
        note=note,
        id=p["id"],
    )
    work.audit(
        p["id"], "payment.reversed",
        {"before": {"status": p["status"], "applied_minor": p["applied_minor"]}, "after": {"status": "REVERSED"},
         "reversal_date": str(effective), "note": note, "applications": [a["id"] for a in applications],
         "entries": entry_mark(entry) if entry else []},
        reason_code=reason,
    )  # fmt: skip
    _audit_invoices(work, applications, invoices, p["id"], "invoice.payment_reversed", reason)
    no_longer_unmatched(work, p, "REVERSED")
    work.emit(
        "ar.payment.reversed", p["id"],
        {"payment_id": p["id"], "customer_id": p["customer_id"], "reason_code": reason, "reversal_date": str(effective),
         "journal_entry_id": entry.id if entry else None},
    )  # fmt: skip
    body = payments.payment_body(payments.get(work.tx, p["id"]))
    return Outcome(body | {"journal_entry_id": entry.id if entry else None, "invoices": [dict(c) for c in changed]})


def _find_application(work: Work) -> Row:
    sql = "SELECT * FROM payment_applications WHERE org_id = :org AND id = :id"
    return lookups.find(work.tx, "payment_application", sql, str(work.cmd.resource_id))


def _date(work: Work, field: str, payment_date: date) -> date:
    """The date given, else today (UTC), never before the payment's."""
    given = work.cmd.body.get(field)
    if given is None:
        return max(work.now.date(), payment_date)
    day = date.fromisoformat(given)
    if day < payment_date:
        raise Refusal(
            "DATE_BEFORE_PAYMENT",
            f"{field} {day} is before the payment date {payment_date}.",
            payment_date=str(payment_date),
        )
    return day


def _unapply_entry(p: Row, a: Row, day: date) -> JournalEntry:
    entry = JournalEntry(new_id("je"), day, "unapply", p["id"], p["legal_entity_id"], p["functional_currency"])
    entry.debit(
        Account.ACCOUNTS_RECEIVABLE, a["invoice_applied_minor"], a["invoice_currency_code"], a["functional_relief_minor"],
        customer_id=a["customer_id"], invoice_id=a["invoice_id"],
    )  # fmt: skip
    entry.credit(
        Account.UNAPPLIED_CASH, a["applied_minor"], a["currency_code"], a["functional_cash_minor"],
        customer_id=p["customer_id"],
    )  # fmt: skip
    entry.settle_fx()
    return entry


def _reversing_entry(work: Work, p: Row, day: date) -> JournalEntry | None:
    """The opposite of the net of every entry made for the payment; None where none was made."""
    entry = JournalEntry(new_id("je"), day, "reversal", p["id"], p["legal_entity_id"], p["functional_currency"])
    reversing(entries_of(work.tx, p["id"]), entry)
    if not entry.lines:
        return None
    work.post(entry)
    return entry


def _undo_rows(work: Work, applications: Sequence[Row], effective: date, entry_day: date) -> None:
    work.tx.later(
        """UPDATE payment_applications SET unapplied_at = :at, undone_date = greatest(:day, effective_date),
             undone_entry_date = :entry_day, unapply_reason = :reason WHERE org_id = :org AND id = ANY(:ids)""",
        at=work.now,
        day=effective,
        entry_day=entry_day,
        reason=work.cmd.body["reason_code"],
        ids=[a["id"] for a in applications],
    )
    work.tx.later(
        "UPDATE application_sessions SET undone = true WHERE org_id = :org AND id = ANY(:ids)",
        ids=sorted({a["session_id"] for a in applications}),
    )


def _restore_invoices(work: Work, applications: Sequence[Row], invoices: dict[str, Row]) -> Sequence[Row]:
    sums: dict[str, list[int]] = {}
    for a in applications:
        s = sums.setdefault(a["invoice_id"], [0, 0])
        s[0] += a["invoice_applied_minor"]
        s[1] += a["functional_relief_minor"]
    return payments.update_invoices(
        work.tx,
        [
            {
                "id": i,
                "balance": invoices[i]["balance_due_minor"] + minor,
                "functional": invoices[i]["functional_balance_minor"] + worth,
            }
            for i, (minor, worth) in sums.items()
        ],
    )


def _audit_invoices(
    work: Work, applications: Sequence[Row], invoices: dict[str, Any], payment_id: str, action: str, reason: str
) -> None:
    running = {i: r["balance_due_minor"] for i, r in invoices.items()}
    for a in applications:
        before = running[a["invoice_id"]]
        running[a["invoice_id"]] = before + a["invoice_applied_minor"]
        work.audit(
            a["invoice_id"], action,
            {"payment_id": payment_id, "application_id": a["id"], "before": {"balance_due_minor": before},
             "after": {"balance_due_minor": running[a["invoice_id"]]}},
            reason_code=reason,
        )  # fmt: skip
