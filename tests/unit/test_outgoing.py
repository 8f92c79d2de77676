"""Where the product may be sent on behalf of a tenant: addresses, hosts, and that what was judged is what is called."""

import asyncio
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from activities.webhooks import https_sender
from models.outgoing import Hosts, is_host, is_public, literal, names_the_inside
from operations.webhook_deliveries import Answer, Parcel
from sources.outgoing import AlsoNearby, NotAllowed, OnlyHosts, PublicOnly, Way, client
from sources.registry import hosts_of

INSIDE = (
    "10.0.0.5", "127.0.0.2", "127.0.0.1", "0.0.0.0", "169.254.169.254", "172.16.0.1", "192.168.1.1", "100.64.0.1",
    "192.0.0.8", "192.0.0.170", "192.88.99.1", "198.18.0.1", "203.0.113.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
    "168.63.129.16", "100.100.100.200", "::", "::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::8.8.8.8", "64:ff9b::a00:5",
    "64:ff9b::808:808", "64:ff9b:1::1", "2002:a00:5::1", "2002:808:808::1", "2001:0:a00:5::1", "2001:db8::1", "3fff::1",
    "fe80::1", "fe80::1%eth0", "fec0::1", "fc00::1", "fd00:ec2::254", "ff02::1", "2606:4700::5efe:a00:5", "5f00::1",
    "100::1", "no address",
)  # fmt: skip


def test_a_refusal_names_each_host_once() -> None:
    assert (
        str(Hosts.of(["api.example.com", "https://localhost:*", "http://localhost:*"])) == "api.example.com, localhost"
    )


@pytest.mark.parametrize("address", INSIDE)
def test_what_is_no_host_of_the_public_internet(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "1.1.1.1", "151.101.1.140", "2606:4700:4700::1111", "2a00:1450:4001::200e"]
)
def test_what_is_one(address: str) -> None:
    assert is_public(address)
    assert is_host(address)


def test_nearby_is_this_machine_and_its_network_but_never_what_tells_secrets_to_whoever_asks() -> None:
    for address in ("127.0.0.1", "::1", "10.0.0.5", "192.168.1.1", "fd12::1"):
        assert is_host(address), address
    for address in ("169.254.169.254", "fe80::1", "fd00:ec2::254", "0.0.0.0", "::", "::ffff:169.254.169.254",
                    "64:ff9b::a9fe:a9fe", "168.63.129.16", "100.100.100.200", "224.0.0.1"):  # fmt: skip
        assert not is_host(address), address


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "127.1", "017700000001", "127.0.0.1.", "127.0.1"],
)
def test_every_spelling_of_an_address_is_that_address(host: str) -> None:
    assert literal(host) in ("127.0.0.1",)
    assert names_the_inside(f"https://{host}/x")


@pytest.mark.parametrize(
    "host",
    ["localhost", "localhost.", "LOCALHOST", "a.localhost", "printer.local", "metadata.google.internal", "crm", "0",
     "[::1]", "[::ffff:127.0.0.1]", "[64:ff9b::a00:5]", "169.254.169.254", "10.0.0.5", "router.home.arpa"],
)  # fmt: skip
def test_an_endpoint_says_that_it_is_inside(host: str) -> None:
    assert names_the_inside(f"https://{host}:8443/x")


def test_an_endpoint_outside_does_not() -> None:
    for url in ("https://erp.example.com/x", "https://8.8.8.8/", "https://localhost.example.com/"):
        assert not names_the_inside(url)


VENDOR = hosts_of("salesforce", None, local=False)


@pytest.mark.parametrize(
    "url",
    ["https://acme.my.salesforce.com", "https://ACME.my.salesforce.com/", "https://login.salesforce.com:443/x",
     "https://acme.lightning.force.com", "https://acme.my.salesforce.mil"],
)  # fmt: skip
def test_connections_lead_to_their_vendor(url: str) -> None:
    assert VENDOR.allow(url)


@pytest.mark.parametrize(
    "url",
    ["http://acme.my.salesforce.com", "https://acme.my.salesforce.com:22", "https://acme.my.salesforce.com.evil.example",
     "https://evil.example/.salesforce.com", "https://evilsalesforce.com", "https://salesforce.com.", "https://x.salesforce.com.",
     "https://user@x.salesforce.com", "https://evil.example\\.salesforce.com", "https://evil.example#.salesforce.com",
     "https://evil.example?.salesforce.com", "https://169.254.169.254", "https://10.0.0.5", "https://127.0.0.2",
     "https://127.0.0.1", "http://127.0.0.1:9", "https://localhost.", "https://[::ffff:127.0.0.1]", "https://2130706433",
     "https://.salesforce.com", "https://x..salesforce.com", "https://\uff58.salesforce.com", "https://x\u3002salesforce.com",
     "https://x.salesforce.com\n", "https:///x.salesforce.com", "https://x.salesforce.com:99999", "ftp://x.salesforce.com"],
)  # fmt: skip
def test_connections_lead_nowhere_else(url: str) -> None:
    assert not VENDOR.allow(url)


def test_in_development_this_machine_serves_too_and_no_other() -> None:
    here = hosts_of("salesforce", None, local=True)
    for url in ("http://127.0.0.1:9000", "https://localhost:1", "http://[::1]:80", "https://acme.my.salesforce.com"):
        assert here.allow(url)
    for url in ("http://127.0.0.2:9000", "https://localhost.", "https://[::ffff:127.0.0.1]", "https://0.0.0.0",
                "https://2130706433", "https://10.0.0.5", "https://crm.example.com", "http://0x7f.1"):  # fmt: skip
        assert not here.allow(url)


def test_the_operator_says_otherwise_and_a_name_in_full_may_be_private() -> None:
    hosts = hosts_of("salesforce", "crm.inside.example:8443, *.crm.example,http://127.0.0.1:*", local=False)
    assert hosts.allow("https://crm.inside.example:8443/x")
    assert hosts.allow("https://a.crm.example")
    for url in ("https://crm.inside.example", "https://crm.example", "https://acme.my.salesforce.com"):
        assert not hosts.allow(url)
    assert hosts.may_be_private("https", "crm.inside.example", 8443) is True
    assert hosts.may_be_private("https", "a.crm.example", 443) is False
    assert hosts.may_be_private("https", "elsewhere.example", 443) is None
    for wrong in ("https://", "a b", "*", "x:y", "*.", "ftp://x"):
        with pytest.raises(ValueError, match="no host"):
            Hosts.parse(wrong)


class Names:
    """What names resolve to, in turn; everything that was asked."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers, self.asked = list(answers), list[str]()

    def __call__(self, host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        self.asked.append(host)
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]


def ask(way: Way, url: str) -> int:
    async def asked() -> int:
        async with asyncio.timeout(30), client(way, 30) as http:
            return (await http.get(url)).status_code

    return asyncio.run(asked())


@contextmanager
def server(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """Whoever connects is answered like that, each by a thread."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                peer, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=_quietly, args=(answer, peer), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield listening.getsockname()[1]
    finally:
        listening.close()


def _quietly(answer: Callable[[socket.socket], None], peer: socket.socket) -> None:
    try:
        with peer:
            peer.recv(65536)
            answer(peer)
    except OSError:
        return


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.5", "::ffff:10.0.0.5", "64:ff9b::a00:5", "169.254.169.254"])
@pytest.mark.parametrize("way", [PublicOnly(), OnlyHosts(Hosts.of(["*.salesforce.com"]))], ids=["webhook", "source"])
def test_a_name_that_leads_inside_is_not_called(monkeypatch: pytest.MonkeyPatch, way: Way, address: str) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", Names([address]))
    with pytest.raises(NotAllowed, match="ADDRESS_NOT_PUBLIC"):
        ask(way, "https://evil.salesforce.com/")


def test_one_address_inside_is_enough_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", Names(["8.8.8.8", "10.0.0.5"]))
    with pytest.raises(NotAllowed):
        ask(PublicOnly(), "https://evil.example/")


def test_a_name_that_changes_its_mind_is_asked_once_and_that_address_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    with server(lambda peer: peer.sendall(b"HTTP/1.1 204 Fine\r\n\r\n")) as port:
        names = Names(["127.0.0.1"], ["169.254.169.254"])
        monkeypatch.setattr(socket, "getaddrinfo", names)
        assert ask(AlsoNearby(), f"http://changing.example:{port}/") == 204
        assert names.asked == ["changing.example"]


def test_the_next_address_is_tried_where_one_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    with server(lambda peer: peer.sendall(b"HTTP/1.1 204 Fine\r\n\r\n")) as port:
        monkeypatch.setattr(socket, "getaddrinfo", Names(["127.0.0.9", "127.0.0.1"]))
        assert ask(AlsoNearby(), f"http://two.example:{port}/") == 204


def test_a_redirect_is_not_followed() -> None:
    with server(
        lambda peer: peer.sendall(b"HTTP/1.1 302 x\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n")
    ) as port:
        assert ask(AlsoNearby(), f"http://127.0.0.1:{port}/") == 302


@pytest.mark.parametrize(
    "url",
    ["https://127.0.0.2/", "https://localhost./", "https://[::ffff:127.0.0.1]/", "https://2130706433/", "https://0x7f.1/",
     "https://0/", "https://[64:ff9b::a00:5]/", "https://[2002:a00:5::1]/", "https://169.254.169.254/", "https://\uff11\uff12\uff17.0.0.1/"],
)  # fmt: skip
def test_in_production_no_webhook_goes_inside(url: str) -> None:
    assert https_sender(anywhere=False)(Parcel(url, {}, b"{}")).error_code in (
        "ADDRESS_NOT_PUBLIC",
        "NAME_NOT_FOUND",
        "CONNECTION_FAILED",
    )


def test_in_production_nothing_goes_in_the_clear_and_in_development_nothing_to_link_local() -> None:
    assert https_sender(anywhere=False)(Parcel("http://8.8.8.8/", {}, b"{}")) == Answer(None, "HTTPS_REQUIRED")
    for url in ("http://169.254.169.254/", "http://[::ffff:127.0.0.1]:9/", "http://0.0.0.0:9/"):
        assert https_sender(anywhere=True)(Parcel(url, {}, b"{}")) == Answer(None, "ADDRESS_NOT_PUBLIC")


def drip(text: bytes) -> Callable[[socket.socket], None]:
    def answer(peer: socket.socket) -> None:
        peer.sendall(text)
        for _ in range(400):
            time.sleep(0.1)
            peer.sendall(b"HTTP/1.1 103 Wait\r\n\r\n" if text.startswith(b"HTTP/1.1 103") else b"x")

    return answer


@pytest.mark.parametrize(
    "text",
    [b"", b"HTTP/1.1 2", b"HTTP/1.1 200 Fine\r\nx-", b"HTTP/1.1 103 Wait\r\n\r\n"],
    ids=["silence", "status", "header", "hints"],
)
def test_a_receiver_that_drips_is_left_at_the_deadline(text: bytes) -> None:
    with server(drip(text)) as port:
        begun = time.monotonic()
        answer = https_sender(anywhere=True, seconds=1)(Parcel(f"http://127.0.0.1:{port}/", {}, b"{}"))
        assert answer.error_code in ("TIMEOUT", "CONNECTION_FAILED")
        assert time.monotonic() - begun < 15, "it was waited for as long as it dripped"


def test_tls_that_never_shakes_hands_and_a_name_that_is_never_found_end_at_the_deadline(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with server(lambda peer: time.sleep(60)) as port:
        begun = time.monotonic()
        assert (
            https_sender(anywhere=True, seconds=1)(Parcel(f"https://127.0.0.1:{port}/", {}, b"{}")).error_code
            == "TIMEOUT"
        )
        over = threading.Event()
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: over.wait(60) and [])
        assert (
            https_sender(anywhere=True, seconds=1)(Parcel("https://slow.example/", {}, b"{}")).error_code == "TIMEOUT"
        )
        assert time.monotonic() - begun < 30
        over.set()


def test_the_certificate_must_be_the_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """The address is called, the name is held to."""
    seen: list[object] = []
    wrap = ssl.SSLContext.wrap_bio

    def wrapped(self: ssl.SSLContext, *args: Any, **kwargs: Any) -> ssl.SSLObject:
        seen.append(kwargs.get("server_hostname") or args[3])
        return wrap(self, *args, **kwargs)

    monkeypatch.setattr(ssl.SSLContext, "wrap_bio", wrapped)
    monkeypatch.setattr(socket, "getaddrinfo", Names(["127.0.0.1"]))
    with server(lambda peer: None) as port:
        https_sender(anywhere=True)(Parcel(f"https://named.example:{port}/", {}, b"{}"))
    assert seen == [b"named.example"]
