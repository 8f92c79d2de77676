"""Whether an answer is a stamp of what was asked: with OpenSSL as the authority, without a server."""

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from models.audit.seals import StampAnswer
from models.audit.stamps import CertificatesUnreadable, StampingAuthorities, StampNotTaken, StampRequest
from tests.stamping import Authority

MESSAGE = b"the root of a day"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def trusted(authority: Authority) -> StampingAuthorities:
    return StampingAuthorities.of_file(authority.root)


@pytest.fixture(scope="module")
def stamp(authority: Authority, trusted: StampingAuthorities) -> StampAnswer:
    asked = StampRequest(MESSAGE)
    return asked.stamp(authority.reply(asked.content), trusted)


def refused(status: int, *texts: bytes) -> bytes:
    """An answer of RFC 3161 without a stamp: its status, and what it says of it."""
    said = b"".join(bytes([0x0C, len(text)]) + text for text in texts)
    inner = bytes([0x02, 0x01, status]) + (bytes([0x30, len(said)]) + said if said else b"")
    return bytes([0x30, len(inner) + 2, 0x30, len(inner)]) + inner


def why(trusted: StampingAuthorities, answered: bytes, message: bytes = MESSAGE) -> str:
    with pytest.raises(StampNotTaken) as no:
        trusted.stamped_at(message, answered)
    return str(no.value)


def test_a_stamp_says_when_in_utc_and_is_kept_as_it_came(stamp: StampAnswer, trusted: StampingAuthorities) -> None:
    assert stamp.stamped_at.tzinfo is UTC
    assert timedelta(seconds=-5) < datetime.now(UTC) - stamp.stamped_at < timedelta(minutes=5)
    assert trusted.stamped_at(MESSAGE, base64.b64decode(stamp.response)) == stamp.stamped_at
    assert trusted.fault(MESSAGE, stamp) is None


def test_a_stamp_of_something_else_is_none(stamp: StampAnswer, trusted: StampingAuthorities) -> None:
    assert why(trusted, base64.b64decode(stamp.response), b"another root").startswith("the stamp does not hold (")
    assert str(trusted.fault(b"another root", stamp)).startswith("the stamp does not hold (")


def test_an_answer_to_another_question_is_not_taken(authority: Authority, trusted: StampingAuthorities) -> None:
    first, second = StampRequest(MESSAGE), StampRequest(MESSAGE)
    with pytest.raises(StampNotTaken, match="does not hold"):
        second.stamp(authority.reply(first.content), trusted)


def test_the_stamp_of_an_authority_that_nobody_named_is_not_taken(tmp_path: Path, stamp: StampAnswer) -> None:
    other = Authority(tmp_path)
    assert "does not hold" in why(StampingAuthorities.of_file(other.root), base64.b64decode(stamp.response))


def test_a_stamp_is_proved_by_the_old_root_and_the_new_of_an_authority_in_either_order(
    tmp_path: Path, stamp: StampAnswer, authority: Authority
) -> None:
    old = authority.root.read_bytes()
    for k in range(8):  # OpenSSL takes one of a name, not always the first
        new = Authority(tmp_path / str(k)).root.read_bytes()
        assert StampingAuthorities.read(old + new).fault(MESSAGE, stamp) is None
        assert StampingAuthorities.read(new + old).fault(MESSAGE, stamp) is None


def test_several_roots_of_a_name_none_of_which_signed_prove_nothing(tmp_path: Path, stamp: StampAnswer) -> None:
    others = b"".join(Authority(tmp_path / name).root.read_bytes() for name in ("old", "new"))
    assert "does not hold" in why(StampingAuthorities.read(others), base64.b64decode(stamp.response))


def test_a_stamp_that_is_kept_with_another_time_names_its_own(stamp: StampAnswer, trusted: StampingAuthorities) -> None:
    later = replace(stamp, stamped_at=stamp.stamped_at + timedelta(seconds=1))
    assert trusted.fault(MESSAGE, later) == f"the stamp is of {stamp.stamped_at.isoformat()}"


@pytest.mark.parametrize("response", ["no base64!", "é"])
def test_what_is_kept_and_is_no_base64_is_no_stamp(
    stamp: StampAnswer, trusted: StampingAuthorities, response: str
) -> None:
    assert trusted.fault(MESSAGE, replace(stamp, response=response)) == "the stamp is none"


@pytest.mark.parametrize(("answered", "said"), [
    (refused(1), "the authority answered: granted with changes"),
    (refused(2), "the authority answered: rejected"),
    (refused(2, b"no such", b"policy"), "the authority answered: rejected (no such policy)"),
    (refused(3, b"a\nb"), "the authority answered: waiting"),
    (refused(5), "the authority answered: revoked"), (refused(6), "the authority answered: 6"),
    (refused(2, b"x" * 60, b"y" * 50), f"the authority answered: rejected ({'x' * 60} {'y' * 50})"),
])  # fmt: skip
def test_an_authority_that_refuses_is_quoted(trusted: StampingAuthorities, answered: bytes, said: str) -> None:
    assert why(trusted, answered) == said


@pytest.mark.parametrize("answered", [b"", b"<html>", b"\x30\x03\x02\x01"])
def test_what_is_no_answer_of_the_protocol_is_named_so(trusted: StampingAuthorities, answered: bytes) -> None:
    found = why(trusted, answered)
    assert found.startswith("the answer cannot be read (")
    assert len(found) < 240


def test_a_file_without_certificates_is_refused_by_its_name(tmp_path: Path) -> None:
    for content in (None, b"no PEM"):
        file = tmp_path / "named.pem"
        if content is not None:
            file.write_bytes(content)
        with pytest.raises(CertificatesUnreadable, match=f"^{file}: .+"):
            StampingAuthorities.of_file(file)
