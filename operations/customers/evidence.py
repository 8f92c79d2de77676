"""Gathering the evidence of a change, and printing it as a PDF/A-3 packet with the evidence itself attached.

The same state gives the same bytes: the packet's date is that of the last event in the trail.
"""

import json
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import typst

from models.customers.evidence import ATTACHMENT, FORMAT, event_document
from models.db.tx import Row, Tx, to_json
from operations.customers.view import change_body

_TEMPLATE: Final = Path(__file__).with_suffix(".typ").read_bytes()


def evidence(tx: Tx, change: Row) -> dict[str, Any]:
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
    exact = to_json(document)
    try:
        return _compile(exact, exact, document)
    except typst.TypstError:
        return _compile(json.dumps(json.loads(exact)).replace("\\u", "\\\\u"), exact, document)


def _compile(shown: str, attached: str, document: dict[str, Any]) -> bytes:
    at = datetime.fromisoformat(document["trail"][-1]["at"])
    day = {"year": str(at.year), "month": str(at.month), "day": str(at.day)}
    made = typst.compile(
        _TEMPLATE,
        format="pdf",
        sys_inputs={"evidence": shown, "attached": attached, "name": ATTACHMENT} | day,
        pdf_standards=["a-3b"],
        timestamp=int(at.timestamp()),
    )
    assert isinstance(made, bytes)
    return made
