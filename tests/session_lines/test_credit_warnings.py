"""A new invoice says where its customer owes more than the limit that holds for its legal entity, in that limit's currency."""

import json

import pytest

from models.ids import new_id
from tests.books import Books, today


def warned(
    books: Books, customer: str, total: int, entity: str = "le_us", currency: str = "USD"
) -> list[tuple[str, str]]:
    """Of a new invoice."""
    body = {"customer_id": customer, "external_id": new_id("ext"), "issue_date": str(today()), "payment_terms": "NET30",
            "currency_code": currency, "total_minor": total, "legal_entity_id": entity}  # fmt: skip
    made = books.do("create_invoice", new_id("invoice"), body)
    return [(w["code"], w["detail"]) for w in made["warnings"]]


def own_limit(books: Books, customer: str, entity: str, **fields: str) -> None:
    books.sql("INSERT INTO customer_entity_overrides (org_id, customer_id, legal_entity_id, fields) VALUES (:org, %(c)s, %(e)s, "
              "%(f)s::jsonb)", c=customer, e=entity, f=json.dumps(fields))  # fmt: skip


def exceeded(limit: str) -> list[tuple[str, str]]:
    return [("CREDIT_LIMIT_EXCEEDED", f"Open invoices exceed the credit limit of {limit}.")]


def test_an_entitys_own_limit_stands_alone_and_the_masters_is_for_the_others(books: Books) -> None:
    customer = books.customer(credit_limit="100")
    own_limit(books, customer, "le_uk", credit_limit="50")
    assert warned(books, customer, 10_000) == []
    assert warned(books, customer, 5_000, "le_uk", "GBP") == [], "what the other entity is owed does not count"
    assert warned(books, customer, 1, "le_uk", "GBP") == exceeded("50 GBP")
    assert warned(books, customer, 1) == exceeded("100 USD")
    assert warned(books, books.customer(), 10**9) == [], "there is no limit"


@pytest.mark.parametrize("rate", [None, "1.25"])
def test_what_is_owed_in_another_currency_counts_at_todays_rate_or_is_said_not_to(
    books: Books, rate: str | None
) -> None:
    customer = books.customer(credit_limit="100")
    if rate is None:
        missing = "No rate from GBP to USD: the credit limit of 100 USD was not looked at."
        assert warned(books, customer, 1, "le_uk", "GBP") == [("CREDIT_LIMIT_NOT_CHECKED", missing)]
        return
    books.rate("GBP", "USD", today(), rate)
    assert warned(books, customer, 8_000, "le_uk", "GBP") == []
    assert warned(books, customer, 1, "le_uk", "GBP") == exceeded("100 USD")
    in_pounds = books.customer(credit_limit="80", currency_code="GBP")
    assert warned(books, in_pounds, 8_001, "le_uk", "GBP") == exceeded("80 GBP")
    in_dollars = books.customer()
    own_limit(books, in_dollars, "le_uk", credit_limit="100", credit_limit_currency="USD")
    assert warned(books, in_dollars, 8_001, "le_uk", "GBP") == exceeded("100 USD")
