"""An import driven by the very operations that the activities call, without Temporal: for many small cases."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine

from models.access import Principal
from models.db.engine import make_engine, transaction
from models.db.imports import records as imports
from models.db.imports import rows as import_rows
from models.ids import new_id
from operations import registry
from operations.customers.bootstrap import bootstrap_customers
from operations.imports import execution as import_execution
from operations.imports import staging as import_staging
from operations.imports import validation as import_validation
from operations.organisations import create_organisation
from operations.runner import Submission, execute, submit

assert registry
CALM = 10**9


@dataclass
class Desk:
    """One organisation's imports."""

    engine: Engine
    org: str
    owner: Engine
    made: list[str] = field(default_factory=list)

    def customers(self, *rows: dict[str, Any]) -> list[str]:
        """Master records that are there before."""
        with transaction(self.engine, self.org) as tx:
            return bootstrap_customers(tx, [{"legal_entity_id": "le_us", **r} for r in rows])

    def sql(self, statement: str, **params: Any) -> list[dict[str, Any]]:
        with transaction(self.engine, self.org) as tx:
            return [dict(r) for r in tx.all(statement, **params)]

    def upload(self, content: bytes, pieces: int = imports.PIECE, **options: Any) -> str:
        import_id = new_id("imp")
        body = {
            "options": {"source": "csv", "legal_entity_id": "le_us", **options},
            "file_name": "f",
            "file_hash": hashlib.sha256(content).hexdigest(),
            "file_bytes": len(content),
        }
        who = Principal("u_clerk", self.org, frozenset({"ar_clerk"}))
        kept = submit(
            self.engine, who, Submission("import.submit", "/i", body, import_id, True, "req", import_id, import_id)
        )
        imports.keep_file(
            self.engine, self.org, import_id, [content[i : i + pieces] for i in range(0, len(content), pieces)]
        )
        execute(self.engine, self.org, kept.command_id)
        return import_id

    def row(self, import_id: str) -> dict[str, Any]:
        with transaction(self.engine, self.org) as tx:
            return dict(imports.get(tx, import_id))

    def validated(self, content: bytes, **options: Any) -> str:
        import_id = self.upload(content, **options)
        import_staging.stage(self.engine, self.org, import_id, lambda _: None)
        import_validation.validate(self.engine, self.org, import_id, lambda _: None, CALM)
        return import_id

    def run(self, content: bytes, *, slices: float = CALM, **options: Any) -> dict[str, Any]:
        """To the end; `slices` seconds per call of the execution (0: one batch a call)."""
        import_id = self.validated(content, **options)
        if self.row(import_id)["status"] == "AWAITING_REVIEW":
            with transaction(self.engine, self.org) as tx:
                imports.update(tx, import_id, status="EXECUTING", started_at=tx.now)
        while self.row(import_id)["status"] == "EXECUTING":
            import_execution.execute(self.engine, self.org, import_id, lambda _: None, slices)
        return self.row(import_id)

    def outcomes(self, import_id: str) -> list[tuple[int, str, tuple[str, ...]]]:
        with transaction(self.engine, self.org) as tx:
            rows = import_rows.page(tx, self.row(import_id), 0, 100_000, None)
        return [(r["row_no"], r["outcome"], tuple(r["codes"] or ())) for r in rows]


@contextmanager
def desk(database_url: str) -> Iterator[Desk]:
    owner, engine = make_engine(database_url, role=None, pool_size=1), make_engine(database_url, pool_size=3)
    try:
        yield another(Desk(engine, "", owner))
    finally:
        engine.dispose()
        owner.dispose()


def another(of: Desk) -> Desk:
    """The desk of a new organisation in the same database."""
    org = f"org_{os.urandom(6).hex()}"
    with transaction(of.owner, org) as tx:
        create_organisation(tx, "Test")
    return Desk(of.engine, org, of.owner)
