"""Staging: the uploaded file becomes numbered rows in PostgreSQL, streamed by COPY in one transaction.

Whoever is killed here leaves nothing; the next attempt begins anew. An attempt that was given up on but still runs finds
its number overtaken and rolls back.
"""

import hashlib
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from psycopg.errors import UniqueViolation
from sqlalchemy import Engine

from import_readers import Block, Layout, Unreadable
from models.db.engine import transaction
from models.db.imports import files, imports
from models.db.imports.staging import copy_lines
from models.db.tx import Tx
from models.imports.records import ImportFailure, ImportStatus
from models.imports.requests import ImportOptions
from operations.imports.ends import end_import, import_work
from operations.imports.reading import opened

REPORT_SECONDS = 1.0
Beat = Callable[[int], None]
"""Told that the work goes on, with the rows committed so far; 0 where nothing has been since the last time. May raise."""


class Superseded(Exception):
    """Another attempt has taken over, or the import has moved on: stop without a trace."""


def claim(engine: Engine, org_id: str, import_id: str, status: ImportStatus) -> int | None:
    """The number of this attempt, which overtakes every earlier one; None where the import is not in this status."""
    with transaction(engine, org_id) as tx:
        return imports.claim(tx, import_id, status)


def stage(engine: Engine, org_id: str, import_id: str, beat: Beat) -> None:
    """Stage the file once; a file that cannot be read ends the import as FAILED, with line and column."""
    attempt = claim(engine, org_id, import_id, ImportStatus.STAGING)
    if attempt is None:
        return
    try:
        _Staging(engine, org_id, import_id, attempt, beat).run()
    except Unreadable as wrong:
        fail(engine, org_id, import_id, attempt, wrong)


def fail(
    engine: Engine, org_id: str, import_id: str, attempt: int, wrong: Unreadable, reason: str = "FILE_UNREADABLE"
) -> None:
    """End the import: the file says nothing that could be imported, or (another reason) its source does not give it."""
    failure = ImportFailure(code=wrong.code, detail=wrong.detail, line=wrong.line, column=wrong.column)
    with transaction(engine, org_id) as tx:
        one = imports.get(tx, import_id, lock=True)
        if one.attempt != attempt or one.status is not ImportStatus.STAGING:
            return
        work = import_work(tx, one)
        files.drop_file(tx, import_id)
        end_import(work, one, ImportStatus.FAILED, failure)
        work.open_exception(
            "import_failed",
            reason,
            import_id,
            owner_user=one.submitted_by,
            legal_entity_id=one.legal_entity_id,
            detail=asdict(failure),
        )
        work.flush()


class _Staging:
    def __init__(self, engine: Engine, org_id: str, import_id: str, attempt: int, beat: Beat) -> None:
        self._engine, self._org, self._id, self._attempt, self._beat = engine, org_id, import_id, attempt, beat
        self._rows = 0
        self._reported = time.monotonic()

    def run(self) -> None:
        with transaction(self._engine, self._org, durable=False) as tx:
            options = imports.get(tx, self._id).options
        with tempfile.TemporaryDirectory(prefix="arflow-import-") as directory:
            layout, blocks = self._open(options, Path(directory))
            with transaction(self._engine, self._org) as tx:
                try:
                    copy_lines(tx, self._id, self._numbered(blocks))
                except UniqueViolation:  # a later attempt was faster
                    raise Superseded(self._id) from None
                if self._rows == 0:
                    raise Unreadable("NO_ROWS", "The file has a header and no rows.", layout.header_line + 1, 1)
                self._finish(tx, layout)

    def _open(self, options: ImportOptions, directory: Path) -> tuple[Layout, Iterator[Block]]:
        def spool(pieces: Iterable[bytes]) -> Path:
            path = directory / "file"
            with path.open("wb") as out:
                for piece in pieces:
                    out.write(piece)
                    self._beat(0)
            return path

        return opened(self._whole(), options, spool)

    def _whole(self) -> Iterator[bytes]:
        """The file in pieces, all of it: one that has lost a piece is not taken for a shorter one."""
        with transaction(self._engine, self._org, durable=False) as tx:
            expected = imports.get(tx, self._id).file_hash
        digest = hashlib.sha256()
        for piece in files.file_pieces(self._engine, self._org, self._id):
            digest.update(piece)
            yield piece
        if digest.hexdigest() != expected:
            raise Unreadable("FILE_LOST", "The uploaded file is not there any more, or not whole: upload it again.")

    def _numbered(self, blocks: Iterable[Block]) -> Iterator[tuple[int, Sequence[int], Sequence[str]]]:
        for block in blocks:
            yield self._rows + 1, block.lines, block.raws
            self._rows += len(block.raws)
            self._beat(self._rows)
            if time.monotonic() - self._reported > REPORT_SECONDS:
                self._report()

    def _report(self) -> None:
        """Progress, in a transaction of its own; never backwards, also when a later attempt begins anew."""
        with transaction(self._engine, self._org, durable=False) as tx:
            mine = imports.report_staged(tx, self._id, self._attempt, self._rows)
        if not mine:
            raise Superseded(self._id)
        self._reported = time.monotonic()

    def _finish(self, tx: Tx, layout: Layout) -> None:
        one = imports.get(tx, self._id, lock=True)
        if one.attempt != self._attempt or one.status is not ImportStatus.STAGING:
            raise Superseded(self._id)
        staged = replace(
            one,
            status=ImportStatus.VALIDATING,
            layout=layout,
            staged_rows=self._rows,
            total_rows=self._rows,
            batches_total=-(-self._rows // one.batch_size),
            staged_at=tx.now,
        )
        imports.save(tx, one, staged)
        files.drop_file(tx, self._id)
        work = import_work(tx, one)
        work.audit(self._id, "import.staged", {"rows": self._rows, "format": layout.format})
        work.flush()
