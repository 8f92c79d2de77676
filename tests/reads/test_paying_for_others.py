"""A payer's money on another's invoice: receivables are the invoice's customer's, the remainder is the payer's."""

import io
from datetime import date
from typing import Any

import pytest

from models.cash.statement_requests import as_received
from models.db.engine import transaction
from models.errors import Refusal
from models.ids import new_id
from models.messages.statements import StatementInput
from operations.cash.confirmations import draft
from operations.cash.statement_chunks import next_chunk
from operations.verify import verify
from statement_readers import detect_and_read
from tests.books import Books

DAY = "2026-01-15"


def pays_for(books: Books, payer: str, customer: str, first: str | None = None, last: str | None = None) -> None:
    """Say so in the database, past approval."""
    entry = {"id": new_id("payr"), "customer_id": payer, "paid_customer_id": customer}
    with transaction(books.owner, books.org) as tx:
        tx.insert("customer_pays_for", [entry | {"valid_from": first, "valid_until": last}])


@pytest.fixture
def family(books: Books) -> tuple[str, str]:
    """A parent and the child it pays for, in January."""
    parent, child = books.customer("Parent Group Inc"), books.customer("Child Retail LLC")
    pays_for(books, parent, child, "2026-01-01", "2026-01-31")
    return parent, child


def lines_of(books: Books, payment: str) -> dict[tuple[str, str | None], int]:
    """What stands in the ledger for a payment, debits less credits, by account and customer."""
    sums: dict[tuple[str, str | None], int] = {}
    for entry in books.get("/v1/journal-entries", source_id=payment)["items"]:
        for line in entry["lines"]:
            key = (line["account"], line["customer_id"])
            sums[key] = sums.get(key, 0) + line["debit_minor"] - line["credit_minor"]
    return {key: minor for key, minor in sums.items() if minor}


def verified(books: Books) -> list[str]:
    return [breach for finding in verify(books.engine, books.org) for breach in finding.breaches]


def test_receivables_are_the_invoices_customers_and_the_remainder_the_payers(books: Books, family: tuple[str, str]):
    parent, child = family
    own, childs = books.invoice(parent, 3000, "2026-01-02"), books.invoice(child, 5000, "2026-01-02")
    payment = books.pay(parent, 10_000, DAY)
    done = books.apply(payment, (childs, 5000), (own, 1000), overpayment="customer_credit")
    assert done["outstanding_balances"] == [{"currency_code": "USD", "minor": 2000}]
    assert lines_of(books, payment) == {
        ("cash", None): 10_000, ("accounts_receivable", child): -5000, ("accounts_receivable", parent): -1000,
        ("customer_credits", parent): -4000,
    }  # fmt: skip
    for customer, owed, credits in ((child, 0, 0), (parent, 2000, 4000)):
        aging = books.aging(customer, as_of=DAY)
        assert (aging["current_minor"], aging["credits_minor"], aging["net_minor"]) == (owed, credits, owed - credits)
    assert verified(books) == []
    books.spend(done["credit_id"], (books.invoice(child, 700, "2026-01-03"), 700))
    assert lines_of(books, payment)["accounts_receivable", child] == -5700
    books.unapply(done["applications"][0]["id"])
    assert lines_of(books, payment)["accounts_receivable", child] == -700
    assert lines_of(books, payment)["unapplied_cash", parent] == -5000
    books.reverse(payment)
    assert lines_of(books, payment) == {}
    assert books.aging(child)["net_minor"] == 5700
    assert verified(books) == []


@pytest.mark.parametrize(
    ("day", "allowed"),
    [("2025-12-31", False), ("2026-01-01", True), ("2026-01-31", True), ("2026-02-01", False)],
)
def test_it_is_the_payment_date_that_counts(books: Books, family: tuple[str, str], day: str, allowed: bool):
    parent, child = family
    invoice, payment = books.invoice(child, 500, "2025-12-01"), books.pay(parent, 500, day)
    if allowed:
        assert books.apply(payment, (invoice, 500))["applied_count"] == 1
        return
    with pytest.raises(Refusal) as refused:
        books.apply(payment, (invoice, 500))
    assert refused.value.code == "INVOICE_CUSTOMER_MISMATCH"


def test_the_child_does_not_pay_the_parents_invoices_nor_the_parent_a_strangers(books: Books, family: tuple[str, str]):
    parent, child = family
    for payer, owner in ((child, parent), (parent, books.customer())):
        with pytest.raises(Refusal) as refused:
            books.apply(books.pay(payer, 500, DAY), (books.invoice(owner, 500, "2026-01-02"), 500))
        assert refused.value.code == "INVOICE_CUSTOMER_MISMATCH"


def test_of_the_payers_own_invoices_nothing_is_asked(books: Books, monkeypatch: pytest.MonkeyPatch):
    asked: list[object] = []

    def paid_on(_: object, payers: object) -> dict[object, object]:
        asked.append(payers)
        return {}

    monkeypatch.setattr("operations.cash.payers.paid_on", paid_on)
    customer = books.customer()
    books.apply(books.pay(customer, 500, DAY), (books.invoice(customer, 500, "2026-01-02"), 500))
    assert asked == []


def statement(books: Books, amount: str, payer: str, text: str) -> dict[str, Any]:
    """A statement of one line, worked off; the line as it is shown."""
    content = f"date,amount,currency,payer,reference,remittance_text\n{DAY},{amount},USD,{payer},,{text}\n".encode()
    received = as_received("bank_us", content, "s.csv", detect_and_read(io.BytesIO(content), "s.csv", "text/csv"))
    made = str(books.do("receive_statement", new_id("stmt"), received.model_dump(mode="json"))["id"])
    next_chunk(books.engine, StatementInput(books.org, made))
    (line,) = books.get(f"/v1/statements/{made}")["lines"]
    return {**line, "statement_id": made}


def test_a_bank_line_of_the_parent_that_names_the_childs_invoice_pays_it_in_part_too(
    books: Books, family: tuple[str, str]
):
    parent, child = family
    invoice = books.invoice(child, 100_000, "2026-01-02", external_id="INV-884411")
    line = statement(books, "400.00", "Parent Group", "INV-884411")
    assert line["status"] == "APPLIED"
    payment = books.get(f"/v1/customer-payments/{line['payment_id']}")
    assert (payment["customer_id"], payment["applications"][0]["invoice_id"]) == (parent, invoice)
    assert lines_of(books, payment["id"]) == {("cash", None): 40_000, ("accounts_receivable", child): -40_000}
    assert verified(books) == []


def test_without_a_word_of_it_the_payer_differs_and_the_childs_invoices_are_suggested_once_it_pays(books: Books):
    parent, child = books.customer("Grand Holding Inc"), books.customer("Small Shop LLC")
    invoice = books.invoice(child, 100_000, "2026-01-02", external_id="INV-884422")
    line = statement(books, "400.00", "Grand Holding Inc", "INV-884422")
    assert (line["status"], line["reason_code"]) == ("UNMATCHED", "PAYER_DIFFERS")
    pays_for(books, parent, child)
    nothing = statement(books, "1.23", "Grand Holding Inc", "thanks")
    assert [s["invoice_id"] for s in nothing["suggestions"]] == [invoice]
    books.do("retry_statement_line", line["statement_id"], {"line": line["line"]})
    assert [x["status"] for x in books.get(f"/v1/statements/{line['statement_id']}")["lines"]] == ["APPLIED"]
    assert books.get(f"/v1/customer-payments/{line['payment_id']}")["customer_id"] == parent


def test_what_is_left_and_the_confirmation_are_the_payers(books: Books, family: tuple[str, str]):
    parent, child = family
    payment = books.pay(parent, 700, DAY)
    done = books.apply(
        payment, (books.invoice(child, 500, "2026-01-02", external_id="INV-1"), 500), overpayment="unapplied"
    )
    assert [c["customer_id"] for c in books.get("/v1/customer-credits", customer_id=parent)["items"]] == [parent]
    message = draft(books.engine, books.org, done["session_id"]).message
    assert message is not None
    assert message["To"] == books.get(f"/v1/customers/{parent}")["email"]
    assert "Invoice INV-1 of Child Retail LLC: 5.00 USD" in message.get_content()


def test_the_days_are_calendar_days(books: Books, family: tuple[str, str]):
    assert books.get(f"/v1/customers/{family[0]}")["pays_for"] == [
        {"id": books.get(f"/v1/customers/{family[0]}")["pays_for"][0]["id"], "customer_id": family[1],
         "valid_from": str(date(2026, 1, 1)), "valid_until": str(date(2026, 1, 31))}
    ]  # fmt: skip
