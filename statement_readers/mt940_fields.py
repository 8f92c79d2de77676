"""What MT940's fields :61: and :86: say beside the money, read to the letter.

:61: is `6!n[4!n]2a[1!a]15d1!a3!c16x[//16x]` and, on a line of its own, `[34x]`. Banks that write more than 16 characters
of a reference mean them. :86: is free text of six lines of 65, or `/CODE/text/CODE/text`, or three digits and sub-fields
of 27 characters behind a sign, of which ?20 to ?29 and ?60 to ?63 are one text.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from models.cash.bank_texts import BankText, Role
from statement_readers.fields import clean
from statement_readers.joining import Joined, bank_text, join, kept

REFERENCE_WIDTH, SUPPLEMENT_WIDTH, LINE_WIDTH, SUBFIELD_WIDTH, END_TO_END_WIDTH = 16, 34, 65, 27, 35
LINE_WIDTHS = {LINE_WIDTH, LINE_WIDTH - len(":86:")}  # some banks count the tag in
LINES = 6
NO_REFERENCE = {"NONREF", "NOREF", "NOTPROVIDED", "EREF", "PREF", "MARF", "KREF"}

_TAG = re.compile(r"(?m)^:(61|86|(?:13|20|21|25|28|34|60|62|64|65|90)[A-Z]?|NS):")
_ENTRY = re.compile(
    r"[0-9]{6}(?:[0-9]{4})?(?:R|E)?[CD][A-Z]?[0-9,]{1,16}(?P<type>[A-Z][A-Z0-9 ]{3})?(?P<first>[^\n]*)(?P<more>.*)",
    re.DOTALL,
)
_STRUCTURED = re.compile(r"[0-9]{3}([?>~<&@|!%^])[0-9]{2}")
_PURPOSE = {*range(20, 30), *range(60, 64)}
_LAST_PURPOSE = {29, 63}
_SUBFIELDS = "(0[0-9]|1[0-9]|2[0-9]|3[0-9]|6[0-9])"
_KEYWORDS = "EREF|KREF|MREF|CRED|DEBT|SVWZ|ABWA|ABWE|COAM|OAMT|IBAN|BIC|PURP|MDAT|SQTP|ORCR|ORMR|DDAT|ANAM|RREF|RCRD"
_KEYWORD = re.compile(rf"(?<![A-Z])({_KEYWORDS})[+:]")
_CODE = re.compile(
    r"/(EREF|KREF|PREF|MARF|CREF|RTRN|TRTP|IBAN|BIC|NAME|REMI|CSID|ISDT|ADDR|CNTP|BENM|ORDP|ULTD|ULTC|PURP|OAMT|EXCH"
    r"|CHGS|CHGT|OCMT|UDTR|UCRD|ROC|URI|INFO)(?=/)"
)
_NAME = re.compile(r"/NAME/([^/]+)")
_KEYWORD_STYLE = re.compile(r"(?<![A-Z])(?:SVWZ|EREF)\+")
_WRAP = "\x1e"  # a line that fills its width ended here, inside of a sub-field


@dataclass(frozen=True, slots=True)
class EntryTexts:
    """The words of one :61: and its :86:."""

    payer: str | None
    reference: str | None
    purpose: str | None
    bank_ref: str | None
    texts: tuple[BankText, ...]


def texts_by_entry(body: str) -> Iterator[EntryTexts]:
    """One for each :61: of a message, in order."""
    marks = list(_TAG.finditer(body))
    entry: str | None = None
    information: list[str] = []
    for number, mark in enumerate(marks):
        end = marks[number + 1].start() if number + 1 < len(marks) else len(body)
        content = body[mark.end() : end].removesuffix("\n")
        if mark.group(1) == "61":
            if entry is not None:
                yield _entry_texts(entry, information)
            entry, information = content, []
        elif mark.group(1) == "86" and entry is not None:
            information.append(content)
        elif mark.group(1).startswith("62"):
            break
    if entry is not None:
        yield _entry_texts(entry, information)


def _entry_texts(entry: str, information: list[str]) -> EntryTexts:
    found = _ENTRY.match(entry)
    kind, first, more = (found.group("type"), found.group("first"), found.group("more")) if found else ("", "", "")
    customer, _, bank = first.partition("//")
    reference = bank_text(":61: customer reference", customer, Role.OWN_REFERENCE, width=REFERENCE_WIDTH)
    if reference is not None and reference.text.upper() in NO_REFERENCE:
        reference = None
    supplement = bank_text(":61: supplementary details", more, Role.TEXT, width=SUPPLEMENT_WIDTH)
    bank_reference = bank_text(":61: bank reference", bank)
    blocks = [_information(block) for block in information]
    texts = [text for block in blocks for text in block.texts]
    payer = next((block.payer for block in blocks if block.payer), None)
    own = reference or next((text for text in texts if text.role is Role.OWN_REFERENCE), None)
    purpose = [block.purpose for block in blocks if block.purpose]
    everything = kept(reference, supplement, *texts, bank_reference, bank_text(":61: transaction type", kind))
    shown = " ".join((*purpose, *((supplement.text,) if supplement else ())))
    return EntryTexts(payer, own.text if own else None, shown or None, clean(bank), everything)


@dataclass(frozen=True, slots=True)
class _Information:
    """One :86:."""

    payer: str | None
    purpose: str
    texts: tuple[BankText, ...]


def _information(block: str) -> _Information:
    lines = [line for line in block.split("\n") if line.strip()]
    if lines and (mark := _STRUCTURED.match(lines[0])):
        return _subfields(lines, mark.group(1))
    text = _unfolded(lines)
    if _KEYWORD_STYLE.search(text.text):
        return _Information(None, text.text, tuple(_keywords(text)))
    codes = list(_CODE.finditer(text.text))
    name = _NAME.search(text.text)
    texts = _coded(text, codes) if codes else kept(text.as_bank_text(":86:", Role.TEXT))
    return _Information(clean(name.group(1) if name else None), text.text, tuple(texts))


def _unfolded(lines: list[str]) -> Joined:
    """A line that fills the width runs on in the next one."""
    widths = [LINE_WIDTHS if number == 0 else {LINE_WIDTH} for number in range(len(lines))]
    full = [len(line) in allowed or len(line) > LINE_WIDTH for line, allowed in zip(lines, widths, strict=True)]
    runs_on = [
        here and not (number + 1 < len(lines) and _KEYWORD.match(lines[number + 1])) for number, here in enumerate(full)
    ]
    return join(zip(lines, runs_on, strict=True), cut=len(lines) >= LINES and full[-1])


def _coded(text: Joined, codes: list[re.Match[str]]) -> Iterator[BankText]:
    """/EREF/…/NAME/…/REMI/…: what stands before the first code is text too."""
    starts = [0, *(code.end() + 1 for code in codes)]
    ends = [*(code.start() for code in codes), len(text.text)]
    for number, (start, end) in enumerate(zip(starts, ends, strict=True)):
        code = codes[number - 1].group(1) if number else ""
        yield from kept(text.part(start, end).as_bank_text(f":86: {code}".strip(), _role(code)))


def _role(code: str) -> Role:
    match code:
        case "EREF" | "KREF" | "PREF" | "CREF" | "ROC":
            return Role.OWN_REFERENCE
        case "" | "REMI" | "SVWZ" | "INFO" | "URI":
            return Role.TEXT
        case _:
            return Role.SHOWN


def _subfields(lines: list[str], sign: str) -> _Information:
    fields = _split(lines, sign)
    purpose = [(number, value) for number, value in fields if number in _PURPOSE]
    names = [value for number, value in fields if number in (32, 33)]
    name = join((value.replace(_WRAP, ""), _width(value) >= SUBFIELD_WIDTH) for value in names)
    searched = list(_keywords(_purpose(purpose)))
    others = [(number, value) for number, value in fields if number not in _PURPOSE]
    shown = [bank_text(f":86: {sign}{number:02d}", value.replace(_WRAP, "")) for number, value in others]
    words = " ".join(text.text for text in searched if text.role is Role.TEXT)
    return _Information(name.text or None, words, kept(*searched, *shown, bank_text(":86: code", lines[0][:3])))


def _width(value: str) -> int:
    return len(value) - value.count(_WRAP)


def _split(lines: list[str], sign: str) -> list[tuple[int, str]]:
    """Sub-fields in order. A line break inside of one ends a word, unless the line fills its width."""
    text = ""
    for number, line in enumerate(lines):
        text += line
        if number + 1 < len(lines) and not re.match(re.escape(sign) + _SUBFIELDS, lines[number + 1]):
            full = len(line) >= LINE_WIDTH or (number == 0 and len(line) in LINE_WIDTHS)
            tail = re.search(re.escape(sign) + "[0-9]?$", line) if full else None  # ?2 here, and 4 on the next line
            divided = tail and re.match(re.escape(sign) + _SUBFIELDS, tail.group() + lines[number + 1])
            text += "" if divided else _WRAP if full else " "
    parts = re.split(re.escape(sign) + _SUBFIELDS, text)
    return [(int(parts[at]), parts[at + 1]) for at in range(1, len(parts) - 1, 2)]


def _purpose(fields: list[tuple[int, str]]) -> Joined:
    pieces: list[tuple[str, bool]] = []
    for number, (_, value) in enumerate(fields):
        after = fields[number + 1][1] if number + 1 < len(fields) else ""
        *wrapped, last = value.split(_WRAP)
        pieces += [(piece, True) for piece in wrapped]
        pieces.append((last, _width(value) >= SUBFIELD_WIDTH and not _KEYWORD.match(after)))
    cut = bool(fields) and fields[-1][0] in _LAST_PURPOSE and _width(fields[-1][1]) >= SUBFIELD_WIDTH
    return join(pieces, cut=cut)


def _keywords(text: Joined) -> Iterator[BankText]:
    """EREF+… SVWZ+…: what stands before the first keyword is text too."""
    marks = list(_KEYWORD.finditer(text.text))
    starts = [0, *(mark.end() for mark in marks)]
    ends = [*(mark.start() for mark in marks), len(text.text)]
    for number, (start, end) in enumerate(zip(starts, ends, strict=True)):
        word = marks[number - 1].group(1) if number else ""
        part = text.part(start, end)
        if word in ("EREF", "KREF") and part.text.upper() in NO_REFERENCE:
            continue
        if word == "EREF" and len(part.text) == END_TO_END_WIDTH:
            part = Joined(part.text, part.seams, cut=True)
        yield from kept(part.as_bank_text(f":86: {word}".strip(), _role(word)))
