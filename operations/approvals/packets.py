"""Printing the evidence of an approval as a PDF/A-3 packet with the evidence itself attached.

The same state gives the same bytes: the packet's date is that of the last event in the trail.
"""

import json
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Protocol

from models.approvals.evidence import ATTACHMENT, EvidenceEventAnswer
from models.db.tx import to_json
from models.errors import Refusal

_TEMPLATE: Final = Path(__file__).with_name("packet.typ").read_bytes()


class Proved(Protocol):
    """Evidence of whatever kind."""

    @property
    def trail(self) -> Sequence[EvidenceEventAnswer]: ...


def packet(document: Proved) -> bytes:
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


def _compile(shown: str, attached: str, document: Proved) -> bytes:
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
