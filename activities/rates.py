"""Fetching a central bank's rates, and looking at how old those in use are."""

from typing import Final

import httpx2
from sqlalchemy import Engine
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.errors import boundary
from models.cash.rate_files import MOST_BYTES, RatesUnreadable
from models.db.engine import transaction
from models.db.organisations import all_org_ids
from models.tls import client_context
from operations.cash.rate_watch import keep_rates, watch_rates

SECONDS: Final = 30


class RateActivities:
    """Bound to the worker's engine, and to where the operator has rates fetched from (None: nowhere)."""

    def __init__(self, engine: Engine, url: str | None = None) -> None:
        self._engine, self._url = engine, url

    @activity.defn(name="fetch_rates", no_thread_cancel_exception=True)
    def fetch_rates(self) -> int:
        """Fetch the file and keep what is new in it; how many rates. 0 where nothing is to be fetched."""
        if self._url is None:
            return 0
        with boundary():
            try:
                return keep_rates(self._engine, _fetched(self._url))
            except httpx2.HTTPError as error:
                raise ApplicationError(f"{type(error).__name__}: {error}", type="RATES_NOT_FETCHED") from None
            except RatesUnreadable as error:
                raise ApplicationError(str(error), type="RATES_UNREADABLE", non_retryable=True) from None

    @activity.defn(name="watch_rates", no_thread_cancel_exception=True)
    def watch_rates(self) -> int:
        """Look at every organisation; how many have old rates in use."""
        with boundary():
            found = 0
            for org_id in all_org_ids(self._engine):
                with transaction(self._engine, org_id) as tx:
                    found += watch_rates(tx)
                activity.heartbeat(found)
            return found


def _fetched(url: str) -> bytes:
    """The file; no more of it than a file of rates has."""
    content = bytearray()
    with httpx2.stream("GET", url, timeout=SECONDS, follow_redirects=False, verify=client_context()) as answer:
        answer.raise_for_status()
        for piece in answer.iter_bytes():
            content += piece
            if len(content) > MOST_BYTES:
                raise RatesUnreadable("the file is too large")
    return bytes(content)
