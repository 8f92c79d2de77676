"""A deduction that nobody decides: its owner is reminded, the next one asked, on and on; what is needless is ended."""

from datetime import timedelta

from models.db.engine import transaction
from models.messages.deductions import DeductionTimes
from operations.cash.deduction_watch import look
from tests.books import Books
from tests.deductions.desk import approve, decide, disputed, shown, stated, status, waiting
from tests.session_lines.desk import breaches, person


def looks(books: Books, deduction: str) -> DeductionTimes:
    with transaction(books.engine, books.org) as tx:
        found = look(tx, deduction, "process")
    assert found is not None
    return found


def passes(books: Books, deduction: str, time: timedelta) -> DeductionTimes:
    """So much time passes, as the deduction sees it; then its process looks."""
    ago = "CAST(%(t)s AS interval)"
    books.sql(
        f"UPDATE deductions SET remind_at = remind_at - {ago}, due_at = due_at - {ago} WHERE org_id = :org AND id = %(d)s",
        t=str(time), d=deduction,
    )  # fmt: skip
    return looks(books, deduction)


def test_each_owner_is_reminded_half_way_and_the_next_one_asked_when_it_is_due(books: Books) -> None:
    invoice = books.invoice(books.customer(), 100_00, "2026-01-05")
    d = stated(books, invoice, 10_00, reason="FREIGHT")["id"]
    assert looks(books, d).role == "ar_clerk"
    for _ in range(16):
        passes(books, d, timedelta(days=1, minutes=1))  # of five
    rows = books.sql(
        "SELECT action, payload::jsonb->>'owner_role' AS owner FROM audit_events WHERE org_id = :org AND subject_id = %(d)s "
        "ORDER BY seq",
        d=d,
    )
    assert [(r["action"].removeprefix("deduction."), r["owner"]) for r in rows] == [
        ("opened", "ar_clerk"), ("reminded", "ar_clerk"), ("escalated", "ar_manager"), ("reminded", "ar_manager"),
        ("escalated", "controller"), ("reminded", "controller"), ("escalated", "controller"),
    ]  # fmt: skip
    assert (shown(books, d)["owner_role"], waiting(books, "controller")) == ("controller", [d])
    told = books.sql("SELECT type, data FROM outbox_events WHERE org_id = :org AND subject = %(d)s ORDER BY id", d=d)
    assert [e["type"] for e in told][:3] == ["deduction.opened", "deduction.reminded", "deduction.escalated"]
    assert told[2]["data"]["owner_role"] == "ar_manager"
    assert breaches(books) == {}


def test_looking_again_does_nothing_twice(books: Books) -> None:
    d = stated(books, books.invoice(books.customer(), 100_00, "2026-01-05"), 10_00)["id"]
    passes(books, d, timedelta(days=3))
    before = shown(books, d)
    assert before["reminded_at"] is not None
    for _ in range(3):
        looks(books, d)
    assert shown(books, d) == before
    assert len(books.get("/v1/audit-events", subject_id=d)["items"]) == 2


def test_while_an_approval_decides_nobody_is_asked_beside_it(books: Books) -> None:
    invoice = books.invoice(books.customer(), 5_000_00, "2026-01-05")
    d = stated(books, invoice, 2_000_00)["id"]
    approval = decide(books, d, "accept")["approval_id"]
    passes(books, d, timedelta(days=9))
    assert shown(books, d)["owner_role"] == "ar_manager"
    approve(books, approval, "controller", "reject", reason_code="NO")
    looks(books, d)
    assert shown(books, d)["owner_role"] == "controller"  # long overdue meanwhile


def test_what_is_decided_is_watched_no_longer(books: Books) -> None:
    d = stated(books, books.invoice(books.customer(), 100_00, "2026-01-05"), 10_00)["id"]
    assert looks(books, d).open
    decide(books, d, "reject")
    assert looks(books, d) == DeductionTimes("REJECTED", False)
    with transaction(books.engine, books.org) as tx:
        assert look(tx, "ded_01m81a5jhbecnawhmfhcd214ah") is None


def test_the_approval_of_what_was_paid_meanwhile_is_withdrawn(books: Books) -> None:
    customer = books.customer()
    invoice = books.invoice(customer, 5_000_00, "2026-01-05")
    d = stated(books, invoice, 2_000_00)["id"]
    approval = decide(books, d, "accept", by="clerk")["approval_id"]
    approve(books, approval, "manager")
    books.apply(books.pay(customer, 5_000_00, "2026-02-01"), (invoice, 5_000_00))
    assert looks(books, d) == DeductionTimes("WITHDRAWN", False, needless_approval=approval)
    assert books.get(f"/v1/approvals/{approval}")["status"] == "WITHDRAWN"
    assert looks(books, d).needless_approval == ""
    assert books.api("controller", user="u_above").get("/v1/approvals?awaiting=me").json()["items"] == []
    assert breaches(books) == {}


def test_one_that_a_build_without_deductions_settled_is_withdrawn(books: Books) -> None:
    customer = books.customer()
    invoice = books.invoice(customer, 100_00, "2026-01-05")
    d = stated(books, invoice, 10_00)["id"]
    # What such a build leaves: a paid invoice that still says a deduction.
    books.sql("UPDATE invoices SET deducted_minor = 0 WHERE org_id = :org AND id = %(i)s", i=invoice)
    books.apply(books.pay(customer, 100_00, "2026-02-01"), (invoice, 100_00))
    books.sql("UPDATE invoices SET deducted_minor = 1000 WHERE org_id = :org AND id = %(i)s", i=invoice)
    assert (status(books, d), disputed(books, invoice)) == (("OPEN", None), (0, 0))
    assert looks(books, d) == DeductionTimes("WITHDRAWN", False)
    assert status(books, d) == ("WITHDRAWN", "INVOICE_PAID")
    assert breaches(books) == {}


def test_one_on_a_persons_desk_goes_to_the_manager_when_it_is_overdue(books: Books) -> None:
    d = stated(books, books.invoice(books.customer(), 100_00, "2026-01-05"), 10_00, reason="FREIGHT")["id"]
    (e,) = books.get("/v1/exceptions", status="open", subject_id=d)["items"]
    books.do("assign_exception", e["id"], {"owner_user": "u_dora"}, person(books, "controller"))
    passes(books, d, timedelta(days=6))
    assert (shown(books, d)["owner_role"], shown(books, d)["owner_user"]) == ("ar_manager", None)
    assert waiting(books, "ar_manager") == [d]
