"""A forced deletion leaves the books and no personal value in them: looked for in every column that can hold text."""

import os
import time
from typing import Any

from tests.customers.desk import Desk, ok
from tests.customers.test_deletion import delete, places, verified

COLUMNS = "date,amount,currency,payer,reference,remittance_text\n"


def uploaded(desk: Desk, *rows: str) -> dict[str, Any]:
    """A statement of these rows, worked off."""
    made = ok(
        desk("u_clerk").post(
            "/v1/bank-accounts/bank_us/statements",
            files={"file": ("s.csv", COLUMNS + "".join(f"{row}\n" for row in rows), "text/csv")},
        ),
        202,
    )
    until = time.monotonic() + 60
    while (found := ok(desk("u_clerk").get(f"/v1/statements/{made['id']}")))["status"] != "COMPLETED":
        assert time.monotonic() < until, found
        time.sleep(0.1)
    return found


def test_the_books_stay_and_say_nothing_personal(own_desk: Desk, database_url: str) -> None:
    desk, mark, number = own_desk, f"Qyx{os.urandom(4).hex()}", f"N{os.urandom(4).hex()}"
    why = f"Wvu{os.urandom(4).hex()}"
    clerk, controller = desk("u_clerk"), desk("u_controller")
    customer = desk.customer(name=f"{mark} Inc", email=f"{mark}@example.com", notes=f"of {mark}")
    another = desk.customer()
    issued = {"customer_id": customer, "issue_date": "2026-01-01", "currency_code": "USD"}
    line = {"description": f"for {mark}", "amount_minor": 900}
    first = ok(
        clerk.post("/v1/invoices", json=issued | {"external_id": number, "total_minor": 900, "lines": [line]}), 201
    )
    second = ok(clerk.post("/v1/invoices", json=issued | {"external_id": f"{number}b", "total_minor": 700}), 201)
    note = {"external_id": f"{number}c", "total_minor": 100, "reason_code": "GOODS_RETURNED", "note": why}
    ok(controller.post("/v1/credit-notes", json=issued | note), 201)
    ok(clerk.post("/v1/write-offs", json={"invoice_id": second["id"], "reason_code": "SMALL_BALANCE", "amount_minor": 5,
                                          "note": why}), 201)  # fmt: skip
    said = {"invoice_id": second["id"], "amount_minor": 50, "reason_code": "DAMAGED_GOODS", "note": f"by {mark}",
            "customer_reason": f"{mark} was wet"}  # fmt: skip
    ok(clerk.post("/v1/deductions", json=said), 201)
    # By the bank: a line that pays, one that is left to a person, and one that is assigned by hand and reversed.
    told = uploaded(
        desk,
        f"2026-02-02,9.00,USD,{mark} Inc,{number},invoice {number} of {mark}",
        f"2026-02-03,7.77,USD,{mark} Inc,,nothing by {mark}",
        "2026-02-04,1.11,USD,Somebody else,,kept",
    )
    assert [x["status"] for x in told["lines"]] == ["APPLIED", "UNMATCHED", "UNMATCHED"]
    by_hand = told["lines"][1]["payment_id"]
    ok(clerk.post(f"/v1/customer-payments/{by_hand}/assign", json={"customer_id": customer}))
    ok(desk("u_manager").post(f"/v1/customer-payments/{by_hand}/reverse",
                              json={"reason_code": "RETURNED", "note": why}))  # fmt: skip
    # By hand.
    received = {"customer_id": customer, "external_id": f"{number}d", "payment_date": "2026-02-05", "amount_minor": 700,
                "currency_code": "USD", "bank_account_id": "bank_us", "reference": mark,
                "remittance_text": f"by {mark}"}  # fmt: skip
    ok(clerk.post("/v1/customer-payments", json=received), 201)
    activity = {"type": "call", "notes": f"{mark} called", "occurred_at": "2026-02-05T10:00:00Z"}
    ok(desk("u_manager").post(f"/v1/customers/{customer}/activities", json=activity), 201)
    others = {"customer_id": another, "external_id": f"{number}e", "payment_date": "2026-02-05", "amount_minor": 10,
              "currency_code": "USD", "bank_account_id": "bank_us", "remittance_text": f"kept {number}"}  # fmt: skip
    ok(clerk.post("/v1/customer-payments", json=others), 201)
    assert {"statement_lines.payer", "payments.remittance_text", "invoices.lines"} < set(places(database_url, mark))

    ok(desk("u_cfo").put("/v1/approval-policies", json={"force_delete": True}))
    deletion = delete(desk, customer, force=True)
    assert desk.approve(deletion, "u_manager", "u_controller", "u_cfo")["status"] == "APPROVED"

    assert places(database_url, mark) == []
    assert places(database_url, why) == ["audit_events.payload"], "the trail of the books is kept whole"
    assert verified(database_url, desk.org) == []
    invoice = ok(clerk.get(f"/v1/invoices/{first['id']}"))
    assert (invoice["external_id"], invoice["total_minor"], invoice["status"]) == (number, 900, "PAID")
    lines = ok(clerk.get(f"/v1/statements/{told['id']}"))["lines"]
    assert [(x["amount_minor"], x["payer"]) for x in lines] == [(900, None), (777, None), (111, "Somebody else")]
    kept = [p for p in ok(clerk.get("/v1/customer-payments"))["items"] if p["customer_id"] == another]
    assert [p["remittance_text"] for p in kept] == [f"kept {number}"]
    assert "payments.remittance_text" in places(database_url, f"kept {number}")
