"""Early-payment discounts: what terms grant, to whom, how much of it, and whose tax it is."""

from typing import Any

import pytest

from models.errors import Refusal
from tests.books import Books
from tests.session_lines.desk import apply, balance, beside, breaches, item, posted

UK = {"legal_entity_id": "le_uk", "currency": "GBP"}


def terms(books: Books, percent: str = "2", days: int = 10, code: str = "2-10-30") -> str:
    body = {"code": code, "days": 30, "discount_percent": percent, "discount_days": days}
    r = books.api("controller").post("/v1/payment-terms", body)
    assert r.status_code == 201, r.text
    return code


def discounted(books: Books, total: int = 100_000, **fields: Any) -> tuple[str, str]:
    """A customer and an invoice of 2026-01-05 with 2 % for ten days."""
    customer = books.customer()
    return customer, books.invoice(customer, total, "2026-01-05", payment_terms=terms(books), **fields)


def take(books: Books, customer: str, invoice: str, paid: int, discount: int, on: str, by: str = "clerk") -> dict:
    payment = books.pay(customer, paid, on)
    line = item(invoice, paid, beside("discount", discount, reason_code="EARLY_PAYMENT"))
    return apply(books, payment, line, by=by)


def allowed(books: Books, customer: str, invoice: str, paid: int, discount: int, on: str, by: str = "clerk") -> int:
    with pytest.raises(Refusal) as no:
        take(books, customer, invoice, paid, discount, on, by)
    assert no.value.code == "DISCOUNT_NOT_EARNED"
    return int(no.value.extra["allowed_minor"])


def test_in_time_the_discount_closes_the_invoice(books: Books) -> None:
    customer, invoice = discounted(books)
    done = take(books, customer, invoice, 98_000, 2_000, "2026-01-15")
    assert balance(books, invoice) == ("PAID", 0)
    assert posted(books, done["journal_entry_id"]) == {
        "cash": 98_000, "sales_discounts": 2_000, "accounts_receivable": -100_000,
    }  # fmt: skip
    assert breaches(books) == {}


def test_a_day_late_nothing_is_earned_but_grace_counts(books: Books) -> None:
    customer, invoice = discounted(books)
    assert allowed(books, customer, invoice, 98_000, 2_000, "2026-01-16") == 0
    r = books.api("controller").request("PATCH", "/v1/settings", json={"discount_grace_days": 1})
    assert (r.status_code, r.json()["discount_grace_days"]) == (200, 1)
    take(books, customer, invoice, 98_000, 2_000, "2026-01-16")
    assert balance(books, invoice) == ("PAID", 0)


def test_a_cent_more_is_not_earned(books: Books) -> None:
    customer, invoice = discounted(books)
    assert allowed(books, customer, invoice, 97_999, 2_001, "2026-01-15") == 2_000


def test_a_part_earns_its_part_and_two_never_more_than_the_whole(books: Books) -> None:
    customer, invoice = discounted(books, 10_000)
    assert allowed(books, customer, invoice, 4_900, 101, "2026-01-10") == 100
    take(books, customer, invoice, 4_900, 100, "2026-01-10")
    assert balance(books, invoice) == ("PARTIALLY_PAID", 5_000)
    assert allowed(books, customer, invoice, 4_899, 101, "2026-01-12") == 100
    take(books, customer, invoice, 4_900, 100, "2026-01-12")
    assert balance(books, invoice) == ("PAID", 0)


def test_thirds_round_to_the_whole_and_no_further(books: Books) -> None:
    """Half-even thirds of an odd total: the life of the invoice is what bounds them."""
    customer, invoice = discounted(books, 10_025)  # 2 % is 200.5, half-even 200
    for paid, discount in ((3_275, 67), (3_275, 67)):
        take(books, customer, invoice, paid, discount, "2026-01-10")
    assert allowed(books, customer, invoice, 3_274, 67, "2026-01-10") == 66
    take(books, customer, invoice, 3_275, 66, "2026-01-10")
    assert balance(books, invoice) == ("PAID", 0)


def test_an_undone_discount_is_earned_again(books: Books) -> None:
    customer, invoice = discounted(books)
    done = take(books, customer, invoice, 98_000, 2_000, "2026-01-15")
    books.unapply(done["applications"][0]["id"])
    take(books, customer, invoice, 98_000, 2_000, "2026-01-15")
    assert balance(books, invoice) == ("PAID", 0)


def test_what_a_bank_or_tax_office_took_was_paid_too(books: Books) -> None:
    customer, invoice = discounted(books)
    payment = books.pay(customer, 96_500, "2026-01-15")
    apply(books, payment, item(invoice, 96_500, beside("bank_fee", 1_500), beside("discount", 2_000)))
    assert balance(books, invoice) == ("PAID", 0)


def test_terms_without_a_discount_grant_none(books: Books) -> None:
    customer = books.customer()
    invoice = books.invoice(customer, 100_000, "2026-01-05", payment_terms="NET30")
    assert allowed(books, customer, invoice, 98_000, 2_000, "2026-01-06") == 0
    own_date = books.invoice(customer, 100_000, "2026-01-05", "2026-02-05")
    assert allowed(books, customer, own_date, 98_000, 2_000, "2026-01-06") == 0


def test_beyond_what_is_earned_authority_decides(books: Books) -> None:
    customer, invoice = discounted(books, 1_000_000)
    assert allowed(books, customer, invoice, 960_000, 40_000, "2026-01-15", by="manager") == 19_592
    take(books, customer, invoice, 970_000, 29_796, "2026-01-15", by="manager")  # 100.00 beyond 197.96
    late, other = discounted(books, 5_000)
    take(books, late, other, 4_900, 100, "2026-03-01", by="manager")
    assert balance(books, other) == ("PAID", 0)
    assert breaches(books) == {}


def test_an_invoice_keeps_what_its_terms_granted(books: Books) -> None:
    customer, invoice = discounted(books)
    terms(books, "3", 20)
    assert books.get(f"/v1/invoices/{invoice}")["discount_percent"] == "2"
    assert allowed(books, customer, invoice, 97_000, 3_000, "2026-01-15") == 1_980


@pytest.mark.parametrize("change", [
    {"discount_percent": "0"}, {"discount_percent": "100"}, {"discount_percent": "-1"}, {"discount_days": -1},
    {"discount_percent": None}, {"discount_days": None}, {"discount_percent": "0.0000001"}, {"discount_percent": "abc"},
])  # fmt: skip
def test_terms_that_are_none_are_refused(books: Books, change: dict) -> None:
    body = {"code": "X", "days": 30, "discount_percent": "2", "discount_days": 10} | change
    r = books.api("controller").post("/v1/payment-terms", body)
    assert (r.status_code, r.json()["code"]) == (422, "VALIDATION_FAILED"), r.text


# the tax in it


def test_in_the_uk_a_discount_takes_its_tax_along(books: Books) -> None:
    customer = books.customer(entity="le_uk")
    invoice = books.invoice(customer, 120_000, "2026-01-05", tax_minor=20_000, payment_terms=terms(books, "5"), **UK)
    payment = books.pay(customer, 114_000, "2026-01-15", "GBP", legal_entity_id="le_uk")
    done = apply(books, payment, item(invoice, 114_000, beside("discount", 6_000)))
    assert posted(books, done["journal_entry_id"]) == {
        "cash": 114_000, "sales_discounts": 5_000, "tax_payable": 1_000, "accounts_receivable": -120_000,
    }  # fmt: skip
    assert done["adjustments"][0]["tax_minor"] == 1_000
    undone = books.unapply(done["applications"][0]["id"])
    assert posted(books, undone["journal_entry_id"])["tax_payable"] == -1_000
    assert breaches(books) == {}


def test_in_the_us_the_tax_is_kept(books: Books) -> None:
    customer, invoice = discounted(books, 108_000, tax_minor=8_000)
    done = take(books, customer, invoice, 105_840, 2_160, "2026-01-15")
    assert posted(books, done["journal_entry_id"]) == {
        "cash": 105_840, "sales_discounts": 2_160, "accounts_receivable": -108_000,
    }  # fmt: skip


def test_parts_of_a_discount_carry_the_tax_of_the_whole(books: Books) -> None:
    customer = books.customer(entity="le_uk")
    invoice = books.invoice(customer, 12_003, "2026-01-05", tax_minor=2_001, payment_terms=terms(books, "10"), **UK)
    taxes = 0
    for paid, discount in ((3_600, 400), (3_600, 400), (3_603, 400)):
        payment = books.pay(customer, paid, "2026-01-15", "GBP", legal_entity_id="le_uk")
        done = apply(books, payment, item(invoice, paid, beside("discount", discount)))
        taxes += done["adjustments"][0]["tax_minor"]
    assert balance(books, invoice) == ("PAID", 0)
    assert taxes == round(2_001 * 1_200 / 12_003)
    assert breaches(books) == {}


def test_entities_say_whose_tax_it_is(books: Books) -> None:
    shown = {e["id"]: e["discount_tax"] for e in books.get("/v1/legal-entities")["items"]}
    assert shown == {"le_us": "keep", "le_uk": "adjust"}
    for body, becomes in (
        ({"id": "le_ca", "name": "CA", "functional_currency": "CAD"}, "adjust"),
        ({"id": "le_tx", "name": "TX", "functional_currency": "USD"}, "keep"),
        ({"id": "le_pr", "name": "PR", "functional_currency": "USD", "discount_tax": "adjust"}, "adjust"),
    ):
        r = books.api("controller").post("/v1/legal-entities", body)
        assert (r.status_code, r.json()["discount_tax"]) == (201, becomes)


def test_an_entity_changes_whose_tax_it_is_for_what_follows(books: Books) -> None:
    customer, invoice = discounted(books, 108_000, tax_minor=8_000)
    take(books, customer, invoice, 49_000, 1_000, "2026-01-15")
    before = breaches(books)
    controller = books.api("controller")

    def patch(entity: str = "le_us", **sent: object) -> tuple[int, object]:
        r = controller.request("PATCH", f"/v1/legal-entities/{entity}", json=sent)
        return r.status_code, r.json().get("discount_tax", r.json().get("code"))

    assert patch(discount_tax="adjust", name="US Inc.") == (200, "adjust")
    assert books.get("/v1/legal-entities/le_us") == {
        "id": "le_us", "name": "US Inc.", "functional_currency": "USD", "discount_tax": "adjust",
    }  # fmt: skip
    done = take(books, customer, invoice, 49_000, 1_000, "2026-01-15")
    assert done["adjustments"][0]["tax_minor"] == 148, "the share of both of them: discounts of an invoice are one"
    assert patch(discount_tax=None) == (200, "keep")
    assert patch(functional_currency="EUR") == (422, "VALIDATION_FAILED")
    assert patch("le_x", name="X") == (404, "LEGAL_ENTITY_NOT_FOUND")
    narrow = books.api("controller", entities=("le_uk",)).request("PATCH", "/v1/legal-entities/le_us", json={})
    assert (narrow.status_code, narrow.json()["code"]) == (403, "FORBIDDEN")
    assert before == breaches(books) == {}
