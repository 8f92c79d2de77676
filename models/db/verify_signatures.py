"""The signatures of seals, looked at with the public keys: who rewrites the database cannot rewrite them."""

from collections import Counter
from datetime import datetime

from models.answers import JsonObject, read_row
from models.audit.seals import seal_document
from models.signing import PublicKeys, SignatureAnswer
from models.verification import Finding


class SealSignatures:
    """What the trail says of the seals' signatures, as it is read: in the order of the seals."""

    def __init__(self, keys: PublicKeys | None) -> None:
        self._keys, self._found = keys, Finding("signatures of seals")
        self._by, self._before = Counter[str](), 0

    def take(self, org_id: str, sealed_at: datetime, said: JsonObject) -> None:
        """One seal as the trail names it. One without a signature is of the time before seals were signed, or forged."""
        if self._keys is None:
            return
        given = said.get("signature")
        signature = read_row(SignatureAnswer, given) if isinstance(given, dict) else None
        if signature is None and not self._by:
            self._before += 1
            return
        document = seal_document(org_id, sealed_at, int(str(said["heads"])), str(said["root"]))
        if fault := self._keys.fault(document, signature):
            self._found.breach(f"seal of {sealed_at.isoformat()}: {fault}")
        elif signature is not None:
            self._by[signature.key_id] += 1

    def finding(self) -> Finding | None:
        """What came of it; None where no key was given."""
        if self._keys is None:
            return None
        signed = ", ".join(f"{n} by {key}" for key, n in sorted(self._by.items())) or "none signed"
        self._found.what = signed + (f", {self._before} of before" if self._before else "")
        return self._found
