"""A new organisation, and the particulars of its entities and bank accounts: what is kept, and what the trail says."""

import json
import os
from dataclasses import dataclass, replace
from typing import Any

import pytest

from models.access import Principal
from models.db.engine import transaction
from models.master_data.organisation import NewOrganisation
from models.values import Body
from operations.external_ids import conflict, differing, refuse_another
from operations.organisations import bootstrap_work, create_organisation
from tests.books import Books
from tests.rules.refusals import refused


def trail(books: Books, org: str | None = None) -> list[dict[str, Any]]:
    sql = "SELECT action, actor, payload FROM audit_events WHERE org_id = %(org)s ORDER BY seq"
    return [row | {"payload": json.loads(row["payload"])} for row in books.sql(sql, org=org or books.org)]


def kept(books: Books, org: str, table: str) -> list[dict[str, Any]]:
    rows = books.sql(f"SELECT * FROM {table} WHERE org_id = %(org)s ORDER BY 2", org=org)
    return [{name: value for name, value in row.items() if name not in ("org_id", "created_at")} for row in rows]


ACME: dict[str, Any] = {
    "id": "org_acme", "name": "Acme", "payment_terms": [
        {"code": "NET7", "days": 7, "discount_percent": "2", "discount_days": 3}
    ],
    "legal_entities": [
        {"id": "le_at", "name": "Acme AT", "functional_currency": "EUR", "discount_tax": "keep", "bank_accounts": [
            {"id": "bank_1", "currency_code": "EUR", "name": "One", "iban": "AT611904300234573201", "bic": "BKAUATWW"},
            {"id": "bank_2", "currency_code": "USD", "name": "Two", "account_number": "4711"},
        ]},
        {"id": "le_ca", "name": "Acme CA", "functional_currency": "CAD"},
    ],
}  # fmt: skip


def test_an_organisation_is_made_as_it_is_described(books: Books) -> None:
    org = f"org_{os.urandom(6).hex()}"
    described = NewOrganisation.model_validate_json(json.dumps(ACME | {"id": org}))
    with transaction(books.owner, org) as tx:
        create_organisation(tx, "ignored", "u_operator", described)
        now = tx.now
    assert books.sql("SELECT name, settings, created_at FROM organisations WHERE org_id = %(org)s", org=org) == [
        {"name": "Acme", "settings": {}, "created_at": now}
    ]
    (terms,) = kept(books, org, "payment_terms")
    assert (terms["code"], terms["days"], str(terms["discount_percent"]), terms["discount_days"]) == ("NET7", 7, "2", 3)
    assert kept(books, org, "legal_entities") == [
        {"id": "le_at", "name": "Acme AT", "functional_currency": "EUR", "discount_tax": "keep"},
        {"id": "le_ca", "name": "Acme CA", "functional_currency": "CAD", "discount_tax": "adjust"},
    ]
    names = "id", "legal_entity_id", "currency_code", "name", "iban", "account_number", "bic"
    assert [tuple(row[name] for name in names) for row in kept(books, org, "bank_accounts")] == [
        ("bank_1", "le_at", "EUR", "One", "AT611904300234573201", None, "BKAUATWW"),
        ("bank_2", "le_at", "USD", "Two", None, "4711", None),
    ]
    accounts = {row["key"]: (row["code"], row["kind"]) for row in kept(books, org, "accounts")}
    assert (accounts["cash"], accounts["write_off"]) == (("1000", "asset"), ("7100", "expense"))
    assert trail(books, org) == [
        {
            "action": "organisation.created", "actor": "u_operator",
            "payload": {"after": {"name": "Acme", "legal_entities": ["le_at", "le_ca"]}},
        }
    ]  # fmt: skip
    for table in ("legal_entities", "bank_accounts"):
        made = books.sql(f"SELECT DISTINCT created_at FROM {table} WHERE org_id = %(org)s", org=org)
        assert made == [{"created_at": now}]


def test_an_organisation_without_a_description_has_the_usual_ones(books: Books) -> None:
    assert [(e["id"], e["name"], e["discount_tax"]) for e in kept(books, books.org, "legal_entities")] == [
        ("le_uk", "UK entity", "adjust"),
        ("le_us", "US entity", "keep"),
    ]
    assert [
        (a["id"], a["legal_entity_id"], a["currency_code"], a["name"]) for a in kept(books, books.org, "bank_accounts")
    ] == [
        ("bank_uk", "le_uk", "GBP", "UK entity main account"),
        ("bank_us", "le_us", "USD", "US entity main account"),
    ]
    terms = kept(books, books.org, "payment_terms")
    assert {t["code"]: (t["days"], t["discount_percent"]) for t in terms} == {
        "NET30": (30, None), "NET45": (45, None), "NET60": (60, None),
    }  # fmt: skip
    assert trail(books) == [{"action": "organisation.created", "actor": "cli", "payload": {"after": {"name": "Test"}}}]


def test_work_of_no_request_is_said_in_its_own_name_and_of_its_process(books: Books) -> None:
    with transaction(books.engine, books.org) as tx:
        work = bootstrap_work(tx, "process:watch", "w_1")
        work.audit("inv_1", "invoice.looked_at", {})
        work.flush()
    (said,) = books.sql("SELECT actor, workflow_id FROM audit_events WHERE org_id = :org AND subject_id = 'inv_1'")
    assert said == {"actor": "process:watch", "workflow_id": "w_1"}


OF_BANK = {
    "id": "bank_us", "legal_entity_id": "le_us", "currency_code": "USD", "name": "US entity main account", "iban": None,
    "account_number": None, "bic": None,
}  # fmt: skip
OF_ENTITY = {"id": "le_us", "name": "US entity", "functional_currency": "USD", "discount_tax": "keep"}


@pytest.mark.parametrize(
    ("noun", "before", "change"),
    [
        ("bank_account", OF_BANK, {"name": "Main"}),
        ("bank_account", OF_BANK, {"account_number": "4711", "bic": "CHASUS33"}),
        ("legal_entity", OF_ENTITY, {"name": "US Inc"}),
        ("legal_entity", OF_ENTITY, {"discount_tax": "adjust"}),
    ],
)
def test_particulars_are_changed_as_far_as_they_are_sent(
    books: Books, noun: str, before: dict[str, Any], change: dict[str, Any]
) -> None:
    table = "bank_accounts" if noun == "bank_account" else "legal_entities"
    others = [row for row in kept(books, books.org, table) if row["id"] != before["id"]]
    answer = books.do(f"change_{noun}", before["id"], change)
    assert {name: answer[name] for name in before} == before | change
    (now,) = (row for row in kept(books, books.org, table) if row["id"] == before["id"])
    assert {name: now[name] for name in before} == before | change
    assert [row for row in kept(books, books.org, table) if row["id"] != before["id"]] == others
    said = trail(books)[-1]
    assert (said["action"], said["actor"]) == (f"{noun}.changed", "u_clerk")
    told = said["payload"]
    assert told[f"{noun}_id"] == before["id"]
    for side, values in (("before", before), ("after", before | change)):
        assert {name: told[side][name] for name in before} == values
    narrow = Principal("u_narrow", books.org, frozenset({"controller"}), frozenset({"le_uk"}))
    with refused("FORBIDDEN"):
        books.do(f"change_{noun}", before["id"], change, narrow)
    books.do(f"change_{noun}", before["id"], change, replace(narrow, entities=frozenset({"le_us"})))


class Asked(Body):
    """What was recorded under an external_id."""

    amount: int
    note: str | None = None


@dataclass(frozen=True)
class Known:
    amount: int
    note: str | None


def test_what_is_asked_for_again_is_compared_field_by_field() -> None:
    known = Known(100, None)
    assert differing({"amount": 100, "note": None}, known) == []
    assert differing({"amount": 101, "note": "x"}, known) == ["amount", "note"]
    assert differing({"note": "x"}, replace(known, note="x")) == []
    assert differing({"amount": 100}, Asked(amount=99)) == ["amount"]


def test_an_external_id_of_another_record_names_the_fields_and_the_record_for_whoever_may_have_it() -> None:
    refuse_another("payment pay_1", [])
    with refused("EXTERNAL_ID_CONFLICT", fields=["amount", "note"], id="pay_1") as no:
        refuse_another("payment pay_1", ("amount", "note"), "pay_1")
    assert no[0].detail == "external_id was used for payment pay_1; different: amount, note."
    with refused("EXTERNAL_ID_CONFLICT", fields=["amount"]):
        raise conflict("a payment", ["amount"])
