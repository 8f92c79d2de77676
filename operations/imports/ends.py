"""How an import ends, whichever way: its last counts, its audit event, and the event for the world outside."""

from dataclasses import replace
from typing import Final

from models.db.imports import imports
from models.db.imports.rows import count_invalid
from models.db.tx import Tx
from models.imports.records import EndedImport, Import, ImportFailure, ImportStatus
from operations.commands import own_command
from operations.work import Work

SYSTEM: Final = "arflow"


def import_work(tx: Tx, one: Import | EndedImport, operation: str = "import.run") -> Work:
    """A unit of work of the import's own process."""
    return own_work(tx, operation, one.request_id, one.workflow_id, one.id)


def own_work(tx: Tx, operation: str, request_id: str, workflow_id: str | None, subject_id: str) -> Work:
    """A unit of work that nobody has asked for."""
    cmd = own_command(operation, request_id=request_id, workflow_id=workflow_id, resource_id=subject_id)
    return Work(tx, cmd)


def end_import(work: Work, one: Import, status: ImportStatus, failure: ImportFailure | None = None) -> Import:
    """Close a locked import. Rows that were found invalid count as failed, those never reached as not attempted; after a
    stop on error nothing behind the failed row counts as failed."""
    failed = one.failed + (0 if status is ImportStatus.STOPPED else count_invalid(work.tx, one))
    left = one.total_rows - one.created - one.updated - one.skipped - failed
    ended = imports.save(
        work.tx,
        one,
        replace(
            one, status=status, failed=failed, not_attempted=left, ended_at=work.now, failure=failure or one.failure
        ),
    )
    counts = {
        "total_rows": ended.total_rows,
        "created": ended.created,
        "updated": ended.updated,
        "skipped": ended.skipped,
        "failed": ended.failed,
        "not_attempted": ended.not_attempted,
    }
    more = {} if failure is None else {"failure": failure}
    code = failure.code if failure else None
    work.audit(one.id, "import.ended", {"status": status.value, **counts, **more}, reason_code=code)
    work.emit("import.completed", one.id, {"import_id": one.id, "status": status.value, **counts})
    return ended
