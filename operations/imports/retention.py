"""Taking away what imports leave behind, when its time is over: abandoned files, the texts of rows."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Final

from sqlalchemy import Engine

from models.db.engine import transaction
from models.db.imports import imports
from models.db.imports import retention as store
from models.imports.records import EndedImport
from models.imports.retention import ABANDONED, WITHOUT_EFFECT, rows_kept_until
from operations.imports.ends import import_work

SLICE: Final = 20_000


def prune(engine: Engine, org_id: str, now: datetime, beat: Callable[[int], None]) -> int:
    """Clean up one organisation; how many imports lost their texts. Interrupted anywhere, the next call goes on."""
    with transaction(engine, org_id) as tx:
        store.drop_abandoned_files(tx, now - ABANDONED)
        ended = store.ended_before(tx, now - WITHOUT_EFFECT)
    due = [row for row in ended if rows_kept_until(row.ended_at, row.changed) <= now]
    for row in due:
        _prune(engine, org_id, row, beat)
    return len(due)


def _prune(engine: Engine, org_id: str, row: EndedImport, beat: Callable[[int], None]) -> None:
    for after in range(0, row.total_rows, SLICE):
        with transaction(engine, org_id) as tx:
            store.prune_rows(tx, row.id, after, after + SLICE)
        beat(after)
    with transaction(engine, org_id) as tx:
        kept = imports.get(tx, row.id, lock=True)
        imports.save(tx, kept, replace(kept, pruned_at=tx.now))
        work = import_work(tx, row, "import.prune")
        work.audit(row.id, "import.pruned", {"rows": row.total_rows})
        work.flush()
