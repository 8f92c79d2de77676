"""Bank lines that must pay nothing by themselves, from the file to what a clerk is shown."""

import io
from datetime import timedelta
from typing import Any

import pytest

from models.cash.statement_requests import as_received
from models.cash.statements import StatementLine, line_external_id
from models.ids import new_id
from models.messages.statements import StatementInput
from operations.cash.statement_chunks import next_chunk
from statement_readers import detect_and_read
from tests.books import Books, today


def statement(books: Books, content: str) -> dict[str, Any]:
    """The statement of a file, received and worked off, as the API shows it."""
    data = content.encode()
    received = as_received("bank_us", data, None, detect_and_read(io.BytesIO(data)))
    made = str(books.do("receive_statement", new_id("stmt"), received.model_dump(mode="json"))["id"])
    next_chunk(books.engine, StatementInput(books.org, made))
    return books.get(f"/v1/statements/{made}")


def only_line(books: Books, content: str) -> dict[str, Any]:
    (line,) = statement(books, content)["lines"]
    return line


def exceptions(books: Books, **params: str) -> list[dict[str, Any]]:
    return books.get("/v1/exceptions", status="open", **params)["items"]


def csv(*rows: str) -> str:
    return "\n".join(["date,amount,currency,payer,reference,remittance_text", *rows]) + "\n"


def mt940(entry: str, currency: str = "USD") -> str:
    return f":20:R\n:25:1\n:28C:1\n:60F:C260201{currency}0,00\n{entry}\n:62F:C260202{currency}100,00\n-\n"


def camt(day: str, remittance: str, amount: str = "77.00", references: str = "") -> str:
    return (
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><Stmt><Id>S</Id>'
        "<Acct><Id><IBAN>DE89370400440532013000</IBAN></Id><Ccy>USD</Ccy></Acct>"
        f'<Ntry><Amt Ccy="USD">{amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>'
        f"<BookgDt><Dt>{day}</Dt></BookgDt><AcctSvcrRef>SVC-1</AcctSvcrRef><NtryDtls><TxDtls><Refs>{references}</Refs>"
        "<RltdPties><Dbtr><Pty><Nm>Beta Ltd</Nm></Pty></Dbtr><DbtrAcct><Id><IBAN>NL91ABNA0417164300</IBAN></Id></DbtrAcct>"
        f"</RltdPties><RmtInf>{remittance}</RmtInf></TxDtls></NtryDtls></Ntry></Stmt></BkToCstmrStmt></Document>"
    )


def ofx(day: str) -> str:
    return (
        "OFXHEADER:100\nDATA:OFXSGML\nVERSION:102\nENCODING:UTF-8\nCHARSET:NONE\n\n<OFX><BANKMSGSRSV1><STMTTRNRS><STMTRS>"
        f"<CURDEF>USD<BANKTRANLIST><STMTTRN><TRNTYPE>CREDIT<DTPOSTED>{day}<TRNAMT>77.00<FITID>F1<MEMO>INV-60\n</STMTTRN>"
        "</BANKTRANLIST></STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>"
    )


def bai2(day: str) -> str:
    return (
        f"01,S,R,260202,0000,1,,,2/\n02,R,S,1,{day},0000,USD,2/\n03,1,USD,,,,/\n16,165,7700,Z,B1,,INV-60/\n"
        "49,7700,3/\n98,7700,1,5/\n99,7700,1,7/\n"
    )


def far_off() -> dict[str, str]:
    day = today().replace(year=today().year + 10, day=1)
    short = day.strftime("%y%m%d")
    return {
        "csv": csv(f"{day},77.00,USD,Beta,,INV-60"),
        "mt940": mt940(f":61:{short}C77,00NTRFNONREF\n:86:INV-60"),
        "camt": camt(str(day), "<Ustrd>INV-60</Ustrd>"),
        "ofx": ofx(day.strftime("%Y%m%d")),
        "bai2": bai2(short),
    }


@pytest.mark.parametrize("form", ["csv", "mt940", "camt", "ofx", "bai2"])
def test_a_line_dated_beyond_the_horizon_fails_and_is_an_exception(books: Books, form: str):
    invoice = books.invoice(books.customer(), 7700, "2026-01-01", external_id="INV-60")
    line = only_line(books, far_off()[form])
    assert (line["status"], line["reason_code"], line["payment_id"]) == ("FAILED", "PAYMENT_DATE_IN_FUTURE", None)
    assert [e["reason_code"] for e in exceptions(books, kind="unmatched_payment")] == ["PAYMENT_DATE_IN_FUTURE"]
    assert books.get(f"/v1/invoices/{invoice}")["status"] == "OPEN"
    assert books.sql("SELECT 1 FROM payments WHERE org_id = :org") == []


def test_the_horizon_is_the_organisations(books: Books):
    soon, later = today() + timedelta(days=7), today() + timedelta(days=8)
    rows = csv(f"{soon},1.00,USD,,,one", f"{later},2.00,USD,,,two")
    assert [x["status"] for x in statement(books, rows)["lines"]] == ["UNMATCHED", "FAILED"]
    books.do("change_settings", books.org, {"payment_date_horizon_days": 30})
    assert only_line(books, csv(f"{later},3.00,USD,,,three"))["status"] == "UNMATCHED"


@pytest.mark.parametrize("payer", ["Beta Ltd", "BETA LTD.", "Beta Limited", "beta"])
def test_a_known_payer_never_pays_a_part_of_a_strangers_invoice(books: Books, payer: str):
    alpha, _ = books.customer("Alpha Inc"), books.customer("Beta Ltd")
    books.invoice(alpha, 410000, "2026-01-01", external_id="INV-010432")
    line = only_line(books, csv(f"2026-02-02,1298.00,USD,{payer},,INV-010432"))
    assert (line["status"], line["reason_code"]) == ("UNMATCHED", "PAYER_DIFFERS")
    assert [s["external_id"] for s in line["suggestions"]] == ["INV-010432"]
    assert books.get(f"/v1/customer-payments/{line['payment_id']}")["customer_id"] is None
    assert only_line(books, csv("2026-02-02,1298.00,USD,Alpha Inc,,INV-010432"))["status"] == "APPLIED"


def test_a_number_in_the_end_to_end_id_pays_no_strangers_invoice(books: Books):
    alpha, _ = books.customer("Alpha Inc"), books.customer("Beta Ltd")
    books.invoice(alpha, 500000, "2026-01-01", external_id="10045")
    content = camt("2026-02-02", "<Ustrd>Order 889</Ustrd>", "100.00", "<EndToEndId>10045</EndToEndId>")
    assert only_line(books, content)["reason_code"] == "PAYER_DIFFERS"


def test_a_second_reference_that_nobody_knows_holds_a_part_back(books: Books):
    books.invoice(books.customer("Beta Ltd"), 500000, "2026-01-01", external_id="INV-1")
    assert only_line(books, csv("2026-02-02,10.00,USD,Beta Ltd,,INV-1 INV-99"))["reason_code"] == "REFERENCE_UNRESOLVED"


def test_everything_that_the_bank_said_is_on_the_line_the_payment_and_the_exception(books: Books):
    reference = "RF18539007547034"
    remittance = f"<Strd><CdtrRefInf><Ref>{reference}</Ref></CdtrRefInf></Strd>"
    line = only_line(books, camt("2026-02-02", remittance, "7.00", "<EndToEndId>E2E-1</EndToEndId><TxId>TX-9</TxId>"))
    payment = books.get(f"/v1/customer-payments/{line['payment_id']}")
    for shown in (line, payment):
        said = {text["text"] for text in shown["bank_texts"]}
        assert said >= {reference, "E2E-1", "TX-9", "Beta Ltd", "NL91ABNA0417164300"}
    assert (line["structured_references"], line["bank_reference"]) == ([reference], "SVC-1")
    (left,) = exceptions(books, subject_id=line["payment_id"])
    assert set(left["detail"]["references"]) == {reference, "E2E-1"}


def test_the_only_reference_is_shown_as_the_reference(books: Books):
    remittance = "<Strd><CdtrRefInf><Ref>RF18539007547034</Ref></CdtrRefInf></Strd>"
    line = only_line(books, camt("2026-02-02", remittance, "7.00"))
    assert line["reference"] == "RF18539007547034"
    assert books.get(f"/v1/customer-payments/{line['payment_id']}")["reference"] == "RF18539007547034"


def test_a_line_that_an_earlier_build_recorded_is_not_recorded_again(books: Books):
    entry = ":61:2602020202C100,00NTRFINVOICE-2026-0112//B1\n:86:166?00GUTSCHRIFT?20INV-10?2101/2026 RENT?32EPSILON AG"
    [read] = detect_and_read(io.BytesIO(mt940(entry).encode()))
    [now] = read.lines
    then = StatementLine(
        1, now.booking_date, now.value_date, 10000, "USD", "EPSILON AG", "INVOICE-2026-011", "INV-1001/2026 RENT"
    )
    payment = books.pay(books.customer(), 10000, "2026-02-02", external_id=line_external_id("bank_us", then))
    line = only_line(books, mt940(entry))
    assert (line["status"], line["payment_id"]) == ("DUPLICATE", payment)


def test_an_external_id_with_blanks_is_a_name_in_a_reference_column(books: Books):
    books.invoice(books.customer(), 7700, "2026-01-01", external_id="ABC 2026 017")
    assert only_line(books, csv("2026-02-02,77.00,USD,Somebody,ABC 2026 017,thanks"))["status"] == "APPLIED"
