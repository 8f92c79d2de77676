"""An assistant: the official client of the protocol, over HTTP, over stdio, or in memory, with the token of a person."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any, Literal

import httpx2
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult, Implementation

from conversation.api import HttpApi
from conversation.server import client_name, conversation_server
from tests.stack_fixtures.app import Access

Way = Literal["http", "http 2025", "stdio", "memory"]
WAYS: tuple[Way, ...] = ("http", "http 2025", "stdio", "memory")


@asynccontextmanager
async def assistant(stack: Access, token: str, way: Way = "http", **options: Any) -> AsyncIterator[Client]:
    """A connected client; `options` are the SDK's (elicitation_callback, …)."""
    info = Implementation(name="test-assistant", version="1")
    if way == "http 2025":
        options["mode"] = "legacy"
    if way.startswith("http"):
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx2.AsyncClient(headers=headers, timeout=60, trust_env=False) as http:
            transport = streamable_http_client(f"{stack.base_url}/mcp", http_client=http)
            async with Client(transport, client_info=info, **options) as client:
                yield client
    elif way == "stdio":
        environment = {**stack.environment, "ARFLOW_URL": stack.base_url, "ARFLOW_TOKEN": token}
        command = StdioServerParameters(command=sys.executable, args=["-m", "cli.main", "mcp"], env=environment)
        async with Client(command, client_info=info, **options) as client:
            yield client
    else:
        asked = {"Authorization": f"Bearer {token}"}
        async with httpx2.AsyncClient(base_url=stack.base_url, headers=asked, timeout=60, trust_env=False) as http:
            server = conversation_server(lambda ctx: HttpApi(http, stack.base_url, client_name(ctx)), version("arflow"))
            async with Client(server, client_info=info, **options) as client:
                yield client


def told(result: CallToolResult) -> dict[str, Any]:
    """What a tool answered."""
    assert not result.is_error, result.content
    assert result.structured_content is not None
    return result.structured_content


def problem(result: CallToolResult, code: str) -> dict[str, Any]:
    """The refusal that a tool answered."""
    assert result.is_error, result.structured_content
    assert result.structured_content is not None
    assert result.structured_content["code"] == code, result.structured_content
    return result.structured_content
