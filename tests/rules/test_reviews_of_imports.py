"""The review of an import as a chain of approvals: kept with it, shown to whoever sees all that it touches."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from models.access import Principal
from models.approvals.chain import Decision, decide, delegate, open_chain
from models.approvals.deadlines import escalated
from models.approvals.plan import PlannedStep
from models.imports.checked import RowFault
from models.imports.records import Import, ImportRow, ImportStatus, Pull
from models.imports.requests import ImportOptions
from models.imports.review import as_seen, chain_of, covers, notice_of, review_of, steps_of
from models.imports.summary import ImportChanges, ImportSummary, PlannedOutcomes

NOW = datetime(2026, 3, 10, 12, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)
SUMMARY = ImportSummary(
    codes={}, sample_rows={}, would=PlannedOutcomes(create=1, update=1, skip=0, fail=0), credit_limits=[],
    changes=ImportChanges(credit_limit_or_terms=0, first=[], rows=[]), legal_entities=["le_uk"],
)  # fmt: skip
FILE = Import(
    id="imp_1", status=ImportStatus.AWAITING_REVIEW, source="csv", options=ImportOptions(source="csv", legal_entity_id="le_us"),
    options_hash="o", file_name="f", file_hash="h", file_bytes=1, legal_entity_id="le_us", submitted_by="u_clerk", entities=None,
    command_id="cmd_1", request_id="req_1", workflow_id="wf_1", batch_size=100, created_at=NOW, summary=SUMMARY,
)  # fmt: skip
MANAGER, OTHER = (Principal(user, "org", frozenset({"manager"})) for user in ("u_m", "u_n"))


def _reviewed():
    """Two managers' steps: given away and decided the one, overdue the other."""
    steps = [PlannedStep("manager", HOUR, 2 * HOUR, "u_boss"), PlannedStep("manager", 3 * HOUR, 4 * HOUR, "cfo")]
    chain = delegate(open_chain("u_clerk", steps, NOW), MANAGER, 1, "u_n", NOW + HOUR, NOW)
    chain = decide(chain, OTHER, Decision.APPROVE, NOW + HOUR / 2, reason="R", comment="seen")
    late = escalated(chain, 2, NOW + 9 * HOUR)
    assert late is not None
    return late


def test_a_chain_is_kept_with_its_import_as_it_is() -> None:
    chain = _reviewed()
    kept = replace(FILE, steps=steps_of(chain))
    assert chain_of(kept) == chain
    assert (kept.steps[0].remind_after, kept.steps[1].escalate_after) == (3600, 4 * 3600)
    review = review_of(kept)
    assert (review.id, review.chain, review.file, review.about, review.whose) == ("imp_1", chain, kept, "import", "")
    assert (review.legal_entity_id, review.submitted_at, review.workflow_id, review.warnings) == (
        "le_us",
        NOW,
        "wf_1",
        (),
    )
    assert [replace(review, file=replace(kept, lane=lane)).lane for lane in ("red", "yellow")] == ["red", "yellow"]


def test_once_all_have_approved_the_import_is_carried_out() -> None:
    chain = _reviewed()
    review = review_of(replace(FILE, steps=steps_of(chain)))
    waiting = review.moved_to(chain, NOW)
    assert (waiting.file.status, waiting.file.started_at, waiting.closed_at) == (
        ImportStatus.AWAITING_REVIEW,
        None,
        None,
    )
    third = Principal("u_x", "org", frozenset({"manager"}))
    done = review.moved_to(decide(chain, third, Decision.APPROVE, NOW), NOW)
    assert (done.file.status, done.file.started_at, done.chain.complete) == (ImportStatus.EXECUTING, NOW, True)
    assert chain_of(done.file) == done.chain
    again = replace(review, file=replace(review.file, started_at=NOW - HOUR)).moved_to(done.chain, NOW)
    assert again.file.started_at == NOW - HOUR
    no = review.moved_to(decide(chain, third, Decision.REJECT, NOW, reason="R"), NOW)
    assert (no.file.status, no.file.started_at) == (ImportStatus.AWAITING_REVIEW, None)


@pytest.mark.parametrize(("entities", "all_of_it"), [
    (None, True), (frozenset({"le_us", "le_uk", "le_x"}), True), (frozenset({"le_us"}), False), (frozenset({"le_uk"}), False),
])  # fmt: skip
def test_what_it_would_change_is_shown_to_whoever_sees_all_of_it(
    entities: frozenset[str] | None, all_of_it: bool
) -> None:
    assert covers(entities, FILE) is review_of(FILE).is_covered_by(entities) is all_of_it
    assert as_seen(FILE, entities) == (FILE if all_of_it else replace(FILE, summary=replace(SUMMARY, changes=None)))
    early = replace(FILE, summary=None)
    assert covers(entities, early) is (entities is None or "le_us" in entities)
    assert as_seen(early, entities) == early


def test_an_upload_again_is_told_of_the_first() -> None:
    assert notice_of(FILE) == (
        "This file was uploaded with these options by u_clerk at 2026-03-10 12:05 UTC; that import is still under way, and "
        "nothing was begun now. To run the file anew, send it with an Idempotency-Key of its own."
    )
    ended = replace(FILE, status=ImportStatus.COMPLETED, ended_at=NOW + HOUR)
    assert "that import ended as COMPLETED at 2026-03-10 13:05 UTC, and nothing" in notice_of(ended)


def test_a_row_has_the_codes_of_its_outcome_once_it_has_one() -> None:
    row = ImportRow(
        row_no=1, line=2, raw="", errors=[RowFault(None, None, None, "E", "")], warnings=["W", "E"], duplicate=["D"],
        codes=["C", "D"], executed=False, record_id=None, outcome="pending",
    )  # fmt: skip
    assert row.every_code == ["C", "D", "E", "W"]
    assert replace(row, executed=True).every_code == ["C", "D"]
    assert replace(row, errors=None, warnings=None, duplicate=None, codes=None).every_code == []


def test_a_pull_waits_for_its_source_until_its_time() -> None:
    assert [Pull("c", next_attempt_at=at).waits(NOW) for at in (None, NOW, NOW + HOUR)] == [False, False, True]
    pulling = replace(FILE, status=ImportStatus.STAGING, pull=Pull("c"))
    assert (pulling.is_pulling, replace(pulling, pull=None).is_pulling, FILE.is_pulling) == (True, False, False)
    assert not replace(pulling, pull=Pull("c", complete=True)).is_pulling
    assert not replace(pulling, status=ImportStatus.AWAITING_REVIEW).is_pulling
    assert (FILE.is_open, replace(FILE, status=ImportStatus.COMPLETED).is_open) == (True, False)
    with pytest.raises(AssertionError, match="imp_1 is not staged"):
        _ = FILE.staged
