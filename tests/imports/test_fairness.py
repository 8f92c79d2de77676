"""Many imports at once: small ones end while large ones run, and payments go on."""

import time

from tests.imports.conftest import People
from tests.imports.support import counts, decide, mark, reviewed, see, table, until


def people_of(word: str, n: int) -> list[tuple[object, ...]]:
    return [(f"{word} {k}", f"{word}.{k}@example.com") for k in range(n)]


def test_small_imports_end_while_large_ones_take_every_place_and_payments_go_on(people: People) -> None:
    large = [reviewed(people.clerk, table(people_of(mark(), 5_000)), batch_size=1)["id"] for _ in range(3)]
    for one in large:
        assert decide(people.manager, one).status_code == 200
    word, began = mark(), time.monotonic()
    customer = people.stack.customer(people.org, word, f"{word}@example.com")
    small = [people_of(mark(), 20), people_of(mark(), 20)]
    for rows in small:
        ready = reviewed(people.clerk, table(rows), seconds=240)
        assert decide(people.manager, ready["id"]).status_code == 200
        done = until(people.clerk, ready["id"], seconds=240)
        assert counts(done) == {"created": 20}
    took = []
    for n in range(10):
        body = {
            "customer_id": customer, "payment_date": "2026-01-15", "amount_minor": 100, "currency_code": "USD",
            "external_id": f"{word}-{n}",
        }  # fmt: skip
        at = time.monotonic()
        assert people.clerk.post("/v1/customer-payments", json=body).status_code == 201
        took.append(time.monotonic() - at)
    states = [see(people.clerk, one) for one in large]
    assert [s["status"] for s in states] == ["EXECUTING"] * 3, f"after {time.monotonic() - began} s"
    assert all(s["executed_rows"] > 0 for s in states), "each has had its turn"
    assert sorted(took)[len(took) // 2] < 5, took  # of a payment that waits for imports to end, half a minute
    for one in large:
        assert people.clerk.post(f"/v1/customer-imports/{one}/cancel").status_code == 200
