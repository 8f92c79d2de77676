"""An escalation that nobody settles: each owner is reminded half-way and asked for as long as the first, on and on."""

from datetime import timedelta

from models.db.engine import transaction
from models.messages.customer_360 import EscalationInput
from operations.customer_360.escalations import look
from tests.books import Books
from tests.view360.test_view import put


def passes(books: Books, escalation: str, time: timedelta) -> None:
    """So much time passes, as the escalation sees it; then its process looks."""
    ago = "CAST(%(t)s AS interval)"
    books.sql(
        f"UPDATE case_escalations SET remind_at = remind_at - {ago}, due_at = due_at - {ago}, "
        f"escalated_at = escalated_at - {ago} WHERE org_id = :org AND id = %(e)s",
        t=str(time), e=escalation,
    )  # fmt: skip
    with transaction(books.engine, books.org) as tx:
        look(tx, EscalationInput(books.org, "", escalation), "process")


def test_whoever_it_is_handed_to_is_reminded_too(books: Books) -> None:
    case = {"external_id": "k", "customer_id": books.customer(), "subject": "Down", "priority": "urgent"}
    assert put(books, "cases", case | {"status": "open", "sla_status": "at_risk"}).status_code == 200
    (found,) = books.sql("SELECT id FROM cases WHERE org_id = :org")
    answer = books.do("escalate_case", found["id"], {"reason_code": "CUSTOMER_AT_RISK", "note": None})
    escalation = answer["escalation"]["id"]
    step = timedelta(hours=1)  # of four
    for _ in range(13):
        passes(books, escalation, step)
    rows = books.sql(
        "SELECT action, payload::jsonb->>'owner_role' AS owner FROM audit_events WHERE org_id = :org AND subject_id = %(c)s "
        "AND action LIKE 'case.esc%%' ORDER BY seq",
        c=found["id"],
    )
    first, second, last = "customer_success_manager", "account_manager", "controller"
    assert [(r["action"].removeprefix("case.").removeprefix("escalation."), r["owner"]) for r in rows] == [
        ("escalated", first), ("reminded", first), ("overdue", second), ("reminded", second), ("overdue", last),
        ("reminded", last), ("overdue", last),
    ]  # fmt: skip
    (desk,) = books.sql("SELECT owner_role, status FROM exceptions WHERE org_id = :org AND kind = 'case_escalation'")
    assert (desk["owner_role"], desk["status"]) == (last, "open")
