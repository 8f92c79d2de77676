"""Pulling customers from another system: its records become a CSV file of our own, page by page, then staged as any upload.

A page is kept in one transaction with the bookmark behind it, so whoever is killed here loses one page at most, and
nothing is kept twice. A source that fails is asked again, later and later; one that says no ends the import.
"""

import csv
import hashlib
import io
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any, Final

from sqlalchemy import Engine

from models.db.customer_360 import panels
from models.db.engine import transaction
from models.db.imports import records as imports
from models.db.tx import Row, Tx
from models.imports.options import ImportOptions, ImportStatus, Unreadable
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

    def columns(self, org_id: str, c: Row, also: Collection[str]) -> list[str]:
        """The columns of a pull. Raises SourceError."""
        at = self._connection(org_id, c)
        return self._guards.of(at).call(lambda: CUSTOMERS[at.kind].columns(at, also), self._seconds)

    def page(self, org_id: str, c: Row, columns: Sequence[str], at: Bookmark) -> CustomerPage:
        """The records behind the bookmark. Raises SourceError."""
        to = self._connection(org_id, c)
        return self._guards.of(to).call(lambda: CUSTOMERS[to.kind].page(to, columns, at), self._seconds)

    def _connection(self, org_id: str, c: Row) -> Connection:
        secret, hosts = self._access.credential(org_id, c["credential"]), self._access.hosts(c["kind"])
        return Connection(
            org_id, c["name"], c["kind"], c["base_url"], secret, self._seconds, c["max_concurrent"], hosts
        )


def begun(connection: str) -> dict[str, Any]:
    """The state of a pull that has not asked for anything yet, as it is kept with the import."""
    return {
        "connection": connection, "columns": None, "page": None, "last": None, "pulled": 0, "before": 0, "total": None,
        "pieces": 0, "bytes": 0, "fetched": False, "complete": False, "restarts": 0,
        "failures": 0, "failing_since": None, "error": None, "next_attempt_at": None,
    }  # fmt: skip


def pulling(row: Any) -> bool:
    """Whether the import's records still have to be fetched."""
    return row["status"] == ImportStatus.STAGING and row["pull"] is not None and not row["pull"]["complete"]


def pull(engine: Engine, org_id: str, import_id: str, connector: Connector, beat: Beat, seconds: float) -> None:
    """Fetch for about `seconds`; the rest is for the next call, as is what has to wait until a source has recovered."""
    attempt = claim(engine, org_id, import_id, ImportStatus.STAGING)
    until = monotonic() + seconds
    while attempt is not None:
        with transaction(engine, org_id, durable=False) as tx:
            row = imports.get(tx, import_id)
            connection = panels.connection(tx, row["pull"]["connection"])
        if not pulling(row) or _waits(row["pull"], datetime.now(UTC)):
            return
        one = _Pull(engine, org_id, import_id, attempt)
        if row["pull"]["fetched"]:
            one.conclude(row["pull"], beat)
            return
        try:
            one.step(row, connection, connector)
        except SourceError as error:
            one.failed(error)
            return
        beat(row["pull"]["pulled"])
        if monotonic() > until:
            return


def _waits(state: dict[str, Any], now: datetime) -> bool:
    return state["next_attempt_at"] is not None and datetime.fromisoformat(state["next_attempt_at"]) > now


@dataclass(frozen=True)
class _Pull:
    engine: Engine
    org_id: str
    import_id: str
    attempt: int

    def step(self, row: Row, connection: Row | None, connector: Connector) -> None:
        """One page; the first call asks which columns there are."""
        state, options = row["pull"], ImportOptions.model_validate(row["options"])
        if connection is None or not connection["enabled"] or connection["kind"] != row["source"]:
            raise SourceError("SOURCE_NOT_CONFIGURED", "connection")
        columns = state["columns"] or connector.columns(self.org_id, connection, options.mapping or ())
        at = Bookmark(state["page"], state["last"], state["pulled"], state["before"])
        page = connector.page(self.org_id, connection, columns, at)
        other = page.bookmark.before == state["before"] and state["total"] not in (None, page.total)
        if other or (page.complete and page.bookmark.pulled != page.total):
            # Fewer than announced, or more: what has been kept is not the whole, so it is fetched anew.
            raise _Incomplete
        content = _csv([columns, *page.rows] if state["pieces"] == 0 else page.rows)
        size = state["bytes"] + len(content)
        if size > BYTES_LIMIT:
            raise SourceError("SOURCE_QUERY_REFUSED", "more than 2 GB")
        mark = page.bookmark
        with self._mine() as (tx, _):
            imports.keep_piece(tx, self.import_id, state["pieces"], content)
            self._save(
                tx, state, columns=columns, page=mark.page, last=mark.last, pulled=mark.pulled, before=mark.before,
                total=page.total,
                pieces=state["pieces"] + 1, bytes=size, fetched=page.complete,
                failures=0, failing_since=None, error=None, next_attempt_at=None,
            )  # fmt: skip

    def conclude(self, state: dict[str, Any], beat: Beat) -> None:
        """All is there: from here on it is a file like any other."""
        digest = hashlib.sha256()
        for piece in imports.file_pieces(self.engine, self.org_id, self.import_id):
            digest.update(piece)
            beat(0)  # alive; nothing is committed yet that a next slice could go on from
        with self._mine() as (tx, row):
            self._save(tx, state, complete=True, next_attempt_at=None)
            imports.update(tx, self.import_id, file_hash=digest.hexdigest(), file_bytes=state["bytes"])
            work = import_work(tx, row)
            said = {"connection": state["connection"], "records": state["pulled"], "file_hash": digest.hexdigest()}
            work.audit(self.import_id, "import.pulled", said)
            work.flush()

    def failed(self, error: SourceError) -> None:
        """Keep the failure and when to ask again; or end the import, where asking again would not help."""
        with self._mine() as (tx, row):
            state, failures = row["pull"], row["pull"]["failures"] + 1
            since = state["failing_since"] and datetime.fromisoformat(state["failing_since"])
            restarts = state["restarts"] + isinstance(error, _Incomplete)
            senseless = error.code in _MALFORMED and max(failures, restarts) >= MALFORMED_LIMIT
            hopeless = error.code in _FINAL or senseless
            if not hopeless and (since is None or tx.now - since < PATIENCE):
                anew = begun(state["connection"]) if isinstance(error, _Incomplete) else {}
                if anew:
                    imports.drop_file(tx, self.import_id)
                wait = max(error.retry_after or 0.0, retry_in(failures))
                self._save(
                    tx, state | anew, failures=failures, restarts=restarts, failing_since=(since or tx.now).isoformat(),
                    error=error.code, next_attempt_at=(tx.now + timedelta(seconds=wait)).isoformat(),
                )  # fmt: skip
                return
            line = state["pulled"] + 2
        fail(
            self.engine,
            self.org_id,
            self.import_id,
            self.attempt,
            Unreadable(error.code, f"{CODES[error.code]} Records fetched before: {state['pulled']}.", line, 1),
            error.code,
        )

    @contextmanager
    def _mine(self) -> Iterator[tuple[Tx, Row]]:
        """A transaction with the import locked; Superseded where another attempt has taken over."""
        with transaction(self.engine, self.org_id) as tx:
            row = imports.get(tx, self.import_id, lock=True)
            if row["attempt"] != self.attempt or not pulling(row):
                raise Superseded(self.import_id)
            yield tx, row

    def _save(self, tx: Tx, state: dict[str, Any], **changes: Any) -> None:
        imports.update(tx, self.import_id, pull=state | changes)


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
