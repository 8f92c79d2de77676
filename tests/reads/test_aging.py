"""A customer's aging: the rules of docs/api.md, section 3, one by one, read through the API."""

from datetime import date, timedelta

import pytest

from tests.books import Books, today

MONEY = ("current_minor", "days_30_minor", "days_60_minor", "days_90plus_minor")


def buckets(aging: dict) -> tuple[int, ...]:
    return tuple(aging[name] for name in MONEY)


def test_buckets_go_by_days_past_due(books: Books) -> None:
    customer, day = books.customer(), today()
    for n, days in enumerate((-1, 0, 1, 29, 30, 59, 60, 89, 90, 400)):
        books.invoice(customer, 10**n, day - timedelta(days=500), day - timedelta(days=days))
    aging = books.aging(customer)
    assert buckets(aging) == (1111, 110000, 11000000, 1100000000)
    assert (aging["not_due_minor"], aging["overdue_1_29_minor"]) == (11, 1100)
    assert aging["as_of"] == day.isoformat()
    assert aging["currency_code"] == "USD"
    assert [i["balance_due_minor"] for i in aging["invoices"]] == [10**n for n in reversed(range(10))]
    assert aging["by_currency"][0]["days_90plus_minor"] == 1100000000


def test_the_payment_date_counts_and_not_the_day_of_the_application(books: Books) -> None:
    customer = books.customer()
    invoice = books.invoice(customer, 1000, "2026-01-05", "2026-02-04")
    payment = books.pay(customer, 400, "2026-03-10")
    books.apply(payment, (invoice, 400))
    assert buckets(books.aging(customer, as_of="2026-03-09")) == (0, 1000, 0, 0)
    assert buckets(books.aging(customer, as_of="2026-03-10")) == (0, 600, 0, 0)
    assert buckets(books.aging(customer, as_of="2026-01-04")) == (0, 0, 0, 0)


def test_a_payment_before_the_invoice_counts_from_the_issue_date(books: Books) -> None:
    customer = books.customer()
    invoice = books.invoice(customer, 1000, "2026-03-20", "2026-04-19")
    books.apply(books.pay(customer, 700, "2026-03-10"), (invoice, 700))
    before, after = books.aging(customer, as_of="2026-03-15"), books.aging(customer, as_of="2026-03-20")
    assert (before["net_minor"], before["unapplied_minor"]) == (-700, 700)
    assert (after["net_minor"], after["unapplied_minor"], after["current_minor"]) == (300, 0, 300)


def test_an_undone_application_counts_until_the_day_it_was_undone_for(books: Books) -> None:
    customer = books.customer()
    invoice = books.invoice(customer, 1000, "2026-01-05", "2026-01-10")
    applied = books.apply(books.pay(customer, 1000, "2026-01-15"), (invoice, 1000))
    books.unapply(applied["applications"][0]["id"], "2026-01-20")
    assert [books.aging(customer, as_of=f"2026-01-{d}")["total_minor"] for d in (14, 15, 19, 20)] == [1000, 0, 0, 1000]
    assert books.aging(customer, as_of="2026-01-20")["unapplied_minor"] == 1000


def test_a_reversed_payment_counts_until_its_reversal_date(books: Books) -> None:
    customer = books.customer()
    invoice = books.invoice(customer, 1000, "2026-01-05", "2026-01-10")
    payment = books.pay(customer, 1500, "2026-01-15")
    books.apply(payment, (invoice, 1000), overpayment="customer_credit")
    books.reverse(payment, "2026-01-25")
    held = books.aging(customer, as_of="2026-01-24")
    assert (held["total_minor"], held["credits_minor"], held["unapplied_minor"], held["net_minor"]) == (0, 500, 0, -500)
    gone = books.aging(customer, as_of="2026-01-25")
    assert (gone["total_minor"], gone["credits_minor"], gone["net_minor"]) == (1000, 0, 1000)


def test_a_void_invoice_counts_until_it_was_voided(books: Books) -> None:
    customer, day = books.customer(), today()
    invoice = books.invoice(customer, 1000, day - timedelta(days=9))
    books.void(invoice)
    assert books.aging(customer, as_of=day - timedelta(days=1))["current_minor"] == 1000
    assert books.aging(customer)["current_minor"] == 0


def test_buckets_are_gross_of_credits_and_unapplied_leaves_out_what_credits_hold(books: Books) -> None:
    customer = books.customer()
    first, second = books.invoice(customer, 1000, "2026-01-05"), books.invoice(customer, 5000, "2026-01-05")
    credit = books.apply(books.pay(customer, 1300, "2026-01-15"), (first, 1000), overpayment="customer_credit")
    books.pay(customer, 70, "2026-01-16")
    held = books.aging(customer, as_of="2026-01-31")
    assert (held["total_minor"], held["unapplied_minor"], held["credits_minor"]) == (5000, 70, 300)
    assert held["net_minor"] == 4630
    spent = books.spend(credit["credit_id"], (second, 100))
    used = books.aging(customer, as_of="2026-01-31")
    assert (used["total_minor"], used["unapplied_minor"], used["credits_minor"]) == (4900, 70, 200)
    books.unapply(spent["applications"][0]["id"], "2026-01-20")
    back = books.aging(customer, as_of="2026-01-31")
    assert (back["total_minor"], back["unapplied_minor"], back["credits_minor"]) == (5000, 170, 200)


def test_one_currency_of_open_invoices_is_shown_in_it(books: Books) -> None:
    customer = books.customer()
    books.rate("GBP", "USD", "2026-01-05", "1.25")
    books.invoice(customer, 1000, "2026-01-05", currency="GBP")
    books.pay(customer, 250, "2026-01-06")
    aging = books.aging(customer)
    assert (aging["currency_code"], aging["total_minor"], aging["unapplied_minor"]) == ("GBP", 1000, 200)
    assert [(c["currency_code"], c["total_minor"], c["unapplied_minor"]) for c in aging["by_currency"]] == [
        ("GBP", 1000, 0), ("USD", 0, 250),
    ]  # fmt: skip


def test_several_currencies_are_shown_in_the_functional_one_at_issue_date_rates(books: Books) -> None:
    customer = books.customer()
    books.rate("GBP", "USD", "2026-01-05", "1.25")
    books.rate("JPY", "USD", "2026-02-05", "0.0065")
    books.invoice(customer, 1000, "2026-01-05", currency="GBP")
    books.invoice(customer, 1000, "2026-02-05", currency="JPY")
    aging = books.aging(customer)
    assert (aging["currency_code"], aging["total_minor"]) == ("USD", 1250 + 650)
    assert {c["currency_code"]: c["total_minor"] for c in aging["by_currency"]} == {"GBP": 1000, "JPY": 1000}


def test_money_of_a_third_currency_without_a_rate_does_not_stop_the_aging(books: Books) -> None:
    customer = books.customer()
    books.rate("EUR", "USD", "2020-01-05", "2")
    books.invoice(customer, 1000, "2020-01-05", currency="EUR")
    books.pay(customer, 500, "2020-06-01")
    assert books.aging(customer, as_of="2020-06-30")["unapplied_minor"] == 250


def test_a_customer_who_owes_nothing_is_shown_in_the_functional_currency(books: Books) -> None:
    aging = books.aging(books.customer(entity="le_uk"))
    assert (aging["currency_code"], aging["net_minor"], aging["invoices"]) == ("GBP", 0, [])
    assert buckets(aging) == (0, 0, 0, 0)


def test_known_at_counts_only_what_was_recorded_by_then(books: Books) -> None:
    customer = books.customer()
    invoice = books.invoice(customer, 1000, "2026-01-05")
    moments = [books.moment()]
    payment = books.pay(customer, 1000, "2026-01-15")
    moments.append(books.moment())
    applied = books.apply(payment, (invoice, 1000))
    moments.append(books.moment())
    books.unapply(applied["applications"][0]["id"], "2026-01-16")
    moments.append(books.moment())
    books.reverse(payment, "2026-01-17")
    moments.append(books.moment())
    seen = [books.aging(customer, as_of="2026-02-01", known_at=m.isoformat()) for m in moments]
    assert [(s["total_minor"], s["unapplied_minor"]) for s in seen] == [
        (1000, 0), (1000, 1000), (0, 0), (1000, 1000), (1000, 0),
    ]  # fmt: skip
    assert books.aging(customer, as_of="2026-02-01", known_at="2026-01-01")["invoices"] == []


def test_disputed_is_what_was_disputed_then(books: Books) -> None:
    customer = books.customer()
    invoice = books.invoice(customer, 1000, "2026-01-05")
    before = books.moment()
    books.do("dispute_invoice", invoice, {"reason_code": "QUALITY"})
    during = books.moment()
    assert books.aging(customer)["disputed_minor"] == 1000
    books.do("resolve_dispute", invoice, {"reason_code": "AGREED"})
    assert books.aging(customer)["disputed_minor"] == 0
    assert books.aging(customer, known_at=during.isoformat())["disputed_minor"] == 1000
    assert books.aging(customer, known_at=before.isoformat())["disputed_minor"] == 0
    assert books.aging(customer, as_of=date(2026, 2, 1))["disputed_minor"] == 0


def test_a_token_of_one_entity_does_not_see_the_other(books: Books) -> None:
    customer = books.customer()
    books.invoice(customer, 1000, "2026-01-05")
    books.invoice(customer, 50, "2026-01-05", currency="GBP", legal_entity_id="le_uk")
    seen = books.api("ar_clerk", entities=("le_us",)).get(f"/v1/customers/{customer}/ar-aging").json()
    assert (seen["currency_code"], seen["total_minor"]) == ("USD", 1000)
    refused = books.api("ar_clerk", entities=("le_uk",)).get(f"/v1/customers/{customer}/ar-aging")
    assert (refused.status_code, refused.json()["code"]) == (403, "FORBIDDEN")


def test_another_organisations_customer_and_nobodys(books: Books, database_url: str) -> None:
    other = Books(database_url)
    theirs = books.api().get(f"/v1/customers/{other.customer()}/ar-aging")
    assert (theirs.status_code, theirs.json()["code"]) == (403, "ORG_CONTEXT_MISMATCH")
    other.close()
    nobody = books.api().get("/v1/customers/cust_01m81a5jhbecnawhmfhcd214ah/ar-aging")
    assert (nobody.status_code, nobody.json()["code"]) == (404, "CUSTOMER_NOT_FOUND")


@pytest.mark.parametrize("query", ["as_of=2026-13-01", "as_of=2026-01-01T00:00:00Z", "known_at=yesterday"])
def test_unreadable_days_are_refused(books: Books, query: str) -> None:
    refused = books.api().get(f"/v1/customers/{books.customer()}/ar-aging?{query}")
    assert (refused.status_code, refused.json()["code"]) == (422, "VALIDATION_FAILED")
