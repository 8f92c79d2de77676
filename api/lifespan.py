"""The API's composition root: what is opened at start and closed at the end.

Everything that holds a connection, a thread or a socket is made here, after any fork, and hung on `app.state`.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from fastapi import FastAPI


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Open the resources, serve, then say "not ready" and close them in reverse order."""
    async with AsyncExitStack():
        yield
        app.state.readiness.draining = True
