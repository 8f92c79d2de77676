"""The bank's statement of today: what pays by itself, and what lands on the clerk's desk."""

import io
from typing import Any

from demo.bank_statements import worked_off
from demo.desk import Desk
from models.cash.statements import StatementLine
from statement_readers.write_csv import write_csv


def statement_of_today(desk: Desk) -> None:
    """One line names its invoice and is applied; one says only thank you, and a person has to look."""
    desk.tell.step("The bank's statement of today: two receipts, one of them says only thank you")
    lines = [
        _line(desk, 1, 15_000, f"Payment of {desk.ctx.new('INV-N')}"),
        _line(desk, 2, 9_900, "Thank you!"),
    ]
    out = io.StringIO(newline="")
    write_csv(out, lines)
    files = {"file": (f"{desk.ctx.new('statement')}.csv", out.getvalue().encode())}
    answer = desk.ctx.bank.post("/v1/bank-accounts/bank_us/statements", files=files, expect=202)
    done = worked_off(desk.ctx, answer.json()["id"])
    found = [x["status"] for x in done["lines"]]
    desk.tell.same("the first is APPLIED, the second UNMATCHED", found, ["APPLIED", "UNMATCHED"])
    desk.tell.see(f"/v1/statements/{done['id']}")
    desk.tell.see_run(answer.headers["X-Workflow-Id"])
    _settle(desk, done["lines"][1])


def _settle(desk: Desk, line: dict[str, Any]) -> None:
    """The suggestion is right: assign, apply, and it is off the desk."""
    desk.tell.step("The clerk's desk: one exception, with a suggestion")
    payment = line["payment_id"]
    mine = f"/v1/exceptions?status=open&owner=me&subject_id={payment}"
    exceptions = desk.ctx.clerk.get(mine).json()["items"]
    reasons = [(e["kind"], e["reason_code"], e["owner_role"]) for e in exceptions]
    due = [("unmatched_payment", "NO_REFERENCE", "ar_clerk")]
    desk.tell.same("it has an owner, a reason and a time by which it is due", reasons, due)
    suggested = [s["invoice_id"] for s in line["suggestions"]][:1]
    desk.tell.same("the invoice of that amount is suggested first", suggested, [desk.invoice_ids["O"]])
    assign = f"/v1/customer-payments/{payment}/assign"
    desk.ctx.clerk.post(assign, {"customer_id": desk.customer_id})
    answer = desk.apply(payment, {"O": 9_900})
    desk.tell.same("assigned and applied: the payment is FULLY_APPLIED", answer.json()["status"], "FULLY_APPLIED")
    desk.tell.same("and off the desk", desk.ctx.clerk.get(mine).json()["items"], [])
    desk.tell.see(f"/v1/exceptions?subject_id={payment}")
    desk.tell.see_run(answer.headers["X-Workflow-Id"])


def _line(desk: Desk, number: int, amount: int, text: str) -> StatementLine:
    today = desk.ctx.today
    return StatementLine(number, today, today, amount, "USD", payer=desk.customer, remittance_text=text)
