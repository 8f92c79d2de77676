"""What an operation has to say and to write is queued, and written whole by one flush."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import pytest

from models.cash.ledger import JournalEntry
from models.db.engine import transaction
from models.errors import Refusal
from operations.commands import own_command
from operations.work import Outcome, Work, entry_mark
from tests.books import Books
from tests.rules.refusals import refused


@contextmanager
def working(books: Books, **command: Any) -> Iterator[Work]:
    with transaction(books.engine, books.org) as tx:
        yield Work(tx, replace(own_command("test", actor="u_clerk", request_id="req_1", workflow_id="w_1"), **command))


def entry(number: str = "je_1", minor: int = 100) -> JournalEntry:
    made = JournalEntry(number, date(2026, 1, 5), "application", "pay_1", "le_us", "USD")
    made.debit("cash", minor, "USD", minor, bank_account_id="bank_us")
    made.credit("accounts_receivable", minor, "USD", minor)
    return made


def said(books: Books, subject: str) -> list[dict[str, Any]]:
    sql = """SELECT action, actor, reason_code, request_id, workflow_id, payload FROM audit_events
             WHERE org_id = :org AND subject_id = %(id)s ORDER BY seq"""
    return [row | {"payload": json.loads(row["payload"])} for row in books.sql(sql, id=subject)]


def test_who_sees_some_entities_is_kept_to_them(books: Books) -> None:
    with working(books) as work:
        work.require_entity("le_us")
    with working(books, entities=frozenset({"le_uk"})) as work:
        work.require_entity("le_uk")
        with refused("FORBIDDEN") as no:
            work.require_entity("le_us")
        assert "le_us" in no[0].detail


def test_the_trail_says_who_did_what_why_and_through_whom(books: Books) -> None:
    with working(books) as work:
        work.audit("inv_1", "invoice.looked_at", {"n": 1}, reason_code="ASKED")
        work.conversation = {"agent": "helper"}
        work.audit("inv_1", "invoice.looked_at", {"n": 2}, reason_code="")
        work.flush()
    with working(books, request_id="", workflow_id="") as work:
        work.audit("inv_1", "invoice.looked_at", {"n": 3})
        work.flush()
    beside = {"action": "invoice.looked_at", "actor": "u_clerk", "reason_code": None}
    ours = {"request_id": "req_1", "workflow_id": "w_1"}
    assert said(books, "inv_1") == [
        beside | ours | {"reason_code": "ASKED", "payload": {"n": 1}},
        beside | ours | {"payload": {"n": 2, "conversation": {"agent": "helper"}}},
        beside | {"request_id": None, "workflow_id": None, "payload": {"n": 3}},
    ]


def test_a_refusal_is_told_with_all_that_stands_beside_it(books: Books) -> None:
    with working(books, path="/v1/notes") as work:
        work.refused("inv_1", "void_invoice", Refusal("RECORD_MOVED", "It moved.", version=3))
        work.flush()
    (told,) = said(books, "inv_1")
    assert (told["action"], told["reason_code"]) == ("void_invoice.refused", "RECORD_MOVED")
    assert told["payload"] == {
        "operation": "void_invoice", "path": "/v1/notes", "code": "RECORD_MOVED", "detail": "It moved.", "version": 3,
    }  # fmt: skip


def test_an_event_waits_to_be_published_from_its_moment_on(books: Books) -> None:
    with working(books) as work:
        work.emit("invoice.seen", "inv_1", {"n": 1})
        work.flush()
        now = work.now
    (event,) = books.sql("SELECT id, type, subject, data, at, position FROM outbox_events WHERE org_id = :org")
    assert event.pop("id")[:4] == "evt_"
    assert event == {"type": "invoice.seen", "subject": "inv_1", "data": {"n": 1}, "at": now, "position": None}


def test_what_is_put_on_a_desk_is_due_a_day_later_unless_it_says_when(books: Books) -> None:
    with working(books) as work:
        work.open_exception("seen", "FIRST", "inv_1", owner_role="ops", legal_entity_id="le_us", detail={"n": 1})
        work.open_exception("seen", "SECOND", "inv_1", owner_user="u_jo", due_in=timedelta(hours=1))
        work.flush()
        now = work.now
    rows = books.sql("SELECT * FROM exceptions WHERE org_id = :org ORDER BY reason_code")
    names = "kind", "subject_id", "owner_role", "owner_user", "legal_entity_id", "detail", "created_at", "due_at"
    assert [tuple(row[name] for name in names) for row in rows] == [
        ("seen", "inv_1", "ops", None, "le_us", {"n": 1}, now, now + timedelta(days=1)),
        ("seen", "inv_1", None, "u_jo", None, {}, now, now + timedelta(hours=1)),
    ]
    assert [(row["id"][:4], row["reason_code"], row["status"]) for row in rows] == [
        ("exc_", "FIRST", "open"),
        ("exc_", "SECOND", "open"),
    ]


def test_an_entry_is_written_with_its_digest_and_its_lines_in_their_order(books: Books) -> None:
    with working(books) as work:
        work.post(entry())
        assert [e.id for e in work.entries] == ["je_1"]
        work.flush()
        now = work.now
    (kept,) = books.sql("SELECT * FROM journal_entries WHERE org_id = :org")
    assert {name: kept[name] for name in ("id", "entry_date", "kind", "source_id", "created_at", "digest")} == {
        "id": "je_1", "entry_date": date(2026, 1, 5), "kind": "application", "source_id": "pay_1", "created_at": now,
        "digest": entry().digest(),
    }  # fmt: skip
    assert (kept["legal_entity_id"], kept["functional_currency"]) == ("le_us", "USD")
    lines = books.sql("SELECT * FROM journal_lines WHERE org_id = :org ORDER BY line_no")
    names = "entry_id", "line_no", "account", "debit_minor", "credit_minor", "bank_account_id"
    assert [tuple(line[name] for name in names) for line in lines] == [
        ("je_1", 1, "cash", 100, 0, "bank_us"),
        ("je_1", 2, "accounts_receivable", 0, 100, None),
    ]
    assert entry_mark(entry(), entry("je_2")) == [
        {"id": "je_1", "digest": entry().digest()},
        {"id": "je_2", "digest": entry("je_2").digest()},
    ]


def test_an_entry_that_does_not_balance_is_not_even_queued(books: Books) -> None:
    lame = entry()
    lame.debit("cash", 1, "USD", 1)
    with working(books) as work:
        with pytest.raises(AssertionError, match="je_1 does not balance"):
            work.post(lame)
        assert work.entries == []


def test_what_has_been_written_is_not_written_again(books: Books) -> None:
    with working(books) as work:
        work.post(entry())
        work.audit("inv_1", "invoice.looked_at", {})
        work.emit("invoice.seen", "inv_1", {})
        work.open_exception("seen", "FIRST", "inv_1", owner_role="ops")
        work.add("accounts", [{"key": "k", "code": "1", "name": "One", "kind": "asset"}])
        assert [e.action for e in work.said] == ["invoice.looked_at"]
        work.flush()
        assert (work.said, work.entries) == ([], [])
        work.flush()
    for table in ("journal_entries", "outbox_events", "exceptions"):
        assert len(books.sql(f"SELECT 1 FROM {table} WHERE org_id = :org")) == 1, table
    assert len(said(books, "inv_1")) == 1


def test_what_another_has_queued_is_taken_in_its_own_name_and_after_ones_own(books: Books) -> None:
    account = {"code": "1", "name": "One", "kind": "asset"}
    with working(books) as work:
        other = Work(work.tx, own_command("other", actor="u_other"))
        for one, key in ((work, "a"), (other, "b")):
            one.add("accounts", [account | {"key": key, "code": key}])
            one.audit("inv_1", "invoice.looked_at", {"by": key})
            one.emit("invoice.seen", key, {})
            one.open_exception("seen", "FIRST", key, owner_role="ops")
            one.post(entry(f"je_{key}"))
        work.take(other)
        work.flush()
    assert [(e["actor"], e["payload"]["by"]) for e in said(books, "inv_1")] == [("u_clerk", "a"), ("u_other", "b")]
    for table, column in (("accounts", "key"), ("outbox_events", "subject"), ("exceptions", "subject_id")):
        found = books.sql(f"SELECT {column} AS it FROM {table} WHERE org_id = :org AND {column} IN ('a', 'b')")
        assert sorted(row["it"] for row in found) == ["a", "b"], table
    assert len(books.sql("SELECT 1 FROM journal_lines WHERE org_id = :org")) == 4


@dataclass(frozen=True)
class Told:
    n: int
    secret: str | None = None


def test_an_outcome_is_answered_whole_and_may_be_kept_in_part() -> None:
    whole = Outcome(Told(1, "s")).written()
    assert (whole.json, whole.kept, whole.to_keep) == ('{"n":1,"secret":"s"}', None, whole.json)
    assert (whole.status, whole.replayed, whole.aside) == (200, False, None)
    part = Outcome(Told(1, "s"), 201, replayed=True, kept=Told(1)).written()
    assert (part.json, part.to_keep, part.status, part.replayed) == (
        '{"n":1,"secret":"s"}', '{"n":1,"secret":null}', 201, True,
    )  # fmt: skip
