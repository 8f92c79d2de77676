"""Nothing waits unseen: what stands still or fails again and again is put on the desk of whoever is on call."""

import re
from typing import Final

from sqlalchemy import Engine

from models.db import exceptions, stuck
from models.db.engine import transaction
from models.db.organisations import all_org_ids
from models.stuck import DUE_IN, NOT_MOVING, OWNER, STEP_FAILING, Patience, Stuck
from operations.organisations import bootstrap_work

ACTOR: Final = "process:watch"
_WORD: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def watch(engine: Engine, patience: Patience) -> int:
    """Look at every organisation; how much stands still in all of them."""
    return sum(len(watch_one(engine, org_id, patience)) for org_id in all_org_ids(engine))


def watch_one(engine: Engine, org_id: str, patience: Patience) -> list[Stuck]:
    """Note how far everything open has come; what has not for too long becomes an exception, once, and what has moved on
    since then has none any more."""
    with transaction(engine, org_id) as tx:
        stuck.note(tx)
        still = list(stuck.find(tx, patience))
        work = bootstrap_work(tx, ACTOR)
        for found in still:
            work.open_exception(
                NOT_MOVING, found.reason_code, found.subject_id, owner_role=OWNER, due_in=DUE_IN,
                detail={"since": found.since, "where": found.where},
            )  # fmt: skip
        work.flush()
        stuck.settle(tx, still, ACTOR)
    return still


def report_failing(engine: Engine, org_id: str, subject_id: str, step: str, error: str) -> None:
    """A step has failed in the same way for too long: onto the desk, once for as long as it does."""
    with transaction(engine, org_id) as tx:
        work = bootstrap_work(tx, ACTOR)
        work.open_exception(
            STEP_FAILING, reason_of(error), subject_id, owner_role=OWNER, due_in=DUE_IN, detail={"step": step}
        )
        work.flush()


def report_done(engine: Engine, org_id: str, subject_id: str) -> None:
    """It has gone through after all."""
    with transaction(engine, org_id) as tx:
        exceptions.resolve_about(tx, STEP_FAILING, subject_id, ACTOR, "MOVED_ON")


def reason_of(error: str) -> str:
    """The name of an error as a reason code: `OperationalError` is `OPERATIONAL_ERROR`."""
    return re.sub(r"\W+", "_", _WORD.sub("_", error)).upper()[:64].strip("_") or "UNKNOWN"
