"""The one way out to addresses that a tenant has named: webhooks and sources alike.

A host's name is looked up once, every address it has is judged, and one of these very addresses is called, under the
host's own name in TLS and in the request: a name cannot change its mind in between. Nothing is redirected, no proxy of
the environment is used. How long it may take in all the caller says, by `asyncio.timeout` round everything: that ends
whatever still runs, the wait for a name that is long looked up included.
"""

import asyncio
import socket
import ssl
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Protocol

import httpx2

from models.outgoing import Hosts, is_host, is_public
from models.tls import client_context

_LOOKING_UP: Final = ThreadPoolExecutor(32, thread_name_prefix="name")
"""Lookups cannot be interrupted: in threads of their own, whoever asked need not wait for their end."""


class NotAllowed(Exception):
    """Nothing is sent there: `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class NameNotFound(Exception):
    """The host has no address."""


class Way(Protocol):
    """Which destinations are allowed."""

    def judge(self, scheme: str, host: str, port: int, addresses: Sequence[str]) -> None:
        """Raises NotAllowed. Asked twice: without addresses before the name is looked up, then with all of them."""
        ...


@dataclass(frozen=True)
class PublicOnly:
    """Any host on public addresses, by https."""

    def judge(self, scheme: str, host: str, port: int, addresses: Sequence[str]) -> None:
        if scheme != "https":
            raise NotAllowed("HTTPS_REQUIRED")
        if not all(map(is_public, addresses)):
            raise NotAllowed("ADDRESS_NOT_PUBLIC")


@dataclass(frozen=True)
class AlsoNearby:
    """Also this machine and its network, and in the clear: for development."""

    def judge(self, scheme: str, host: str, port: int, addresses: Sequence[str]) -> None:
        if not all(map(is_host, addresses)):
            raise NotAllowed("ADDRESS_NOT_PUBLIC")


@dataclass(frozen=True)
class OnlyHosts:
    """The hosts that the operator lets connections use."""

    hosts: Hosts

    def judge(self, scheme: str, host: str, port: int, addresses: Sequence[str]) -> None:
        private = self.hosts.may_be_private(scheme, host, port)
        if private is None:
            raise NotAllowed("HOST_NOT_ALLOWED")
        if not all(map(is_host if private else is_public, addresses)):
            raise NotAllowed("ADDRESS_NOT_PUBLIC")


def client(way: Way, seconds: float) -> httpx2.AsyncClient:
    """A client for a few requests. The caller bounds all of it, by `asyncio.timeout(seconds)`; this, each step, a little
    less, so that the usual stall ends where the connection is put away in order."""
    return httpx2.AsyncClient(transport=_Pinned(way), timeout=seconds * 0.95, follow_redirects=False, trust_env=False)


class _Pinned(httpx2.AsyncBaseTransport):
    """Calls the addresses that were judged."""

    def __init__(self, way: Way) -> None:
        self._way = way
        self._inner = httpx2.AsyncHTTPTransport(verify=_certificates(), trust_env=False)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        url = request.url
        host, port = url.raw_host.decode("ascii").strip("[]"), url.port or (443 if url.scheme == "https" else 80)
        self._way.judge(url.scheme, host, port, ())
        addresses = await _addresses(host, port)
        self._way.judge(url.scheme, host, port, addresses)
        refused: httpx2.ConnectError | None = None
        for address in addresses:
            try:
                return await self._inner.handle_async_request(_at(request, address, host))
            except httpx2.ConnectError as error:
                refused = error
        assert refused is not None
        raise refused

    async def aclose(self) -> None:
        await self._inner.aclose()


def _at(request: httpx2.Request, address: str, host: str) -> httpx2.Request:
    """The request to this address, under its own host's name (the Host header is there already)."""
    return httpx2.Request(
        request.method,
        request.url.copy_with(host=address),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": host},
    )


async def _addresses(host: str, port: int) -> list[str]:
    try:
        found = await asyncio.wrap_future(_LOOKING_UP.submit(_look_up, host, port))
    except (OSError, UnicodeError):
        raise NameNotFound(host) from None
    if not found:
        raise NameNotFound(host)
    return found


def _look_up(host: str, port: int) -> list[str]:
    return list(dict.fromkeys(str(a[4][0]) for a in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))


@lru_cache
def _certificates() -> ssl.SSLContext:
    """Loading them takes longer than most answers."""
    return client_context()
