"""Imports: the row of each, its file in pieces, its rows in staging, and what became of them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import Engine

from models.customers.approval import Chain, Delegation, Step, StepStatus
from models.db.engine import APP_ROLE, transaction
from models.db.lookups import find
from models.db.tx import Row, Tx, to_json
from models.imports.rows import Known

LOADER_ROLE: Final = "arflow_loader"
PIECE: Final = 1024 * 1024
"""Bytes of a file per row of import_files."""


def get(tx: Tx, import_id: str, *, lock: bool = False) -> Row:
    """The import's row, locked if asked; 404 or 403 where it is not ours."""
    sql = "SELECT * FROM customer_imports WHERE org_id = :org AND id = :id" + (" FOR UPDATE" if lock else "")
    return find(tx, "import", sql, import_id)


def same_upload(tx: Tx, file_hash: str, options_hash: str) -> Row | None:
    """The latest import of this file with these options; or the pull with these options that is still under way."""
    return tx.one(
        "SELECT * FROM customer_imports WHERE org_id = :org AND file_hash = :file AND options_hash = :options "
        "AND (pull IS NULL OR (pull -> 'complete' = 'false' AND status = 'STAGING')) ORDER BY id DESC LIMIT 1",
        file=file_hash,
        options=options_hash,
    )


def page(tx: Tx, status: str | None, entities: Iterable[str] | None, after: str | None, limit: int) -> Sequence[Row]:
    """Imports, the newest first."""
    where: list[str] = ["org_id = :org"]
    params: dict[str, Any] = {"limit": limit, "after": after, "status": status}
    if after is not None:
        where.append("id < :after")
    if status is not None:
        where.append("status = :status")
    if entities is not None:
        where.append("legal_entity_id = ANY(:entities)")
        params["entities"] = sorted(entities)
    return tx.all(f"SELECT * FROM customer_imports WHERE {' AND '.join(where)} ORDER BY id DESC LIMIT :limit", **params)


def saved_mapping(tx: Tx, name: str) -> Row | None:
    """A mapping that the organisation has saved under this name."""
    return tx.one("SELECT * FROM import_mappings WHERE org_id = :org AND name = :name", name=name)


def saved_mappings(tx: Tx) -> Sequence[Row]:
    """All of them, by name."""
    return tx.all("SELECT * FROM import_mappings WHERE org_id = :org ORDER BY name")


def save_mapping(tx: Tx, name: str, source: str, mapping: Mapping[str, Any], by: str) -> None:
    """Save, or replace the one of this name."""
    row = {"name": name, "source": source, "mapping": mapping, "updated_at": tx.now, "updated_by": by}
    sets = ", ".join(f"{c} = excluded.{c}" for c in row if c != "name")
    tx.insert("import_mappings", [row], suffix=f"ON CONFLICT (org_id, name) DO UPDATE SET {sets}")


def update(tx: Tx, import_id: str, **columns: Any) -> None:
    """Set columns; dicts and lists go in as JSON."""
    sets = ", ".join(
        f"{c} = CAST(:{c} AS jsonb)" if isinstance(v, dict | list) else f"{c} = :{c}" for c, v in columns.items()
    )
    values = {c: to_json(v) if isinstance(v, dict | list) else v for c, v in columns.items()}
    tx.run(f"UPDATE customer_imports SET {sets} WHERE org_id = :org AND id = :id", id=import_id, **values)


# The file


def keep_file(engine: Engine, org_id: str, import_id: str, pieces: Iterable[bytes]) -> None:
    """Store the upload in pieces; repeating it changes nothing."""
    for n, piece in enumerate(pieces):
        with transaction(engine, org_id) as tx:
            tx.run(
                "INSERT INTO import_files (org_id, import_id, seq, content) VALUES (:org, :id, :seq, :content) "
                "ON CONFLICT DO NOTHING",
                id=import_id,
                seq=n,
                content=piece,
            )


def keep_piece(tx: Tx, import_id: str, seq: int, content: bytes) -> None:
    """Add a piece within this transaction: of a file that is fetched, not uploaded."""
    sql = "INSERT INTO import_files (org_id, import_id, seq, content) VALUES (:org, :id, :seq, :content)"
    tx.run(sql, id=import_id, seq=seq, content=content)


def file_pieces(engine: Engine, org_id: str, import_id: str) -> Iterator[bytes]:
    """The upload again, a piece at a time."""
    seq = 0
    while True:
        with transaction(engine, org_id, durable=False) as tx:
            content = tx.scalar(
                "SELECT content FROM import_files WHERE org_id = :org AND import_id = :id AND seq = :seq",
                id=import_id,
                seq=seq,
            )
        if content is None:
            return
        yield bytes(content)
        seq += 1


def drop_file(tx: Tx, import_id: str) -> None:
    tx.run("DELETE FROM import_files WHERE org_id = :org AND import_id = :id", id=import_id)


# Staging: COPY as the loader role, which may insert into staging and nothing else

_LINE_COLUMNS: Final = "import_id, row_no, line, org_id, raw"
_ESCAPES: Final = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
ROW_COLUMNS: Final = (
    "import_id", "row_no", "org_id", "ok", "customer_id", "legal_entity_id", "external_id", "name", "email", "name_key",
    "email_key", "tax_id", "tax_id_key", "phone", "website", "billing_email", "notes", "customer_type", "credit_limit",
    "payment_terms", "currency_code", "tax_code", "revenue_account", "metadata", "related", "errors", "warnings",
)  # fmt: skip


def copy_lines(tx: Tx, import_id: str, blocks: Iterable[tuple[int, Sequence[int], Sequence[str]]]) -> None:
    """Stream rows of the file into staging, within this transaction: blocks of (first row number, lines, raw texts).

    Written as COPY's text a block at a time, because a call per row would cost more than PostgreSQL's own work.
    """
    org = tx.org_id
    with _loading(tx) as cursor, cursor.copy(f"COPY import_line_data ({_LINE_COLUMNS}) FROM STDIN") as copy:
        for first, lines, raws in blocks:
            joined = "".join(raws)
            if "\\" in joined or "\t" in joined or "\n" in joined or "\r" in joined:
                raws = [raw.translate(_ESCAPES) for raw in raws]
            numbers = range(first, first + len(raws))
            rows = zip(numbers, lines, raws, strict=True)
            copy.write("".join([f"{import_id}\t{n}\t{line}\t{org}\t{raw}\n" for n, line, raw in rows]))


def copy_checked(tx: Tx, rows: Iterable[tuple[Any, ...]]) -> None:
    """Stream checked rows (in the order of ROW_COLUMNS) into staging, within this transaction."""
    with _loading(tx) as cursor, cursor.copy(f"COPY import_row_data ({', '.join(ROW_COLUMNS)}) FROM STDIN") as copy:
        write = copy.write_row
        for row in rows:
            write(row)


@contextmanager
def _loading(tx: Tx) -> Iterator[Any]:
    """The driver's cursor, acting as the loader."""
    with tx.connection().cursor() as cursor:
        cursor.execute(f"SET LOCAL ROLE {LOADER_ROLE}")
        yield cursor
        cursor.execute(f"SET LOCAL ROLE {APP_ROLE}")


def lines_between(tx: Tx, import_id: str, after: int, upto: int) -> Sequence[Any]:
    """(row_no, raw) of a range of rows, in order."""
    return tx.all(
        "SELECT row_no, raw FROM import_lines WHERE import_id = :id AND row_no > :after AND row_no <= :upto ORDER BY row_no",
        id=import_id,
        after=after,
        upto=upto,
    )


def known(tx: Tx, entities: Iterable[str] | None) -> Known:
    """What rows may refer to; legal entities only as far as the uploader's token went."""
    terms = tx.all("SELECT code FROM payment_terms WHERE org_id = :org")
    accounts = tx.all("SELECT key FROM accounts WHERE org_id = :org AND kind = 'revenue'")
    ours = {
        r["id"]: r["functional_currency"]
        for r in tx.all("SELECT id, functional_currency FROM legal_entities WHERE org_id = :org")
    }
    dimensions = tx.all("SELECT type, code FROM dimensions WHERE org_id = :org")
    return Known(
        frozenset(r["code"] for r in terms),
        frozenset(r["key"] for r in accounts),
        ours if entities is None else {e: ours[e] for e in entities if e in ours},
        frozenset((r["type"], r["code"]) for r in dimensions),
    )


# The chain of review, kept as JSON beside the import: a line or two, read and written with it


def chain_of(row: Any) -> Chain:
    """The review's chain of steps, for the rule of approvals."""
    return Chain(row["submitted_by"], tuple(_step(s) for s in row["steps"]))


def _step(s: Mapping[str, Any]) -> Step:
    from datetime import datetime

    def when(name: str) -> datetime | None:
        return datetime.fromisoformat(s[name]) if s.get(name) else None

    given = s.get("delegation")
    return Step(
        number=s["step"],
        role=s["role"],
        remind_after=timedelta(seconds=s["remind_after"]),
        escalate_after=timedelta(seconds=s["escalate_after"]),
        fallback=s["fallback"],
        status=StepStatus(s["status"]),
        started_at=when("started_at"),
        remind_at=when("remind_at"),
        due_at=when("due_at"),
        decided_by=s.get("decided_by"),
        decided_at=when("decided_at"),
        reason_code=s.get("reason_code"),
        delegation=Delegation(given["to"], given["by"]) if given else None,
        escalated_at=when("escalated_at"),
    )


def steps_json(chain: Chain, comments: Mapping[int, str | None] | None = None) -> list[dict[str, Any]]:
    """The chain as the import keeps and shows it."""
    said = comments or {}
    return [
        {
            "step": s.number,
            "role": s.role,
            "status": s.status.value,
            "decided_by": s.decided_by,
            "decided_at": s.decided_at,
            "reason_code": s.reason_code,
            "comment": said.get(s.number),
            "started_at": s.started_at,
            "remind_at": s.remind_at,
            "due_at": s.due_at,
            "escalated_at": s.escalated_at,
            "remind_after": s.remind_after.total_seconds(),
            "escalate_after": s.escalate_after.total_seconds(),
            "fallback": s.fallback,
        }
        for s in chain.steps
    ]
