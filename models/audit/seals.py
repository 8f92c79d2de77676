"""A seal as a document that stands by itself: what it sealed, who vouches for it, and since when it is known to be there.

Evidence carries the seal that covers its chain (`SealedTrailAnswer`), with the way from the chain's leaf up to the root of
what that seal stored: so one stamp a day tells of every chain, and none is asked for when somebody reads evidence.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Final, Literal

from models.answers import JsonObject, answer, read_row
from models.audit.chain import climbed, seal_leaf
from models.signing import SignatureAnswer

SEAL_FORMAT: Final = "arflow.seal/1"
STAMPED_FORMAT: Final = "arflow.stamped-seal/1"


@answer
class StampAnswer:
    """A time stamp of RFC 3161: the authority's whole answer (DER in base64, as `openssl ts -verify -in` takes it), and when
    it says that it was made."""

    stamped_at: datetime
    response: str


@answer
class StampedSealAnswer:
    """A seal: `root` (hex) over the `heads` of all chains, `stored_root` over the `stored` ones that moved since the seal
    before. `signature` is that of the document `arflow.seal/1`; the stamp, null until there is one, is over all the rest."""

    format: str
    org_id: str
    sealed_at: datetime
    heads: int
    root: str
    stored: int
    stored_root: str
    signature: SignatureAnswer | None
    stamp: StampAnswer | None


@answer
class SealStepAnswer:
    """A node (hex) on the way up to the root, and the side on which it is joined."""

    side: Literal["left", "right"]
    hash: str


@answer
class SealedTrailAnswer:
    """The newest seal that stored the chain: it held it up to its event `seq`, and `path` leads from there to the seal's
    `stored_root`."""

    seal: StampedSealAnswer
    seq: int
    path: Sequence[SealStepAnswer]


def seal_document(org_id: str, sealed_at: datetime, heads: int, root: str) -> JsonObject:
    """What is signed of a seal: over how many chains of whom, when, under which Merkle root (hex)."""
    return {"format": SEAL_FORMAT, "org_id": org_id, "sealed_at": _moment(sealed_at), "heads": heads, "root": root}


def seal_answer(org_id: str, said: JsonObject, stamp: StampAnswer | None = None) -> StampedSealAnswer | None:
    """The seal that an event of the trail names; None for one of a build that did not say what it stored."""
    if said.get("stored_root") is None:
        return None
    told = {name: said.get(name) for name in ("sealed_at", "heads", "root", "stored", "stored_root", "signature")}
    return read_row(StampedSealAnswer, {**told, "format": STAMPED_FORMAT, "org_id": org_id, "stamp": stamp})


def signed_part(seal: StampedSealAnswer) -> JsonObject:
    """What of it its signature is over."""
    return seal_document(seal.org_id, seal.sealed_at, seal.heads, seal.root)


def stamped_bytes(seal: StampedSealAnswer) -> bytes:
    """What is stamped of a seal: all but the stamp, as JSON of sorted members without spaces, behind its format."""
    said = {**asdict(seal), "sealed_at": _moment(seal.sealed_at)}
    del said["stamp"]
    return f"arflow stamps {seal.format}\n{json.dumps(said, sort_keys=True, separators=(',', ':'))}".encode()


def faults_of_sealing(sealed: SealedTrailAnswer, org_id: str, subject_id: str, hashes: Sequence[bytes]) -> list[str]:
    """What is wrong with what it says of the chain, whose events have these hashes; nothing, if its root covers them."""
    if sealed.seal.format != STAMPED_FORMAT or sealed.seal.org_id != org_id:
        return ["the seal is another organisation's, or none"]
    if not 1 <= sealed.seq <= len(hashes):
        return ["the seal is of events that are not there"]
    leaf = seal_leaf(subject_id, sealed.seq, hashes[sealed.seq - 1])
    if climbed(leaf, [(step.side, bytes.fromhex(step.hash)) for step in sealed.path]).hex() != sealed.seal.stored_root:
        return ["the seal does not cover the chain: its path does not lead to the root"]
    return []


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()
