"""Whom a payer's name means: the customers of the very name, else those that are called so in any legal form, or in none."""

import pytest

from models.db.engine import transaction
from models.keys import LEGAL_FORMS, company_key, name_key
from operations.cash.payers import payers_of
from tests.books import Books

CUSTOMERS = (
    "Acme", "Acme GmbH", "ACME Inc.", "Acme Holding GmbH", "Acme Co. Ltd.", "Acmé AG", "Beta", "Beta & Söhne KG",
    "Gamma Sp. z o.o.", "Gamma Sp z", "Delta AG", "Delta AG", "Deltas AG", "AG", "Epsilon!", "Epsilon -LLC", "株式会社 Zeta",
)  # fmt: skip
PAYERS = (
    *CUSTOMERS, "acme corp", "ACME", "Acme Holding", "Acme Co", "Beta Ltd", "Beta und Söhne", "beta sohne", "Gamma", "Delta",
    "Delta Corporation", "Delta AG Berlin", "GmbH", "AG", "!", "", "Epsilon", "株式会社 Zeta Inc", "Nobody", "Ac",
)  # fmt: skip


@pytest.fixture
def called(books: Books) -> dict[str, str]:
    """What customers are called, by their ids."""
    return {books.customer(name): name for name in CUSTOMERS}


def meant(payer: str, called: dict[str, str]) -> set[str]:
    """By the definition, one customer after the other."""
    key, company = name_key(payer), company_key(payer)
    forms = {company, *(f"{company} {form}" for form in LEGAL_FORMS)} if company else set()
    same = {i for i, name in called.items() if key and name_key(name) == key}
    return same or {i for i, name in called.items() if name_key(name) in forms}


def test_the_very_name_goes_before_the_same_in_another_legal_form(books: Books, called: dict[str, str]):
    with transaction(books.engine, books.org) as tx:
        found = payers_of(tx, [*PAYERS, None])
    assert found == {payer: who for payer in PAYERS if (who := meant(payer, called))}
    assert len(found["acme corp"]) == 4
    assert not {"Nobody", "Ac", "!", "GmbH"} & found.keys()


def test_where_no_customer_is_nobody_is_meant(books: Books):
    with transaction(books.engine, books.org) as tx:
        assert payers_of(tx, ["Acme", "Acme AG", ""]) == {}
