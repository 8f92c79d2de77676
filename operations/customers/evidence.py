"""Gathering the evidence of a change, and printing it as a PDF/A-3 packet with the evidence itself attached.

The same state gives the same bytes: the packet's date is that of the last event in the trail.
"""

import json
from pathlib import Path
from typing import Final

import typst

from models.customers.change_records import Change
from models.customers.evidence import ATTACHMENT, EvidenceAnswer, evidence_answer
from models.db.customers import evidence as store
from models.db.tx import Tx, to_json

_TEMPLATE: Final = Path(__file__).with_suffix(".typ").read_bytes()


def evidence(tx: Tx, change: Change) -> EvidenceAnswer:
    """The change and its whole audit chain."""
    return evidence_answer(change, store.trail(tx, change.id), store.head(tx, change.id))


def packet(document: EvidenceAnswer) -> bytes:
    """The evidence as PDF/A-3b. Where no font has a character, the print escapes it; the attachment never does."""
    exact = to_json(document)
    try:
        return _compile(exact, exact, document)
    except typst.TypstError:
        return _compile(json.dumps(json.loads(exact)).replace("\\u", "\\\\u"), exact, document)


def _compile(shown: str, attached: str, document: EvidenceAnswer) -> bytes:
    at = document.trail[-1].at
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
