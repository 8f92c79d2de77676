"""Serves the API, and ends in an order that a balancer can follow: first "not ready", served all the same, then closed."""

import asyncio
import signal
import socket
import sys
import time
from types import FrameType
from typing import Final

import uvicorn

from api.app import create_app
from api.readiness import Readiness
from api.slow_callers import SWEEP_SECONDS, TimedProtocol, sweep
from settings import Settings
from stack.process import StackError

GRACE_SECONDS: Final = 8
"""For requests that are under way when the listener closes."""
STARTUP_FAILED: Final = 3


class DrainingServer(uvicorn.Server):
    """On the first signal not ready for a while, in which it goes on serving; on the second, or where there is nothing to
    wait for, closed at once."""

    def __init__(self, config: uvicorn.Config, readiness: Readiness, drain_seconds: float) -> None:
        super().__init__(config)
        self._readiness, self._drain_seconds = readiness, drain_seconds
        self._closes_at: float | None = None
        self._swept_at = 0.0

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        first, self._readiness.draining = not self._readiness.draining, True
        if first and self.started and self._drain_seconds:
            self._closes_at = time.monotonic() + self._drain_seconds
        else:
            super().handle_exit(sig, frame)

    async def on_tick(self, counter: int) -> bool:
        now = time.monotonic()
        if self._closes_at is not None and now >= self._closes_at:
            self.should_exit = True
        if now - self._swept_at >= SWEEP_SECONDS:
            self._swept_at = now
            sweep(self.server_state.connections, asyncio.get_running_loop().time())
        return await super().on_tick(counter)


def serve(settings: Settings) -> None:
    """Until a signal."""
    app = create_app(settings)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http=TimedProtocol,
        access_log=False,
        log_config=None,  # ours, configured before
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    server = DrainingServer(config, app.state.readiness, settings.effective_drain_seconds)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, server.handle_exit)  # uvicorn, too, and it raises the signal again after its orderly end
    inner = settings.internal_port
    server.run(None if inner is None else [_listening(settings.host, port) for port in (settings.port, inner)])
    if not (server.started or app.state.readiness.draining):
        sys.exit(STARTUP_FAILED)


def _listening(host: str, port: int) -> socket.socket:
    """A socket of its own at this port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), backlog=2048, family=family)
    except OSError as error:
        raise StackError(f"cannot listen on {host}:{port}: {error.strerror or error}") from None
