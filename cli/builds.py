"""`arflow builds`: which builds carry approval chains, and which of them new chains begin on."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer
from temporalio.client import Client
from temporalio.service import RPCError

from settings import get_settings
from stack.process import StackError
from workflows import builds
from workflows.connection import connect

T = TypeVar("T")

app = typer.Typer(help="Builds of the workers, side by side (ARFLOW_BUILD_ID).", no_args_is_help=True)


@app.command("list")
def list_builds() -> None:
    """Each build with its open chains; the current one is marked. `no worker`: its chains move to the current one."""
    known = _with_client(builds.builds)
    if not known:
        print("no build has said what it is: workers run without ARFLOW_BUILD_ID")
    for b in known:
        marks = ["current" if b.current else "", "" if b.alive else "no worker"]
        said = ", ".join(m for m in marks if m)
        print(f"{b.build_id}\tsince {b.first:%Y-%m-%d %H:%M} UTC\t{b.open_chains} open chains\t{said}".rstrip())


@app.command("promote")
def promote(build_id: Annotated[str, typer.Argument(help="A build whose workers run")]) -> None:
    """Let new chains begin on this build: to go back to an earlier one. Open chains stay where they are."""
    known = {b.build_id: b for b in _with_client(builds.builds)}
    if build_id not in known or not known[build_id].alive:
        raise StackError(f"no worker of build {build_id} runs; there are: {', '.join(known) or 'none'}")
    _with_client(lambda client: builds.promote(client, build_id))
    print(f"new chains begin on {build_id}")


def _with_client(what: Callable[[Client], Awaitable[T]]) -> T:
    async def ask() -> T:
        return await what(await connect(get_settings()))

    try:
        return asyncio.run(ask())
    except (RPCError, RuntimeError) as error:
        raise StackError(f"Temporal does not answer: {error}") from None
