"""A customer pays three invoices short by a damaged pallet: one deduction is accepted, one decided by a chain, one rejected."""

from typing import Any

from demo.desk import Desk, amounts, money


def short_pays(desk: Desk) -> None:
    """What the customer left out stays due and disputed until somebody decides."""
    first, second, third = _paid_short(desk)
    _accepted(desk, first)
    _approved(desk, second)
    _rejected(desk, third)


def _paid_short(desk: Desk) -> list[str]:
    ctx = desk.ctx
    desk.tell.step("A pallet arrived damaged: the customer pays three invoices short by it, and says so")
    desk.raise_invoices({"AA": 150_000, "BB": 400_000, "CC": 60_000})
    short = {"AA": 36_000, "BB": 120_000, "CC": 9_000}
    totals = {"AA": 150_000, "BB": 400_000, "CC": 60_000}
    body = desk.payment_body("less-the-damage", sum(totals.values()) - sum(short.values()))
    lines = [{"invoice_id": desk.invoice_ids[n], "applied_minor": totals[n] - short[n]} for n in totals]
    said = [
        {"invoice_id": desk.invoice_ids[n], "amount_minor": minor, "reason_code": "DAMAGED_GOODS",
         "customer_reason": "The pallet was wet; photographs attached."}
        for n, minor in short.items()
    ]  # fmt: skip
    body["apply"] = {"applications": lines, "deductions": said}
    made = ctx.clerk.post("/v1/customer-payments", body, expect=201)
    found = made.json()["session"]["deductions"]
    desk.tell.same("the payment is FULLY_APPLIED", made.json()["status"], "FULLY_APPLIED")
    desk.show_entry(desk.entries(made.json()["id"])[0])
    for name, minor in short.items():
        due = (desk.invoice(name)["balance_due_minor"], desk.invoice(name)["disputed_minor"])
        desk.tell.same(f"{money(minor)} of {name} stay due, and are disputed", due, (minor, minor))
    desk.tell.same("aging shows it apart", desk.aging()["disputed_minor"], sum(short.values()))
    mine = ctx.manager.get("/v1/deductions?status=open&owner=me&limit=200").json()["items"]
    desk.tell.claim("all three lie on the manager's desk", {d["id"] for d in found} <= {d["id"] for d in mine})
    desk.tell.see(f"/v1/deductions?customer_id={desk.customer_id}")
    desk.tell.see_run(f"{found[0]['id']}/ResolveDeduction")
    return [str(d["id"]) for d in found]


def _decide(deduction: str, decision: str, reason: str) -> tuple[str, dict[str, Any]]:
    return f"/v1/deductions/{deduction}/resolve", {"decision": decision, "reason_code": reason}


def _accepted(desk: Desk, deduction: str) -> None:
    desk.tell.step("The manager accepts 360.00: a credit note, applied in the same transaction")
    path, body = _decide(deduction, "accept", "CARRIER_CONFIRMS")
    answer = desk.ctx.manager.post(path, body)
    done = answer.json()
    desk.tell.same("the deduction is ACCEPTED", done["status"], "ACCEPTED")
    desk.tell.same("its credit note is APPLIED", done["credit_note"]["status"], "APPLIED")
    desk.tell.same("the invoice is PAID", desk.invoice("AA")["status"], "PAID")
    (entry,) = desk.entries(done["credit_note_id"])
    desk.show_entry(entry)
    desk.tell.same("revenue is taken back, not written off", amounts(entry)["revenue"], 36_000)
    desk.refused(desk.ctx.manager, path, body, 409, "DEDUCTION_CLOSED")
    desk.tell.see(f"/v1/credit-notes/{done['credit_note_id']}")
    desk.tell.see_run(answer.headers["X-Workflow-Id"])


def _approved(desk: Desk, deduction: str) -> None:
    ctx = desk.ctx
    desk.tell.step("1,200.00 are beyond the manager: she asks, and the controller decides")
    path, body = _decide(deduction, "accept", "CARRIER_CONFIRMS")
    waiting = ctx.manager.post(path, body, expect=202).json()
    desk.tell.same("it stays open, and disputed", desk.invoice("BB")["disputed_minor"], 120_000)
    inbox = ctx.controller.get("/v1/approvals?awaiting=me&kind=deduction&limit=200").json()["items"]
    desk.tell.claim("it is in the controller's inbox", waiting["approval_id"] in [a["id"] for a in inbox])
    decisions = f"/v1/approvals/{waiting['approval_id']}/decisions"
    desk.refused(ctx.manager, decisions, {"decision": "approve"}, 403, "FORBIDDEN")
    ctx.controller.post(decisions, {"decision": "approve", "comment": "The carrier's report is on file."})
    desk.tell.same("credited with the last decision", desk.invoice("BB")["status"], "PAID")
    desk.tell.see(f"/v1/approvals/{waiting['approval_id']}")
    desk.tell.see_run(f"{waiting['approval_id']}/ObtainApproval")


def _rejected(desk: Desk, deduction: str) -> None:
    desk.tell.step("90.00 were not on the pallet: rejected, due, collected")
    path, body = _decide(deduction, "reject", "NOT_DAMAGED")
    desk.ctx.manager.post(path, body)
    rest = desk.invoice("CC")
    left = (rest["balance_due_minor"], rest["disputed_minor"])
    desk.tell.same("90.00 stay due, and are disputed no longer", left, (9_000, 0))
    payment = desk.receive("the-rest", 9_000)
    desk.apply(payment, {"CC": 9_000})
    desk.tell.same("the invoice is PAID", desk.invoice("CC")["status"], "PAID")
    ended = desk.ctx.clerk.get(f"/v1/deductions/{deduction}").json()["status"]
    desk.tell.same("the deduction stays REJECTED", ended, "REJECTED")
    desk.tell.see(f"/v1/audit-events?subject_id={deduction}")
