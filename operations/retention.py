"""Taking away, in every organisation, what is older than it is kept."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Engine

from models.db import retention as store
from models.db.engine import transaction
from models.messages.retention import PruneInput
from models.retention import LEAST_DAYS, PERIODS
from operations.commands import own_command
from operations.work import Work

SLICE: Final = 5_000
ACTOR: Final = "process:PruneRecords"


def prune(engine: Engine, org_id: str, what: PruneInput, now: datetime, beat: Callable[[int], None]) -> int:
    """Take away the organisation's rows of a table whose time is over; how many. Interrupted anywhere, the next call goes on.

    ValueError for a table whose rows stay, or a time shorter than a month."""
    if what.table not in PERIODS or what.days < LEAST_DAYS:
        raise ValueError(f"rows of {what.table} are not taken away after {what.days} days")
    before, gone, last = now - timedelta(days=what.days), 0, SLICE
    while last:
        with transaction(engine, org_id) as tx:
            last = store.prune(tx, what.table, before, SLICE)
        gone += last
        beat(gone)
    if gone:
        with transaction(engine, org_id) as tx:
            work = Work(tx, own_command("records.prune", actor=ACTOR))
            work.audit(org_id, "records.pruned", {"table": what.table, "before": before, "rows": gone})
            work.flush()
    return gone
