"""Money comes in and is matched: in part, for three invoices at once, and twice over."""

from concurrent.futures import ThreadPoolExecutor

from demo.desk import Desk, amounts, money


def partial_payment(desk: Desk) -> None:
    """The invoice stays open with the rest."""
    desk.tell.step("A customer pays part of an invoice")
    payment = desk.receive("part", 50_000)
    before = desk.owed()
    answer = desk.apply(payment, {"A": 50_000})
    done, invoice = answer.json(), desk.invoice("A")
    rest = money(70_000)
    found = (invoice["status"], invoice["balance_due_minor"])
    desk.tell.same(f"the invoice is PARTIALLY_PAID, {rest} still due", found, ("PARTIALLY_PAID", 70_000))
    desk.tell.same("the payment is FULLY_APPLIED", done["status"], "FULLY_APPLIED")
    desk.tell.same("the customer owes 500.00 less than a moment ago", before - desk.owed(), 50_000)
    entries = desk.entries(payment)
    desk.show_entry(entries[0])
    moved = [amounts(e) for e in entries]
    desk.tell.same("cash and receivables moved in one entry", moved, [{"cash": 50_000, "accounts_receivable": -50_000}])
    desk.tell.see(f"/v1/customer-payments/{payment}")
    desk.tell.see_run(answer.headers["X-Workflow-Id"])


def three_invoices(desk: Desk) -> None:
    """One receipt, three applications, one journal entry."""
    desk.tell.step("One payment for three invoices")
    lines = {"B": 30_000, "C": 45_050, "D": 8_990}
    payment = desk.receive("three", sum(lines.values()))
    answer = desk.apply(payment, lines)
    done = answer.json()
    desk.tell.same("three applications in one session", done["applied_count"], 3)
    statuses = [i["status"] for i in done["invoices"]]
    desk.tell.same("all three invoices are PAID", statuses, ["PAID", "PAID", "PAID"])
    entries = desk.entries(payment)
    desk.show_entry(entries[0])
    desk.tell.same("one journal entry", len(entries), 1)
    desk.tell.see_run(answer.headers["X-Workflow-Id"])


def duplicate_submission(desk: Desk) -> None:
    """It is there once, whoever sends it again, and how."""
    desk.tell.step("The bank sends the same payment again, and five clerks press the same button")
    payment = desk.receive("twice", 12_500)
    body = desk.payment_body("twice", 12_500)
    again = desk.ctx.bank.post("/v1/customer-payments", body, expect=201)
    replayed = (again.json()["id"], again.headers.get("Idempotent-Replayed"))
    desk.tell.same("the same external_id answers the same payment, marked as replayed", replayed, (payment, "true"))
    other = {**body, "amount_minor": 12_501}
    desk.refused(desk.ctx.bank, "/v1/customer-payments", other, 409, "EXTERNAL_ID_CONFLICT")
    key = desk.ctx.new("five-clerks")
    with ThreadPoolExecutor(5) as pool:
        answers = list(pool.map(lambda _: desk.apply(payment, {"E": 12_500}, key=key), range(5)))
    sessions = {a.json()["session_id"] for a in answers}
    desk.tell.same("five requests at once with one Idempotency-Key are one session", len(sessions), 1)
    desk.tell.same("applied once", len(desk.payment(payment)["applications"]), 1)
    desk.show_entry(desk.entries(payment)[0])
    desk.tell.see_run(answers[0].headers["X-Workflow-Id"])
