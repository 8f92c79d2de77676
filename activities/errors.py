"""The one boundary where what an operation raises becomes what Temporal understands.

A Refusal is final and no fault (non-retryable, benign); whoever opens the run reads its code and sentence, and no stack
trace (workflows/connection.py). Everything else is retried by policy. Of that only the type
goes to Temporal, neither text nor cause: a driver's message may quote a row, and a failure's causes are kept in the
history with their texts. The worker's log has the frames.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

import structlog
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from models.commands import KeptRefusal
from models.errors import Refusal
from operations.runner import CommandLost

log = structlog.get_logger("arflow.activities")


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
        raise ApplicationError(str(lost), type="COMMAND_LOST", non_retryable=True) from None
    except ApplicationError:
        raise
    except Exception as error:
        log.warning("activity failed", exc_info=error)
        raise ApplicationError(f"{type(error).__name__} (see the worker's log)", type=type(error).__name__) from None
