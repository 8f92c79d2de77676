"""What was wrong is undone by entries that reverse entries; nothing is deleted, and what is reconciled is guarded."""

from demo.desk import Desk, amounts


def wrong_match(desk: Desk) -> None:
    """That one match is undone; the money is still there."""
    desk.tell.step("The clerk picked the wrong invoice")
    payment = desk.receive("wrong", 24_000)
    application = desk.apply(payment, {"J": 24_000}).json()["applications"][0]["id"]
    desk.tell.same("J is PAID, but K was meant", desk.invoice("J")["status"], "PAID")
    undone = desk.ctx.clerk.post(f"/v1/payment-applications/{application}/unapply", {"reason_code": "WRONG_INVOICE"})
    desk.tell.same("J is OPEN again", desk.invoice("J")["status"], "OPEN")
    desk.tell.same("the money is still there", undone.json()["available_minor"], 24_000)
    desk.tell.see_run(undone.headers["X-Workflow-Id"])
    desk.apply(payment, {"K": 24_000})
    desk.tell.same("K is PAID", desk.invoice("K")["status"], "PAID")
    entries = desk.entries(payment)
    for entry in entries:
        desk.show_entry(entry)
    desk.tell.same("three entries tell the story", len(entries), 3)
    desk.tell.see(f"/v1/journal-entries?source_id={payment}")


def reversal(desk: Desk) -> None:
    """Everything that it did is undone."""
    desk.tell.step("The bank takes a payment back: the cheque bounced")
    payment = desk.receive("bounced", 38_000)
    desk.apply(payment, {"L": 38_000})
    answer = desk.ctx.clerk.post(f"/v1/customer-payments/{payment}/reverse", {"reason_code": "CHEQUE_BOUNCED"})
    desk.tell.same("the payment is REVERSED", answer.json()["status"], "REVERSED")
    desk.tell.same("the invoice is OPEN again", desk.invoice("L")["status"], "OPEN")
    _show_that_nothing_is_left(desk, payment)
    again = f"/v1/customer-payments/{payment}/reverse"
    desk.refused(desk.ctx.clerk, again, {"reason_code": "CHEQUE_BOUNCED"}, 409, "PAYMENT_REVERSED")
    desk.tell.see_run(answer.headers["X-Workflow-Id"])


def reconciled_reversal(desk: Desk) -> str:
    """A refusal that names the way out, which only the controller may take; the payment's id."""
    ctx = desk.ctx
    desk.tell.step("The same, after the bank was reconciled")
    payment = desk.receive("reconciled", 41_000)
    desk.apply(payment, {"M": 41_000})
    body = {"through_date": ctx.today.isoformat(), "payment_ids": [payment]}
    recon = ctx.clerk.post("/v1/bank-accounts/bank_us/reconciliations", body, expect=201).json()["id"]
    done = ctx.clerk.post(f"/v1/reconciliations/{recon}/complete")
    desk.tell.same("the reconciliation is COMPLETED", done.json()["status"], "COMPLETED")
    reverse = f"/v1/customer-payments/{payment}/reverse"
    reason = {"reason_code": "CHEQUE_BOUNCED"}
    desk.refused(ctx.clerk, reverse, reason, 409, "RECONCILIATION_COMPLETE")

    desk.tell.step("The way out")
    reopen = f"/v1/reconciliations/{recon}/reopen"
    why = {"reason_code": "BANK_CORRECTED_STATEMENT"}
    desk.tell.happened("The clerk tries it herself:")
    desk.refused(ctx.clerk, reopen, why, 403, "FORBIDDEN")
    reopened = ctx.controller.post(reopen, why)
    desk.tell.same("the controller reopens it, with a reason", reopened.json()["status"], "REOPENED")
    answer = ctx.clerk.post(reverse, reason)
    desk.tell.same("now the payment is REVERSED", answer.json()["status"], "REVERSED")
    _show_that_nothing_is_left(desk, payment)
    desk.tell.see(f"/v1/reconciliations/{recon}")
    desk.tell.see_run(answer.headers["X-Workflow-Id"])
    return payment


def _show_that_nothing_is_left(desk: Desk, payment: str) -> None:
    """Entries are reversed by entries: on no account is anything left of them."""
    left: dict[str, int] = {}
    for entry in desk.entries(payment):
        desk.show_entry(entry)
        for account, minor in amounts(entry).items():
            left[account] = left.get(account, 0) + minor
    desk.tell.claim("its entries come to nothing on every account", not any(left.values()), left)
