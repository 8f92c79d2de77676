"""Credit notes and which invoices they settle: read, locked, moved, listed."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy import or_, select

from models.answers import read_row
from models.cash.credit_notes import CreditNote, CreditNoteApplication
from models.cash.records import Invoice
from models.db.cash.payments import CLOSED, LOCK_INVOICES, LOCK_NOTES
from models.db.listing import Listing, among, param
from models.db.lookups import found, refuse_missing
from models.db.tables.credit_notes import credit_note_applications, credit_notes
from models.db.tx import Tx, to_json

_NOTES: Final = "SELECT * FROM credit_notes WHERE org_id = :org"
_LINES: Final = "SELECT * FROM credit_note_applications WHERE org_id = :org"
_SETTLES: Final = select(credit_note_applications.c.credit_note_id).where(
    credit_note_applications.c.org_id == param("org"), credit_note_applications.c.invoice_id == param("invoice_id")
)
_LIST: Final = Listing(
    credit_notes,
    key=(credit_notes.c.id,),
    newest_first=True,
    within=among(credit_notes.c.legal_entity_id),
    equal=(credit_notes.c.customer_id, credit_notes.c.status, credit_notes.c.external_id),
    filters={"invoice_id": or_(credit_notes.c.invoice_id == param("invoice_id"), credit_notes.c.id.in_(_SETTLES))},
)


def get(tx: Tx, note_id: str, *, lock: bool = False) -> CreditNote:
    """The note; 404 or 403 otherwise."""
    sql = f"{_NOTES} AND id = :id" + (" FOR UPDATE" if lock else "")
    return found(tx, "credit_note", note_id, tx.record(CreditNote, sql, id=note_id))


def by_external_id(tx: Tx, external_id: str) -> CreditNote | None:
    """The note that was recorded under this external_id."""
    return tx.record(CreditNote, f"{_NOTES} AND external_id = :ext", ext=external_id)


def list_notes(
    tx: Tx, entities: Collection[str] | None, after: str | None, limit: int, **given: str | None
) -> Sequence[CreditNote]:
    """The newest first. `invoice_id`: those that correct the invoice or settle it, or did."""
    rows = _LIST.page(tx, entities, None if after is None else (after,), limit, **given)
    return [read_row(CreditNote, row) for row in rows]


def applications_of(tx: Tx, note_ids: Collection[str]) -> dict[str, list[CreditNoteApplication]]:
    """What each note settled, the undone ones too, in the order in which they were made."""
    sql = f"{_LINES} AND credit_note_id = ANY(:ids) ORDER BY id"
    rows: dict[str, list[CreditNoteApplication]] = {}
    for line in tx.records(CreditNoteApplication, sql, ids=sorted(note_ids)) if note_ids else ():
        rows.setdefault(line.credit_note_id, []).append(line)
    return rows


def get_application(tx: Tx, application_id: str) -> CreditNoteApplication:
    """One application of a note; 404 or 403 otherwise."""
    row = tx.record(CreditNoteApplication, f"{_LINES} AND id = :id", id=application_id)
    return found(tx, "credit_note_application", application_id, row)


def of_session(tx: Tx, session_id: str) -> list[CreditNoteApplication]:
    """What notes settled in a payment's session, the undone ones too."""
    return tx.records(CreditNoteApplication, f"{_LINES} AND session_id = :id ORDER BY id", id=session_id)


def live_of_payment(tx: Tx, payment_id: str) -> list[CreditNoteApplication]:
    """Of a locked payment's sessions what was not undone."""
    sql = f"{_LINES} AND payment_id = :id AND undone_at IS NULL ORDER BY id"
    return tx.records(CreditNoteApplication, sql, id=payment_id)


def by_request(tx: Tx, note_id: str, external_id: str) -> list[CreditNoteApplication]:
    """What one request settled with a note, in the order in which it said so; empty for one that never came."""
    sql = f"{_LINES} AND credit_note_id = :id AND external_id = :ext ORDER BY line_no"
    return tx.records(CreditNoteApplication, sql, id=note_id, ext=external_id)


def latest_request(tx: Tx, note_id: str) -> list[CreditNoteApplication]:
    """What the latest request by itself settled with a locked note."""
    sql = f"""{_LINES} AND credit_note_id = :id AND payment_id IS NULL AND command_id = (SELECT l.command_id
      FROM credit_note_applications l WHERE l.org_id = :org AND l.credit_note_id = :id AND l.payment_id IS NULL
      ORDER BY l.id DESC LIMIT 1) ORDER BY line_no"""
    return tx.records(CreditNoteApplication, sql, id=note_id)


@dataclass(frozen=True, slots=True)
class LockedNotes:
    """Notes and invoices, locked in this order, and the closed periods."""

    notes: Mapping[str, CreditNote]
    invoices: Mapping[str, Invoice]
    closed_periods: frozenset[str]


def lock(tx: Tx, note_ids: Collection[str], invoice_ids: Collection[str]) -> LockedNotes:
    """The notes, then the invoices, each in the order of their ids, in one round trip. 404 for a note that is not here; of the
    invoices those that are: see `payments.require_all`."""
    notes, invoices, closed = tx.batch(
        (LOCK_NOTES, {"notes": sorted(set(note_ids))}),
        (LOCK_INVOICES, {"ids": sorted(set(invoice_ids))}),
        (f"SELECT {CLOSED} AS closed", {}),
    )
    held = {r["id"]: read_row(CreditNote, r) for r in notes}
    require_notes(tx, note_ids, held)
    return LockedNotes(held, {r["id"]: read_row(Invoice, r) for r in invoices}, frozenset(closed[0]["closed"]))


def lock_notes(tx: Tx, note_ids: Collection[str]) -> Mapping[str, CreditNote]:
    """The notes, locked in the order of their ids."""
    if not note_ids:
        return {}
    rows = tx.records(CreditNote, LOCK_NOTES, notes=sorted(set(note_ids)))
    return require_notes(tx, note_ids, {n.id: n for n in rows})


def require_notes(
    tx: Tx, note_ids: Collection[str], held: Mapping[str, CreditNote]
) -> Mapping[str, CreditNote]:  # fmt: skip
    """The notes that were found; 404 CREDIT_NOTE_NOT_FOUND or 403 for the first that was not."""
    for note_id in note_ids:
        if note_id not in held:
            refuse_missing(tx, "credit_note", note_id)
    return held


def move(tx: Tx, notes: Collection[CreditNote]) -> None:
    """Give locked notes their new balances, at the latest with the commit."""
    rows = [
        {"id": n.id, "balance": n.balance_minor, "functional": n.functional_balance_minor}
        for n in sorted(notes, key=lambda n: n.id)
    ]
    if rows:
        tx.later(
            """UPDATE credit_notes c SET balance_minor = n.balance, functional_balance_minor = n.functional,
                 version = c.version + 1
               FROM json_to_recordset(CAST(:rows AS json)) AS n(id text, balance bigint, functional bigint)
               WHERE c.org_id = :org AND c.id = n.id""",
            rows=to_json(rows),
        )


def undo(tx: Tx, undone: Sequence[CreditNoteApplication], *, on: date, entry_date: date, reason: str) -> None:
    """Mark what locked notes settled as undone on a date, by an entry of another."""
    if undone:
        tx.later(
            """UPDATE credit_note_applications SET undone_at = :at, undone_date = greatest(:day, effective_date),
                 undone_entry_date = :entry_day, undo_reason = :reason WHERE org_id = :org AND id = ANY(:ids)""",
            at=tx.now,
            day=on,
            entry_day=entry_date,
            reason=reason,
            ids=[a.id for a in undone],
        )


def void(tx: Tx, note_id: str, *, on: date, reason: str) -> None:
    """A locked note takes nothing back any more."""
    tx.later(
        """UPDATE credit_notes SET voided_at = :at, void_date = :day, void_reason = :reason, balance_minor = 0,
             functional_balance_minor = 0, version = version + 1 WHERE org_id = :org AND id = :id""",
        at=tx.now,
        day=on,
        reason=reason,
        id=note_id,
    )


def mark_posted(tx: Tx, note_id: str) -> None:
    """A locked note that waited is in the books."""
    tx.later(
        "UPDATE credit_notes SET posted_at = :at, version = version + 1 WHERE org_id = :org AND id = :id",
        at=tx.now,
        id=note_id,
    )


def mark_rejected(tx: Tx, note_id: str) -> None:
    """A locked note that waited will never be in the books."""
    tx.later(
        """UPDATE credit_notes SET rejected_at = :at, balance_minor = 0, functional_balance_minor = 0, version = version + 1
           WHERE org_id = :org AND id = :id""",
        at=tx.now,
        id=note_id,
    )


@dataclass(frozen=True, slots=True)
class Corrected:
    """What notes of an invoice that stand, or wait, take back of it; `given`: on the authority of one person alone, in the
    functional currency."""

    minor: int
    tax_minor: int
    given: int


def lock_given(tx: Tx, customer_id: str, who: str) -> None:
    """Of two notes that a person gives a customer at once, the second waits here for the first."""
    sql = (
        "SELECT pg_advisory_xact_lock(hashtextextended('credit_given:' || :org || ':' || :customer || ':' || :who, 0))"
    )
    tx.run(sql, customer=customer_id, who=who)


def given_without_invoice(tx: Tx, note: CreditNote, who: str, since: date) -> int:
    """What a person has given the note's customer since then (a day in UTC), on his own authority and in the functional currency
    of the note's legal entity, by notes that stand and correct no invoice, or more than it has."""
    sql = """SELECT coalesce(sum(n.authorised_minor), 0)::bigint
      FROM credit_notes n LEFT JOIN invoices i ON i.org_id = n.org_id AND i.id = n.invoice_id
      WHERE n.org_id = :org AND n.customer_id = :customer AND n.legal_entity_id = :entity AND n.created_by = :who
        AND n.created_at >= :since::date AT TIME ZONE 'UTC' AND n.voided_at IS NULL AND n.rejected_at IS NULL
        AND (n.invoice_id IS NULL OR n.total_minor > i.total_minor)"""
    given: int = tx.scalar(sql, customer=note.customer_id, entity=note.legal_entity_id, who=who, since=since)
    return given


def corrected(tx: Tx, invoice_id: str, who: str) -> Corrected:
    """Of all notes that correct a locked invoice."""
    sql = """SELECT coalesce(sum(total_minor), 0)::bigint AS minor, coalesce(sum(tax_minor), 0)::bigint AS tax_minor,
        coalesce(sum(authorised_minor) FILTER (WHERE created_by = :who), 0)::bigint AS given
      FROM credit_notes WHERE org_id = :org AND invoice_id = :id AND voided_at IS NULL AND rejected_at IS NULL"""
    row = tx.record(Corrected, sql, id=invoice_id, who=who)
    assert row is not None
    return row
