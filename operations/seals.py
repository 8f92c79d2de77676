"""The daily seal: all chains' heads under one Merkle root, so that the loss of a whole chain shows."""

from collections.abc import Iterable

from models.audit.chain import SEALED_ACTION, merkle_root, seal_leaf
from models.db import audit
from models.db.tx import Tx


def seal(tx: Tx) -> bytes:
    """Seal the organisation's chains as they are now; answers the root, which may be kept outside as a witness.

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
    payload = {
        "sealed_at": tx.now,
        "heads": heads,
        "root": root.hex(),
        "stored": stored,
        "stored_root": stored_root.hex(),
    }
    audit.append(tx, tx.org_id, "process:SealTrails", SEALED_ACTION, payload)
    return root


def _root(heads: Iterable[audit.Head]) -> bytes:
    return merkle_root(seal_leaf(h.subject_id, h.seq, h.hash) for h in heads)
