"""Which customers and changes a token restricted to legal entities covers."""

from collections.abc import Collection
from typing import Any

from models.errors import Refusal
from operations.work import Work


def visible(record: dict[str, Any], entities: Collection[str] | None) -> bool:
    """A customer is open to its owning entity's people, and to those of every entity that has an override of it."""
    return (
        entities is None
        or record["legal_entity_id"] in entities
        or any(e in entities for e in record["entity_overrides"])
    )


def require_visible(work: Work, record: dict[str, Any]) -> None:
    """403 for a customer outside the entities of the caller's token."""
    if not visible(record, work.cmd.entities):
        raise Refusal("FORBIDDEN", "Your token does not cover this customer's legal entity.")


def require_cover(work: Work, entities: Collection[str]) -> None:
    """403 unless the caller's token covers every entity that a change would concern: not one of them changes another's
    part, nor submits what they may then neither see nor take back."""
    if work.cmd.entities is not None and not set(entities) <= work.cmd.entities:
        raise Refusal(
            "FORBIDDEN", f"The change concerns {', '.join(sorted(entities))}: your token does not cover them all."
        )


def require_change(change: Any, entities: Collection[str] | None) -> None:
    """403 unless the token covers every entity that the change concerns: an override is its entity's people's."""
    if entities is not None and not set(change["entities"]) <= set(entities):
        raise Refusal("FORBIDDEN", "Your token does not cover this change's legal entities.")
