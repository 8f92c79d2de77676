"""Deductions: kept, moved, listed. Whoever moves one holds its invoice, locked."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import or_

from models.answers import read_row
from models.cash.deductions import Deduction
from models.db.listing import Listing, among, param
from models.db.lookups import found
from models.db.tables.deductions import deductions
from models.db.tx import Tx

_ALL: Final = "SELECT * FROM deductions WHERE org_id = :org"
_OPEN: Final = f"{_ALL} AND status = 'OPEN'"
_LIST: Final = Listing(
    deductions,
    key=(deductions.c.id,),
    newest_first=True,
    within=among(deductions.c.legal_entity_id),
    equal=(deductions.c.customer_id, deductions.c.invoice_id, deductions.c.status),
    filters={
        "owner": or_(deductions.c.owner_role == param("owner"), deductions.c.owner_user == param("owner")),
        "desk": or_(deductions.c.owner_user == param("me"), among(deductions.c.owner_role, "roles")),
    },
)


def get(tx: Tx, deduction_id: str, *, lock: bool = False) -> Deduction:
    """The deduction; 404 or 403 otherwise."""
    return found(tx, "deduction", deduction_id, find(tx, deduction_id, lock=lock))


def find(tx: Tx, deduction_id: str, *, lock: bool = False) -> Deduction | None:
    """The deduction, where it is here."""
    return tx.record(Deduction, f"{_ALL} AND id = :id{' FOR UPDATE' if lock else ''}", id=deduction_id)


def list_deductions(
    tx: Tx, entities: Collection[str] | None, after: str | None, limit: int, *,
    desk: tuple[str, Collection[str]] | None = None, **given: str | None,
) -> Sequence[Deduction]:  # fmt: skip
    """The newest first. `desk`: only what lies with this user or one of these roles; `owner`: with a user or a role."""
    mine: Mapping[str, object] | None = None if desk is None else {"me": desk[0], "roles": sorted(desk[1])}
    rows = _LIST.page(tx, entities, None if after is None else (after,), limit, desk=mine, **given)
    return [read_row(Deduction, row) for row in rows]


def of_session(tx: Tx, session_id: str) -> list[Deduction]:
    """What a payment's session stated, in its order."""
    return tx.records(Deduction, f"{_ALL} AND session_id = :id ORDER BY id", id=session_id)


def latest(tx: Tx, invoice_id: str) -> Deduction | None:
    """Of a locked invoice the last one that was stated without a payment."""
    sql = f"{_ALL} AND invoice_id = :id AND payment_id IS NULL ORDER BY created_at DESC, id DESC LIMIT 1"
    return tx.record(Deduction, sql, id=invoice_id)


def open_of_invoices(tx: Tx, invoice_ids: Collection[str]) -> list[Deduction]:
    """What is open of locked invoices."""
    if not invoice_ids:
        return []
    sql = f"{_OPEN} AND invoice_id = ANY(:ids) ORDER BY id FOR UPDATE"
    return tx.records(Deduction, sql, ids=sorted(set(invoice_ids)))


def open_of_session(tx: Tx, session_id: str, invoice_id: str) -> list[Deduction]:
    """What is open of what a session stated of one locked invoice."""
    sql = f"{_OPEN} AND session_id = :session AND invoice_id = :invoice ORDER BY id FOR UPDATE"
    return tx.records(Deduction, sql, session=session_id, invoice=invoice_id)


def invoices_of_payment(tx: Tx, payment_id: str) -> list[str]:
    """The invoices of which a payment's sessions stated what is open still."""
    return tx.column(
        """SELECT DISTINCT invoice_id FROM deductions WHERE org_id = :org AND payment_id = :id AND status = 'OPEN'
           ORDER BY invoice_id""",
        id=payment_id,
    )


def open_of_payment(tx: Tx, payment_id: str) -> list[Deduction]:
    """What is open of what a payment's sessions stated; the invoices are locked."""
    return tx.records(Deduction, f"{_OPEN} AND payment_id = :id ORDER BY id FOR UPDATE", id=payment_id)


def move_deducted(tx: Tx, changes: Iterable[tuple[str, int]]) -> None:
    """So much more, or less, of locked invoices is deducted, at the latest with the commit."""
    by_invoice: dict[str, int] = {}
    for invoice_id, minor in changes:
        by_invoice[invoice_id] = by_invoice.get(invoice_id, 0) + minor
    for invoice_id, minor in sorted(by_invoice.items()):
        tx.later(
            """UPDATE invoices SET deducted_minor = deducted_minor + :minor, version = version + 1
               WHERE org_id = :org AND id = :id""",
            minor=minor,
            id=invoice_id,
        )


def save(tx: Tx, before: Deduction, after: Deduction) -> Deduction:
    """Write what differs of a locked one."""
    return tx.save("deductions", before, after)


def settle_exceptions(tx: Tx, kind: str, ids: Collection[str], who: str, code: str) -> None:
    """What the open exceptions of this kind about these subjects asked for has happened."""
    if ids:
        tx.later(
            """UPDATE exceptions SET status = 'resolved', resolved_at = :at, resolved_by = :who, resolution_code = :code
               WHERE org_id = :org AND kind = :kind AND subject_id = ANY(:ids) AND status = 'open'""",
            at=tx.now,
            who=who,
            code=code,
            kind=kind,
            ids=sorted(ids),
        )


def hand_on(tx: Tx, d: Deduction, role: str, remind_at: datetime, due_at: datetime) -> None:
    """A locked one lies with another role, with as much time again."""
    tx.later(
        """UPDATE deductions SET owner_role = :role, owner_user = NULL, remind_at = :remind, reminded_at = NULL, due_at = :due,
             escalations = escalations + 1 WHERE org_id = :org AND id = :id""",
        role=role,
        remind=remind_at,
        due=due_at,
        id=d.id,
    )


def mark_reminded(tx: Tx, deduction_id: str) -> None:
    """The owner of a locked one has been reminded."""
    tx.later("UPDATE deductions SET reminded_at = :at WHERE org_id = :org AND id = :id", at=tx.now, id=deduction_id)


def assign(tx: Tx, deduction_id: str, *, owner_role: str | None, owner_user: str | None) -> None:
    """It lies with a role or a person, as its exception does."""
    tx.later(
        "UPDATE deductions SET owner_role = :role, owner_user = :user WHERE org_id = :org AND id = :id AND status = 'OPEN'",
        role=owner_role,
        user=owner_user,
        id=deduction_id,
    )
