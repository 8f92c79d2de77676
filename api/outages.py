"""What is away for a while, and not wrong: PostgreSQL or Temporal restarting, a full pool, a lock that took too long."""

import errno
from typing import Final

import psycopg
from temporalio.service import RPCError, RPCStatusCode

from models.db.postgres.pipeline import STALE
from operations.runner import CommandLost
from workflows.connection import is_barred

_AWAY: Final = frozenset(
    {
        RPCStatusCode.UNAVAILABLE,
        RPCStatusCode.DEADLINE_EXCEEDED,
        RPCStatusCode.RESOURCE_EXHAUSTED,
        RPCStatusCode.ABORTED,
        RPCStatusCode.CANCELLED,
    }
)
_AWAY_DATABASE: Final = (
    psycopg.OperationalError,  # a full disk or memory, and a server that starts or ends, too
    psycopg.InterfaceError,
    psycopg.errors.ReadOnlySqlTransaction,  # a standby that is about to take over
    psycopg.errors.IdleInTransactionSessionTimeout,
    *STALE,  # a migration came between two statements
    CommandLost,
)


def is_outage(error: BaseException) -> bool:
    """Whether the same request may succeed in a moment: it is answered with 503, and repeating it is safe.

    Every write is kept under its key before it is done, and done in one transaction. A command that is lost before that
    (with the customer it names, whom a hard deletion has just erased) has done nothing.
    """
    if isinstance(error, RPCError):
        return error.status in _AWAY or is_barred(error)
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True  # the folder of uploads
    return isinstance(error, _AWAY_DATABASE)
