"""The one boundary where what an operation raises becomes what Temporal understands.

A Refusal is final and no fault (non-retryable, benign); whoever opens the run reads its code and sentence, and no stack
trace (workflows/connection.py). Everything else is retried by policy. Of that only the type
goes to Temporal, neither text nor cause: a driver's message may quote a row, and a failure's causes are kept in the
history with their texts. The worker's log has the frames.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Final

import structlog
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from models.commands import KeptRefusal
from models.errors import Refusal
from models.tls import reason
from operations.runner import CommandLost

log = structlog.get_logger("arflow.activities")


SEE_LOG: Final = " (see the worker's log)"
RECORD_GONE: Final = "RECORD_GONE"
"""How a run ends whose record is not in the database: restored to an earlier moment, or lost with its last second."""
_ITS_OWN: Final = frozenset(
    {"APPROVAL_NOT_FOUND", "CHANGE_NOT_FOUND", "IMPORT_NOT_FOUND", "STATEMENT_NOT_FOUND", "ORG_CONTEXT_MISMATCH"}
)


def gone(what: str) -> ApplicationError:
    """The record of the process is gone: nothing is left to do, and nothing is repeated."""
    return ApplicationError(f"{RECORD_GONE}: {what}", type=RECORD_GONE, non_retryable=True)


@contextmanager
def step_of(record_id: str) -> Iterator[None]:
    """As `boundary`, for a step that a process takes of itself: where its own record is not there, the process is over."""
    with boundary():
        try:
            yield
        except Refusal as r:
            if r.code in _ITS_OWN:
                raise gone(record_id) from None
            raise


@contextmanager
def boundary() -> Iterator[None]:
    """Wrap an activity's body."""
    try:
        yield
    except Refusal as r:
        problem = asdict(KeptRefusal.of(r))
        raise ApplicationError(
            f"{r.code}: {r.detail}", problem, type=r.code, non_retryable=True, category=ApplicationErrorCategory.BENIGN
        ) from None
    except CommandLost as lost:
        raise gone(str(lost)) from None
    except ApplicationError:
        raise
    except Exception as error:
        why = reason(str(error))  # what is wrong with a certificate: words of ours
        log.warning("activity failed", exc_info=error, **({} if why is None else {"why": why}))
        kind = type(error).__name__
        said = kind if why is None else f"{kind}: {why}"
        raise ApplicationError(f"{said}{SEE_LOG}", type=kind) from None
