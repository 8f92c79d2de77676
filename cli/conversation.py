"""`arflow mcp`: an assistant's own process, which speaks with it on stdin and stdout and with the API over HTTP."""

import asyncio
from importlib.metadata import version
from typing import Annotated, Final

import typer

from settings import SettingsError, get_settings

TIMEOUT_SECONDS: Final = 60


def mcp(
    url: Annotated[
        str | None, typer.Option(envvar="ARFLOW_URL", help="Where the API answers; this machine's own unless given.")
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(envvar="ARFLOW_TOKEN", help="The bearer token of the person, better given as ARFLOW_TOKEN."),
    ] = None,
) -> None:
    """Serve the Model Context Protocol on stdin and stdout, for an assistant that starts this command."""
    if not token:
        raise SettingsError("arflow mcp speaks for a person: set ARFLOW_TOKEN to their bearer token")
    asyncio.run(_serve(url or f"http://127.0.0.1:{get_settings().port}", token))


async def _serve(url: str, token: str) -> None:
    import httpx2
    from mcp.server.stdio import stdio_server  # a third of what every other command would wait for

    from conversation.api import HttpApi
    from conversation.lines import Messages
    from conversation.server import client_name, conversation_server
    from models.tls import client_context

    headers = {"Authorization": f"Bearer {token}"}
    trusted = client_context()
    async with httpx2.AsyncClient(base_url=url, headers=headers, timeout=TIMEOUT_SECONDS, verify=trusted) as http:
        server = conversation_server(lambda ctx: HttpApi(http, url, client_name(ctx)), version("arflow"))
        async with stdio_server() as (read, write):
            await server.run(Messages(read, write), write, server.create_initialization_options())
