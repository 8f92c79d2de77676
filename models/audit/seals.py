"""A seal as a document that stands by itself: what it sealed, and who vouches for it."""

from datetime import UTC, datetime
from typing import Final

from models.answers import JsonObject

SEAL_FORMAT: Final = "arflow.seal/1"


def seal_document(org_id: str, sealed_at: datetime, heads: int, root: str) -> JsonObject:
    """What is signed of a seal: over how many chains of whom, when, under which Merkle root (hex)."""
    at = sealed_at.astimezone(UTC).isoformat()
    return {"format": SEAL_FORMAT, "org_id": org_id, "sealed_at": at, "heads": heads, "root": root}
