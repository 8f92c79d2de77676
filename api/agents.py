"""Assistants at the door: whether the organisation lets them in, and what they may say of themselves."""

from typing import Final, Literal

from fastapi import Request
from starlette.datastructures import State

from api.read_row import read_row
from conversation.api import BY_THE_PERSON, CLIENT_HEADER
from models.access import Principal
from models.conversation.proposals import Confirmation
from models.db.master_data import AGENTS
from models.errors import Refusal
from models.master_data.records import Agents
from operations.proposed import require_agents

__all__ = ["CLIENT_HEADER", "client_of", "how_confirmed", "require_agents_of"]
_LONGEST: Final = 100
ELICITED: Final[Literal["elicited"]] = "elicited"
"""Set on the state of a request that this process made itself, after the person had said yes to the client."""


async def require_agents_of(state: State, org_id: str, *, writes: bool) -> None:
    """403 AGENTS_OFF or AGENTS_READ_ONLY, as the organisation says at this moment."""
    row = await read_row(state, org_id, AGENTS, {"org": org_id})
    chosen = row[0] if row is not None else None
    require_agents(Agents(chosen.decode()) if chosen else Agents.ON, writes=writes)


def client_of(request: Request) -> str | None:
    """The assistant's program, as it names itself."""
    said = request.headers.get(CLIENT_HEADER)
    return None if said is None else "".join(c for c in said if c.isprintable())[:_LONGEST] or None


def how_confirmed(request: Request, who: Principal) -> Confirmation:
    """How the person behind a request has said yes. With an assistant's own token only this process can know that they did;
    everybody else's is their own hand. Raises PERSON_REQUIRED."""
    if getattr(request.state, ELICITED, False):
        return "elicitation"
    if who.agent is not None:
        raise Refusal("PERSON_REQUIRED", "An assistant's token confirms nothing: the person does, on the page.")
    return "elicitation" if request.headers.get(BY_THE_PERSON) is not None else "page"
