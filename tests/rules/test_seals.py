"""A seal as a document: what of it is signed and what is stamped, to the byte, since somebody else reads it years later."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from pydantic import JsonValue

from models.answers import JsonObject
from models.audit.seals import StampAnswer, seal_answer, seal_document, signed_part, stamped_bytes
from models.signing import SignatureAnswer

AT = datetime(2026, 3, 2, 23, 30, tzinfo=timezone(timedelta(hours=-5)))
UTC_AT = "2026-03-03T04:30:00+00:00"
SIGNED: Final[dict[str, JsonValue]] = {"algorithm": "Ed25519", "key_id": "ab12", "value": "c2ln"}
SAID: Final[JsonObject] = {
    "sealed_at": UTC_AT, "heads": 3, "root": "aa", "stored": 2, "stored_root": "bb", "signature": SIGNED, "subject": "more",
}  # fmt: skip


def test_what_is_signed_of_a_seal() -> None:
    document = {"format": "arflow.seal/1", "org_id": "org_1", "sealed_at": UTC_AT, "heads": 3, "root": "aa"}
    assert seal_document("org_1", AT, 3, "aa") == document
    seal = seal_answer("org_1", SAID)
    assert seal is not None
    assert signed_part(seal) == document


def test_what_is_stamped_of_a_seal_is_all_but_the_stamp() -> None:
    stamp = StampAnswer(stamped_at=datetime(2026, 3, 3, 5, tzinfo=UTC), response="MII=")
    seal = seal_answer("org_1", SAID, stamp)
    assert seal is not None
    assert (seal.format, seal.org_id, seal.stamp) == ("arflow.stamped-seal/1", "org_1", stamp)
    assert (seal.heads, seal.root, seal.stored, seal.stored_root) == (3, "aa", 2, "bb")
    assert seal.signature == SignatureAnswer(algorithm="Ed25519", key_id="ab12", value="c2ln")
    assert seal.sealed_at == AT
    said = (
        '{"format":"arflow.stamped-seal/1","heads":3,"org_id":"org_1","root":"aa","sealed_at":"2026-03-03T04:30:00+00:00",'
        '"signature":{"algorithm":"Ed25519","key_id":"ab12","value":"c2ln"},"stored":2,"stored_root":"bb"}'
    )
    assert json.loads(said)["stored"] == 2
    assert stamped_bytes(seal) == f"arflow stamps arflow.stamped-seal/1\n{said}".encode()
    assert stamped_bytes(replace(seal, sealed_at=AT, stamp=None)) == stamped_bytes(seal), "whatever the offset"
    assert seal_answer("org_1", {**SAID, "signature": None}) == replace(seal, stamp=None, signature=None)


def test_a_seal_of_a_build_that_did_not_say_what_it_stored_is_none() -> None:
    assert seal_answer("org_1", {name: value for name, value in SAID.items() if name != "stored_root"}) is None
    assert seal_answer("org_1", {**SAID, "stored_root": None}) is None
