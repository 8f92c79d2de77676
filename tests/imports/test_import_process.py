"""An import from its upload to its report, through the API, a real worker, Temporal and PostgreSQL."""

import asyncio
import json
from contextlib import closing
from types import SimpleNamespace

import psycopg
import pytest

from api import dispatch
from models.audit.chain import AuditEvent, breaches
from models.messages.imports import ImportInput
from operations.runner import execute
from tests.books import Books
from tests.imports.conftest import People
from tests.imports.support import code, completed, counts, decide, mark, outcomes, reviewed, see, send, table, until
from tests.stack_fixtures.described import assert_described
from workflows.starting import Start

MANY = 12_000
"""Rows, a batch each: more than are executed while a busy machine brings the next request."""


def good(word: str, n: int) -> list[tuple[object, ...]]:
    return [(f"{word} {k} Ltd", f"{word}.{k}@example.com") for k in range(n)]


def test_nothing_is_created_before_a_manager_has_decided(people: People) -> None:
    word = mark()
    ready = reviewed(people.clerk, table([*good(word, 20), (f"{word} bad", "nonsense")]))
    assert (ready["status"], ready["total_rows"], ready["error_rows"], ready["created"]) == (
        "AWAITING_REVIEW",
        21,
        1,
        0,
    )
    assert ready["summary"]["would"] == {"create": 20, "update": 0, "skip": 0, "fail": 1}
    assert [(s["role"], s["status"]) for s in ready["steps"]] == [("system", "APPROVED"), ("manager", "PENDING")]
    found = people.clerk.get("/v1/customers", params={"q": word}).json()["items"]
    assert found == []
    assert decide(people.manager, ready["id"]).status_code == 200
    done = until(people.clerk, ready["id"])
    assert done["status"] == "COMPLETED_WITH_ERRORS"
    assert counts(done) == {"created": 20, "failed": 1}
    assert len(people.clerk.get("/v1/customers", params={"q": word, "limit": 50}).json()["items"]) == 20


def test_who_uploads_does_not_decide_and_who_has_no_role_neither(people: People) -> None:
    ready = reviewed(people.manager, table(good(mark(), 2)))
    assert code(decide(people.clerk, ready["id"])) == (403, "FORBIDDEN")
    assert code(decide(people.controller, ready["id"])) == (403, "FORBIDDEN")
    assert code(decide(people.manager, ready["id"])) == (403, "SEGREGATION_OF_DUTIES")
    other = people.person("u_manager2", "manager")
    assert code(decide(other, ready["id"], "reject")) == (422, "REASON_REQUIRED")
    answer = decide(other, ready["id"], "reject", reason_code="WRONG_FILE", comment="the old list")
    assert answer.status_code == 200
    done = see(people.clerk, ready["id"])
    assert (done["status"], counts(done)) == ("REJECTED", {"not_attempted": 2})
    assert code(decide(other, ready["id"])) == (409, "IMPORT_CLOSED")


def test_the_same_file_and_options_are_the_same_import(people: People) -> None:
    content = table(good(mark(), 3))
    first, again = send(people.clerk, content), send(people.clerk, content)
    assert first.status_code == again.status_code == 202
    assert first.json()["id"] == again.json()["id"]
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    assert first.json()["notice"] is None
    assert "by u_clerk at 2" in again.json()["notice"]
    assert "Idempotency-Key" in again.json()["notice"]
    assert first.headers["X-Workflow-Id"] == first.json()["workflow_id"]
    other_options = send(people.clerk, content, batch_size=7)
    other_key = send(people.clerk, content, key=mark())
    assert len({first.json()["id"], other_options.json()["id"], other_key.json()["id"]}) == 3


def test_a_first_answer_is_no_replay_when_the_process_was_quicker_than_we(
    quiet_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def started_and_gone_on(_: object, asked: Start, **__: object) -> None:
        assert isinstance(asked.given, ImportInput)
        await asyncio.to_thread(execute, books.engine, asked.org_id, asked.given.command_id)

    monkeypatch.setattr(dispatch, "start", started_and_gone_on)
    with closing(Books(quiet_database_url)) as books:
        clerk = books.api("ar_clerk")
        clerk.app.state.temporal = SimpleNamespace(client=None)  # what it would be asked for stands above
        said = {"files": {"file": ("c.csv", table(good(mark(), 1)))},
                "data": {"options": json.dumps({"source": "csv", "legal_entity_id": "le_us"})}}  # fmt: skip
        first, again = (clerk.request("POST", "/v1/customer-imports", **said) for _ in range(2))
    assert (first.status_code, first.headers.get("Idempotent-Replayed")) == (202, None), first.text
    assert (again.json() | {"notice": None}, again.headers["Idempotent-Replayed"]) == (first.json(), "true")
    assert "Idempotency-Key" in again.json()["notice"], (
        "the same file without a key is told that it is the earlier import"
    )


def test_the_same_key_answers_the_first_answer_and_refuses_another_file(people: People) -> None:
    content, key = table(good(mark(), 3)), mark()
    first = send(people.clerk, content, key=key)
    again = send(people.clerk, content, key=key)
    assert again.json() == first.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert code(send(people.clerk, content + b"X,x@example.com\n", key=key)) == (409, "IDEMPOTENCY_KEY_CONFLICT")


def test_validate_only_ends_before_the_review(people: People) -> None:
    done = reviewed(people.clerk, table([*good(mark(), 3), ("", "x@example.com")]), validate_only=True)
    assert done["status"] == "VALIDATED"
    assert counts(done) == {"failed": 1, "not_attempted": 3}
    assert code(decide(people.manager, done["id"])) == (409, "IMPORT_CLOSED")


def test_options_are_validated_with_their_place(people: People) -> None:
    content = table(good(mark(), 1))
    for options in (
        {"batch_size": 0},
        {"batch_size": 1001},
        {"batch_size": "5"},
        {"on_duplicate": "merge"},
        {"colour": 1},
        {"source": "sap"},
    ):
        answer = send(people.clerk, content, **options)
        assert code(answer) == (422, "VALIDATION_FAILED"), options
        assert answer.json()["errors"][0]["loc"].startswith("/options/"), answer.text
    assert code(send(people.clerk, content, legal_entity_id="le_nowhere")) == (404, "LEGAL_ENTITY_NOT_FOUND")
    assert code(send(people.person("u_ops", "ops"), content)) == (403, "FORBIDDEN")


def test_another_organisation_is_told_nothing(people: People) -> None:
    ready = reviewed(people.clerk, table(good(mark(), 1)))
    stranger = people.person("u_clerk", "ar_clerk", org=people.stack.organisation())
    for path in ("", "/rows", "/report.csv", "/events"):
        assert code(stranger.get(f"/v1/customer-imports/{ready['id']}{path}")) == (403, "ORG_CONTEXT_MISMATCH")
    assert code(people.clerk.get("/v1/customer-imports/imp_01m81dm2kgep6v1hsjt7qch6wp")) == (404, "IMPORT_NOT_FOUND")


def test_the_report_says_what_became_of_each_row_and_is_safe_in_a_spreadsheet(people: People) -> None:
    word = mark()
    rows = [
        (f"{word} A", f"{word}.a@example.com"),
        (f'"=HYPERLINK(""http://x"") {word}"', f"{word}.b@example.com"),
        ("+x", "bad"),
    ]
    done = completed(people.clerk, people.manager, table([*rows, (f"{word} C", f"{word}.A@example.com")]))
    lines = people.clerk.get(f"/v1/customer-imports/{done['id']}/report.csv").text.splitlines()
    assert lines[0] == "line,outcome,codes,details,customer_id,name,email"
    assert [line.split(",")[1] for line in lines[1:]] == ["created", "created", "failed", "skipped"]
    assert f'"\'=HYPERLINK(""http://x"") {word}"' in lines[2]
    assert ",'+x,bad" in lines[3]
    made = lines[1].split(",")[4]
    assert lines[4].split(",")[2:5] == ["DUPLICATE_IN_FILE", "", made]
    assert people.clerk.get(f"/v1/customers/{made}").json()["name"] == f"{word} A"


def test_progress_is_streamed_until_the_end(people: People) -> None:
    ready = reviewed(people.clerk, table(good(mark(), 300)), batch_size=1)
    assert decide(people.manager, ready["id"]).status_code == 200
    seen = []
    with people.clerk.stream("GET", f"/v1/customer-imports/{ready['id']}/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        seen = [json.loads(line[6:]) for line in stream.iter_lines() if line.startswith("data: ")]
    for data in seen:
        assert_described(data, "ImportProgress")
    assert seen[-1]["status"] == "COMPLETED"
    assert [s["executed_rows"] for s in seen] == sorted(s["executed_rows"] for s in seen)
    assert seen[-1]["batches_done"] == seen[-1]["batches_total"] == 300


def test_an_import_is_paused_resumed_and_cancelled_between_batches(people: People) -> None:
    word = mark()
    ready = reviewed(people.clerk, table(good(word, MANY)), batch_size=1)
    path = f"/v1/customer-imports/{ready['id']}"
    assert code(people.clerk.post(f"{path}/pause")) == (409, "IMPORT_STATE")
    assert decide(people.manager, ready["id"]).status_code == 200
    paused = people.clerk.post(f"{path}/pause")
    assert paused.json()["status"] == "PAUSED", paused.text
    at = see(people.clerk, ready["id"])["executed_rows"]
    assert see(people.clerk, ready["id"])["executed_rows"] == at < MANY
    again = decide(people.manager, ready["id"])  # a second click
    assert (again.json()["status"], again.headers["Idempotent-Replayed"]) == ("PAUSED", "true")
    refused = decide(people.manager, ready["id"], "reject", reason_code="LATE")
    assert code(refused) == (409, "IMPORT_NOT_AWAITING_REVIEW")
    assert people.clerk.post(f"{path}/resume").json()["status"] == "EXECUTING"
    cancelled = people.clerk.post(f"{path}/cancel").json()
    assert cancelled["status"] == "CANCELLED"
    assert cancelled["created"] + cancelled["not_attempted"] == MANY
    assert code(people.clerk.post(f"{path}/resume")) == (409, "IMPORT_CLOSED")
    assert see(people.clerk, ready["id"])["created"] == cancelled["created"]
    rows = outcomes(people.clerk, ready["id"], outcome="created")
    assert len(rows) == cancelled["created"]


def test_every_created_customer_has_its_audit_event_and_its_outbox_event(people: People, database_url: str) -> None:
    word = mark()
    done = completed(people.clerk, people.manager, table(good(word, 5)))
    made = [i["customer_id"] for i in people.clerk.get(f"/v1/customer-imports/{done['id']}/rows").json()["items"]]
    with psycopg.connect(database_url) as database:
        for customer in made:
            assert [(e.seq, e.action) for e in chain(database, customer)] == [(1, "customer.created")]
        actions = [e.action for e in chain(database, done["id"])]
        told = database.execute(
            "SELECT subject FROM outbox_events WHERE type = 'customer.created' AND subject = ANY(%s)", (made,)
        )
        assert sorted(s for (s,) in told) == sorted(made)
    assert actions == ["import.submitted", "import.staged", "import.validated", "import.decided", "import.ended"]


def chain(database: psycopg.Connection, subject: str) -> list[AuditEvent]:
    """A subject's events, after its chain has been verified."""
    columns = ", ".join(AuditEvent.__dataclass_fields__)
    rows = database.execute(
        f"SELECT {columns} FROM audit_events WHERE subject_id = %s ORDER BY seq", (subject,)
    ).fetchall()
    events = [AuditEvent(*row) for row in rows]
    head = database.execute("SELECT seq, hash FROM audit_heads WHERE subject_id = %s", (subject,)).fetchone()
    assert breaches(events, head) == []
    return events


def test_a_mapping_is_saved_shown_and_used_by_its_name(people: People) -> None:
    word = mark()
    said = {"source": "csv", "mapping": {"Firma": "name", "Mail": "email", "Rabatt": None}}
    saved = people.clerk.put(f"/v1/customer-imports/mappings/{word}", json=said)
    assert (saved.status_code, saved.json()["mapping"]) == (200, said["mapping"])
    assert word in [m["name"] for m in people.clerk.get("/v1/customer-imports/mappings").json()["items"]]
    content = f"Firma;Mail;Rabatt\n{word} AG;{word}@example.com;5\n".encode()
    assert counts(completed(people.clerk, people.manager, content, mapping=word)) == {"created": 1}
    assert code(send(people.clerk, content, mapping="nobody's")) == (422, "VALIDATION_FAILED")
    wrong = people.clerk.put(
        f"/v1/customer-imports/mappings/{word}", json={"source": "csv", "mapping": {"A": "colour"}}
    )
    assert code(wrong) == (422, "VALIDATION_FAILED")
    assert code(people.person("u_auditor", "auditor").put(f"/v1/customer-imports/mappings/{word}", json=said)) == (
        403,
        "FORBIDDEN",
    )
