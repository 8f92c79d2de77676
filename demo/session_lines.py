"""The second pile of the post: invoices that were not simply paid. Discounts, fees, small rests, in one session each."""

from datetime import timedelta
from typing import Any, Final

from demo.context import Demo
from demo.customers import approve
from demo.desk import Desk, amounts, money
from demo.history import create_customers
from demo.short_pays import short_pays

TERMS: Final = "2-10-NET30"
_TERMS: Final = {"code": TERMS, "days": 30, "discount_percent": "2", "discount_days": 10}


CUSTOMER: Final = "Pallet & Sons Wholesale"


def walk_session_lines(ctx: Demo) -> None:
    """Invoices that were paid otherwise than in full."""
    ctx.tell.chapter("The second pile: what was not simply paid")
    desk = open_desk(ctx, CUSTOMER, "pallet")
    discounts(desk)
    fee_and_rest(desk)
    write_offs(desk)
    credit_notes(desk)
    short_pays(desk)
    parent_pays(desk)


def open_desk(ctx: Demo, customer: str, key: str) -> Desk:
    """The clerk's desk for a customer of this walk."""
    name = f"{customer} {ctx.walk}"
    row = {"external_id": ctx.new(key), "name": name, "email": f"{ctx.new(key)}@pallet.example"}
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
    waiting = ctx.manager.post("/v1/write-offs", body, expect=202).json()
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
    desk.tell.see_run(f"{waiting['approval_id']}/ObtainApproval")


def credit_notes(desk: Desk) -> None:
    """A damaged pallet: the manager's credit note is netted in the payment; the one on the wrong invoice is undone."""
    ctx = desk.ctx
    desk.tell.step("A pallet came damaged: the manager credits 360.00, and the payment nets it")
    desk.raise_invoices({"W": 150_000, "X": 90_000})
    note = _credit_note(desk, 36_000, "DAMAGED_GOODS", "W")
    payment = desk.receive("less-the-pallet", 114_000)
    applied = {"credit_note_id": note, "invoice_id": desk.invoice_ids["W"], "applied_minor": 36_000}
    desk.apply(payment, {"W": 114_000}, credit_notes=[applied])
    desk.tell.same("the invoice is PAID", desk.invoice("W")["status"], "PAID")
    desk.tell.same("the note is APPLIED", ctx.clerk.get(f"/v1/credit-notes/{note}").json()["status"], "APPLIED")
    desk.show_entry(desk.entries(payment)[0])

    desk.tell.step("A credit note on the wrong invoice is taken off it, and void")
    wrong = _credit_note(desk, 9_000, "PRICE_ERROR", "X")
    lines = {"applications": [{"invoice_id": desk.invoice_ids["X"], "applied_minor": 9_000}]}
    ctx.clerk.post(f"/v1/credit-notes/{wrong}/apply", lines)
    desk.tell.same("the invoice owes 90.00 less", desk.invoice("X")["balance_due_minor"], 81_000)
    application = ctx.clerk.get(f"/v1/credit-notes/{wrong}").json()["applications"][0]["id"]
    reason = {"reason_code": "WRONG_INVOICE"}
    ctx.clerk.post(f"/v1/credit-note-applications/{application}/unapply", reason)
    ctx.manager.post(f"/v1/credit-notes/{wrong}/void", reason)
    desk.tell.same("the invoice owes all of it again", desk.invoice("X")["balance_due_minor"], 90_000)
    desk.tell.same("the note is VOID", ctx.clerk.get(f"/v1/credit-notes/{wrong}").json()["status"], "VOID")
    desk.tell.see(f"/v1/journal-entries?source_id={wrong}")


def _credit_note(desk: Desk, total: int, reason: str, invoice: str) -> str:
    body = {
        "customer_id": desk.customer_id,
        "external_id": desk.ctx.new(f"CN-{invoice}"),
        "issue_date": desk.ctx.today.isoformat(),
        "currency_code": "USD",
        "total_minor": total,
        "reason_code": reason,
        "invoice_id": desk.invoice_ids[invoice],
    }
    made: str = desk.ctx.manager.post("/v1/credit-notes", body, expect=201).json()["id"]
    return made


def parent_pays(desk: Desk) -> None:
    """The parent pays for two children, because its record says so."""
    ctx = desk.ctx
    desk.tell.step("The parent company pays the invoices of two shops")
    shops = [open_desk(ctx, f"{CUSTOMER}, shop {n}", f"shop-{n}") for n in (1, 2)]
    for shop in shops:
        shop.raise_invoices({f"{shop.customer} rent": 25_000})
    lines = [
        {"invoice_id": invoice, "applied_minor": 25_000} for shop in shops for invoice in shop.invoice_ids.values()
    ]
    payment = desk.receive("for-the-shops", 50_000)
    path, body = f"/v1/customer-payments/{payment}/apply", {"applications": lines}
    desk.refused(ctx.clerk, path, body, 422, "INVOICE_CUSTOMER_MISMATCH")
    pays = {"pays_for": [{"action": "add", "customer_id": shop.customer_id} for shop in shops]}
    change = ctx.clerk.patch(f"/v1/customers/{desk.customer_id}", pays, expect=202).json()
    approve(ctx, change)
    desk.tell.happened("It becomes part of the customer's record, by approval; now the same session is right.")
    done = ctx.clerk.post(path, body)
    desk.tell.same("the payment is FULLY_APPLIED", done.json()["status"], "FULLY_APPLIED")
    owed = [shop.owed() for shop in shops]
    desk.tell.same("both shops owe nothing", owed, [0, 0])
    desk.show_entry(desk.entries(payment)[0])
    desk.tell.see_run(done.headers["X-Workflow-Id"])
