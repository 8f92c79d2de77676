"""Before she signs: what is open, who did what and why, and the books' own proof."""

from demo.desk import Desk, money
from models.money import major


def what_is_open(desk: Desk) -> None:
    """The customer's open invoices, by due date, come to what the aging says."""
    desk.tell.step(f"What {desk.customer} owes now")
    path = f"/v1/invoices?customer_id={desk.customer_id}&status=open"
    items = desk.ctx.account_executive.get(path).json()["items"]
    rows = [(i["external_id"], i["due_date"], i["status"], major(i["balance_due_minor"], "USD")) for i in items]
    desk.tell.table(("invoice", "due", "status", "balance USD"), rows)
    total = sum(i["balance_due_minor"] for i in items)
    desk.tell.same(f"the aging agrees: {money(total)}", desk.owed(), total)
    desk.tell.see(f"/v1/customers/{desk.customer_id}/ar-aging")


def audit_trail(desk: Desk, payment: str) -> None:
    """Who did what to one payment, when and why, each event sealed to the one before."""
    desk.tell.step("Who did what to that payment, and why")
    path = f"/v1/audit-events?subject_id={payment}"
    events = desk.ctx.auditor.get(path).json()["items"]
    rows = [(e["actor"], e["action"], e["reason_code"] or "", e["hash"][:12]) for e in events]
    desk.tell.table(("who", "what", "why", "seal"), rows)
    actions = [e["action"] for e in events if e["action"] != "remittance.confirmed"]  # its process takes its own time
    story = ["payment.received", "payment.applied", "reverse_payment.refused", "payment.reversed"]
    desk.tell.same("the refusal is in the trail too", actions, story)
    links = [e["prev_hash"] for e in events[1:]]
    desk.tell.same("each event carries the seal of the one before", links, [e["hash"] for e in events[:-1]])
    desk.refused_get(desk.ctx.clerk, path, 403, "FORBIDDEN")
    desk.tell.see(path)


def verify(desk: Desk) -> None:
    """The audit chains and the ledger's rules, recomputed from the database alone."""
    desk.tell.step("arflow verify")
    done = desk.ctx.arflow("verify", check=False)
    for line in done.stdout.splitlines():
        desk.tell.quoted("proved", line)
    desk.tell.same("every check holds", done.returncode, 0)
