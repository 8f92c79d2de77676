"""Whatever is away for a moment is answered with 503 and Retry-After, never with 500."""

import psycopg
import pytest
from psycopg import errors as pg
from sqlalchemy.exc import DataError, IntegrityError, InterfaceError, OperationalError, TimeoutError
from temporalio.service import RPCError, RPCStatusCode

from api.outages import is_outage


@pytest.mark.parametrize(
    "error",
    [
        OperationalError("SELECT", {}, pg.AdminShutdown()),
        OperationalError("SELECT", {}, pg.DeadlockDetected()),
        InterfaceError("SELECT", {}, psycopg.InterfaceError(), connection_invalidated=True),
        psycopg.OperationalError("connection refused"),
        TimeoutError("the pool is exhausted"),
        RPCError("", RPCStatusCode.UNAVAILABLE, b""),
    ],
    ids=lambda e: type(getattr(e, "orig", e)).__name__,
)
def test_an_outage_is_one(error: Exception) -> None:
    assert is_outage(error)


@pytest.mark.parametrize(
    "error",
    [
        IntegrityError("INSERT", {}, pg.UniqueViolation()), DataError("INSERT", {}, pg.NumericValueOutOfRange()),
        RPCError("", RPCStatusCode.INVALID_ARGUMENT, b""), KeyError("x"),
    ],
    ids=lambda e: type(getattr(e, "orig", e)).__name__,
)  # fmt: skip
def test_a_defect_is_none(error: Exception) -> None:
    assert not is_outage(error)
