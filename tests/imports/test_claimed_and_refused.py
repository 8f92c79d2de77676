"""Rows that ask for what an open change has asked for, and rows that the database refuses for good."""

import contextlib
import threading
from collections.abc import Iterator

import psycopg
import pytest

from models.commands import Answered
from models.errors import Refusal
from models.ids import new_id
from models.imports.answers import ImportAnswer
from models.imports.requests import ReviewDecision
from tests.imports.in_process import Desk, another, desk
from tests.imports.support import table

HEADER = "name,email,tax_id,credit_limit,external_id"


@pytest.fixture(scope="module")
def first_desk(database_url: str) -> Iterator[Desk]:
    with desk(database_url) as d:
        yield d


@pytest.fixture
def clerk(first_desk: Desk) -> Desk:
    return another(first_desk)


def claim(clerk: Desk, kind: str, key: str, customer: str = "cust_open") -> None:
    clerk.sql(
        "INSERT INTO customer_claims (org_id, kind, key, change_id, customer_id) "
        "VALUES (:org, :kind, :key, :change, :customer) RETURNING 1",
        kind=kind, key=key, change=new_id("chg"), customer=customer,
    )  # fmt: skip


@pytest.mark.parametrize("late", [False, True], ids=["before validation", "after validation"])
@pytest.mark.parametrize("mode", ["skip", "update", "error"])
def test_a_claimed_external_id_fails_the_row_and_nobody_else(clerk: Desk, mode: str, late: bool) -> None:
    clerk.customers({"name": "Known", "email": "known@x.com"})
    rows = [("A", "a@x.com", "", "", "EXT-8"), ("B", "b@x.com", "", "", "EXT-9"), ("C", "c@x.com", "", "", "")]
    if not late:
        claim(clerk, "external_id", "EXT-9")
    done = clerk.validated(table(rows, HEADER), on_duplicate=mode)
    if late:
        claim(clerk, "external_id", "EXT-9")
    clerk.finish(done)
    assert clerk.outcomes(done) == [(1, "created", ()), (2, "failed", ("EXTERNAL_ID_CONFLICT",)), (3, "created", ())]


def test_an_update_row_takes_nothing_that_somebody_elses_change_has_asked_for(clerk: Desk) -> None:
    ids = clerk.customers(*({"name": n, "email": f"{n}@x.com", "tax_id": f"US-{n}"} for n in ("1", "2", "3", "4")))
    claim(clerk, "email", "wanted@x.com")
    claim(clerk, "tax_id", "us9", customer=ids[1])
    claim(clerk, "external_id", "EXT-1")
    claim(clerk, "email", "own@x.com", customer=ids[3])
    rows = [
        ("1", "wanted@x.com", "US-1", "", ""),
        ("2", "2@x.com", "", "", "EXT-1"),
        ("3", "3@x.com", "", "7", ""),
        ("4", "own@x.com", "US-4", "", ""),
    ]
    done = clerk.run(table(rows, HEADER), on_duplicate="update")
    assert [(outcome, codes[:1]) for _, outcome, codes in clerk.outcomes(done.id)] == [
        ("failed", ("DUPLICATE_EMAIL",)), ("failed", ("EXTERNAL_ID_CONFLICT",)), ("updated", ("DUPLICATE_EMAIL",)),
        ("updated", ("DUPLICATE_TAX_ID",)),
    ]  # fmt: skip


@contextlib.contextmanager
def rule(database_url: str, check: str) -> Iterator[None]:
    with psycopg.connect(database_url, autocommit=True) as c:
        c.execute(f"ALTER TABLE customers ADD CONSTRAINT unforeseen CHECK ({check}) NOT VALID")
        try:
            yield
        finally:
            c.execute("ALTER TABLE customers DROP CONSTRAINT unforeseen")


@pytest.mark.parametrize("stop", [False, True])
@pytest.mark.parametrize("batch_size", [2, 100])
def test_a_row_that_the_database_refuses_fails_alone(
    clerk: Desk, database_url: str, batch_size: int, stop: bool
) -> None:
    clerk.customers({"name": "Known", "email": "known@x.com"})
    rows = [("A", "a@x.com"), ("Known", "known@x.com"), ("Bad", "bad@x.com"), ("B", "b@x.com"), ("A2", "a@x.com")]
    with rule(database_url, "name <> 'Bad'"):
        done = clerk.run(table([(*r, "", "", "") for r in rows], HEADER), batch_size=batch_size, stop_on_error=stop)
    found = [(outcome, codes) for _, outcome, codes in clerk.outcomes(done.id)]
    assert found[:3] == [("created", ()), ("skipped", ("DUPLICATE_EMAIL",)), ("failed", ("WRITE_REFUSED",))]
    if stop:
        assert (done.status, done.not_attempted) == ("STOPPED", 2)
    else:
        assert found[3:] == [("created", ()), ("skipped", ("DUPLICATE_IN_FILE",))]
        assert (done.status, done.created, done.failed) == ("COMPLETED_WITH_ERRORS", 2, 1)
    made = clerk.sql("SELECT id FROM customers WHERE org_id = :org AND import_id = :id", id=done.id)
    events = clerk.sql("SELECT subject FROM outbox_events WHERE org_id = :org AND type = 'customer.created'")
    assert {m["id"] for m in made} <= {e["subject"] for e in events}
    assert len(made) == done.created


def test_the_command_line_takes_nothing_that_an_open_change_has_asked_for(clerk: Desk) -> None:
    claim(clerk, "external_id", "EXT-9")
    claim(clerk, "email", "wanted@x.com")
    for row, code in (
        ({"email": "a@x.com", "external_id": "EXT-9"}, "EXTERNAL_ID_CONFLICT"),
        ({"email": "Wanted@x.com"}, "DUPLICATE_EMAIL"),
    ):
        with pytest.raises(Refusal, match=code):
            clerk.customers({"name": "A"} | row)


@pytest.mark.parametrize("decision", ["approve", "reject"])
def test_a_review_decided_twice_by_one_person_is_answered_as_before(clerk: Desk, decision: str) -> None:
    import_id = clerk.validated(table([("A", "a@x.com", "", "", "")], HEADER))
    said = {"decision": decision, "reason_code": None if decision == "approve" else "TEST", "comment": None}

    def decide(user: str, **more: str | None) -> Answered:
        return clerk.decide(import_id, ReviewDecision.model_validate(said | more), user)

    first, again = decide("u_manager"), decide("u_manager")
    assert (first.replayed, again.replayed) == (False, True)
    statuses = {one.read(ImportAnswer).status for one in (first, again)}
    assert statuses == {"EXECUTING" if decision == "approve" else "REJECTED"}
    code = "IMPORT_NOT_AWAITING_REVIEW" if decision == "approve" else "IMPORT_CLOSED"
    with pytest.raises(Refusal, match=code):
        decide("u_manager2")
    with pytest.raises(Refusal, match=code):
        decide("u_manager", decision="reject", reason_code="OTHER")
    clerk.finish(import_id)
    assert decide("u_manager").replayed


@pytest.mark.parametrize("batch_size", [1, 100])
@pytest.mark.parametrize("same", ["external_id", "tax_id"])
def test_of_two_imports_that_make_one_id_at_the_same_moment_one_fails_visibly(
    clerk: Desk, same: str, batch_size: int
) -> None:
    def file(of: str) -> bytes:
        rows = [
            (f"{of} {n}", f"{of}{n}@x.com", f"{n}" if same == "tax_id" else "", "", f"X{n}" if same != "tax_id" else "")
            for n in range(20)
        ]
        return table(rows, HEADER)

    both = [clerk.validated(file(of), batch_size=batch_size, on_duplicate="error") for of in ("left", "right")]
    racing = [threading.Thread(target=clerk.finish, args=(one,)) for one in both]
    for one in racing:
        one.start()
    for one in racing:
        one.join()
    ended = [clerk.outcomes(one) for one in both]
    made = clerk.sql(f"SELECT {same} AS id FROM customers WHERE org_id = :org ORDER BY {same}")
    assert len(made) == len({m["id"] for m in made}) == 20
    code = {"external_id": "EXTERNAL_ID_CONFLICT", "tax_id": "DUPLICATE_TAX_ID"}[same]
    for left, right in zip(*ended, strict=True):
        assert sorted([left[1], right[1]]) == ["created", "failed"]
        assert code in (left[2] or right[2])
    assert {clerk.row(one).status for one in both} <= {"COMPLETED", "COMPLETED_WITH_ERRORS"}
