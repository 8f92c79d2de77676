"""A note's application that is sent again without a key, because its answer got lost, is answered and not done again."""

import json
from typing import Any

from models.ids import new_id
from operations.commands import Submission
from operations.runner import run_now
from tests.books import Books
from tests.credit_notes.desk import left, note


def test_the_same_application_sent_twice_without_a_key_is_done_once(books: Books) -> None:
    customer = books.customer()
    invoice, of = books.invoice(customer, 100_00, "2026-01-05"), note(books, customer, 100_00)

    def sent(minor: int) -> tuple[bool, dict[str, Any]]:
        body: dict[str, Any] = {"applications": [{"invoice_id": invoice, "applied_minor": minor}]}
        s = Submission("apply_credit_note", "/test", body, new_id("cmd"), False, new_id("req"), of, of)
        done = run_now(books.engine, books.who, s)
        return done.replayed, json.loads(done.json)

    first, again, other = sent(40_00), sent(40_00), sent(30_00)
    assert (first[0], again[0], other[0]) == (False, True, False)
    assert again[1]["applications"] == first[1]["applications"]
    assert left(books, of)[1] == 30_00
