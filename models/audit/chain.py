"""The audit trail as a chain per subject, computed here a second time so that `arflow verify` trusts no SQL.

digest = sha256(salt ‖ payload text); hash = sha256(previous hash ‖ digest ‖ header). The header is the event's
own columns joined by the unit separator; the SQL function `audit_header` writes the same text.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

SEALED_ACTION = "trail.sealed"
"""The event of the organisation's own chain that names a seal, so that the seal itself cannot go unnoticed."""
STAMPED_ACTION = "trail.stamped"
"""The event of the organisation's own chain that keeps a third party's time stamp of a seal."""
ERASED_ACTION = "trail.erased"
"""The event that names the chains whose contents were erased, so that no other content can be taken away unnoticed."""
SALT_BYTES = 16


@dataclass(frozen=True)
class AuditEvent:
    """One link. `payload` and `salt` are None once erased; `at` is UTC."""

    org_id: str
    subject_id: str
    seq: int
    at: datetime
    actor: str
    action: str
    reason_code: str | None
    request_id: str | None
    workflow_id: str | None
    payload: str | None
    salt: bytes | None
    digest: bytes
    prev_hash: bytes
    hash: bytes


def header(e: AuditEvent) -> str:
    at = e.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return "\x1f".join(
        (
            e.org_id,
            e.subject_id,
            str(e.seq),
            at,
            e.actor,
            e.action,
            e.reason_code or "",
            e.request_id or "",
            e.workflow_id or "",
        )
    )


def link_hash(e: AuditEvent) -> bytes:
    return hashlib.sha256(e.prev_hash + e.digest + header(e).encode()).digest()


def content_holds(e: AuditEvent) -> bool:
    """Whether payload and salt are those of the digest, or are both gone. The salt has one length: else the payload's
    first bytes could be moved to its end, and the digest would be the same."""
    if e.payload is None or e.salt is None:
        return e.payload is None and e.salt is None
    return len(e.salt) == SALT_BYTES and hashlib.sha256(e.salt + e.payload.encode()).digest() == e.digest


def link_holds(e: AuditEvent) -> bool:
    """Whether the hash is that of the columns. The header has the same text for nothing and for the empty text, which is
    never written; what cannot be hashed at all was altered too."""
    needed: tuple[object, ...] = (e.org_id, e.subject_id, e.seq, e.at, e.actor, e.action, e.digest, e.prev_hash, e.hash)
    if any(v is None for v in needed) or "" in (e.reason_code, e.request_id, e.workflow_id):
        return False
    return link_hash(e) == e.hash


def breaches(chain: Iterable[AuditEvent], head: tuple[int, bytes] | None) -> list[str]:
    """What is wrong with one subject's chain, given in order of seq; `head` is (seq, hash) as the head row says."""
    found: list[str] = []
    expected_seq, previous, subject = 1, b"", "?"
    for e in chain:
        subject = e.subject_id
        if e.seq != expected_seq:
            found.append(f"{e.subject_id}: event {expected_seq} is missing")
        elif e.prev_hash != previous:
            found.append(f"{e.subject_id}: event {e.seq} does not follow event {e.seq - 1}")
        if not content_holds(e):
            found.append(f"{e.subject_id}: the payload of event {e.seq} was altered")
        if not link_holds(e):
            found.append(f"{e.subject_id}: event {e.seq} was altered")
        expected_seq, previous = (e.seq or expected_seq) + 1, e.hash
    if head is None:
        found.append(f"{subject}: the chain has no head")
    elif head != (expected_seq - 1, previous):
        found.append(f"{subject}: the head does not match the last event ({head[0]} against {expected_seq - 1})")
    return found


def seal_leaf(subject_id: str, seq: int, head: bytes) -> bytes:
    """The leaf of one chain's head under a seal."""
    return hashlib.sha256(f"{subject_id}\x1f{seq}\x1f".encode() + head).digest()


def merkle_root(leaves: Iterable[bytes]) -> bytes:
    """Root over the leaves in the order given; sha256, an odd node is carried up. Empty: sha256 of nothing.

    Keeps one node per level, whatever the number of leaves.
    """
    spine: list[tuple[int, bytes]] = []  # (level, node), levels falling
    for leaf in leaves:
        level, node = 0, leaf
        while spine and spine[-1][0] == level:
            node = hashlib.sha256(spine.pop()[1] + node).digest()
            level += 1
        spine.append((level, node))
    if not spine:
        return hashlib.sha256(b"").digest()
    root = spine.pop()[1]
    while spine:
        root = hashlib.sha256(spine.pop()[1] + root).digest()
    return root


Step = tuple[Literal["left", "right"], bytes]
"""A node on the way up to a root, and on which side of what is there already it stands."""


def merkle_path(leaves: Iterable[bytes], leaf: bytes) -> Sequence[Step] | None:
    """What has to be joined to `leaf`, one after the other, to come to the root over the leaves; None where it is none of
    them. Keeps no more of the tree than `merkle_root` does."""
    path: list[Step] = []
    spine: list[tuple[int, bytes, bool]] = []  # as in merkle_root; whether the leaf lies beneath
    found = False

    def joined(left: tuple[bytes, bool], right: tuple[bytes, bool]) -> tuple[bytes, bool]:
        if left[1]:
            path.append(("right", right[0]))
        elif right[1]:
            path.append(("left", left[0]))
        return hashlib.sha256(left[0] + right[0]).digest(), left[1] or right[1]

    for one in leaves:
        level, node, beneath = 0, one, not found and one == leaf
        found = found or beneath
        while spine and spine[-1][0] == level:
            node, beneath = joined(spine.pop()[1:], (node, beneath))
            level += 1
        spine.append((level, node, beneath))
    if not found:
        return None
    top = spine.pop()[1:]
    while spine:
        top = joined(spine.pop()[1:], top)
    return path


def climbed(leaf: bytes, path: Iterable[Step]) -> bytes:
    """The root that the path leads to."""
    node = leaf
    for side, other in path:
        node = hashlib.sha256(other + node if side == "left" else node + other).digest()
    return node
