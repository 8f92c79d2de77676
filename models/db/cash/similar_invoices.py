"""Open invoices whose number is like one that a bank line says."""

from collections.abc import Mapping, Sequence
from typing import Final

from models.answers import read_row
from models.cash.invoice_book import OpenInvoice
from models.db.tables.cash import LOOSE_KEY
from models.db.tx import Tx, to_json

PER_LINE: Final = 5


def similar_invoices(tx: Tx, entity_id: str, keys: Mapping[int, Sequence[str]]) -> dict[int, list[OpenInvoice]]:
    """For lines that found no invoice: open invoices of the entity that one of their loose keys means, by line."""
    wanted = [{"line": line, "keys": said} for line, said in keys.items() if said]
    if not wanted:
        return {}
    rows = tx.all(
        f"""SELECT DISTINCT n.line AS for_line, i.id, i.external_id, i.customer_id, i.legal_entity_id, i.currency_code,
              i.balance_due_minor AS balance_minor, i.due_date
            FROM json_to_recordset(CAST(:rows AS json)) AS n(line int, keys json)
            CROSS JOIN LATERAL json_array_elements_text(n.keys) k (key)
            JOIN invoices i ON i.org_id = :org AND {LOOSE_KEY} = k.key AND i.balance_due_minor > 0 AND i.voided_at IS NULL
              AND i.legal_entity_id = :entity
            ORDER BY n.line, i.due_date, i.id""",
        rows=to_json(wanted),
        entity=entity_id,
    )
    found: dict[int, list[OpenInvoice]] = {}
    for row in rows:
        similar = found.setdefault(row["for_line"], [])
        if len(similar) < PER_LINE:
            similar.append(read_row(OpenInvoice, row))
    return found
