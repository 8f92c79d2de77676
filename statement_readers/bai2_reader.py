"""BAI2 (BTRS), through the bai2 package: one statement per account of each group.

Amounts are unsigned integers in the currency's minor units; the type code says credit or debit. The package's own
integrity checks stay on: record counts that are wrong mean a cut or altered file and refuse it, control totals that do
not add up are a warning.
"""

import re
from datetime import date
from typing import Any, BinaryIO

from bai2 import bai2
from bai2.constants import TypeCodes, TypeCodeTransaction
from bai2.exceptions import IntegrityException

from models.cash.statements import (
    CONTROL_TOTAL_DIFFERENCE,
    ENTRY_IGNORED,
    MAX_LINES,
    LineNumbering,
    ReadBefore,
    Statement,
    StatementLine,
    StatementWarning,
)
from models.money import INT64_MAX, is_currency
from statement_readers.bai2_continued import with_whole_accounts
from statement_readers.bai2_texts import texts_in_detail
from statement_readers.fields import MAX_TEXT, clean, unreadable
from statement_readers.whole_text import decode, read_bytes

_RECORD = re.compile(r"(01|02|03|16|49|88|98|99),")
_DETAIL = re.compile(r"16,([0-9]{3}),([0-9]{0,20}),")
_AVAILABLE = re.compile(r"\A(16,[0-9]{3},[0-9]{0,20},S,)([0-9]*,[0-9]*,[0-9]*)(?=[,/])")
"""What is available at once, in a day and later; a part that is none is left out by some banks."""
_DAY = re.compile("[0-9]{6}")
_NUMBERS = {"03": slice(2, None), "16": slice(2, 3)} | dict.fromkeys(("49", "98", "99"), slice(1, None))
"""Which fields of a record are read as numbers; an account may be longer than any amount, and is none."""
_ODD_NUMBER = re.compile(r"[0-9]_[0-9]|[^\x00-\x7f]")
_OPENING, _CLOSING = "010", "015"
_ANY_CREDIT, _ANY_DEBIT = "399", "699"
_RETURNS = {"555", "557", "558"}
"""Debits of BAI2: a deposited item, an ACH item returned; an ACH reversal."""
_ABSENT = {"", "0"}


def read_bai2(file: BinaryIO) -> list[Statement]:
    """One statement per account, in file order. Raises STATEMENT_UNREADABLE."""
    text, warnings = decode(read_bytes(file))
    records = [_checked(number, raw.strip()) for number, raw in enumerate(text.split("\n"), 1) if raw.strip()]
    if not records[-1].startswith("99,"):
        raise unreadable("the file is cut off: it does not end with a file trailer (99).", line=text.count("\n") + 1)
    parsed, difference = _parse(with_whole_accounts(records))
    numbering = LineNumbering()
    width = _width(parsed.header.physical_record_length, records)
    statements = [
        _statement(group, account, numbering, (*warnings, *difference), width)
        for group in parsed.children
        for account in group.children
    ]
    if numbering.count > MAX_LINES:
        raise unreadable(f"the file has more than {MAX_LINES} lines.", line=len(records))
    return statements


def _width(declared: int | None, records: list[str]) -> int | None:
    """How long a record may be, as the file's header says, unless its own records are longer: then nothing is known of it."""
    return declared if declared and max(map(len, records)) <= declared else None


def _checked(number: int, record: str) -> str:
    """A record whose shape is sound; a type code that the package lacks becomes "any other" of its range."""
    if not _RECORD.match(record):
        raise unreadable("no BAI2 record (01, 02, 03, 16, 49, 88, 98, 99).", line=number, column=1)
    _check_fields(number, record)
    if not record.startswith("16,"):
        return record
    if (detail := _DETAIL.match(record)) is None:
        raise unreadable("the transaction has no readable type code or amount.", line=number, column=4)
    record = _AVAILABLE.sub(lambda m: m[1] + ",".join(part or "0" for part in m[2].split(",")), record)
    code = detail.group(1)
    if code in TypeCodes:
        return record
    if "100" <= code <= "399" or "920" <= code <= "959":
        return f"16,{_ANY_CREDIT}{record[6:]}"
    if "400" <= code <= "699" or "960" <= code <= "999":
        return f"16,{_ANY_DEBIT}{record[6:]}"
    raise unreadable("the transaction's type code says neither credit nor debit.", line=number, column=4)


def _check_fields(number: int, record: str) -> None:
    """What the package would take, or refuse without a place: currencies, the group's date, numbers beyond int64."""
    fields = record.rstrip("/").split(",")
    place = {"02": 6, "03": 2}.get(fields[0])
    if place is not None and len(fields) > place and fields[place] and not is_currency(fields[place]):
        raise unreadable("the currency is not an ISO 4217 code in use.", line=number, column=_column(fields, place))
    if fields[0] == "02" and not (len(fields) > 4 and _is_day(fields[4])):
        raise unreadable("the group has no date.", line=number, column=_column(fields, 4))
    for place, written in list(enumerate(fields))[_NUMBERS.get(fields[0], slice(0))]:
        if odd := _ODD_NUMBER.search(written):
            column = _column(fields, place) + odd.start()
            raise unreadable("a number is not written in plain digits.", line=number, column=column)
        digits = written.strip("+-").lstrip("0")
        if digits.isdigit() and (len(digits) > 19 or int(digits) > INT64_MAX):
            raise unreadable("an amount is too large.", line=number, column=_column(fields, place))


def _is_day(written: str) -> bool:
    try:
        return bool(_DAY.fullmatch(written) and date.fromisoformat(f"20{written}"))
    except ValueError:
        return False


def _column(fields: list[str], place: int) -> int:
    return len(",".join(fields[:place])) + 2


def _parse(records: list[str]) -> tuple[Any, tuple[StatementWarning, ...]]:
    try:
        return _read(records, check_integrity=True), ()
    except IntegrityException as error:
        if "control total" not in str(error):
            raise unreadable(
                "the record counts of the trailers do not fit: the file is cut off or was altered.", line=len(records)
            ) from None
    # What stands behind the first wrong total has not been looked at yet, and may be no BAI2 at all.
    parsed = _read(records, check_integrity=False)
    detail = "The amounts do not add up to the control totals in the trailers."
    return parsed, (StatementWarning(CONTROL_TOTAL_DIFFERENCE, detail),)


def _read(records: list[str], *, check_integrity: bool) -> Any:
    try:
        return bai2.parse_from_lines(iter(records), check_integrity=check_integrity)
    except IntegrityException:
        raise
    except Exception:  # the package has no common error: IndexError, ValueError, StopIteration and its own
        raise unreadable("the records do not follow BAI2.", line=1) from None


def _statement(
    group: Any, account: Any, numbering: LineNumbering, warnings: tuple[StatementWarning, ...], width: int | None
) -> Statement:
    currency = account.header.currency or group.header.currency
    if not is_currency(currency):
        raise unreadable("an account's currency is not an ISO 4217 code in use.")
    day = group.header.as_of_date
    lines: list[StatementLine] = []
    ignored = 0
    for entry in account.children:
        if entry.type_code.transaction in {TypeCodeTransaction.credit, TypeCodeTransaction.debit}:
            lines.append(numbering.number(_line(entry, currency, day, width)))
        else:
            ignored += 1
    if ignored:
        detail = f"{ignored} records move no money (type 890 and the like) and were left out."
        warnings = (*warnings, StatementWarning(ENTRY_IGNORED, detail))
    return Statement(
        account_ref=clean(account.header.customer_account_number),
        statement_ref=None,
        currency_code=currency,
        opening_minor=_balance(account, _OPENING),
        closing_minor=_balance(account, _CLOSING),
        from_date=day,
        to_date=day,
        lines=tuple(lines),
        warnings=warnings,
    )


def _line(entry: Any, currency: str, day: date, width: int | None) -> StatementLine:
    amount = _bounded(entry.amount or 0)
    texts, reference, text = texts_in_detail(entry, width)
    bank_ref = _present(clean(entry.bank_reference))
    before = ReadBefore(None, _present(clean(entry.customer_reference)), clean(entry.text, MAX_TEXT), bank_ref)
    now = ReadBefore(None, clean(reference), clean(text, MAX_TEXT), bank_ref)
    return StatementLine(
        line=0,
        booking_date=day,
        value_date=(entry.availability or {}).get("date") or day,
        amount_minor=amount if entry.type_code.transaction is TypeCodeTransaction.credit else -amount,
        currency_code=currency,
        reference=now.reference,
        remittance_text=now.remittance_text,
        bank_ref=bank_ref,
        reversal=entry.type_code.code in _RETURNS,
        texts=texts,
        read_before=before if before != now else None,
    )


def _present(reference: str | None) -> str | None:
    return None if reference in _ABSENT else reference


def _balance(account: Any, code: str) -> int | None:
    for item in account.header.summary_items:
        if item.type_code is not None and item.type_code.code == code and item.amount is not None:
            return _bounded(item.amount)
    return None


def _bounded(amount: int) -> int:
    if abs(amount) > INT64_MAX:
        raise unreadable("an amount is too large.")
    return amount
