"""The second pile of the post: invoices that were not simply paid. Discounts, fees, small rests, in one session each."""

from datetime import timedelta
from typing import Any, Final

from demo.context import Demo
from demo.desk import Desk, amounts, money
from demo.history import create_customers

TERMS: Final = "2-10-NET30"
_TERMS: Final = {"code": TERMS, "days": 30, "discount_percent": "2", "discount_days": 10}


CUSTOMER: Final = "Pallet & Sons Wholesale"


def walk_session_lines(ctx: Demo) -> None:
    """Invoices that were paid otherwise than in full."""
    ctx.tell.chapter("The second pile: what was not simply paid")
    desk = open_desk(ctx, CUSTOMER)
    discounts(desk)
    fee_and_rest(desk)
    write_offs(desk)


def open_desk(ctx: Demo, customer: str) -> Desk:
    """The clerk's desk for a customer of this walk."""
    name = f"{customer} {ctx.walk}"
    row = {"external_id": ctx.new("desk"), "name": name, "email": f"{ctx.new('payables')}@pallet.example"}
    return Desk(ctx, create_customers(ctx, [row])[0], name)


def beside(kind: str, minor: int, reason: str) -> dict[str, Any]:
    """What an invoice owes less beside the money."""
    return {"kind": kind, "amount_minor": minor, "reason_code": reason}


def session(desk: Desk, name: str, minor: int, *adjustments: dict[str, Any]) -> dict[str, Any]:
    """The body of an apply: this much for one invoice, and what is taken off it beside."""
    line = {"invoice_id": desk.invoice_ids[name], "applied_minor": minor, "adjustments": list(adjustments)}
    return {"applications": [line]}


def discounts(desk: Desk) -> None:
    """Two per cent for who pays within ten days: in time it closes the invoice, a day late it is refused."""
    desk.tell.step("Two per cent for who pays within ten days: one customer is in time, one a day late")
    desk.ctx.controller.post("/v1/payment-terms", _TERMS, expect=201)
    desk.raise_invoices({"P": 100_000}, payment_terms=TERMS)
    late = desk.ctx.today - timedelta(days=11)
    desk.raise_invoices({"Q": 50_000}, payment_terms=TERMS, issue_date=late.isoformat())
    in_time = desk.receive("in-time", 98_000)
    body = session(desk, "P", 98_000, beside("discount", 2_000, "EARLY_PAYMENT"))
    done = desk.ctx.clerk.post(f"/v1/customer-payments/{in_time}/apply", body)
    desk.tell.same("in time: the invoice is PAID", desk.invoice("P")["status"], "PAID")
    entry = desk.entries(in_time)[0]
    desk.show_entry(entry)
    desk.tell.same("20.00 are a discount, not cash", amounts(entry)["sales_discounts"], 2_000)
    desk.tell.see_run(done.headers["X-Workflow-Id"])

    a_day_late = desk.receive("a-day-late", 49_000)
    body = session(desk, "Q", 49_000, beside("discount", 1_000, "EARLY_PAYMENT"))
    path = f"/v1/customer-payments/{a_day_late}/apply"
    problem = desk.refused(desk.ctx.clerk, path, body, 422, "DISCOUNT_NOT_EARNED")
    desk.tell.same("a day late: nothing is granted", problem["allowed_minor"], 0)
    desk.apply(a_day_late, {"Q": 49_000})
    desk.tell.same("10.00 USD stay due", desk.invoice("Q")["balance_due_minor"], 1_000)


def fee_and_rest(desk: Desk) -> None:
    """The bank keeps 15.00 of a transfer; 37 cents of an invoice are not worth a letter."""
    desk.tell.step("The bank kept 15.00 of a transfer, and recording and applying it is one call")
    desk.raise_invoices({"R": 80_000, "S": 12_037})
    body = desk.payment_body("short-by-fee", 78_500)
    body["apply"] = session(desk, "R", 78_500, beside("bank_fee", 1_500, "TRANSFER_FEE"))
    made = desk.ctx.clerk.post("/v1/customer-payments", body, expect=201)
    done = made.json()
    desk.tell.same("the invoice is PAID", desk.invoice("R")["status"], "PAID")
    desk.tell.same("the payment is FULLY_APPLIED: a fee is no money", done["status"], "FULLY_APPLIED")
    desk.show_entry(desk.entries(done["id"])[0])
    desk.tell.see_run(made.headers["X-Workflow-Id"])

    desk.tell.step("37 cents are missing: the clerk writes them off in the same session")
    payment = desk.receive("37-cents-short", 12_000)
    body = session(desk, "S", 12_000, beside("write_off", 37, "SMALL_DIFFERENCE"))
    desk.ctx.clerk.post(f"/v1/customer-payments/{payment}/apply", body)
    desk.tell.same("the invoice is PAID", desk.invoice("S")["status"], "PAID")
    desk.show_entry(desk.entries(payment)[0])
    desk.raise_invoices({"T": 30_000})
    payment = desk.receive("48-short", 25_200)
    body = session(desk, "T", 25_200, beside("write_off", 4_800, "SMALL_DIFFERENCE"))
    path = f"/v1/customer-payments/{payment}/apply"
    desk.tell.happened(f"{money(4_800)} are not hers to give:")
    desk.refused(desk.ctx.clerk, path, body, 422, "APPROVAL_REQUIRED")
    desk.apply(payment, {"T": 25_200})
    desk.tell.see(f"/v1/adjustments?customer_id={desk.customer_id}")


def write_offs(desk: Desk) -> None:
    """What will not be paid: within her authority the manager writes off at once, beyond it a chain decides."""
    ctx = desk.ctx
    desk.tell.step("480.00 will not be paid: the manager writes them off, within her authority")
    desk.raise_invoices({"U": 48_000, "V": 1_200_000})
    body = {"invoice_id": desk.invoice_ids["U"], "reason_code": "UNCOLLECTABLE"}
    done = ctx.manager.post("/v1/write-offs", body, expect=201).json()
    desk.tell.same("the invoice owes nothing", desk.invoice("U")["balance_due_minor"], 0)
    desk.show_entry(desk.entries(done["id"])[0])
    desk.tell.see(f"/v1/write-offs/{done['id']}")

    desk.tell.step("12,000.00 are beyond manager and controller: the controller and the CFO decide")
    body = {"invoice_id": desk.invoice_ids["V"], "reason_code": "INSOLVENCY", "note": "Chapter 7, no dividend expected"}
    asked = ctx.manager.post("/v1/write-offs", body, expect=202)
    waiting = asked.json()
    desk.tell.same("it waits for approval", waiting["status"], "PENDING_APPROVAL")
    desk.tell.same("nothing is posted", desk.invoice("V")["balance_due_minor"], 1_200_000)
    decisions = f"/v1/approvals/{waiting['approval_id']}/decisions"
    desk.refused(ctx.manager, decisions, {"decision": "approve"}, 403, "FORBIDDEN")
    for person in (ctx.controller, ctx.cfo):
        inbox = person.get("/v1/approvals?awaiting=me&kind=write_off&limit=200").json()["items"]
        desk.tell.claim(f"it is in the {person.title}'s inbox", waiting["approval_id"] in [a["id"] for a in inbox])
        person.post(decisions, {"decision": "approve", "comment": "The court's letter is on file."})
    written = ctx.manager.get(f"/v1/write-offs/{waiting['id']}").json()
    desk.tell.same("posted with the last decision", written["status"], "POSTED")
    desk.tell.same("the invoice owes nothing", desk.invoice("V")["balance_due_minor"], 0)
    desk.show_entry(desk.entries(waiting["id"])[0])
    desk.tell.see(f"/v1/approvals/{waiting['approval_id']}")
    desk.tell.see_run(asked.headers.get("X-Workflow-Id"))
