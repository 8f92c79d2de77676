"""Signatures of documents that leave the house, Ed25519: what exactly is signed, and whether a signature is a key's. Pure.

Signed is the document as JSON of sorted members without spaces, without its member `signature`, behind its format: whoever
has the document and the public key needs nothing else, neither a database nor arflow.
"""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from models.answers import JsonObject, answer
from models.mendable import Mendable

_BLOCK: Final = re.compile(rb"-----BEGIN PUBLIC KEY-----.*?-----END PUBLIC KEY-----", re.S)


class KeyUnreadable(Mendable):
    """The file holds no Ed25519 key in PEM."""


@answer
class SignatureAnswer:
    """Who vouches for the document: `key_id` is the beginning of the SHA-256 of the raw public key, `value` base64."""

    algorithm: Literal["Ed25519"]
    key_id: str
    value: str


def signed_bytes(document: JsonObject) -> bytes:
    """What is signed of a document; its `format` is a member of it."""
    said = {name: value for name, value in document.items() if name != "signature"}
    text = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return f"arflow signs {said.get('format')}\n{text}".encode()


def key_id(key: Ed25519PublicKey) -> str:
    """How a key is called."""
    return hashlib.sha256(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()[:16]


class PublicKeys:
    """The public keys whose signatures are taken: today's and those of before, each by its id."""

    def __init__(self, keys: Mapping[str, Ed25519PublicKey]) -> None:
        self._keys = keys

    @classmethod
    def read(cls, pem: bytes) -> "PublicKeys":
        """One or several keys, one block of PEM behind the other. Raises KeyUnreadable."""
        found: dict[str, Ed25519PublicKey] = {}
        for block in _BLOCK.findall(pem):
            try:
                key = load_pem_public_key(block)
            except ValueError as error:
                raise KeyUnreadable(str(error)) from None
            if not isinstance(key, Ed25519PublicKey):
                raise KeyUnreadable("a key is not of Ed25519")
            found[key_id(key)] = key
        if not found:
            raise KeyUnreadable("there is no public key in it")
        return cls(found)

    @classmethod
    def of_file(cls, file: Path) -> "PublicKeys":
        """The same, from a file that the operator has named."""
        try:
            return cls.read(file.read_bytes())
        except (OSError, KeyUnreadable) as error:
            raise KeyUnreadable(f"{file}: {error}") from None

    @property
    def first(self) -> str:
        """The id of the first key: today's."""
        return next(iter(self._keys))

    def fault(self, document: JsonObject, signature: "SignatureAnswer | None") -> str | None:
        """What is wrong with the document's signature; None, if one of the keys made it of this very document."""
        if signature is None:
            return "the document is not signed"
        key = self._keys.get(signature.key_id)
        if key is None:
            return f"it is signed by {signature.key_id}, which is none of the keys given"
        try:
            key.verify(base64.b64decode(signature.value, validate=True), signed_bytes(document))
        except (InvalidSignature, ValueError):
            return f"the signature of {signature.key_id} is not one of this document"
        return None


def signature(named: str, made: bytes) -> SignatureAnswer:
    """A signature as it is shown."""
    return SignatureAnswer(algorithm="Ed25519", key_id=named, value=base64.b64encode(made).decode())
