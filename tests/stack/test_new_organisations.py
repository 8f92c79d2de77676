"""An organisation made by its operator: from a file, with the owner's login; the application's is told so in a sentence."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from cli.main import app
from stack.process import StackError
from tests.books import Books
from tests.stack_fixtures.app import Access

ORG = """
id: {org}
name: Acme Group
legal_entities:
  - id: le_de
    name: Acme GmbH
    functional_currency: EUR
    bank_accounts:
      - id: bank_de
        currency_code: EUR
        name: Main account
        iban: DE89 3704 0044 0532 0130 00
  - id: le_jp
    name: Acme KK
    functional_currency: JPY
payment_terms:
  - code: NET14
    days: 14
"""


@pytest.fixture
def arflow(quiet_database_url: str, tmp_path: Path) -> Any:
    access = Access(
        "http://nowhere", {**os.environ, "ARFLOW_HOME": str(tmp_path), "ARFLOW_DATABASE_URL": quiet_database_url}
    )
    return access.arflow


def test_a_file_says_which_entities_and_accounts_there_are(
    arflow: Any, quiet_database_url: str, tmp_path: Path
) -> None:
    org, file = f"org_{os.urandom(5).hex()}", tmp_path / "org.yaml"
    file.write_text(ORG.format(org=org))
    assert arflow("org", "create", "--file", str(file)).stdout.split() == [org]
    books = Books(quiet_database_url)
    books.org, books.who = org, replace(books.who, org_id=org)
    try:
        entities = books.get("/v1/legal-entities")["items"]
        assert [(e["id"], e["functional_currency"], e["discount_tax"]) for e in entities] == [
            ("le_de", "EUR", "adjust"), ("le_jp", "JPY", "adjust"),
        ]  # fmt: skip
        accounts = books.get("/v1/bank-accounts")["items"]
        assert [(a["id"], a["legal_entity_id"], a["iban"]) for a in accounts] == [
            ("bank_de", "le_de", "DE89370400440532013000")
        ]
        assert [t["code"] for t in books.get("/v1/payment-terms")["items"]] == ["NET14"]
        customer = books.customer(entity="le_de")
        invoice = books.invoice(
            customer, 1000, "2026-01-05", currency="EUR", legal_entity_id="le_de", payment_terms="NET14"
        )
        payment = books.pay(customer, 1000, "2026-01-15", currency="EUR")
        books.apply(payment, (invoice, 1000))
        assert books.get(f"/v1/customer-payments/{payment}")["status"] == "FULLY_APPLIED"
    finally:
        books.close()
    again = arflow("org", "create", "--file", str(file), check=False)
    assert (again.returncode, "exists already" in again.stderr) == (1, True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (ORG.replace("EUR", "EURO", 1), "functional_currency"),
        (ORG.replace("le_jp", "le_de"), "named twice"),
        (ORG.replace("DE89", "DE88"), "IBAN"),
        (ORG.replace("name: Acme GmbH", "nome: Acme"), "nome"),
        ("a: [1", "line 1"),
        ("id: org_x\nid: org_y", "said twice"),
    ],
)
def test_what_a_file_may_not_say_is_named_in_a_line_before_anything_is_asked(
    tmp_path: Path, text: str, said: str
) -> None:
    file = tmp_path / "org.yaml"
    file.write_text(text.format(org="org_never"))
    refused = CliRunner().invoke(app, ["org", "create", "--file", str(file)]).exception
    assert isinstance(refused, StackError)
    assert said in str(refused)
    assert len(str(refused).splitlines()) == 1


def test_the_applications_login_is_told_whose_it_takes(quiet_database_url: str, tmp_path: Path) -> None:
    login = f"app_{os.urandom(4).hex()}"
    with psycopg.connect(quiet_database_url, autocommit=True) as c:
        c.execute(f"CREATE ROLE {login} LOGIN IN ROLE arflow_app")
    url = quiet_database_url.replace("postgres@", f"{login}@")
    access = Access("http://nowhere", {**os.environ, "ARFLOW_HOME": str(tmp_path), "ARFLOW_DATABASE_URL": url})
    done = access.arflow("org", "create", "org_never", "--name", "Never", check=False)
    assert done.returncode == 1
    assert "owner's" in done.stderr
    assert "Traceback" not in done.stderr
