"""Time stamps of seals: which seals have none yet, a stamp kept, and somebody told where it stays away."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from models.audit.chain import STAMPED_ACTION
from models.audit.seals import StampAnswer, StampedSealAnswer
from models.db import audit
from models.db.exceptions import resolve_about
from models.db.tx import Tx
from models.facts import Facts
from models.stuck import DUE_IN, OWNER, STEP_FAILING, Patience
from operations.organisations import bootstrap_work

ACTOR: Final = "process:StampSeals"
WITHIN: Final = timedelta(days=31)
"""A seal that is older says nothing that a later one, over all chains, does not say."""
REASON: Final = "SEAL_NOT_STAMPED"


def without_stamp(tx: Tx) -> Sequence[StampedSealAnswer]:
    """The organisation's seals that have no stamp yet, in their order."""
    return [seal for seal in audit.seals(tx, since=tx.now - WITHIN) if seal.stamp is None]


def keep_stamp(tx: Tx, seal: StampedSealAnswer, stamp: StampAnswer) -> bool:
    """Say it in the organisation's own chain, which cannot be changed; whether it was not there already."""
    audit.hold_own_chain(tx)
    if all(s.sealed_at != seal.sealed_at for s in without_stamp(tx)):
        return False
    payload: Facts = {"sealed_at": seal.sealed_at, "stamped_at": stamp.stamped_at, "response": stamp.response}
    audit.append(tx, tx.org_id, ACTOR, STAMPED_ACTION, payload)
    return True


def watch_stamps(tx: Tx, patience: Patience | None = None) -> bool:
    """Put it on the desk of whoever is on call where a seal has waited too long for its stamp; whether one has. A stamp that
    came after all closes it."""
    late = tx.now - (patience or Patience()).failing
    waiting = [seal for seal in without_stamp(tx) if seal.sealed_at < late]
    if not waiting:
        no_more_awaited(tx)
        return False
    work = bootstrap_work(tx, ACTOR)
    work.open_exception(
        STEP_FAILING, REASON, tx.org_id, owner_role=OWNER, due_in=DUE_IN,
        detail={"step": "stamp_seals", "since": waiting[0].sealed_at, "seals": len(waiting)},
    )  # fmt: skip
    work.flush()
    return True


def no_more_awaited(tx: Tx) -> None:
    """Nobody waits for a stamp: all are there, or none is asked for any more."""
    resolve_about(tx, STEP_FAILING, tx.org_id, ACTOR, "MOVED_ON", REASON)
