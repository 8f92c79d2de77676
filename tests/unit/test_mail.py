"""What is sent in clear, and what is not; and what is said of a mail server's certificate."""

import ssl
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from temporalio.exceptions import ApplicationError

from activities.confirmations import NotEncrypted, Transport, smtp_transport
from activities.errors import boundary
from models.tls import trust
from stack.process import free_port
from tests.mail import Kept, mail_server
from tests.stack_fixtures.tls import Authority, Door


def message() -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"], made["Message-ID"] = "a@example.com", "b@example.com", "<x@arflow>"
    made.set_content("650.00 USD")
    return made


def test_nothing_goes_out_in_clear_where_it_must_be_encrypted() -> None:
    port = free_port()
    with mail_server(port) as kept:
        for login in ("", "user:secret@"):
            with pytest.raises(NotEncrypted):
                smtp_transport(f"smtp://{login}127.0.0.1:{port}", encrypted=True)(message())
        assert kept.messages == []
        smtp_transport(f"smtp://127.0.0.1:{port}")(message())
        assert kept.ids() == ["<x@arflow>"]


@pytest.fixture
def authority(tmp_path: Path) -> Iterator[Authority]:
    yield Authority(tmp_path)
    trust(None)


def why_not(deliver: Transport) -> str:
    """What a process' history says of the try; nothing in it is the server's own word."""
    with pytest.raises(ApplicationError) as refused, boundary():
        deliver(message())
    assert refused.value.type == "SSLCertVerificationError"
    return refused.value.message


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_mail_servers_certificate_is_looked_at_and_what_is_wrong_with_it_is_said(
    scheme: str, authority: Authority
) -> None:
    good, ended = authority.issue("good", 30), authority.issue("ended", -1)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*good)
    port = free_port()
    with mail_server(port, context if scheme == "smtp" else None) as kept:
        if scheme == "smtps":
            with Door(("127.0.0.1", port), good).open() as door:
                looked_at(f"smtps://{{}}:{door.port}", lambda: door.renew(*ended), authority, kept)
        else:
            looked_at(f"smtp://{{}}:{port}", lambda: context.load_cert_chain(*ended), authority, kept)


def looked_at(url: str, expire: Callable[[], None], authority: Authority, kept: Kept) -> None:
    here = smtp_transport(url.format("127.0.0.1"), encrypted=True)
    assert "its certificate is of an issuer that is not trusted here" in why_not(here)
    trust(authority.file)
    here(message())
    assert "its certificate is of another name" in why_not(smtp_transport(url.format("localhost"), encrypted=True))
    expire()
    assert "its certificate has expired" in why_not(here)
    assert kept.ids() == ["<x@arflow>"]


def test_authorities_are_read_before_anybody_is_called(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").touch()
    for name, error in (("none.pem", OSError), ("empty.pem", ValueError)):
        with pytest.raises(error):
            trust(tmp_path / name)
