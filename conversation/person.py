"""The person behind an assistant: asked in its own dialogue where it has one, or sent to a page.

Two eras of the protocol ask in two ways: until 2025 the server asks while the call is open; since 2026 the call answers what
it needs, and comes again with it.
"""

from typing import Any, Final, Literal

from mcp_types import (
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitRequestURLParams,
    ElicitResult,
    InputRequiredResult,
)
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

Said = Literal["accept", "decline", "cancel"]
_NOTHING_TO_FILL_IN: Final[dict[str, Any]] = {"type": "object", "properties": {}}
_KEY: Final = "person"


class InputRequired(Exception):
    """The call comes again with what the person said."""

    def __init__(self, result: InputRequiredResult) -> None:
        self.result = result


class Person:
    """Of one call; `ctx` and `given` are the SDK's context, and what the client brought with the call."""

    def __init__(self, ctx: Any, given: Any) -> None:
        self._ctx, self._given = ctx, given or {}
        found = ctx.session.client_capabilities
        asks = None if found is None else found.elicitation
        self.can_be_sent = asks is not None and asks.url is not None
        self.can_be_asked = asks is not None and (asks.form is not None or asks.url is None)

    async def asked(self, message: str) -> Said:
        """What they say to it. Raises InputRequired."""
        form = ElicitRequestFormParams(message=message, requested_schema=_NOTHING_TO_FILL_IN)
        if self._modern:
            return self._answer(ElicitRequest(params=form))
        said = await self._ctx.session.elicit_form(
            message=message, requested_schema=_NOTHING_TO_FILL_IN, related_request_id=self._ctx.request_id
        )
        return _word(said)

    async def sent(self, message: str, url: str, elicitation_id: str) -> Said:
        """Whether they go to the page. Raises InputRequired."""
        if self._modern:
            return self._answer(
                ElicitRequest(params=ElicitRequestURLParams(message=message, url=url, elicitation_id=elicitation_id))
            )
        said = await self._ctx.session.elicit_url(
            message=message, url=url, elicitation_id=elicitation_id, related_request_id=self._ctx.request_id
        )
        return _word(said)

    @property
    def _modern(self) -> bool:
        return self._ctx.protocol_version in MODERN_PROTOCOL_VERSIONS

    def _answer(self, request: ElicitRequest) -> Said:
        said = self._given.get(_KEY)
        if not isinstance(said, ElicitResult):
            raise InputRequired(InputRequiredResult(input_requests={_KEY: request}))
        return _word(said)


def _word(said: ElicitResult) -> Said:
    """Accepting is a yes, unless it is said not to be one."""
    refuses = said.action == "accept" and (said.content or {}).get("confirm", True) is False
    return "decline" if refuses else said.action
