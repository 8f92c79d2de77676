"""Who signs: a private key in a file, or a command that asks a key store which never hands it out."""

import base64
import os
import shlex
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from models.answers import JsonObject
from models.errors import Refusal
from models.ids import new_id
from models.signing import KeyUnreadable, PublicKeys, SignatureAnswer, key_id, signature, signed_bytes

COMMAND_SECONDS: Final = 10
_LENGTH: Final = 64


class Signer:
    """Signs documents with one key."""

    def __init__(self, named: str, sign: Callable[[bytes], bytes]) -> None:
        self.key_id, self._sign = named, sign

    @classmethod
    def of_file(cls, file: Path) -> "Signer":
        """The private key in PEM (PKCS 8, without a password). Raises KeyUnreadable."""
        try:
            key = load_pem_private_key(file.read_bytes(), password=None)
        except (OSError, ValueError, TypeError) as error:
            raise KeyUnreadable(f"{file}: {error}") from None
        if not isinstance(key, Ed25519PrivateKey):
            raise KeyUnreadable(f"{file}: the key is not of Ed25519")
        return cls(key_id(key.public_key()), key.sign)

    @classmethod
    def of_command(cls, command: str, public_keys: PublicKeys) -> "Signer":
        """A command that reads what is to be signed from its input and writes the signature, in base64 or raw. Its key is
        the first of the public ones: a signature that is not of it is refused before anybody sees it."""

        def sign(said: bytes) -> bytes:
            return _asked(command, said)

        return cls(public_keys.first, sign)

    def sign(self, document: JsonObject) -> SignatureAnswer:
        """The document's signature. Refusal UNAVAILABLE where the key store does not answer."""
        return signature(self.key_id, self._sign(signed_bytes(document)))


def _asked(command: str, said: bytes) -> bytes:
    try:
        done = subprocess.run(  # noqa: S603 - the operator's own command
            shlex.split(command), input=said, capture_output=True, timeout=COMMAND_SECONDS, check=True
        )
        made = (
            done.stdout
            if len(done.stdout) == _LENGTH
            else base64.b64decode(b"".join(done.stdout.split()), validate=True)
        )
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise Refusal("UNAVAILABLE", f"The signing command does not answer ({type(error).__name__}).") from None
    if len(made) != _LENGTH:
        raise Refusal("UNAVAILABLE", "The signing command answers no Ed25519 signature.")
    return made


def signer_of(
    key_file: Path | None, command: str | None, public_keys: Path | None, made_at: Path | None
) -> Signer | None:
    """The signer that the operator has set up; without one the key at `made_at`, made on first use; None where that is None
    too. Raises KeyUnreadable."""
    if command is not None:
        assert public_keys is not None
        return Signer.of_command(command, PublicKeys.of_file(public_keys))
    if key_file is None and made_at is None:
        return None
    return Signer.of_file(key_file or _kept_key(made_at))


def _kept_key(file: Path | None) -> Path:
    """Development's own key, with its public one beside it. Two first starts agree on one."""
    assert file is not None
    if not file.exists():
        key = Ed25519PrivateKey.generate()
        public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_name(f".{file.name}.{new_id('key')}")
        draft.touch(mode=0o600)
        draft.write_bytes(private)
        with suppress(FileExistsError):
            os.link(draft, file)  # fails where another process was first, unlike a rename
            file.with_suffix(".pub.pem").write_bytes(public)
        draft.unlink()
    return file
