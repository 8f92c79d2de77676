"""Imports and saved mappings: read, locked, moved."""

from collections.abc import Iterable, Sequence
from typing import Final

from models.answers import read_row
from models.db.listing import Listing, among
from models.db.lookups import found
from models.db.tables.imports import customer_imports
from models.db.tx import Tx, as_columns
from models.imports.records import Import, ImportStatus, SavedMapping
from models.imports.rows import Known

_GET: Final = "SELECT * FROM customer_imports WHERE org_id = :org AND id = :id"
_IMPORTS: Final = Listing(
    customer_imports,
    key=(customer_imports.c.id,),
    newest_first=True,
    within=among(customer_imports.c.legal_entity_id),
    equal=(customer_imports.c.status,),
)


def find(tx: Tx, import_id: str) -> Import | None:
    """The import, if it is there."""
    return tx.record(Import, _GET, id=import_id)


def get(tx: Tx, import_id: str, *, lock: bool = False) -> Import:
    """The import, locked if asked; 404 or 403 where it is not ours."""
    return found(tx, "import", import_id, tx.record(Import, _GET + (" FOR UPDATE" if lock else ""), id=import_id))


def save(tx: Tx, before: Import, after: Import) -> Import:
    """Write what differs of a locked import."""
    return tx.save("customer_imports", before, after)


def claim(tx: Tx, import_id: str, status: ImportStatus) -> int | None:
    """The number of a new attempt, which overtakes every earlier one; None where the import is not in this status."""
    sql = """UPDATE customer_imports SET attempt = attempt + 1
              WHERE org_id = :org AND id = :id AND status = :status RETURNING attempt"""
    attempt: int | None = tx.scalar(sql, id=import_id, status=status.value)
    return attempt


def report_staged(tx: Tx, import_id: str, attempt: int, rows: int) -> bool:
    """Say how many rows are staged so far, never backwards. Whether this attempt still works on it."""
    sql = """UPDATE customer_imports SET staged_rows = greatest(staged_rows, :rows)
              WHERE org_id = :org AND id = :id AND status = 'STAGING' AND attempt = :attempt"""
    return bool(tx.run(sql, id=import_id, rows=rows, attempt=attempt))


def lock_upload(tx: Tx, file_hash: str) -> None:
    """Who uploads the same file meanwhile waits for this transaction."""
    tx.later("SELECT pg_advisory_xact_lock(hashtextextended('import:' || :org || :file, 0))", file=file_hash)


def same_upload(tx: Tx, file_hash: str, options_hash: str) -> Import | None:
    """The latest import of this file with these options; or the pull with these options that is still under way."""
    return tx.record(
        Import,
        "SELECT * FROM customer_imports WHERE org_id = :org AND file_hash = :file AND options_hash = :options "
        "AND (pull IS NULL OR (pull -> 'complete' = 'false' AND status = 'STAGING')) ORDER BY created_at DESC, id DESC LIMIT 1",
        file=file_hash,
        options=options_hash,
    )


def uploaded_by(tx: Tx, user: str, file_hash: str) -> set[str]:
    """The imports of a file that this user uploaded."""
    sql = "SELECT id FROM customer_imports WHERE org_id = :org AND file_hash = :hash AND submitted_by = :user"
    return set(tx.column(sql, hash=file_hash, user=user))


def page(
    tx: Tx, status: ImportStatus | None, entities: frozenset[str] | None, after: str | None, limit: int
) -> list[Import]:
    """Imports, the newest first."""
    rows = _IMPORTS.page(tx, entities, None if after is None else (after,), limit, status=status)
    return [read_row(Import, row) for row in rows]


def saved_mapping(tx: Tx, name: str) -> SavedMapping | None:
    """A mapping that the organisation has saved under this name."""
    return tx.record(SavedMapping, "SELECT * FROM import_mappings WHERE org_id = :org AND name = :name", name=name)


def saved_mappings(tx: Tx) -> Sequence[SavedMapping]:
    """All of them, by name."""
    return tx.records(SavedMapping, "SELECT * FROM import_mappings WHERE org_id = :org ORDER BY name")


def save_mapping(tx: Tx, saved: SavedMapping) -> None:
    """Save, or replace the one of this name."""
    sets = ", ".join(f"{c} = excluded.{c}" for c in as_columns(saved) if c != "name")
    tx.insert("import_mappings", [saved], suffix=f"ON CONFLICT (org_id, name) DO UPDATE SET {sets}")


def known(tx: Tx, entities: Iterable[str] | None) -> Known:
    """What rows may refer to; legal entities only as far as the uploader's token went."""
    terms, accounts, owned, dimensions = tx.batch(
        ("SELECT code FROM payment_terms WHERE org_id = :org", {}),
        ("SELECT key FROM accounts WHERE org_id = :org AND kind = 'revenue'", {}),
        ("SELECT id, functional_currency FROM legal_entities WHERE org_id = :org", {}),
        ("SELECT type, code FROM dimensions WHERE org_id = :org", {}),
    )
    ours = {r["id"]: r["functional_currency"] for r in owned}
    return Known(
        frozenset(r["code"] for r in terms),
        frozenset(r["key"] for r in accounts),
        ours if entities is None else {e: ours[e] for e in entities if e in ours},
        frozenset((r["type"], r["code"]) for r in dimensions),
    )
