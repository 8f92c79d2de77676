"""What a file is, told from its first bytes, and checked against what its name and content type claim."""

import re
from enum import StrEnum

from statement_readers.fields import unreadable

HEAD_BYTES = 4096


class Format(StrEnum):
    CAMT = "CAMT.053"
    MT940 = "MT940"
    BAI2 = "BAI2"
    OFX = "OFX"
    CSV = "CSV"


_XML = (b"<", b"\xff\xfe<\x00", b"\xfe\xff\x00<")
_OFX = re.compile(rb"\A\s*OFXHEADER\s*:|<\?OFX\b|<OFX>", re.IGNORECASE)
_BAI2 = re.compile(rb"\A01,[^\r\n]*,[^\r\n]*,[^\r\n]*,")
_MT940 = re.compile(rb"(?m)^(?:\{1:F[^\r\n]*)?:(?:20|25|60F|61):|\{4:\s*:20:")

# A neutral name or type (none, .txt, octet-stream, a spreadsheet's type for .csv) claims nothing.
_BY_EXTENSION = {
    "xml": {Format.CAMT, Format.OFX},
    "camt": {Format.CAMT},
    "camt053": {Format.CAMT},
    "053": {Format.CAMT},
    "csv": {Format.CSV},
    "ofx": {Format.OFX},
    "qfx": {Format.OFX},
    "sta": {Format.MT940},
    "mt940": {Format.MT940},
    "940": {Format.MT940},
    "bai": {Format.BAI2},
    "bai2": {Format.BAI2},
}
_BY_CONTENT_TYPE = {
    "text/csv": {Format.CSV},
    "application/xml": {Format.CAMT, Format.OFX},
    "text/xml": {Format.CAMT, Format.OFX},
    "application/x-ofx": {Format.OFX},
    "application/vnd.intu.qfx": {Format.OFX},
}
_NO_STATEMENT = re.compile(r"\A(image|audio|video|font)/|\Aapplication/(pdf|zip|json|gzip)\Z")


def detect(head: bytes, filename: str | None, content_type: str | None) -> Format:
    """The format of a file. Raises STATEMENT_UNREADABLE for an empty file, a foreign one, or one that is not what it
    is named."""
    if not head.strip(b"\xef\xbb\xbf \t\r\n"):
        raise unreadable("the file is empty.", line=1, column=1)
    found = _by_content(head)
    claimed = _claimed(filename, content_type)
    if claimed is not None and found not in claimed:
        names = " or ".join(sorted(claimed)) or "something that is no bank statement"
        raise unreadable(f"the file is named as {names}, but its content is not.", line=1, column=1)
    return found


def _by_content(head: bytes) -> Format:
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if _OFX.search(text):
        return Format.OFX
    if text.startswith(_XML):
        return Format.CAMT
    if _BAI2.match(text):
        return Format.BAI2
    if _MT940.search(text):
        return Format.MT940
    if b"\x00" in head or text.startswith((b"%PDF", b"PK\x03\x04", b"\x1f\x8b", b"\x89PNG", b"{", b"[")):
        raise unreadable("the file is none of CAMT.053, MT940, BAI2, OFX and CSV in UTF-8.", line=1, column=1)
    return Format.CSV


def _claimed(filename: str | None, content_type: str | None) -> set[Format] | None:
    """The formats that the name claims, else the type; None where they claim nothing, empty for a picture or the
    like."""
    extension = filename.rpartition(".")[2].lower() if filename and "." in filename else ""
    if extension in _BY_EXTENSION:
        return _BY_EXTENSION[extension]
    kind = (content_type or "").partition(";")[0].strip().lower()
    if kind in _BY_CONTENT_TYPE:
        return _BY_CONTENT_TYPE[kind]
    return set() if _NO_STATEMENT.search(kind) else None
