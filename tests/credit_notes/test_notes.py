"""Credit notes as documents: what they post, who may issue them, what they refuse, and what is told when they come again."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from models.errors import Refusal
from models.ids import new_id
from tests.books import Books
from tests.credit_notes.desk import body, control, left, note, noted, settle, unsettle, void
from tests.session_lines.desk import balance, breaches, person


def refused(code: str, do: Any, *given: Any, **fields: Any) -> Refusal:
    with pytest.raises(Refusal) as refusal:
        do(*given, **fields)
    assert refusal.value.code == code, refusal.value
    return refusal.value


def posted(books: Books, source: str) -> list[tuple[str, dict[str, int]]]:
    """Each entry made for a record: its date, and what it does to each account, debits positive."""
    entries = books.get("/v1/journal-entries", source_id=source)["items"]
    return [
        (
            e["entry_date"],
            {x["account"]: x["functional_debit_minor"] - x["functional_credit_minor"] for x in e["lines"]},
        )
        for e in entries
    ]


def test_a_note_takes_back_revenue_and_tax(books: Books) -> None:
    customer = books.customer()
    n = noted(books, customer, 120_00, tax_minor=20_00, note="pallet damaged")
    assert n.items() >= {
        "status": "OPEN", "customer_id": customer, "legal_entity_id": "le_us", "total_minor": 120_00, "tax_minor": 20_00,
        "balance_minor": 120_00, "currency_code": "USD", "invoice_id": None, "applications": [], "approval_id": None,
        "reason_code": "GOODS_RETURNED", "note": "pallet damaged",
    }.items()  # fmt: skip
    assert n["id"].startswith("cn_")
    assert posted(books, n["id"]) == [
        ("2026-01-10", {"revenue": 100_00, "tax_payable": 20_00, "accounts_receivable": -120_00})
    ]
    assert books.get(f"/v1/credit-notes/{n['id']}") == n
    assert books.aging(customer)["credit_notes_minor"] == 120_00
    assert books.aging(customer)["net_minor"] == -120_00
    assert breaches(books) == {}


def test_the_trails_of_note_and_invoice_say_why(books: Books) -> None:
    customer = books.customer()
    invoice = books.invoice(customer, 100_00, "2026-01-05")
    n = note(books, customer, 30_00, invoice_id=invoice)
    for subject, action in ((n, "credit_note.issued"), (invoice, "invoice.credited")):
        said = {e["action"]: e["reason_code"] for e in books.get("/v1/audit-events", subject_id=subject)["items"]}
        assert said[action] == "GOODS_RETURNED"


def test_a_note_within_a_closed_month_is_booked_in_the_next_open_one(books: Books) -> None:
    books.close_period("2026-01")
    n = note(books, books.customer(), 50_00)
    assert [day for day, _ in posted(books, n)] == ["2026-02-01"]
    assert control(books, "2026-01-31") == (0, 0)
    assert control(books, "2026-02-01") == (-50_00, 0)
    assert breaches(books) == {}


@pytest.mark.parametrize(
    ("by", "total", "roles"),
    [("clerk", 1, ["ar_manager"]), ("clerk", 1_000_01, ["ar_manager", "controller"]),
     ("manager", 1_000_01, ["controller"]), ("controller", 25_000_01, ["cfo"])],
)  # fmt: skip
def test_beyond_authority_it_waits_for_those_above_and_is_in_no_books(
    books: Books, by: str, total: int, roles: list[str]
) -> None:
    customer = books.customer()
    invoice = books.invoice(customer, total, "2026-01-05")
    n = noted(books, customer, total, by=by, external_id="CN-1")
    assert n.items() >= {"status": "PENDING_APPROVAL", "balance_minor": total, "applications": []}.items()
    approval = books.get(f"/v1/approvals/{n['approval_id']}")
    assert approval.items() >= {"kind": "credit_note", "subject_id": n["id"], "role": roles[0]}.items()
    assert [s["role"] for s in approval["steps"]] == roles
    waiting = books.api(roles[0], user="u_above").get("/v1/approvals?awaiting=me&kind=credit_note").json()["items"]
    assert [a["id"] for a in waiting] == [n["approval_id"]]
    assert posted(books, n["id"]) == []
    assert books.aging(customer)["credit_notes_minor"] == 0
    assert noted(books, customer, total, by=by, external_id="CN-1")["id"] == n["id"]
    refused("CREDIT_NOTE_NOT_OPEN", settle, books, n["id"], (invoice, 1))
    refused("CREDIT_NOTE_NOT_OPEN", void, books, n["id"])
    if by != "clerk":
        assert noted(books, customer, total - 1, by=by)["status"] == "OPEN"
    assert breaches(books) == {}


def decide(books: Books, approval: str, by: str, decision: str = "approve") -> dict[str, Any]:
    body = {
        "step": None, "decision": decision, "reason_code": "CHECKED", "comment": None, "channel": "api",
        "token_id": None, "round": None,
    }  # fmt: skip
    return books.do("approval.decide", approval, body, person(books, by))


def test_what_all_have_approved_is_posted_from_its_issue_date(books: Books) -> None:
    customer = books.customer()
    n = noted(books, customer, 1_500_00, by="clerk", tax_minor=250_00)
    assert decide(books, n["approval_id"], "manager")["status"] == "PENDING_APPROVAL"
    assert left(books, n["id"]) == ("PENDING_APPROVAL", 1_500_00)
    assert decide(books, n["approval_id"], "controller")["status"] == "APPROVED"
    assert left(books, n["id"]) == ("OPEN", 1_500_00)
    assert posted(books, n["id"]) == [
        ("2026-01-10", {"revenue": 1_250_00, "tax_payable": 250_00, "accounts_receivable": -1_500_00})
    ]
    assert control(books, "2026-01-31") == (-1_500_00, 0)
    invoice = books.invoice(customer, 2_000_00, "2026-01-05")
    assert settle(books, n["id"], (invoice, 1_500_00))["status"] == "APPLIED"
    assert breaches(books) == {}


def test_what_is_rejected_takes_nothing_back_and_does_not_count_any_more(books: Books) -> None:
    customer = books.customer()
    invoice = books.invoice(customer, 5_000_00, "2026-01-05", tax_minor=500_00)
    n = noted(books, customer, 900_00, by="clerk", invoice_id=invoice)
    decide(books, n["approval_id"], "manager", "reject")
    assert left(books, n["id"]) == ("REJECTED", 0)
    assert posted(books, n["id"]) == []
    refused("CREDIT_NOTE_NOT_OPEN", settle, books, n["id"], (invoice, 1))
    assert [x["id"] for x in books.get("/v1/credit-notes", status="rejected")["items"]] == [n["id"]]
    assert breaches(books) == {}


def test_an_approved_note_of_an_invoice_that_is_void_meanwhile_is_not_posted(books: Books) -> None:
    customer = books.customer()
    invoice = books.invoice(customer, 5_000_00, "2026-01-05")
    n = noted(books, customer, 900_00, by="clerk", invoice_id=invoice)
    books.void(invoice)
    done = decide(books, n["approval_id"], "manager")
    assert (done["status"], done["failure"]["code"]) == ("FAILED", "INVOICE_VOID")
    assert left(books, n["id"]) == ("PENDING_APPROVAL", 900_00)
    assert posted(books, n["id"]) == []
    assert breaches(books) == {}


def test_nobody_credits_more_of_an_invoice_by_crediting_it_in_parts(books: Books) -> None:
    customer = books.customer()
    invoice = books.invoice(customer, 3_000_00, "2026-01-05")
    given = {"by": "manager", "invoice_id": invoice}
    assert noted(books, customer, 600_00, **given)["status"] == "OPEN"
    assert noted(books, customer, 600_00, **given)["status"] == "PENDING_APPROVAL"
    assert noted(books, customer, 600_00, by="controller", invoice_id=invoice)["status"] == "OPEN"
    assert noted(books, customer, 600_00, by="manager")["status"] == "OPEN"


def test_nobody_credits_more_of_a_customer_by_notes_without_an_invoice(books: Books) -> None:
    customer, other = books.customer(), books.customer()
    assert noted(books, customer, 900_00, by="manager")["status"] == "OPEN"
    each = noted(books, customer, 900_00, by="manager")
    assert each["status"] == "OPEN", "where nobody has said so, a limit is for a document"
    books.api("controller").request("PATCH", "/v1/settings", json={"credit_window_days": 1})
    assert noted(books, customer, 1, by="manager")["status"] == "PENDING_APPROVAL"
    customer = books.customer()
    assert noted(books, customer, 600_00, by="manager")["status"] == "OPEN"
    rest = noted(books, customer, 400_00, by="manager")
    assert rest["status"] == "OPEN"
    beyond = noted(books, customer, 1, by="manager")
    assert beyond["status"] == "PENDING_APPROVAL"
    begun = books.get(f"/v1/approvals/{beyond['approval_id']}")["authority"]
    assert (begun["functional_minor"], begun["given_minor"]) == (1, 1_000_00)
    small = books.invoice(customer, 1_00, "2026-01-05")
    assert noted(books, customer, 600_00, by="manager", invoice_id=small)["status"] == "PENDING_APPROVAL", (
        "of no invoice"
    )
    assert noted(books, customer, 1_00, by="manager", invoice_id=small)["status"] == "OPEN"
    assert noted(books, other, 600_00, by="manager")["status"] == "OPEN"
    assert books.do(
        "create_credit_note", new_id("cn"), body(customer, 600_00), person(books, "manager", "u_another")
    )["status"] == "OPEN"  # fmt: skip
    void(books, rest["id"])
    assert noted(books, customer, 400_00, by="manager")["status"] == "OPEN"
    books.sql("UPDATE credit_notes SET created_at = created_at - interval '1 day' WHERE org_id = :org RETURNING id")
    assert noted(books, customer, 600_00, by="manager")["status"] == "OPEN", "a day later"
    books.api("controller").request("PATCH", "/v1/settings", json={"credit_window_days": 2})
    assert noted(books, customer, 1, by="manager")["status"] == "PENDING_APPROVAL"


def test_two_at_once_are_one_amount_too(books: Books) -> None:
    books.api("controller").request("PATCH", "/v1/settings", json={"credit_window_days": 1})
    customer = books.customer()
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: noted(books, customer, 600_00, by="manager")["status"], range(4)))
    assert sorted(made) == ["OPEN", *["PENDING_APPROVAL"] * 3]


def test_a_note_that_corrects_an_invoice_is_of_its_customer_entity_and_currency(books: Books) -> None:
    customer = books.customer()
    books.rate("EUR", "USD", "2026-01-05", "1.10")
    mine, euro = (
        books.invoice(customer, 100_00, "2026-01-05"),
        books.invoice(customer, 100_00, "2026-01-05", currency="EUR"),
    )
    stranger, gone = (
        books.invoice(books.customer(), 100_00, "2026-01-05"),
        books.invoice(customer, 100_00, "2026-01-05"),
    )
    books.void(gone)
    refused("INVOICE_NOT_FOUND", noted, books, customer, 5, invoice_id="invoice_none")
    refused("INVOICE_VOID", noted, books, customer, 5, invoice_id=gone)
    refused("INVOICE_CUSTOMER_MISMATCH", noted, books, customer, 5, invoice_id=stranger)
    refused("LEGAL_ENTITY_MISMATCH", noted, books, customer, 5, invoice_id=mine, legal_entity_id="le_uk")
    refused("CREDIT_NOTE_CURRENCY_MISMATCH", noted, books, customer, 5, invoice_id=euro)
    refused("CUSTOMER_NOT_FOUND", noted, books, "cust_none", 5)
    refused("LEGAL_ENTITY_NOT_FOUND", noted, books, customer, 5, legal_entity_id="le_none")
    refused("FX_RATE_MISSING", noted, books, customer, 5, currency_code="KWD", issued="2001-02-03")
    found = noted(books, customer, 5_00, invoice_id=mine)
    assert [n["id"] for n in books.get("/v1/credit-notes", invoice_id=mine)["items"]] == [found["id"]]


def test_tax_follows_the_entitys_rule_where_the_note_does_not_say_it(books: Books) -> None:
    """To the cent over all notes of an invoice: 100.01 with 16.67 of tax, taken back in thirds."""
    british = books.customer(entity="le_uk")
    invoice = books.invoice(british, 100_01, "2026-01-05", currency="GBP", tax_minor=16_67)
    parts = [
        noted(books, british, total, invoice_id=invoice, currency_code="GBP")["tax_minor"]
        for total in (33_34, 33_34, 33_33)
    ]
    assert sum(parts) == 16_67
    assert parts[0] == 5_56
    american = books.customer()
    kept = books.invoice(american, 108_00, "2026-01-05", tax_minor=8_00)
    assert noted(books, american, 54_00, invoice_id=kept)["tax_minor"] == 0
    assert noted(books, american, 54_00, invoice_id=kept, tax_minor=4_00)["tax_minor"] == 4_00
    assert noted(books, british, 5_00, currency_code="GBP")["tax_minor"] == 0
    assert breaches(books) == {}


def test_a_note_that_corrects_an_invoice_is_carried_at_its_rate_and_takes_its_revenue_back(books: Books) -> None:
    for day, rate in (("2026-01-05", "1.20"), ("2026-01-10", "1.30")):
        books.rate("EUR", "USD", day, rate)
    assert books.api("controller").post(
        "/v1/accounts", {"key": "services", "code": "4200", "name": "Services", "kind": "revenue"}
    ).status_code == 201  # fmt: skip
    customer = books.customer(revenue_account="services")
    invoice = books.invoice(customer, 100_00, "2026-01-05", currency="EUR")
    books.sql("UPDATE customers SET revenue_account = NULL WHERE id = %(id)s", id=customer)
    n = noted(books, customer, 50_00, invoice_id=invoice, currency_code="EUR")
    assert (n["fx_rate"], n["functional_total_minor"]) == ("1.20", 60_00)
    assert posted(books, n["id"]) == [("2026-01-10", {"services": 60_00, "accounts_receivable": -60_00})]
    loose = noted(books, customer, 50_00, currency_code="EUR")
    assert loose["functional_total_minor"] == 65_00


def test_an_external_id_is_one_note_for_ever(books: Books) -> None:
    customer = books.customer()
    invoice = books.invoice(customer, 100_00, "2026-01-05")
    same = {"external_id": "CN-1", "invoice_id": invoice}
    first = noted(books, customer, 40_00, **same)
    settle(books, first["id"], (invoice, 10_00))
    again = noted(books, customer, 40_00, **same)
    assert (again["id"], again["status"], again["balance_minor"]) == (first["id"], "PARTIALLY_APPLIED", 30_00)
    assert noted(books, customer, 40_00, legal_entity_id="le_us", **same)["id"] == first["id"]
    for field, value in (("tax_minor", 1), ("reason_code", "OTHER"), ("note", "x"), ("legal_entity_id", "le_uk")):
        no = refused("EXTERNAL_ID_CONFLICT", noted, books, customer, 40_00, **same | {field: value})
        assert no.extra["fields"] == [field]
    assert refused("EXTERNAL_ID_CONFLICT", noted, books, customer, 41_00, **same).extra["fields"] == ["total_minor"]
    assert refused("EXTERNAL_ID_CONFLICT", noted, books, books.customer(), 40_00, **same).extra["fields"] == [
        "customer_id"
    ]
    assert len(posted(books, first["id"])) == 1


def test_a_void_note_takes_nothing_back(books: Books) -> None:
    customer = books.customer()
    invoice, n = books.invoice(customer, 100_00, "2026-01-05"), note(books, customer, 40_00, tax_minor=5_00)
    done = settle(books, n, (invoice, 10_00))
    no = refused("CREDIT_NOTE_HAS_APPLICATIONS", void, books, n)
    assert no.extra["credit_note_id"] == n
    unsettle(books, done["applications"][0]["id"])
    gone = void(books, n)
    assert (gone["status"], gone["balance_minor"], gone["void_reason"]) == ("VOID", 0, "ISSUED_IN_ERROR")
    (_, back), (_, taken) = posted(books, n)[0], posted(books, n)[-1]
    assert taken == {account: -minor for account, minor in back.items()}
    refused("CREDIT_NOTE_NOT_OPEN", void, books, n)
    refused("CREDIT_NOTE_NOT_OPEN", settle, books, n, (invoice, 1))
    refused("CREDIT_NOTE_NOT_FOUND", void, books, "cn_none")
    assert books.aging(customer)["credit_notes_minor"] == 0
    before = books.aging(customer, as_of="2026-01-31")  # what was settled then counts until it was undone
    assert (before["credit_notes_minor"], before["current_minor"]) == (30_00, 90_00)
    assert breaches(books) == {}


@pytest.mark.parametrize("change", [
    {"total_minor": 0}, {"total_minor": 1.5}, {"tax_minor": -1}, {"tax_minor": 501}, {"reason_code": None}, {"reason_code": "x"},
    {"currency_code": "usd"}, {"issue_date": "10.1.2026"}, {"external_id": ""}, {"surprise": 1}, {"customer_id": None},
])  # fmt: skip
def test_what_the_body_alone_decides(books: Books, change: dict[str, Any]) -> None:
    body = {
        "customer_id": "cust_x", "external_id": "x", "issue_date": "2026-01-10", "currency_code": "USD",
        "total_minor": 500, "reason_code": "X",
    } | change  # fmt: skip
    r = books.api("ar_clerk").post("/v1/credit-notes", body)
    assert (r.status_code, r.json()["code"]) == (422, "VALIDATION_FAILED")


def test_lists_filter_and_tokens_of_another_entity_see_nothing(books: Books) -> None:
    customer, other = books.customer(), books.customer()
    a, b = note(books, customer, 10_00), note(books, customer, 20_00, external_id="CN ü&=+%")
    note(books, other, 30_00)
    invoice = books.invoice(customer, 100_00, "2026-01-05")
    settle(books, a, (invoice, 10_00))

    def listed(**given: Any) -> list[str]:
        return [n["id"] for n in books.get("/v1/credit-notes", **given)["items"]]

    assert listed(customer_id=customer) == [b, a]
    assert listed(customer_id=customer, status="applied") == [a]
    assert listed(customer_id=customer, status="OPEN") == [b]
    assert listed(invoice_id=invoice) == [a]
    assert listed(external_id="CN ü&=+%") == [b]
    assert listed(external_id="cn ü&=+%") == listed(external_id="CN ü&=+%", customer_id=other) == []
    assert balance(books, invoice) == ("PARTIALLY_PAID", 90_00)
    assert left(books, a) == ("APPLIED", 0)
    british = books.api("ar_clerk", entities=("le_uk",))
    assert british.get(f"/v1/credit-notes/{a}").json()["code"] == "FORBIDDEN"
    assert british.get("/v1/credit-notes").json()["items"] == []
    assert person(books, "manager").sub == "u_manager"
