"""A request is kept, carried out once, answered again, rehearsed or refused: without a process, by operations of the test's."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import pytest

from models.access import Principal
from models.commands import Answered
from models.db import commands
from models.db.engine import transaction
from models.errors import FieldError, Refusal
from models.ids import new_id
from models.values import Body, IsoDate
from operations import answers, runner
from operations.commands import Submission, Submitted, as_command, body_hash, command_of, own_command, submit
from operations.execution import InPlace
from operations.runner import (
    CommandLost,
    Operation,
    execute,
    execute_item,
    execute_kept,
    finish_batch,
    rehearse,
    run_now,
)
from operations.work import Outcome, Work
from tests.books import Books
from tests.rules.refusals import refused


class Note(Body):
    text: str
    on: IsoDate | None = None


@dataclass(frozen=True)
class Noted:
    text: str
    times: int


@pytest.fixture(autouse=True)
def operations(monkeypatch: pytest.MonkeyPatch) -> None:
    """`test.note` says in the trail what it is told; `test.refuse` refuses with the code that it is told; `test.break` writes
    what the database does not take."""
    done: list[str] = []

    def note(work: Work, asked: Note) -> Outcome[Noted]:
        done.append(asked.text)
        work.audit(work.cmd.subject_id or work.tx.org_id, "note.made", {"text": asked.text})
        return Outcome(Noted(asked.text, done.count(asked.text)), 201)

    def refuse(work: Work, asked: Note) -> Outcome[Noted]:
        work.audit(work.tx.org_id, "note.made", {})
        raise Refusal(asked.text, "Not so.", errors=[FieldError("/text", "FIELD_INVALID", "Not this.")], version=7)

    def wrong(work: Work, asked: Note) -> Outcome[Noted]:
        work.tx.insert("accounts", [{"key": "cash", "code": "1", "name": asked.text, "kind": "asset"}])
        return Outcome(Noted(asked.text, 1))

    makes: dict[str, Callable[[Work, Note], Outcome[Noted]]] = {"note": note, "refuse": refuse, "break": wrong}
    for name, do in makes.items():
        monkeypatch.setitem(runner.OPERATIONS, f"test.{name}", Operation(f"test.{name}", Note, Noted, do, InPlace()))


def asking(text: str = "Hello", operation: str = "test.note", **more: Any) -> Submission:
    given = {"idempotency_key": new_id("key"), "key_given": True, "request_id": "req_1", **more}
    return Submission(operation, "/v1/notes", Note(text=text, on=date(2026, 1, 5)), **given)


def trail(books: Books) -> list[dict[str, Any]]:
    sql = """SELECT subject_id, action, actor, reason_code, request_id, payload FROM audit_events
             WHERE org_id = :org AND (action LIKE 'note%%' OR action LIKE 'test%%') ORDER BY at, seq"""
    return [row | {"payload": json.loads(row["payload"])} for row in books.sql(sql)]


def narrow(books: Books, *entities: str, user: str = "u_narrow") -> Principal:
    return Principal(user, books.org, frozenset({"ar_clerk", "ar_manager"}), frozenset(entities))


def test_a_request_is_kept_as_it_was_sent(books: Books) -> None:
    who = narrow(books, "le_us", "le_uk")
    about = {"resource_id": "note_1", "subject_id": "inv_1", "customer_id": "cust_1", "workflow_id": "w_1"}
    s = asking(**about)
    kept = submit(books.engine, who, s)
    assert (kept.workflow_id, kept.resource_id, kept.answer, kept.in_progress) == ("w_1", "note_1", None, False)
    (row,) = books.sql("SELECT * FROM commands WHERE org_id = :org")
    assert {name: row[name] for name in ("operation", "path", "key_given", "actor", "request_id", "state", *about)} == {
        "operation": "test.note", "path": "/v1/notes", "key_given": True, "actor": "u_narrow", "request_id": "req_1",
        "state": "pending", **about,
    }  # fmt: skip
    assert (row["id"], row["idem_key"]) == (kept.command_id, s.idempotency_key)
    assert (row["body"], row["body_hash"]) == ({"text": "Hello", "on": "2026-01-05"}, body_hash(row["body"]))
    assert (row["roles"], row["entities"]) == (["ar_clerk", "ar_manager"], ["le_uk", "le_us"])
    with transaction(books.engine, books.org) as tx:
        locked = commands.lock(tx, kept.command_id)
        assert locked is not None
        assert as_command(locked) == kept.command
    assert kept.command is not None
    assert kept.command.asked == Note(text="Hello", on=date(2026, 1, 5))


def test_a_command_may_be_named_beforehand_and_not_be_of_anybodys_entities(books: Books) -> None:
    kept = submit(books.engine, books.who, asking(command_id="cmd_mine", key_given=False))
    (row,) = books.sql("SELECT id, entities, key_given FROM commands WHERE org_id = :org")
    assert (kept.command_id, row) == ("cmd_mine", {"id": "cmd_mine", "entities": None, "key_given": False})
    with transaction(books.engine, books.org) as tx:
        locked = commands.lock(tx, "cmd_mine")
        assert locked is not None
        assert as_command(locked).entities is None


def test_two_bodies_that_mean_the_same_have_one_hash() -> None:
    assert body_hash({"a": 1, "b": [2, "ü"]}) == body_hash({"b": [2, "ü"], "a": 1})
    assert body_hash({"a": date(2026, 1, 5)}) == body_hash({"a": "2026-01-05"})
    assert body_hash({"a": 1}) == "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862"


def test_the_same_key_is_told_what_became_of_it(books: Books) -> None:
    s = asking(workflow_id="w_1", resource_id="note_1")
    first = submit(books.engine, books.who, s)
    waiting = submit(books.engine, books.who, s)
    assert waiting == Submitted(first.command_id, "w_1", "note_1", None, True, None)
    assert execute(books.engine, books.org, first.command_id).replayed is False
    again = submit(books.engine, books.who, s)
    assert again.answer is not None
    assert (json.loads(again.answer.json), again.answer.status) == ({"text": "Hello", "times": 1}, 201)
    assert (again.answer.replayed, again.in_progress, again.command) == (True, True, None)
    assert run_now(books.engine, books.who, s) == again.answer
    with refused("IDEMPOTENCY_KEY_CONFLICT"):
        submit(books.engine, books.who, replace(s, body=Note(text="Other")))
    assert len(trail(books)) == 1


def test_who_joins_a_command_under_way_is_told_the_first_answer_as_one(books: Books) -> None:
    s = asking()
    first, joined = submit(books.engine, books.who, s), submit(books.engine, books.who, s)
    assert execute_kept(books.engine, books.org, joined).replayed is True
    assert execute_kept(books.engine, books.org, first).replayed is False, "it is this request's own"
    assert execute(books.engine, books.org, first.command_id).replayed is True
    assert len(trail(books)) == 1


def test_whoever_waits_for_a_command_is_handed_its_answer_or_refusal(books: Books) -> None:
    done, no = (
        submit(books.engine, books.who, asking()),
        submit(books.engine, books.who, asking("RECORD_MOVED", "test.refuse")),
    )
    for _ in range(2):
        with answers.waiting_for(done.command_id) as answer:
            execute(books.engine, books.org, done.command_id)
            assert answer.result(0) == Answered('{"text":"Hello","times":1}', 201)
        with answers.waiting_for(no.command_id) as answer, refused("RECORD_MOVED", "/text", "FIELD_INVALID", version=7):
            execute(books.engine, books.org, no.command_id)
        assert isinstance(answer.exception(0), Refusal)


def test_a_refusal_is_kept_said_once_and_frees_the_key(books: Books) -> None:
    s = asking("RECORD_MOVED", "test.refuse", subject_id="inv_1")
    for _ in range(2):
        with refused("RECORD_MOVED", "/text", "FIELD_INVALID", version=7):
            run_now(books.engine, books.who, s)
    for (command,) in (tuple(row.values()) for row in books.sql("SELECT id FROM commands WHERE org_id = :org")):
        with refused("RECORD_MOVED", "/text", "FIELD_INVALID", version=7):
            execute(books.engine, books.org, command)
    said = trail(books)
    assert [(e["subject_id"], e["action"], e["actor"], e["reason_code"], e["request_id"]) for e in said] == [
        ("inv_1", "test.refuse.refused", "u_clerk", "RECORD_MOVED", "req_1")
    ] * 2
    told = {"operation": "test.refuse", "path": "/v1/notes", "code": "RECORD_MOVED", "detail": "Not so.", "version": 7}
    assert said[0]["payload"] == told


@pytest.mark.parametrize(
    ("code", "subject", "at"),
    [
        ("RECORD_MOVED", None, "org"), ("NOTE_NOT_FOUND", "inv_1", "org"), ("ORG_CONTEXT_MISMATCH", "inv_1", "org"),
        ("RECORD_MOVED", "inv_1", "inv_1"), ("VALIDATION_FAILED", "inv_1", None), ("IDEMPOTENCY_KEY_CONFLICT", "inv_1", None),
    ],
)  # fmt: skip
def test_a_refusal_is_said_at_what_was_asked_about_where_it_is_there(
    books: Books, code: str, subject: str | None, at: str | None
) -> None:
    for way in (run_now, execute_item):
        with pytest.raises(Refusal):
            way(books.engine, books.who, asking(code, "test.refuse", subject_id=subject))
    assert [e["subject_id"] for e in trail(books)] == ([] if at is None else [books.org if at == "org" else at] * 2)


def test_what_the_database_does_not_take_lies_on_the_desk_of_ops(books: Books) -> None:
    with refused("WRITE_REFUSED"):
        run_now(books.engine, books.who, asking("Wrong", "test.break", subject_id="inv_1"))
    (found,) = books.get("/v1/exceptions", "ops", status="open")["items"]
    assert (found["kind"], found["reason_code"], found["subject_id"], found["owner_role"]) == (
        "write_refused", "WRITE_REFUSED", "inv_1", "ops",
    )  # fmt: skip
    (command,) = books.sql("SELECT id FROM commands WHERE org_id = :org")
    assert found["detail"] == {"operation": "test.break", "command_id": command["id"]}


def test_a_rehearsal_answers_as_the_deed_and_leaves_nothing(books: Books) -> None:
    done = rehearse(books.engine, books.who, asking(key_given=False))
    assert (json.loads(done.json)["text"], done.status) == ("Hello", 201)
    with refused("RECORD_MOVED", "/text", "FIELD_INVALID", version=7):
        rehearse(books.engine, books.who, asking("RECORD_MOVED", "test.refuse"))
    assert (trail(books), books.sql("SELECT 1 FROM commands WHERE org_id = :org")) == ([], [])


def test_an_item_of_a_batch_is_done_without_a_command(books: Books) -> None:
    done = execute_item(books.engine, books.who, asking(subject_id="inv_1"))
    assert (json.loads(done.json)["text"], done.status, done.replayed) == ("Hello", 201, False)
    assert [e["subject_id"] for e in trail(books)] == ["inv_1"]
    assert books.sql("SELECT 1 FROM commands WHERE org_id = :org") == []


def test_the_first_answer_of_a_batch_is_everybodys(books: Books) -> None:
    kept = submit(books.engine, books.who, asking())
    first, second = Answered('{"n": 1}', 207), Answered('{"n": 2}', 207)
    assert finish_batch(books.engine, books.org, kept.command_id, first) == first
    told = finish_batch(books.engine, books.org, kept.command_id, second)
    assert (json.loads(told.json), told.status, told.replayed) == ({"n": 1}, 207, True)


def test_a_command_that_is_lost_is_said_to_be(books: Books) -> None:
    with pytest.raises(CommandLost, match="cmd_gone"):
        execute(books.engine, books.org, "cmd_gone")
    lost = command_of(books.who, asking(command_id="cmd_gone"))
    with pytest.raises(CommandLost), answers.waiting_for(lost.id, lost):
        execute(books.engine, books.org, lost.id)


def test_anothers_answer_is_told_to_whose_token_covers_it(books: Books) -> None:
    payment = books.pay(books.customer(), 100, "2026-01-05")
    s = asking(resource_id=payment)
    run_now(books.engine, narrow(books, "le_us", user="u_other"), s)
    for who in (narrow(books, "le_us"), narrow(books, "le_uk", user="u_other"), books.who):
        assert submit(books.engine, who, s).answer is not None
    with refused("FORBIDDEN"):
        submit(books.engine, narrow(books, "le_uk"), s)


def test_what_is_done_in_nobodys_request_is_the_systems_own() -> None:
    own = own_command("records.prune")
    assert (own.id[:4], own.operation, own.actor, own.request_id[:4]) == ("cmd_", "records.prune", "arflow", "req_")
    assert (own.path, own.body, own.body_hash, own.key_given, own.roles) == ("", {}, "", True, ())
    assert (own.entities, own.workflow_id, own.resource_id) == (None, None, None)
    named = own_command("look", actor="process:watch", request_id="req_1", workflow_id="w_1", resource_id="pay_1")
    assert (named.actor, named.request_id, named.workflow_id, named.resource_id) == (
        "process:watch", "req_1", "w_1", "pay_1",
    )  # fmt: skip
