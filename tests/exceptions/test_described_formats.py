"""A bank's CSV is described once for its account; its files are then taken like any other statement."""

import io
from datetime import UTC, datetime
from typing import Any

import pytest

from models.cash.statement_format_requests import CreateStatementFormat
from statement_readers import read_bank_csv
from tests.books import Books
from tests.exceptions.uploads import uploaded
from tests.unit.statements.banks import BANKS

LLOYDS = {"name": "lloyds"} | BANKS["Lloyds"].described
PATH = "/v1/bank-accounts/bank_uk/statement-formats"


def described(
    books: Books, body: dict[str, Any], path: str = PATH, role: str = "controller"
) -> tuple[int, dict[str, Any]]:
    answer = books.api(role).post(path, body)
    return answer.status_code, answer.json()


def test_a_format_is_described_once_shown_and_listed(books: Books):
    status, made = described(books, LLOYDS)
    assert (status, made["name"], made["bank_account_id"], made["decimal"]) == (201, "lloyds", "bank_uk", ".")
    assert (
        made["columns"].items() >= {"credit": "Credit Amount", "remittance_text": ["Transaction Description"]}.items()
    )
    assert books.get(f"{PATH}/lloyds", "ar_clerk") == made
    assert books.get(PATH, "ar_clerk")["items"] == [made]
    assert books.get("/v1/bank-accounts/bank_us/statement-formats")["items"] == []
    again = books.api().post(PATH, LLOYDS)
    assert (again.status_code, again.headers["Idempotent-Replayed"], again.json()) == (201, "true", made)


def test_another_description_of_the_name_is_refused(books: Books):
    described(books, LLOYDS)
    status, problem = described(books, LLOYDS | {"decimal": ","})
    assert (status, problem["code"], problem["errors"][0]["loc"]) == (409, "ALREADY_EXISTS", "/name")


@pytest.mark.parametrize(
    ("path", "role", "expected"),
    [("/v1/bank-accounts/bank_none/statement-formats", "controller", (404, "BANK_ACCOUNT_NOT_FOUND")),
     (PATH, "ar_clerk", (403, "FORBIDDEN"))],
)  # fmt: skip
def test_it_is_master_data(books: Books, path: str, role: str, expected: tuple[int, str]):
    status, problem = described(books, LLOYDS, path, role)
    assert (status, problem["code"]) == expected


def test_a_format_that_is_not_there_is_not_found(books: Books):
    answer = books.api().get(f"{PATH}/none")
    assert (answer.status_code, answer.json()["code"]) == (404, "STATEMENT_FORMAT_NOT_FOUND")
    sent = books.api().request(
        "POST", "/v1/bank-accounts/bank_uk/statements?format=none", files={"file": ("s.csv", b"x")}
    )
    assert (sent.status_code, sent.json()["code"]) == (404, "STATEMENT_FORMAT_NOT_FOUND")


def test_a_banks_file_pays_the_invoice_it_names(books: Books):
    bank = BANKS["Lloyds"]
    invoice = books.invoice(
        books.customer("Alpha Ltd", "le_uk"), 125000, "2026-01-01", currency="GBP", external_id="INV-60"
    )
    asked = CreateStatementFormat.model_validate(LLOYDS)
    read = read_bank_csv(io.BytesIO(bank.data), asked.as_format("bank_uk", datetime.now(UTC), "u"), "GBP")
    made = uploaded(books, bank.data, "bank_uk", read)
    assert [(x["status"], x["amount_minor"]) for x in made["lines"]] == [("IGNORED", -1500), ("APPLIED", 125000)]
    assert {(t["field"], t["text"]) for t in made["lines"][1]["bank_texts"]} >= {("Transaction Type", "FPI")}
    assert books.get(f"/v1/invoices/{invoice}")["status"] == "PAID"
