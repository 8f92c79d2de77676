"""Seals are signed; who rewrites the database, seals and trail together, cannot sign them anew."""

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from models.db.engine import transaction
from models.signing import PublicKeys, key_id
from models.verification import Finding
from operations.seals import newest_seal, seal
from operations.signing import Signer
from operations.verify import verify
from tests.books import Books
from tests.stack_fixtures.app import Access


def keys_of(*keys: Ed25519PrivateKey) -> PublicKeys:
    return PublicKeys.read(pem(*keys))


def pem(*keys: Ed25519PrivateKey) -> bytes:
    return b"".join(k.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo) for k in keys)


def signer(key: Ed25519PrivateKey) -> Signer:
    return Signer(key_id(key.public_key()), key.sign)


def sealed(books: Books, by: Signer | None) -> None:
    with transaction(books.engine, books.org, snapshot=True) as tx:
        seal(tx, by)


def looked_at(books: Books, keys: PublicKeys | None) -> Finding | None:
    found = {f.check: f for f in verify(books.engine, books.org, keys)}
    assert [b for f in found.values() if f.check != "signatures of seals" for b in f.breaches] == []
    return found.get("signatures of seals")


def test_a_seal_is_signed_and_one_of_before_is_counted(books: Books) -> None:
    today, tomorrow = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    sealed(books, None)
    assert looked_at(books, None) is None
    sealed(books, signer(today))
    sealed(books, signer(tomorrow))
    found = looked_at(books, keys_of(tomorrow, today))
    assert found is not None
    assert found.ok
    assert f"1 by {key_id(today.public_key())}" in found.what
    assert "1 of before" in found.what


@pytest.mark.parametrize("forged_by", ["nobody", "another"])
def test_a_seal_that_the_key_did_not_sign_is_named(books: Books, forged_by: str) -> None:
    key, another = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    sealed(books, signer(key))
    sealed(books, None if forged_by == "nobody" else Signer(key_id(key.public_key()), another.sign))
    found = looked_at(books, keys_of(key))
    assert found is not None
    assert len(found.breaches) == 1
    assert ("not signed" if forged_by == "nobody" else "not one of this document") in found.breaches[0]


def test_the_newest_seal_is_a_document_that_is_proved_without_the_database(books: Books, tmp_path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    sealed(books, signer(key))
    with transaction(books.engine, books.org) as tx:
        document = newest_seal(tx)
    assert document is not None
    (tmp_path / "seal.json").write_text(json.dumps(document))
    (tmp_path / "pub.pem").write_bytes(pem(key))
    (tmp_path / "forged.json").write_text(json.dumps({**document, "root": "00" * 32}))
    arflow = Access("http://nowhere", {}).arflow
    said = arflow("verify-evidence", str(tmp_path / "seal.json"), "--public-key", str(tmp_path / "pub.pem"))
    assert str(document["root"]) in said.stdout
    assert "signed by" in said.stdout
    forged = arflow(
        "verify-evidence", str(tmp_path / "forged.json"), "--public-key", str(tmp_path / "pub.pem"), check=False
    )
    assert (forged.returncode, "not one of this document" in forged.stdout) == (1, True)
