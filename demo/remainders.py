"""More money than was owed, what becomes of it, and money of another currency."""

from decimal import Decimal
from typing import Final

from demo.desk import Desk, amounts, money

RATE: Final = "1.3105"
"""US dollars per pound; the walk's own, stored for today by the controller."""


def overpayment(desk: Desk) -> str:
    """First a refusal that says by how much, then a credit by decision; its id."""
    desk.tell.step("A customer pays more than is owed")
    payment = desk.receive("much", 65_000)
    body = {"applications": [{"invoice_id": desk.invoice_ids["F"], "applied_minor": 50_000}]}
    path = f"/v1/customer-payments/{payment}/apply"
    problem = desk.refused(desk.ctx.clerk, path, body, 422, "OVERPAYMENT_REQUIRES_CREDIT")
    found = (problem["available_minor"], problem["open_balance_minor"])
    desk.tell.same(f"it names both: {money(65_000)} available, {money(50_000)} open", found, (65_000, 50_000))
    untouched = (desk.payment(payment)["status"], desk.invoice("F")["status"], desk.entries(payment))
    desk.tell.same("nothing was half-done", untouched, ("UNAPPLIED", "OPEN", []))

    desk.tell.step("The clerk decides: the rest becomes a customer credit")
    rehearsal = desk.ctx.clerk.post(f"{path}?dry_run=true", {**body, "overpayment": "customer_credit"}).json()
    desk.tell.happened("?dry_run=true shows the entry before it is posted:")
    desk.show_entry(rehearsal["journal_entry"])
    answer = desk.apply(payment, {"F": 50_000}, overpayment="customer_credit")
    done = answer.json()
    credit: str = done["credit_id"]
    desk.tell.same("the invoice is PAID", desk.invoice("F")["status"], "PAID")
    entries = desk.entries(payment)
    expected = {"cash": 65_000, "accounts_receivable": -50_000, "customer_credits": -15_000}
    desk.tell.same(f"{money(15_000)} stand in customer_credits", [amounts(e) for e in entries], [expected])
    desk.tell.see(f"/v1/customer-credits/{credit}")
    desk.tell.see_run(answer.headers["X-Workflow-Id"])
    return credit


def use_credit(desk: Desk, credit: str) -> None:
    """The next invoice is paid from it."""
    desk.tell.step("The customer wants the credit used for the next invoice")
    answer = desk.apply(credit, {"G": 15_000})
    done, invoice = answer.json(), desk.invoice("G")
    found = (invoice["status"], invoice["balance_due_minor"])
    desk.tell.same(f"the invoice is PARTIALLY_PAID, {money(5_000)} still due", found, ("PARTIALLY_PAID", 5_000))
    desk.tell.same("the payment behind the credit is FULLY_APPLIED now", done["status"], "FULLY_APPLIED")
    left = desk.ctx.clerk.get(f"/v1/customer-credits/{credit}").json()["remaining_minor"]
    desk.tell.same("the credit is used up", left, 0)
    desk.show_entry(desk.entries(done["payment_id"])[-1])
    desk.tell.see_run(answer.headers["X-Workflow-Id"])


def pounds_for_dollars(desk: Desk) -> None:
    """Both amounts and the rate are kept; a rate agreed with the customer leaves an exchange difference."""
    desk.tell.step("Pounds for an invoice in dollars")
    rate = {
        "base_currency": "GBP",
        "quote_currency": "USD",
        "rate_date": desk.ctx.today.isoformat(),
        "rate": RATE,
        "source": "demo",
    }
    desk.ctx.controller.post("/v1/fx-rates", rate, expect=201)
    desk.tell.happened(f"The controller stores today's rate: 1 GBP = {RATE} USD")
    payment = desk.receive("pounds", 100_000, "GBP")
    answer = desk.apply(payment, {"H": 100_000})
    line = answer.json()["applications"][0]
    both = (line["applied_minor"], line["currency_code"], line["invoice_applied_minor"], line["invoice_currency_code"])
    kept = f"the application keeps both: {money(100_000, 'GBP')} for {money(131_050)}"
    desk.tell.same(kept, both, (100_000, "GBP", 131_050, "USD"))
    desk.tell.same(f"and the rate, {RATE}", Decimal(line["fx_rate"]), Decimal(RATE))
    desk.tell.same("the invoice is PAID", desk.invoice("H")["status"], "PAID")
    desk.show_entry(desk.entries(payment)[0])
    desk.tell.see_run(answer.headers["X-Workflow-Id"])

    desk.tell.step("The same with a rate that was agreed with the customer")
    payment = desk.receive("agreed", 100_000, "GBP")
    lines = [{"invoice_id": desk.invoice_ids["I"], "applied_minor": 100_000, "fx_rate": "1.30"}]
    path = f"/v1/customer-payments/{payment}/apply"
    done = desk.ctx.clerk.post(path, {"applications": lines})
    desk.tell.same(f"{money(130_000)} are PAID", desk.invoice("I")["status"], "PAID")
    entry = desk.entries(payment)[0]
    desk.show_entry(entry)
    desk.tell.same("the difference is an exchange gain of 10.50", amounts(entry).get("fx_gain_loss"), -1_050)
    desk.tell.see_run(done.headers["X-Workflow-Id"])
