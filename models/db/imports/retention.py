"""What imports leave behind, and taking it away when its time is over."""

from datetime import datetime

from models.db.tx import Tx
from models.imports.records import EndedImport


def drop_abandoned_files(tx: Tx, before: datetime) -> int:
    """Delete the files that nobody waits for: the upload was refused or never finished, or its import has gone on. Only
    those of which the last piece came before `before`. How many pieces."""
    return tx.run(
        """DELETE FROM import_files f WHERE f.org_id = :org
             AND NOT EXISTS (SELECT FROM import_files n WHERE n.org_id = :org AND n.import_id = f.import_id AND n.at >= :before)
             AND NOT EXISTS (SELECT FROM customer_imports i
                              WHERE i.org_id = :org AND i.id = f.import_id AND i.status = 'STAGING')""",
        before=before,
    )


def ended_before(tx: Tx, before: datetime) -> list[EndedImport]:
    """Imports that ended before, whose rows still have their texts; the oldest first."""
    return tx.records(
        EndedImport,
        """SELECT id, total_rows, created + updated AS changed, ended_at, request_id, workflow_id FROM customer_imports
            WHERE org_id = :org AND pruned_at IS NULL AND ended_at < :before ORDER BY ended_at, id""",
        before=before,
    )


def prune_rows(tx: Tx, import_id: str, after: int, upto: int) -> None:
    """Take the texts from these rows. Repeating it changes nothing."""
    tx.scalar("SELECT import_prune(:id, :after, :upto)", id=import_id, after=after, upto=upto)
