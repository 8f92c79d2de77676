"""The protocol's own conformance suite asks `/mcp`, as far as it knows a server that is not made for it."""

import asyncio
import re
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import httpx2
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

from stack.process import free_port
from tests.api.office import Office
from tests.conversation.people import token

SUITE: Final = ("npx", "-y", "-p", "node@22", "-p", "@modelcontextprotocol/conformance@0.1.16", "conformance")
"""It needs a later Node than many machines have, and brings it."""
ITS_OWN: Final = (
    "tools-call-simple-text", "tools-call-image", "tools-call-audio", "tools-call-embedded-resource",
    "tools-call-mixed-content", "tools-call-with-logging", "tools-call-error", "tools-call-with-progress", "tools-call-sampling",
    "tools-call-elicitation", "elicitation-sep1034-defaults", "elicitation-sep1330-enums", "resources-read-text",
    "resources-read-binary", "resources-templates-read", "prompts-get-simple", "prompts-get-with-args",
    "prompts-get-embedded-resource", "prompts-get-with-image",
)  # fmt: skip
"""Ask for tools, resources and prompts that only a server made for the suite has (`test_simple_text`, …)."""
NOT_DECLARED: Final = ("logging-set-level", "completion-complete", "resources-subscribe", "resources-unsubscribe")
"""Capabilities that our server does not say it has."""


@asynccontextmanager
async def with_token(office: Office) -> AsyncIterator[str]:
    """An address that passes everything on to `/mcp`, with a person's token: the suite knows none."""
    http = httpx2.AsyncClient(timeout=60, trust_env=False)
    held = f"Bearer {token(office)}"

    async def pass_on(request: Request) -> StreamingResponse:
        kept = {n: v for n, v in request.headers.items() if n not in ("host", "content-length", "connection")}
        host = request.headers["host"]
        here = office.stack.base_url.removeprefix("http://")
        kept["host"] = here if host.startswith(("127.0.0.1", "localhost")) else host
        if (origin := kept.get("origin", "")).startswith(("http://127.0.0.1", "http://localhost")):
            kept["origin"] = origin.replace(host, here)
        asked = http.build_request(
            request.method,
            f"{office.stack.base_url}/mcp",
            content=await request.body(),
            headers={**kept, "authorization": held},
        )
        answer = await http.send(asked, stream=True)
        said = {
            n: v for n, v in answer.headers.items() if n not in ("content-length", "transfer-encoding", "connection")
        }
        return StreamingResponse(answer.aiter_raw(), answer.status_code, said)

    app = Starlette(routes=[Route("/mcp", pass_on, methods=["GET", "POST", "DELETE"])])
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, "127.0.0.1", port, log_level="error", lifespan="off"))
    serving = asyncio.create_task(server.serve())
    try:
        while not server.started:
            await asyncio.sleep(0.05)
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        server.should_exit = True
        await serving
        await http.aclose()


def ran(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*SUITE, *arguments], cwd=folder, capture_output=True, text=True, timeout=600, check=False)


@pytest.mark.soak
async def test_the_protocols_conformance_suite_finds_nothing_that_we_say_we_do(office: Office, tmp_path: Path) -> None:
    if shutil.which("npx") is None:
        pytest.skip("the suite is a package of npm, and there is no npx here")
    there = await asyncio.to_thread(ran, "--version", folder=tmp_path)
    if there.returncode:
        pytest.skip(f"the suite cannot be had: {there.stderr[-300:]}")
    known = tmp_path / "known.yml"
    known.write_text("server:\n" + "".join(f"  - {name}\n" for name in (*ITS_OWN, *NOT_DECLARED)))
    async with with_token(office) as url:
        asked = (
            "server",
            "--url",
            url,
            "--suite",
            "active",
            "--expected-failures",
            str(known),
            "-o",
            str(tmp_path / "said"),
        )
        done = await asyncio.to_thread(ran, *asked, folder=tmp_path)
    said = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)
    assert done.returncode == 0, said[-6_000:] + done.stderr[-2_000:]
