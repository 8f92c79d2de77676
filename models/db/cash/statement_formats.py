"""Banks' CSV formats, as they were described for a bank account."""

from collections.abc import Sequence
from typing import Final

from models.answers import read_row
from models.cash.csv_formats import StatementFormat
from models.db.listing import Listing
from models.db.tables.bank import statement_formats
from models.db.tx import Tx
from models.errors import Refusal

_F: Final = statement_formats
_LIST: Final = Listing(_F, key=(_F.c.name,), within=None, equal=(_F.c.bank_account_id,))


def find(tx: Tx, bank_account_id: str, name: str) -> StatementFormat | None:
    """The account's format of this name."""
    sql = "SELECT * FROM statement_formats WHERE org_id = :org AND bank_account_id = :bank AND name = :name"
    return tx.record(StatementFormat, sql, bank=bank_account_id, name=name)


def get(tx: Tx, bank_account_id: str, name: str) -> StatementFormat:
    """The account's format; 404 STATEMENT_FORMAT_NOT_FOUND."""
    found = find(tx, bank_account_id, name)
    if found is None:
        raise Refusal(
            "STATEMENT_FORMAT_NOT_FOUND", f"Bank account {bank_account_id} has no statement format of that name."
        )
    return found


def list_formats(tx: Tx, bank_account_id: str, after: tuple[str] | None, limit: int) -> Sequence[StatementFormat]:
    """The account's formats, by name."""
    rows = _LIST.page(tx, None, after, limit, bank_account_id=bank_account_id)
    return [read_row(StatementFormat, row) for row in rows]
