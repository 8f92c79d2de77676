"""Every reader of what is disputed says the same: the invoice, aging, the report, the view, any day, as known at any moment."""

from datetime import date, timedelta

from operations.cash.confirmations import draft
from operations.verify import verify
from tests.books import Books, today
from tests.credit_notes.desk import netted, note
from tests.deductions.desk import decide, deduction, disputed, short, stated
from tests.session_lines.desk import beside, breaches, item, person


def test_invoice_list_aging_report_and_view_say_the_same(books: Books) -> None:
    customer = books.customer()
    one, whole, plain = (books.invoice(customer, total, "2026-01-05") for total in (100_00, 50_00, 30_00))
    short(books, books.pay(customer, 90_00, "2026-02-01"), [(one, 90_00)], deduction(one, 6_00))
    books.do("dispute_invoice", whole, {"reason_code": "QUALITY"})
    each = {i["id"]: i["disputed_minor"] for i in books.get("/v1/invoices", customer_id=customer)["items"]}
    assert each == {one: 6_00, whole: 50_00, plain: 0}
    aging = books.aging(customer)
    assert {i["id"]: i["disputed_minor"] for i in aging["invoices"]} == each
    assert aging["disputed_minor"] == aging["by_currency"][0]["disputed_minor"] == 56_00
    assert (aging["total_minor"], aging["net_minor"]) == (90_00, 90_00)  # a dispute gives nothing up
    report = books.get("/v1/reports/ar-aging")
    assert [i["disputed_minor"] for i in report["items"]] == [56_00]
    assert [t["disputed_minor"] for t in report["totals"] if t["legal_entity_id"] == "le_us"] == [56_00]
    view = books.get(f"/v1/customers/{customer}/360/panels/ar_aging")["data"]
    assert {i["id"]: i["disputed_minor"] for i in view["invoices"]} == each
    assert view["disputed_minor"] == 56_00
    drilled = books.get(f"/v1/customers/{customer}/360/invoices/{one}")
    assert (drilled["disputed"], drilled["disputed_minor"]) == (False, 6_00)


def test_what_was_disputed_then_is_what_was_known_then(books: Books) -> None:
    customer = books.customer()
    invoice = books.invoice(customer, 100_00, "2026-01-05")
    before = books.moment()
    stated(books, invoice, 20_00)
    first = books.moment()
    small = stated(books, invoice, 5_00)["id"]
    both = books.moment()
    decide(books, small, "reject")
    rejected = books.moment()
    books.apply(books.pay(customer, 100_00, today()), (invoice, 100_00))
    after = books.moment()
    moments = (before, first, both, rejected, after)
    known = {m: books.aging(customer, known_at=m.isoformat())["disputed_minor"] for m in moments}
    assert known == {before: 0, first: 20_00, both: 25_00, rejected: 20_00, after: 0}
    assert books.aging(customer)["disputed_minor"] == 0
    yesterday = today() - timedelta(days=1)
    assert books.aging(customer, as_of=yesterday)["disputed_minor"] == 0
    assert books.get("/v1/reports/ar-aging", as_of=yesterday)["items"][0]["disputed_minor"] == 0


def test_in_the_functional_currency_it_is_its_part_of_the_balance(books: Books) -> None:
    customer = books.customer()
    books.rate("EUR", "USD", "2026-01-05", "1.10")
    euros = books.invoice(customer, 100_00, "2026-01-05", currency="EUR")
    books.invoice(customer, 10_00, "2026-01-05")
    stated(books, euros, 33_33)
    aging = books.aging(customer)
    assert (aging["currency_code"], aging["disputed_minor"]) == ("USD", 36_66)
    assert {c["currency_code"]: c["disputed_minor"] for c in aging["by_currency"]} == {"EUR": 33_33, "USD": 0}
    assert books.get("/v1/reports/ar-aging")["items"][0]["disputed_minor"] == 36_66
    assert disputed(books, euros) == (100_00, 33_33)


def test_a_report_ties_whatever_is_disputed(books: Books) -> None:
    customer = books.customer()
    invoice = books.invoice(customer, 100_00, "2026-01-05")
    short(books, books.pay(customer, 90_00, "2026-02-01"), [(invoice, 90_00)], deduction(invoice, 10_00))
    for day in (date(2026, 1, 31), date(2026, 2, 28), today()):
        (control,) = [
            c for c in books.get("/v1/reports/ar-aging", as_of=day)["control"] if c["legal_entity_id"] == "le_us"
        ]
        assert control["difference_minor"] == 0, day
    assert breaches(books) == {}


def test_verify_sees_what_no_operation_would_leave(books: Books) -> None:
    invoice = books.invoice(books.customer(), 100_00, "2026-01-05")
    d = stated(books, invoice, 10_00)["id"]
    assert breaches(books) == {}
    books.sql(
        "UPDATE invoices SET deducted_minor = 9_00 WHERE org_id = :org AND id = %(id)s".replace("9_00", "900"),
        id=invoice,
    )
    assert list(breaches(books)) == ["deductions"]
    books.sql("UPDATE invoices SET deducted_minor = 1000 WHERE org_id = :org AND id = %(id)s", id=invoice)
    books.sql("UPDATE deductions SET amount_minor = 1100 WHERE org_id = :org AND id = %(id)s", id=d)
    assert {"deductions", "records as audited"} <= set(breaches(books))
    assert any(f.check == "deductions" for f in verify(books.engine, books.org))


def test_the_confirmation_says_what_was_left_out_netted_and_is_still_owed(books: Books) -> None:
    customer = books.customer()
    short_paid = books.invoice(customer, 100_000, "2026-01-05", external_id="INV-1")
    closed = books.invoice(customer, 50_000, "2026-01-05", external_id="INV-2")
    credit = note(books, customer, 20_000, external_id="CN-7")
    done = books.do(
        "apply_payment",
        books.pay(customer, 117_985, "2026-01-20"),
        {
            "applications": [
                item(short_paid, 88_000),
                item(closed, 29_985, beside("bank_fee", 15)),
            ],
            "credit_notes": [netted(credit, closed, 20_000)],
            "deductions": [deduction(short_paid, 12_000, customer_reason="one pallet wet")],
        },
        person(books, "clerk"),
    )
    message = draft(books.engine, books.org, done["session_id"]).message
    assert message is not None
    lines = message.get_content().splitlines()
    begin = lines.index("We have applied it as follows:") + 2
    assert lines[begin : begin + 5] == [
        "  Invoice INV-1: 880.00 USD, open now 120.00 USD, of which disputed 120.00 USD",
        "    Left out: 120.00 USD (one pallet wet)",
        "  Invoice INV-2: 299.85 USD and 200.00 USD by credit note CN-7 and 0.15 USD settled without payment, open now 0.00 USD",
        "",
        "What is disputed stays due until we have looked into it; you will hear from us.",
    ]
