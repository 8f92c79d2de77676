"""What lowers an invoice's balance, of every kind, as one relation: every reader of balances goes through it.

`minor` in the invoice's currency, `worth` what the invoice loses by it and `given` what is given for it, both in the
functional currency: where the two differ, exchange has won or lost. `effective_date`, `undone_date`: from when and until
when aging counts it; `entry_date`, `undone_entry_date`: when the ledger does; `created_at`, `undone_at`: since when it is
known. `account`, with the invoice on its lines, carries `account_worth` of what was given (null: cash does). `receivable`:
what the control account loses by it: as much as the invoice, but for a credit note, which lowered that when it was posted;
there only what exchange has won or lost.

A further kind is a further SELECT, of the same columns in the same order and types (also its literals): PostgreSQL then asks each
table by its own indexes for the columns that are wanted, and where it has no rows the relation costs what it did without it.
"""

from typing import Final

from models.db.tables.metadata import DATED_AHEAD as ROWS_AHEAD

RELIEFS: Final = """(
  SELECT 'application' AS kind, id, org_id, invoice_id, customer_id, invoice_applied_minor AS minor,
         functional_relief_minor AS worth, functional_cash_minor AS given, effective_date, entry_date, created_at,
         unapplied_at AS undone_at, undone_date, undone_entry_date, NULL::text AS account, 0::bigint AS account_worth,
         functional_relief_minor AS receivable
    FROM payment_applications
  UNION ALL
  SELECT 'adjustment', id, org_id, invoice_id, customer_id, amount_minor, functional_minor, functional_minor,
         effective_date, entry_date, created_at, undone_at, undone_date, undone_entry_date,
         CASE kind WHEN 'discount' THEN 'sales_discounts' WHEN 'bank_fee' THEN 'bank_fees' ELSE kind END,
         functional_minor - functional_tax_minor, functional_minor
    FROM adjustments
  UNION ALL
  SELECT 'write_off', id, org_id, invoice_id, customer_id, amount_minor, functional_minor, functional_minor,
         effective_date, entry_date, posted_at, reversed_at, reversed_date, reversed_entry_date, 'write_off', functional_minor,
         functional_minor
    FROM write_offs WHERE posted_at IS NOT NULL
  UNION ALL
  SELECT 'credit_note_application', id, org_id, invoice_id, customer_id, applied_minor, functional_relief_minor,
         functional_credit_minor, effective_date, entry_date, created_at, undone_at, undone_date, undone_entry_date,
         NULL::text, 0::bigint, functional_relief_minor - functional_credit_minor
    FROM credit_note_applications)"""

DATED_AHEAD: Final = "({})".format(
    " UNION ALL ".join(
        f"SELECT org_id, customer_id, effective_date, {undone_date} AS undone_date FROM {table} WHERE {rows}"
        for table, (rows, undone_date) in ROWS_AHEAD.items()
    )
)
"""Those of RELIEFS that were dated ahead when they were written or undone, each kind by its index `ahead`. Each other one counts,
or no longer counts, since the day on which that was written."""
