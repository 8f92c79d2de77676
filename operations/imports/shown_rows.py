"""Rows of an import as a person may see them."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from models.db.customers import paying
from models.db.imports import rows
from models.db.tx import Tx
from models.imports.records import Import, ImportRow


def page(
    tx: Tx, one: Import, entities: Collection[str] | None, after: int, limit: int, outcome: str | None,
    code: str | None = None,
) -> list[ImportRow]:  # fmt: skip
    """As `rows.page`. `entities`: those of the token (None: all); that a customer of another one has the address of a row is said
    by the row's codes, which one it is not."""
    found = rows.page(tx, one, after, limit, outcome, code)
    return found if entities is None else _without_others(tx, found, entities)


def _without_others(tx: Tx, found: Sequence[ImportRow], entities: Collection[str]) -> list[ImportRow]:
    seen = paying.seen_from(tx, {row.record_id for row in found if row.record_id is not None})
    mine = {customer_id for customer_id, by in seen.items() if not by.isdisjoint(entities)}
    return [row if row.record_id in mine else replace(row, record_id=None) for row in found]
