"""Having seals stamped by a third party."""

from sqlalchemy import Engine
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.errors import boundary
from models.audit.seals import stamped_bytes
from models.audit.stamps import StampNotTaken
from models.db.engine import transaction
from models.db.organisations import all_org_ids
from operations.stamps import keep_stamp, no_more_awaited, watch_stamps, without_stamp
from sources.time_stamps import Stamping, StampingAway


class StampActivities:
    """Bound to the worker's engine, and to the stamping authority that the operator has named (None: none)."""

    def __init__(self, engine: Engine, stamping: Stamping | None = None) -> None:
        self._engine, self._stamping = engine, stamping

    @activity.defn(name="stamp_seals", no_thread_cancel_exception=True)
    def stamp_seals(self) -> int:
        """Have every seal stamped that has no stamp yet, each kept in a transaction of its own; how many. No transaction is
        open while the authority is asked."""
        if self._stamping is None:
            return 0
        with boundary():
            stamped = 0
            for org_id in all_org_ids(self._engine):
                with transaction(self._engine, org_id) as tx:
                    waiting = without_stamp(tx)
                for seal in waiting:
                    try:
                        stamp = self._stamping.stamp(stamped_bytes(seal))
                    except (StampingAway, StampNotTaken) as no:
                        raise ApplicationError(str(no), type="SEAL_NOT_STAMPED") from None
                    with transaction(self._engine, org_id) as tx:
                        stamped += keep_stamp(tx, seal, stamp)
                    activity.heartbeat(stamped)
                activity.heartbeat(stamped)
            return stamped

    @activity.defn(name="watch_stamps", no_thread_cancel_exception=True)
    def watch_stamps(self) -> int:
        """Look at every organisation; how many have waited too long for a stamp."""
        with boundary():
            late = 0
            for org_id in all_org_ids(self._engine):
                with transaction(self._engine, org_id) as tx:
                    if self._stamping is None:
                        no_more_awaited(tx)
                    else:
                        late += watch_stamps(tx)
                activity.heartbeat(late)
            return late
