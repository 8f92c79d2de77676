"""People of an organisation and their assistants: tokens, dialogues, and what the database says afterwards."""

from typing import Any

from mcp_types import ElicitRequestParams, ElicitResult

from api.tokens import mint_dev_token
from models.access import Agent
from settings import Settings
from tests.api.office import Office

ROLES = {
    "u_clerk": ("ar_clerk",),
    "u_clerk2": ("ar_clerk",),
    "u_manager": ("ar_manager",),
    "u_controller": ("controller",),
    "u_cfo": ("cfo",),
    "u_ae": ("account_executive",),
    "u_feed": ("bank_feed",),
}


def token(office: Office, user: str = "u_clerk", *roles: str, agent: Agent | None = None, **more: Any) -> str:
    """A person's token, or that of an assistant beside them."""
    held = roles or ROLES[user]
    if agent is None:
        return office.stack.token(office.org, user, *held, **more)
    return mint_dev_token(Settings(home=office.stack.home), office.org, user, held, agent=agent)


class Dialogue:
    """The assistant's own dialogue with its person, who says the same to everything."""

    def __init__(self, says: str = "accept") -> None:
        self.says = says
        self.asked: list[str] = []

    async def __call__(self, _: Any, params: ElicitRequestParams) -> ElicitResult:
        self.asked.append(params.message)
        return ElicitResult(action=self.says, content={} if self.says == "accept" else None)
