"""The reports: they tie to each other and to the ledger, as JSON and as CSV."""

import csv
import io

from tests.books import Books


def in_csv(books: Books, path: str, **params: str) -> list[dict[str, str]]:
    answer = books.api("auditor").get(path, params=params, headers={"Accept": "text/csv"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(answer.text, newline="")))


def test_aging_of_every_customer_ties_to_the_control_account(books: Books) -> None:
    owing, settled, idle = (books.customer(name) for name in ("Owing", "Settled", "Idle"))
    first = books.invoice(owing, 1000, "2026-01-05", "2026-01-20")
    books.apply(books.pay(owing, 250, "2026-01-25"), (first, 250))
    books.apply(books.pay(settled, 70, "2026-01-06"), (books.invoice(settled, 70, "2026-01-05"), 70))
    books.invoice(owing, 90, "2026-01-05", "2026-04-01", currency="GBP", legal_entity_id="le_uk")
    report = books.get("/v1/reports/ar-aging", as_of="2026-02-28")
    rows = {(i["legal_entity_id"], i["customer_name"]): i for i in report["items"]}
    assert rows["le_us", "Owing"]["days_30_minor"] == 750
    assert rows["le_uk", "Owing"]["not_due_minor"] == 90
    assert rows["le_us", "Settled"]["total_minor"] == 0
    assert idle not in {i["customer_id"] for i in report["items"]}
    assert [(t["legal_entity_id"], t["currency_code"], t["total_minor"]) for t in report["totals"]] == [
        ("le_uk", "GBP", 90), ("le_us", "USD", 750),
    ]  # fmt: skip
    most = books.get("/v1/reports/ar-aging", as_of="2026-02-28", limit="2")
    assert [(i["customer_name"], i["total_minor"]) for i in most["items"]] == [("Owing", 750), ("Owing", 90)]
    assert most["customers"] == report["customers"] == len(report["items"])
    assert (most["totals"], most["control"]) == (report["totals"], report["control"])
    assert [(c["ledger_minor"], c["aging_minor"], c["timing_minor"], c["difference_minor"]) for c in report["control"]] == [
        (90, 90, 0, 0), (750, 750, 0, 0),
    ]  # fmt: skip


def test_what_a_closed_period_shifts_is_named_as_a_timing_difference(books: Books) -> None:
    customer = books.customer()
    invoice = books.invoice(customer, 1000, "2026-01-05")
    books.close_period("2026-02")
    late = books.invoice(customer, 40, "2026-02-03")
    applied = books.apply(books.pay(customer, 400, "2026-02-10"), (invoice, 400))
    (us,) = [c for c in books.get("/v1/reports/ar-aging", as_of="2026-02-28")["control"] if c["currency_code"] == "USD"]
    assert (us["ledger_minor"], us["aging_minor"], us["timing_minor"], us["difference_minor"]) == (1000, 640, 360, 0)
    assert {(t["kind"], t["record_id"], t["minor"], t["entry_date"]) for t in us["timing_differences"]} == {
        ("invoice", late, -40, "2026-03-01"), ("application", applied["applications"][0]["id"], 400, "2026-03-01"),
    }  # fmt: skip
    (march,) = [c for c in books.get("/v1/reports/ar-aging", as_of="2026-03-01")["control"] if c["ledger_minor"]]
    assert (march["ledger_minor"], march["timing_count"], march["difference_minor"]) == (640, 0, 0)


def test_the_trial_balance_balances_and_shows_the_control_account(books: Books) -> None:
    customer = books.customer()
    books.rate("GBP", "USD", "2026-01-05", "1.25")
    books.rate("GBP", "USD", "2026-02-05", "1.30")
    invoice = books.invoice(customer, 1000, "2026-01-05", currency="GBP", tax_minor=100)
    books.apply(books.pay(customer, 1000, "2026-02-05", "GBP"), (invoice, 1000))
    report = books.get("/v1/reports/trial-balance", as_of="2026-02-05")
    shown = {i["account"]: (i["debit_minor"], i["credit_minor"]) for i in report["items"]}
    assert shown == {
        "cash": (1300, 0), "accounts_receivable": (0, 0), "revenue": (0, 1125), "tax_payable": (0, 125),
        "fx_gain_loss": (0, 50),
    }  # fmt: skip
    (total,) = report["totals"]
    assert (total["debit_minor"], total["credit_minor"], total["balance_minor"]) == (1300, 1300, 0)
    (us,) = [i for i in books.get("/v1/reports/trial-balance", as_of="2026-01-31")["items"] if i["code"] == "1100"]
    assert us["debit_minor"] == 1250


def test_the_roll_forward_explains_the_change_with_realised_fx(books: Books) -> None:
    customer = books.customer()
    books.rate("GBP", "USD", "2026-01-05", "1.25")
    books.rate("GBP", "USD", "2026-02-05", "1.30")
    books.invoice(customer, 500, "2026-01-06")
    invoice = books.invoice(customer, 1000, "2026-01-05", currency="GBP")
    books.invoice(customer, 30, "2026-02-07")
    books.apply(books.pay(customer, 400, "2026-02-05", "GBP"), (invoice, 400))
    report = books.get("/v1/reports/ar-roll-forward", **{"from": "2026-02-01", "to": "2026-02-28"})
    (us,) = [i for i in report["items"] if i["legal_entity_id"] == "le_us"]
    assert us["opening_minor"] == 1750
    assert (us["invoices_minor"], us["applications_minor"], us["fx_minor"]) == (30, 520, 20)
    assert us["closing_minor"] == 1280 == 1750 + 30 - 520 + 20
    assert us["difference_minor"] == 0
    backwards = books.api().get("/v1/reports/ar-roll-forward?from=2026-02-02&to=2026-02-01")
    assert (backwards.status_code, backwards.json()["code"]) == (422, "VALIDATION_FAILED")
    assert books.api().get("/v1/reports/ar-roll-forward?from=2026-02-02").status_code == 422


def test_unapplied_cash_names_receipts_that_no_entry_carries_yet(books: Books) -> None:
    customer = books.customer()
    held = books.pay(customer, 500, "2026-01-10")
    waiting = books.pay(customer, 70, "2026-01-12")
    books.apply(held, (books.invoice(customer, 200, "2026-01-05"), 200), overpayment="customer_credit")
    report = books.get("/v1/reports/unapplied-cash", as_of="2026-01-31")
    assert [(i["payment_id"], i["unapplied_minor"], i["credits_minor"], i["age_days"]) for i in report["items"]] == [
        (held, 0, 300, 21), (waiting, 70, 0, 19),
    ]  # fmt: skip
    control = {c["account"]: c for c in report["control"] if c["legal_entity_id"] == "le_us"}
    credits, cash = control["customer_credits"], control["unapplied_cash"]
    assert (credits["ledger_minor"], credits["report_minor"], credits["difference_minor"]) == (300, 300, 0)
    assert (cash["ledger_minor"], cash["report_minor"], cash["timing_minor"], cash["difference_minor"]) == (
        0,
        70,
        -70,
        0,
    )
    assert cash["timing_differences"] == [{"kind": "not_posted", "payment_id": waiting, "minor": -70}]


def test_a_broken_balance_shows_as_a_difference(books: Books) -> None:
    """The tie is a proof: it fails where a balance is wrong."""
    customer = books.customer()
    invoice = books.invoice(customer, 1000, "2026-01-05")
    books.sql("UPDATE invoices SET functional_balance_minor = 999 WHERE id = %(id)s", id=invoice)
    control = books.get("/v1/reports/ar-aging")["control"]
    assert [c["difference_minor"] for c in control if c["legal_entity_id"] == "le_us"] == [1]
    books.sql("UPDATE invoices SET functional_balance_minor = 1000 WHERE id = %(id)s", id=invoice)


def test_csv_has_the_same_rows_and_nothing_a_spreadsheet_would_run(books: Books) -> None:
    customer = books.customer('=HYPERLINK("http://evil","x"),\n"quoted"')
    invoice = books.invoice(customer, 1000, "2026-01-05", "2026-01-20")
    rows = in_csv(books, "/v1/reports/ar-aging", as_of="2026-01-31")
    (item,) = [r for r in rows if r["row"] == "item"]
    assert item["customer_name"] == '\'=HYPERLINK("http://evil","x"),\n"quoted"'
    assert (item["current_minor"], item["currency_code"]) == ("1000", "USD")
    assert {r["row"] for r in rows} == {"item", "total", "control"}
    assert "by_currency" not in item
    books.apply(books.pay(customer, 400, "2026-01-25", external_id="+1+cmd|x"), (invoice, 400))
    books.pay(customer, 5, "2026-01-25", external_id="@SUM(1)")
    ids = {r["external_id"] for r in in_csv(books, "/v1/reports/unapplied-cash")}
    assert "'@SUM(1)" in ids
    (moved,) = [
        r for r in in_csv(books, "/v1/reports/ar-roll-forward", **{"from": "2026-01-01", "to": "2026-01-31"})
        if r["legal_entity_id"] == "le_us"
    ]  # fmt: skip
    assert moved["closing_minor"] == "600"
    assert len(in_csv(books, "/v1/reports/trial-balance")) == 4


def test_json_is_preferred_unless_csv_is_asked_for(books: Books) -> None:
    for accept, kind in (
        ("*/*", "application/json"), ("text/csv;q=0.5, application/json", "application/json"),
        ("text/csv, application/json;q=0.9", "text/csv"), ("text/csv", "text/csv"), ("", "application/json"),
    ):  # fmt: skip
        answer = books.api().get("/v1/reports/trial-balance", headers={"Accept": accept})
        assert answer.headers["content-type"].startswith(kind), accept


def test_reports_keep_to_the_entities_and_roles_of_the_token(books: Books) -> None:
    customer = books.customer()
    books.invoice(customer, 1000, "2026-01-05")
    books.invoice(customer, 50, "2026-01-05", currency="GBP", legal_entity_id="le_uk")
    books.pay(customer, 8, "2026-01-05")
    narrow = books.api("ar_clerk", entities=("le_uk",))
    period = "?from=2026-01-01&to=2026-12-31"
    for path in ("ar-aging", "trial-balance", "unapplied-cash", f"ar-roll-forward{period}"):
        found = narrow.get(f"/v1/reports/{path}").json()
        assert {r["legal_entity_id"] for s in ("items", "totals", "control") for r in found.get(s, [])} <= {"le_uk"}
        for role in ("account_executive", "ops"):
            assert books.api(role).get(f"/v1/reports/{path}").status_code == 403
        assert books.api("auditor").get(f"/v1/reports/{path}").status_code == 200
