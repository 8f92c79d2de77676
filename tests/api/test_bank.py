"""Bank statements: recorded once, applied where they name their invoices, the rest left for a person."""

import io
import time
from datetime import UTC, date, datetime
from typing import Any

import pytest

from models.cash.statements import Statement, StatementLine
from statement_readers.write_camt import write_camt
from tests.api.office import Office, code, csv_statement, day, ext, ok


def major(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02d}"


def line(minor: int, text: str, *, payer: str = "Somebody", reference: str = "", on: str | None = None) -> tuple:
    return (on or day(5), major(minor), "USD", payer, reference, text)


def camt(*lines: tuple[int, str], wrong_by: int = 0) -> bytes:
    """A CAMT.053 of credits (minor units, remittance text) of five days ago."""
    booked = date.fromisoformat(day(5))
    rows = tuple(
        StatementLine(n, booked, booked, minor, "USD", "Payer Ltd", ext("ref")[:30], text)
        for n, (minor, text) in enumerate(lines, 1)
    )
    total = sum(x.amount_minor for x in rows)
    s = Statement("GB33BUKB20201555555555", ext("s")[:30], "USD", 1000, 1000 + total + wrong_by, booked, booked, rows)
    out = io.BytesIO()
    write_camt(out, s, created_at=datetime.now(UTC))
    return out.getvalue()


def test_a_csv_statement_from_upload_to_ledger(office: Office, customer: str):
    whole, part, one, two = (office.invoice(customer, n) for n in (10000, 5000, 700, 300))
    content = csv_statement(
        line(10000, f"payment of {whole['external_id']}"),
        line(2000, f"on account {part['id']}"),
        line(1000, f"{one['external_id']}, {two['external_id']}"),
        line(4444, "no idea what this is", payer="Stranger"),
        line(99999, f"too much for {part['external_id']}"),
    )
    r = office.upload(content)
    received = ok(r, 202)
    assert received["id"].startswith("stmt_")
    assert received["workflow_id"] == r.headers["X-Workflow-Id"]
    s = office.finished(received["id"])
    assert s.items() >= {
        "status": "COMPLETED", "lines_total": 5, "recorded": 5, "applied": 3, "unmatched": 2, "warnings": [],
    }.items()  # fmt: skip
    assert [x["line"] for x in s["lines"]] == [1, 2, 3, 4, 5]
    paid = [office.get(x["payment_id"]) for x in s["lines"]]
    assert [p["status"] for p in paid] == ["FULLY_APPLIED"] * 3 + ["UNAPPLIED"] * 2
    assert [office.get(i["id"])["balance_due_minor"] for i in (whole, part, one, two)] == [0, 3000, 0, 0]
    assert office.booked(paid[2]["id"]) == {"cash": 1000, "accounts_receivable": -1000}
    assert (paid[0]["customer_id"], paid[0]["payment_date"], paid[0]["bank_account_id"]) == (
        customer,
        day(5),
        "bank_us",
    )
    assert (paid[3]["customer_id"], paid[3]["payer"]) == (None, "Stranger")
    assert s["lines"][4]["suggestions"][0]["invoice_id"] == part["id"]
    assert s["lines"][3]["status"] == s["lines"][4]["status"] != s["lines"][0]["status"]
    assert office.entries(paid[3]["id"]) == []


def test_the_same_file_is_the_same_statement_and_the_same_line_the_same_payment(office: Office, customer: str):
    a = office.invoice(customer, 500)
    content = csv_statement(line(500, a["external_id"]), line(77, "puzzle " + ext()))
    first = office.statement(content)
    again = office.upload(content, "renamed.csv")
    assert (ok(again, 202)["id"], again.headers["Idempotent-Replayed"]) == (first["id"], "true")
    rows = content.decode().splitlines()
    longer = "\n".join([*rows, ",".join(line(78, "new " + ext()))]).encode()
    second = office.statement(longer)
    assert second["id"] != first["id"]
    assert (second["recorded"], second["lines_total"]) == (1, 3)
    assert [x["payment_id"] for x in second["lines"][:2]] == [x["payment_id"] for x in first["lines"]]
    assert office.get(a["id"])["balance_due_minor"] == 0


def test_a_file_sent_again_with_its_key_is_answered_as_the_first_time_though_its_process_has_ended(office: Office):
    content, key = csv_statement(line(61, ext())), {"Idempotency-Key": ext("key")}
    first = ok(office.upload(content, **key), 202)
    office.finished(first["id"])
    again = office.upload(content, **key)
    assert (ok(again, 202), again.headers["Idempotent-Replayed"]) == (first, "true")
    assert again.headers["X-Workflow-Id"] == first["workflow_id"]
    assert office.finished(first["id"])["recorded"] == 1


def test_identical_lines_of_one_file_are_two_payments(office: Office, customer: str):
    twin = line(600, ext("twin"))
    s = office.statement(csv_statement(twin, twin))
    assert s["recorded"] == 2
    assert len({x["payment_id"] for x in s["lines"]}) == 2


def test_an_unknown_payers_payment_is_assigned_before_it_is_applied(office: Office, customer: str):
    i = office.invoice(customer, 4321)
    s = office.statement(csv_statement(line(4321, "hello " + ext())))
    payment_id = s["lines"][0]["payment_id"]
    assert [x["invoice_id"] for x in s["lines"][0]["suggestions"]] == [i["id"]]
    assert code(office.apply(payment_id, [(i, 4321)])) == (409, "CUSTOMER_UNASSIGNED")
    url = f"/v1/customer-payments/{payment_id}/assign"
    assert code(office.clerk.post(url, json={"customer_id": "cust_none"})) == (404, "CUSTOMER_NOT_FOUND")
    assert code(office.clerk.post(url, json={})) == (422, "VALIDATION_FAILED")
    r = office.clerk.post(url, json={"customer_id": customer})
    assert (ok(r)["customer_id"], payment_id in r.headers["X-Workflow-Id"]) == (customer, True)
    again = office.clerk.post(url, json={"customer_id": customer})
    assert again.headers["Idempotent-Replayed"] == "true"
    ok(office.apply(payment_id, [(i, 4321)]))
    assert office.clerk.post(url, json={"customer_id": office.customer()}).status_code == 409
    assert office.booked(payment_id) == {"cash": 4321, "accounts_receivable": -4321}


def test_unmatched_lines_are_exceptions_until_the_money_is_placed(office: Office, customer: str):
    i = office.invoice(customer, 8765)
    s = office.statement(csv_statement(line(8765, "hm " + ext())))
    payment_id = s["lines"][0]["payment_id"]

    def open_ones() -> list[dict]:
        items = ok(office.ops.get("/v1/exceptions", params={"status": "open", "limit": 200}))["items"]
        return [e for e in items if e["subject_id"] == payment_id]

    (e,) = open_ones()
    assert (e["reason_code"], bool(e["due_at"]), e["owner_role"]) == ("REFERENCE_UNKNOWN", True, "ar_clerk")
    ok(office.clerk.post(f"/v1/customer-payments/{payment_id}/assign", json={"customer_id": customer}))
    ok(office.apply(payment_id, [(i, 8765)]))
    assert open_ones() == []


def test_other_customers_invoices_together_are_not_applied(office: Office, customer: str):
    mine, theirs = office.invoice(customer, 100), office.invoice(office.customer(), 200)
    void = office.invoice(customer, 55)
    ok(office.clerk.post(f"/v1/invoices/{void['id']}/void", json={"reason_code": "A"}))
    s = office.statement(csv_statement(line(300, f"{mine['id']} {theirs['id']}"), line(55, void["external_id"])))
    assert (s["applied"], s["unmatched"]) == (0, 2)
    assert office.get(mine["id"])["status"] == "OPEN"


def test_debits_are_no_payments(office: Office):
    s = office.statement(csv_statement((day(5), "-12.00", "USD", "Bank", "", "fees " + ext()), line(5, ext())))
    assert (s["lines_total"], s["recorded"]) == (2, 1)
    assert s["lines"][0]["payment_id"] is None


def test_one_invoice_named_by_two_lines_is_paid_once(office: Office, customer: str):
    i = office.invoice(customer, 900)
    s = office.statement(csv_statement(line(900, i["id"]), line(900, i["id"] + " again")))
    assert (s["applied"], s["unmatched"]) == (1, 1)
    assert office.get(i["id"])["balance_due_minor"] == 0


def test_a_camt_statement(office: Office, customer: str):
    a, b = office.invoice(customer, 1200), office.invoice(customer, 3400)
    s = office.statement(camt((1200, a["external_id"]), (400, f"part of {b['external_id']}"), (5, "x")), "s.xml")
    assert (s["status"], s["lines_total"], s["recorded"], s["applied"], s["unmatched"]) == ("COMPLETED", 3, 3, 2, 1)
    assert office.get(b["id"])["balance_due_minor"] == 3000


def test_a_statement_that_does_not_add_up_is_taken_with_a_warning_that_stays(office: Office):
    s = office.statement(camt((100, ext()), wrong_by=7), "s.xml")
    assert s["status"] == "COMPLETED"
    assert [w["code"] for w in s["warnings"]] == ["STATEMENT_BALANCE_DIFFERENCE"]
    assert [w["code"] for w in office.get(s["id"])["warnings"]] == ["STATEMENT_BALANCE_DIFFERENCE"]


ENTITIES = b"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"><BkToCstmrStmt>&b;</BkToCstmrStmt></Document>"""


@pytest.mark.parametrize(
    "content",
    [b"", b"hello", b"\x00\x01\x02", b"<xml", b"date,amount\n", b"%PDF-1.4", b"date,amount,currency\n2026-13-01,1,USD\n",
     b"date,amount,currency\n2026-01-01,abc,USD\n", b"date,amount,currency\n2026-01-01,1.234,USD\n", ENTITIES,
     b"date,amount,currency\n2026-01-01,1.00,XXX\n", b"date,amount,currency\n2026-01-01,99999999999999999999,USD\n"],
)  # fmt: skip
def test_what_is_no_statement_is_refused_whole(office: Office, content: bytes):
    r = office.upload(content)
    assert r.status_code == 422, r.text
    assert code(r)[1] in ("STATEMENT_UNREADABLE", "VALIDATION_FAILED")


def test_a_truncated_camt_is_refused_whole(office: Office):
    whole = camt((100, ext()), (200, ext()))
    assert code(office.upload(whole[: len(whole) * 2 // 3], "s.xml")) == (422, "STATEMENT_UNREADABLE")


def test_upload_as_it_should_not_be(office: Office):
    url = "/v1/bank-accounts/bank_us/statements"
    good = csv_statement(line(5, ext()))
    assert code(office.upload(good, bank="bank_none")) == (404, "BANK_ACCOUNT_NOT_FOUND")
    assert code(office.clerk.post(url, json={})) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert code(office.clerk.post(url, files={"other": ("s.csv", good)})) == (422, "VALIDATION_FAILED")
    assert code(office.clerk.get("/v1/statements/stmt_none")) == (404, "STATEMENT_NOT_FOUND")
    key = {"Idempotency-Key": ext("key")}
    ok(office.upload(good, **key), 202)
    assert code(office.upload(csv_statement(line(6, ext())), **key)) == (409, "IDEMPOTENCY_KEY_CONFLICT")


def test_the_bank_feed_may_upload_and_record(office: Office, customer: str):
    r = office.feed.post(
        "/v1/bank-accounts/bank_us/statements", files={"file": ("s.csv", csv_statement(line(5, ext())))}
    )
    s = ok(r, 202)
    office.finished(s["id"])
    p = ok(office.feed.post("/v1/customer-payments", json=office.payment_body(customer, 5)), 201)
    assert code(office.feed.post(f"/v1/customer-payments/{p['id']}/assign", json={"customer_id": customer})) == (
        403,
        "FORBIDDEN",
    )


def test_where_the_process_of_a_statement_stands(office: Office):
    r = office.upload(csv_statement(line(5, ext())))
    s = office.finished(ok(r, 202)["id"])
    found = ok(office.clerk.get(f"/v1/operations/{r.headers['X-Workflow-Id']}"))
    assert (found["status"], found["result"]["id"]) == ("completed", s["id"])


def test_the_file_again_works_what_failed_at_once(office: Office):
    body = {"id": f"bank_{ext('kw').replace('-', '_').lower()}", "legal_entity_id": "le_us", "currency_code": "KWD"}
    bank = ok(office.controller.post("/v1/bank-accounts", json={**body, "name": "Kuwait"}), 201)["id"]
    content = csv_statement((day(5), "1.000", "KWD", "Alpha AG", "", ext("K")))
    first = office.finished(ok(office.upload(content, bank=bank), 202)["id"])
    assert first["lines"][0]["reason_code"] == "FX_RATE_MISSING"
    rate = {"base_currency": "KWD", "quote_currency": "USD", "rate_date": day(5), "rate": "3.25"}
    ok(office.controller.post("/v1/fx-rates", json=rate), 201)
    again = ok(office.upload(content, bank=bank), 202)
    assert (again["id"], office.finished(first["id"])["recorded"]) == (first["id"], 1)
    url = f"/v1/statements/{first['id']}/lines"
    assert ok(office.clerk.post(f"{url}/1/retry"), 202)["recorded"] == 1
    assert code(office.clerk.post(f"{url}/9/retry")) == (404, "STATEMENT_LINE_NOT_FOUND")


def test_many_lines_in_chunks(office: Office, customer: str):
    invoices = ok(
        office.clerk.post(
            "/v1/invoices:batch",
            json={"invoices": [
                {"customer_id": customer, "external_id": ext("many"), "issue_date": day(60), "currency_code": "USD",
                 "total_minor": 100 + n} for n in range(450)
            ]},
        )
    )["items"]  # fmt: skip
    rows = [line(100 + n, x["invoice"]["external_id"]) for n, x in enumerate(invoices)]
    s = office.statement(csv_statement(*rows))
    assert (s["lines_total"], s["recorded"], s["applied"], s["unmatched"]) == (450, 450, 450, 0)
    open_ones = ok(office.clerk.get("/v1/invoices", params={"customer_id": customer, "status": "open"}))["items"]
    assert open_ones == []


def test_a_banks_own_csv_is_read_by_the_format_that_its_account_has(office: Office, customer: str):
    i, name = office.invoice(customer, 4242), ext("chase")
    columns = {"date": "Posting Date", "amount": "Amount", "remittance_text": "Description"}
    body = {"name": name, "date_format": "MM/DD/YYYY", "decimal": ".", "columns": columns}
    ok(office.controller.post("/v1/bank-accounts/bank_us/statement-formats", json=body), 201)
    y, m, d = day(5).split("-")
    content = f'Details,Posting Date,Description,Amount\nCREDIT,{m}/{d}/{y},"ACH {i["external_id"]}",42.42\n'.encode()
    for where in ("params", "data"):
        options: dict[str, Any] = {where: {"format": name}}
        sent = office.clerk.post("/v1/bank-accounts/bank_us/statements", files={"file": ("s.csv", content)}, **options)
        done = office.finished(ok(sent, 202)["id"])
        assert (done["applied"], done["lines_total"]) == (1, 1)
    assert office.get(i["id"])["status"] == "PAID"


def test_an_invoice_that_comes_after_its_money_is_paid_by_itself(office: Office, customer: str):
    name = ext("late")
    made = office.statement(csv_statement(line(8181, f"for {name}")))["id"]
    i = office.invoice(customer, 8181, external_id=name)
    deadline = time.monotonic() + 60
    while office.get(i["id"])["status"] != "PAID":
        assert time.monotonic() < deadline
        time.sleep(0.2)
    now = ok(office.clerk.get(f"/v1/statements/{made}"))
    assert (now["lines"][0]["status"], now["matched_later"]) == ("APPLIED", 1)
