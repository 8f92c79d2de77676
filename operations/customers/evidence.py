"""Gathering the evidence of a change, and printing it as a PDF/A-3 packet with the evidence itself attached.

The same state gives the same bytes: the packet's date is that of the last event in the trail.
"""

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from models.customers.change_records import Change
from models.customers.evidence import ATTACHMENT, EvidenceAnswer, evidence_answer
from models.db.customers import evidence as store
from models.db.tx import Tx, to_json
from models.errors import Refusal

_TEMPLATE: Final = Path(__file__).with_suffix(".typ").read_bytes()


def evidence(tx: Tx, change: Change) -> EvidenceAnswer:
    """The change and its whole audit chain."""
    return evidence_answer(change, store.trail(tx, change.id), store.head(tx, change.id))


def packet(document: EvidenceAnswer) -> bytes:
    """The evidence as PDF/A-3b. Where no font has a character, the print escapes it; the attachment never does.
    Refusal NOT_ACCEPTABLE where no printer is installed (the extra `pdf`)."""
    if find_spec("typst") is None:
        raise Refusal(
            "NOT_ACCEPTABLE", "This server prints no PDF (arflow[pdf] is not installed): ask for application/json."
        )
    import typst

    exact = to_json(document)
    try:
        return _compile(exact, exact, document)
    except typst.TypstError:
        return _compile(json.dumps(json.loads(exact)).replace("\\u", "\\\\u"), exact, document)


def _compile(shown: str, attached: str, document: EvidenceAnswer) -> bytes:
    at = document.trail[-1].at
    day = {"year": str(at.year), "month": str(at.month), "day": str(at.day)}
    import typst

    made = typst.compile(
        _TEMPLATE,
        format="pdf",
        sys_inputs={"evidence": shown, "attached": attached, "name": ATTACHMENT} | day,
        pdf_standards=["a-3b"],
        timestamp=int(at.timestamp()),
    )
    assert isinstance(made, bytes)
    return made
