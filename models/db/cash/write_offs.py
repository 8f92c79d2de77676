"""Write-offs on their own: kept, moved, listed."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from models.answers import read_row
from models.authority import AuthorityLimits
from models.cash.write_offs import WriteOff
from models.db.authority import LIMITS, limits_from
from models.db.cash.payments import CLOSED
from models.db.listing import Listing, among
from models.db.lookups import found
from models.db.tables.cash import write_offs
from models.db.tx import Tx

_LIST: Final = Listing(
    write_offs,
    key=(write_offs.c.id,),
    newest_first=True,
    within=among(write_offs.c.legal_entity_id),
    equal=(write_offs.c.customer_id, write_offs.c.invoice_id, write_offs.c.status),
)
_GRANTING: Final = f"""SELECT ({LIMITS}) AS limits, {CLOSED} AS closed_periods,
    (SELECT coalesce(sum(w.amount_minor), 0)::bigint FROM write_offs w
      WHERE w.org_id = :org AND w.invoice_id = :invoice AND w.status = 'PENDING_APPROVAL') AS waiting_minor,
    (SELECT coalesce(sum(w.authorised_minor), 0)::bigint FROM write_offs w
      WHERE w.org_id = :org AND w.invoice_id = :invoice AND w.status = 'POSTED' AND w.created_by = :who)
    + (SELECT coalesce(sum(a.authorised_minor), 0)::bigint FROM adjustments a WHERE a.org_id = :org
        AND a.invoice_id = :invoice AND a.kind = 'write_off' AND a.undone_at IS NULL AND a.created_by = :who) AS given_minor"""


@dataclass(frozen=True, slots=True)
class Granting:
    """What decides about a write-off of a locked invoice: the limits, what waits for approval already, and what the caller
    has given away on it on his own authority (functional currency)."""

    limits: AuthorityLimits
    closed_periods: frozenset[str]
    waiting_minor: int
    given_minor: int


def granting(tx: Tx, invoice_id: str, who: str) -> Granting:
    """As of now."""
    row = tx.one(_GRANTING, invoice=invoice_id, who=who)
    assert row is not None
    return Granting(
        limits_from(row["limits"]), frozenset(row["closed_periods"]), row["waiting_minor"], row["given_minor"]
    )


def get(tx: Tx, write_off_id: str, *, lock: bool = False) -> WriteOff:
    """The write-off; 404 or 403 otherwise."""
    sql = f"SELECT * FROM write_offs WHERE org_id = :org AND id = :id{' FOR UPDATE' if lock else ''}"
    return found(tx, "write_off", write_off_id, tx.record(WriteOff, sql, id=write_off_id))


def latest(tx: Tx, invoice_id: str) -> WriteOff | None:
    """Of a locked invoice the last one that was asked for."""
    sql = "SELECT * FROM write_offs WHERE org_id = :org AND invoice_id = :id ORDER BY created_at DESC, id DESC LIMIT 1"
    return tx.record(WriteOff, sql, id=invoice_id)


def save(tx: Tx, before: WriteOff, after: WriteOff) -> WriteOff:
    """Write what differs of a locked one."""
    return tx.save("write_offs", before, after)


def list_write_offs(
    tx: Tx, entities: Collection[str] | None, after: str | None, limit: int, **given: str | None
) -> Sequence[WriteOff]:
    """The newest first."""
    rows = _LIST.page(tx, entities, None if after is None else (after,), limit, **given)
    return [read_row(WriteOff, row) for row in rows]
