"""Where the product may be sent on behalf of a tenant: which addresses, and which hosts. Pure.

A name says nothing of where it leads, so hosts are judged by name and, once looked up, by every address they have. What
carries an IPv4 address within IPv6 (mapped, NAT64, 6to4, Teredo, ISATAP) is refused as a whole: it leads wherever the
network at hand takes it, and no receiver needs it.
"""

import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final, Self
from urllib.parse import SplitResult, urlsplit

_NOT_PUBLIC_4: Final = tuple(map(IPv4Network, ("192.0.0.0/24", "192.88.99.0/24", "168.63.129.16/32")))
"""Beside what the registry calls not global: protocol assignments, 6to4 relays, the host agent of one large cloud."""
_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
_NOT_PUBLIC_6: Final = tuple(map(IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")))
_NOBODYS: Final = tuple(
    map(IPv4Network, ("0.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3", "168.63.129.16/32", "100.100.100.200/32"))
)
"""Never a receiver, not even where private addresses are allowed: no host, link-local, multicast, reserved, metadata."""
_PRIVATE_6: Final = IPv6Network("fc00::/7")
_METADATA_6: Final = IPv6Network("fd00:ec2::/32")
_ISATAP: Final = (0x00005EFE, 0x02005EFE)
_LOCAL_NAMES: Final = ("localhost", "local", "internal", "localdomain", "home.arpa", "lan", "intranet")
_HOST: Final = re.compile(r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]*[a-z0-9])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9])?)*")
_PATTERN: Final = re.compile(
    r"(?:(?P<scheme>https?)://)?(?P<host>\*\.[a-z0-9.-]+|[a-z0-9_.-]+|\[[0-9a-f:.]+\])(?::(?P<port>\d{1,5}|\*))?"
)
_PORTS: Final = {"https": 443, "http": 80}


def is_public(address: str) -> bool:
    """Whether the address is one of the public internet's hosts, and of nothing else."""
    ip = _parsed(address)
    if isinstance(ip, IPv4Address):
        return ip.is_global and not (ip.is_multicast or ip.is_reserved) and not _within(ip, _NOT_PUBLIC_4)
    if ip is None or ip not in _GLOBAL_UNICAST or _within(ip, _NOT_PUBLIC_6):
        return False
    return ip.is_global and (int(ip) >> 32) & 0xFFFFFFFF not in _ISATAP


def is_host(address: str) -> bool:
    """Whether a host may have the address, private networks and this machine included; never link-local or metadata."""
    ip = _parsed(address)
    if isinstance(ip, IPv4Address):
        return not _within(ip, _NOBODYS)
    return ip is not None and (is_public(address) or ip.is_loopback or (ip in _PRIVATE_6 and ip not in _METADATA_6))


def literal(host: str) -> str | None:
    """The address that a host is where it is one, in any spelling that resolvers take (decimal, octal, hex, short)."""
    bare = host.strip("[]").rstrip(".")
    if _parsed(bare) is not None:
        return bare.partition("%")[0]
    try:
        return socket.inet_ntoa(socket.inet_aton(bare)) if bare and not re.search(r"\s", bare) else None
    except (OSError, UnicodeError):
        return None


def names_the_inside(url: str) -> bool:
    """Whether the URL already says that it leads nowhere public: an address that is none, or a name of local networks."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    if (address := literal(host)) is not None:
        return not is_public(address)
    return host in _LOCAL_NAMES or host.endswith(tuple(f".{name}" for name in _LOCAL_NAMES)) or "." not in host


@dataclass(frozen=True)
class _Pattern:
    """`host`, `*.domain`, each with a port: 443 unless given, `*` for any. `http://` before it for those in the clear."""

    scheme: str
    host: str
    port: int | None

    def takes(self, scheme: str, host: str, port: int) -> bool:
        named = host.endswith(self.host[1:]) and len(host) >= len(self.host) if self.any_name else host == self.host
        return named and scheme == self.scheme and self.port in (None, port)

    @property
    def any_name(self) -> bool:
        return self.host.startswith("*")


@dataclass(frozen=True)
class Hosts:
    """The hosts that may be asked, as patterns. Only one that is named in full may lie on a private address."""

    patterns: tuple[_Pattern, ...]

    @classmethod
    def of(cls, texts: Iterable[str]) -> Self:
        """ValueError for what is no pattern."""
        return cls(tuple(map(_pattern, texts)))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Of patterns separated by commas. ValueError for what is none."""
        return cls.of(filter(None, (part.strip().lower() for part in text.split(","))))

    def allow(self, url: str) -> bool:
        """Whether the URL may be asked, by what it says."""
        parts = _split(url)
        return parts is not None and self._taken(parts.scheme, parts.hostname or "", parts.port) is not None

    def may_be_private(self, scheme: str, host: str, port: int) -> bool | None:
        """Whether the host may lie on a private address; None where it may not be asked at all."""
        found = self._taken(scheme, host, port)
        return None if found is None else not found.any_name

    def _taken(self, scheme: str, host: str, port: int | None) -> _Pattern | None:
        wanted = port if port is not None else _PORTS.get(scheme, 0)
        taken = [p for p in self.patterns if p.takes(scheme, host, wanted)]
        return min(taken, key=lambda p: p.any_name, default=None)

    def __str__(self) -> str:
        return ", ".join(dict.fromkeys(p.host for p in self.patterns))


def _pattern(text: str) -> _Pattern:
    found = _PATTERN.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no host: host, host:port, *.domain, or http:// before one")
    scheme, host, port = found["scheme"] or "https", found["host"].strip("[]"), found["port"]
    number = None if port == "*" else int(port) if port else _PORTS[scheme]
    return _Pattern(scheme, host, number)


def _split(url: str) -> SplitResult | None:
    """The parts of a URL that every reader takes apart alike; None for others."""
    try:
        parts = urlsplit(url)
        host, plain = parts.hostname or "", re.fullmatch(r"[\x21-\x7e]+", url) is not None
        _ = parts.port
    except ValueError:
        return None
    known = _HOST.fullmatch(host) is not None or _parsed(host) is not None
    return parts if plain and known and "\\" not in url and "@" not in parts.netloc else None


def _parsed(address: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(address.partition("%")[0])
    except ValueError:
        return None


def _within(ip: IPv4Address | IPv6Address, networks: Iterable[IPv4Network | IPv6Network]) -> bool:
    return any(ip in network for network in networks)
