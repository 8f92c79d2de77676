# ruff: noqa: E501 - tables of cases read better unbroken
"""What becomes of each row: duplicates of every kind under every option, stops, and the purity of it all."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.import_report import report
from models.db.engine import transaction
from models.imports.records import Import
from models.spreadsheets import defused, undone
from tests.imports.in_process import Desk, another, changes, desk, summary
from tests.imports.support import table

HEADER = "name,email,tax_id,credit_limit,external_id"


@pytest.fixture(scope="module")
def first_desk(database_url: str) -> Iterator[Desk]:
    with desk(database_url) as d:
        yield d


@pytest.fixture
def clerk(first_desk: Desk) -> Desk:
    return another(first_desk)


def counters(one: Import) -> dict[str, int]:
    counts = {c: getattr(one, c) for c in ("created", "updated", "skipped", "failed", "not_attempted")}
    assert one.total_rows == sum(counts.values()), one
    return {c: n for c, n in counts.items() if n}


EVERY_KIND = [
    ("New", "new@x.com", "", "", ""),
    ("Mail", "MASTER@x.com", "", "5", ""),  # an active customer's e-mail
    ("Tax", "other@x.com", "us 1", "6", ""),  # its tax id
    ("Inactive", "gone@x.com", "", "7", ""),  # an inactive customer's e-mail
    ("Claimed", "claimed@x.com", "", "", ""),  # what an open change has asked for
    ("Both", "master@x.com", "US-2", "", ""),  # e-mail of one customer, tax id of another
    ("Again", "New@x.com", "", "8", ""),  # the first row's
    ("Ext", "ext@x.com", "", "", "E1"),  # another customer's external id
]


def master(d: Desk) -> dict[str, str]:
    ids = d.customers(
        {"name": "Master", "email": "master@x.com"},
        {"name": "Taxed", "email": "taxed@x.com", "tax_id": "US-1"},
        {"name": "Taxed 2", "email": "taxed2@x.com", "tax_id": "US-2", "external_id": "E1"},
        {"name": "Gone", "email": "gone@x.com"},
    )
    with transaction(d.engine, d.org) as tx:
        tx.run("UPDATE customers SET status = 'inactive' WHERE org_id = :org AND id = :id", id=ids[3])
        tx.insert(
            "customer_claims",
            [{"kind": "email", "key": "claimed@x.com", "change_id": "chg_x", "customer_id": "cust_x"}],
        )
    return dict(zip(("master", "taxed", "taxed2", "gone"), ids, strict=True))


@pytest.mark.parametrize("batch_size", [1, 3, 100])
@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("skip", ["created", "skipped", "skipped", "skipped", "skipped", "failed", "skipped", "failed"]),
        ("update", ["created", "updated", "updated", "updated", "failed", "failed", "updated", "failed"]),
        ("error", ["created", "failed", "failed", "failed", "failed", "failed", "failed", "failed"]),
    ],
)
def test_each_duplicate_under_each_option(clerk: Desk, mode: str, expected: list[str], batch_size: int) -> None:
    ids = master(clerk)
    done = clerk.run(table(EVERY_KIND, HEADER), on_duplicate=mode, batch_size=batch_size)
    found = clerk.outcomes(done.id)
    assert [outcome for _, outcome, _ in found] == expected
    codes = [c for _, _, c in found]
    assert codes[1:] == [
        ("DUPLICATE_EMAIL",), ("DUPLICATE_TAX_ID",), ("DUPLICATE_EMAIL",), ("DUPLICATE_EMAIL",), ("DUPLICATE_AMBIGUOUS",),
        ("DUPLICATE_IN_FILE",), ("EXTERNAL_ID_CONFLICT",),
    ]  # fmt: skip
    counters(done)
    would = summary(done).would
    assert would.create == 1
    limits = {
        r["id"]: str(r["credit_limit"])
        for r in clerk.sql("SELECT id, credit_limit FROM customers WHERE credit_limit IS NOT NULL AND org_id = :org")
    }
    if mode == "update":
        new = clerk.sql("SELECT id FROM customers WHERE org_id = :org AND email_key = 'new@x.com'")[0]["id"]
        assert limits == {ids["master"]: "5", ids["taxed"]: "6", ids["gone"]: "7", new: "8"}
        assert changes(done).credit_limit_or_terms == 3
    else:
        assert limits == {}


def test_an_update_changes_only_what_the_row_says_and_says_so_in_the_audit(clerk: Desk) -> None:
    ids = clerk.customers({"name": "Keep", "email": "k@x.com", "phone": "+1 555 0100", "credit_limit": "10.00"})
    done = clerk.run(table([("Changed", "K@x.com", "", "10", "")], HEADER), on_duplicate="update")
    after = clerk.sql("SELECT * FROM customers WHERE org_id = :org AND id = :id", id=ids[0])[0]
    assert (after["name"], after["email"], after["phone"], str(after["credit_limit"]), after["version"]) == (
        "Changed", "K@x.com", "+1 555 0100", "10", 2,
    )  # fmt: skip
    said = clerk.sql(
        "SELECT payload FROM audit_events WHERE org_id = :org AND subject_id = :id AND action = 'customer.updated'",
        id=ids[0],
    )
    assert json.loads(said[0]["payload"])["diff"] == [
        {"path": "/name", "before": "Keep", "after": "Changed"},
        {"path": "/email", "before": "k@x.com", "after": "K@x.com"},
    ]
    again = clerk.run(table([("Changed", "K@x.com", "", "10", "")], HEADER), on_duplicate="update")
    assert again.updated == done.updated == 1
    assert clerk.sql("SELECT version FROM customers WHERE org_id = :org AND id = :id", id=ids[0])[0]["version"] == 2


@pytest.mark.parametrize("bad", [1, 2, 4, 5, 8, 10])
@pytest.mark.parametrize("kind", ["invalid", "duplicate"])
def test_stop_on_error_stops_at_the_first_failed_row_wherever_it_stands(clerk: Desk, bad: int, kind: str) -> None:
    clerk.customers({"name": "There", "email": "there@x.com"})
    rows = [(f"C{n}", f"c{n}@x.com", "", "", "") for n in range(1, 11)]
    rows[bad - 1] = ("Bad", "nonsense" if kind == "invalid" else "there@x.com", "", "", "")
    if bad < 10:
        rows[9] = ("Also bad", "also nonsense", "", "", "")
    done = clerk.run(table(rows, HEADER), stop_on_error=True, on_duplicate="error", batch_size=4)
    assert (done.status, done.executed_rows) == ("STOPPED", bad)
    expected = {"created": bad - 1, "failed": 1, "not_attempted": 10 - bad}
    assert counters(done) == {k: v for k, v in expected.items() if v}
    assert [o for _, o, _ in clerk.outcomes(done.id)] == ["created"] * (bad - 1) + ["failed"] + ["not_attempted"] * (
        10 - bad
    )
    assert len(clerk.sql("SELECT 1 FROM customers WHERE org_id = :org AND import_id = :id", id=done.id)) == bad - 1


@pytest.mark.parametrize("batch_size", [1, 2, 100])
@pytest.mark.parametrize("stop", [False, True])
def test_a_token_of_one_entity_changes_no_customer_of_another(clerk: Desk, stop: bool, batch_size: int) -> None:
    theirs, ours = clerk.customers(
        {"name": "Theirs", "email": "theirs@x.com", "legal_entity_id": "le_uk"}, {"name": "Ours", "email": "ours@x.com"}
    )
    rows = [
        ("First", "first@x.com", "", "", ""), ("Changed", "theirs@x.com", "", "", ""),
        ("Changed", "ours@x.com", "", "", ""), ("Last", "last@x.com", "", "", ""),
    ]  # fmt: skip
    limited = replace(clerk, entities=frozenset({"le_us"}))
    done = limited.run(table(rows, HEADER), on_duplicate="update", stop_on_error=stop, batch_size=batch_size)
    found = clerk.outcomes(done.id)
    after = ["not_attempted", "not_attempted"] if stop else ["updated", "created"]
    assert [outcome for _, outcome, _ in found] == ["created", "failed", *after]
    assert found[1][2] == ("ENTITY_UNKNOWN",)
    assert (done.status, done.executed_rows) == (("STOPPED", 2) if stop else ("COMPLETED_WITH_ERRORS", 4))
    names = {r["id"]: r["name"] for r in clerk.sql("SELECT id, name FROM customers WHERE org_id = :org")}
    assert (names[theirs], names[ours]) == ("Theirs", "Ours" if stop else "Changed")


def test_without_a_failure_stop_on_error_completes(clerk: Desk) -> None:
    done = clerk.run(
        table([(f"C{n}", f"c{n}@x.com", "", "", "") for n in range(9)], HEADER), stop_on_error=True, batch_size=4
    )
    assert (done.status, counters(done)) == ("COMPLETED", {"created": 9})


def test_whoever_comes_first_between_validation_and_execution_is_met_and_not_doubled(clerk: Desk) -> None:
    import_id = clerk.validated(table([("A", "a@x.com", "", "", ""), ("B", "b@x.com", "", "", "")], HEADER))
    clerk.customers({"name": "First", "email": "B@x.com"})
    with transaction(clerk.engine, clerk.org) as tx:
        tx.run("UPDATE customer_imports SET status = 'EXECUTING' WHERE org_id = :org AND id = :id", id=import_id)
    from operations.imports import execution as import_execution

    import_execution.execute(clerk.engine, clerk.org, import_id, lambda _: None, 60)
    assert clerk.outcomes(import_id) == [(1, "created", ()), (2, "skipped", ("DUPLICATE_EMAIL",))]


def test_an_overtaken_attempt_changes_nothing(clerk: Desk) -> None:
    from models.imports.records import ImportStatus
    from operations.imports import execution as import_execution
    from operations.imports import staging as import_staging

    import_id = clerk.validated(table([(f"C{n}", f"c{n}@x.com", "", "", "") for n in range(5)], HEADER), batch_size=1)
    with transaction(clerk.engine, clerk.org) as tx:
        tx.run("UPDATE customer_imports SET status = 'EXECUTING' WHERE org_id = :org AND id = :id", id=import_id)
    overtaken: list[int] = []

    def overtake(done: int) -> None:
        if done == 2 and not overtaken:
            overtaken.append(int(import_staging.claim(clerk.engine, clerk.org, import_id, ImportStatus.EXECUTING) or 0))

    import_execution.execute(clerk.engine, clerk.org, import_id, overtake, 60)
    assert overtaken
    assert clerk.row(import_id).executed_rows == 2
    import_execution.execute(clerk.engine, clerk.org, import_id, overtake, 60)
    assert clerk.row(import_id).created == 5


def test_related_records_come_with_the_customer(clerk: Desk) -> None:
    line = (
        '{"name": "Rel", "email": "rel@x.com", "addresses": [{"type": "billing", "lines": ["1 St"], "city": "Paris", "country": "FR"}],'
        ' "contacts": [{"name": "Ann"}], "tax_profiles": [{"tax_code": "EX", "effective_from": "2026-01-01"}], "credit_limit": 12.50}'
    )
    done = clerk.run(line.encode(), source="ndjson")
    made = clerk.sql("SELECT id, credit_limit FROM customers WHERE org_id = :org AND import_id = :id", id=done.id)[0]
    assert str(made["credit_limit"]) == "12.5"
    for name, count in (("customer_addresses", 1), ("customer_contacts", 1), ("customer_tax_profiles", 1)):
        assert len(clerk.sql(f"SELECT 1 FROM {name} WHERE org_id = :org AND customer_id = :id", id=made["id"])) == count


def test_similar_names_are_warned_of_once_numbers_and_legal_forms_aside(clerk: Desk) -> None:
    clerk.customers({"name": "Globex Corporation", "email": "g@x.com"})
    names = [
        "Globex Corp.",
        "Initech Limited",
        "Initech Ltd",
        "Initrode GmbH",
        "Store 12",
        "Store 13",
        "Umbrella Holdings",
        "Umbrela Holdings",
    ]
    import_id = clerk.validated(table([(n, f"n{i}@x.com", "", "", "") for i, n in enumerate(names)], HEADER))
    rows = clerk.sql(
        "SELECT name FROM import_rows WHERE import_id = :id AND warnings @> ARRAY['NAME_SIMILAR'] ORDER BY row_no",
        id=import_id,
    )
    assert [r["name"] for r in rows] == ["Globex Corp.", "Initech Ltd", "Umbrela Holdings"]


small = st.sampled_from(["a", "b", "c", "d"])
rows_of_files = st.lists(
    st.tuples(
        st.sampled_from(["N", "M", ""]),
        st.one_of(small.map(lambda k: f"{k}@x.com"), st.just("bad")),
        st.one_of(st.just(""), small.map(lambda k: f"T-{k}")),
        st.one_of(st.just(""), st.sampled_from(["1", "-1"])),
        st.one_of(st.just(""), small.map(lambda k: f"E{k}")),
    ),
    min_size=1,
    max_size=9,
)


every_file = given(
    rows=rows_of_files,
    mode=st.sampled_from(["skip", "update", "error"]),
    stop=st.booleans(),
    seed=st.integers(0, 10**6),
)
patient = settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=6
)


@patient
@every_file
def test_outcomes_depend_on_file_and_options_alone(
    first_desk: Desk, rows: list[tuple[str, ...]], mode: str, stop: bool, seed: int
) -> None:
    """Whatever the batch size, at whichever statement the work is interrupted, and however many workers take turns."""
    the_same_whoever_works(first_desk, rows, mode, stop, seed)


@pytest.mark.soak
@settings(patient, max_examples=150)
@every_file
def test_outcomes_depend_on_file_and_options_alone_in_many_files(
    first_desk: Desk, rows: list[tuple[str, ...]], mode: str, stop: bool, seed: int
) -> None:
    the_same_whoever_works(first_desk, rows, mode, stop, seed)


def the_same_whoever_works(first_desk: Desk, rows: list[tuple[str, ...]], mode: str, stop: bool, seed: int) -> None:
    seen = []
    for batch_size, workers in ((1, 0), (1000, 0), (2, 1), (3, 3), (1000, 2)):
        d = another(first_desk)
        d.customers(
            {"name": "Old", "email": "a@x.com", "tax_id": "T-b"}, {"name": "Older", "email": "z@x.com", "tax_id": "T-c"}
        )
        options: dict[str, Any] = {"on_duplicate": mode, "stop_on_error": stop, "batch_size": batch_size}
        content = table(rows, HEADER)
        done = d.interrupted(content, seed, workers, **options) if workers else d.run(content, **options)
        after = d.sql(
            "SELECT name, email, tax_id, credit_limit::text, external_id, status FROM customers WHERE org_id = :org ORDER BY email, name"
        )
        told = d.sql("SELECT type, count(*) AS n FROM outbox_events WHERE org_id = :org GROUP BY type ORDER BY type")
        trail = d.sql(
            "SELECT action, count(*) AS n FROM audit_events WHERE org_id = :org GROUP BY action ORDER BY action"
        )
        seen.append((done.status, counters(done), d.outcomes(done.id), after, told, trail))
    assert all(s == seen[0] for s in seen[1:]), seen


def test_failed_rows_are_corrected_in_the_report_and_sent_again_as_it_is(clerk: Desk) -> None:
    header = "name,email,phone,notes,credit_limit"
    rows = [
        ("Good", "good@x.com", "+1 555 0100", "", ""), ("=Formula", "bad", "+1 555 0101", "'=quoted", "1"),
        ("'=Apostrophe", "also bad", "", "- a dash", "-5"), ("Again", "good@x.com", "", "", ""),
    ]  # fmt: skip
    first = clerk.run(table(rows, header))
    assert counters(first) == {"created": 1, "skipped": 1, "failed": 2}
    text = "".join(report(clerk.engine, clerk.org, first.id, "failed"))
    lines = list(csv.reader(io.StringIO(text, newline="")))
    assert [line[:3] for line in lines[1:]] == [
        ["3", "failed", "EMAIL_INVALID"],
        ["4", "failed", "EMAIL_INVALID CREDIT_LIMIT_NEGATIVE"],
    ]
    assert not any(cell.startswith(("=", "+", "-", "@")) for line in lines for cell in line)
    for n, line in enumerate(lines[1:]):
        line[lines[0].index("email")] = f"corrected.{n}@x.com"
        line[lines[0].index("credit_limit")] = "5"
    out = io.StringIO()
    csv.writer(out).writerows(lines)
    for source in ("csv", "partner_feed"):
        d = clerk if source == "csv" else another(clerk)
        done = d.run(out.getvalue().encode(), source=source)
        assert (done.status, counters(done)) == ("COMPLETED", {"created": 2})
        made = d.sql(
            "SELECT name, phone, notes, external_id FROM customers WHERE org_id = :org AND import_id = :id ORDER BY email",
            id=done.id,
        )
        assert made == [
            {"name": "=Formula", "phone": "+1 555 0101", "notes": "'=quoted", "external_id": None},
            {"name": "'=Apostrophe", "phone": None, "notes": "- a dash", "external_id": None},
        ]


@given(st.text(alphabet="'=+-@|\t\r \u00a0ab"))
def test_what_is_defused_for_a_spreadsheet_is_undone_on_its_way_back(text: str) -> None:
    safe = defused(text)
    assert undone(safe) == text
    assert not safe.lstrip(" \u00a0").startswith(("=", "+", "-", "@"))
    assert not safe.startswith(("\t", "\r", "|"))
