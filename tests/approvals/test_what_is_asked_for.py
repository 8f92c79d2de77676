"""What asking for an approval leaves: the record of the entity, a desk for what nobody can decide, and a trail that says who."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from models.db.approvals import people
from models.db.engine import transaction
from models.db.tx import Tx
from models.errors import Refusal
from models.ids import new_id
from operations.approvals.staffing import missing
from operations.commands import own_command
from operations.work import Work
from tests.books import Books, today
from tests.session_lines.desk import person

DESK = """SELECT kind, reason_code, owner_role, owner_user, legal_entity_id, due_at - created_at AS due_in, status,
  resolution_code, detail FROM exceptions WHERE org_id = :org AND subject_id = %(id)s ORDER BY id"""
TRAIL = "SELECT action, reason_code, actor, payload FROM audit_events WHERE org_id = :org AND subject_id = %(id)s ORDER BY seq"


def write_off(books: Books, by: str, total: int = 60_000, **invoice: Any) -> dict[str, Any]:
    """Of all of a new invoice; what is answered."""
    due = books.invoice(books.customer(entity=invoice.get("legal_entity_id", "le_us")), total, today(), **invoice)
    body = {"invoice_id": due, "reason_code": "UNCOLLECTABLE"}
    return books.do("create_write_off", new_id("wo"), body, person(books, by))


def approval(books: Books, approval_id: str) -> dict[str, Any]:
    return books.get(f"/v1/approvals/{approval_id}")


def decide(books: Books, approval_id: str, by: str, decision: str = "approve", **more: Any) -> dict[str, Any]:
    return books.do("approval.decide", approval_id, {"decision": decision, **more}, person(books, by))


def trail(books: Books, approval_id: str) -> list[tuple[str, str | None, str, dict[str, Any]]]:
    rows = books.sql(TRAIL, id=approval_id)
    return [(r["action"], r["reason_code"], r["actor"], json.loads(r["payload"])) for r in rows]


def test_the_trail_says_what_was_asked_who_approved_it_and_under_which_limits(books: Books) -> None:
    made = write_off(books, "clerk")
    asked = approval(books, made["approval_id"])
    submitted, *_ = trail(books, made["approval_id"])
    assert submitted[:3] == ("approval.submitted", "UNCOLLECTABLE", "u_clerk")
    said = submitted[3]
    assert {k: said[k] for k in ("kind", "subject_id", "amount_minor", "currency_code", "round", "roles", "warnings")} == {
        "kind": "write_off", "subject_id": made["id"], "amount_minor": 60_000, "currency_code": "USD", "round": 1,
        "roles": ["ar_manager", "controller"], "warnings": [],
    }  # fmt: skip
    (kept,) = books.sql("SELECT request FROM approvals WHERE org_id = :org AND id = %(id)s", id=made["approval_id"])
    assert (said["summary"], said["authority"], said["request"]) == (
        asked["summary"], asked["authority"], kept["request"],
    )  # fmt: skip
    decide(books, made["approval_id"], "manager")
    done = decide(books, made["approval_id"], "controller")
    assert done["status"] == "APPROVED"
    action, reason, actor, told = next(e for e in trail(books, made["approval_id"]) if e[0] == "approval.executed")
    assert (action, reason, actor) == ("approval.executed", None, "arflow")
    assert {k: told[k] for k in ("kind", "subject_id", "authority")} == {
        "kind": "write_off", "subject_id": made["id"], "authority": asked["authority"],
    }  # fmt: skip
    assert [(s["step"], s["role"], s["decided_by"], bool(s["decided_at"])) for s in told["approved"]] == [
        (1, "ar_manager", "u_manager", True), (2, "controller", "u_controller", True),
    ]  # fmt: skip


def test_an_approval_is_its_entitys_and_whoever_decides_it_covers_that(books: Books) -> None:
    made = write_off(books, "clerk", legal_entity_id="le_uk", currency="GBP")
    of = made["approval_id"]
    assert approval(books, of)["legal_entity_id"] == "le_uk"
    american, british = (books.api("ar_manager", user="u_m", entities=(e,)) for e in ("le_us", "le_uk"))
    assert american.get(f"/v1/approvals/{of}").status_code in (403, 404)
    listed = [[a["id"] for a in one.get("/v1/approvals").json()["items"]] for one in (american, british)]
    assert listed == [[], [of]]
    elsewhere = replace(person(books, "manager"), entities=frozenset({"le_us"}))
    asked: list[tuple[str, dict[str, Any]]] = [
        ("decide", {"decision": "approve"}), ("withdraw", {}), ("delegate", {"step": 1, "to_user_id": "u_x"}),
    ]  # fmt: skip
    for operation, body in asked:
        with pytest.raises(Refusal, match="FORBIDDEN"):
            books.do(f"approval.{operation}", of, body, elsewhere)
    with pytest.raises(Refusal, match="FORBIDDEN"):
        books.do("approval.resubmit", of, {}, replace(person(books, "clerk"), entities=frozenset({"le_us"})))
    here = replace(person(books, "manager"), entities=frozenset({"le_uk", "le_us"}))
    done = books.do("approval.decide", of, {"decision": "reject", "reason_code": "PAYS"}, here)
    assert done["status"] == "REJECTED"


def test_a_step_is_given_to_nobody_who_is_known_to_lack_its_role(books: Books) -> None:
    of = write_off(books, "clerk")["approval_id"]
    with transaction(books.engine, books.org) as tx:
        people.seen(tx, "u_controller", ["controller"], None)
    with pytest.raises(Refusal) as no:
        books.do("approval.delegate", of, {"step": 1, "to_user_id": "u_controller"}, person(books, "manager"))
    assert (no.value.code, no.value.extra["role"]) == ("DELEGATE_LACKS_ROLE", "ar_manager")
    assert [(e.loc, e.code, e.detail) for e in no.value.errors] == [
        ("/to_user_id", "DELEGATE_LACKS_ROLE", "u_controller does not hold the role ar_manager.")
    ]
    given = books.do("approval.delegate", of, {"step": 1, "to_user_id": "u_new"}, person(books, "manager"))
    assert given["steps"][0]["delegated_to"] == "u_new"
    action, _, actor, said = trail(books, of)[-1]
    assert (action, actor, said) == (
        "approval.delegated", "u_manager", {"step": 1, "to": "u_new", "asked_for": "u_new", "until": None},
    )  # fmt: skip


def test_another_of_the_role_helps_only_where_their_token_covers_the_entity(books: Books) -> None:
    def lacking(tx: Tx, user: str, entity: str | None) -> list[str]:
        work = Work(tx, replace(own_command("test", actor=user), roles=("cfo", "controller")))
        return [w.detail.split(" as ")[1].split(":")[0] for w in missing(work, ("ar_manager", "cfo", "cfo"), entity)]

    with transaction(books.engine, books.org) as tx:
        people.seen(tx, "u_cfo", ["cfo"], None)
        people.seen(tx, "u_cfo_uk", ["cfo"], ["le_uk"])
        found = [lacking(tx, user, entity) for user in ("u_cfo", "u_other") for entity in ("le_uk", "le_us", None)]
    assert found == [[], ["cfo"], ["cfo"], [], [], []]


@pytest.mark.parametrize(("fallback", "role", "user"), [(None, "cfo", None), ("u_boss", None, "u_boss")])
def test_what_only_its_submitter_could_decide_is_on_a_desk_for_a_day(
    books: Books, fallback: str | None, role: str | None, user: str | None
) -> None:
    if fallback is not None:
        body = {"deadlines": {"authority_limits": [{"role": "controller", "fallback": fallback}]}}
        books.do("approval_policy.put", books.org, body, person(books, "controller", "u_other"))
        books.sql("DELETE FROM people WHERE org_id = :org")
    limits = {"limits": [{"kind": "write_off", "role": "ar_clerk", "limit_minor": 1_000}]}
    of = books.do("authority_limits.put", new_id("apr"), limits, person(books, "controller"))["approval_id"]
    (row,) = books.sql(DESK, id=of)
    assert (row["kind"], row["reason_code"], row["owner_role"], row["owner_user"], row["status"]) == (
        "approval_unstaffed", "APPROVER_MISSING", role, user, "open",
    )  # fmt: skip
    assert (row["legal_entity_id"], row["due_in"]) == (None, timedelta(days=1))
    assert row["detail"] == {"approval_id": of, "kind": "authority_limits", "step": 1, "role": "controller"}
    books.do("approval.withdraw", of, {"reason_code": "NOT_NEEDED"}, person(books, "controller"))
    (row,) = books.sql(DESK, id=of)
    assert (row["status"], row["resolution_code"]) == ("resolved", "WITHDRAWN")
    assert trail(books, of)[-1] == (
        "approval.withdrawn", "NOT_NEEDED", "u_controller", {"before": "PENDING_APPROVAL"},
    )  # fmt: skip
