"""CAMT.053 (ISO 20022 bank-to-customer statement), versions 02 to 13, any namespace prefix; the booked entries of an
account report (CAMT.052) and of a notification (CAMT.054) in the same way.

The document is fed through a pull parser in small pieces; every entry is taken out as soon as it is complete and
dropped from the tree, so memory grows with the lines kept and never with the document. There is no door for entities:
a document type declaration refuses the file, nothing is expanded, nothing is loaded.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from typing import BinaryIO

from lxml import etree

from models.cash.statements import (
    ENTRY_IGNORED,
    MAX_LINES,
    NOT_FINAL,
    LineNumbering,
    Statement,
    StatementLine,
    StatementWarning,
)
from models.errors import Refusal
from statement_readers.camt_entry import Detail, entry_lines, read_amount, read_day, read_detail
from statement_readers.camt_texts import in_country
from statement_readers.camt_xml import Element, Kids, kids, local, place, text, text_at
from statement_readers.fields import clean, unreadable

CHUNK = 64 * 1024
MAX_GAP = 2 * 1024 * 1024
"""Bytes of XML that one entry, or what stands between two, may take: bounds the tree in memory."""

_DOCTYPE = re.compile(rb"\A(?:\xef\xbb\xbf)?(?>\s+|<\?.*?\?>|<!--.*?-->)*+<!DOCTYPE", re.DOTALL)
_STATEMENTS = {"Stmt": "BkToCstmrStmt", "Rpt": "BkToCstmrAcctRpt", "Ntfctn": "BkToCstmrDbtCdtNtfctn"}
"""What holds the entries of an account, by message, and what holds it."""
_BALANCES = {"OPBD", "PRCD", "CLBD", "ITBD"}
_NO_DTD = "the file declares a document type (DTD); bank statements do not, and it is not read."


def read_camt(file: BinaryIO) -> list[Statement]:
    """Every Stmt of a document. Raises STATEMENT_UNREADABLE."""
    reader = _Reader()
    parser = etree.XMLPullParser(
        events=("end",),
        tag=("{*}TxDtls", "{*}Ntry", *(f"{{*}}{name}" for name in _STATEMENTS)),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        collect_ids=False,
    )
    try:
        for chunk in _chunks(file):
            parser.feed(chunk)
            reader.take(parser.read_events(), len(chunk))
        root = parser.close()
    except etree.XMLSyntaxError as error:
        raise _not_well_formed(error) from None
    _refuse_dtd(root)
    if not reader.statements:
        detail = "the XML holds no statement (CAMT.053), no report (CAMT.052) and no notification (CAMT.054)."
        raise unreadable(detail, line=place(root))
    return reader.statements


def _not_well_formed(error: etree.XMLSyntaxError) -> Refusal:
    """An error that is raised only at the end has no place of its own; the log's last complaint has."""
    line, column = error.position
    if line < 1 and (last := error.error_log.last_error) is not None:  # type: ignore[attr-defined]  # not in the stubs
        line, column = last.line, last.column
    detail = "the XML is cut off, not well-formed, or not in the encoding it declares."
    return unreadable(detail, line=max(line, 1), column=max(column, 1))


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    first = file.read(CHUNK)
    if found := _DOCTYPE.match(first):
        before = first[: found.end() - len(b"<!DOCTYPE")]
        raise unreadable(_NO_DTD, line=before.count(b"\n") + 1, column=len(before) - before.rfind(b"\n"))
    while first:
        yield first
        first = file.read(CHUNK)


def _refuse_dtd(element: Element) -> None:
    if element.getroottree().docinfo.internalDTD is not None:
        raise unreadable(_NO_DTD, line=1)


@dataclass
class _Open:
    """The statement being read: what its head says, and the lines so far."""

    account_ref: str | None = None
    statement_ref: str | None = None
    currency_code: str | None = None
    lines: list[StatementLine] = field(default_factory=list)
    warnings: list[StatementWarning] = field(default_factory=list)
    ignored: dict[str, int] = field(default_factory=dict)
    balances: dict[str, int] = field(default_factory=dict)
    interim: list[int] = field(default_factory=list)
    days: dict[str, date] = field(default_factory=dict)


class _Reader:
    """Takes parse events, keeps what counts, and prunes the tree behind itself."""

    def __init__(self) -> None:
        self.statements: list[Statement] = []
        self._numbering = LineNumbering()
        self._open = _Open()
        self._details: list[Detail] = []
        self._detail_count = 0
        self._gap = 0

    def take(self, events: Iterable[tuple[str, object]], size: int) -> None:
        self._gap += size
        for _, element in events:
            assert isinstance(element, Element)  # ends of elements are all that was asked for
            _refuse_dtd(element)
            match local(element):
                case "TxDtls":
                    self._take_detail(element)
                case "Ntry":
                    self._take_entry(element)
                case _:
                    self._take_statement(element)
            self._gap = 0
        if self._gap > MAX_GAP:
            raise unreadable(f"more than {MAX_GAP} bytes of XML without a bank entry.")

    def _take_detail(self, element: Element) -> None:
        self._detail_count += 1
        if self._detail_count > MAX_LINES:
            raise unreadable(f"the file has more than {MAX_LINES} transactions.", line=place(element))
        self._details.append(read_detail(element))
        _drop(element)
        group = element.getparent()
        entry = None if group is None else group.getparent()
        if group is None or entry is None:
            return
        while (before := group.getprevious()) is not None and before.tag == group.tag:
            entry.remove(before)

    def _take_entry(self, element: Element) -> None:
        parent = element.getparent()
        if parent is None or local(parent) not in _STATEMENTS:
            raise unreadable("the XML is no CAMT.053 statement: it has entries outside of a Stmt.", line=place(element))
        # Only what stands before: the pieces fed to the parser reach beyond this entry.
        self._take_head(reversed(list(element.itersiblings(preceding=True))))
        details, self._details = self._details, []
        parts = kids(element)
        status = _status(parts)
        if status != "BOOK":
            self._open.ignored[status] = self._open.ignored.get(status, 0) + 1
        else:
            lines, warnings = entry_lines(element, parts, details)
            if self._numbering.count + len(lines) > MAX_LINES:
                raise unreadable(f"the file has more than {MAX_LINES} lines.", line=place(element))
            self._open.lines.extend(self._numbering.number(in_country(line, self._open.account_ref)) for line in lines)
            self._open.warnings.extend(warnings)
        _drop(element)

    def _take_head(self, elements: Iterable[Element]) -> None:
        """Account, period and balances among the elements that will be dropped next."""
        now = self._open
        for element in elements:
            match local(element):
                case "Id":
                    now.statement_ref = now.statement_ref or clean(element.text)
                case "Acct":
                    now.account_ref = clean(text_at(element, "Id", "IBAN") or text_at(element, "Id", "Othr", "Id"))
                    now.currency_code = text_at(element, "Ccy") or now.currency_code
                case "FrToDt":
                    _take_period(element, now)
                case "Bal":
                    _take_balance(element, now)

    def _take_statement(self, element: Element) -> None:
        parent = element.getparent()
        kind = local(element)
        if parent is None or local(parent) != _STATEMENTS[kind]:
            raise unreadable("the XML is no CAMT.053 statement (BkToCstmrStmt/Stmt).", line=place(element))
        self._take_head(element)
        statement = _closed(self._open)
        self.statements.append(statement if kind == "Stmt" else _not_final(statement))
        self._open = _Open()
        _drop(element)


def _drop(element: Element) -> None:
    """Empties an element that has been read and removes what stood before it."""
    element.clear()
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]


def _status(entry: Kids) -> str:
    """BOOK, PDNG, INFO, FUTR: plain text up to version 07, a code inside from 08 on. Without one an entry is booked."""
    status = entry.get("Sts")
    code = text(status) or text_at(status, "Cd") or text_at(status, "Prtry") or "BOOK"
    return code if code in {"BOOK", "PDNG", "INFO", "FUTR"} else "unknown"


def _take_period(element: Element, now: _Open) -> None:
    for name, day in kids(element).items():
        if name in {"FrDtTm", "FrDt", "ToDtTm", "ToDt"}:
            now.days["from" if name.startswith("Fr") else "to"] = read_day(day)


def _take_balance(element: Element, now: _Open) -> None:
    code = text_at(element, "Tp", "CdOrPrtry", "Cd")
    if code not in _BALANCES:
        return
    parts = kids(element)
    amount, currency = read_amount(element, parts)
    now.currency_code = now.currency_code or currency
    if currency != now.currency_code:
        return
    signed = -amount if text(parts.get("CdtDbtInd")) == "DBIT" else amount
    if code == "ITBD":
        now.interim.append(signed)
    else:
        now.balances.setdefault(code, signed)
    day = parts.get("Dt")
    if day is not None and code in {"OPBD", "CLBD"}:
        now.days.setdefault("from" if code == "OPBD" else "to", read_day(day))


def _opening_and_closing(now: _Open) -> tuple[int | None, int | None]:
    """The booked balances; on a page of a longer statement the interim ones, of which the first opens and the last
    closes."""
    opening, closing = now.balances.get("OPBD", now.balances.get("PRCD")), now.balances.get("CLBD")
    both = len(now.interim) > 1
    if opening is None and now.interim and (both or closing is not None):
        opening = now.interim[0]
    if closing is None and now.interim and (both or opening is not None):
        closing = now.interim[-1]
    return opening, closing


def _not_final(report: Statement) -> Statement:
    """A report or a notification: its balances are of some moment of the day, and the day's statement comes after it."""
    detail = (
        "The file is no statement but a report or notification of some entries. The day's statement may say them again in "
        "other words or as one sum: record one or the other."
    )
    warnings = (*report.warnings, StatementWarning(NOT_FINAL, detail))
    return replace(report, opening_minor=None, closing_minor=None, warnings=warnings)


def _closed(now: _Open) -> Statement:
    ignored = tuple(
        StatementWarning(ENTRY_IGNORED, f"{count} entries with status {status} are not booked and were left out.")
        for status, count in now.ignored.items()
    )
    booked = [line.booking_date for line in now.lines]
    currency = now.currency_code or (now.lines[0].currency_code if now.lines else None)
    opening, closing = _opening_and_closing(now)
    return Statement(
        account_ref=now.account_ref,
        statement_ref=now.statement_ref,
        currency_code=currency,
        opening_minor=opening,
        closing_minor=closing,
        from_date=now.days.get("from") or min(booked, default=None),
        to_date=now.days.get("to") or max(booked, default=None),
        lines=tuple(now.lines),
        warnings=(*now.warnings, *ignored),
    )
