"""Of a bank's file only the statements of the account that it was sent for are taken."""

import io
from typing import Any

import pytest

from models.cash.statement_requests import as_received
from models.errors import Refusal
from models.ids import new_id
from models.messages.statements import StatementInput
from operations.cash.statement_chunks import next_chunk
from statement_readers import detect_and_read
from tests.books import Books

IBAN, OTHER = "DE89370400440532013000", "GB33BUKB20201555555555"


def bank(books: Books, currency: str = "USD", **numbers: str | None) -> str:
    """A bank account, changed to have these numbers; its id."""
    made = f"bank_{new_id('x')[2:]}"
    body = {"id": made, "legal_entity_id": "le_us", "currency_code": currency, "name": "Another"}
    books.do("create_bank_account", books.org, body)
    if numbers:
        assert books.do("change_bank_account", made, numbers).items() >= numbers.items()
    return made


def sent(books: Books, account: str, content: str) -> dict[str, Any]:
    """The statement of a file sent for an account, worked off."""
    data = content.encode()
    received = as_received(account, data, None, detect_and_read(io.BytesIO(data)))
    made = str(books.do("receive_statement", new_id("stmt"), received.model_dump(mode="json"))["id"])
    next_chunk(books.engine, StatementInput(books.org, made))
    return books.get(f"/v1/statements/{made}")


def refused(books: Books, account: str, content: str) -> str:
    with pytest.raises(Refusal) as refusal:
        sent(books, account, content)
    return refusal.value.code


def camt(*accounts: tuple[str, str], currency: str = "USD") -> str:
    """A statement per account: its IBAN, and the amount of its one credit, which says the same in each."""
    statements = "".join(
        f"<Stmt><Id>S{n}</Id><Acct><Id><IBAN>{iban}</IBAN></Id><Ccy>{currency}</Ccy></Acct>"
        f'<Ntry><Amt Ccy="{currency}">{amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts>'
        "<BookgDt><Dt>2026-02-03</Dt></BookgDt><AddtlNtryInf>rent</AddtlNtryInf></Ntry></Stmt>"
        for n, (iban, amount) in enumerate(accounts)
    )
    head = '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"><BkToCstmrStmt>'
    return f"{head}{statements}</BkToCstmrStmt></Document>"


def mt940(*accounts: str) -> str:
    body = "\n".join(
        f":20:R\n:25:{ref}\n:28C:1\n:60F:C260201USD0,00\n:61:2602030203C{10 + n},00NTRFX{n}\n:62F:C260203USD{10 + n},00\n-"
        for n, ref in enumerate(accounts)
    )
    return f"{body}\n"


def test_each_account_takes_its_own_of_a_file_and_names_the_others(books: Books):
    first, second = bank(books, iban=IBAN), bank(books, iban=OTHER)
    both = camt((IBAN, "100.00"), (OTHER, "100.00"), (OTHER, "100.00"))
    mine, theirs = sent(books, first, both), sent(books, second, both)
    assert [x["amount_minor"] for x in mine["lines"]] == [10000]
    assert [(x["line"], x["amount_minor"]) for x in theirs["lines"]] == [(1, 10000), (2, 10000)]
    assert [(w["code"], OTHER in w["detail"]) for w in mine["warnings"]] == [("STATEMENT_OF_ANOTHER_ACCOUNT", True)]
    alone = sent(books, second, camt((OTHER, "100.00")))
    assert alone["lines"][0]["payment_id"] == theirs["lines"][0]["payment_id"]  # told apart within the account


@pytest.mark.parametrize("ref", ["0000111", "70050000/111", "111 USD", "111USD"])
def test_a_bank_may_write_the_number_in_its_own_way(books: Books, ref: str):
    account = bank(books, account_number="111")
    assert [x["amount_minor"] for x in sent(books, account, mt940("222", ref))["lines"]] == [1100]


@pytest.mark.parametrize("content", [camt((OTHER, "1.00")), mt940("222", "1110"), mt940("222/333")])
def test_a_file_of_other_accounts_alone_is_refused(books: Books, content: str):
    assert refused(books, bank(books, iban=IBAN, account_number="111"), content) == "STATEMENT_ACCOUNT_MISMATCH"


def test_an_account_without_a_number_takes_what_is_one_accounts_and_in_its_currency(books: Books):
    account = bank(books)
    assert refused(books, account, camt((IBAN, "1.00"), (OTHER, "2.00"))) == "STATEMENT_ACCOUNT_AMBIGUOUS"
    assert refused(books, account, mt940("111", "222")) == "STATEMENT_ACCOUNT_AMBIGUOUS"
    assert refused(books, account, camt((IBAN, "1.00"), currency="EUR")) == "STATEMENT_CURRENCY_MISMATCH"
    header = "date,amount,currency,payer,reference,remittance_text\n"
    assert refused(books, account, f"{header}2026-02-03,1.00,USD,,,\n2026-02-03,1.00,EUR,,,\n") == (
        "STATEMENT_CURRENCY_MISMATCH"
    )
    assert sent(books, account, camt((IBAN, "1.00"), (IBAN, "2.00")))["recorded"] == 2


def test_a_file_that_names_no_account_is_known_by_its_currency(books: Books):
    account = bank(books, "EUR", iban=IBAN)
    header = "date,amount,currency,payer,reference,remittance_text\n"
    assert refused(books, account, f"{header}2026-02-03,1.00,USD,,,\n") == "STATEMENT_CURRENCY_MISMATCH"


def test_the_numbers_of_a_bank_account(books: Books):
    account = bank(books, iban="de89 3704 0044 0532 0130 00".upper().replace(" ", ""), bic="COBADEFFXXX")
    assert books.do("change_bank_account", account, {"bic": None}).items() >= {"iban": IBAN, "bic": None}.items()
    assert books.get(f"/v1/bank-accounts/{account}")["iban"] == IBAN
