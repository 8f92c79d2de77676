# ruff: noqa: E501 - tables of cases read better unbroken
"""Of whom a row says that its customer pays for them: the rules of a change, for the review and when it is carried out."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from operations.imports import paying
from tests.imports.in_process import Desk, another, desk, summary


@pytest.fixture(scope="module")
def first_desk(database_url: str) -> Iterator[Desk]:
    with desk(database_url) as d:
        yield d


@pytest.fixture
def clerk(first_desk: Desk) -> Desk:
    return another(first_desk)


def lines(*rows: dict[str, Any]) -> bytes:
    return "\n".join(map(json.dumps, rows)).encode()


def parent(*paid: str, **more: Any) -> dict[str, Any]:
    return {"name": "Parent", "email": "p@x.com", "pays_for": [{"customer_id": one} for one in paid], **more}


def links(d: Desk) -> list[tuple[str, str]]:
    rows = d.sql(
        """SELECT p.name AS payer, c.name AS paid FROM customer_pays_for l JOIN customers p ON p.org_id = l.org_id AND p.id = l.customer_id
             JOIN customers c ON c.org_id = l.org_id AND c.id = l.paid_customer_id WHERE l.org_id = :org ORDER BY 1, 2"""
    )
    return [(r["payer"], r["paid"]) for r in rows]


def test_a_new_customer_comes_with_whom_it_pays_for_and_its_trail_says_so(clerk: Desk) -> None:
    child, sister = clerk.customers({"name": "Child", "email": "c@x.com"}, {"name": "Sister", "email": "s@x.com"})
    done = clerk.run(lines(parent(child, sister), {"name": "Plain", "email": "n@x.com"}), source="ndjson")
    assert (done.status, done.created) == ("COMPLETED", 2)
    assert links(clerk) == [("Parent", "Child"), ("Parent", "Sister")]
    (told,) = clerk.sql(
        "SELECT e.payload FROM audit_events e JOIN customers c ON c.org_id = e.org_id AND c.id = e.subject_id "
        "WHERE e.org_id = :org AND c.name = 'Parent'"
    )
    assert [one["customer_id"] for one in json.loads(told["payload"])["related"]["pays_for"]] == [child, sister]


def test_a_known_customer_gets_whom_it_pays_for_and_the_review_shows_it(clerk: Desk) -> None:
    child, known = clerk.customers({"name": "Child", "email": "c@x.com"}, {"name": "Parent", "email": "p@x.com"})
    done = clerk.run(lines(parent(child)), source="ndjson", on_duplicate="update")
    assert (done.status, done.updated, links(clerk)) == ("COMPLETED", 1, [("Parent", "Child")])
    assert summary(done).changes is not None
    again = clerk.run(lines(parent(child, name="Parent Ltd")), source="ndjson", on_duplicate="update")
    assert (again.updated, links(clerk)) == (1, [("Parent Ltd", "Child")]), "the same entry is no second one"
    assert known


@pytest.mark.parametrize("batch_size", [1, 100])
@pytest.mark.parametrize("looked_at", [2, 1_000])
def test_what_a_change_would_be_refused_for_fails_the_row_alone_and_the_review_knew(
    clerk: Desk, batch_size: int, looked_at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paying, "_BATCH", looked_at)
    child, own, other = clerk.customers(
        {"name": "Child", "email": "c@x.com"},
        {"name": "Own", "email": "o@x.com"},
        {"name": "Payer", "email": "y@x.com"},
    )
    clerk.sql(
        "INSERT INTO customer_pays_for (org_id, id, customer_id, paid_customer_id) VALUES (:org, 'payr_1', :a, :b) RETURNING 1",
        a=child, b=own,
    )  # fmt: skip
    foreign = another(clerk)
    (stranger,) = foreign.customers({"name": "Stranger", "email": "c@x.com"})
    rows = [
        parent("cust_nobody"), parent(stranger, email="p2@x.com"),
        {"name": "Own", "email": "o@x.com", "pays_for": [{"customer_id": own}]},
        {"name": "Own", "email": "o@x.com", "pays_for": [{"customer_id": child}]},
        parent(child, child, email="p3@x.com"),
        parent(email="p4@x.com") | {"pays_for": [{"customer_id": child, "valid_from": "2026-02-01", "valid_until": "2026-01-01"}]},
        {"name": "Payer", "email": "y@x.com", "pays_for": [{"customer_id": child}]},
    ]  # fmt: skip
    done = clerk.run(lines(*rows), source="ndjson", on_duplicate="update", batch_size=batch_size)
    assert [(o, c[0] if o == "failed" else "") for _, o, c in clerk.outcomes(done.id)] == [
        ("failed", "CUSTOMER_NOT_FOUND"), ("failed", "ORG_CONTEXT_MISMATCH"), ("failed", "PAYS_FOR_SELF"), ("failed", "PAYS_FOR_CIRCLE"),
        ("failed", "PAYS_FOR_OVERLAP"), ("failed", "EFFECTIVE_RANGE_INVALID"), ("updated", ""),
    ]  # fmt: skip
    assert (summary(done).would.fail, other[:5]) == (6, "cust_")
    assert links(clerk) == [("Child", "Own"), ("Payer", "Child")]


def test_rows_of_one_file_make_no_circle_together(clerk: Desk) -> None:
    one, two = clerk.customers({"name": "One", "email": "1@x.com"}, {"name": "Two", "email": "2@x.com"})
    rows = [{"name": "One", "email": "1@x.com", "pays_for": [{"customer_id": two}]},
            {"name": "Two", "email": "2@x.com", "pays_for": [{"customer_id": one}]}]  # fmt: skip
    done = clerk.run(lines(*rows), source="ndjson", on_duplicate="update")
    assert [(o, c[:1]) for _, o, c in clerk.outcomes(done.id)] == [
        ("updated", ("DUPLICATE_EMAIL",)),
        ("failed", ("PAYS_FOR_CIRCLE",)),
    ]
    assert links(clerk) == [("One", "Two")]


def test_whoever_is_gone_between_review_and_execution_fails_the_row(clerk: Desk) -> None:
    (child,) = clerk.customers({"name": "Child", "email": "c@x.com"})
    import_id = clerk.validated(lines(parent(child), {"name": "Plain", "email": "n@x.com"}), source="ndjson")
    clerk.sql("UPDATE customers SET erased_at = now() WHERE org_id = :org AND id = :id RETURNING 1", id=child)
    done = clerk.finish(import_id)
    assert [(o, c) for _, o, c in clerk.outcomes(done.id)] == [("failed", ("CUSTOMER_NOT_FOUND",)), ("created", ())]


def test_a_token_of_one_entity_names_no_customer_of_another(clerk: Desk) -> None:
    british, known = clerk.customers(
        {"name": "Child", "email": "c@x.com", "legal_entity_id": "le_uk"}, {"name": "Known", "email": "k@x.com"}
    )
    clerk.entities = frozenset({"le_us"})
    rows = parent(british), {"name": "Known", "email": "k@x.com", "pays_for": [{"customer_id": british}]}
    done = clerk.validated(lines(*rows), source="ndjson", on_duplicate="update")
    assert summary(clerk.row(done)).would.fail == 2, "the review knew"
    clerk.finish(done)
    assert [(o, c[:1]) for _, o, c in clerk.outcomes(done)] == [("failed", ("FORBIDDEN",))] * 2
    assert (links(clerk), known[:5]) == ([], "cust_")


def test_a_row_that_is_skipped_is_not_asked_whom_it_pays_for(clerk: Desk) -> None:
    clerk.customers({"name": "Parent", "email": "p@x.com"})
    done = clerk.run(lines(parent("cust_nobody"), parent("cust_nobody", email="new@x.com")), source="ndjson")
    assert [(o, c) for _, o, c in clerk.outcomes(done.id)] == [
        ("skipped", ("DUPLICATE_EMAIL",)),
        ("failed", ("CUSTOMER_NOT_FOUND",)),
    ]
