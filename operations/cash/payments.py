"""Recording a payment, and saying whose it is."""

from datetime import date, timedelta
from typing import Any

from models.cash.ledger import Account, JournalEntry
from models.cash.periods import entry_date
from models.db import lookups
from models.db.cash import payments, rates
from models.db.tx import Row
from models.errors import Refusal
from models.ids import new_id
from models.money import convert
from operations.runner import operation
from operations.work import Outcome, Work, entry_mark

HORIZON_DAYS = 7  # how far ahead a payment may be dated; setting `payment_date_horizon_days`
_BUSINESS_FIELDS = (
    "customer_id", "payment_date", "amount_minor", "currency_code", "legal_entity_id", "bank_account_id", "method",
    "reference", "remittance_text",
)  # fmt: skip


@operation("record_payment")
def record_payment(work: Work) -> Outcome:
    """A customer payment arrives, by hand or by a feed. Once per external_id, for ever."""
    b = work.cmd.body
    known = payments.by_external_id(work.tx, b["external_id"])
    if known is not None:
        return _replay(work, known, b)
    customer = lookups.customer(work.tx, b["customer_id"])
    entity, bank = _where(work, b, customer)
    work.require_entity(entity["id"])
    refuse_too_far_ahead(date.fromisoformat(b["payment_date"]), work.now.date(), horizon_days(work))
    row = payment_row(work, b, entity, bank["id"], payment_id=work.cmd.resource_id or new_id("pay"))
    work.tx.insert("payments", [row])
    entries = []
    if lookups.setting(work.tx, "receipt_posting", "on_application") == "at_receipt":
        entries.append(post_receipt(work, payments.lock(work.tx, row["id"])))
    recorded(work, row, entries)
    return Outcome(payments.payment_body(payments.get(work.tx, row["id"])), 201)


def payment_row(work: Work, b: dict[str, Any], entity: Any, bank_id: str, *, payment_id: str) -> dict[str, Any]:
    """A new payment, translated to the functional currency at its date's rate."""
    paid = date.fromisoformat(b["payment_date"])
    functional = entity["functional_currency"]
    rate = rates.required_rate(work.tx, b["currency_code"], functional, paid)
    worth = convert(b["amount_minor"], rate, b["currency_code"], functional)
    return {
        "id": payment_id,
        "external_id": b["external_id"],
        "customer_id": b.get("customer_id"),
        "legal_entity_id": entity["id"],
        "bank_account_id": bank_id,
        "payment_date": paid,
        "amount_minor": b["amount_minor"],
        "currency_code": b["currency_code"],
        "currencies_differ": False,
        "applied_minor": 0,
        "credit_held_minor": 0,
        "fx_rate": rate,
        "functional_currency": functional,
        "functional_amount_minor": worth,
        "functional_available_minor": worth,
        "posted": False,
        "method": b.get("method"),
        "reference": b.get("reference"),
        "remittance_text": b.get("remittance_text"),
        "payer": b.get("payer"),
        "statement_id": b.get("statement_id"),
        "statement_line": b.get("statement_line"),
        "body": {k: b.get(k) for k in _BUSINESS_FIELDS},
        "version": 1,
        "created_at": work.now,
    }


def recorded(work: Work, row: dict[str, Any], entries: list[JournalEntry]) -> None:
    """The trail and the event of a payment that was recorded."""
    facts = {k: row[k] for k in ("customer_id", "legal_entity_id", "amount_minor", "currency_code")}
    facts |= {"payment_date": str(row["payment_date"])}
    work.audit(row["id"], "payment.received", {"after": facts, "entries": entry_mark(*entries)})
    work.emit("ar.payment.received", row["id"], {"payment_id": row["id"], **facts})


def post_receipt(work: Work, p: Row) -> JournalEntry:
    """Post the receipt of a payment that has no entry yet, and mark it posted. `p` carries its closed periods."""
    entry = post_receipt_entry(work, p, p["closed_periods"])
    work.tx.later(
        "UPDATE payments SET posted = true, version = version + 1 WHERE org_id = :org AND id = :id", id=p["id"]
    )
    return entry


def post_receipt_entry(work: Work, p: Any, closed: list[str]) -> JournalEntry:
    """DR cash, CR unapplied_cash; dated the payment date, or the first day of the next open month."""
    day = entry_date(p["payment_date"], closed)
    entry = JournalEntry(new_id("je"), day, "receipt", p["id"], p["legal_entity_id"], p["functional_currency"])
    amount, worth, currency = p["amount_minor"], p["functional_amount_minor"], p["currency_code"]
    entry.debit(Account.CASH, amount, currency, worth, bank_account_id=p["bank_account_id"])
    entry.credit(Account.UNAPPLIED_CASH, amount, currency, worth, customer_id=p["customer_id"])
    work.post(entry)
    return entry


def no_longer_unmatched(work: Work, p: Any, code: str) -> None:
    """What a statement left for a person is dealt with once the money has its place, or is gone."""
    if p["statement_id"] is None:
        return
    resolved = work.tx.all(
        """UPDATE exceptions SET status = 'resolved', resolved_at = :at, resolved_by = :who, resolution_code = :code
           WHERE org_id = :org AND subject_id = :id AND kind = 'unmatched_payment' AND status = 'open' RETURNING id""",
        at=work.now,
        who=work.cmd.actor,
        code=code,
        id=p["id"],
    )
    for e in resolved:
        work.audit(p["id"], "exception.resolved", {"exception_id": e["id"]}, reason_code=code)


@operation("assign_payment")
def assign_payment(work: Work) -> Outcome:
    """Say whose a payment from an unknown payer is. Again for the same customer: the current record."""
    p = payments.lock(work.tx, str(work.cmd.resource_id))
    work.require_entity(p["legal_entity_id"])
    customer = lookups.customer(work.tx, work.cmd.body["customer_id"])
    if p["reversed_at"] is not None:
        raise Refusal("PAYMENT_REVERSED", f"Payment {p['id']} is reversed.")
    if p["customer_id"] == customer["id"]:
        return Outcome(payments.payment_body(payments.get(work.tx, p["id"])), replayed=True)
    if p["customer_id"] is not None and p["last_session"] is not None:
        raise Refusal(
            "CUSTOMER_ALREADY_ASSIGNED", "The payment was applied for its present customer; reverse it first."
        )
    work.tx.later(
        "UPDATE payments SET customer_id = :customer, version = version + 1 WHERE org_id = :org AND id = :id",
        customer=customer["id"],
        id=p["id"],
    )
    work.audit(
        p["id"], "payment.assigned",
        {"before": {"customer_id": p["customer_id"]}, "after": {"customer_id": customer["id"]}},
    )  # fmt: skip
    return Outcome(payments.payment_body(payments.get(work.tx, p["id"])))


def _where(work: Work, b: dict[str, Any], customer: Row) -> tuple[Row, Row]:
    """Entity: the one given, else the bank account's, else the customer's. Bank account: given, else the only one."""
    bank = lookups.bank_account(work.tx, b["bank_account_id"]) if b.get("bank_account_id") else None
    entity_id = b.get("legal_entity_id") or (bank and bank["legal_entity_id"]) or customer["legal_entity_id"]
    entity = lookups.legal_entity(work.tx, entity_id)
    if bank is not None and bank["legal_entity_id"] != entity_id:
        raise Refusal("LEGAL_ENTITY_MISMATCH", f"Bank account {bank['id']} is not legal entity {entity_id}'s.")
    return entity, bank or lookups.only_bank_account(work.tx, entity_id)


def horizon_days(work: Work) -> int:
    """How far ahead of today the organisation lets a payment be dated."""
    return int(lookups.setting(work.tx, "payment_date_horizon_days", HORIZON_DAYS))


def refuse_too_far_ahead(paid: date, today: date, days: int) -> None:
    """Refusal PAYMENT_DATE_IN_FUTURE for a payment dated more than `days` after today (UTC)."""
    if paid > today + timedelta(days=days):
        raise Refusal(
            "PAYMENT_DATE_IN_FUTURE", f"A payment may be dated at most {days} days ahead (UTC).", payment_date=str(paid)
        )


def _replay(work: Work, known: Row, b: dict[str, Any]) -> Outcome:
    """The current record for the same business fields (after defaults), 409 naming the fields otherwise."""
    work.require_entity(known["legal_entity_id"])
    after_defaults = {"legal_entity_id": known["legal_entity_id"], "bank_account_id": known["bank_account_id"]}
    differing = [
        f for f in _BUSINESS_FIELDS if b.get(f) != known["body"].get(f) and b.get(f) != after_defaults.get(f, b)
    ]
    # A default taken then and the same value spelled out now are the same; one spelled out then and left out now
    # is the same only where the default would give it.
    if set(differing) <= after_defaults.keys():
        differing = [f for f in differing if b.get(f) is not None or not _is_default(work, known, b, f)]
    if differing:
        raise Refusal(
            "EXTERNAL_ID_CONFLICT",
            f"external_id was used for another payment ({known['id']}); different: {', '.join(differing)}.",
            fields=differing,
            id=known["id"],
        )
    return Outcome(payments.payment_body(known), 201, replayed=True)


def _is_default(work: Work, known: Row, b: dict[str, Any], field: str) -> bool:
    entity, bank = _where(work, b, lookups.customer(work.tx, b["customer_id"]))
    chosen = {"legal_entity_id": entity["id"], "bank_account_id": bank["id"]}
    return bool(chosen[field] == known[field])
