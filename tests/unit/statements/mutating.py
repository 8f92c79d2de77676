"""Files of banks with one thing changed, and what must still hold of what is read of them."""

import io
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from itertools import zip_longest

from models.cash.statement_format_requests import CreateStatementFormat
from models.cash.statements import Statement
from models.errors import Refusal
from statement_readers import detect_and_read, read_bank_csv
from tests.unit.statements.banks import BANKS

Read = Callable[[bytes], list[Statement]]


def _read(data: bytes) -> list[Statement]:
    return detect_and_read(io.BytesIO(data))


def _by_description(name: str) -> Read:
    bank = BANKS[name]
    described = CreateStatementFormat.model_validate({"name": "x"} | bank.described).as_format(
        "b", datetime.now(UTC), "u"
    )
    return lambda data: read_bank_csv(io.BytesIO(data), described, bank.currency)


@dataclass(frozen=True)
class Sample:
    """A file, how it is read, and where in it an amount, a date, a sign or a currency stands: a change there may be read as it is
    written."""

    data: bytes
    read: Read
    values: str

    def spans(self) -> list[tuple[int, int]]:
        pattern = re.compile(self.values.encode("latin-1"), re.DOTALL)
        return [
            m.span(group)
            for m in pattern.finditer(self.data)
            for group in range(1, (m.re.groups or 0) + 1)
            if m.group(group)
        ]


MT940 = b"""{1:F01BANKDEFFXXX0000000000}{2:I940BANKDEFFXXXN}{4:
:20:STMT1
:25:10020030/1234567
:28C:5/1
:60F:C260201EUR1000,00
:61:2602020202C1234,56NTRFINV-2026-0112//B-771
:86:166?00GUTSCHRIFT?20SVWZ+Rechnung INV-2026-01?2112 danke?30DEUTDEFF?31DE8937040044053201300
0?32ALPHA AG
:61:2602030203D78,90NDDTNONREF//B-772
:86:STADTWERKE STROM FEBRUAR
:61:260204RD15,00NRTIINV-9//B-773
:61:2602050205C0,01NTRFE2E-4711
INV-30
:62F:C260205EUR2170,67
-}
"""
CAMT = b"""<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><Stmt><Id>S1</Id>
<Acct><Id><IBAN>DE89370400440532013000</IBAN></Id><Ccy>EUR</Ccy></Acct>
<Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">1000.00</Amt>
<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-02-01</Dt></Dt></Bal>
<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">2155.66</Amt>
<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-02-05</Dt></Dt></Bal>
<Ntry><Amt Ccy="EUR">1234.56</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2026-02-02</Dt></BookgDt>
<ValDt><Dt>2026-02-03</Dt></ValDt><AcctSvcrRef>B-771</AcctSvcrRef><NtryDtls><TxDtls><Refs><EndToEndId>E2E-1</EndToEndId></Refs>
<RltdPties><Dbtr><Pty><Nm>Alpha AG</Nm></Pty></Dbtr></RltdPties><RmtInf><Ustrd>Invoice INV-60</Ustrd></RmtInf>
</TxDtls></NtryDtls></Ntry>
<Ntry><Amt Ccy="EUR">78.90</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2026-02-04</Dt></BookgDt>
<AddtlNtryInf>Strom</AddtlNtryInf></Ntry></Stmt></BkToCstmrStmt></Document>
"""
OFX = b"""OFXHEADER:100
DATA:OFXSGML
VERSION:102
SECURITY:NONE
ENCODING:USASCII
CHARSET:1252
COMPRESSION:NONE
OLDFILEUID:NONE
NEWFILEUID:NONE

<OFX><SIGNONMSGSRSV1><SONRS><STATUS><CODE>0<SEVERITY>INFO</STATUS><DTSERVER>20260205<LANGUAGE>ENG</SONRS></SIGNONMSGSRSV1>
<BANKMSGSRSV1><STMTTRNRS><TRNUID>1<STATUS><CODE>0<SEVERITY>INFO</STATUS>
<STMTRS><CURDEF>USD<BANKACCTFROM><BANKID>121<ACCTID>555<ACCTTYPE>CHECKING</BANKACCTFROM>
<BANKTRANLIST><DTSTART>20260201<DTEND>20260205
<STMTTRN><TRNTYPE>CREDIT<DTPOSTED>20260202<TRNAMT>1234.56<FITID>F1<NAME>ALPHA AG<MEMO>INV-60 thanks
</STMTTRN>
<STMTTRN><TRNTYPE>DEBIT<DTPOSTED>20260203<TRNAMT>-78.90<FITID>F2<CHECKNUM>1021<NAME>POWER CO
</STMTTRN>
<STMTTRN><TRNTYPE>CREDIT<DTPOSTED>20260204<TRNAMT>10.00<FITID>F3<NAME>ACH INV-80
</STMTTRN>
</BANKTRANLIST><LEDGERBAL><BALAMT>2165.66<DTASOF>20260205</LEDGERBAL></STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>
"""
BAI2 = b"""01,BANK,ME,260205,1200,1,80,1,2/
02,ME,BANK,1,260204,2359,USD,2/
03,12345678,USD,010,100000,,,015,225566,,/
16,165,123456,Z,B771,INV-60,ALPHA AG PAYMENT OF INVOICE INV-60 JANUARY
88,RENT AND SERVICES/
16,475,7890,Z,B772,1021,CHECK PAID/
16,195,10000,S,0,0,10000,B773,E2E-9,WIRE IN/
49,466912,6/
98,466912,1,8/
99,466912,1,10/
"""
CSV = b"""date,amount,currency,payer,reference,remittance_text
2026-02-02,1234.56,USD,Alpha AG,E2E-1,"Invoice INV-60, thanks"
2026-02-03,-78.90,USD,Power,,fee
2026-02-04,10.00,USD,Beta,,ACH INV-80
"""
SAMPLES = {
    "MT940": Sample(MT940, _read, r":6[02][FM]:([CD][0-9]{6}[A-Z]{3}[0-9,]+)|:61:([0-9]+R?[CD][0-9]+,[0-9]*)"),
    "CAMT": Sample(CAMT, _read, r'Ccy="([A-Z]+)">([0-9.]+)|<Dt>([0-9-]+)|<CdtDbtInd>([A-Z]+)|<Ccy>([A-Z]+)|<Cd>([A-Z]+)'),
    "OFX": Sample(OFX, _read, r"<TRNAMT>([-0-9.]+)|<DTPOSTED>([0-9]+)|<CURDEF>([A-Z]+)|<BALAMT>([-0-9.]+)"),
    "BAI2": Sample(
        BAI2, _read, r"\n16,([0-9]+,[0-9]+)|\n02,ME,BANK,1,([0-9]+),2359,([A-Z]+)"
        r"|,USD,(010,[0-9]+,,,015,[0-9]+)|\n(?:49|98|99),([0-9]+)",
    ),
    "CSV": Sample(CSV, _read, r"(?<=\n)([0-9-]+),([-0-9.]+),([A-Z]+)"),
    "described CSV": Sample(
        BANKS["Lloyds"].data, _by_description("Lloyds"),
        r"(?<=\n)([0-9/]+),|,([0-9.]*),([0-9.]*),([0-9.]+)\n",
    ),
    "described CSV, decimal comma": Sample(
        BANKS["Deutsche, preamble and total"].data, _by_description("Deutsche, preamble and total"),
        r"(?<=\n)([0-9.]+);([0-9.]+);|;(-?[0-9.,]*);(-?[0-9.,]*);([A-Z]+)\n",
    ),
}  # fmt: skip
NOISE = [bytes([n]) for n in range(32, 127)] + [
    b"\n",
    b"\r",
    b"\t",
    b"\x00",
    b"\xff",
    b"\xc3\xa9",
    b"\xe2\x80\x93",
    b"\x1e",
]


@dataclass(frozen=True)
class Mutation:
    """A changed file. `meant`: whether it changes an amount, a date, a sign or a currency, so that it says something else."""

    data: bytes
    at: int
    what: str
    meant: bool


def mutate(sample: Sample, seed: int) -> Mutation:
    """One change: a character replaced, left out or put in, a line left out, doubled or cut, two lines exchanged, the end cut."""
    dice = random.Random(seed)
    data, at = sample.data, dice.randrange(len(sample.data))
    kind = dice.choice(["replace", "replace", "delete", "insert", "insert", "drop line", "double line", "cut", "swap"])
    end = at + 1
    match kind:
        case "replace":
            changed = data[:at] + dice.choice(NOISE) + data[at + 1 :]
        case "delete":
            end = at + dice.choice([1, 1, 2, 5])
            changed = data[:at] + data[end:]
        case "insert":
            end = at
            changed = data[:at] + dice.choice(NOISE) + data[at:]
        case "cut":
            end = len(data)
            changed = data[:at]
        case _:
            lines = data.splitlines(keepends=True)
            n = dice.randrange(len(lines))
            at, end = sum(map(len, lines[:n])), sum(map(len, lines[: n + 1]))
            if kind == "drop line":
                lines[n : n + 1] = []
            elif kind == "double line":
                lines[n:n] = [lines[n]]
            else:
                m = dice.randrange(len(lines))
                lines[n], lines[m] = lines[m], lines[n]
            changed = b"".join(lines)
    touched = kind not in ("replace", "delete", "insert") or any(a <= end and at <= b for a, b in sample.spans())
    return Mutation(changed, at, kind, touched)


Told = tuple[str, int, str]


def told(statements: list[Statement]) -> list[Told]:
    return [(x.booking_date.isoformat(), x.amount_minor, x.currency_code) for s in statements for x in s.lines]


@cache
def _unchanged(sample: Sample) -> list[Statement]:
    return sample.read(sample.data)


def wrong(sample: Sample, m: Mutation) -> str | None:
    """What is wrong with how a changed file is read; None where it is read right, with a warning, or refused with a place."""
    before = _unchanged(sample)
    try:
        after = sample.read(m.data)
    except Refusal as refusal:
        if refusal.code != "STATEMENT_UNREADABLE":
            return f"refused as {refusal.code}"
        return None if "line" in refusal.extra else f"refused without a place: {refusal.detail}"
    warned = {w.code for s in after for w in s.warnings} - {w.code for s in before for w in s.warnings}
    if warned or any(len(s.warnings) > len(b.warnings) for s, b in zip_longest(after, before, fillvalue=before[0])):
        return None
    was, now = told(before), told(after)
    if m.what in ("drop line", "double line", "cut", "swap"):
        return _whole_lines(was, now)
    changed = [pair for pair in zip_longest(was, now) if pair[0] != pair[1]]
    if not m.meant and changed:
        return f"a change beside the values is read as {changed}"
    one_date = all(a and b and a[1:] == b[1:] for a, b in changed)  # that of a BAI2 group is the date of all its lines
    if len(now) != len(was) or (len(changed) > (1 if m.what != "delete" else 2) and not one_date):
        return f"one change is read as {len(changed)}: {changed[:3]}"
    return None


def _whole_lines(was: list[Told], now: list[Told]) -> str | None:
    """Whole lines may be lost or doubled where a format has no sum to tell; none may be made up of two."""
    made_up = [line for line in now if line not in was]
    return f"made up: {made_up}" if made_up else None
