"""The daily seal: all chains' heads under one Merkle root, so that the loss of a whole chain shows."""

from typing import Any, Final

from models.audit import SEALED_ACTION, merkle_root, seal_leaf
from models.db.streaming import stream
from models.db.tx import Tx, to_json

_HEADS: Final = """SELECT subject_id, seq, hash FROM audit_heads WHERE org_id = :org ORDER BY subject_id COLLATE "C" """
_STORED: Final = """SELECT subject_id, seq, hash FROM audit_seal_heads WHERE org_id = :org AND sealed_at = :at
  ORDER BY subject_id COLLATE "C" """


def seal(tx: Tx) -> bytes:
    """Seal the organisation's chains as they are now; answers the root, which may be kept outside as a witness.

    Only heads that moved since they were last sealed are stored again: a seal covers those of the earlier ones too. The
    organisation's own chain names each seal and the root of the heads that it stored, and the next seal covers that.
    """
    # The transaction sees one state of the heads, whatever is posted meanwhile. Its own chain is held at once: what would
    # be said there meanwhile waits, instead of undoing the whole at its end.
    if tx.scalar("SHOW transaction_isolation") != "repeatable read":
        raise ValueError("a seal is made in a transaction with a snapshot")
    tx.run("SELECT FROM audit_heads WHERE org_id = :org AND subject_id = :org FOR NO KEY UPDATE")
    root = _root(tx, _HEADS)
    tx.run(
        "INSERT INTO audit_seals (org_id, sealed_at, heads, root) "
        "SELECT :org, :at, count(*), :root FROM audit_heads WHERE org_id = :org",
        at=tx.now,
        root=root,
    )
    stored = tx.run(
        """INSERT INTO audit_seal_heads (org_id, sealed_at, subject_id, seq, hash)
           SELECT :org, :at, n.subject_id, n.seq, n.hash FROM audit_heads n WHERE n.org_id = :org AND NOT EXISTS (
             SELECT FROM audit_seal_heads s WHERE s.org_id = :org AND s.subject_id = n.subject_id AND s.seq = n.seq)""",
        at=tx.now,
    )
    heads = tx.scalar("SELECT count(*) FROM audit_heads WHERE org_id = :org")
    stored_root = _root(tx, _STORED, at=tx.now)
    said = {"sealed_at": tx.now, "heads": heads, "root": root.hex(), "stored": stored, "stored_root": stored_root.hex()}
    tx.write({}, [_told(tx, said)], None)
    return root


def _root(tx: Tx, sql: str, **params: Any) -> bytes:
    return merkle_root(seal_leaf(h["subject_id"], h["seq"], bytes(h["hash"])) for h in stream(tx, sql, **params))


def _told(tx: Tx, payload: dict[str, object]) -> dict[str, object]:
    event = {"subject_id": tx.org_id, "actor": "process:SealTrails", "action": SEALED_ACTION}
    return event | {"reason_code": None, "request_id": None, "workflow_id": None, "payload": to_json(payload)}
