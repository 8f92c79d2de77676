"""Books of a hundred thousand: every tool that lists answers within its bounds, in time, and says that there is more."""

import json
import time
from typing import Any, Final

import psycopg
import pytest

from conversation.bounds import LARGEST, MOST
from tests.api.office import Office
from tests.conversation.people import token
from tests.conversation.talking import assistant, told

MANY: Final = 100_000
SECONDS: Final = 30.0
"""Half of what clients wait. All receivables of a hundred thousand are the longest; everything else is a matter of a moment."""
_BOOKS: Final = (
    """INSERT INTO customers (org_id, id, legal_entity_id, name, email, name_key, email_key, currency_code)
       SELECT %(org)s, 'cust_m' || n, 'le_us', 'Acme ' || n, 'm' || n || '@example.com', 'acme ' || n,
         'm' || n || '@example.com', 'USD' FROM generate_series(1, %(many)s) n""",
    """INSERT INTO invoices (org_id, id, customer_id, legal_entity_id, external_id, reference_key, issue_date, due_date,
         currency_code, total_minor, balance_due_minor, fx_rate, functional_currency, functional_total_minor,
         functional_balance_minor)
       SELECT %(org)s, 'invoice_m' || n, CASE WHEN n %% 2 = 0 THEN 'cust_m1' ELSE 'cust_m' || n END, 'le_us', 'INV-' || n,
         'inv' || n, CURRENT_DATE - 200, CURRENT_DATE - (n %% 150)::int, 'USD', 1000, 1000, 1, 'USD', 1000, 1000
         FROM generate_series(1, 2 * %(many)s) n WHERE n <= %(many)s OR n %% 2 = 0""",
    """INSERT INTO statements (org_id, id, bank_account_id, file_hash, file_name, status, lines_total, lines_done, created_by)
       VALUES (%(org)s, 'stmt_m', 'bank_us', 'm', 'm.csv', 'COMPLETED', %(many)s, %(many)s, 'u_bank')""",
    """INSERT INTO payments (org_id, id, external_id, customer_id, legal_entity_id, bank_account_id, payment_date, amount_minor,
         currency_code, applied_minor, fx_rate, functional_currency, functional_amount_minor, functional_available_minor,
         statement_id, statement_line, remittance_text)
       SELECT %(org)s, 'pay_m' || n, 'P-' || n, CASE WHEN n %% 2 = 0 THEN 'cust_m1' END, 'le_us', 'bank_us', CURRENT_DATE - 3,
         500, 'USD', 0, 1, 'USD', 500, 500, 'stmt_m', n, 'for INV-' || n FROM generate_series(1, %(many)s) n""",
    """INSERT INTO statement_lines (org_id, statement_id, line, booking_date, amount_minor, currency_code, payer, external_id,
         status, reason_code, payment_id)
       SELECT %(org)s, 'stmt_m', n, CURRENT_DATE - 3, 500, 'USD', 'Acme ' || n, 'L-' || n, 'UNMATCHED', 'NO_REFERENCE',
         'pay_m' || n FROM generate_series(1, %(many)s) n""",
    """INSERT INTO exceptions (org_id, id, kind, reason_code, subject_id, owner_role, legal_entity_id, due_at)
       SELECT %(org)s, 'exc_m' || n, 'unmatched_payment', 'NO_REFERENCE', 'pay_m' || n, 'ar_clerk', 'le_us',
         now() + n * interval '1 second' FROM generate_series(1, %(many)s) n""",
    "ANALYZE customers, invoices, statements, payments, statement_lines, exceptions",
)  # fmt: skip
CALLS: Final[tuple[tuple[str, dict[str, Any], str], ...]] = (
    ("find_customers", {"query": "Acme", "limit": 50}, "more"),
    ("get_customer", {"customer_id": "cust_m1"}, ""),
    ("aging", {}, "more"),
    ("aging", {"customer_id": "cust_m1"}, "cut"),
    ("prepare_customer_meeting", {"customer_id": "cust_m1"}, ""),
    ("unmatched_receipts", {"limit": 50}, "next_cursor"),
    ("open_invoices", {"customer_id": "cust_m1", "which": "the oldest three"}, "next_cursor"),
    ("waiting_for_me", {"limit": 50}, "more"),
    ("exceptions", {"limit": 50}, "next_cursor"),
    ("explain_record", {"id": "stmt_m"}, "record"),  # with its lines_total, and the first of its lines
    ("explain_record", {"id": "pay_m7"}, ""),
    ("explain_match", {"payment_id": "pay_m99999"}, ""),
)
"""What is asked, and how the answer says that there is more than it shows."""


@pytest.mark.soak
async def test_a_hundred_thousand_of_everything_are_answered_in_parts(office: Office, database_url: str) -> None:
    with psycopg.connect(database_url) as owner:
        for sql in _BOOKS:
            owner.execute(sql, {"org": office.org, "many": MANY})
    async with assistant(office.stack, token(office, "u_both", "ar_clerk", "controller")) as client:
        for name, given, more in CALLS:
            begun = time.monotonic()
            result = await client.call_tool(name, given)
            took = time.monotonic() - begun
            found = told(result)
            said = json.dumps(found, ensure_ascii=False)
            assert len(said) <= LARGEST, name
            assert took < SECONDS, name
            if more == "cut":
                assert any(cut["of"] > MOST for cut in (result.meta or {})["arflow/cut"]), name
                assert "Not all of it is shown" in str(result.content[-1])
            elif more:
                assert found[more], name
