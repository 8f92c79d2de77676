"""Who is behind what an import did, and what is said to whoever uploads a file again."""

from collections.abc import Iterator
from typing import Any

import pytest

from models.imports.requests import ReviewDecision
from tests.imports.in_process import Desk, another, desk
from tests.imports.support import table

FILE = table([("Acme", "a@x.com"), ("Bolt", "b@x.com")])


@pytest.fixture(scope="module")
def first_desk(database_url: str) -> Iterator[Desk]:
    with desk(database_url) as d:
        yield d


@pytest.fixture
def clerk(first_desk: Desk) -> Desk:
    return another(first_desk)


def trail(clerk: Desk, action: str) -> list[dict[str, Any]]:
    sql = "SELECT payload::jsonb AS said FROM audit_events WHERE org_id = :org AND action = :action ORDER BY subject_id"
    return [r["said"] for r in clerk.sql(sql, action=action)]


def reviewed(clerk: Desk, content: bytes, **options: object) -> None:
    one = clerk.validated(content, **options)
    clerk.decide(one, ReviewDecision(decision="approve"), "u_manager")
    clerk.finish(one)


def test_the_trail_of_an_imported_customer_names_who_uploaded_and_who_approved(clerk: Desk) -> None:
    reviewed(clerk, FILE)
    said = trail(clerk, "customer.created")
    assert [s["submitted_by"] for s in said] == ["u_clerk", "u_clerk"]
    assert [[(a["role"], a["decided_by"]) for a in s["approved"]] for s in said] == [[("manager", "u_manager")]] * 2
    reviewed(clerk, table([("Acme Ltd", "a@x.com")]), on_duplicate="update")
    (changed,) = trail(clerk, "customer.updated")
    assert (changed["submitted_by"], [a["decided_by"] for a in changed["approved"]]) == ("u_clerk", ["u_manager"])


def test_without_a_decision_nobody_is_named_as_having_approved(clerk: Desk) -> None:
    clerk.run(FILE)
    assert [s["approved"] for s in trail(clerk, "customer.created")] == [[], []]
