"""Applying a payment, or a customer credit of it, to invoices: one session, one transaction."""

from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import RowMapping

from models.allocation import Funds, OpenInvoice, Plan, Request, check_invoices, plan
from models.db import lookups, payments
from models.errors import Refusal
from models.ids import new_id
from models.ledger import Account, JournalEntry
from models.periods import explicit_entry_date
from operations.payments import no_longer_unmatched
from operations.runner import body_hash, operation
from operations.work import Outcome, Work, entry_mark


@operation("apply_payment")
def apply_payment(work: Work) -> Outcome:
    """The clerk matches a payment to invoices: DR cash CR accounts_receivable, at once with the match."""
    earlier = _by_external_id(work, str(work.cmd.resource_id))
    if earlier is not None:
        return earlier
    p = payments.lock(work.tx, str(work.cmd.resource_id))
    work.require_entity(p["legal_entity_id"])
    again = _by_external_id(work, p["id"]) or _same_as_latest(work, p)  # now that nobody else can add a session
    if again is not None:
        return again
    return _session(work, p, None)


@operation("apply_credit")
def apply_credit(work: Work) -> Outcome:
    """A customer credit is spent on invoices: a further application of the payment that made it."""
    sql = "SELECT * FROM customer_credits WHERE org_id = :org AND id = :id"
    found = lookups.find(work.tx, "credit", sql, str(work.cmd.resource_id))
    own = found["id"] if found["kind"] == "customer_credit" else None
    earlier = _by_external_id(work, found["payment_id"], own)
    if earlier is not None:
        return earlier
    p = payments.lock(work.tx, found["payment_id"])
    work.require_entity(p["legal_entity_id"])
    again = _by_external_id(work, p["id"], own) or _same_as_latest(work, p)
    if again is not None:
        return again
    credit = lookups.find(work.tx, "credit", f"{sql} FOR UPDATE", found["id"])
    if own is None:  # it names what is still on the payment: applied like the payment, up to what the record holds
        return _session(work, p, None, at_most=credit["remaining_minor"])
    return _session(work, p, credit)


def _session(work: Work, p: RowMapping, credit: RowMapping | None, *, at_most: int | None = None) -> Outcome:
    b = work.cmd.body
    requests = _requests(b)
    rows = payments.lock_invoices(work.tx, [r.invoice_id for r in requests])
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
    return book(work, p, credit, decided, day, word)


def book(work: Work, p: RowMapping, credit: RowMapping | None, decided: Plan, day: date, word: str | None) -> Outcome:
    """Write the session: applications, balances, credit, entry, trail, event."""
    session_id = new_id("sess")
    new_credit = _new_credit(p, decided, word if credit is None else None)
    entry = session_entry(p, credit, decided, day, new_credit)
    if entry is not None:
        work.post(entry)
    if new_credit is not None:
        work.add("customer_credits", [new_credit | {"created_at": work.now}])
    row, body = session_row(work, p, session_id, credit, new_credit, entry)
    work.add("application_sessions", [row])
    applications = application_rows(work, p, session_id, credit, decided, day)
    work.add("payment_applications", applications)
    settled = _settle(work, p, credit, decided, new_credit, word)
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
    told(work, p, session_id, decided, applications, entry, new_credit, body)
    if answer["available_minor"] == 0 or word:
        no_longer_unmatched(work, p, "APPLIED")
    return Outcome(answer)


def told(
    work: Work, p: Any, session_id: str, decided: Plan, applications: list[dict[str, Any]],
    entry: JournalEntry | None, new_credit: dict[str, Any] | None, body: dict[str, Any],
) -> None:  # fmt: skip
    """The trail of payment and invoices, and the event, of one session."""
    marks = entry_mark(entry) if entry else []
    work.audit(
        p["id"], "payment.applied",
        {
            "session_id": session_id, "entries": marks, "overpayment": body.get("overpayment"),
            "credit_id": new_credit and new_credit["id"],
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


def funds_of(p: Any, credit: Any) -> Funds:
    held = credit["remaining_minor"] if credit else p["amount_minor"] - p["applied_minor"] - p["credit_held_minor"]
    worth = credit["functional_remaining_minor"] if credit else p["functional_available_minor"]
    return Funds(
        p["id"], p["customer_id"], p["legal_entity_id"], p["currency_code"], p["payment_date"], held, worth
    )  # fmt: skip


def open_invoice(r: Any) -> OpenInvoice:
    return OpenInvoice(
        r["id"], r["customer_id"], r["legal_entity_id"], r["currency_code"], r["issue_date"], r["total_minor"],
        r["balance_due_minor"], r["functional_balance_minor"], r["voided_at"] is not None,
    )  # fmt: skip


def stored_rate(work: Work, funds: Funds, invoices: dict[str, OpenInvoice]) -> Decimal | None:
    """The stored rate of the payment date to the invoices' one currency; None where none is needed or known."""
    target = next((i.currency_code for i in invoices.values()), funds.currency_code)
    return lookups.rate(work.tx, funds.currency_code, target, funds.payment_date)


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


def _new_credit(p: Any, decided: Plan, word: str | None) -> dict[str, Any] | None:
    """The record of an overpayment; without a remainder the word is ignored."""
    if word is None or decided.remainder_minor == 0:
        return None
    return {
        "id": new_id("cred"),
        "payment_id": p["id"],
        "customer_id": p["customer_id"],
        "legal_entity_id": p["legal_entity_id"],
        "kind": "customer_credit" if word == "customer_credit" else "unapplied_cash",
        "amount_minor": decided.remainder_minor,
        "remaining_minor": decided.remainder_minor,
        "currency_code": p["currency_code"],
        "functional_remaining_minor": decided.functional_remainder_minor,
    }


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


def session_hash(work: Work) -> str:
    """What makes two sessions the same: the operation, the record and the body without its external_id."""
    same = {k: v for k, v in work.cmd.body.items() if k != "external_id"}
    return body_hash({"operation": work.cmd.operation, "record": work.cmd.resource_id, **same})


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


def invoice_changes(decided: Plan) -> list[dict[str, Any]]:
    return [
        {
            "id": a.invoice.id,
            "balance": a.new_balance_minor,
            "functional": a.invoice.functional_balance_minor - a.functional_relief_minor,
        }
        for a in decided.allocations
    ]


def application_body(a: dict[str, Any]) -> dict[str, Any]:
    shown = ("id", "invoice_id", "applied_minor", "currency_code", "invoice_applied_minor", "invoice_currency_code")
    return {**{k: a[k] for k in shown}, "fx_rate": f"{a['fx_rate']:f}", "unapplied_at": None}


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


def _settle(
    work: Work, p: Any, credit: Any, decided: Plan, new_credit: dict[str, Any] | None, word: str | None
) -> payments.Settled:
    """Move the payment's, the invoices' and the credits' remainders; answers them as they are now."""
    held = new_credit["amount_minor"] if new_credit and new_credit["kind"] == "customer_credit" else 0
    worth = 0 if held else decided.functional_remainder_minor
    if credit is not None:
        held, worth = -decided.applied_minor, p["functional_available_minor"]
        _spend(work, credit, decided)
    relieved: dict[str, int] = {}
    for a in decided.allocations:
        currency = a.invoice.currency_code
        relieved[currency] = relieved.get(currency, 0) + a.invoice_applied_minor
    settled = payments.settle(
        work.tx, p["id"], p["customer_id"], invoice_changes(decided), applied=decided.applied_minor, held=held, worth=worth,
        posted=credit is None, word=word, relieved=relieved,
    )  # fmt: skip
    if p["overpayment"] == "unapplied":
        # What a record made now holds is not in the older ones; it is written with the session, at the end.
        newest = new_credit["amount_minor"] if new_credit and new_credit["kind"] == "unapplied_cash" else 0
        follow_unapplied(work, settled.payment, newest)
    return settled


def _spend(work: Work, credit: Any, decided: Plan) -> None:
    work.tx.run(
        """UPDATE customer_credits SET remaining_minor = remaining_minor - :spent,
             functional_remaining_minor = functional_remaining_minor - :worth WHERE org_id = :org AND id = :id""",
        spent=decided.applied_minor,
        worth=decided.functional_applied_minor,
        id=credit["id"],
    )


def follow_unapplied(work: Work, p: Any, held_by_newest: int = 0) -> None:
    """`unapplied_cash` records follow what is left on their payment, the newest holding first."""
    work.tx.run(
        """UPDATE customer_credits c SET remaining_minor = n.remaining,
             functional_remaining_minor = CASE WHEN n.remaining = 0 THEN 0 ELSE :worth END
           FROM (SELECT id, greatest(0, least(amount_minor, :available - coalesce(sum(amount_minor) OVER (ORDER BY id DESC
                   ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)))::bigint AS remaining
                 FROM customer_credits WHERE org_id = :org AND payment_id = :id AND kind = 'unapplied_cash') n
           WHERE c.org_id = :org AND c.id = n.id""",
        available=p["amount_minor"] - p["applied_minor"] - p["credit_held_minor"] - held_by_newest,
        worth=p["functional_available_minor"],
        id=p["id"],
    )


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


def _by_external_id(work: Work, payment_id: str, credit_id: str | None = None) -> Outcome | None:
    """A session with this external_id on this payment: its result as things stand now, or 409 naming the fields.

    `credit_id`: the customer credit that is asked to pay."""
    external_id = work.cmd.body.get("external_id")
    if not external_id:
        return None
    sql = "SELECT * FROM application_sessions WHERE org_id = :org AND payment_id = :id AND external_id = :ext"
    s = work.tx.one(sql, id=payment_id, ext=external_id)
    if s is None:
        return None
    mine, theirs = _business_fields(work.cmd.body), _business_fields(s["body"])
    fields = [f for f in mine if mine[f] != theirs[f]] + ([] if s["credit_used"] == credit_id else ["credit_id"])
    if fields:
        raise Refusal(
            "EXTERNAL_ID_CONFLICT",
            f"external_id was used for another session of this payment; different: {', '.join(fields)}.",
            fields=fields,
        )
    p = payments.get(work.tx, payment_id)
    work.require_entity(p["legal_entity_id"])
    return Outcome(_current(work, p, s), replayed=True)


def _business_fields(b: dict[str, Any]) -> dict[str, Any]:
    """What two sessions under one external_id must have in common; "0.80" and 0.8 are one rate."""
    lines = [line | {"fx_rate": line["fx_rate"] and Decimal(line["fx_rate"])} for line in b["applications"]]
    return {"applications": lines, "overpayment": b.get("overpayment"), "posting_date": b.get("posting_date")}


def _current(work: Work, p: RowMapping, s: RowMapping) -> dict[str, Any]:
    """A session's answer with the payment and the invoices as they stand now."""
    rows = work.tx.all(
        """SELECT a.*, i.status AS invoice_status, i.balance_due_minor FROM payment_applications a
           JOIN invoices i ON i.org_id = a.org_id AND i.id = a.invoice_id
           WHERE a.org_id = :org AND a.session_id = :id ORDER BY a.id""",
        id=s["id"],
    )
    answer = {
        "payment_id": p["id"],
        "session_id": s["id"],
        "applied_count": len(rows),
        "unapplied_minor": p["amount_minor"] - p["applied_minor"],
        "available_minor": p["amount_minor"] - p["applied_minor"] - p["credit_held_minor"],
        "status": p["status"],
        "journal_entry_id": s["journal_entry_id"],
        "applications": [
            {**application_body(dict(a)), "unapplied_at": a["unapplied_at"] and a["unapplied_at"].isoformat()}
            for a in rows
        ],
        "invoices": [
            {"id": a["invoice_id"], "status": a["invoice_status"], "balance_due_minor": a["balance_due_minor"]}
            for a in rows
        ],
        "outstanding_balances": payments.outstanding(work.tx, p["customer_id"]),
    }
    return answer | ({"credit_id": s["credit_id"]} if s["credit_id"] else {})


def _same_as_latest(work: Work, p: RowMapping) -> Outcome | None:
    """Without a key of the caller's: a body identical to the latest session's answers that session's result."""
    if work.cmd.key_given or work.cmd.body.get("external_id") or work.dry_run:
        return None
    if (
        p["last_session"] is None
        or p["last_undone"]
        or p["reversed_at"] is not None
        or p["last_hash"] != session_hash(work)
    ):
        return None
    first = work.tx.scalar("SELECT response FROM commands WHERE org_id = :org AND id = :id", id=p["last_command"])
    if first is None:
        s = work.tx.one("SELECT * FROM application_sessions WHERE org_id = :org AND id = :id", id=p["last_session"])
        assert s is not None
        first = _current(work, payments.get(work.tx, p["id"]), s)
    return Outcome(first, replayed=True)
