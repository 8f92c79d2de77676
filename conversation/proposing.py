"""What every tool that proposes has in common: the answer, and how the API is asked."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, Literal

from pydantic import JsonValue

from conversation.jobs import Talk
from models.answers import JsonObject, WarningAnswer, answer
from models.values import Body

FIX: Final = (
    "Correct what is named (read_words reads dates, amounts and terms), or look at the records again (find_customers, "
    "open_invoices, explain_record); then propose anew."
)


@answer
class Proposed:
    """What would be done; nothing has been. Show `in_words` to the person, then commit `proposal_id`. `effect`: what the
    operation would answer, with the journal entries that it would post."""

    proposal_id: str
    operation: str
    record_id: str
    effect: JsonObject
    in_words: Sequence[str]
    warnings: Sequence[WarningAnswer]
    expires_at: datetime
    confirmation: Literal["elicitation", "page"]
    confirm_url: str


async def propose(talk: Talk, operation: str, record_id: str | None, body: Mapping[str, JsonValue]) -> JsonObject:
    """Ask the API for the proposal."""
    made = await talk.api.post("/v1/proposals", {"operation": operation, "record_id": record_id, "body": dict(body)})
    shown = {name: made[name] for name in Proposed.__dataclass_fields__ if name != "confirm_url"}
    return {**shown, "confirm_url": page(talk, str(made["proposal_id"]))}


def page(talk: Talk, proposal_id: str) -> str:
    return f"{talk.api.base_url}/confirm/{proposal_id}"


def rest(asked: Body, *taken: str) -> dict[str, JsonValue]:
    """The body without what named the record, as it was sent."""
    dumped = asked.model_dump(mode="json", exclude_unset=True)
    return {name: value for name, value in dumped.items() if name not in taken}
