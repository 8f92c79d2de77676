"""SWIFT MT940, through bankfile (mt-940), one message at a time: given a whole file it merges the statements.

bankfile never refuses; it leaves out what it cannot read and says so. Money must not be left out, so every :61: line is
checked here first, and each must come back as a transaction.
"""

import re
from dataclasses import replace
from datetime import date
from typing import BinaryIO

from bankfile.model import Transaction
from bankfile.mt940_adapter import read_mt940 as read_message

from models.cash.statements import (
    DATE_ADJUSTED,
    ENTRY_IGNORED,
    MAX_LINES,
    LineNumbering,
    ReadBefore,
    Statement,
    StatementLine,
    StatementWarning,
)
from statement_readers.fields import MAX_TEXT, clean, to_minor, unreadable
from statement_readers.mt940_fields import EntryTexts, texts_by_entry
from statement_readers.whole_text import Piece, decode, pieces, read_bytes

TEXT_WIDTH = 65
_MESSAGE = re.compile(r"(?m)^(?:\{[^\n]*\{4:\n?)?:20:")
_END = re.compile(r"(?m)^-(?:\}[^\n]*|X{3})?[ ]*$")
_LINE = re.compile(r"(?m)^:61:")
_WELL_FORMED = re.compile(r":61:[0-9]{6}(?:[0-9]{4})?(?:R|E)?[CD][A-Z]?(?=[0-9])[0-9]{0,15},?[0-9]{0,5}[A-Z]")
_BALANCE = r"(?m)^:{tag}:[CD]([0-9]{{6}})([A-Z]{{3}})([0-9]{{1,15}},[0-9]{{0,5}})[ ]*$"
_OPENING = re.compile(_BALANCE.format(tag="60[FM]"))
_CLOSING = re.compile(_BALANCE.format(tag="62[FM]"))
_BLANK_ENTRY_DATE = re.compile(r"(?m)^(:61:[0-9]{6})[ ]{1,4}(?=[RE]?[CD])")
"""Some banks leave the four places of the entry date blank, which the standard leaves out."""
_BLANK_BEFORE_KIND = re.compile(r"(?m)^(:61:[0-9]{6}(?:[0-9]{4})?[RE]?[CD][A-Z]?[0-9]{1,15},[0-9]{0,5})[ ]+(?=[A-Z])")
"""Others put one between the amount and the kind of the transaction."""
_NUMBER = re.compile(r"(?m)^:28C?:([^\n]*)")
_EXPECTED = {"EC", "ED"}
_REVERSED = {"RC", "RD"}
_NAME = re.compile(r"/NAME/([^/]+)")


def read_mt940(file: BinaryIO) -> list[Statement]:
    """One statement per message, in file order. Raises STATEMENT_UNREADABLE."""
    text, warnings = decode(read_bytes(file))
    messages = pieces(text, _MESSAGE)
    if not messages:
        raise unreadable("no MT940 message (:20:) in the file.", line=1, column=1)
    _refuse_strays(text[: messages[0].offset], 1)
    numbering = LineNumbering()
    statements = [_statement(message, numbering) for message in messages]
    statements[0] = replace(statements[0], warnings=(*warnings, *statements[0].warnings))
    return statements


def _statement(message: Piece, numbering: LineNumbering) -> Statement:
    end = _END.search(message.text)
    body = _without_blanks(message.text[: end.start()] if end else message.text)
    head = message.line
    if end:
        _refuse_strays(message.text[end.end() :], head + message.text.count("\n", 0, end.end()))
    opening, closing = _OPENING.search(body), _CLOSING.search(body)
    if opening is None:
        raise unreadable("the message has no readable opening balance (:60F: or :60M:).", line=head)
    if closing is None:
        raise unreadable(
            "the message has no readable closing balance (:62F: or :62M:); it is cut off or damaged.",
            line=head + body.rstrip().count("\n"),
        )
    currency = opening.group(2)
    entries = _check_lines(body, head)
    # What follows the closing balance is about the statement; bankfile would add it to the last line's text.
    read = read_message(body[: closing.end()].encode())
    if len(read.transactions) != entries or read.opening_balance is None or read.closing_balance is None:
        raise unreadable("the message cannot be read: one of its dates or fields is no MT940.", line=head)
    of_entries = list(texts_by_entry(body[: closing.end()]))
    if len(of_entries) != entries:
        raise unreadable("the message cannot be read: its lines (:61:) are not told apart.", line=head)
    lines, warnings = _lines(read.transactions, of_entries, currency, numbering, head)
    number = _NUMBER.search(body)
    adjusted = sum(1 for warning in read.warnings if warning.rule == "date")
    if adjusted:
        warnings.append(
            StatementWarning(DATE_ADJUSTED, f"{adjusted} lines bear a day that February lacks; its last day was taken.")
        )
    return Statement(
        account_ref=clean(read.account),
        statement_ref=clean(number.group(1) if number else None),
        currency_code=currency,
        opening_minor=to_minor(read.opening_balance, currency, line=head),
        closing_minor=to_minor(read.closing_balance, currency, line=head),
        from_date=_day(opening.group(1), head),
        to_date=_day(closing.group(1), head),
        lines=tuple(lines),
        warnings=tuple(warnings),
    )


def _refuse_strays(outside: str, first: int) -> None:
    """`outside`: what stands before or behind a message, from line `first` on."""
    if stray := _LINE.search(outside):
        raise unreadable(
            "a statement line (:61:) stands outside of any message; the head of its message (:20:) is missing.",
            line=first + outside.count("\n", 0, stray.start()),
            column=1,
        )


def _without_blanks(body: str) -> str:
    return _BLANK_BEFORE_KIND.sub(r"\1", _BLANK_ENTRY_DATE.sub(r"\1", body))


def _check_lines(body: str, head: int) -> int:
    """How many :61: lines the message has, each of them with a mark and an amount that can be read."""
    count = 0
    for match in _LINE.finditer(body):
        count += 1
        if not _WELL_FORMED.match(body, match.start()):
            raise unreadable(
                "the statement line (:61:) has no readable date, debit/credit mark or amount.",
                line=head + body.count("\n", 0, match.start()),
                column=1,
            )
    return count


def _lines(
    transactions: list[Transaction], of_entries: list[EntryTexts], currency: str, numbering: LineNumbering, head: int
) -> tuple[list[StatementLine], list[StatementWarning]]:
    lines: list[StatementLine] = []
    expected = 0
    for entry, texts in zip(transactions, of_entries, strict=True):
        if entry.raw.get("status") in _EXPECTED:
            expected += 1
            continue
        if numbering.count >= MAX_LINES:
            raise unreadable(f"the file has more than {MAX_LINES} lines.", line=head)
        lines.append(numbering.number(_line(entry, texts, currency, head)))
    if not expected:
        return lines, []
    return lines, [StatementWarning(ENTRY_IGNORED, f"{expected} expected entries are not booked and were left out.")]


def _line(entry: Transaction, found: EntryTexts, currency: str, head: int) -> StatementLine:
    before = _read_before(entry)
    now = ReadBefore(clean(found.payer), found.reference, clean(found.purpose, MAX_TEXT), found.bank_ref)
    return StatementLine(
        line=0,
        booking_date=entry.booking_date or entry.date,
        value_date=entry.date,
        amount_minor=to_minor(entry.amount, entry.currency or currency, line=head),
        currency_code=entry.currency or currency,
        payer=now.payer,
        reference=now.reference,
        remittance_text=now.remittance_text,
        bank_ref=now.bank_ref,
        reversal=entry.raw.get("status") in _REVERSED
        or (entry.amount < 0 and str(entry.raw.get("id", ""))[1:] == "RTI"),
        texts=found.texts,
        read_before=before if before != now else None,
    )


def _read_before(entry: Transaction) -> ReadBefore:
    """As builds read it that took bankfile's word: sub-fields glued together, references cut."""
    purpose = _unfold(entry.purpose)
    name = _NAME.search(purpose)
    reference = clean(entry.reference)
    return ReadBefore(
        payer=clean(entry.counterparty_name) or clean(name.group(1) if name else None),
        reference=None if reference in {"NONREF", "EREF", "PREF"} else reference,
        remittance_text=clean(purpose, MAX_TEXT),
        bank_ref=clean(entry.bank_reference),
    )


def _unfold(text: str | None) -> str:
    """:86: is 65 characters wide: a line that fills the width runs on in the next one."""
    lines = (text or "").split("\n")
    return "".join(line if len(line) >= TEXT_WIDTH else f"{line} " for line in lines)


def _day(yymmdd: str, line: int) -> date:
    try:
        return date(2000 + int(yymmdd[:2]), int(yymmdd[2:4]), int(yymmdd[4:]))
    except ValueError:
        raise unreadable("a balance bears no calendar date.", line=line) from None
