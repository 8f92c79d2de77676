"""Exceptions: listed by desk, handed on, resolved, and told in the trail of the record that they are about."""

import json

from models.access import Principal
from operations.work import Command, Work
from tests.books import Books
from tests.rules.refusals import refused


def opened(books: Books, subject: str, **fields: object) -> str:
    from models.db.engine import transaction
    from models.ids import new_id

    given = {"owner_role": "ar_clerk", **fields}
    with transaction(books.engine, books.org) as tx:
        cmd = Command(new_id("cmd"), "test", "", {}, "", True, "system", (), None, new_id("req"))
        work = Work(tx, cmd)
        work.open_exception("unmatched_payment", "NO_MATCH", subject, **given)  # type: ignore[arg-type]
        work.flush()
        return str(tx.scalar("SELECT id FROM exceptions WHERE org_id = :org AND subject_id = :s", s=subject))


def test_everyone_sees_their_own_desk_and_some_see_all(books: Books) -> None:
    opened(books, "pay_a")
    opened(books, "pay_b", owner_role="controller")
    opened(books, "pay_c", owner_role=None, owner_user="u_jo")

    def seen(*roles: str, user: str = "u_x", query: str = "") -> list[str]:
        answer = books.api(*roles, user=user).get(f"/v1/exceptions?status=open{query}")
        return sorted(e["subject_id"] for e in answer.json()["items"])

    assert seen("ar_clerk") == ["pay_a"]
    assert seen("ar_clerk", user="u_jo") == ["pay_a", "pay_c"]
    assert seen("account_executive") == []
    assert seen("controller") == seen("auditor") == seen("ops") == ["pay_a", "pay_b", "pay_c"]
    assert seen("controller", query="&owner=me") == ["pay_b"]
    assert seen("controller", query="&owner=ar_clerk") == ["pay_a"]
    assert seen("controller", query="&kind=other") == []
    assert seen("controller", query="&subject_id=pay_c") == ["pay_c"]
    assert books.api("bank_feed").get("/v1/exceptions").status_code == 403


def test_handing_on_and_resolving_is_in_the_trail(books: Books) -> None:
    payment = books.pay(books.customer(), 100, "2026-01-15")
    found = opened(books, payment)
    clerk, manager = books.api("ar_clerk", user="u_clerk"), books.api("ar_manager", user="u_manager")
    assert manager.post(f"/v1/exceptions/{found}/assign", {"owner_user": "u_manager"}).status_code == 403
    assigned = clerk.post(f"/v1/exceptions/{found}/assign", {"owner_user": "u_manager"})
    assert (assigned.status_code, assigned.json()["owner_user"], assigned.json()["owner_role"]) == (
        200,
        "u_manager",
        None,
    )
    refused = clerk.post(f"/v1/exceptions/{found}/resolve", {"resolution_code": "DONE"})
    assert (refused.status_code, refused.json()["code"]) == (403, "FORBIDDEN")
    assert clerk.get(f"/v1/exceptions/{found}").status_code == 403
    done = manager.post(f"/v1/exceptions/{found}/resolve", {"reason_code": "APPLIED_BY_HAND", "note": "called"})
    assert done.status_code == 200
    assert (done.json()["status"], done.json()["resolution_code"], done.json()["resolved_by"]) == (
        "resolved", "APPLIED_BY_HAND", "u_manager",
    )  # fmt: skip
    again = manager.post(f"/v1/exceptions/{found}/resolve", {"resolution_code": "OTHER"})
    assert (again.status_code, again.json()["code"]) == (409, "EXCEPTION_CLOSED")
    trail = [
        e for e in books.get("/v1/audit-events", subject_id=payment)["items"] if e["action"].startswith("exception")
    ]
    assert [(e["action"], e["actor"], e["after"]) for e in trail] == [
        ("exception.assigned", "u_clerk", {"owner_role": None, "owner_user": "u_manager"}),
        ("exception.resolved", "u_manager", {"status": "resolved"}),
    ]  # fmt: skip
    assert [e["id"] for e in books.get("/v1/exceptions", status="resolved")["items"]] == [found]
    assert books.get("/v1/exceptions", status="open")["items"] == []


def test_the_trail_says_of_which_exception_it_was_from_whom_to_whom_and_why(books: Books) -> None:
    found = opened(books, "pay_a")
    books.do("assign_exception", found, {"owner_user": "u_clerk", "note": "yours"})
    done = books.do("resolve_exception", found, {"reason_code": "APPLIED_BY_HAND", "note": "called"})
    assert (done["resolved_by"], done["note"], done["overdue"]) == ("u_clerk", "called", False)
    kept = books.sql("SELECT reason_code, payload FROM audit_events WHERE org_id = :org AND action LIKE 'exception.%%'")
    about = {"exception_id": found, "kind": "unmatched_payment", "reason_code": "NO_MATCH"}
    owners = {"owner_role": "ar_clerk", "owner_user": None}, {"owner_role": None, "owner_user": "u_clerk"}
    assert [(row["reason_code"], json.loads(row["payload"])) for row in kept] == [
        (None, about | {"before": owners[0], "after": owners[1], "note": "yours"}),
        ("APPLIED_BY_HAND", about | {"before": {"status": "open"}, "after": {"status": "resolved"}, "note": "called"}),
    ]


def test_who_may_not_is_told_with_whom_it_lies_or_who_resolved_it(books: Books) -> None:
    ours, theirs = opened(books, "pay_a"), opened(books, "pay_b", owner_user="u_jo", owner_role=None)
    mine = opened(books, "pay_d", legal_entity_id="le_uk")
    ended = opened(books, "pay_c")
    books.do("resolve_exception", ended, {"reason_code": "DONE"})
    narrow = Principal("u_clerk", books.org, frozenset({"ar_clerk"}), frozenset({"le_uk"}))
    asked = {"owner_role": "ops"}
    with refused("FORBIDDEN") as no:
        books.do("assign_exception", ours, asked, narrow)
    assert no[0].detail == f"Exception {ours} is of the whole organisation: your token is not."
    assert books.do("assign_exception", mine, asked, narrow)["owner_role"] == "ops"
    for found, role in ((theirs, "u_jo"), (mine, "ops")):
        with refused("FORBIDDEN") as no:
            books.do("assign_exception", found, asked)
        assert no[0].detail == f"Exception {found} lies with {role}."
    with refused("EXCEPTION_CLOSED") as no:
        books.do("assign_exception", ended, asked)
    assert no[0].detail == f"Exception {ended} was resolved by u_clerk."


def test_resolving_a_disputes_exception_ends_the_dispute(books: Books) -> None:
    invoice = books.invoice(books.customer(), 100, "2026-01-15")
    books.do("dispute_invoice", invoice, {"reason_code": "QUALITY"})
    (found,) = books.get("/v1/exceptions", subject_id=invoice)["items"]
    assert (found["owner_role"], found["overdue"]) == ("ar_manager", False)
    done = books.api("ar_manager").post(f"/v1/exceptions/{found['id']}/resolve", {"resolution_code": "AGREED"})
    assert done.status_code == 200
    actions = [e["action"] for e in books.get("/v1/audit-events", subject_id=invoice)["items"]]
    assert actions[-2:] == ["invoice.dispute_resolved", "exception.resolved"]
    assert books.sql("SELECT disputed_at FROM invoices WHERE id = %(i)s", i=invoice) == [{"disputed_at": None}]


def test_ending_a_dispute_says_why_and_what_was_noted_and_resolves_its_exception(books: Books) -> None:
    invoice = books.invoice(books.customer(), 100, "2026-01-15")
    books.do("dispute_invoice", invoice, {"reason_code": "QUALITY", "note": "torn"})
    books.do("resolve_dispute", invoice, {"reason_code": "AGREED", "note": "half of it"})
    sql = "SELECT reason_code, payload FROM audit_events WHERE org_id = :org AND action LIKE 'invoice.dispute%%' ORDER BY seq"
    assert [(row["reason_code"], json.loads(row["payload"])) for row in books.sql(sql)] == [
        ("QUALITY", {"before": {"disputed": False}, "after": {"disputed": True}, "note": "torn"}),
        ("AGREED", {"before": {"disputed": True}, "after": {"disputed": False}, "note": "half of it"}),
    ]
    (found,) = books.get("/v1/exceptions", subject_id=invoice)["items"]
    assert (found["status"], found["resolution_code"], found["resolved_by"]) == ("resolved", "AGREED", "u_clerk")


def test_voiding_a_disputed_invoice_leaves_nothing_on_a_desk(books: Books) -> None:
    invoice = books.invoice(books.customer(), 100, "2026-01-15")
    books.do("dispute_invoice", invoice, {"reason_code": "QUALITY"})
    books.void(invoice)
    assert books.get("/v1/exceptions", subject_id=invoice, status="open")["items"] == []


def test_bad_requests_and_foreign_exceptions(books: Books, database_url: str) -> None:
    found = opened(books, "pay_a", legal_entity_id="le_us")
    api = books.api("controller")
    for body in ({}, {"owner_role": "nobody"}, {"owner_role": "ops", "owner_user": "u_x"}, {"owner": "me"}):
        assert api.post(f"/v1/exceptions/{found}/assign", body).json()["code"] == "VALIDATION_FAILED"
    for body in ({}, {"resolution_code": "lower"}, {"resolution_code": "A", "reason_code": "B"}):
        assert api.post(f"/v1/exceptions/{found}/resolve", body).json()["code"] == "VALIDATION_FAILED"
    assert api.get("/v1/exceptions?status=closed").status_code == 422
    missing = api.post("/v1/exceptions/exc_01m81a5jhbecnawhmfhcd214ah/resolve", {"resolution_code": "DONE"})
    assert (missing.status_code, missing.json()["code"]) == (404, "EXCEPTION_NOT_FOUND")
    other = Books(database_url)
    theirs = other.api("controller").post(f"/v1/exceptions/{found}/resolve", {"resolution_code": "DONE"})
    assert (theirs.status_code, theirs.json()["code"]) == (403, "ORG_CONTEXT_MISMATCH")
    other.close()
    narrow = books.api("controller", entities=("le_uk",))
    assert narrow.get("/v1/exceptions").json()["items"] == []
    assert narrow.get(f"/v1/exceptions/{found}").status_code == 403
    assert narrow.post(f"/v1/exceptions/{found}/assign", {"owner_role": "ops"}).status_code == 403
    auditor = books.api("auditor")
    assert auditor.post(f"/v1/exceptions/{found}/assign", {"owner_role": "ops"}).status_code == 403
    assert auditor.get(f"/v1/exceptions/{found}").status_code == 200
    assert Principal("u", books.org, frozenset({"auditor"})).may("exceptions.read_all")
