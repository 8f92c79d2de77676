# ruff: noqa: E501 - tables of cases read better unbroken
"""What an update by an import changes of a customer, what it refuses, and what its reviewer is shown before."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from models.customers.diff import related_json
from models.db.customers import customers
from models.db.engine import transaction
from models.db.imports import rows as import_rows
from models.db.tx import to_json
from models.errors import Refusal
from models.imports.records import Import
from models.imports.requests import ReviewDecision
from models.imports.review import as_seen
from operations.imports import shown_rows
from operations.imports.preview import changes_of
from tests.imports.cells import ANN, HULL
from tests.imports.in_process import Desk, another, changes, desk, summary
from tests.imports.support import table

ADDRESS = "billing_address.lines,billing_address.city,billing_address.region,billing_address.postal_code,billing_address.country"


@pytest.fixture(scope="module")
def first_desk(database_url: str) -> Iterator[Desk]:
    with desk(database_url) as d:
        yield d


@pytest.fixture
def clerk(first_desk: Desk) -> Desk:
    return another(first_desk)


def lists(d: Desk, customer: str, name: str) -> list[dict[str, Any]]:
    with transaction(d.engine, d.org) as tx:
        return list(related_json(customers.related_of(tx, [customer])[customer])[name].values())


def trail(d: Desk, customer: str) -> list[list[dict[str, Any]]]:
    """The diffs that the trail has of the customer's updates."""
    said = d.sql(
        "SELECT payload FROM audit_events WHERE org_id = :org AND subject_id = :id AND action = 'customer.updated' ORDER BY seq",
        id=customer,
    )
    return [json.loads(s["payload"])["diff"] for s in said]


def updated(d: Desk, content: bytes, **options: Any) -> Import:
    return d.run(content, **{"on_duplicate": "update", **options})


def customer_of(d: Desk, line: dict[str, Any]) -> str:
    d.run(json.dumps(line).encode(), source="ndjson")
    return str(d.sql("SELECT id FROM customers WHERE org_id = :org AND name = :name", name=line["name"])[0]["id"])


KNOWN = {"name": "Known", "email": "k@x.com", "addresses": [HULL], "contacts": [ANN]}


# Another external id


@pytest.mark.parametrize(
    ("have", "rows", "expected"),
    [
        ("E1", [("K", "k@x.com", "", "", "E2")], ["failed"]),
        ("E1", [("K", "K@X.com", "", "", "E1")], ["updated"]),
        ("E1", [("K", "k@x.com", "", "", "")], ["updated"]),
        (None, [("K", "k@x.com", "", "", "E2")], ["updated"]),  # its first: nothing is keyed anew
        (None, [("K", "k@x.com", "", "", "E2"), ("K", "k@x.com", "", "", "E3")], ["updated", "failed"]),
        (None, [("N", "n@x.com", "", "", "E2"), ("N", "n@x.com", "", "", "E3")], ["created", "failed"]),
        (None, [("N", "n@x.com", "T1", "", ""), ("N", "m@x.com", "T1", "", "E3"), ("N", "m@x.com", "T1", "", "E4")],
         ["created", "updated", "failed"]),
        ("E1", [("K", "k@x.com", "", "", "E9")], ["failed"]),  # another customer's
    ],
)  # fmt: skip
@pytest.mark.parametrize("batch_size", [1, 100])
def test_an_update_never_gives_a_customer_another_external_id(
    clerk: Desk, have: str | None, rows: list[tuple[str, ...]], expected: list[str], batch_size: int
) -> None:
    known, _ = clerk.customers(
        {"name": "Known", "email": "k@x.com", "external_id": have},
        {"name": "Other", "email": "other@x.com", "external_id": "E9"},
    )
    content = table(rows, "name,email,tax_id,credit_limit,external_id")
    done = updated(clerk, content, batch_size=batch_size)
    found = clerk.outcomes(done.id)
    assert [o for _, o, _ in found] == expected
    assert all("EXTERNAL_ID_CONFLICT" in codes for _, o, codes in found if o == "failed")
    would = summary(done).would
    assert would.fail == expected.count("failed"), "the reviewer knew"
    assert (done.error_rows, done.failed) == (expected.count("failed"),) * 2
    now = clerk.sql("SELECT external_id FROM customers WHERE org_id = :org AND id = :id", id=known)[0]["external_id"]
    assert now == (have or next((r[4] for r in rows if r[1] == "k@x.com"), None))


def test_an_external_id_that_comes_between_review_and_execution_stays(clerk: Desk) -> None:
    (known,) = clerk.customers({"name": "Known", "email": "k@x.com"})
    content = table([("New name", "k@x.com", "E2")], "name,email,external_id")
    import_id = clerk.validated(content, on_duplicate="update")
    clerk.sql("UPDATE customers SET external_id = 'E1' WHERE org_id = :org AND id = :id RETURNING id", id=known)
    done = clerk.finish(import_id)
    assert clerk.outcomes(done.id) == [(1, "failed", ("EXTERNAL_ID_CONFLICT",))]
    now = clerk.sql("SELECT name, external_id FROM customers WHERE org_id = :org AND id = :id", id=known)
    assert now == [{"name": "Known", "external_id": "E1"}]


# Related records


def test_the_address_and_the_contact_that_a_row_names_are_changed_shown_and_audited(clerk: Desk) -> None:
    known = customer_of(clerk, KNOWN)
    content = table(
        [("Known", "k@x.com", "1 Main St", "Leeds", "", "LS1", "GB", "Ann Lee", "ann@k.com", "Treasurer"),
         ("Known", "k@x.com", "", "", "", "", "", "Bob Ray", "", "")],
        f"name,email,{ADDRESS},contact.name,contact.email,contact.role",
    )  # fmt: skip
    import_id = clerk.validated(content, on_duplicate="update")
    with transaction(clerk.engine, clerk.org) as tx:
        before = json.loads(to_json(changes_of(tx, clerk.row(import_id), [1])[1]))
    shown = changes(clerk.row(import_id)).rows[0]
    assert (shown.row, shown.customer_id, json.loads(to_json(shown.diff))) == (1, known, before)
    done = clerk.finish(import_id)
    assert done.updated == 2
    assert lists(clerk, known, "addresses") == [
        {
            "type": "billing",
            "lines": ["1 Main St"],
            "city": "Leeds",
            "region": None,
            "postal_code": "LS1",
            "country": "GB",
        }
    ]
    assert lists(clerk, known, "contacts") == [
        ANN | {"role": "Treasurer"}, {"name": "Bob Ray", "email": None, "phone": None, "role": None},
    ]  # fmt: skip
    first, second = trail(clerk, known)
    assert first == before
    assert {d["path"].split("/", 3)[-1] for d in first} == {"lines", "city", "region", "postal_code", "role"}
    assert [d["after"]["name"] for d in second] == ["Bob Ray"]
    assert clerk.sql("SELECT version FROM customers WHERE org_id = :org AND id = :id", id=known) == [{"version": 3}]
    told = clerk.sql("SELECT count(*) AS n FROM outbox_events WHERE org_id = :org AND type = 'customer.updated'")
    assert told == [{"n": 2}]


def test_a_row_that_changes_nothing_says_so(clerk: Desk) -> None:
    known = customer_of(clerk, KNOWN)
    rows = [("Known", "k@x.com", "9 Quay", "Hull", "", "", "GB", "Ann Lee"), ("Known", "k@x.com", *[""] * 6)]
    done = updated(clerk, table(rows, f"name,email,{ADDRESS},contact.name"))
    assert [(o, "NO_CHANGE" in c) for _, o, c in clerk.outcomes(done.id)] == [("updated", True)] * 2
    assert (trail(clerk, known), lists(clerk, known, "addresses")) == ([], [HULL]), "empty cells change nothing"


@pytest.mark.parametrize(
    ("name", "have", "columns", "values", "expected"),
    [
        ("contacts", [ANN], "contact.name,contact.email", "Anna Lee,ANN@K.com", [ANN | {"name": "Anna Lee", "email": "ANN@K.com"}]),
        ("contacts", [ANN], "contact.name,contact.email", "Ann Lee,other@k.com",
         [ANN, {"name": "Ann Lee", "email": "other@k.com", "phone": None, "role": None}]),
        ("contacts", [ANN | {"email": None}], "contact.name,contact.email", "ann LEE,ann@k.com", [ANN | {"name": "ann LEE"}]),
        ("contacts", [ANN], "contact.email,contact.phone", "ann@k.com,+44 2", [ANN | {"phone": "+44 2"}]),
        ("addresses", [HULL], "billing_address.postal_code", "HU2", [HULL | {"postal_code": "HU2"}]),
        ("addresses", [HULL | {"type": "shipping"}], "billing_address.postal_code", "HU2", [HULL | {"type": "shipping"}]),
        ("addresses", [HULL, HULL | {"type": "shipping"}], "shipping_address.city", "Goole",
         [HULL, HULL | {"type": "shipping", "city": "Goole"}]),
    ],
)  # fmt: skip
def test_a_related_record_is_known_by_what_names_it(
    clerk: Desk, name: str, have: list[Any], columns: str, values: str, expected: list[Any]
) -> None:
    known = customer_of(clerk, {"name": "Known", "email": "k@x.com", name: have})
    done = updated(clerk, f"name,email,{columns}\nKnown,k@x.com,{values}\n".encode())
    assert (done.status, done.updated) == ("COMPLETED", 1)
    assert lists(clerk, known, name) == expected


def test_tax_profiles_prices_and_dimensions_are_updated_by_their_names_too(clerk: Desk) -> None:
    tier = {"item": "A", "price": "5", "min_quantity": "10"}
    profile = {"tax_code": "EX", "certificate_number": "C1"}
    known = customer_of(clerk, {"name": "K", "email": "k@x.com", "pricing_tiers": [tier], "tax_profiles": [profile]})
    line = {"name": "K", "email": "k@x.com", "pricing_tiers": [tier | {"price": "6"}],
            "tax_profiles": [profile | {"certificate_number": "C2"}, {"tax_code": "RED"}]}  # fmt: skip
    done = updated(clerk, json.dumps(line).encode(), source="ndjson")
    assert (done.status, done.updated) == ("COMPLETED", 1)
    assert [t["price"] for t in lists(clerk, known, "pricing_tiers")] == ["6"]
    found = [(p["tax_code"], p["certificate_number"]) for p in lists(clerk, known, "tax_profiles")]
    assert found == [("EX", "C2"), ("RED", None)]


@pytest.mark.parametrize(
    ("have", "columns", "values"),
    [
        ({"addresses": [HULL, HULL | {"city": "Goole"}]}, ADDRESS, "1 Main St,Leeds,,,GB"),
        ({"contacts": [ANN, ANN | {"email": "other@k.com"}]}, "contact.name,contact.phone", "Ann Lee,+44 9"),
    ],
)
def test_where_two_records_answer_to_one_name_the_row_is_left_to_a_person(
    clerk: Desk, have: dict[str, Any], columns: str, values: str
) -> None:
    known = customer_of(clerk, {"name": "Known", "email": "k@x.com"} | have)
    done = updated(clerk, f"name,email,{columns}\nChanged,k@x.com,{values}\n".encode())
    assert (summary(done).would.fail, done.failed, done.updated) == (1, 1, 0)
    assert clerk.outcomes(done.id)[0][2][0] == "RELATED_AMBIGUOUS"
    assert trail(clerk, known) == []
    assert clerk.sql("SELECT name FROM customers WHERE org_id = :org") == [{"name": "Known"}], (
        "all of the row, or nothing"
    )


def test_of_metadata_only_the_keys_that_have_columns_change(clerk: Desk) -> None:
    known = customer_of(clerk, {"name": "Known", "email": "k@x.com", "metadata": {"Region": "N", "kept": {"a": 1}}})
    updated(clerk, b"name,email,metadata.Region,metadata.new\nKnown,k@x.com,S,x\n")
    after = clerk.sql("SELECT metadata FROM customers WHERE org_id = :org AND id = :id", id=known)[0]["metadata"]
    assert after == {"Region": "S", "kept": {"a": 1}, "new": "x"}


def test_a_later_row_completes_what_an_earlier_one_of_the_file_made(clerk: Desk) -> None:
    rows = [("N", "n@x.com", "1 Main St", "Leeds", "", "", "GB", ""), ("N", "n@x.com", "", "", "", "LS1", "", "Ann")]
    done = updated(clerk, table(rows, f"name,email,{ADDRESS},contact.name"))
    assert [o for _, o, _ in clerk.outcomes(done.id)] == ["created", "updated"]
    made = str(clerk.sql("SELECT id FROM customers WHERE org_id = :org")[0]["id"])
    assert [a["postal_code"] for a in lists(clerk, made, "addresses")] == ["LS1"]
    assert [c["name"] for c in lists(clerk, made, "contacts")] == ["Ann"]


def test_a_file_shows_nothing_of_customers_whom_its_uploader_or_reader_may_not_see(clerk: Desk) -> None:
    theirs, ours = clerk.customers(
        {"name": "Theirs", "email": "theirs@x.com", "legal_entity_id": "le_uk", "credit_limit": "7"},
        {"name": "Ours", "email": "ours@x.com"},
    )
    rows = b"name,email,credit_limit\nChanged,theirs@x.com,9\nChanged,ours@x.com,9\n"
    limited = replace(clerk, entities=frozenset({"le_us"}))
    import_id = limited.validated(rows, on_duplicate="update")
    one = clerk.row(import_id)
    assert [change.customer_id for change in changes(one).rows] == [ours]
    assert [change.customer_id for change in changes(one).first] == [ours]
    with transaction(clerk.engine, clerk.org) as tx:
        assert list(changes_of(tx, one, [1, 2])) == [2]
        first = import_rows.page(tx, one, 0, 1, None)[0]
        seen = shown_rows.page(tx, one, frozenset({"le_us"}), 0, 2, None)
    assert [row.record_id for row in seen] == [None, ours]
    assert first.record_id == theirs
    assert (first.outcome, first.duplicate, one.error_rows) == ("error", ["DUPLICATE_EMAIL", "ENTITY_UNKNOWN"], 1)
    assert theirs not in str(one.summary)
    # Who may see all uploads the same: who may not sees no values, and does not decide.
    whole = clerk.row(clerk.validated(rows, on_duplicate="update", batch_size=7))
    assert summary(whole).legal_entities == ["le_uk", "le_us"]
    assert summary(as_seen(whole, frozenset({"le_us"}))).changes is None
    with transaction(clerk.engine, clerk.org) as tx:
        tx.run(
            "UPDATE customer_imports SET summary = summary - 'legal_entities' WHERE org_id = :org AND id = :id",
            id=whole.id,
        )
    assert summary(clerk.row(whole.id)).legal_entities == []  # as an earlier build kept it
    assert as_seen(whole, None) == as_seen(whole, frozenset({"le_us", "le_uk"})) == whole
    other = clerk.validated(rows, on_duplicate="update", batch_size=8)
    with pytest.raises(Refusal, match="does not cover"):
        limited.decide(other, ReviewDecision(decision="approve"), "u_manager")
