"""OFX and QFX, through bankfile, one statement at a time: given a whole file it reads the first only.

bankfile never refuses; it leaves out what it cannot read and says so. Money must not be left out, so each transaction's
amount and date is checked here first, and each must come back.
"""

import re
from dataclasses import replace
from datetime import date
from typing import BinaryIO

from bankfile.model import Transaction
from bankfile.normalize import parse_date
from bankfile.ofx.header import Header, read_header
from bankfile.ofx.reader import read_ofx as read_one

from models.cash.bank_texts import BankText, Role
from models.cash.statements import (
    ENCODING_GUESSED,
    MAX_LINES,
    LineNumbering,
    Statement,
    StatementLine,
    StatementWarning,
)
from statement_readers.fields import MAX_TEXT, clean, to_minor, unreadable
from statement_readers.joining import bank_text, kept
from statement_readers.whole_text import Piece, pieces, read_bytes

NAME_WIDTH, MEMO_WIDTH, REFNUM_WIDTH, CHECKNUM_WIDTH = 32, 255, 32, 12

_HEADER = b"OFXHEADER:100\nDATA:OFXSGML\nVERSION:102\nENCODING:UTF-8\nCHARSET:NONE\n\n<OFX>"
_STATEMENT = re.compile(r"(?i)<(?:CC)?STMTRS>")
_TRANSACTION = re.compile(r"(?i)<STMTTRN>")
_AMOUNT = re.compile(r"(?i)<TRNAMT>\s*[+-]?[0-9]{1,20}(?:[.,][0-9]{0,8})?\s*(?:<|[\r\n])")
_POSTED = re.compile(r"(?i)<DTPOSTED>\s*[0-9]{8}")
_ANY_AMOUNT = re.compile(r"(?i)<TRNAMT\b")
_ANY_DAY = re.compile(r"(?i)<DTPOSTED\b")
_TRANSACTION_END = re.compile(r"(?i)</STMTTRN\b")
_BEGINNING = re.compile(r"(?i)<OFX\b")
_FROM = re.compile(r"(?i)<DTSTART>\s*([0-9]{8})")
_TO = re.compile(r"(?i)<DTEND>\s*([0-9]{8})")
_END = re.compile(r"(?i)</OFX>")


def read_ofx(file: BinaryIO) -> list[Statement]:
    """One statement per STMTRS or CCSTMTRS. Raises STATEMENT_UNREADABLE."""
    data = read_bytes(file)
    declared = read_header(data)
    header = _in_utf8(data, declared)
    text = header.body
    before = data.count(b"\n") - text.count("\n")  # lines of the header, which the body lacks
    if re.search(r"(?i)<!(?:DOCTYPE|ENTITY)", text):
        raise unreadable("the file declares a document type (DTD); it is not read.", line=1)
    if not _END.search(text):
        raise unreadable("the file is cut off: it does not end with </OFX>.", line=data.count(b"\n") + 1)
    numbering = LineNumbering()
    statements = [_statement(piece, before, numbering) for piece in pieces(text, _STATEMENT)]
    if not statements:
        raise unreadable("no bank statement (STMTRS) in the file.", line=1)
    if _is_guessed(data, declared, header):
        detail = f"The file is not in the encoding it declares and was read as {header.encoding}."
        statements[0] = replace(statements[0], warnings=(StatementWarning(ENCODING_GUESSED, detail),))
    return statements


def _in_utf8(data: bytes, declared: Header) -> Header:
    """The header with the body as UTF-8 where it is that, whatever it declares: two bytes that fit by chance are no text."""
    if data.isascii() or declared.encoding == "utf-8":
        return declared
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return declared
    start = _BEGINNING.search(text)
    return replace(declared, body=text[start.start() :], encoding="utf-8") if start else declared


def _is_guessed(data: bytes, declared: Header, header: Header) -> bool:
    """Whether another encoding was taken than the one that is declared. USASCII is written by those who mean the CHARSET."""
    charset = declared.values.get("CHARSET", "").strip().upper()
    if data.isascii() or (header is declared and charset in ("1252", "8859-1", "ISO-8859-1")):
        return False
    return header is not declared or any(w.rule == "encoding" for w in header.warnings)


def _statement(piece: Piece, before: int, numbering: LineNumbering) -> Statement:
    body, head = piece.text, before + piece.line
    _refuse_open_markup(body, head)
    count = _check_transactions(body, head)
    try:
        read = read_one(_HEADER + body.encode("utf-8", "replace"))
    except ValueError:
        raise unreadable("the statement's currency (CURDEF) or another of its values is none.", line=head) from None
    doubtful = any(warning.rule == "amount" and warning.field == "TRNAMT" for warning in read.warnings)
    if doubtful or len(read.transactions) != count:
        raise unreadable("an amount or a date in the statement can be read in two ways, or not at all.", line=head)
    currency = _currency(read.currency, head) if read.currency or not read.transactions else None
    lines = []
    for entry in read.transactions:
        if numbering.count >= MAX_LINES:
            raise unreadable(f"the file has more than {MAX_LINES} lines.", line=head)
        lines.append(numbering.number(_line(entry, head)))
    closing = read.closing_balance
    return Statement(
        account_ref=clean(read.account),
        statement_ref=None,
        currency_code=currency,
        opening_minor=None,
        closing_minor=to_minor(closing, currency, line=head) if currency and closing is not None else None,
        from_date=_day(_FROM.search(body)),
        to_date=_day(_TO.search(body)),
        lines=tuple(lines),
    )


def _refuse_open_markup(body: str, head: int) -> None:
    """A comment or section that never ends: bankfile would look for its end from every place again."""
    for opening, closing in (("<!--", "-->"), ("<![CDATA[", "]]>"), ("<!", ">"), ("<?", ">")):
        if body.rfind(opening) > body.rfind(closing):
            raise unreadable("a comment or section in the statement does not end.", line=head)


def _check_transactions(body: str, head: int) -> int:
    """How many transactions the statement has, each of them with one amount and one date. Two in one, or one before the first,
    mean that the tag of a transaction is damaged: the package would leave it out."""
    found = pieces(body, _TRANSACTION)
    for transaction in found:
        for pattern, name in ((_AMOUNT, "amount (TRNAMT)"), (_POSTED, "date (DTPOSTED)")):
            if not pattern.search(transaction.text):
                raise unreadable(f"the transaction has no readable {name}.", line=head + transaction.line - 1)
        for tag in (_ANY_AMOUNT, _ANY_DAY, _TRANSACTION_END):
            if len(tag.findall(transaction.text)) > 1:
                raise unreadable("two transactions stand in one.", line=head + transaction.line - 1)
    before = body[: found[0].offset] if found else body
    if stray := _ANY_AMOUNT.search(before) or _TRANSACTION_END.search(before):
        raise unreadable("a transaction has no beginning (STMTTRN).", line=head + before.count("\n", 0, stray.start()))
    return len(found)


def _line(entry: Transaction, head: int) -> StatementLine:
    currency = _currency(entry.currency, head)
    return StatementLine(
        line=0,
        booking_date=entry.date,
        value_date=entry.booking_date or entry.date,
        amount_minor=to_minor(entry.amount, currency, line=head),
        currency_code=currency,
        payer=clean(entry.counterparty_name),
        reference=clean(entry.reference) or clean(entry.check_number),
        remittance_text=clean(entry.purpose, MAX_TEXT),
        bank_ref=clean(entry.bank_reference),
        texts=_texts(entry),
    )


def _texts(entry: Transaction) -> tuple[BankText, ...]:
    """Everything a transaction says. Banks that send no MEMO put the remittance behind the name."""
    searched = (
        bank_text("MEMO", entry.purpose, Role.TEXT, width=MEMO_WIDTH),
        bank_text("REFNUM", entry.reference, Role.OWN_REFERENCE, width=REFNUM_WIDTH),
        bank_text("CHECKNUM", entry.check_number, Role.OWN_REFERENCE, width=CHECKNUM_WIDTH),
        bank_text("NAME", entry.counterparty_name, Role.NAME, width=NAME_WIDTH),
    )
    read = {"TRNAMT", "MEMO", "REFNUM", "CHECKNUM", "CHKNUM", "NAME"}
    others = (bank_text(tag, str(value)) for tag, value in entry.raw.items() if tag not in read and value)
    return kept(*searched, *others, bank_text("ACCTID", entry.counterparty_account))


def _currency(code: str | None, head: int) -> str:
    if code is None:
        raise unreadable("the statement names no currency (CURDEF).", line=head)
    return code


def _day(found: re.Match[str] | None) -> date | None:
    return parse_date(found.group(1), field="DTSTART")[0] if found else None
