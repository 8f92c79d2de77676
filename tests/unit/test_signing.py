"""Who signs, and what is refused: keys in files, commands of key stores."""

import stat
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from pydantic import ValidationError

from models.answers import JsonObject
from models.errors import Refusal
from models.signing import KeyUnreadable, PublicKeys
from operations.signing import Signer, signer_of
from settings import Settings

DOCUMENT: JsonObject = {"format": "arflow.test/1", "b": [1, "é"], "a": None}
STORE = """import base64, sys
from cryptography.hazmat.primitives.serialization import load_pem_private_key
key = load_pem_private_key(open(sys.argv[1], "rb").read(), None)
made = key.sign(sys.stdin.buffer.read())
sys.stdout.buffer.write(made if sys.argv[2] == "raw" else base64.encodebytes(made))
"""


def written(folder: Path, key: Ed25519PrivateKey) -> tuple[Path, Path]:
    private, public = folder / "key.pem", folder / "key.pub.pem"
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return private, public


@pytest.mark.parametrize("how", ["raw", "base64"])
def test_a_command_signs_as_the_file_does(tmp_path: Path, how: str) -> None:
    private, public = written(tmp_path, Ed25519PrivateKey.generate())
    (tmp_path / "store.py").write_text(STORE)
    command = f"{sys.executable} {tmp_path / 'store.py'} {private} {how}"
    by_file, by_command = signer_of(private, None, None, None), signer_of(None, command, public, None)
    assert by_file is not None
    assert by_command is not None
    assert by_file.sign(DOCUMENT) == by_command.sign(DOCUMENT)
    keys = PublicKeys.read(public.read_bytes())
    assert keys.fault({**DOCUMENT, "signature": "is no part of it"}, by_command.sign(DOCUMENT)) is None
    others: list[JsonObject] = [{**DOCUMENT, "a": 0}, {**DOCUMENT, "format": "arflow.other/1"}, {**DOCUMENT, "c": None}]
    for altered in others:
        assert keys.fault(altered, by_file.sign(DOCUMENT)) is not None


@pytest.mark.parametrize("command", ["false", "echo aGVsbG8=", "echo ***", "/nowhere/at/all"])
def test_a_key_store_that_answers_nothing_of_use_is_an_outage(tmp_path: Path, command: str) -> None:
    _, public = written(tmp_path, Ed25519PrivateKey.generate())
    made = signer_of(None, command, public, None)
    assert made is not None
    with pytest.raises(Refusal) as refused:
        made.sign(DOCUMENT)
    assert refused.value.code == "UNAVAILABLE"


def test_development_makes_its_own_key_once_and_production_none(tmp_path: Path) -> None:
    made = Settings(home=tmp_path).dev_signing_key
    assert made is not None
    first, second = (signer_of(None, None, None, made) for _ in range(2))
    assert first is not None
    assert second is not None
    assert first.sign(DOCUMENT) == second.sign(DOCUMENT)
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    public = Settings(home=tmp_path).public_keys
    assert public is not None
    assert PublicKeys.read(public.read_bytes()).fault(DOCUMENT, first.sign(DOCUMENT)) is None
    assert Settings(home=tmp_path, env="production").dev_signing_key is None
    assert Settings(home=tmp_path, env="production").public_keys is None
    assert signer_of(None, None, None, None) is None


def test_what_is_no_key_of_ed25519_is_refused_in_a_sentence(tmp_path: Path) -> None:
    other = generate_private_key(65537, 2048)
    (tmp_path / "rsa.pem").write_bytes(other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    for file in (tmp_path / "rsa.pem", tmp_path / "none.pem"):
        with pytest.raises(KeyUnreadable):
            Signer.of_file(file)
    public = other.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for text in (public, b"", b"-----BEGIN PUBLIC KEY-----\nx\n-----END PUBLIC KEY-----"):
        with pytest.raises(KeyUnreadable):
            PublicKeys.read(text)
    for read in (PublicKeys.of_file, lambda file: signer_of(None, "store", file, None)):
        with pytest.raises(KeyUnreadable, match=r"none\.pem: "):
            read(tmp_path / "none.pem")


def test_one_key_signs_and_a_command_names_its_own() -> None:
    with pytest.raises(ValidationError, match="one key signs"):
        Settings(signing_command="x", signing_key_file=Path("y"))
    with pytest.raises(ValidationError, match="ARFLOW_SIGNING_PUBLIC_KEYS_FILE"):
        Settings(signing_command="x")


def test_an_authority_for_time_stamps_comes_with_the_certificates_that_vouch_for_it() -> None:
    with pytest.raises(ValidationError, match="ARFLOW_TSA_CERTIFICATES_FILE"):
        Settings(tsa_url="https://tsa.example/tsr")
    for url in ("ftp://tsa.example", "https://user:secret@tsa.example/", "tsa.example", "https:///x"):
        with pytest.raises(ValidationError):
            Settings(tsa_url=url, tsa_certificates_file=Path("root.pem"))
