"""Files of every format that the readers take, and where in each the values stand."""

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from models.cash.statement_format_requests import CreateStatementFormat
from models.cash.statements import Statement
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
    value_lines: bool = False
    """Whether each value stands on a line of its own: two that change places are read as they then stand."""

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
NOTIFICATION = b"""<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.054.001.08"><BkToCstmrDbtCdtNtfctn><Ntfctn><Id>N1</Id>
<Acct><Id><IBAN>DE89370400440532013000</IBAN></Id><Ccy>EUR</Ccy></Acct>
<Ntry><Amt Ccy="EUR">300.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2026-02-02</Dt></BookgDt>
<ValDt><Dt>2026-02-02</Dt></ValDt><AcctSvcrRef>B-9</AcctSvcrRef>
<NtryDtls><Btch><NbOfTxs>2</NbOfTxs></Btch>
<TxDtls><Refs><EndToEndId>E2E-7</EndToEndId></Refs><Amt Ccy="EUR">100.00</Amt><CdtDbtInd>CRDT</CdtDbtInd>
<RmtInf><Ustrd>INV-71</Ustrd></RmtInf></TxDtls>
<TxDtls><Refs><EndToEndId>E2E-8</EndToEndId></Refs><Amt Ccy="EUR">200.00</Amt><CdtDbtInd>CRDT</CdtDbtInd>
<RmtInf><Strd><CdtrRefInf><Ref>RF18539007547034</Ref></CdtrRefInf></Strd></RmtInf></TxDtls></NtryDtls></Ntry>
<Ntry><Amt Ccy="EUR">10.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2026-02-03</Dt></BookgDt>
<NtryDtls><TxDtls><RmtInf><Ustrd>Rechnung INV-7</Ustrd><Ustrd>2 danke</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>
</Ntfctn></BkToCstmrDbtCdtNtfctn></Document>
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
OFX_XML = b"""<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<?OFX OFXHEADER="200" VERSION="211" SECURITY="NONE" OLDFILEUID="NONE" NEWFILEUID="NONE"?>
<OFX><BANKMSGSRSV1><STMTTRNRS><TRNUID>1</TRNUID><STATUS><CODE>0</CODE><SEVERITY>INFO</SEVERITY></STATUS>
<STMTRS><CURDEF>USD</CURDEF><BANKACCTFROM><BANKID>121</BANKID><ACCTID>555</ACCTID><ACCTTYPE>CHECKING</ACCTTYPE></BANKACCTFROM>
<BANKTRANLIST><DTSTART>20260201</DTSTART><DTEND>20260205</DTEND>
<STMTTRN><TRNTYPE>CREDIT</TRNTYPE><DTPOSTED>20260202120000[-5:EST]</DTPOSTED><TRNAMT>1234.56</TRNAMT><FITID>F1</FITID>
<NAME>ALPHA AG</NAME><MEMO>INV-60 thanks</MEMO></STMTTRN>
<STMTTRN><TRNTYPE>DEBIT</TRNTYPE><DTPOSTED>20260203</DTPOSTED><TRNAMT>-78.90</TRNAMT><FITID>F2</FITID><NAME>POWER</NAME></STMTTRN>
</BANKTRANLIST><LEDGERBAL><BALAMT>1155.66</BALAMT><DTASOF>20260205</DTASOF></LEDGERBAL></STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>
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
PUBLISHED = Path(__file__).parents[2] / "data" / "bank"
_MT940_VALUES = r":6[02][FM]:([CD][0-9]{6}[A-Z]{3}[0-9,]+)|:61:([0-9]+(?: {4})?R?[CD][A-Z]?[0-9]+,?[0-9]*)"
_CAMT_VALUES = (
    r'Ccy="([A-Z]+)">([0-9.]+)|<(?:Dt|DtTm)>([-0-9:.T+Z]+)|<CdtDbtInd>([A-Z]+)|<Ccy>([A-Z]+)|<Cd>([A-Z]+)'
    r"|<Sts>([A-Z]+)|<NbOfTxs>([0-9]+)"
)
_OFX_VALUES = r"<TRNAMT>([-0-9.]+)|<DTPOSTED>([-0-9A-Z:.\[\]]+)|<CURDEF>([A-Z]+)|<BALAMT>([-0-9.]+)"
_BAI2_VALUES = r"\n(?:03|16|49|88|98|99),([-+0-9,A-Z]+)|\n02,([0-9A-Z,]+)"
SAMPLES = {
    "MT940, published": Sample((PUBLISHED / "mt940-rabobank-iban.sta").read_bytes(), _read, _MT940_VALUES),
    "MT940 with sub-fields, published": Sample((PUBLISHED / "mt940-sberbank.sta").read_bytes(), _read, _MT940_VALUES),
    "CAMT, published": Sample((PUBLISHED / "genkgo-camt053.v2.multi.statement.xml").read_bytes(), _read, _CAMT_VALUES, True),
    "OFX, published": Sample((PUBLISHED / "ofxparse-checking.ofx").read_bytes(), _read, _OFX_VALUES, True),
    "BAI2, published": Sample((PUBLISHED / "moov-sample2.bai2").read_bytes(), _read, _BAI2_VALUES),
    "MT940": Sample(MT940, _read, r":6[02][FM]:([CD][0-9]{6}[A-Z]{3}[0-9,]+)|:61:([0-9]+R?[CD][0-9]+,[0-9]*)"),
    "CAMT": Sample(CAMT, _read, r'Ccy="([A-Z]+)">([0-9.]+)|<Dt>([0-9-]+)|<CdtDbtInd>([A-Z]+)|<Ccy>([A-Z]+)|<Cd>([A-Z]+)'),
    "CAMT notification": Sample(
        NOTIFICATION, _read,
        r'Ccy="([A-Z]+)">([0-9.]+)|<Dt>([0-9-]+)|<CdtDbtInd>([A-Z]+)|<Ccy>([A-Z]+)|<Cd>([A-Z]+)|<NbOfTxs>([0-9]+)',
    ),
    "OFX": Sample(OFX, _read, r"<TRNAMT>([-0-9.]+)|<DTPOSTED>([0-9]+)|<CURDEF>([A-Z]+)|<BALAMT>([-0-9.]+)"),
    "OFX, XML": Sample(
        OFX_XML, _read, r"<TRNAMT>([-0-9.]+)|<DTPOSTED>([-0-9A-Z:\[\]]+)|<CURDEF>([A-Z]+)|<BALAMT>([-0-9.]+)"
    ),
    "BAI2": Sample(
        BAI2, _read, r"\n16,([0-9]+,[0-9]+)|\n02,ME,BANK,1,([0-9]+),2359,([A-Z]+)"
        r"|\n03,[0-9]+,([A-Z]+),(010,[0-9]+,,,015,[0-9]+)|\n(?:49|98|99),([0-9]+)",
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
