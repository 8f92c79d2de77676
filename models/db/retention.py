"""Taking away what is older than it is kept, and who has missed something by it."""

from datetime import datetime

from models.db.tx import Tx


def prune(tx: Tx, table: str, before: datetime, most: int) -> int:
    """Take away up to `most` of the organisation's rows that ended before; how many. Nothing that is still to be done."""
    return int(tx.scalar("SELECT prune_records(:table, :before, :most)", table=table, before=before, most=most))


def horizon(tx: Tx) -> int:
    """Up to which position the organisation's events have been taken away; 0 where none were."""
    return int(tx.scalar("SELECT coalesce(max(position), 0) FROM outbox_horizons WHERE org_id = :org"))
