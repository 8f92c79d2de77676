"""A second reading of bank files that shares nothing with statement_readers: no package for a format, no code of ours.

It takes out of well-formed files only what the comparison needs, and knows no bad input.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from xml.etree import ElementTree


@dataclass(frozen=True)
class Seen:
    """One movement: booked on, signed minor units, currency, and every word that the file says beside it."""

    day: date
    minor: int
    currency: str
    words: frozenset[str]


def words(*texts: str | None) -> frozenset[str]:
    found = (word for text in texts if text for word in re.findall(r"[^\W_]{3,}", text))
    return frozenset(found) - {"NONREF", "NOTPROVIDED"}


def read(name: str, data: bytes) -> list[Seen]:
    match name.rpartition(".")[2]:
        case "xml":
            return list(_camt(data))
        case "sta":
            return list(_mt940(data.decode("utf-8", "replace")))
        case "bai2":
            return list(_bai2(data.decode()))
        case _:
            return list(_ofx(data.decode("cp1252")))


def _minor(major: str, places: int = 2) -> int:
    scaled = Decimal(major.replace(",", ".")) * 10**places
    assert scaled == int(scaled)
    return int(scaled)


_SAID = {"EndToEndId", "Ustrd", "Ref", "AcctSvcrRef", "AddtlNtryInf"}


def _camt(data: bytes) -> Iterator[Seen]:
    """By path, one for each booked entry, however many transactions it has; with the standard library, not with lxml."""
    for entry in ElementTree.fromstring(data).iterfind(".//{*}Ntry"):
        status = (_at(entry, "Sts/Cd") or _at(entry, "Sts"))[0]
        if status != "BOOK":
            continue
        sign = {"CRDT": 1, "DBIT": -1}[_at(entry, "CdtDbtInd")[0]]
        day = (_at(entry, "BookgDt/Dt") or _at(entry, "BookgDt/DtTm"))[0][:10]
        said = [e.text for e in entry.iter() if e.tag.rpartition("}")[2] in _SAID]
        said += _at(entry, "NtryDtls/TxDtls/RmtInf/Strd/RfrdDocInf/Nb")
        amount = entry.find("{*}Amt")
        assert amount is not None
        yield Seen(date.fromisoformat(day), sign * _minor(amount.text or ""), amount.get("Ccy") or "", words(*said))


def _at(entry: ElementTree.Element, path: str) -> list[str]:
    found = entry.iterfind("/".join(f"{{*}}{step}" for step in path.split("/")))
    return [text.strip() for element in found if (text := element.text) and text.strip()]


_ENTRY = re.compile(
    r"(?P<value>\d{6})(?P<booked>\d{4}| {4})?(?P<mark>R?[CD])[A-Z]?(?P<amount>\d+,?\d*)(?P<kind>[A-Z].{3})(?P<rest>.*)",
    re.S,
)


def _mt940(text: str) -> Iterator[Seen]:
    """Field by field; :86: belongs to the :61: before it, unless the closing balance stands between."""
    fields = re.findall(r"(?ms)^:(\d\d[A-Z]?|NS):(.*?)(?=^:(?:\d\d[A-Z]?|NS):|^-|\Z)", text.replace("\r\n", "\n"))
    currency = ""
    entry: re.Match[str] | None = None
    said: list[str] = []
    for tag, content in [*fields, ("62F", "")]:
        if tag == "86":
            said.append(content)
            continue
        if entry is not None:
            value = date(2000 + int(entry["value"][:2]), int(entry["value"][2:4]), int(entry["value"][4:]))
            sign = 1 if entry["mark"] in ("C", "RD") else -1
            information = " ".join(_plain(block) for block in said)
            yield Seen(
                _booked(value, entry["booked"]),
                sign * _minor(entry["amount"]),
                currency,
                words(entry["rest"], information),
            )
        entry, said = None, []
        if tag.startswith("60"):
            currency = content[7:10]
        elif tag == "61":
            entry = _ENTRY.match(content)
            assert entry is not None, content


def _plain(block: str) -> str:
    """Of a block of sub-fields, what stands between their signs; a line's end divides words, unless the line is full."""
    text = re.sub(r"(?<=[^\n]{65})\n|(?<=^[^\n]{61})\n", "", block)
    sign = re.match(r"\d{3}([?>~<&@|!%^])\d\d", text)
    return re.sub(re.escape(sign.group(1)) + r"\n?\d\d", " ", text) if sign else text


def _booked(value: date, monthday: str | None) -> date:
    """The month and day of the entry, in the year that brings it nearest to the value date."""
    if not monthday or not monthday.strip():
        return value
    month, day = int(monthday[:2]), int(monthday[2:])
    near = [date(value.year + years, month, day) for years in (-1, 0, 1)]
    return min(near, key=lambda booked: abs(booked - value) or timedelta(0))


def _bai2(text: str) -> Iterator[Seen]:
    """Records with their continuations as one; amounts in the currency's cents."""
    records: list[str] = []
    for row in text.splitlines():
        if row.startswith("88,"):
            records[-1] = records[-1].rstrip("/") + ("," if records[-1].endswith("/") else " ") + row[3:]
        elif row.strip():
            records.append(row.rstrip())
    day, group, currency = date.min, "USD", "USD"
    for record in records:
        fields = record.rstrip("/").split(",")
        if fields[0] == "02":
            day = date(2000 + int(fields[4][:2]), int(fields[4][2:4]), int(fields[4][4:]))
            group = fields[6] or "USD"
        elif fields[0] == "03":
            currency = fields[2] or group
        elif fields[0] == "16":
            skipped = {"V": 2, "S": 3}.get(fields[3], 2 * int(fields[4]) + 1 if fields[3] == "D" else 0)
            sign = 1 if int(fields[1]) < 400 else -1
            yield Seen(day, sign * int(fields[2]), currency, words(*fields[4 + skipped :]))


def _ofx(text: str) -> Iterator[Seen]:
    """Tag by tag, closed or not."""
    for statement in re.findall(r"(?s)<(?:CC)?STMTRS>(.*?)</(?:CC)?STMTRS>", text):
        currency = re.findall(r"<CURDEF>(\w+)", statement)
        for transaction in re.findall(r"(?s)<STMTTRN>(.*?)</STMTTRN>", statement):
            said = dict(re.findall(r"<(\w+)>([^<\n\r]*)", transaction))
            posted = said["DTPOSTED"]
            texts = (said.get(tag) for tag in ("FITID", "CHECKNUM", "REFNUM", "NAME", "MEMO"))
            day = date(int(posted[:4]), int(posted[4:6]), int(posted[6:8]))
            own = re.findall(r"<CURSYM>(\w+)", transaction)
            yield Seen(day, _minor(said["TRNAMT"].strip()), (own or currency)[0], words(*texts))
