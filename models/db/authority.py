"""An organisation's authority limits, each version of them."""

from collections.abc import Sequence
from typing import Final

from models.answers import JsonObject, read_row
from models.authority import AuthorityLimits, Limits
from models.db.tx import Tx
from models.facts import Facts

LIMITS: Final = """SELECT jsonb_build_object('limits', a.limits, 'version', a.version, 'updated_at', a.created_at,
    'updated_by', a.created_by) FROM authority_limits a WHERE a.org_id = :org ORDER BY a.version DESC LIMIT 1"""
"""The version in force, for whoever asks for it beside something else; no row: as shipped."""


def limits_from(row: JsonObject | None) -> AuthorityLimits:
    """The limits, from what `LIMITS` found."""
    return AuthorityLimits() if row is None else read_row(AuthorityLimits, row)


def get(tx: Tx) -> AuthorityLimits:
    """The limits in force; where none were put, as shipped."""
    return limits_from(tx.scalar(LIMITS))


def currencies(tx: Tx) -> Sequence[str]:
    """In which a limit is an amount: those of the legal entities."""
    return tx.column(
        "SELECT DISTINCT functional_currency FROM legal_entities WHERE org_id = :org ORDER BY functional_currency"
    )


def lock(tx: Tx) -> None:
    """Of two that change the limits, the second waits here for the first."""
    tx.later("SELECT pg_advisory_xact_lock(hashtextextended('authority_limits:' || :org, 0))")


def put(tx: Tx, limits: Limits, version: int, *, by: str, approval_id: str) -> None:
    """Keep a further version."""
    row: Facts = {
        "version": version,
        "limits": limits,
        "approval_id": approval_id,
        "created_at": tx.now,
        "created_by": by,
    }
    tx.insert("authority_limits", [row])
