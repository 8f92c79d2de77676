"""The evidence of an approval and of a change: whole as it was made, at fault wherever it says something else than its trail."""

import hashlib
import json
import zlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, timedelta, timezone
from typing import Any

import pytest

from models.approvals.approval import Approval, Authority, RoleLimit
from models.approvals.approval_answer import approval_answer
from models.approvals.chain import ChangeStatus, Decision, decide, executed, open_chain
from models.approvals.evidence import (
    APPROVAL_FORMAT,
    DECIDED,
    EvidenceUnreadable,
    approval_evidence,
    event_answer,
    event_of,
)
from models.approvals.plan import steps_of_roles
from models.approvals.records import StepDecision
from models.audit.chain import SALT_BYTES, AuditEvent, link_hash, seal_leaf
from models.audit.seals import STAMPED_FORMAT, SealedTrailAnswer, StampedSealAnswer
from models.customers.change_records import Change
from models.customers.diff import Difference
from models.customers.evidence import FORMAT, evidence_answer
from models.db.tx import to_json
from models.inbox.evidence import faults, read, what, whole
from tests.rules.test_approval_chain import NOW, person

SAID = StepDecision(
    id="dec_1", round=1, step=1, role="controller", decision=Decision.APPROVE, decided_by="u_c", on_behalf_of="u_d",
    reason_code=None, comment="seen", channel="api", decided_at=NOW,
)  # fmt: skip
Said = tuple[str, str, dict[str, Any]]
"""Who did what, and what was written of it."""
DECIDED_EVENT = {name: getattr(SAID, name) for name in DECIDED}
DIFF = [{"path": "/name", "before": None, "after": "A"}]


def trail(subject: str, *said: Said) -> list[AuditEvent]:
    """A whole chain of who did what."""
    events: list[AuditEvent] = []
    for seq, (actor, action, payload) in enumerate(said, 1):
        text, salt = json.dumps(payload), bytes([seq]) * SALT_BYTES
        at = (NOW + timedelta(seconds=seq)).astimezone(timezone(timedelta(hours=2)))
        blank = AuditEvent(
            "org_x", subject, seq, at, actor, action, "R" if seq > 1 else None, "req_1", "wf_1", text, salt,
            hashlib.sha256(salt + text.encode()).digest(), events[-1].hash if events else b"", b"",
        )  # fmt: skip
        events.append(replace(blank, hash=link_hash(blank)))
    return events


APPROVAL_TRAIL: tuple[Said, ...] = (
    ("u_clerk", "approval.submitted", {"amount": 1}), ("u_c", "approval.decided", DECIDED_EVENT),
    ("u_c", "approval.executed", {}),
)  # fmt: skip
CHANGE_TRAIL: tuple[Said, ...] = (
    ("u_clerk", "customer.change.submitted", {"diff": []}), ("u_clerk", "customer.change.resubmitted", {"diff": DIFF}),
    ("u_c", "customer.change.decided", DECIDED_EVENT), ("u_c", "customer.change.executed", {}),
)  # fmt: skip


def _chain():
    chain = open_chain("u_clerk", steps_of_roles(("controller",)), NOW)
    return executed(decide(chain, person("u_c", "controller"), Decision.APPROVE, NOW))


def _approval(**fields: object) -> Approval:
    kept = Approval(
        id="apr_1", legal_entity_id="le_us", submitted_at=NOW, workflow_id="wf_1", warnings=[], chain=_chain(), decisions=(SAID,),
        kind="write_off", subject_id="wo_1", customer_id=None, summary="S", href="/v1/x", amount_minor=5, currency_code="USD",
        reason_code=None, request=None, command_id="cmd_1",
        authority=Authority(version=2, functional_minor=5, submitter=RoleLimit(role="ar_clerk", limit_minor=1), steps=[]),
    )  # fmt: skip
    return replace(kept, **fields)  # type: ignore[arg-type]


def _change(**fields: object) -> Change:
    kept = Change(
        id="chg_1", operation="create", customer_id="cust_1", legal_entity_id="le_us", entities=["le_us"], external_id=None,
        mode=None, force=False, reason_code=None, submitted_at=NOW, command_id="cmd_1", workflow_id="wf_1", body_hash="",
        base_version=None, request={}, diff=[Difference(path="/name", before=None, after="A")], warnings=[], chain=_chain(),
        decisions=(SAID,),
    )  # fmt: skip
    return replace(kept, **fields)  # type: ignore[arg-type]


def of_approval(said=APPROVAL_TRAIL, sealed: SealedTrailAnswer | None = None, **fields: object) -> dict[str, Any]:
    events = trail("apr_1", *said)
    head = (len(events), events[-1].hash)
    found: dict[str, Any] = json.loads(
        to_json(approval_evidence(approval_answer(_approval(**fields)), events, head, sealed))
    )
    return found


def of_change(said=CHANGE_TRAIL, sealed: SealedTrailAnswer | None = None, **fields: object) -> dict[str, Any]:
    events = trail("chg_1", *said)
    head = (len(events), events[-1].hash)
    found: dict[str, Any] = json.loads(to_json(evidence_answer(_change(**fields), events, head, sealed)))
    return found


BOTH = pytest.mark.parametrize("made", [of_approval, of_change])


@BOTH
def test_what_was_made_is_whole_also_as_an_earlier_build_made_it(made: Callable[..., dict[str, Any]]) -> None:
    document = made()
    assert document["format"] == (APPROVAL_FORMAT if made is of_approval else FORMAT)
    assert (document["signature"], document["sealed"], document["head"]["seq"]) == (None, None, len(document["trail"]))
    assert faults(document) == []
    del document["sealed"]
    assert faults(document) == []
    assert whole(document).sealed is None
    assert what(whole(document)) == ("apr_1: write_off APPROVED" if made is of_approval else "chg_1: create APPROVED")


def test_a_link_is_shown_with_all_that_its_hash_covers() -> None:
    (event,) = trail("apr_1", APPROVAL_TRAIL[0])
    assert event_of(event_answer(event)) == event
    assert event_answer(event).at.tzinfo is UTC
    erased = replace(event, payload=None, salt=None)
    assert event_of(event_answer(erased)) == erased


@BOTH
@pytest.mark.parametrize(("alter", "found"), [
    (lambda d, _: d["trail"].pop(), "the head does not match the last event"),
    (lambda d, _: d["trail"].pop(1), "event 2 is missing"),
    (lambda d, _: d.update(head=None), "the chain has no head"),
    (lambda d, _: d["head"].update(hash="00"), "the head does not match the last event"),
    (lambda d, _: d["trail"][1].update(actor="u_nobody"), "event 2 was altered"),
    (lambda d, _: d.pop("head"), "the evidence is incomplete: ValidationError"),
    (lambda d, _: d["trail"][0].update(hash="no hex"), "the evidence is incomplete: ValueError"),
    (lambda d, of: d[of].update(submitted_by="u_other"), "the submitter is not the trail's"),
    (lambda d, of: d[of].update(status="REJECTED"), "the status is not the trail's"),
    (lambda d, of: d[of].update(id="x"), "event 1 is another subject's"),
    (lambda d, of: d[of]["decisions"].pop(), "the decisions are not the trail's"),
    *((lambda d, of, n=name: d[of]["decisions"][0].update({n: "reject" if n == "decision" else "signal" if n == "channel" else 7
       if n in ("round", "step") else "x"}), "the decisions are not the trail's") for name in DECIDED),
])  # fmt: skip
def test_what_is_altered_shows(
    made: Callable[..., dict[str, Any]], alter: Callable[[Any, str], Any], found: str
) -> None:
    document = made()
    alter(document, "approval" if made is of_approval else "change")
    assert any(found in fault for fault in faults(document)), faults(document)


def test_the_record_is_held_to_what_the_trail_says() -> None:
    submitted, decided, done = APPROVAL_TRAIL
    assert faults(of_approval((submitted, decided))) == ["the status is not the trail's"]
    assert faults(of_approval((decided, done))) == ["the submitter is not the trail's"]
    assert faults(of_approval((submitted, submitted, decided, done))) == ["the submitter is not the trail's"]
    assert faults(of_approval((submitted, done))) == ["the decisions are not the trail's"]
    read_in: tuple[Said, ...] = (("u_clerk", "import.submitted", {}), ("u_c", "import.decided", DECIDED_EVENT))
    assert faults(of_approval(read_in, kind="import")) == [], "an import is carried out in a trail of its own"
    first, again, said, carried = CHANGE_TRAIL
    assert faults(of_change((first, said, carried))) == ["the diff is not the trail's"]
    assert faults(of_change((("u_clerk", "customer.change.submitted", {"diff": DIFF}), said, carried))) == []
    assert faults(of_change((again, said, carried))) == ["the submitter is not the trail's"]
    assert faults(of_change((said, carried))) == ["the submitter is not the trail's", "the diff is not the trail's"]
    assert faults(of_change((first, again, said))) == ["the status is not the trail's"]
    assert faults(of_change((first, first, again, said, carried))) == ["the submitter is not the trail's"]
    pending = open_chain("u_clerk", steps_of_roles(("controller",)), NOW)
    assert faults(of_change((first, again), chain=pending, decisions=())) == []
    assert ChangeStatus(of_change(chain=pending)["change"]["status"]) is ChangeStatus.PENDING_APPROVAL


@BOTH
def test_of_what_was_erased_nothing_is_left_to_compare(made: Callable[..., dict[str, Any]]) -> None:
    document = made()
    document["trail"][0].update(payload=None, salt=None)
    assert faults(document) == []
    document["approval" if made is of_approval else "change"]["id"] = "x"
    assert [f"event {n} is another subject's" for n in range(1, len(document["trail"]) + 1)] == faults(document)


def test_a_seal_that_does_not_cover_the_chain_shows() -> None:
    seal = StampedSealAnswer(
        format=STAMPED_FORMAT, org_id="org_x", sealed_at=NOW, heads=1, root="00", stored=1, stored_root="00", signature=None,
        stamp=None,
    )  # fmt: skip
    assert faults(of_approval(sealed=SealedTrailAnswer(seal=seal, seq=1, path=[]))) == [
        "the seal does not cover the chain: its path does not lead to the root"
    ]
    other = SealedTrailAnswer(seal=replace(seal, org_id="org_y"), seq=1, path=[])
    for document in (of_approval(sealed=other), of_change(sealed=other)):
        assert "another organisation's" in faults(document)[0]
    document = of_approval(APPROVAL_TRAIL[:1], sealed=other)
    document["trail"][0].update(actor="x")
    assert len(faults(document)) > 2, "what the seal says is said beside all the rest"
    leaf = seal_leaf("apr_1", 1, trail("apr_1", APPROVAL_TRAIL[0])[0].hash).hex()
    covering = SealedTrailAnswer(seal=replace(seal, stored_root=leaf), seq=1, path=[])
    assert faults(of_approval(sealed=covering)) == []
    assert approval_evidence(approval_answer(_approval()), [], None).head is None


def pdf(*attached: bytes) -> bytes:
    """What matters here of a PDF: its embedded files."""
    objects = (
        b"1 0 obj << /Type /EmbeddedFile /Length 9 >> stream\r\n" + one + b"endstream endobj\n" for one in attached
    )
    return b"%PDF-1.7\n" + b"".join(objects) + b"%%EOF"


def test_evidence_is_found_in_its_json_and_in_its_packet() -> None:
    text = json.dumps(of_approval()).encode()
    other = b"an invoice"
    for raw in (
        text,
        pdf(text),
        pdf(other, zlib.compress(other), zlib.compress(text)),
        pdf(zlib.compress(text) + b"\n"),
    ):
        assert read(raw)["approval"] == of_approval()["approval"]
    unsigned = {k: v for k, v in of_approval().items() if k != "signature"}
    assert read(json.dumps(unsigned).encode())["signature"] is None
    signed = of_approval() | {"signature": {"algorithm": "X"}}
    assert read(json.dumps(signed).encode())["signature"] == {"algorithm": "X"}


@pytest.mark.parametrize(
    "raw", [b"", b"[]", b"{", b'{"format": "other"}', b"%PDF-1.7", pdf(b"other"), b" " + pdf(b"{}")]
)
def test_what_is_no_evidence_is_said_to_be_none(raw: bytes) -> None:
    with pytest.raises(EvidenceUnreadable, match="evidence"):
        read(raw)


def test_money_that_leaves_and_what_is_deleted_for_good_are_red() -> None:
    assert [_approval(kind=kind).lane for kind in ("refund", "write_off")] == ["red", "yellow"]
    assert [_change(operation=operation).lane for operation in ("delete", "create")] == ["red", "yellow"]
