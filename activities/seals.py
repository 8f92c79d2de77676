"""Sealing the audit trail."""

from sqlalchemy import Engine
from temporalio import activity

from activities.errors import boundary
from models.db.engine import transaction
from models.db.organisations import all_org_ids
from operations.seals import seal
from operations.signing import Signer


class SealActivities:
    """Bound to the worker's engine, and to the key that seals are signed with."""

    def __init__(self, engine: Engine, signer: Signer | None = None) -> None:
        self._engine, self._signer = engine, signer

    @activity.defn(name="seal_trails", no_thread_cancel_exception=True)
    def seal_trails(self) -> int:
        """Seal every organisation's chains, each in a transaction of its own; answers how many. A retry seals again,
        which adds a seal and harms nobody."""
        with boundary():
            sealed = 0
            for org_id in all_org_ids(self._engine):
                with transaction(self._engine, org_id, snapshot=True) as tx:
                    seal(tx, self._signer)
                sealed += 1
                activity.heartbeat(sealed)
            return sealed
