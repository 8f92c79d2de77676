"""Invoice references as payers write them, found in what a bank says. Pure, deterministic, linear in the text.

A mention is one thing that the payer may have meant as an invoice. Its spellings are ranked: as written first, then the
looser ones ("Invoice no. 123" may mean INV-123, INV123 or 123). Whoever knows the invoices decides; nothing here does.

    "INV-7 / 2024/0017, invoices 12 and 13"  →  INV-7 · 2024/0017 (else 2024, 0017) · invoice 12 · invoice 13
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

from models.cash.bank_texts import BankText, Role, plain_texts
from models.cash.check_digits import is_creditor_reference, looks_like_creditor_reference
from models.cash.mentions import MAX_LENGTH, Doubt, Mention, spelled
from models.cash.payment_references import PRINTED_GROUPS, Scheme, mention_in, scheme_of_field, scheme_of_label
from models.cash.reference_words import (
    AND_WORDS,
    DATE_OR_AMOUNT,
    EDGES,
    INVOICE_WORDS,
    NUMBER_WORDS,
    has_digit,
    is_code,
    looks_like_reference,
    looser,
)

MAX_TEXT = 10_000
MAX_MENTIONS = 60
MAX_REFERENCES = 400

_CHUNK = re.compile(r"[^\s,;()\[\]{}<>\"'|]+")
_PARTS = re.compile(r"[/#:+&=\\]+")
_PRINTED_HEAD = re.compile(r"RF[0-9]{2}", re.IGNORECASE)
_PRINTED_GROUP = re.compile(r"[0-9A-Z]{1,4}", re.IGNORECASE)
_PRINTED_GROUPS = 6
_TOO_MANY = Mention((), counts=True)
"""Stands for the mentions beyond the limit, which nobody looks up: references that stay unresolved."""


def reference_key(reference: str) -> str:
    """The form in which references are compared: width and case folded, edges trimmed. For ASCII: lower(trim(x))."""
    if reference.isascii():
        return reference.strip().lower()
    return unicodedata.normalize("NFKC", reference).strip().casefold()


def extract_references(text: str | None, structured: Iterable[str] = ()) -> list[str]:
    """Every token that could be an invoice's id or external_id, as written, the surest first: what to look up."""
    return references_of(mentions_of(plain_texts(None, text, structured)))


def mentions_of(texts: Iterable[BankText]) -> list[Mention]:
    """The mentions of a line's texts, each once, in their order, the weak last; bounded."""
    found = [mention for item in texts for mention in _of_text(item)]
    found.sort(key=lambda mention: mention.weak)  # stable: order within each kind stays
    unique = list(dict.fromkeys(found))
    return unique if len(unique) <= MAX_MENTIONS else [*unique[: MAX_MENTIONS - 1], _TOO_MANY]


def references_of(mentions: Iterable[Mention]) -> list[str]:
    """Every token that could be an invoice's id or external_id, as written, the surest first: what to look up."""
    tokens = (token for mention in mentions for token in mention.tokens())
    return list(dict.fromkeys(tokens))[:MAX_REFERENCES]


def _of_text(item: BankText) -> Iterator[Mention]:
    text = item.text[:MAX_TEXT]
    cut = item.cut or len(item.text) > MAX_TEXT
    match item.role:
        case Role.SHOWN:
            return
        case Role.TEXT:
            yield from _in_text(text, item.seams, cut)
            if " " in text and has_digit(text) and len(text) <= MAX_LENGTH and not (cut or item.seams):
                yield Mention(((text,),), weak=True)
        case Role.NAME:
            for mention in _in_text(text, item.seams, cut):
                if any(has_digit(token) for token in mention.tokens()):
                    yield replace(mention, counts=False)
        case _:
            yield from _reference(text, item, cut)


def _reference(text: str, item: BankText, cut: bool) -> Iterator[Mention]:
    """A field for references holds one as a whole, blanks and all; its words count only when the whole is unknown."""
    own = item.role is Role.OWN_REFERENCE
    whole = " ".join(text.split())
    compact = whole.replace(" ", "")
    words = tuple(replace(word, own=True) if own else word for word in _in_text(text, item.seams, cut))
    if proven := () if item.seams else tuple(mention_in(whole, scheme_of_field(item.field), cut=cut)):
        yield from (replace(mention, own=own) for mention in proven)
    elif looks_like_creditor_reference(compact):
        yield from _creditor_reference(whole, compact, cut, to_the_letter=item.role is not Role.CREDITOR_REFERENCE)
    elif not whole or len(whole) > MAX_LENGTH:
        yield from words
    elif " " in whole:
        doubt = Doubt.CUT if cut else None
        yield spelled(whole, looser(whole), weak=not has_digit(whole), parts=words, doubt=doubt, own=own)
    elif item.role in (Role.DOCUMENT, Role.CREDITOR_REFERENCE) and not item.seams:
        counts = has_digit(whole)
        doubt = Doubt.CUT if cut else None
        yield spelled(
            whole, looser(whole), weak=False, parts=_parts(whole, weak=False, linked=False), doubt=doubt, counts=counts
        )
    else:
        yield from words


def _creditor_reference(whole: str, compact: str, cut: bool, *, to_the_letter: bool) -> Iterator[Mention]:
    """RF18 5390 0754 7034: an invoice's number behind check digits. Where they do not fit, it was copied wrongly."""
    inside = compact[4:]
    loose = [whole, inside, inside.lstrip("0")]
    if is_creditor_reference(compact):
        yield spelled(compact, loose, weak=False, doubt=Doubt.CUT if cut else None, counts=True)
        return
    if to_the_letter:  # numbers of one's own may begin with RF, too
        yield Mention(((compact,),), doubt=Doubt.CUT if cut else None, counts=True)
    yield spelled(compact, loose, weak=False, doubt=Doubt.CHECK_DIGITS, counts=True)


@dataclass(frozen=True, slots=True)
class _Chunk:
    """A run of characters between delimiters. `pieces`: more than one where a seam runs through it. `cut`: it reaches
    the end of a text that may lack more. `linked`: a comma or an "and" sets it off from what stands before."""

    text: str
    raw: str
    start: int
    end: int
    pieces: tuple[str, ...]
    cut: bool
    linked: bool


def _chunks(text: str, seams: tuple[int, ...], cut: bool) -> list[_Chunk]:
    found: list[_Chunk] = []
    before = 0
    for match in _CHUNK.finditer(text):
        start, end = match.span()
        inside = [seam for seam in seams if start < seam < end]
        edges = [start, *inside, end]
        pieces = tuple(text[a:b].strip(EDGES) for a, b in pairwise(edges)) if inside else ()
        gap = text[before:start]
        linked = "," in gap or ";" in gap or bool(found and (found[-1].text.upper() in AND_WORDS or not found[-1].text))
        raw = match.group()
        found.append(_Chunk(raw.strip(EDGES), raw, start, end, pieces, cut and end == len(text), linked))
        before = end
    return found


def _in_text(text: str, seams: tuple[int, ...] = (), cut: bool = False) -> Iterator[Mention]:
    prefix = ""  # the invoice word that the numbers after it belong to
    scheme: Scheme | None = None  # what the number after it is called
    chunks = _chunks(text, seams, cut)
    at = 0
    while at < len(chunks):
        chunk = chunks[at]
        if taken := _printed(chunks, at):
            group = chunks[at : at + taken]
            compact = "".join(item.text for item in group)
            yield from _creditor_reference(
                " ".join(item.text for item in group), compact, group[-1].cut, to_the_letter=True
            )
            at += taken
            continue
        if taken := _grouped(chunks, at):
            yield from mention_in(" ".join(item.text for item in chunks[at : at + taken]))
            at += taken
            continue
        at += 1
        word = chunk.text.upper()
        if found := _proven(chunk, scheme):
            yield from found
            scheme = None
            continue
        if (label := scheme_of_label(chunk.text)) or word not in NUMBER_WORDS:
            scheme = label
        if word in INVOICE_WORDS and not chunk.cut:
            prefix = chunk.text
            continue
        if word in NUMBER_WORDS or chunk.raw in AND_WORDS or word in AND_WORDS:
            continue
        if not chunk.text or len(chunk.text) > MAX_LENGTH:
            prefix = ""
            continue
        yield from _marked(chunk, prefix)
        if not has_digit(chunk.text) and not (prefix and has_digit(prefix + chunk.text)):
            prefix = ""


def _marked(chunk: _Chunk, prefix: str) -> Iterator[Mention]:
    """The mention of a chunk, with what its pieces would say alone, and in doubt where it may lack its end."""
    mentions = _one(chunk.text, prefix, linked=chunk.linked)
    if not chunk.pieces and not chunk.cut:
        yield from mentions
        return
    rivals = tuple(mention for piece in chunk.pieces if piece for mention in _one(piece, prefix, linked=False))
    for mention in mentions:
        yield replace(mention, rivals=rivals, doubt=Doubt.CUT if chunk.cut else None)


def _one(chunk: str, prefix: str, *, linked: bool) -> Iterator[Mention]:
    if has_digit(chunk) or (prefix and has_digit(prefix + chunk)):
        yield _number(chunk, prefix, linked)
    else:
        yield from _word(chunk, prefix)


def _printed(chunks: list[_Chunk], at: int) -> int:
    """How many chunks make up a creditor reference that begins here, written in one or in groups of four; 0: none.

    Of groups, as many as make the check digits fit; where none do, all that look like groups of it.
    """
    head = chunks[at].text
    if head[:2].upper() != "RF" or chunks[at].pieces:
        return 0
    if looks_like_creditor_reference(head):
        return 1
    if not _PRINTED_HEAD.fullmatch(head):
        return 0
    count, fitting, compact = 1, 0, head
    for chunk in chunks[at + 1 : at + 1 + _PRINTED_GROUPS]:
        if not _PRINTED_GROUP.fullmatch(chunk.text) or chunk.pieces or chunk.linked or len(compact) % 4:
            break
        compact += chunk.text
        count += 1
        if is_creditor_reference(compact):
            fitting = count
    return fitting or (count if count > 1 and has_digit(compact[4:]) else 0)


def _proven(chunk: _Chunk, scheme: Scheme | None) -> tuple[Mention, ...]:
    """A reference of a national scheme: by its shape, or by the word in front of it."""
    return () if chunk.pieces else tuple(mention_in(chunk.raw.rstrip(".:"), scheme, cut=chunk.cut))


def _grouped(chunks: list[_Chunk], at: int) -> int:
    """How many chunks make up a reference that is printed in groups of two and five digits; 0: none."""
    group = chunks[at : at + len(PRINTED_GROUPS)]
    whole = tuple(len(chunk.text) for chunk in group) == PRINTED_GROUPS
    return len(group) if whole and all(c.text.isdigit() and not (c.pieces or c.cut) for c in group) else 0


def _word(chunk: str, prefix: str) -> Iterator[Mention]:
    """A word without a digit: a reference only if it is written like one (INV-A, invoice ABC), else weak at best."""
    if prefix:
        code = is_code(chunk)
        yield spelled(f"{prefix} {chunk}", _joined(prefix, chunk), weak=not code, counts=code)
    elif len(chunk) > 1:
        weak = not ("-" in chunk or "_" in chunk)
        yield spelled(chunk, looser(chunk), weak=weak, parts=_parts(chunk, weak=True, linked=False))


def _number(chunk: str, prefix: str, linked: bool) -> Mention:
    if prefix:
        return spelled(
            f"{prefix} {chunk}", _joined(prefix, chunk), weak=False, parts=_parts(chunk, weak=False, linked=True),
            counts=looks_like_reference(chunk, weak=False, linked=True),
        )  # fmt: skip
    weak = bool(DATE_OR_AMOUNT.fullmatch(chunk)) or (chunk.isdigit() and len(chunk) < 4)
    counts = looks_like_reference(chunk, weak=weak, linked=linked)
    return spelled(chunk, looser(chunk), weak=weak, parts=_parts(chunk, weak=weak, linked=linked), counts=counts)


def _joined(prefix: str, chunk: str) -> list[str]:
    """How an invoice is named whose number stands behind the word "invoice"."""
    words = dict.fromkeys((prefix, "INV", "INVOICE"))
    return [chunk, *(f"{word}{joint}{chunk}" for word in words for joint in ("-", "", "_", "/", "#", " "))]


def _parts(chunk: str, *, weak: bool, linked: bool) -> tuple[Mention, ...]:
    pieces = [piece.strip(EDGES) for piece in _PARTS.split(chunk)]
    if len(pieces) < 2 or DATE_OR_AMOUNT.fullmatch(chunk):
        return ()
    return tuple(
        _part(piece, weak=weak, linked=linked or position > 0)
        for position, piece in enumerate(pieces[:MAX_MENTIONS])
        if piece and piece.upper() not in INVOICE_WORDS | NUMBER_WORDS
    )


def _part(piece: str, *, weak: bool, linked: bool) -> Mention:
    compact_reference = looks_like_creditor_reference(piece) and is_creditor_reference(piece)
    loose = [*looser(piece), piece[4:], piece[4:].lstrip("0")] if compact_reference else looser(piece)
    short = (piece.isdigit() and len(piece) < 4) or not has_digit(piece)
    counts = compact_reference or looks_like_reference(piece, weak=weak or short, linked=linked)
    return spelled(piece, loose, weak=weak or short, counts=counts)
