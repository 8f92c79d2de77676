"""The 360 view through the API: what its panels show, who sees it, what it refuses."""

from datetime import timedelta
from typing import Any

import pytest

from tests.books import Books, today

PANELS = ["opportunities", "quotes", "orders", "ar_aging", "cases", "contracts", "nps", "activities"]


def put(books: Books, kind: str, *records: dict[str, Any]) -> Any:
    return books.api("ops", user="u_ops").request("PUT", f"/v1/sources/{kind}", json={"records": list(records)})


def view(books: Books, customer: str, *roles: str) -> dict[str, Any]:
    return books.get(f"/v1/customers/{customer}/360", *(roles or ("account_executive",)))


def full_customer(books: Books) -> str:
    """A customer with something in every panel."""
    c, day = books.customer("Acme Ltd"), today()
    say: dict[str, Any] = {"customer_id": c}
    later = str(day + timedelta(days=40))
    panels: dict[str, dict[str, Any]] = {
        "opportunities": {"name": "Seats", "value_minor": 5_000_000, "currency_code": "USD", "stage": "Proposal",
                          "close_date": later},
        "quotes": {"status": "sent", "expiry_date": later},
        "orders": {"status": "shipped", "ship_date": str(day)},
        "cases": {"subject": "Login fails", "priority": "high", "status": "open", "sla_status": "on_track"},
        "contracts": {"renewal_date": str(day + timedelta(days=400)), "arr_minor": 1_200_000, "mrr_minor": 100_000,
                      "currency_code": "USD"},
        "nps_responses": {"score": 9, "surveyed_at": "2026-01-01T09:00:00Z"},
    }  # fmt: skip
    for kind, record in panels.items():
        answer = put(books, kind, {"external_id": f"{kind}-1", **say, **record})
        assert (answer.status_code, answer.json()["upserted"]) == (200, 1), answer.text
    books.invoice(c, 70_000, day - timedelta(days=90), day - timedelta(days=45))
    log = {"type": "call", "notes": "Asked about the renewal."}
    assert books.api("account_executive").post(f"/v1/customers/{c}/activities", log).status_code == 201
    return c


def test_every_panel_shows_its_records_with_the_fields_of_the_interface(books: Books) -> None:
    c = full_customer(books)
    seen = view(books, c)
    assert list(seen["panels"]) == PANELS
    assert seen["customer"]["name"] == "Acme Ltd"
    for panel in seen["panels"].values():
        assert {"data", "as_of", "stale", "error", "source", "links"} <= set(panel)
        assert (panel["stale"], panel["error"], panel["source"]) == (False, None, "arflow")
        assert panel["as_of"] == seen["as_of"]
    first = {name: seen["panels"][name]["data"] for name in PANELS}
    wanted = {
        "opportunities": {"name", "value_minor", "currency_code", "stage", "close_date"},
        "quotes": {"status", "expiry_date"},
        "orders": {"status", "ship_date"},
        "cases": {"subject", "priority", "status", "sla_status"},
        "contracts": {"renewal_date", "arr_minor", "mrr_minor", "currency_code"},
        "activities": {"type", "notes", "contact_id", "occurred_at"},
    }
    for name, fields in wanted.items():
        assert len(first[name]) == 1, name
        assert fields | {"id", "href"} <= set(first[name][0]), name
    assert first["opportunities"][0]["stage"] == "Proposal"
    assert (first["nps"]["latest"], first["nps"]["surveyed_at"][:10]) == (9, "2026-01-01")
    assert first["ar_aging"]["days_30_minor"] == 70_000
    assert first["ar_aging"]["invoices"][0]["balance_due_minor"] == 70_000


def test_a_customer_without_anything_has_empty_panels(books: Books) -> None:
    seen = view(books, books.customer(entity="le_uk"))["panels"]
    assert seen["nps"]["data"] is None
    assert seen["ar_aging"]["data"]["current_minor"] == 0
    assert seen["ar_aging"]["data"]["currency_code"] == "GBP"
    assert all(seen[p]["data"] == [] for p in PANELS if p not in ("nps", "ar_aging"))


def test_receivables_beyond_int64_in_sum_are_added_up_all_the_same(books: Books) -> None:
    c, most = books.customer(), 2**63 - 1
    for _ in range(2):
        books.invoice(c, most, today(), today())
    seen = view(books, c)["panels"]["ar_aging"]["data"]
    assert (seen["total_minor"], seen["by_currency"][0]["net_minor"]) == (2 * most, 2 * most)
    assert books.aging(c)["total_minor"] == 2 * most
    assert books.get(f"/v1/customers/{c}/360/snapshot", "ops")["ar_aging"] is not None


READERS = ["ar_clerk", "ar_manager", "controller", "cfo", "account_executive", "account_manager",
           "customer_success_manager", "ops", "auditor"]  # fmt: skip


@pytest.mark.parametrize("role", READERS)
def test_whoever_sees_an_item_drills_through_to_its_record(books: Books, role: str) -> None:
    c = full_customer(books)
    books.pay(c, 9_000, today())
    api, panels = books.api(role), view(books, c, role)["panels"]
    owed = panels["ar_aging"]["data"]
    items = [i for p in PANELS if isinstance(panels[p]["data"], list) for i in panels[p]["data"]]
    items += [panels["nps"]["data"], *owed["invoices"], *owed["recent_payments"]]
    assert len(items) == 9
    for item in items:
        record = api.get(item["href"])
        assert (record.status_code, record.json()["id"]) == (200, item["id"]), item["href"]
    for link in (link for p in PANELS for link in panels[p]["links"].values()):
        assert api.get(link).status_code == 200, link
    assert [i["id"] for i in api.get(panels["ar_aging"]["links"]["payments"]).json()["items"]] == [
        p["id"] for p in owed["recent_payments"]
    ]
    assert [i["id"] for i in api.get(panels["ar_aging"]["links"]["invoices"]).json()["items"]] == [
        i["id"] for i in owed["invoices"]
    ]


def test_a_payment_of_the_view_tells_what_it_paid_and_nothing_of_the_bank(books: Books) -> None:
    c = full_customer(books)
    paid = books.pay(c, 9_000, today(), remittance_text="for March", reference="R-1")
    (owed,) = view(books, c)["panels"]["ar_aging"]["data"]["invoices"]
    books.apply(paid, (owed["id"], 9_000))
    (shown,) = view(books, c)["panels"]["ar_aging"]["data"]["recent_payments"]
    record = books.get(shown["href"], "account_executive")
    assert [(a["invoice_id"], a["applied_minor"]) for a in record["applications"]] == [(owed["id"], 9_000)]
    assert (record["status"], record["amount_minor"], record["reference"]) == ("FULLY_APPLIED", 9_000, "R-1")
    assert not {"bank_account_id", "remittance_text", "payer", "statement_id", "fx_rate"} & set(record)


def test_the_views_own_invoices_and_payments_are_the_customers_alone(books: Books, database_url: str) -> None:
    c, other = books.customer(), books.customer()
    api, uk = books.api("ops"), books.api("ops", entities=("le_uk",))
    stranger = Books(database_url)
    for noun, made in (("invoices", books.invoice(other, 100, today())), ("payments", books.pay(other, 100, today()))):
        missing = api.get(f"/v1/customers/{c}/360/{noun}/{made}")
        assert (missing.status_code, missing.json()["code"]) == (404, f"{noun[:-1].upper()}_NOT_FOUND")
        assert api.get(f"/v1/customers/{c}/360/{noun}").json()["items"] == []
        for who, code in ((stranger.api("ops"), "ORG_CONTEXT_MISMATCH"), (uk, "FORBIDDEN")):
            for path in (f"/v1/customers/{other}/360/{noun}/{made}", f"/v1/customers/{other}/360/{noun}"):
                assert (who.get(path).status_code, who.get(path).json()["code"]) == (403, code)
        assert books.api("bank_feed").get(f"/v1/customers/{other}/360/{noun}/{made}").status_code == 403
    stranger.close()


@pytest.mark.parametrize("role", READERS)
def test_who_may_read_customers_sees_the_view(books: Books, role: str) -> None:
    assert books.api(role).get(f"/v1/customers/{books.customer()}/360").status_code == 200


def test_a_bank_feed_does_not_see_it(books: Books) -> None:
    answer = books.api("bank_feed").get(f"/v1/customers/{books.customer()}/360")
    assert (answer.status_code, answer.json()["code"]) == (403, "FORBIDDEN")


def test_another_organisations_customer_is_a_context_mismatch_everywhere(books: Books, database_url: str) -> None:
    other = Books(database_url)
    try:
        c = full_customer(other)
        case = view(other, c)["panels"]["cases"]["data"][0]["id"]
        hrefs = [i["href"] for p in ("opportunities", "quotes", "orders", "cases", "contracts", "activities")
                 for i in view(other, c)["panels"][p]["data"]]  # fmt: skip
        hrefs.append(view(other, c)["panels"]["nps"]["data"]["href"])
    finally:
        other.close()
    api = books.api("account_executive")
    paths = [f"/v1/customers/{c}/360", f"/v1/customers/{c}/activities", f"/v1/customers/{c}/360/snapshot",
             *(f"/v1/customers/{c}/360/panels/{p}" for p in PANELS), *hrefs]  # fmt: skip
    refused = [api.get(p) for p in paths]
    refused.append(api.post(f"/v1/customers/{c}/activities", {"type": "note", "notes": "x"}))
    deal = {"name": "x", "value_minor": 1, "currency_code": "USD", "stage": "proposal", "close_date": "2027-01-01"}
    refused.append(api.post(f"/v1/customers/{c}/opportunities", deal))
    record = {"external_id": "q", "customer_id": c, "status": "sent"}
    refused.append(put(books, "quotes", record))
    assert case
    for answer in refused:
        assert (answer.status_code, answer.json()["code"]) == (403, "ORG_CONTEXT_MISMATCH"), answer.url
    unknown = api.get("/v1/customers/cust_01m81a5jhbecnawhmfhcd214ah/360")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "CUSTOMER_NOT_FOUND")


def test_the_view_is_answered_behind_the_same_gate(books: Books) -> None:
    c = books.customer()
    for path in (f"/v1/customers/{c}/360", f"/v1/customers/{c}/360/panels/cases"):
        nobody = books.api("account_executive").get(path, headers={"Authorization": "Bearer x"})
        assert (nobody.status_code, nobody.json()["code"]) == (401, "UNAUTHENTICATED")
        odd = books.api("account_executive").get(path.replace(c, "a%00b"))
        assert (odd.status_code, odd.json()["code"]) == (422, "VALIDATION_FAILED")
        assert books.api("account_executive").request("DELETE", path).status_code == 405


def test_a_token_for_other_entities_does_not_see_the_customer(books: Books) -> None:
    c = books.customer(entity="le_us")
    answer = books.api("account_executive", entities=("le_uk",)).get(f"/v1/customers/{c}/360")
    assert (answer.status_code, answer.json()["code"]) == (403, "FORBIDDEN")


def test_an_unknown_panel_is_not_found(books: Books) -> None:
    answer = books.api("ops").get(f"/v1/customers/{books.customer()}/360/panels/weather")
    assert (answer.status_code, answer.json()["code"]) == (404, "PANEL_NOT_FOUND")


def test_a_panel_is_cacheable_and_answers_304_until_it_changes(books: Books) -> None:
    c = full_customer(books)
    api = books.api("account_executive")
    path = f"/v1/customers/{c}/360/panels/activities"
    first = api.get(path)
    assert first.headers["cache-control"] == "private, max-age=300"
    assert (first.headers["age"], first.headers["vary"]) == ("0", "Authorization")
    again = api.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["cache-control"] == "private, max-age=300"
    assert api.post(f"/v1/customers/{c}/activities", {"type": "note", "notes": "new"}).status_code == 201
    changed = api.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (changed.status_code, len(changed.json()["data"])) == (200, 2)


def test_each_panel_alone_is_the_panel_of_the_view(books: Books) -> None:
    c = full_customer(books)
    whole = view(books, c)["panels"]
    for name in PANELS:
        alone = books.get(f"/v1/customers/{c}/360/panels/{name}", "account_executive")
        assert {**alone, "as_of": None} == {**whole[name], "as_of": None}


def test_the_snapshot_is_the_data_record_of_the_source_document(books: Books) -> None:
    record = books.get(f"/v1/customers/{full_customer(books)}/360/snapshot", "account_manager")
    assert list(record) == ["customer_id", "as_of", "open_opportunities", "active_quotes", "recent_orders", "ar_aging",
                            "open_cases", "active_contracts", "nps_latest", "activities"]  # fmt: skip
    assert list(record["ar_aging"]) == [
        "current_minor",
        "days_30_minor",
        "days_60_minor",
        "days_90plus_minor",
        "currency_code",
    ]
    assert record["nps_latest"] == 9


def test_closed_and_expired_records_leave_the_view_but_not_the_drill_through(books: Books) -> None:
    c, day = books.customer(), today()
    put(
        books,
        "quotes",
        {"external_id": "late", "customer_id": c, "status": "sent", "expiry_date": str(day - timedelta(days=1))},
    )
    put(books, "quotes", {"external_id": "won", "customer_id": c, "status": "Accepted", "expiry_date": "2099-01-01"})
    put(
        books,
        "cases",
        {
            "external_id": "k",
            "customer_id": c,
            "subject": "s",
            "priority": "low",
            "status": "Closed",
            "sla_status": "met",
        },
    )
    panels = view(books, c)["panels"]
    assert (panels["quotes"]["data"], panels["cases"]["data"]) == ([], [])
    assert len(books.get(f"/v1/customers/{c}/quotes", "ops")["items"]) == 2


def test_a_case_past_its_due_time_is_breached_whatever_its_source_said(books: Books) -> None:
    c = books.customer()
    case = {
        "external_id": "k",
        "customer_id": c,
        "subject": "s",
        "priority": "low",
        "status": "open",
        "sla_status": "on_track",
    }
    put(books, "cases", {**case, "sla_due_at": "2026-01-01T00:00:00Z"})
    assert view(books, c)["panels"]["cases"]["data"][0]["sla_status"] == "breached"


def test_missed_renewals_come_first_and_lie_on_somebodys_desk(books: Books) -> None:
    c, day = books.customer(), today()
    say = {"customer_id": c, "arr_minor": 120_000, "currency_code": "USD"}
    put(books, "contracts",
        {**say, "external_id": "far", "renewal_date": str(day + timedelta(days=300))},
        {**say, "external_id": "near", "renewal_date": str(day + timedelta(days=20)), "notice_days": 30},
        {**say, "external_id": "missed", "renewal_date": str(day - timedelta(days=3)), "owner_user": "u_am"})  # fmt: skip
    seen = view(books, c)
    assert [k["external_id"] for k in seen["panels"]["contracts"]["data"]] == ["missed", "near", "far"]
    assert [k["renewal_risk"] for k in seen["panels"]["contracts"]["data"]] == ["missed", "notice_window", "none"]
    assert [a["code"] for a in seen["attention"]] == ["RENEWAL_MISSED", "RENEWAL_IN_NOTICE_WINDOW"]
    exceptions = books.sql("SELECT * FROM exceptions WHERE org_id = :org AND status = 'open' ORDER BY reason_code")
    assert [(e["reason_code"], e["owner_role"], e["owner_user"]) for e in exceptions] == [
        ("RENEWAL_IN_NOTICE_WINDOW", "account_manager", None),
        ("RENEWAL_MISSED", None, "u_am"),
    ]
    put(books, "contracts", {**say, "external_id": "missed", "renewal_date": str(day + timedelta(days=362))})
    left = books.sql("SELECT reason_code FROM exceptions WHERE org_id = :org AND status = 'open'")
    assert [e["reason_code"] for e in left] == ["RENEWAL_IN_NOTICE_WINDOW"]
    assert [a["code"] for a in view(books, c)["attention"]] == ["RENEWAL_IN_NOTICE_WINDOW"]


def test_a_missing_rate_costs_the_aging_panel_alone(books: Books) -> None:
    c = books.customer()
    books.invoice(c, 100, today(), today())
    books.sql("UPDATE invoices SET currency_code = 'XAF', functional_currency = 'XOF' WHERE customer_id = %(c)s", c=c)
    books.invoice(c, 100, today(), today())
    seen = view(books, c)
    panel = seen["panels"]["ar_aging"]
    assert (panel["data"], panel["error"]["code"]) == (None, "FX_RATE_MISSING")
    assert seen["panels"]["cases"]["error"] is None
    assert books.get(f"/v1/customers/{c}/360/snapshot", "ops")["ar_aging"] is None
