"""What a clerk may take off an invoice in a session, and who is named for more."""

import json
from typing import Any

import pytest

from models.errors import Refusal
from tests.books import Books
from tests.session_lines.desk import apply, balance, beside, item, person


def short(books: Books, total: int, less: int, on: str = "2026-01-20", **invoice: Any) -> tuple[str, str]:
    """An invoice, and a payment that is short by so much."""
    customer = books.customer()
    return books.invoice(customer, total, "2026-01-05", **invoice), books.pay(customer, total - less, on)


@pytest.mark.parametrize(("kind", "total", "less", "by", "limit", "role"), [
    ("write_off", 100_000, 500, "clerk", None, None),
    ("write_off", 100_000, 501, "clerk", 500, "ar_manager"),
    ("write_off", 10_000, 100, "clerk", None, None),
    ("write_off", 10_000, 101, "clerk", 100, "ar_manager"),
    ("write_off", 10_000, 500, "manager", None, None),
    ("write_off", 200_000, 50_001, "manager", 50_000, "controller"),
    ("write_off", 9_000_000, 1_000_001, "controller", 1_000_000, "cfo"),
    ("bank_fee", 10_000, 5_000, "clerk", None, None),
    ("bank_fee", 10_000, 5_001, "clerk", 5_000, "ar_manager"),
    ("bank_fee", 1_000_000, 50_001, "manager", 50_000, "controller"),
    ("bank_fee", 1_000_000, 900_000, "controller", None, None),
    ("tax_withheld", 1_000_000, 200_000, "clerk", None, None),
])  # fmt: skip
def test_within_the_limit_it_is_done_beyond_it_somebody_is_named(
    books: Books, kind: str, total: int, less: int, by: str, limit: int | None, role: str | None
) -> None:
    invoice, payment = short(books, total, less)
    line = item(invoice, total - less, beside(kind, less))
    if role is None:
        apply(books, payment, line, by=by)
        assert balance(books, invoice) == ("PAID", 0)
        return
    with pytest.raises(Refusal) as no:
        apply(books, payment, line, by=by)
    assert no.value.code == "APPROVAL_REQUIRED"
    assert (no.value.extra["limit_minor"], no.value.extra["role"]) == (limit, role)
    assert balance(books, invoice) == ("OPEN", total)


def test_parts_on_one_invoice_are_one_amount(books: Books) -> None:
    """Twice 4.00 is 8.00, in one session or in two; another person's are another's, another invoice's are apart."""
    customer = books.customer()
    invoice, other = books.invoice(customer, 100_000, "2026-01-05"), books.invoice(customer, 100_000, "2026-01-05")
    payment = books.pay(customer, 150_000, "2026-01-20")
    with pytest.raises(Refusal) as no:
        apply(books, payment, item(invoice, 50_000, beside("write_off", 400), beside("write_off", 400)),
              overpayment="unapplied")  # fmt: skip
    assert (no.value.code, no.value.extra["amount_minor"]) == ("APPROVAL_REQUIRED", 800)
    apply(books, payment, item(invoice, 50_000, beside("write_off", 400)), item(other, 50_000, beside("write_off", 400)),
          overpayment="unapplied")  # fmt: skip
    with pytest.raises(Refusal) as again:
        apply(books, payment, item(invoice, 20_000, beside("write_off", 400)))
    assert (again.value.extra["amount_minor"], again.value.extra["limit_minor"]) == (800, 500)
    apply(books, payment, item(invoice, 20_000, beside("write_off", 400)), by="manager")


def test_limits_are_in_the_functional_currency(books: Books) -> None:
    customer = books.customer()
    books.rate("EUR", "USD", "2026-01-05", "2")
    invoice = books.invoice(customer, 100_000, "2026-01-05", currency="EUR")
    books.rate("EUR", "USD", "2026-01-20", "2")
    payment = books.pay(customer, 99_700, "2026-01-20", "EUR")
    with pytest.raises(Refusal) as no:
        apply(books, payment, item(invoice, 99_700, beside("write_off", 300)))
    assert (no.value.extra["amount_minor"], no.value.extra["limit_minor"]) == (600, 500)


def test_a_token_without_any_finance_role_that_has_limits_has_no_authority(books: Books) -> None:
    invoice, payment = short(books, 10_000, 10)
    with pytest.raises(Refusal) as no:
        books.do("apply_payment", payment, {"applications": [item(invoice, 9_990, beside("write_off", 10))]},
                 person(books, "bank_feed"))  # fmt: skip
    assert (no.value.extra["limit_minor"], no.value.extra["role"]) == (0, "ar_clerk")


def test_limits_of_the_organisation_count_from_their_version_on(books: Books) -> None:
    shown = books.get("/v1/authority-limits")
    assert (shown["version"], len(shown["limits"])) == (0, 24)
    assert shown["limits"][0] == {"kind": "write_off", "role": "ar_clerk", "limit_minor": 500, "percent": "1"}
    limits = {kind: {"ar_clerk": {"limit_minor": 700}} for kind in ("write_off", "bank_fee", "discount", "refund")}
    limits |= {kind: {} for kind in ("credit_note", "deduction")}
    books.sql(
        "INSERT INTO authority_limits (org_id, version, limits, created_by) VALUES (:org, 1, %(limits)s::jsonb, 'u_cfo')",
        limits=json.dumps(limits),
    )
    shown = books.get("/v1/authority-limits")
    assert (shown["version"], shown["updated_by"], shown["limits"][0]["limit_minor"]) == (1, "u_cfo", 700)
    invoice, payment = short(books, 10_000, 700)
    apply(books, payment, item(invoice, 9_300, beside("write_off", 700)))
    assert balance(books, invoice) == ("PAID", 0)
