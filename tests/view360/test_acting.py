"""Acting from the view: activities and opportunities, and what they refuse."""

from typing import Any

import pytest

from models.db.engine import transaction
from models.ids import new_id
from tests.books import Books
from tests.view360.test_view import put, view

DEAL = {"name": "x", "value_minor": 1, "currency_code": "USD", "stage": "proposal", "close_date": "2099-01-01"}


def post(books: Books, path: str, body: Any, role: str = "account_executive", **headers: str) -> Any:
    return books.api(role, user="u_ae").request("POST", path, json=body, headers=headers)


def trail(books: Books, subject: str) -> list[str]:
    return [
        a["action"]
        for a in books.sql("SELECT action FROM audit_events WHERE subject_id = %(s)s ORDER BY seq", s=subject)
    ]


def test_an_activity_is_in_the_view_the_trail_and_the_outbox_at_once(books: Books) -> None:
    c = books.customer()
    answer = post(books, f"/v1/customers/{c}/activities", {"type": "call", "notes": "They asked for a discount."})
    assert answer.status_code == 201
    found = view(books, c)["panels"]["activities"]["data"]
    assert [(a["id"], a["type"], a["notes"], a["logged_by"]) for a in found] == [
        (answer.json()["id"], "call", "They asked for a discount.", "u_ae")
    ]
    assert trail(books, answer.json()["id"]) == ["activity.logged"]
    assert trail(books, c)[-1] == "activity.logged"
    events = books.sql("SELECT type, subject, data FROM outbox_events WHERE org_id = :org AND type = 'activity.logged'")
    activity = answer.json()["id"]
    assert [(e["subject"], e["data"]["customer_id"], e["data"]["activity_id"]) for e in events] == [
        (activity, c, activity)
    ]
    assert "discount" not in str(events)


def test_the_same_key_logs_the_activity_once(books: Books) -> None:
    c = books.customer()
    first, again = (
        post(books, f"/v1/customers/{c}/activities", {"type": "note", "notes": "n"}, **{"Idempotency-Key": "k"})
        for _ in "12"
    )
    assert first.json()["id"] == again.json()["id"]
    assert again.headers["idempotent-replayed"] == "true"
    assert len(view(books, c)["panels"]["activities"]["data"]) == 1


def test_markup_in_notes_is_kept_as_text(books: Books) -> None:
    c, notes = books.customer(), "<script>alert(1)</script>\n<b>'&\""
    post(books, f"/v1/customers/{c}/activities", {"type": "note", "notes": notes})
    answer = books.api("ops").get(f"/v1/customers/{c}/360")
    assert answer.json()["panels"]["activities"]["data"][0]["notes"] == notes
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_notes_of_20_000_characters_are_taken_and_one_more_is_refused(books: Books) -> None:
    path = f"/v1/customers/{books.customer()}/activities"
    assert post(books, path, {"type": "note", "notes": "é" * 20_000}).status_code == 201
    refused = post(books, path, {"type": "note", "notes": "é" * 20_001})
    assert (refused.status_code, refused.json()["errors"][0]["loc"]) == (422, "/notes")
    assert post(books, path, {"type": "note", "notes": "x" * 1_100_000}).status_code == 413


@pytest.mark.parametrize("change", [{"type": "fax"}, {"type": None}, {"notes": None}, {"extra": 1}, {"occurred_at": "soon"},
                                    {"occurred_at": "2099-01-01T00:00:00Z"}, {"notes": "a\0b"}, {"contact_id": 7}])  # fmt: skip
def test_a_misshapen_activity_is_refused(books: Books, change: dict[str, Any]) -> None:
    answer = post(books, f"/v1/customers/{books.customer()}/activities", {"type": "note", "notes": "n", **change})
    assert (answer.status_code, answer.json()["code"]) == (422, "VALIDATION_FAILED")


@pytest.mark.parametrize("role", ["ar_clerk", "controller", "cfo", "ops", "auditor"])
def test_who_only_reads_does_not_act(books: Books, role: str) -> None:
    c = books.customer()
    for path, body in ((f"/v1/customers/{c}/activities", {"type": "note", "notes": "n"}),
                       (f"/v1/customers/{c}/opportunities", DEAL),
                       ("/v1/cases/case_x/escalate", {"reason_code": "X"})):  # fmt: skip
        answer = post(books, path, body, role)
        assert (answer.status_code, answer.json()["code"]) == (403, "FORBIDDEN")


def test_the_timeline_pages_from_the_latest_and_filters_by_contact(books: Books) -> None:
    c = books.customer()
    for n in range(5):
        said = {"type": "note", "notes": str(n), "occurred_at": f"2026-01-0{n + 1}T10:00:00Z"}
        assert post(books, f"/v1/customers/{c}/activities", said).status_code == 201
    path, seen = f"/v1/customers/{c}/activities", []
    page = books.get(path, "ops", limit=2)
    while True:
        seen += [a["notes"] for a in page["items"]]
        if page["next_cursor"] is None:
            break
        page = books.get(path, "ops", limit=2, cursor=page["next_cursor"])
    assert seen == ["4", "3", "2", "1", "0"]
    assert books.get(path, "ops", contact_id="cont_none")["items"] == []


def test_an_opportunity_starts_from_the_view(books: Books) -> None:
    c = books.customer()
    answer = post(books, f"/v1/customers/{c}/opportunities", DEAL)
    assert answer.status_code == 201
    assert [o["id"] for o in view(books, c)["panels"]["opportunities"]["data"]] == [answer.json()["id"]]
    assert books.get(f"/v1/opportunities/{answer.json()['id']}", "ops")["value_minor"] == 1
    assert trail(books, answer.json()["id"]) == ["opportunity.created"]
    events = books.sql("SELECT subject FROM outbox_events WHERE org_id = :org AND type = 'opportunity.created'")
    assert [e["subject"] for e in events] == [answer.json()["id"]]


def test_an_opportunity_is_idempotent_by_its_external_id(books: Books) -> None:
    path, deal = f"/v1/customers/{books.customer()}/opportunities", {**DEAL, "external_id": "deal-1"}
    first, again = post(books, path, deal), post(books, path, deal)
    assert (again.status_code, again.json()["id"], again.headers["idempotent-replayed"]) == (
        201,
        first.json()["id"],
        "true",
    )
    other = post(books, path, {**deal, "value_minor": 2})
    assert (other.status_code, other.json()["code"], other.json()["fields"]) == (
        409,
        "EXTERNAL_ID_CONFLICT",
        ["value_minor"],
    )


@pytest.mark.parametrize(("kind", "change", "loc"), [
    ("opportunities", {"value_minor": -1}, "/records/0/value_minor"),
    ("opportunities", {"stage": " "}, "/records/0/stage"),
    ("opportunities", {"value_minor": 2**63}, "/records/0/value_minor"),
    ("opportunities", {"currency_code": "usd"}, "/records/0/currency_code"),
    ("opportunities", {"close_date": "2026-02-30"}, "/records/0/close_date"),
    ("opportunities", {"surprise": 1}, "/records/0/surprise"),
    ("opportunities", {"value_minor": 1.5}, "/records/0/value_minor"),
])  # fmt: skip
def test_a_misshapen_source_record_is_refused(books: Books, kind: str, change: dict[str, Any], loc: str) -> None:
    answer = put(books, kind, {"external_id": "e", "customer_id": books.customer(), **DEAL, **change})
    assert (answer.status_code, [e["loc"] for e in answer.json()["errors"]]) == (422, [loc]), answer.text


@pytest.mark.parametrize("stage", ["Closd Won", "warp speed", "stage", "Our own"])
def test_a_stage_that_nobody_has_defined_is_refused_and_leaves_nothing(books: Books, stage: str) -> None:
    c = books.customer()
    say = {"customer_id": c, **DEAL}
    answer = put(books, "opportunities", {**say, "external_id": "a"}, {**say, "external_id": "b", "stage": stage})
    started = post(books, f"/v1/customers/{c}/opportunities", {**DEAL, "stage": stage})
    for refused, loc in ((answer, "/records/1/stage"), (started, "/stage")):
        assert (refused.status_code, refused.json()["code"]) == (422, "STAGE_UNKNOWN"), refused.text
        assert [(e["loc"], e["code"]) for e in refused.json()["errors"]] == [(loc, "STAGE_UNKNOWN")]
    assert view(books, c)["panels"]["opportunities"]["data"] == []


@pytest.mark.parametrize(("stage", "shown"), [
    ("Prospecting", True), ("Id. Decision Makers", True), ("Proposal/Price Quote", True), ("Negotiation/Review", True),
    ("appointmentscheduled", True), ("discovery", True), ("NEGOTIATION", True), ("Closed Won", False),
    ("closed-lost", False), ("closedwon", False),
])  # fmt: skip
def test_the_stages_of_the_usual_systems_are_known_and_kept_as_spelt(books: Books, stage: str, shown: bool) -> None:
    c = books.customer()
    assert (
        put(books, "opportunities", {"external_id": "e", "customer_id": c, **DEAL, "stage": stage}).status_code == 200
    )
    assert [o["stage"] for o in view(books, c)["panels"]["opportunities"]["data"]] == ([stage] if shown else [])


def test_an_organisation_adds_stages_of_its_own_and_says_what_ends_one(books: Books) -> None:
    c, path = books.customer(), "/v1/settings"
    own = {"Our own": "open", "Parked for good": "closed", "Verbal": "closed"}
    changed = books.api("controller").request("PATCH", path, json={"opportunity_stages": own})
    assert (changed.status_code, changed.json()["opportunity_stages"]) == (200, own), changed.text
    say = {"customer_id": c, **DEAL}
    for n, stage in enumerate(["our-own", "Parked for good", "verbal", "Proposal"]):
        assert put(books, "opportunities", {**say, "external_id": str(n), "stage": stage}).status_code == 200
    assert post(books, f"/v1/customers/{c}/opportunities", {**DEAL, "stage": "Our own"}).status_code == 201
    assert sorted(o["stage"] for o in view(books, c)["panels"]["opportunities"]["data"]) == [
        "Our own", "Proposal", "our-own",
    ]  # fmt: skip
    for wrong in ({"Our own": "maybe"}, {" ": "open"}, ["Our own"], {"x" * 65: "open"}):
        refused = books.api("controller").request("PATCH", path, json={"opportunity_stages": wrong})
        assert (refused.status_code, refused.json()["code"]) == (422, "VALIDATION_FAILED")
    assert books.api("ops").request("PATCH", path, json={"opportunity_stages": own}).status_code == 403


def test_negative_recurring_revenue_and_impossible_scores_are_refused(books: Books) -> None:
    say = {"external_id": "e", "customer_id": books.customer()}
    for kind, record in (("contracts", {"renewal_date": "2027-01-01", "arr_minor": -1, "currency_code": "USD"}),
                         ("contracts", {"renewal_date": "2027-01-01", "currency_code": "USD"}),
                         ("nps_responses", {"score": 101, "surveyed_at": "2026-01-01"})):  # fmt: skip
        assert put(books, kind, {**say, **record}).status_code == 422


def test_records_of_an_unknown_customer_are_refused_and_leave_nothing(books: Books) -> None:
    known = books.customer()
    quote = {"status": "sent", "expiry_date": "2099-01-01"}
    unknown = "cust_01m81a5jhbecnawhmfhcd214ah"
    answer = put(
        books,
        "quotes",
        {"external_id": "a", "customer_id": known, **quote},
        {"external_id": "b", "customer_id": unknown, **quote},
    )
    assert (answer.status_code, answer.json()["code"]) == (404, "CUSTOMER_NOT_FOUND")
    assert view(books, known)["panels"]["quotes"]["data"] == []


def test_a_record_is_written_by_external_id_and_its_trail_tells_what_changed(books: Books) -> None:
    c = books.customer()
    put(books, "opportunities", {"external_id": "e", "customer_id": c, **DEAL})
    put(books, "opportunities", {"external_id": "e", "customer_id": c, **DEAL, "value_minor": 9, "name": "Renamed"})
    put(books, "opportunities", {"external_id": "e", "customer_id": c, **DEAL, "value_minor": 9, "name": "Renamed"})
    (deal,) = view(books, c)["panels"]["opportunities"]["data"]
    assert (deal["value_minor"], deal["name"]) == (9, "Renamed")
    rows = books.sql("SELECT action, payload FROM audit_events WHERE subject_id = %(s)s ORDER BY seq", s=deal["id"])
    assert [r["action"] for r in rows] == ["opportunity.created", "opportunity.updated"]
    assert '"value_minor":[1,9]' in rows[1]["payload"]
    assert "Renamed" not in rows[1]["payload"]
    kept = books.sql("SELECT body FROM commands WHERE org_id = :org AND operation = 'put_source_records'")
    assert all(set(k["body"]) == {"kind", "count"} for k in kept)


def test_one_request_holds_at_most_500_records_each_once(books: Books) -> None:
    c = books.customer()
    order = {"customer_id": c, "status": "shipped", "ship_date": "2026-01-01"}
    assert put(books, "orders", *({**order, "external_id": str(n)} for n in range(500))).json()["upserted"] == 500
    assert put(books, "orders", *({**order, "external_id": str(n)} for n in range(501))).status_code == 422
    assert put(books, "orders", {**order, "external_id": "1"}, {**order, "external_id": "1"}).status_code == 422
    seen = view(books, c)["panels"]["orders"]
    assert (len(seen["data"]), seen["more"]) == (20, True)


def test_only_operations_writes_source_records(books: Books) -> None:
    answer = books.api("account_executive").request("PUT", "/v1/sources/orders", json={"records": []})
    assert (answer.status_code, answer.json()["code"]) == (403, "FORBIDDEN")


def test_of_arr_and_mrr_one_is_enough(books: Books) -> None:
    c = books.customer()
    say = {"customer_id": c, "currency_code": "USD", "renewal_date": "2099-01-01"}
    put(books, "contracts", {**say, "external_id": "a", "arr_minor": 100}, {**say, "external_id": "b", "mrr_minor": 7})
    found = {k["external_id"]: (k["arr_minor"], k["mrr_minor"]) for k in view(books, c)["panels"]["contracts"]["data"]}
    assert found == {"a": (100, 8), "b": (84, 7)}


def contact(books: Books, customer: str) -> str:
    made = new_id("cont")
    with transaction(books.engine, books.org) as tx:
        tx.insert("customer_contacts", [{"id": made, "customer_id": customer, "name": "Kim"}])
    return made


def test_an_activity_joins_the_timeline_of_its_contact(books: Books) -> None:
    c = books.customer()
    kim = contact(books, c)
    path = f"/v1/customers/{c}/activities"
    made = post(books, path, {"type": "email", "notes": "n", "contact_id": kim})
    post(books, path, {"type": "email", "notes": "to nobody"})
    assert [a["id"] for a in books.get(path, "ops", contact_id=kim)["items"]] == [made.json()["id"]]


def test_a_contact_of_another_customer_or_organisation_is_refused(books: Books, database_url: str) -> None:
    c = books.customer()
    other = Books(database_url)
    foreign = contact(other, other.customer())
    other.close()
    for contact_id, status, code in ((contact(books, books.customer()), 422, "CONTACT_CUSTOMER_MISMATCH"),
                                     ("cont_01m81a5jhbecnawhmfhcd214ah", 404, "CONTACT_NOT_FOUND"),
                                     (foreign, 403, "ORG_CONTEXT_MISMATCH")):  # fmt: skip
        body = {"type": "note", "notes": "n", "contact_id": contact_id}
        answer = post(books, f"/v1/customers/{c}/activities", body)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert view(books, c)["panels"]["activities"]["data"] == []
