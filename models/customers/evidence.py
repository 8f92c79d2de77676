"""The evidence of a change as a document that proves itself: the change, and its audit chain with salts and hashes.

Pure: `faults` needs nothing but the document, so it can be asked years later, without the database. What it shows is that
the chain is whole and that the change says what the chain says. That the chain is the organisation's own shows by its
head's hash, which the database (and each daily seal) holds too.
"""

import json
import re
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from models.audit.chain import AuditEvent, breaches

FORMAT: Final = "arflow.customer-change-evidence/1"
ATTACHMENT: Final = "evidence.json"
_DECIDED: Final = (
    "round",
    "step",
    "role",
    "decision",
    "decided_by",
    "on_behalf_of",
    "reason_code",
    "comment",
    "channel",
)
_EMBEDDED: Final = re.compile(
    rb"<<(?:(?!endobj|stream).)*?/EmbeddedFile\b(?:(?!endobj).)*?stream\r?\n(.*?)endstream", re.S
)


class EvidenceUnreadable(Exception):
    """The file is neither an evidence packet nor its JSON."""


_PLAIN: Final = (
    "org_id",
    "subject_id",
    "seq",
    "actor",
    "action",
    "reason_code",
    "request_id",
    "workflow_id",
    "payload",
)
_BINARY: Final = ("salt", "digest", "prev_hash", "hash")


def event_document(e: Any) -> dict[str, Any]:
    """One link of the chain (a row) with everything that its hash covers; bytes as hex."""
    document = {k: e[k] for k in _PLAIN} | {"at": e["at"].astimezone(UTC).isoformat()}
    return document | {k: None if e[k] is None else bytes(e[k]).hex() for k in _BINARY}


def _event(document: Mapping[str, Any]) -> AuditEvent:
    binary: dict[str, Any] = {k: None if document[k] is None else bytes.fromhex(document[k]) for k in _BINARY}
    return AuditEvent(at=datetime.fromisoformat(document["at"]), **{k: document[k] for k in _PLAIN}, **binary)


def read(raw: bytes) -> dict[str, Any]:
    """The evidence in a packet (PDF, by its attachment) or in its JSON. Raises EvidenceUnreadable."""
    if raw.startswith(b"%PDF"):
        raw = _attached(raw)
    try:
        document = json.loads(raw)
    except ValueError:
        raise EvidenceUnreadable("the file holds no evidence") from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise EvidenceUnreadable(f"the file is not {FORMAT}")
    return document


def _attached(pdf: bytes) -> bytes:
    for stream in _EMBEDDED.findall(pdf):
        try:
            content = zlib.decompressobj().decompress(stream)
        except zlib.error:
            content = stream
        if FORMAT.encode() in content:
            return bytes(content)
    raise EvidenceUnreadable("the PDF has no evidence attached")


def faults(document: Mapping[str, Any]) -> list[str]:
    """What is wrong with the evidence; nothing, if the chain is whole and the change says what the chain says."""
    try:
        trail, head = [_event(e) for e in document["trail"]], document["head"]
        found = breaches(trail, (head["seq"], bytes.fromhex(head["hash"])))
        return found + _contradictions(document["change"], trail)
    except (KeyError, TypeError, ValueError) as error:
        return [f"the evidence is incomplete: {type(error).__name__} {error}"]


def _contradictions(change: Mapping[str, Any], trail: list[AuditEvent]) -> list[str]:
    found = [f"event {e.seq} is another subject's" for e in trail if e.subject_id != change["id"]]
    if any(e.payload is None for e in trail):
        return found  # erased: nothing is left to compare
    said = [(e, json.loads(e.payload or "null")) for e in trail]
    submitted = [(e, p) for e, p in said if e.action == "customer.change.submitted"]
    if len(submitted) != 1 or submitted[0][0].actor != change["submitted_by"]:
        found.append("the submitter is not the trail's")
    diffs = [p["diff"] for e, p in said if e.action in {"customer.change.submitted", "customer.change.resubmitted"}]
    if not diffs or diffs[-1] != change["diff"]:
        found.append("the diff is not the trail's")
    decided = [{k: p[k] for k in _DECIDED} for e, p in said if e.action == "customer.change.decided"]
    if decided != [{k: d[k] for k in _DECIDED} for d in change["decisions"]]:
        found.append("the decisions are not the trail's")
    if (change["status"] == "APPROVED") != any(e.action == "customer.change.executed" for e, _ in said):
        found.append("the status is not the trail's")
    return found
