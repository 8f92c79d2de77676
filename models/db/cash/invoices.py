"""Invoices, read."""

from typing import Any

GET = "SELECT * FROM invoices WHERE org_id = :org AND id = :id"
OPEN_AMOUNTS = """SELECT currency_code, functional_currency, sum(balance_due_minor) AS balance_minor,
         sum(functional_balance_minor) AS functional_minor FROM invoices
  WHERE org_id = :org AND customer_id = :customer AND balance_due_minor > 0 AND voided_at IS NULL
    AND (CAST(:only AS text[]) IS NULL OR legal_entity_id = ANY(CAST(:only AS text[])))
    AND legal_entity_id <> ALL(CAST(:but AS text[])) GROUP BY currency_code, functional_currency"""


def invoice_body(i: Any) -> dict[str, Any]:
    """The invoice as the API shows it."""
    shown = (
        "id", "status", "external_id", "customer_id", "legal_entity_id", "payment_terms", "currency_code", "total_minor",
        "tax_minor", "balance_due_minor", "functional_currency", "functional_total_minor", "lines", "dispute_reason",
        "void_reason",
    )  # fmt: skip
    return {
        **{k: i[k] for k in shown},
        "issue_date": i["issue_date"].isoformat(),
        "due_date": i["due_date"].isoformat(),
        "fx_rate": f"{i['fx_rate']:f}",
        "disputed": i["disputed_at"] is not None,
        "void_date": i["void_date"] and i["void_date"].isoformat(),
        "created_at": i["created_at"].isoformat(),
    }
