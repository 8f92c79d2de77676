"""Exceptions that end by themselves: what they asked for has happened."""

from models.db.tx import Tx


def resolve(tx: Tx, kind: str, subject_id: str, by: str, code: str) -> None:
    """Close the open exceptions of this kind about this subject."""
    tx.later(
        "UPDATE exceptions SET status = 'resolved', resolved_at = :now, resolved_by = :by, resolution_code = :code "
        "WHERE org_id = :org AND kind = :kind AND subject_id = :subject AND status = 'open'",
        kind=kind,
        subject=subject_id,
        by=by,
        code=code,
        now=tx.now,
    )
