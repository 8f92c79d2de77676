"""What is on this machine: for development, whose tokens open everything to whoever reaches it."""

import ipaddress
import socket
from typing import Final

import psycopg
from psycopg.conninfo import conninfo_to_dict

_SOCKETS: Final = ("/", "@")
"""How a host begins that is the path of a socket."""


def is_nearby(host: str) -> bool:
    """Whether a host, by name or address, is this machine and nothing else; a socket is."""
    if not host or host.startswith(_SOCKETS):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        pass
    try:
        found = {str(address[4][0]) for address in socket.getaddrinfo(host, None)}
    except OSError:
        return host == "localhost"
    return bool(found) and all(ipaddress.ip_address(address.partition("%")[0]).is_loopback for address in found)


def database_hosts(url: str | None) -> list[str]:
    """The hosts that a database's address names; none where it names none, or cannot be read (who connects says so)."""
    if url is None:
        return []
    try:
        said = conninfo_to_dict(url.replace("postgresql+psycopg://", "postgresql://", 1))
    except psycopg.Error:
        return []
    return [host for name in ("host", "hostaddr") for host in str(said.get(name) or "").split(",") if host]
