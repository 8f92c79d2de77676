"""Files as banks send them, made small."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from models.cash.statements import Statement
from models.errors import Refusal
from statement_readers import detect_and_read

BANK_FILES = Path(__file__).parents[2] / "data" / "bank"

Read = Callable[..., list[Statement]]


@pytest.fixture
def read() -> Read:
    def read(content: bytes | str, filename: str | None = None, content_type: str | None = None) -> list[Statement]:
        data = content.encode() if isinstance(content, str) else content
        return detect_and_read(io.BytesIO(data), filename, content_type)

    return read


@pytest.fixture
def refused(read: Read) -> Callable[..., Refusal]:
    """The refusal that a file earns; anything else fails the test."""

    def refused(content: bytes | str, filename: str | None = None, content_type: str | None = None) -> Refusal:
        with pytest.raises(Refusal) as caught:
            read(content, filename, content_type)
        assert caught.value.code == "STATEMENT_UNREADABLE"
        return caught.value

    return refused


@pytest.fixture
def bank_files() -> Path:
    return BANK_FILES


ENTRY_08 = """<Ntry><Amt Ccy="{currency}">{amount}</Amt><CdtDbtInd>{indicator}</CdtDbtInd>{extra}
<Sts><Cd>{status}</Cd></Sts><BookgDt><Dt>2026-03-02</Dt></BookgDt><ValDt><Dt>2026-03-03</Dt></ValDt>
<AcctSvcrRef>SVC-1</AcctSvcrRef>{details}</Ntry>"""


@pytest.fixture
def camt_entry() -> Callable[..., str]:
    def entry(
        amount: str = "10.00",
        indicator: str = "CRDT",
        currency: str = "EUR",
        status: str = "BOOK",
        extra: str = "",
        details: str = "",
    ) -> str:
        return ENTRY_08.format(
            amount=amount, indicator=indicator, currency=currency, status=status, extra=extra, details=details
        )

    return entry


@pytest.fixture
def camt() -> Callable[..., str]:
    """A CAMT.053.001.08 document around entries, opening at 100.00 EUR."""

    def document(*entries: str, closing: str = "110.00", version: str = "08", head: str = "") -> str:
        balances = "".join(
            f'<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">{amount}</Amt>'
            f"<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>{day}</Dt></Dt></Bal>"
            for code, amount, day in (("OPBD", "100.00", "2026-03-01"), ("CLBD", closing, "2026-03-02"))
        )
        return (
            f'<?xml version="1.0" encoding="UTF-8"?>\n{head}'
            f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version}"><BkToCstmrStmt>'
            "<GrpHdr><MsgId>M</MsgId><CreDtTm>2026-03-03T00:00:00</CreDtTm></GrpHdr><Stmt><Id>S-1</Id>"
            "<Acct><Id><IBAN>DE89370400440532013000</IBAN></Id><Ccy>EUR</Ccy></Acct>"
            f"{balances}\n{''.join(entries)}\n</Stmt></BkToCstmrStmt></Document>"
        )

    return document
