"""Whatever is away for a moment is answered with 503 and Retry-After, never with 500."""

import errno
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from psycopg import errors as pg
from temporalio.service import RPCError, RPCStatusCode

from api.outages import is_outage
from operations.runner import CommandLost
from tests.api.office import Office, code, ok


@pytest.mark.parametrize(
    "error",
    [
        pg.AdminShutdown(),
        pg.DeadlockDetected(),
        pg.DiskFull(),
        pg.ReadOnlySqlTransaction(),
        pg.IdleInTransactionSessionTimeout(),
        pg.OutOfMemory(),
        pg.TooManyConnections(),
        pg.QueryCanceled("statement timeout"),
        psycopg.InterfaceError("the connection is closed"),
        psycopg.OperationalError("connection refused"),
        RPCError("", RPCStatusCode.UNAVAILABLE, b""),
        CommandLost("cmd_x"),
        OSError(errno.ENOSPC, "No space left on device"),
    ],
    ids=lambda e: type(e).__name__,
)
def test_an_outage_is_one(error: Exception) -> None:
    assert is_outage(error)


@pytest.mark.parametrize(
    "error",
    [
        pg.UniqueViolation(), pg.NumericValueOutOfRange(),
        RPCError("", RPCStatusCode.INVALID_ARGUMENT, b""), KeyError("x"),
    ],
    ids=lambda e: type(e).__name__,
)  # fmt: skip
def test_a_defect_is_none(error: Exception) -> None:
    assert not is_outage(error)


def test_a_command_erased_before_it_began_is_answered_with_503(
    office: Office, customer: str, database_url: str
) -> None:
    """As a hard deletion erases those that name its customer."""
    post = office.clerk.post
    sent = {
        "customer_id": customer,
        "external_id": f"lost-{customer}",
        "issue_date": "2026-01-05",
        "currency_code": "USD",
    }
    mine = (office.org, "create_invoice", customer)
    with psycopg.connect(database_url) as blocker, ThreadPoolExecutor(1) as pool:
        blocker.execute("SELECT pg_advisory_xact_lock(hashtextextended('periods:' || %s, 0))", (office.org,))
        asked = pool.submit(post, "/v1/invoices", json=sent | {"total_minor": 5})
        with psycopg.connect(database_url, autocommit=True) as eraser:
            erase = "DELETE FROM commands WHERE org_id = %s AND operation = %s AND body->>'customer_id' = %s"
            deadline = time.monotonic() + 10
            while eraser.execute(erase, mine).rowcount == 0:
                assert time.monotonic() < deadline
                time.sleep(0.02)
        blocker.rollback()
        r = asked.result()
    assert (code(r), r.headers["Retry-After"].isdigit()) == ((503, "UNAVAILABLE"), True)
    assert ok(post("/v1/invoices", json=sent | {"total_minor": 5}), 201)["status"] == "OPEN"
