"""The months that were ever closed, and what is posted before one is."""

from collections.abc import Sequence
from datetime import date
from typing import Final

from models.answers import read_row
from models.cash.records import LockedPayment, Payment, Period
from models.db.cash.payments import CLOSED
from models.db.listing import Listing
from models.db.tables.ledger import periods
from models.db.tx import Tx

_LIST: Final = Listing(periods, key=(periods.c.period,), within=None)


def list_periods(tx: Tx, after: tuple[str] | None, limit: int) -> Sequence[Period]:
    """By month."""
    return [read_row(Period, row) for row in _LIST.page(tx, None, after, limit)]


def get(tx: Tx, period: str) -> Period | None:
    """The month, where it was ever closed."""
    return tx.record(Period, "SELECT * FROM periods WHERE org_id = :org AND period = :p", p=period)


def keep(tx: Tx, period: Period) -> None:
    """The month is so from now on."""
    tx.insert(
        "periods", [period],
        suffix="ON CONFLICT (org_id, period) DO UPDATE SET status = excluded.status, changed_at = excluded.changed_at, "
        "changed_by = excluded.changed_by",
    )  # fmt: skip


def unposted_receipts(tx: Tx, first: date, last: date) -> list[LockedPayment]:
    """Payments of these days that no entry carries yet, locked."""
    rows = tx.all(
        f"""SELECT p.*, {CLOSED} AS closed_periods FROM payments p WHERE p.org_id = :org AND NOT p.posted
            AND p.reversed_at IS NULL AND p.payment_date BETWEEN :first AND :last ORDER BY p.id FOR UPDATE OF p""",
        first=first,
        last=last,
    )
    return [LockedPayment(read_row(Payment, r), frozenset(r["closed_periods"]), None) for r in rows]
