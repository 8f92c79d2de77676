"""Each posting operation, ready to be carried out: what a crash interrupts."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from models.access import Principal
from models.db import authority
from models.db.engine import transaction
from models.ids import new_id
from models.messages.statements import StatementInput
from operations.cash.deduction_watch import look
from operations.cash.statement_chunks import next_chunk
from operations.commands import Submission
from operations.runner import run_now
from tests.cash_desk.desk import Desk, credit_line, deduction

Attempt = Callable[[], Any]


def invoice(desk: Desk) -> Attempt:
    return attempt(desk, desk.invoice(desk.customer(), 900, tax_minor=90, key=new_id("key")))


def invoice_by_external_id(desk: Desk) -> Attempt:
    return attempt(desk, desk.invoice(desk.customer(), 900))


def record(desk: Desk) -> Attempt:
    return attempt(desk, desk.payment(desk.customer(), 1000, key=new_id("key")))


def record_by_external_id(desk: Desk) -> Attempt:
    return attempt(desk, desk.payment(desk.customer(), 1000))


def record_and_apply(desk: Desk) -> Attempt:
    """In one call, leaving a credit."""
    customer = desk.customer()
    issued = [desk.run(desk.invoice(customer, 400)).body["id"] for _ in range(2)]
    lines = [{"invoice_id": i, "applied_minor": 300} for i in issued]
    session = desk.session(lines, overpayment="customer_credit")
    return attempt(desk, desk.payment(customer, 1000, apply=session, key=new_id("key")))


def record_and_apply_by_external_id(desk: Desk) -> Attempt:
    customer = desk.customer()
    issued = desk.run(desk.invoice(customer, 400)).body["id"]
    return attempt(
        desk, desk.payment(customer, 300, apply=desk.session([{"invoice_id": issued, "applied_minor": 300}]))
    )


def record_though_not_applied(desk: Desk) -> Attempt:
    """The session is refused and the payment kept, with the refusal in its trail."""
    customer = desk.customer()
    issued = desk.run(desk.invoice(customer, 400)).body["id"]
    session = desk.session([{"invoice_id": issued, "applied_minor": 400}])
    return attempt(desk, desk.payment(customer, 1000, apply=session, on_refusal="record", key=new_id("key")))


def record_and_apply_at_receipt(desk: Desk) -> Attempt:
    """With the setting under which the receipt has an entry of its own."""
    desk.run(desk.settings(receipt_posting="at_receipt"))
    return record_and_apply(desk)


def apply_what_was_recorded(desk: Desk) -> Attempt:
    """A payment that is known comes again, now with its session."""
    customer = desk.customer()
    issued = desk.run(desk.invoice(customer, 400)).body["id"]
    first = desk.payment(customer, 300)
    desk.run(first)
    assert isinstance(first.body, dict)
    again = {**first.body, "apply": desk.session([{"invoice_id": issued, "applied_minor": 300}])}
    return attempt(desk, desk.payment(customer, 300, **again, key=new_id("key")))


def issue_credit_note(desk: Desk) -> Attempt:
    customer = desk.customer()
    invoice = desk.run(desk.invoice(customer, 900, tax_minor=90)).body["id"]
    return attempt(desk, desk.credit_note(customer, 300, invoice_id=invoice, key=new_id("key")))


def _noted(desk: Desk, currency: str = "USD") -> tuple[str, str]:
    """An invoice and a credit note of one customer."""
    customer = desk.customer()
    invoice = desk.run(desk.invoice(customer, 900, currency_code=currency)).body["id"]
    return invoice, desk.run(desk.credit_note(customer, 300, currency_code=currency)).body["id"]


def apply_credit_note(desk: Desk) -> Attempt:
    invoice, note = _noted(desk)
    return attempt(desk, desk.settle(note, [(invoice, 300)], key=new_id("key")))


def apply_credit_note_by_external_id(desk: Desk) -> Attempt:
    """With an exchange difference, so that there is an entry too."""
    for day, rate in (("2025-03-02", "1.20"), ("2025-03-05", "1.25")):
        desk.run(desk.rate("GBP", "USD", day, Decimal(rate)))
    invoice, note = _noted(desk, "GBP")
    return attempt(desk, desk.settle(note, [(invoice, 300)], external_id=new_id("ext")))


def unapply_credit_note(desk: Desk) -> Attempt:
    invoice, note = _noted(desk)
    line = desk.run(desk.settle(note, [(invoice, 300)])).body["applications"][0]["id"]
    return attempt(desk, desk.unsettle(line, key=new_id("key")))


def void_credit_note(desk: Desk) -> Attempt:
    return attempt(desk, desk.void_note(_noted(desk)[1], key=new_id("key")))


def _netted(desk: Desk) -> tuple[str, dict[str, Any]]:
    """A payment, and a session of it in which a credit note is netted."""
    customer = desk.customer()
    invoice = desk.run(desk.invoice(customer, 900)).body["id"]
    note = desk.run(desk.credit_note(customer, 300)).body["id"]
    payment = desk.run(desk.payment(customer, 600)).body["id"]
    return payment, {
        "lines": [{"invoice_id": invoice, "applied_minor": 600}],
        "credit_notes": [{"credit_note_id": note, "invoice_id": invoice, "applied_minor": 300}],
    }


def apply_with_credit_note(desk: Desk) -> Attempt:
    payment, session = _netted(desk)
    return attempt(desk, desk.apply(payment, **session, key=new_id("key")))


def reverse_with_credit_note(desk: Desk) -> Attempt:
    payment, session = _netted(desk)
    desk.run(desk.apply(payment, **session))
    return attempt(desk, desk.reverse(payment, key=new_id("key")))


def _paid(desk: Desk, invoices: int = 2) -> tuple[str, list[str]]:
    customer = desk.customer()
    issued = [desk.run(desk.invoice(customer, 400)).body["id"] for _ in range(invoices)]
    return desk.run(desk.payment(customer, 1000)).body["id"], issued


def _session(desk: Desk, **more: Any) -> Submission:
    payment, invoices = _paid(desk)
    lines = [{"invoice_id": i, "applied_minor": 300} for i in invoices]
    return desk.apply(payment, lines, **more)


def apply_with_credit(desk: Desk) -> Attempt:
    return attempt(desk, _session(desk, overpayment="customer_credit", key=new_id("key")))


def apply_leaving_unapplied(desk: Desk) -> Attempt:
    return attempt(desk, _session(desk, overpayment="unapplied", external_id=new_id("ext")))


def apply_without_key(desk: Desk) -> Attempt:
    return attempt(desk, _session(desk, overpayment="unapplied"))


def spend_credit(desk: Desk) -> Attempt:
    payment, (first, second) = _paid(desk)
    lines = [{"invoice_id": first, "applied_minor": 400}]
    credit = desk.run(desk.apply(payment, lines, overpayment="customer_credit")).body["credit_id"]
    spent = [{"invoice_id": second, "applied_minor": 250}]
    return attempt(desk, desk.apply(credit, spent, credit=True, key=new_id("key")))


def unapply(desk: Desk) -> Attempt:
    done = desk.run(_session(desk, overpayment="unapplied")).body
    return attempt(desk, desk.unapply(done["applications"][0]["id"], key=new_id("key")))


def _adjusted(desk: Desk, **more: Any) -> Submission:
    """A session that settles two invoices by money, a fee and a small write-off."""
    payment, invoices = _paid(desk)
    beside = [{"kind": "bank_fee", "amount_minor": 90, "reason_code": "FEE"},
              {"kind": "write_off", "amount_minor": 10, "reason_code": "SMALL"}]  # fmt: skip
    lines = [{"invoice_id": i, "applied_minor": 300, "adjustments": beside} for i in invoices]
    return desk.apply(payment, lines, overpayment="unapplied", **more)


def apply_with_adjustments(desk: Desk) -> Attempt:
    return attempt(desk, _adjusted(desk, key=new_id("key")))


def unapply_with_adjustments(desk: Desk) -> Attempt:
    done = desk.run(_adjusted(desk)).body
    return attempt(desk, desk.unapply(done["applications"][0]["id"], key=new_id("key")))


def undo_adjustment(desk: Desk) -> Attempt:
    done = desk.run(_adjusted(desk)).body
    return attempt(desk, desk.undo_adjustment(done["adjustments"][0]["id"], key=new_id("key")))


def reverse_with_adjustments(desk: Desk) -> Attempt:
    done = desk.run(_adjusted(desk)).body
    return attempt(desk, desk.reverse(done["payment_id"], key=new_id("key")))


def reverse(desk: Desk) -> Attempt:
    done = desk.run(_session(desk, overpayment="customer_credit")).body
    return attempt(desk, desk.reverse(done["payment_id"], key=new_id("key")))


def apply_across_currencies(desk: Desk) -> Attempt:
    """Pounds for dollars: both amounts, the rate, and a difference in its account."""
    for day, rate in (("2025-03-01", "1.20"), ("2025-03-10", "1.25")):
        desk.run(desk.rate("GBP", "USD", day, Decimal(rate)))
    customer = desk.customer()
    invoice = desk.run(desk.invoice(customer, 1000, currency_code="GBP")).body["id"]
    payment = desk.run(desk.payment(customer, 500, currency_code="GBP")).body["id"]
    return attempt(desk, desk.apply(payment, [{"invoice_id": invoice, "applied_minor": 500}], key=new_id("key")))


def record_at_receipt(desk: Desk) -> Attempt:
    """With the setting under which the receipt itself is posted."""
    desk.run(desk.settings(receipt_posting="at_receipt"))
    return attempt(desk, desk.payment(desk.customer(), 1000, key=new_id("key")))


def assign(desk: Desk) -> Attempt:
    start = desk.statement([credit_line(77, new_id("line"))])
    desk.work_off(start)
    return attempt(desk, desk.assign(desk.newest_payment(), desk.customer(), key=new_id("key")))


def void(desk: Desk) -> Attempt:
    issued = desk.run(desk.invoice(desk.customer(), 900, tax_minor=90)).body["id"]
    return attempt(desk, desk.void(issued, key=new_id("key")))


def dispute(desk: Desk) -> Attempt:
    issued = desk.run(desk.invoice(desk.customer(), 900)).body["id"]
    return attempt(desk, desk.dispute(issued, key=new_id("key")))


def draft_reconciliation(desk: Desk) -> Attempt:
    return attempt(desk, desk.draft_reconciliation([_paid(desk)[0]], key=new_id("key")))


def reopen_reconciliation(desk: Desk) -> Attempt:
    recon = desk.run(desk.draft_reconciliation([_paid(desk)[0]])).body["id"]
    desk.run(desk.complete(recon))
    return attempt(desk, desk.reopen(recon, key=new_id("key")))


def complete_reconciliation(desk: Desk) -> Attempt:
    payments = [_paid(desk)[0] for _ in range(2)]
    recon = desk.run(desk.draft_reconciliation(payments)).body["id"]
    return attempt(desk, desk.complete(recon, key=new_id("key")))


_months = (f"{year}-{month:02}" for year in range(1990, 2020) for month in range(1, 13))


def close_period(desk: Desk) -> Attempt:
    """Of a month of its own, with two receipts that are not in the books yet."""
    month, customer = next(_months), desk.customer()
    for _ in range(2):
        desk.run(desk.payment(customer, 700, payment_date=f"{month}-10"))
    return attempt(desk, desk.period(month, "close"))


def reopen_period(desk: Desk) -> Attempt:
    month = next(_months)
    desk.run(desk.payment(desk.customer(), 700, payment_date=f"{month}-10"))
    desk.run(desk.period(month, "close"))
    return attempt(desk, desk.period(month, "reopen"))


def statement_chunk(desk: Desk) -> Attempt:
    customer = desk.customer()
    issued = [desk.run(desk.invoice(customer, 400)).body["external_id"] for _ in range(2)]
    mark = new_id("line")
    lines = [credit_line(400, f"{issued[0]} {mark}"), credit_line(150, issued[1]), credit_line(77, mark)]
    start: StatementInput = desk.statement(lines)
    return lambda: next_chunk(desk.engine, start)


def _write_off(desk: Desk, amount: int) -> Submission:
    issued = desk.run(desk.invoice(desk.customer(), amount)).body["id"]
    body = {"invoice_id": issued, "amount_minor": None, "reason_code": "SMALL_BALANCE", "note": None}
    return desk.submission("create_write_off", "/v1/write-offs", body, new_id("wo"), key=new_id("key"), subject=issued)


def write_off(desk: Desk) -> Attempt:
    return attempt(desk, _write_off(desk, 400))


def write_off_beyond_authority(desk: Desk) -> Attempt:
    return attempt(desk, _write_off(desk, 20_000_00))


def reverse_write_off(desk: Desk) -> Attempt:
    done = desk.run(_write_off(desk, 400)).body["id"]
    body = {"reason_code": "PAID_AFTER_ALL", "note": None}
    return attempt(
        desk, desk.submission("reverse_write_off", f"/v1/write-offs/{done}/reverse", body, done, key=new_id("key"))
    )


def _decision(desk: Desk, approval: str, decision: str, *roles: str) -> Attempt:
    who = Principal(f"u_{roles[0]}2", desk.org, frozenset(roles), None)
    body = {"step": None, "decision": decision, "reason_code": "CHECKED", "comment": None}
    path = f"/v1/approvals/{approval}/decisions"
    said = desk.submission("approval.decide", path, body, approval, key=new_id("key"))
    return lambda: run_now(desk.engine, who, said)


def approve_write_off(desk: Desk) -> Attempt:
    """The last approval, with which it is posted."""
    return _decision(desk, desk.run(_write_off(desk, 20_000_00)).body["approval_id"], "approve", "cfo")


def approve_credit_note(desk: Desk) -> Attempt:
    """The last approval, with which it is posted."""
    asked = desk.run(desk.credit_note(desk.customer(), 26_000_00)).body
    return _decision(desk, asked["approval_id"], "approve", "cfo")


def resubmit_write_off(desk: Desk) -> Attempt:
    """A new round of what was given back."""
    approval = desk.run(_write_off(desk, 20_000_00)).body["approval_id"]
    _decision(desk, approval, "return", "cfo")()
    path = f"/v1/approvals/{approval}/resubmit"
    return attempt(desk, desk.submission("approval.resubmit", path, {"comment": None}, approval, key=new_id("key")))


def reject_write_off(desk: Desk) -> Attempt:
    return _decision(desk, desk.run(_write_off(desk, 20_000_00)).body["approval_id"], "reject", "cfo")


def approve_limits(desk: Desk) -> Attempt:
    """The last approval of other limits, with which they hold."""
    with transaction(desk.engine, desk.org) as tx:
        version = authority.get(tx).version
    limit = {"kind": "bank_fee", "role": "ar_clerk", "limit_minor": 60_00 + version}
    body = {"limits": [limit], "version": None, "updated_at": None, "updated_by": None}
    asked = desk.submission("authority_limits.put", "/v1/authority-limits", body, desk.org, key=new_id("key"))
    approval = desk.run(asked).body["approval_id"]
    _decision(desk, approval, "approve", "controller")()
    return _decision(desk, approval, "approve", "cfo")


def attempt(desk: Desk, s: Submission) -> Attempt:
    return lambda: desk.run(s)


def _short(desk: Desk, minor: int = 100, total: int = 900) -> tuple[str, str, dict[str, Any]]:
    """An invoice, a payment, and a session that pays it short."""
    customer = desk.customer()
    invoice = desk.run(desk.invoice(customer, total, tax_minor=90)).body["id"]
    payment = desk.run(desk.payment(customer, total - minor)).body["id"]
    line = {"invoice_id": invoice, "applied_minor": total - minor}
    return invoice, payment, {"lines": [line], "deductions": [deduction(invoice, minor)]}


def _deducted(desk: Desk, minor: int = 100, total: int = 900) -> tuple[str, str, dict[str, Any]]:
    """An invoice that was paid short, its deduction, and what the session answered."""
    invoice, payment, session = _short(desk, minor, total)
    done = desk.run(desk.apply(payment, **session)).body
    return invoice, done["deductions"][0]["id"], done


def state_deduction(desk: Desk) -> Attempt:
    issued = desk.run(desk.invoice(desk.customer(), 900)).body["id"]
    return attempt(desk, desk.deduct(issued, 100, key=new_id("key")))


def apply_short(desk: Desk) -> Attempt:
    _, payment, session = _short(desk)
    return attempt(desk, desk.apply(payment, **session, key=new_id("key")))


def unapply_with_deduction(desk: Desk) -> Attempt:
    _, _, done = _deducted(desk)
    return attempt(desk, desk.unapply(done["applications"][0]["id"], key=new_id("key")))


def reverse_with_deduction(desk: Desk) -> Attempt:
    _, _, done = _deducted(desk)
    return attempt(desk, desk.reverse(done["payment_id"], key=new_id("key")))


def pay_what_was_deducted(desk: Desk) -> Attempt:
    invoice, deducted, _ = _deducted(desk)
    with transaction(desk.engine, desk.org) as tx:
        customer = tx.scalar("SELECT customer_id FROM deductions WHERE org_id = :org AND id = :id", id=deducted)
    payment = desk.run(desk.payment(customer, 100)).body["id"]
    return attempt(desk, desk.apply(payment, [{"invoice_id": invoice, "applied_minor": 100}], key=new_id("key")))


def void_with_deduction(desk: Desk) -> Attempt:
    issued = desk.run(desk.invoice(desk.customer(), 900)).body["id"]
    desk.run(desk.deduct(issued, 100))
    return attempt(desk, desk.void(issued, key=new_id("key")))


def reject_deduction(desk: Desk) -> Attempt:
    return attempt(desk, desk.decide(_deducted(desk)[1], "reject", key=new_id("key")))


def accept_deduction(desk: Desk) -> Attempt:
    return attempt(desk, desk.decide(_deducted(desk)[1], "accept", key=new_id("key")))


def accept_deduction_beyond_authority(desk: Desk) -> Attempt:
    _, deducted, _ = _deducted(desk, 26_000_00, 30_000_00)
    return attempt(desk, desk.decide(deducted, "accept", key=new_id("key")))


def approve_deduction(desk: Desk) -> Attempt:
    """The last approval, with which it is credited."""
    _, deducted, _ = _deducted(desk, 26_000_00, 30_000_00)
    approval = desk.run(desk.decide(deducted, "accept")).body["approval_id"]
    return _decision(desk, approval, "approve", "cfo")


def hand_on_deduction(desk: Desk) -> Attempt:
    """What its process does when nobody has decided it in time."""
    desk.run(desk.settings(deduction_sla_seconds=1))
    _, deducted, _ = _deducted(desk)
    desk.run(desk.settings(deduction_sla_seconds=None))
    with transaction(desk.engine, desk.org) as tx:
        tx.run(
            "UPDATE deductions SET due_at = due_at - interval '1 day', remind_at = remind_at - interval '2 days' "
            "WHERE org_id = :org AND id = :id",
            id=deducted,
        )

    def look_once() -> Any:
        with transaction(desk.engine, desk.org) as tx:
            return look(tx, deducted)

    return look_once


OPERATIONS = (
    invoice, invoice_by_external_id, record, record_by_external_id, apply_with_credit, apply_leaving_unapplied,
    apply_without_key, apply_across_currencies, spend_credit, unapply, reverse, void, dispute, draft_reconciliation,
    complete_reconciliation, reopen_reconciliation, close_period, reopen_period, statement_chunk, assign,
    record_at_receipt, record_and_apply, record_and_apply_by_external_id, record_though_not_applied,
    record_and_apply_at_receipt, apply_what_was_recorded, issue_credit_note, apply_credit_note,
    apply_credit_note_by_external_id, unapply_credit_note, void_credit_note, apply_with_credit_note,
    reverse_with_credit_note, write_off, write_off_beyond_authority, reverse_write_off, approve_write_off,
    reject_write_off, approve_credit_note, resubmit_write_off,
    approve_limits, apply_with_adjustments, unapply_with_adjustments, undo_adjustment,
    reverse_with_adjustments, state_deduction, apply_short, unapply_with_deduction, reverse_with_deduction,
    pay_what_was_deducted, void_with_deduction, reject_deduction, accept_deduction, accept_deduction_beyond_authority,
    approve_deduction, hand_on_deduction,
)  # fmt: skip
