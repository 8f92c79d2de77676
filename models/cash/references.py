"""Invoice references as payers write them, found in a remittance text. Pure, deterministic, linear in the text.

A mention is one thing that the payer may have meant as an invoice. Its spellings are ranked: as written first, then the
looser ones ("Invoice no. 123" may mean INV-123, INV123 or 123). Whoever knows the invoices decides; nothing here does.

    "INV-7 / 2024/0017, invoices 12 and 13"  →  INV-7 · 2024/0017 (else 2024, 0017) · invoice 12 · invoice 13
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

MAX_TEXT = 10_000
MAX_MENTIONS = 60
MAX_REFERENCES = 400
MAX_LENGTH = 128

_CHUNK = re.compile(r"[^\s,;()\[\]{}<>\"'|]+")
_EDGES = ".:#-_/\\*=+&!?"
_PARTS = re.compile(r"[/#:+&=\\]+")
_INVOICE_WORDS = {
    *("INV", "INVS", "INVOICE", "INVOICES", "BILL", "BILLS"),
    *("RECHNUNG", "RECHNUNGEN", "RG", "RE", "FACTUUR", "FACTUREN", "FACTURE", "FACTURES", "FACTURA", "FAKTURA"),
}
_NUMBER_WORDS = {"NO", "NOS", "NR", "NRS", "NUM", "NUMBER", "NUMBERS", "NUMMER", "N", "ID", "REF"}
_AND_WORDS = {"AND", "UND", "EN", "ET", "Y", "&", "+", "/", "-"}
_GLUED = re.compile(r"(INVOICE|INV|BILL|RECHNUNG|RG|FACTUUR|FACTURE)[-_#:./]*(.*[0-9].*)", re.IGNORECASE)
_CREDITOR_REFERENCE = re.compile(r"RF[0-9]{2}([0-9A-Z]{1,21})", re.IGNORECASE)
_DATE_OR_AMOUNT = re.compile(
    r"(?:19|20)[0-9]{2}"
    r"|[0-9]{4}[-./][0-9]{1,2}[-./][0-9]{1,2}"
    r"|[0-9]{1,2}[-./][0-9]{1,2}[-./][0-9]{2,4}"
    r"|[0-9]+[.:][0-9]{2}"
)


@dataclass(frozen=True, slots=True)
class Mention:
    """`spellings` in ranks, the surest first. `weak`: a plain word, a short number, a date or amount: too little to
    name an invoice unless the money fits too. `parts`: what it may consist of, should no spelling be known."""

    spellings: tuple[tuple[str, ...], ...]
    weak: bool = False
    parts: tuple["Mention", ...] = ()

    def tokens(self) -> Iterator[str]:
        for rank in self.spellings:
            yield from rank
        for part in self.parts:
            yield from part.tokens()


def reference_key(reference: str) -> str:
    """The form in which references are compared: width and case folded, edges trimmed. For ASCII: lower(trim(x))."""
    return unicodedata.normalize("NFKC", reference).strip().casefold()


def extract_mentions(text: str | None, structured: Iterable[str] = ()) -> list[Mention]:
    """The mentions of a remittance, each once: structured references first, then the text's in order, the weak last."""
    found = [mention for item in structured if (mention := _structured(item)) is not None]
    found.extend(_in_text((text or "")[:MAX_TEXT]))
    found.sort(key=lambda mention: mention.weak)  # stable: order within each kind stays
    return list(dict.fromkeys(found))[:MAX_MENTIONS]


def extract_references(text: str | None, structured: Iterable[str] = ()) -> list[str]:
    """Every token that could be an invoice's id or external_id, as written, the surest first: what to look up."""
    tokens = (token for mention in extract_mentions(text, structured) for token in mention.tokens())
    return list(dict.fromkeys(tokens))[:MAX_REFERENCES]


def _structured(item: str) -> Mention | None:
    """A structured reference is one as a whole, blanks and all; its words count only when the whole is unknown."""
    whole = " ".join(item.split())
    if not whole or len(whole) > MAX_LENGTH:
        return None
    looser = [whole.replace(" ", "")] if " " in whole else []
    if creditor := _CREDITOR_REFERENCE.fullmatch(whole.replace(" ", "")):
        looser.append(creditor.group(1))
        looser.append(creditor.group(1).lstrip("0"))
    looser.extend(_looser(whole))
    parts = tuple(_in_text(whole)) if " " in whole else _parts(whole, weak=False)
    return _mention(whole, looser, weak=False, parts=parts)


def _in_text(text: str) -> Iterator[Mention]:
    prefix = ""  # the invoice word that the numbers after it belong to
    for match in _CHUNK.finditer(text):
        chunk = match.group().strip(_EDGES)
        word = chunk.upper()
        if word in _INVOICE_WORDS:
            prefix = chunk
            continue
        if word in _NUMBER_WORDS or match.group() in _AND_WORDS or word in _AND_WORDS:
            continue
        if not chunk or len(chunk) > MAX_LENGTH:
            prefix = ""
            continue
        if not _has_digit(chunk) and not (prefix and _has_digit(prefix + chunk)):
            yield from _word(chunk, prefix)
            prefix = ""
            continue
        yield _number(chunk, prefix)


def _word(chunk: str, prefix: str) -> Iterator[Mention]:
    """A word without a digit: a reference only if it is written like one (INV-A, invoice ABC), else weak at best."""
    if prefix:
        yield _mention(f"{prefix} {chunk}", _joined(prefix, chunk), weak=not _is_code(chunk))
    elif len(chunk) > 1:
        yield _mention(chunk, _looser(chunk), weak=not ("-" in chunk or "_" in chunk), parts=_parts(chunk, weak=True))


def _number(chunk: str, prefix: str) -> Mention:
    if prefix:
        return _mention(f"{prefix} {chunk}", _joined(prefix, chunk), weak=False, parts=_parts(chunk, weak=False))
    weak = bool(_DATE_OR_AMOUNT.fullmatch(chunk)) or (chunk.isdigit() and len(chunk) < 4)
    return _mention(chunk, _looser(chunk), weak=weak, parts=_parts(chunk, weak=weak))


def _mention(whole: str, looser: Iterable[str], *, weak: bool, parts: tuple[Mention, ...] = ()) -> Mention:
    others = tuple(item for item in dict.fromkeys(looser) if item and item != whole and len(item) <= MAX_LENGTH)
    return Mention(((whole,), others) if others else ((whole,),), weak, parts)


def _joined(prefix: str, chunk: str) -> list[str]:
    """How an invoice is named whose number stands behind the word "invoice"."""
    words = dict.fromkeys((prefix, "INV", "INVOICE"))
    return [chunk, *(f"{word}{joint}{chunk}" for word in words for joint in ("-", "", "_", "/", "#", " "))]


def _looser(chunk: str) -> list[str]:
    """INV-123, INV#123 and INV123 may all mean 123 or one another."""
    glued = _GLUED.fullmatch(chunk)
    if glued is None:
        return []
    word, number = glued.groups()
    return [number, *(f"{word}{joint}{number}" for joint in ("-", "", "_", "/", "#", " "))]


def _parts(chunk: str, *, weak: bool) -> tuple[Mention, ...]:
    pieces = [piece.strip(_EDGES) for piece in _PARTS.split(chunk)]
    if len(pieces) < 2 or _DATE_OR_AMOUNT.fullmatch(chunk):
        return ()
    return tuple(
        _mention(piece, _looser(piece), weak=weak or (piece.isdigit() and len(piece) < 4) or not _has_digit(piece))
        for piece in pieces[:MAX_MENTIONS]
        if piece and piece.upper() not in _INVOICE_WORDS | _NUMBER_WORDS
    )


def _has_digit(text: str) -> bool:
    return any(character.isdigit() for character in text)


def _is_code(chunk: str) -> bool:
    return chunk.isupper() and len(chunk) > 1
