"""What people do to an import between its validation and its end, carried by hand: states, trail, desks, legal entities."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from models.approvals.requests import KeptDecision
from models.errors import Refusal
from models.imports.answers import ImportMapping
from models.imports.records import ImportStatus
from models.imports.requests import NamedMapping, ReviewDecision
from operations.imports import staging, validation
from operations.imports.execution import _next_batch, _next_by_rows
from operations.imports.review import overdue
from operations.imports.staging import claim
from operations.runner import execute
from tests.imports.in_process import Desk, another, desk
from tests.imports.support import table

TWO = table([("One", "one@x.com"), ("Two", "two@x.com")])
DESK = (
    "SELECT kind, reason_code, owner_role, owner_user, legal_entity_id, status, resolution_code, detail FROM exceptions"
)


@pytest.fixture(scope="module")
def first_desk(quiet_database_url: str) -> Iterator[Desk]:
    with desk(quiet_database_url) as d:
        yield d


@pytest.fixture
def clerk(first_desk: Desk) -> Desk:
    return another(first_desk)


def trail(d: Desk, import_id: str) -> list[tuple[str, str | None, str, dict[str, Any]]]:
    rows = d.sql("SELECT action, reason_code, actor, payload FROM audit_events WHERE org_id = :org AND subject_id = :id "
                 "ORDER BY seq", id=import_id)  # fmt: skip
    return [(r["action"], r["reason_code"], r["actor"], json.loads(r["payload"])) for r in rows]


def on_desks(d: Desk, import_id: str) -> list[tuple[Any, ...]]:
    return [
        tuple(r.values()) for r in d.sql(f"{DESK} WHERE org_id = :org AND subject_id = :id ORDER BY id", id=import_id)
    ]


def refused(d: Desk, operation: str, import_id: str, code: str, detail: str) -> None:
    with pytest.raises(Refusal) as no:
        d.act(operation, import_id)
    assert (no.value.code, no.value.detail) == (code, detail)


def test_an_import_is_held_resumed_and_cancelled_only_from_where_it_may_be(clerk: Desk) -> None:
    one = clerk.validated(TWO)
    refused(clerk, "import.pause", one, "IMPORT_STATE", "The import is AWAITING_REVIEW, not EXECUTING.")
    clerk.approve(one)
    refused(clerk, "import.resume", one, "IMPORT_STATE", "The import is EXECUTING, not PAUSED.")
    assert clerk.act("import.pause", one).status == "PAUSED"
    assert clerk.row(one).status is ImportStatus.PAUSED
    assert trail(clerk, one)[-1] == ("import.paused", None, "u_clerk", {"executed_rows": 0})
    assert clerk.act("import.resume", one).status == "EXECUTING"
    assert trail(clerk, one)[-1] == ("import.resumed", None, "u_clerk", {"executed_rows": 0})
    clerk.act("import.pause", one)
    done = clerk.act("import.cancel", one)
    assert (done.status, done.created, done.not_attempted) == ("CANCELLED", 0, 2)
    counts = {"total_rows": 2, "created": 0, "updated": 0, "skipped": 0, "failed": 0, "not_attempted": 2}
    assert trail(clerk, one)[-1] == ("import.ended", None, "u_clerk", {"status": "CANCELLED", **counts})
    (event,) = clerk.sql("SELECT type, data FROM outbox_events WHERE org_id = :org AND subject = :id", id=one)
    assert (event["type"], event["data"]) == (
        "import.completed", {"import_id": one, "status": "CANCELLED", **counts},
    )  # fmt: skip
    for act in ("pause", "resume", "cancel"):
        refused(clerk, f"import.{act}", one, "IMPORT_CLOSED", "The import has ended: CANCELLED.")


def test_only_people_of_its_legal_entity_touch_an_import(clerk: Desk) -> None:
    one = clerk.validated(TWO)
    clerk.approve(one)
    elsewhere = Desk(clerk.engine, clerk.org, clerk.owner, entities=frozenset({"le_uk"}))
    for act in ("pause", "resume", "cancel"):
        with pytest.raises(Refusal, match="FORBIDDEN"):
            elsewhere.act(f"import.{act}", one)
    with pytest.raises(Refusal, match="FORBIDDEN"):
        elsewhere.upload(TWO)
    assert clerk.row(one).status is ImportStatus.EXECUTING


@pytest.mark.parametrize(
    ("fallback", "role", "user"), [("ar_clerk", "ar_clerk", None), ("u_boss", None, "u_boss")], ids=["role", "person"]
)
@pytest.mark.parametrize(("end", "how"), [("approve", "DECIDED"), ("withdraw", "WITHDRAWN"), ("cancel", "CANCELLED")])
def test_an_overdue_review_is_on_one_desk_until_somebody_has_seen_to_it(
    clerk: Desk, fallback: str, role: str | None, user: str | None, end: str, how: str
) -> None:
    one = clerk.validated(TWO)
    late = """UPDATE customer_imports SET steps = jsonb_set(jsonb_set(steps, '{0,due_at}', :due), '{0,fallback}', :to)
      WHERE id = :id"""
    overdue(clerk.engine, clerk.org, one)
    assert on_desks(clerk, one) == [], "it is not late"
    clerk.run_sql(late, due='"2026-01-01T00:00:00Z"', to=json.dumps(fallback), id=one)
    for _ in range(2):
        overdue(clerk.engine, clerk.org, one)
    about = {"import_id": one, "step": 2, "role": "manager"}
    desk = ("import_overdue", "REVIEW_OVERDUE", role, user, "le_us")
    assert on_desks(clerk, one) == [(*desk, "open", None, about)]
    assert trail(clerk, one)[-1] == ("import.review_overdue", None, "arflow", {"step": 2, "fallback": fallback})
    if end == "approve":
        clerk.decide(one, ReviewDecision.model_validate({"decision": "approve"}), "u_manager")
    else:
        clerk.act(f"import.{end}", one)
    assert on_desks(clerk, one) == [(*desk, "resolved", how, about)]


def test_a_review_is_decided_when_there_is_one_by_a_word_it_knows_and_in_turn(clerk: Desk) -> None:
    def said(import_id: str, **body: Any) -> Refusal:
        kept = clerk._kept("import.decide", import_id, KeptDecision.model_validate(body), "ar_manager", "u_manager")
        with pytest.raises(Refusal) as no:
            execute(clerk.engine, clerk.org, kept.command_id)
        return no.value

    one = clerk.upload(TWO)
    no = said(one, decision="approve")
    assert (no.code, no.detail) == (
        "IMPORT_NOT_AWAITING_REVIEW", "The import is STAGING: there is nothing to decide yet.",
    )  # fmt: skip
    clerk.act("import.cancel", one)
    no = said(one, decision="approve")
    assert (no.code, no.detail, no.extra["status_now"]) == (
        "IMPORT_CLOSED", "The import has ended: CANCELLED.", "CANCELLED",
    )  # fmt: skip
    two = clerk.validated(TWO)
    no = said(two, decision="return", reason_code="TYPO")
    words = "An import is approved or rejected: a corrected file is uploaded anew."
    assert (no.code, no.detail) == ("VALIDATION_FAILED", words)
    assert [(e.loc, e.code, e.detail) for e in no.errors] == [("/decision", "FIELD_INVALID", words)]
    assert clerk.row(two).status is ImportStatus.AWAITING_REVIEW


def test_a_batch_is_done_by_the_last_attempt_only_and_while_nobody_holds_the_import(clerk: Desk) -> None:
    one = clerk.validated(TWO, batch_size=1)
    clerk.approve(one)
    attempts = [claim(clerk.engine, clerk.org, one, ImportStatus.EXECUTING) for _ in range(2)]
    first, last = (n for n in attempts if n is not None)
    for batch in (_next_batch, _next_by_rows):
        assert batch(clerk.engine, clerk.org, one, first) is None
    clerk.act("import.pause", one)
    for batch in (_next_batch, _next_by_rows):
        assert batch(clerk.engine, clerk.org, one, last) is None
    assert (clerk.row(one).executed_rows, clerk.row(one).created) == (0, 0)
    clerk.act("import.resume", one)
    assert (_next_batch(clerk.engine, clerk.org, one, last), clerk.row(one).created) == (1, 1)


def test_what_is_judged_is_counted_slice_by_slice_and_a_file_of_no_rows_ends_with_its_reason(
    clerk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(validation, "SLICE", 2)
    one = clerk.upload(table([("One", "one@x.com"), ("Two", "nonsense"), ("Three", "three@x.com")]))
    staging.stage(clerk.engine, clerk.org, one, lambda _: None)
    validation.validate(clerk.engine, clerk.org, one, lambda _: None, -1)
    row = clerk.row(one)
    assert (row.validated_rows, row.valid_rows, row.error_rows) == (2, 1, 1)
    empty = clerk.upload(table([]))
    staging.stage(clerk.engine, clerk.org, empty, lambda _: None)
    said = trail(clerk, empty)[-1]
    assert said[:3] == ("import.ended", "NO_ROWS", "arflow")
    assert (said[3]["status"], said[3]["failure"]["code"], said[3]["failure"]["line"]) == ("FAILED", "NO_ROWS", 2)
    assert [row[:4] for row in on_desks(clerk, empty)] == [("import_failed", "FILE_UNREADABLE", None, "u_clerk")]


def test_a_row_is_warned_of_a_name_much_like_a_customers_or_an_earlier_rows(clerk: Desk) -> None:
    """Whichever of the two comes first in the alphabet; customers that are alike among themselves are nobody's row."""
    clerk.customers(*({"name": name, "email": f"{n}@known.com"} for n, name in enumerate(
        ("Meridian Traders", "Northwind Shippers", "Northwind Shiperss", "Store Nine 12"))))  # fmt: skip
    one = clerk.validated(table([
        ("Meridian Tradersz", "a@x.com"), ("Meridian Trader", "b@x.com"), ("Store Nine 13", "c@x.com"),
        ("Quite Another", "d@x.com"), ("Zebra Crossing Works", "e@x.com"), ("Zebra Crossing Workz", "f@x.com"),
    ]))  # fmt: skip
    rows = clerk.sql(
        "SELECT row_no, warnings FROM import_rows WHERE org_id = :org AND import_id = :id ORDER BY row_no", id=one
    )
    assert [r["row_no"] for r in rows if "NAME_SIMILAR" in (r["warnings"] or ())] == [1, 2, 6]


def test_a_saved_mapping_is_answered_kept_and_in_the_trail_with_what_it_was(clerk: Desk) -> None:
    def save(mapping: dict[str, str | None]) -> ImportMapping:
        body = NamedMapping.model_validate({"name": "Ours", "source": "csv", "mapping": mapping})
        kept = clerk._kept("import.save_mapping", clerk.org, body, "ar_clerk")
        return execute(clerk.engine, clerk.org, kept.command_id).read(ImportMapping)

    first: dict[str, str | None] = {"Firm": "name", "Mail": "email"}
    second: dict[str, str | None] = {"Firm": "name", "Junk": None}
    assert [dict(save(mapping).mapping) for mapping in (first, second)] == [first, second]
    said = [row for row in trail(clerk, clerk.org) if row[0] == "import.mapping_saved"]
    assert [(who, payload) for _, _, who, payload in said] == [
        ("u_clerk", {"name": "Ours", "before": None, "after": first}),
        ("u_clerk", {"name": "Ours", "before": first, "after": second}),
    ]
