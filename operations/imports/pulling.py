"""Pulling customers from another system: its records become a CSV file of our own, page by page, then staged as any upload.

A page is kept in one transaction with the bookmark behind it, so whoever is killed here loses one page at most, and
nothing is kept twice. A source that fails is asked again, later and later; one that says no ends the import.
"""

import csv
import hashlib
import io
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from time import monotonic
from typing import Final

from sqlalchemy import Engine

from models.customer_360.records import SourceConnection
from models.db.customer_360 import panels
from models.db.engine import transaction
from models.db.imports import files, imports
from models.db.tx import Tx
from models.facts import Facts
from models.imports.files import Unreadable
from models.imports.records import Import, ImportStatus, Pull
from operations.imports.ends import import_work
from operations.imports.staging import Beat, Superseded, claim, fail
from sources.access import Access
from sources.guard import Guards
from sources.protocol import CODES, Bookmark, Connection, CustomerPage, SourceError
from sources.registry import CUSTOMERS

PAGE_SECONDS: Final = 60.0
BYTES_LIMIT: Final = 2 * 1024**3
"""As of an upload."""
PATIENCE: Final = timedelta(hours=36)
"""So long a source may be away or out of requests (Salesforce counts them over 24 hours) before the import fails."""
MALFORMED_LIMIT: Final = 5
"""So often in a row an answer may make no sense."""
_FINAL: Final = {
    "SOURCE_NOT_CONFIGURED", "SOURCE_HOST_REFUSED", "SOURCE_SIGN_IN_REFUSED", "SOURCE_QUERY_REFUSED", "SOURCE_REDIRECTED",
}  # fmt: skip
_MALFORMED: Final = {"SOURCE_RESPONSE_INVALID", "SOURCE_RESPONSE_TOO_LARGE"}


class Connector:
    """Asks the connections of any organisation, with what the operator lets them use."""

    def __init__(self, access: Access, page_seconds: float = PAGE_SECONDS) -> None:
        self._access = access
        self._seconds = page_seconds
        self._guards = Guards()

    def columns(self, org_id: str, c: SourceConnection, also: Collection[str]) -> list[str]:
        """The columns of a pull. Raises SourceError."""
        at = self._connection(org_id, c)
        return self._guards.of(at).call(lambda: CUSTOMERS[at.kind].columns(at, also), self._seconds)

    def page(self, org_id: str, c: SourceConnection, columns: Sequence[str], at: Bookmark) -> CustomerPage:
        """The records behind the bookmark. Raises SourceError."""
        to = self._connection(org_id, c)
        return self._guards.of(to).call(lambda: CUSTOMERS[to.kind].page(to, columns, at), self._seconds)

    def _connection(self, org_id: str, c: SourceConnection) -> Connection:
        secret, hosts = self._access.credential(org_id, c.credential), self._access.hosts(c.kind)
        return Connection(org_id, c.name, c.kind, c.base_url, secret, self._seconds, c.max_concurrent, hosts)


def pull(engine: Engine, org_id: str, import_id: str, connector: Connector, beat: Beat, seconds: float) -> None:
    """Fetch for about `seconds`; the rest is for the next call, as is what has to wait until a source has recovered."""
    attempt = claim(engine, org_id, import_id, ImportStatus.STAGING)
    until = monotonic() + seconds
    while attempt is not None:
        with transaction(engine, org_id, durable=False) as tx:
            one = imports.get(tx, import_id)
            state = one.pull
            if state is None or not one.is_pulling or state.waits(tx.now):
                return
            connection = panels.connection(tx, state.connection)
        step = _Pulling(engine, org_id, import_id, attempt)
        if state.fetched:
            step.conclude(state, beat)
            return
        try:
            step.fetch(one, state, connection, connector)
        except SourceError as error:
            step.failed(error)
            return
        beat(state.pulled)
        if monotonic() > until:
            return


@dataclass(frozen=True)
class _Pulling:
    engine: Engine
    org_id: str
    import_id: str
    attempt: int

    def fetch(self, one: Import, state: Pull, connection: SourceConnection | None, connector: Connector) -> None:
        """One page; the first call asks which columns there are."""
        if connection is None or not connection.enabled or connection.kind != one.source:
            raise SourceError("SOURCE_NOT_CONFIGURED", "connection")
        columns = state.columns or connector.columns(self.org_id, connection, one.options.mapping or ())
        at = Bookmark(state.page, state.last, state.pulled, state.before)
        page = connector.page(self.org_id, connection, columns, at)
        mark = page.bookmark
        other = mark.before == state.before and state.total not in (None, page.total)
        if other or (page.complete and page.total not in (None, mark.pulled)):
            # Fewer than announced, or more: what has been kept is not the whole, so it is fetched anew.
            raise _Incomplete
        content = _csv([columns, *page.rows] if state.pieces == 0 else page.rows)
        size = state.bytes + len(content)
        if size > BYTES_LIMIT:
            raise SourceError("SOURCE_QUERY_REFUSED", "more than 2 GB")
        with self._mine() as (tx, held):
            files.keep_piece(tx, self.import_id, state.pieces, content)
            further = Pull(
                state.connection, columns, mark.page, mark.last, mark.pulled, mark.before, page.total,
                pieces=state.pieces + 1, bytes=size, fetched=page.complete, restarts=state.restarts,
            )  # fmt: skip
            imports.save(tx, held, replace(held, pull=further))

    def conclude(self, state: Pull, beat: Beat) -> None:
        """All is there: from here on it is a file like any other."""
        digest = hashlib.sha256()
        for piece in files.file_pieces(self.engine, self.org_id, self.import_id):
            digest.update(piece)
            beat(0)  # alive; nothing is committed yet that a next slice could go on from
        with self._mine() as (tx, held):
            done, file_hash = replace(state, complete=True, next_attempt_at=None), digest.hexdigest()
            imports.save(tx, held, replace(held, pull=done, file_hash=file_hash, file_bytes=state.bytes))
            work = import_work(tx, held)
            about: Facts = {"connection": state.connection, "records": state.pulled, "file_hash": file_hash}
            work.audit(self.import_id, "import.pulled", about)
            work.flush()

    def failed(self, error: SourceError) -> None:
        """Keep the failure and when to ask again; or end the import, where asking again would not help."""
        with self._mine() as (tx, held):
            state = held.pull or Pull("")
            failures, since = state.failures + 1, state.failing_since
            restarts = state.restarts + isinstance(error, _Incomplete)
            senseless = error.code in _MALFORMED and max(failures, restarts) >= MALFORMED_LIMIT
            hopeless = error.code in _FINAL or senseless
            if not hopeless and (since is None or tx.now - since < PATIENCE):
                if isinstance(error, _Incomplete):
                    state = Pull(state.connection)
                    files.drop_file(tx, self.import_id)
                wait = max(error.retry_after or 0.0, retry_in(failures))
                later = replace(
                    state, failures=failures, restarts=restarts, failing_since=since or tx.now, error=error.code,
                    next_attempt_at=tx.now + timedelta(seconds=wait),
                )  # fmt: skip
                imports.save(tx, held, replace(held, pull=later))
                return
            pulled = state.pulled
        fail(
            self.engine,
            self.org_id,
            self.import_id,
            self.attempt,
            Unreadable(error.code, f"{CODES[error.code]} Records fetched before: {pulled}.", pulled + 2, 1),
            error.code,
        )

    @contextmanager
    def _mine(self) -> Iterator[tuple[Tx, Import]]:
        """A transaction with the import locked; Superseded where another attempt has taken over."""
        with transaction(self.engine, self.org_id) as tx:
            one = imports.get(tx, self.import_id, lock=True)
            if one.attempt != self.attempt or not one.is_pulling:
                raise Superseded(self.import_id)
            yield tx, one


class _Incomplete(SourceError):
    def __init__(self) -> None:
        super().__init__("SOURCE_RESPONSE_INVALID", "not as many records as announced")


def retry_in(failures: int) -> float:
    """Seconds until a source is asked again: 1 doubling to 5 minutes."""
    return float(min(2 ** min(failures - 1, 10), 300))


def _csv(rows: Sequence[Sequence[str]]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue().encode("utf-8", "replace")
