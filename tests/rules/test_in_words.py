"""What a proposal will do, line by line, as a person reads it before saying yes."""

from typing import Any

import pytest

from models.conversation.in_words import in_words, quoted
from models.money import spelt

CUSTOMER, INVOICE, PAYMENT = "cust_" + "0" * 26, "inv_" + "1" * 26, "pay_" + "2" * 26


def test_a_session_says_each_line_what_is_left_and_what_is_posted() -> None:
    """On two invoices, one in another currency; with every kind of line."""
    effect: dict[str, Any] = {
        "names": {INVOICE: "INV-1", CUSTOMER: "Acme"},
        "applications": [
            {"invoice_id": INVOICE, "applied_minor": 100_000, "currency_code": "USD"},
            {"invoice_id": "inv_gb", "applied_minor": 130, "currency_code": "USD", "invoice_applied_minor": 100,
             "invoice_currency_code": "GBP"},
        ],
        "adjustments": [{"kind": "BANK_FEE", "amount_minor": 250, "currency_code": "USD", "invoice_id": INVOICE}],
        "credit_notes": [
            {"applied_minor": 300, "currency_code": "USD", "credit_note_id": "cn_1", "invoice_id": INVOICE}
        ],
        "deductions": [{"amount_minor": 400, "currency_code": "USD", "invoice_id": INVOICE}],
        "invoices": [
            {"id": INVOICE, "status": "PARTIALLY_PAID", "balance_due_minor": 50},
            {"id": "inv_gb", "status": "OPEN", "balance_due_minor": 7},
            {"id": "inv_3", "status": "PAID", "balance_due_minor": 0},
        ],
        "unapplied_minor": 5,
        "journal_entries": [
            {"entry_date": "2026-01-31", "lines": [
                {"account": "1000", "debit_minor": 100_130, "currency_code": "USD"},
                {"account": "1200", "credit_minor": 100_130, "currency_code": "USD"},
            ]}
        ],
        "warnings": [{"code": "LATE", "detail": "It is late."}],
    }  # fmt: skip
    assert in_words("apply_payment", PAYMENT, effect) == [
        f"Apply {PAYMENT} to 2 invoices",
        "1,000.00 USD on invoice “INV-1”",
        "1.30 USD (pays 1.00 GBP) on invoice inv_gb",
        "bank fee of 2.50 USD on invoice “INV-1”",
        "3.00 USD of credit note cn_1 on invoice “INV-1”",
        "Deduction of 4.00 USD on invoice “INV-1”",
        "Invoice “INV-1” is partially paid afterwards, 0.50 USD due",
        "Invoice inv_gb is open afterwards, 0.07 GBP due",
        "Invoice inv_3 is paid afterwards, nothing due",
        "Left on the payment: 0.05 USD",
        "Journal entry of 2026-01-31",
        "DR 1000 1,001.30 USD",
        "CR 1200 1,001.30 USD",
        "Warning LATE: It is late.",
    ]
    # Of what does not apply, such members are the record's own, not what is done.
    other = in_words("reverse_payment", PAYMENT, {**effect, "amount_minor": 9, "currency_code": "USD"})
    assert other[0] == f"Reverse payment {PAYMENT} of 0.09 USD: all of it is undone"
    assert other[1].startswith("Invoice “INV-1” is")
    assert not any(line.startswith("Left") for line in other)


@pytest.mark.parametrize(
    ("operation", "effect", "line"),
    [
        ("apply_payment", {"applications": []}, "Apply r_1 to a prepayment"),
        ("apply_credit", {"applications": [{"currency_code": "USD"}]}, "Apply r_1 to one invoice"),
        ("create_write_off", {"amount_minor": 5, "invoice_id": "i"}, "Write off 5 minor units of invoice i, at once"),
        ("create_write_off", {"amount_minor": 5, "currency_code": "JPY", "invoice_id": "i", "status": "PENDING_APPROVAL"},
         "Write off 5 JPY of invoice i: submitted for approval, nothing is posted before"),
        ("reverse_write_off", {"amount_minor": 5, "currency_code": "USD"}, "Reverse write-off r_1: 0.05 USD is due again"),
        ("create_credit_note", {"total_minor": 5, "currency_code": "USD", "customer_id": "c"},
         "Credit 0.05 USD to customer c, at once"),
        ("void_credit_note", {"total_minor": 5, "currency_code": "USD"}, "Void credit note r_1 of 0.05 USD"),
        ("unapply_credit_note", {"applied_minor": 5, "currency_code": "USD"}, "Undo r_1: 0.05 USD is free again"),
        ("unapply_application", {"applied_minor": 5, "currency_code": "USD"}, "Undo application r_1 of 0.05 USD"),
        ("undo_adjustment", {"amount_minor": 5, "currency_code": "USD"}, "Undo adjustment r_1 of 0.05 USD"),
        ("assign_payment", {"customer_id": "c"}, "Assign payment r_1 to customer c"),
        ("open_deduction", {"amount_minor": 5, "currency_code": "USD", "invoice_id": "i"},
         "Deduction of 0.05 USD on invoice i: it stays due, and is disputed"),
        *[
            ("resolve_deduction", {"amount_minor": 5, "currency_code": "USD", "invoice_id": "i", "status": status},
             f"Deduction of 0.05 USD on invoice i: {end}")
            for status, end in [
                ("ACCEPTED", "accepted, and credited"), ("REJECTED", "rejected: the amount is collected"),
                ("OPEN", "acceptance submitted for approval, nothing is credited before"),
            ]
        ],
        ("import.submit", {"file_name": "new.csv"}, "Start import r_1 of “new.csv”: it is validated, then reviewed"),
        ("import.submit", {}, "Start import r_1 of what is pulled from a connection: it is validated, then reviewed"),
        ("import.decide", {"status": "EXECUTING", "decisions": [{"step": 1, "decision": "approve"}]},
         "Approve step 1 of import r_1: EXECUTING afterwards"),
        ("change.decide", {"operation": "update", "customer_id": "c",
                           "decisions": [{"step": 1, "decision": "approve"}, {"step": 2, "decision": "return"}]},
         "Return step 2 of the update of customer c (r_1)"),
        ("approval.decide", {"summary": "Write-off", "decisions": [{"step": 1, "decision": "reject"}]},
         "Reject step 1 of r_1: Write-off"),
        ("approval.decide", {"summary": "Write-off", "decisions": [{"step": 1, "decision": "?"}]},
         "Decide step 1 of r_1: Write-off"),
        ("approval.decide", {"summary": "Write-off"}, "Decide r_1: Write-off"),
        ("something_else", {}, "Change r_1"),
    ],
)  # fmt: skip
def test_the_first_line_says_what_is_done(operation: str, effect: dict[str, Any], line: str) -> None:
    assert in_words(operation, "r_1", effect)[0] == line


@pytest.mark.parametrize(
    ("path", "before", "after", "line"),
    [
        ("/credit_limit", "100", "200", "credit limit: “100” → “200”"),
        ("/notes", None, "x", "notes: “x”"),
        ("/notes", "x", None, "notes: “x” → nothing"),
        ("/metadata", {}, {"a_b": [1, 2], "c": None}, "metadata: “a b 1, 2”"),
        (
            f"/addresses/adr_{'0' * 26}",
            [],
            {"type": "shipping", "city": "Boston"},
            "addresses: “type shipping, city Boston”",
        ),
        ("/entity_overrides/le_us/credit_limit", None, 1, "entity overrides le us credit limit: “1”"),
        (f"/addresses/adr_{'0' * 26}/city", "A", "B", f"addresses adr_{'0' * 26} city: “A” → “B”"),
    ],
)
def test_a_difference_says_what_was_and_what_will_be(path: str, before: Any, after: Any, line: str) -> None:
    effect: dict[str, Any] = {"diff": [{"path": path, "before": before, "after": after}]}
    assert in_words("customer.update", "c_1", effect) == ["Submit a change of customer c_1 for approval", line]


def test_a_customer_is_named_with_its_id_and_what_is_too_much_is_counted() -> None:
    many: dict[str, Any] = {
        "names": {CUSTOMER: "Acme\nInc"},
        "warnings": [{"code": "W", "detail": str(n)} for n in range(40)],
    }
    lines = in_words("customer.update", CUSTOMER, many)
    assert lines[0] == f"Submit a change of customer “Acme Inc” ({CUSTOMER}) for approval"
    assert (len(lines), lines[39], lines[40]) == (41, "Warning W: 38", "… and 1 lines more")
    assert len(in_words("customer.update", CUSTOMER, {"warnings": [{}] * 39})) == 40


def test_texts_of_others_are_clipped_and_amounts_are_in_their_currencys_digits() -> None:
    assert quoted("a\u200b\n\tb  c") == "a b c"
    assert (quoted("x" * 120), quoted("x" * 121)) == ("x" * 120, "x" * 119 + "…")
    said = [spelt(-123_405, "USD"), spelt(0, "USD"), spelt(1_234, "JPY"), spelt(-1_005, "KWD")]
    assert said == ["-1,234.05 USD", "0.00 USD", "1,234 JPY", "-1.005 KWD"]
