"""Files uploaded and worked off, without Temporal: what the process of a statement does, in this thread."""

import io
from typing import Any

from models.cash.statement_requests import as_received
from models.cash.statements import Statement
from models.ids import new_id
from models.messages.statements import StatementInput
from operations.cash.statement_chunks import next_chunk
from operations.verify import verify
from statement_readers import detect_and_read
from tests.books import Books

HEADER = "date,amount,currency,payer,reference,remittance_text\n"


def csv(*rows: str) -> str:
    return HEADER + "".join(f"{row}\n" for row in rows)


def uploaded(
    books: Books, content: str | bytes, bank: str = "bank_us", read: list[Statement] | None = None
) -> dict[str, Any]:
    """The statement of a file, received and worked off, as the API shows it; `read` otherwise than by its own look."""
    data = content.encode() if isinstance(content, str) else content
    received = as_received(bank, data, None, read or detect_and_read(io.BytesIO(data)))
    made = str(books.do("receive_statement", new_id("stmt"), received.model_dump(mode="json"))["id"])
    return worked_off(books, made)


def worked_off(books: Books, statement: str) -> dict[str, Any]:
    """The statement once the process has done its next chunks."""
    for _ in range(1000):
        done, total = next_chunk(books.engine, StatementInput(books.org, statement))
        if done >= total:
            break
    return shown(books, statement)


def shown(books: Books, statement: str) -> dict[str, Any]:
    return books.get(f"/v1/statements/{statement}")


def open_exceptions(books: Books, **params: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = books.get("/v1/exceptions", status="open", **params)["items"]
    return found


def broken(books: Books) -> list[str]:
    """What `arflow verify` finds wrong."""
    return [breach for found in verify(books.engine, books.org) for breach in found.breaches]


def payment(books: Books, payment_id: str) -> dict[str, Any]:
    return books.get(f"/v1/customer-payments/{payment_id}")


def payments(books: Books) -> list[dict[str, Any]]:
    """All that are not reversed."""
    found: list[dict[str, Any]] = books.get("/v1/customer-payments")["items"]
    return [p for p in found if p["status"] != "REVERSED"]


def camt(
    *entries: str, message: str = "BkToCstmrStmt/Stmt", currency: str = "USD", account: str = "DE89370400440532013000"
) -> str:
    """A document of the 2019 schema around entries; `message`: what holds the account's entries, and what holds it."""
    outer, inner = message.split("/")
    return (
        f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><{outer}><{inner}><Id>S</Id>'
        f"<Acct><Id><IBAN>{account}</IBAN></Id><Ccy>{currency}</Ccy></Acct>{''.join(entries)}</{inner}></{outer}></Document>"
    )


def entry(
    amount: str, *details: str, ref: str = "SVC-1", day: str = "2026-02-02", more: str = "", sign: str = "CRDT"
) -> str:
    """A booked entry with its transactions; `more` stands before them."""
    inside = "".join(f"<TxDtls>{x}</TxDtls>" for x in details)
    reference = f"<AcctSvcrRef>{ref}</AcctSvcrRef>" if ref else ""
    return (
        f'<Ntry><Amt Ccy="USD">{amount}</Amt><CdtDbtInd>{sign}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>'
        f"<BookgDt><Dt>{day}</Dt></BookgDt>{reference}{more}"
        + (f"<NtryDtls>{inside}</NtryDtls></Ntry>" if inside else "</Ntry>")
    )


def detail(text: str = "", *, amount: str = "", payer: str = "", ref: str = "", more: str = "") -> str:
    """A transaction of an entry."""
    return (
        (f"<Refs><AcctSvcrRef>{ref}</AcctSvcrRef></Refs>" if ref else "")
        + (f'<Amt Ccy="USD">{amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd>' if amount else "")
        + more
        + (f"<RltdPties><Dbtr><Pty><Nm>{payer}</Nm></Pty></Dbtr></RltdPties>" if payer else "")
        + (f"<RmtInf><Ustrd>{text}</Ustrd></RmtInf>" if text else "")
    )


def ofx(fitid: str, memo: str, name: str, day: str = "20260210", amount: str = "77.00", more: str = "") -> str:
    one = f"<STMTTRN><TRNTYPE>CREDIT<DTPOSTED>{day}<TRNAMT>{amount}<FITID>{fitid}<NAME>{name}<MEMO>{memo}\n</STMTTRN>"
    return (
        "OFXHEADER:100\nDATA:OFXSGML\nVERSION:102\nENCODING:UTF-8\nCHARSET:NONE\n\n<OFX><BANKMSGSRSV1><STMTTRNRS><STMTRS>"
        f"<CURDEF>USD<BANKTRANLIST>{one}{more}</BANKTRANLIST></STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>"
    )
