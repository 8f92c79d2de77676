"""Gathering the evidence of a change, and printing it as a PDF/A-3 packet with the evidence itself attached.

The same state gives the same bytes: the packet's date is that of the last event in the trail.
"""

import json
from datetime import datetime
from typing import Any, Final

import typst
from sqlalchemy import RowMapping

from models.customers.evidence import ATTACHMENT, FORMAT, event_document
from models.db.engine import Tx, to_json
from operations.customers.view import change_body

_TEMPLATE: Final = r"""
#let e = json(bytes(sys.inputs.evidence))
#let c = e.change
#let text-of(v) = if v == none { "-" } else if type(v) == str { v } else { json.encode(v, pretty: false) }
#let mono(v) = text(font: "DejaVu Sans Mono", size: 7pt, text-of(v))
#set document(title: "Evidence of change " + c.id, author: "arflow", date: datetime(
  year: int(sys.inputs.year), month: int(sys.inputs.month), day: int(sys.inputs.day)))
#set page(paper: "a4", margin: 18mm, numbering: "1 / 1")
#set text(size: 9pt, lang: "en")
#set table(stroke: 0.4pt + luma(180), inset: 4pt)
#pdf.attach(sys.inputs.name, bytes(sys.inputs.evidence), relationship: "data", mime-type: "application/json",
  description: "The evidence in machine-readable form: arflow verify-evidence checks it")
= Evidence of change #text(size: 12pt, c.id)
#table(columns: (auto, 1fr),
  [Operation], text-of(c.operation), [Status], text-of(c.status), [Lane], text-of(c.lane), [Customer], text-of(c.customer_id),
  [Submitted by], text-of(c.submitted_by), [Submitted at], text-of(c.submitted_at), [Reason], text-of(c.reason_code),
  [Process], text-of(c.workflow_id))
== Who decided
#table(columns: (auto, auto, auto, 1fr, auto, auto, 1fr),
  [*Round*], [*Step*], [*Role*], [*Person*], [*Decision*], [*When*], [*Why*],
  ..c.decisions.map(d => (text-of(d.round), text-of(d.step), text-of(d.role),
    text-of(d.decided_by) + (if d.on_behalf_of == none { "" } else { " for " + d.on_behalf_of }),
    text-of(d.decision), text-of(d.decided_at), text-of(d.reason_code) + " " + text-of(d.comment))).flatten())
== The steps
#table(columns: (auto, 1fr, 1fr, 1fr, 1fr, 1fr), [*Step*], [*Role*], [*Status*], [*Began*], [*Due*], [*Ended*],
  ..c.steps.map(s => (text-of(s.step), text-of(s.role), text-of(s.status), text-of(s.started_at), text-of(s.due_at),
    text-of(s.decided_at))).flatten())
== What changed
#table(columns: (1fr, 1fr, 1fr), [*Path*], [*Before*], [*After*],
  ..c.diff.map(d => (mono(d.path), mono(d.before), mono(d.after))).flatten())
#if c.warnings.len() > 0 [
  == Warnings that stood before every approver
  #for w in c.warnings [- #text-of(w.code): #text-of(w.detail)]
]
== The audit chain
#table(columns: (auto, auto, 1fr, 1fr), [*No.*], [*When*], [*Who did what*], [*Hash*],
  ..e.trail.map(t => (text-of(t.seq), text-of(t.at), text-of(t.actor) + ": " + text-of(t.action), mono(t.hash))).flatten())
Head of the chain: event #e.head.seq, hash #mono(e.head.hash).
Each hash covers its predecessor's, so no event can be changed, left out or added without changing the head. The file
#raw(sys.inputs.name) is attached to this document; `arflow verify-evidence` recomputes every hash from it.
"""


def evidence(tx: Tx, change: RowMapping) -> dict[str, Any]:
    """The change and its whole audit chain."""
    sql = "SELECT * FROM audit_events WHERE org_id = :org AND subject_id = :id ORDER BY seq"
    trail = [event_document(e) for e in tx.all(sql, id=change["id"])]
    head = tx.one("SELECT seq, hash FROM audit_heads WHERE org_id = :org AND subject_id = :id", id=change["id"])
    return {
        "format": FORMAT,
        "change": change_body(tx, change["id"]),
        "trail": trail,
        "head": None if head is None else {"seq": head["seq"], "hash": bytes(head["hash"]).hex()},
    }


def packet(document: dict[str, Any]) -> bytes:
    """The evidence as PDF/A-3b. Where no font has a character, the print escapes it; the attachment never does."""
    try:
        return _compile(to_json(document), document)
    except typst.TypstError:
        return _compile(
            json.dumps(json.loads(to_json(document))).replace("\\u", "\\\\u"), document, plain=to_json(document)
        )


def _compile(shown: str, document: dict[str, Any], plain: str | None = None) -> bytes:
    at = datetime.fromisoformat(document["trail"][-1]["at"])
    template = _TEMPLATE
    inputs = {"evidence": shown, "name": ATTACHMENT, "year": str(at.year), "month": str(at.month), "day": str(at.day)}
    if plain is not None:
        inputs["attached"] = plain
        template = template.replace(
            "bytes(sys.inputs.evidence), relationship", "bytes(sys.inputs.attached), relationship"
        )
    made = typst.compile(
        template.encode(), format="pdf", sys_inputs=inputs, pdf_standards=["a-3b"], timestamp=int(at.timestamp())
    )
    assert isinstance(made, bytes)
    return made
