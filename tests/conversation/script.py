"""Playing conversations: a model that follows a script calls the server's tools, as pydantic-ai lets a real one do."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from mcp import Client
from pydantic_ai import Agent, Tool
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models.function import AgentInfo, FunctionModel

from tests.api.office import Office, ok
from tests.conversation.people import Dialogue, token
from tests.conversation.talking import assistant

Turn = Callable[[dict[str, Any]], tuple[str, dict[str, Any]]]
"""From what the last tool answered to the next call."""


def tools_of(client: Client, listed: Sequence[Any], said: list[dict[str, Any]]) -> Iterator[Tool]:
    """The server's tools, as the model is given them."""
    for tool in listed:

        async def call(_name: str = tool.name, **arguments: Any) -> dict[str, Any]:
            result = await client.call_tool(_name, arguments)
            said.append({**(result.structured_content or {}), "is_error": result.is_error})
            return said[-1]

        yield Tool.from_schema(call, tool.name, tool.description or "", tool.input_schema)


async def talk(office: Office, person: str, *turns: Turn, says: str = "accept") -> list[dict[str, Any]]:
    """A conversation; what each tool answered."""
    said: list[dict[str, Any]] = []

    def model(_: list[ModelMessage], __: AgentInfo) -> ModelResponse:
        if len(said) == len(turns):
            return ModelResponse(parts=[TextPart("That is done.")])
        name, arguments = turns[len(said)](said[-1] if said else {})
        return ModelResponse(parts=[ToolCallPart(name, arguments)])

    async with assistant(office.stack, token(office, person), elicitation_callback=Dialogue(says)) as client:
        listed = (await client.list_tools()).tools
        done = await Agent(FunctionModel(model), tools=list(tools_of(client, listed, said))).run("Please.")
    assert done.output == "That is done."
    return said


def commit(last: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    assert not last["is_error"], last
    return "commit", {"proposal_id": last["proposal_id"]}


def approve(change: str) -> Turn:
    return lambda _: ("propose_decision", {"approval_id": change, "decision": "approve"})


def say(tool: str, **arguments: Any) -> Turn:
    """A call that does not depend on what was said before."""
    return lambda _: (tool, arguments)


async def decide(office: Office, person: str, role: str, approval_id: str, **how: Any) -> dict[str, Any]:
    """A decision is proposed in a conversation, which gets an address for it; the person confirms there, signed in. What was
    carried out."""
    asked = {"approval_id": approval_id, "decision": "approve", **how}
    said = await talk(office, person, say("waiting_for_me"), say("propose_decision", **asked), commit)
    assert approval_id in {w["id"] for w in said[0]["items"]}
    assert said[-1]["status"] == "CONFIRMATION_REQUIRED", said[-1]
    proposal = said[-1]["proposal_id"]
    assert said[-1]["confirm_url"] == f"{office.stack.base_url}/confirm/{proposal}"
    ok(office.client(person.removeprefix("u_"), role).post(f"/v1/proposals/{proposal}/commit", json={}))
    after = await talk(office, person, say("commit", proposal_id=proposal))
    assert after[-1]["status"] == "COMMITTED"
    result: dict[str, Any] = after[-1]["result"]
    return result
