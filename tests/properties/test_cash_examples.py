"""What random and concurrent work once found, in the fewest steps that show it."""

from collections.abc import Iterator

import pytest

from models.db.engine import make_engine
from tests.cash_desk.books import wrong
from tests.cash_desk.desk import Desk, new_organisation


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    engine = make_engine(database_url, pool_size=2)
    yield Desk(engine, new_organisation(database_url))
    engine.dispose()


def test_a_record_of_unapplied_cash_follows_its_payment_also_after_another_word(desk: Desk, database_url: str) -> None:
    customer = desk.customer()
    payment = desk.run(desk.payment(customer, 1000)).body["id"]
    invoice = desk.run(desk.invoice(customer, 5000)).body["id"]

    def apply(minor: int, word: str | None) -> str:
        line = [{"invoice_id": invoice, "applied_minor": minor}]
        done = desk.run(desk.apply(payment, line, overpayment=word)).body
        return str(done["applications"][0]["id"])

    first = apply(300, "unapplied")
    apply(200, "customer_credit")
    desk.run(desk.unapply(first))  # 300 are on the payment again, and the record names them
    apply(250, None)
    assert wrong(database_url, desk.org) == []
