"""A third party says since when a seal has been there: asked with a deadline, looked at before it is believed, kept in the
trail, and proved without the database."""

import base64
import hashlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.stamps import StampActivities
from cli.evidence import verify_evidence
from models.audit.chain import STAMPED_ACTION
from models.audit.seals import SealStepAnswer, StampedSealAnswer, faults_of_sealing, stamped_bytes
from models.audit.stamps import CertificatesUnreadable, StampingAuthorities, StampNotTaken, StampRequest
from models.db import audit
from models.db.approvals.trails import trail
from models.db.engine import transaction
from models.db.tx import to_json
from models.facts import Facts
from models.stuck import Patience
from models.verification import Finding
from operations.seals import newest_stamped
from operations.stamps import REASON, keep_stamp, watch_stamps, without_stamp
from operations.verify import verify
from sources.time_stamps import Stamping, StampingAway
from tests.books import Books
from tests.reads.test_signed_seals import pem, sealed, signer
from tests.stamping import Answer, Authority, authority_at, send, stamped

MESSAGE = b"arflow stamps a test\n{}"
KEY = Ed25519PrivateKey.generate()
AT_ONCE = Patience(failing=-Patience().failing)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def another(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("another"))


@pytest.fixture
def stamping(authority: Authority) -> Iterator[Stamping]:
    with authority_at(stamped(authority)) as url:
        yield Stamping(url, StampingAuthorities.of_file(authority.root))


def stamp_all(books: Books, stamping: Stamping) -> int:
    return int(ActivityEnvironment().run(StampActivities(books.engine, stamping).stamp_seals))


def looked_at(books: Books, authority: Authority) -> Finding:
    trusted = StampingAuthorities.of_file(authority.root)
    return {f.check: f for f in verify(books.engine, books.org, None, trusted)}["stamps of seals"]


def test_a_seal_is_stamped_kept_in_the_trail_once_and_proved_by_others(
    books: Books, authority: Authority, stamping: Stamping, tmp_path: Path
) -> None:
    sealed(books, signer(KEY))
    stamp_all(books, stamping)
    with transaction(books.engine, books.org) as tx:
        assert without_stamp(tx) == []
        seal = newest_stamped(tx)
        assert seal is not None
        assert seal.stamp is not None
        assert not keep_stamp(tx, seal, seal.stamp), "by whichever of two that asked at once"
    assert seal.signature is not None
    assert authority.proves(stamped_bytes(seal), base64.b64decode(seal.stamp.response)), "OpenSSL says so too"
    assert not authority.proves(stamped_bytes(replace(seal, heads=7)), base64.b64decode(seal.stamp.response))
    found = looked_at(books, authority)
    assert (found.ok, found.what) == (True, "1 stamped")
    assert said_of(seal, authority, tmp_path) == 0
    for forged in (replace(seal, stored_root="00" * 32), replace(seal, signature=None), replace(seal, heads=7)):
        assert said_of(forged, authority, tmp_path) == 1


def said_of(seal: StampedSealAnswer, authority: Authority, folder: Path) -> int:
    (folder / "seal.json").write_text(to_json(seal))
    (folder / "keys.pem").write_bytes(pem(KEY))
    try:
        verify_evidence(folder / "seal.json", None, folder / "keys.pem", authority.root)
    except SystemExit as ended:
        return int(str(ended.code))
    return 0


def test_verify_names_a_stamp_that_is_none_of_its_seal_and_one_of_an_authority_that_nobody_named(
    books: Books, authority: Authority, another: Authority, stamping: Stamping
) -> None:
    for _ in range(2):
        sealed(books, None)
    stamp_all(books, stamping)
    assert looked_at(books, authority).ok
    assert len(looked_at(books, another).breaches) == 2
    with transaction(books.engine, books.org) as tx:
        first, second = audit.seals(tx, tx.now.replace(year=2020))
        assert first.stamp is not None
        crossed: Facts = {"sealed_at": second.sealed_at, "stamped_at": first.stamp.stamped_at, "response": "AAAA"}
        audit.append(tx, books.org, "process:StampSeals", STAMPED_ACTION, crossed)
    assert ["no seal of then" in b for b in looked_at(books, authority).breaches] == [True]
    sealed(books, None)
    with transaction(books.engine, books.org) as tx:
        third = without_stamp(tx)[0]
        keep_stamp(tx, third, first.stamp)
    assert ["Mismatch between messages" in b for b in looked_at(books, authority).breaches] == [False, True]


def test_a_seal_covers_every_chain_that_moved_and_its_way_to_the_root_shows_it(
    books: Books, stamping: Stamping
) -> None:
    customers = [books.customer(f"Customer {n}") for n in range(5)]
    with transaction(books.engine, books.org) as tx:
        assert audit.sealed(tx, customers[0]) is None
    sealed(books, None)
    stamp_all(books, stamping)
    with transaction(books.engine, books.org) as tx:
        ways = {one: audit.sealed(tx, one) for one in (*customers, books.org)}
        chains = {one: [e.hash for e in trail(tx, one)] for one in ways}
    for one, way in ways.items():
        assert way is not None
        assert way.seal.stamp is not None
        assert faults_of_sealing(way, books.org, one, chains[one]) == []
        lies = [
            replace(way, seq=way.seq + 1), replace(way, path=way.path[:-1]), replace(way, seq=0),
            replace(way, path=[SealStepAnswer(side="left", hash="00" * 32), *way.path[1:]]),
            replace(way, seal=replace(way.seal, stored_root="00" * 32)), replace(way, seal=replace(way.seal, org_id="o")),
        ]  # fmt: skip
        assert all(faults_of_sealing(lie, books.org, one, chains[one]) for lie in lies)
        assert faults_of_sealing(way, books.org, "another", chains[one])


def test_an_authority_that_is_away_puts_it_on_a_desk_until_it_is_back(books: Books, stamping: Stamping) -> None:
    sealed(books, None)
    with pytest.raises(ApplicationError, match="CONNECTION_FAILED"):
        stamp_all(books, replace(stamping, url="http://127.0.0.1:9/tsr"))
    with transaction(books.engine, books.org) as tx:
        assert not watch_stamps(tx), "the seal is young"
        assert watch_stamps(tx, AT_ONCE)
        assert watch_stamps(tx, AT_ONCE)
    assert open_exceptions(books) == [(REASON, "ops")]
    sealed(books, None)
    stamp_all(books, stamping)
    with transaction(books.engine, books.org) as tx:
        assert not watch_stamps(tx, AT_ONCE)
    assert open_exceptions(books) == []


def open_exceptions(books: Books) -> list[tuple[str, str]]:
    with transaction(books.engine, books.org) as tx:
        rows = tx.all("SELECT reason_code, owner_role FROM exceptions WHERE org_id = :org AND status = 'open'")
    return [(row["reason_code"], row["owner_role"]) for row in rows]


def drip(http: BaseHTTPRequestHandler, question: bytes) -> None:
    http.send_response(200)
    http.end_headers()
    for _ in range(200):
        http.wfile.write(b"0")
        http.wfile.flush()
        time.sleep(0.05)


BAD: dict[str, tuple[Callable[[Authority, Authority], Answer], str]] = {
    "another nonce": (lambda a, b: lambda h, q: send(h, a.reply(StampRequest(MESSAGE).content)), "Nonce mismatch"),
    "another imprint": (
        lambda a, b: lambda h, q: send(h, a.reply(q.replace(hashlib.sha256(MESSAGE).digest(), b"\x07" * 32))),
        "Mismatch between messages",
    ),
    "another authority": (lambda a, b: lambda h, q: send(h, b.reply(q)), "certificate"),
    "cut": (lambda a, b: lambda h, q: send(h, a.reply(q)[:-9]), "cannot be read"),
    "more behind it": (lambda a, b: lambda h, q: send(h, a.reply(q) + b"0"), "cannot be read"),
    "nothing": (lambda a, b: lambda h, q: send(h, b""), "cannot be read"),
    "a page": (lambda a, b: lambda h, q: send(h, b"<html>welcome to our wireless network"), "cannot be read"),
    "huge": (lambda a, b: lambda h, q: send(h, a.reply(q) + b"\x00" * 10_000_000), "TOO_LARGE"),
    "slow": (lambda a, b: drip, "TIMEOUT"),
    "an error": (lambda a, b: lambda h, q: send(h, a.reply(q), 503), "HTTP 503"),
    "a refusal": (
        lambda a, b: lambda h, q: send(h, bytes.fromhex("300f300d020102300 40c026e6f03020520".replace(" ", ""))),
        "rejected (no)",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD)
def test_an_answer_that_is_no_stamp_of_what_was_asked_is_not_taken(
    authority: Authority, another: Authority, what: str
) -> None:
    answer, said = BAD[what]
    with authority_at(answer(authority, another)) as url:
        asking = Stamping(url, StampingAuthorities.of_file(authority.root), seconds=1 if what == "slow" else 20)
        began = time.monotonic()
        with pytest.raises((StampingAway, StampNotTaken)) as refused:
            asking.stamp(MESSAGE)
    assert said in str(refused.value)
    assert len(str(refused.value)) < 300
    assert time.monotonic() - began < 8


def test_an_authority_on_an_address_that_tells_secrets_is_not_asked(authority: Authority) -> None:
    with pytest.raises(StampingAway, match="ADDRESS_NOT_PUBLIC"):
        Stamping("http://169.254.169.254/tsr", StampingAuthorities.of_file(authority.root)).stamp(MESSAGE)


def test_what_holds_no_certificate_is_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "none.pem").write_text(json.dumps({}))
    for file in (tmp_path / "none.pem", tmp_path / "away.pem"):
        with pytest.raises(CertificatesUnreadable, match=file.name):
            StampingAuthorities.of_file(file)
