"""How an import ends, whichever way: its last counts, its audit event, and the event for the world outside."""

from typing import Any, Final

from models.db.imports import records as imports
from models.db.imports.rows import INVALID
from models.db.tx import Row, Tx
from models.imports.options import ImportStatus
from operations.commands import own_command
from operations.work import Work

COUNTS: Final = ("total_rows", "created", "updated", "skipped", "failed", "not_attempted")


def import_work(tx: Tx, row: Any, operation: str = "import.run") -> Work:
    """A unit of work of the import's own process."""
    cmd = own_command(operation, request_id=row["request_id"], workflow_id=row["workflow_id"], resource_id=row["id"])
    return Work(tx, cmd)


def end_import(work: Work, row: Row, status: ImportStatus, failure: dict[str, Any] | None = None) -> None:
    """Close the import. Rows that were found invalid count as failed, those never reached as not attempted; after a stop
    on error nothing behind the failed row counts as failed."""
    tx, import_id = work.tx, row["id"]
    failed = row["failed"]
    if status is not ImportStatus.STOPPED:
        failed += tx.scalar(
            f"SELECT count(*) FROM import_rows r WHERE r.import_id = :id AND r.row_no > :done AND {INVALID}",
            id=import_id,
            done=row["executed_rows"],
        )
    left = row["total_rows"] - row["created"] - row["updated"] - row["skipped"] - failed
    more: dict[str, Any] = {} if failure is None else {"failure": failure}
    imports.update(tx, import_id, status=status.value, failed=failed, not_attempted=left, ended_at=work.now, **more)
    counts = {c: row[c] for c in COUNTS} | {"failed": failed, "not_attempted": left}
    work.audit(
        import_id, "import.ended", {"status": status.value} | counts | more, reason_code=(failure or {}).get("code")
    )
    work.emit("import.completed", import_id, {"import_id": import_id, "status": status.value} | counts)
