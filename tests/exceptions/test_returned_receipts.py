"""A debit that gives a receipt back is shown to a person, with the payment where there is exactly one."""

import io
from typing import Any

import pytest

from models.cash.statement_requests import as_received
from models.ids import new_id
from models.messages.statements import StatementInput
from operations.cash.statement_chunks import next_chunk
from statement_readers import detect_and_read
from tests.books import Books

HEADER = "date,amount,currency,payer,reference,remittance_text\n"


def sent(books: Books, content: str) -> dict[str, Any]:
    data = content.encode()
    received = as_received("bank_us", data, None, detect_and_read(io.BytesIO(data)))
    made = str(books.do("receive_statement", new_id("stmt"), received.model_dump(mode="json"))["id"])
    next_chunk(books.engine, StatementInput(books.org, made))
    return books.get(f"/v1/statements/{made}")


def received(books: Books, *texts: str) -> list[str]:
    """The payments of receipts of 40.00 with these texts."""
    rows = "".join(f"2026-02-02,40.00,USD,Alpha AG,,{text}\n" for text in texts)
    return [x["payment_id"] for x in sent(books, f"{HEADER}{rows}")["lines"]]


def camt(text: str, more: str = "<RtrInf><Rsn><Cd>AM04</Cd></Rsn></RtrInf>", entry: str = "") -> str:
    return (
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"><BkToCstmrStmt><Stmt><Id>S</Id>'
        '<Acct><Id><IBAN>DE89370400440532013000</IBAN></Id></Acct><Ntry><Amt Ccy="USD">40.00</Amt>'
        f"<CdtDbtInd>DBIT</CdtDbtInd><Sts>BOOK</Sts><BookgDt><Dt>2026-02-05</Dt></BookgDt>{entry}"
        f"<NtryDtls><TxDtls>{more}<RmtInf><Ustrd>{text}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry></Stmt></BkToCstmrStmt>"
        "</Document>"
    )


def mt940(text: str) -> str:
    return f":20:R\n:25:1\n:28C:1\n:60F:C260201USD100,00\n:61:2602050205D40,00NRTI{text}\n:62F:C260205USD60,00\n-\n"


def bai2(code: str, text: str) -> str:
    return (
        "01,BANK,ME,260205,1200,1,80,1,2/\n02,ME,BANK,1,260205,,USD,2/\n03,1,USD,010,10000,,/\n"
        f"16,{code},4000,,,,{text}\n49,14000,3/\n98,14000,1,5/\n99,14000,1,7/\n"
    )


_SUB_FAMILY = "<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>RCDT</Cd><SubFmlyCd>RRTN</SubFmlyCd></Fmly></Domn></BkTxCd>"


@pytest.mark.parametrize(
    "content",
    [camt("INV-90"), camt("INV-90", "", _SUB_FAMILY), mt940("INV-90"), bai2("555", "INV-90"), bai2("557", "INV-90"),
     f"{HEADER}2026-02-05,-40.00,USD,Alpha AG,,return of INV-90\n"],
    ids=["camt RtrInf", "camt sub-family", "mt940", "bai2 555", "bai2 557", "no mark, its invoice and amount"],
)  # fmt: skip
def test_it_names_the_payment_that_paid_the_invoice(books: Books, content: str):
    books.invoice(books.customer("Alpha AG"), 4000, "2026-01-05", external_id="INV-90")
    (payment,) = received(books, "INV-90")
    statement = sent(books, content)
    (line,) = statement["lines"]
    assert (line["status"], line["reason_code"], line["payment_id"]) == ("IGNORED", "RECEIPT_RETURNED", payment)
    assert statement["recorded"] == 0
    asked = [
        e["detail"] for e in books.get("/v1/exceptions", status="open")["items"] if e["subject_id"] == statement["id"]
    ]
    assert asked == [{"lines": [1], "payments": {"1": payment}}]
    assert books.get(f"/v1/customer-payments/{payment}")["status"] == "FULLY_APPLIED"  # a person decides


def test_a_receipt_that_found_no_invoice_is_known_by_its_reference(books: Books):
    first, _ = received(books, "ORDER-7781", "ORDER-7782")
    assert sent(books, camt("ORDER-7781"))["lines"][0]["payment_id"] == first


@pytest.mark.parametrize("text", ["INV-90", "nothing at all", "ORDER-1"])
def test_where_it_may_be_one_of_two_or_none_a_person_looks(books: Books, text: str):
    books.invoice(books.customer("Alpha AG"), 8000, "2026-01-05", external_id="INV-90")
    received(books, "INV-90 first", "INV-90 second")
    (line,) = sent(books, camt(text))["lines"]
    assert (line["reason_code"], line["payment_id"]) == ("RECEIPT_RETURNED", None)


@pytest.mark.parametrize(
    "row", ["-39.00,USD,Alpha AG,,INV-90", "-40.00,USD,Bank,,fees 2026", "-40.00,USD,Alpha AG,,INV-91"]
)
def test_other_debits_stay_what_they_are(books: Books, row: str):
    books.invoice(books.customer("Alpha AG"), 4000, "2026-01-05", external_id="INV-90")
    received(books, "INV-90")
    (line,) = sent(books, f"{HEADER}2026-02-05,{row}\n")["lines"]
    assert (line["reason_code"], line["payment_id"]) == ("NOT_A_CREDIT", None)


def reversing(books: Books) -> None:
    books.do("change_settings", books.org, {"returns": "reverse"})


def paid(books: Books, name: str = "INV-90") -> tuple[str, str]:
    """An invoice of 40.00 and the payment that paid it."""
    invoice = books.invoice(books.customer("Alpha AG"), 4000, "2026-01-05", external_id=name)
    return invoice, received(books, name)[0]


REASONS = {
    "camt code": (camt("INV-90"), "RETURNED_AM04"),
    "camt proprietary": (camt("INV-90", "<RtrInf><Rsn><Prtry>no funds</Prtry></Rsn></RtrInf>"), "RETURNED_NO_FUNDS"),
    "camt sub-family": (camt("INV-90", "", _SUB_FAMILY), "RETURNED_RRTN"),
    "camt mark": (camt("INV-90", "", "<RvslInd>true</RvslInd>"), "RETURNED"),
    "mt940 type": (mt940("INV-90"), "RETURNED_NRTI"),
    "mt940 code": (mt940("INV-90\n:86:/RTRN/MD06/REMI/INV-90"), "RETURNED_MD06"),
    "bai2 type": (bai2("555", "INV-90"), "RETURNED_555"),
    "bai2 nacha": (bai2("557", "RETURN R01 INSUFFICIENT FUNDS INV-90"), "RETURNED_R01"),
}


@pytest.mark.parametrize(("content", "reason"), REASONS.values(), ids=REASONS.keys())
def test_where_the_organisation_says_so_the_payment_is_reversed_with_the_banks_code(
    books: Books, content: str, reason: str
):
    invoice, payment = paid(books)
    reversing(books)
    (line,) = sent(books, content)["lines"]
    assert (line["status"], line["reason_code"], line["payment_id"]) == ("IGNORED", "RECEIPT_RETURNED", payment)
    gone = books.get(f"/v1/customer-payments/{payment}")
    assert (gone["status"], gone["reversal_reason"], gone["reversal_date"]) == ("REVERSED", reason, "2026-02-05")
    assert books.get(f"/v1/invoices/{invoice}")["status"] == "OPEN"
    assert books.get("/v1/exceptions", status="open", kind="bank_statement")["items"] == []


def test_a_receipt_and_its_return_in_one_file_find_each_other(books: Books):
    books.invoice(books.customer("Alpha AG"), 4000, "2026-01-05", external_id="INV-90")
    receipt = (
        '<Ntry><Amt Ccy="USD">40.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts><BookgDt><Dt>2026-02-02</Dt></BookgDt>'
        "<NtryDtls><TxDtls><RmtInf><Ustrd>INV-90</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry><Ntry>"
    )
    reversing(books)
    one, two = sent(books, camt("INV-90").replace("<Ntry>", receipt, 1))["lines"]
    assert (one["status"], two["reason_code"], two["payment_id"]) == ("APPLIED", "RECEIPT_RETURNED", one["payment_id"])
    assert books.get(f"/v1/customer-payments/{one['payment_id']}")["status"] == "REVERSED"


@pytest.mark.parametrize("text", ["INV-90", "ORDER-1"], ids=["one of two", "none"])
def test_no_payment_is_reversed_on_a_guess(books: Books, text: str):
    books.invoice(books.customer("Alpha AG"), 8000, "2026-01-05", external_id="INV-90")
    payments = received(books, "INV-90 first", "INV-90 second")
    reversing(books)
    statement = sent(books, camt(text))
    assert [books.get(f"/v1/customer-payments/{p}")["status"] for p in payments] == ["FULLY_APPLIED"] * 2
    asked = books.get("/v1/exceptions", status="open", kind="bank_statement")["items"]
    assert [(e["subject_id"], e["detail"]) for e in asked] == [(statement["id"], {"lines": [1], "payments": {}})]


def test_what_the_bank_does_not_call_a_return_is_asked_about(books: Books):
    _, payment = paid(books)
    reversing(books)
    sent(books, f"{HEADER}2026-02-05,-40.00,USD,Alpha AG,,refund of INV-90\n")
    assert books.get(f"/v1/customer-payments/{payment}")["status"] == "FULLY_APPLIED"
    assert len(books.get("/v1/exceptions", status="open", kind="bank_statement")["items"]) == 1


def test_a_second_return_of_one_receipt_is_asked_about(books: Books):
    paid(books)
    reversing(books)
    sent(books, camt("INV-90"))
    again = sent(books, camt("INV-90").replace("2026-02-05", "2026-02-06"))
    assert (again["lines"][0]["reason_code"], again["lines"][0]["payment_id"]) == ("RECEIPT_RETURNED", None)
    assert len(books.get("/v1/exceptions", status="open", kind="bank_statement")["items"]) == 1


def test_a_debit_that_bears_the_reference_of_a_receipt_recorded_by_hand_gives_it_back(books: Books):
    hand = books.pay(books.customer("Alpha AG"), 4000, "2026-02-01", bank_account_id="bank_us", reference="CHQ-10077")
    (line,) = sent(books, f"{HEADER}2026-02-05,-40.00,USD,Alpha AG,CHQ-10077,\n")["lines"]
    assert (line["reason_code"], line["payment_id"]) == ("RECEIPT_RETURNED", hand)
