"""The daily seal: all chains' heads under one Merkle root, so that the loss of a whole chain shows."""

from collections.abc import Iterable
from datetime import datetime

from models.answers import JsonObject
from models.audit.chain import SEALED_ACTION, merkle_root, seal_leaf
from models.audit.seals import StampedSealAnswer, seal_document
from models.db import audit
from models.db.tx import Tx
from models.facts import Facts
from operations.signing import Signer
from operations.stamps import WITHIN


def seal(tx: Tx, signer: Signer | None = None) -> bytes:
    """Seal the organisation's chains as they are now; answers the root, which may be kept outside as a witness.
    `signer`: whose signature the trail names with it.

    Only heads that moved since they were last sealed are stored again: a seal covers those of the earlier ones too. The
    organisation's own chain names each seal and the root of the heads that it stored, and the next seal covers that.
    """
    # The transaction sees one state of the heads, whatever is posted meanwhile. Its own chain is held at once: what would
    # be said there meanwhile waits, instead of undoing the whole at its end.
    if not audit.is_snapshot(tx):
        raise ValueError("a seal is made in a transaction with a snapshot")
    audit.hold_own_chain(tx)
    root, heads = _root(audit.heads(tx)), audit.count_heads(tx)
    stored = audit.add_seal(tx, root, heads)
    stored_root = _root(audit.stored_heads(tx, tx.now))
    sealed = seal_document(tx.org_id, tx.now, heads, root.hex())
    payload: Facts = {
        "sealed_at": tx.now,
        "heads": heads,
        "root": root.hex(),
        "stored": stored,
        "stored_root": stored_root.hex(),
        "signature": None if signer is None else signer.sign(sealed),
    }
    audit.append(tx, tx.org_id, "process:SealTrails", SEALED_ACTION, payload)
    return root


def newest_stamped(tx: Tx) -> StampedSealAnswer | None:
    """The organisation's newest seal of the last month that has a time stamp."""
    stamped = [seal for seal in audit.seals(tx, tx.now - WITHIN) if seal.stamp is not None]
    return stamped[-1] if stamped else None


def newest_seal(tx: Tx) -> JsonObject | None:
    """The organisation's newest seal as a document, with its signature where it has one."""
    said = audit.newest(tx, tx.org_id, SEALED_ACTION)
    if said is None:
        return None
    document = seal_document(
        tx.org_id, datetime.fromisoformat(str(said["sealed_at"])), int(str(said["heads"])), str(said["root"])
    )
    return {**document, "signature": said.get("signature")}


def _root(heads: Iterable[audit.Head]) -> bytes:
    return merkle_root(seal_leaf(h.subject_id, h.seq, h.hash) for h in heads)
