"""Partner feeds: files that appear in a watched folder become imports, each content exactly once.

`<home>/<org id>/<legal entity id>/file`. A file is taken once nobody has written to it for a while; a name that begins with
a dot or ends in `.part` is not ready. What was taken moves to `done/`, what is refused to `rejected/`. The import waits for
its manager like any other. The content's hash is the idempotency key: a crash anywhere here takes no file twice.
"""

import hashlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import Engine

from models.access import AR_CLERK, Principal
from models.db.engine import transaction
from models.db.imports import files, imports
from models.db.organisations import all_org_ids
from models.errors import Refusal
from models.ids import new_id
from models.imports.requests import ImportOptions, SubmitImport
from operations.commands import Submission, submit
from operations.execution import workflow_id
from operations.imports.ends import own_work
from operations.runner import OPERATIONS, execute_kept

FEED_USER: Final = "partner_feed"
QUIET_SECONDS: Final = 2.0


@dataclass(frozen=True)
class Collected:
    """An import that a file became (now or, where a crash came between, before)."""

    org_id: str
    import_id: str
    command_id: str


def collect(engine: Engine, home: Path) -> list[Collected]:
    """Take every file that is ready. The files stay where they are until `put_away`."""
    return [one for org, entity, path in _ready(engine, home) if (one := _take(engine, org, entity, path)) is not None]


def put_away(engine: Engine, home: Path, started: list[str]) -> None:
    """Move the files whose imports have been started to `done/`."""
    for org, _, path in _ready(engine, home):
        with transaction(engine, org, durable=False) as tx:
            mine = imports.uploaded_by(tx, FEED_USER, _digest(path))
        if mine & set(started):
            _move(path, "done")


def _ready(engine: Engine, home: Path) -> Iterator[tuple[str, str, Path]]:
    orgs = set(all_org_ids(engine))
    for path in sorted(home.glob("*/*/*")):
        org, entity = path.parts[-3:-1]
        hidden = path.name.startswith(".") or path.name.endswith(".part")
        if org not in orgs or hidden or path.is_symlink() or not path.is_file():
            continue
        if time.time() - path.stat().st_mtime >= QUIET_SECONDS:
            yield org, entity, path


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _take(engine: Engine, org: str, entity: str, path: Path) -> Collected | None:
    digest, import_id = _digest(path), new_id("imp")
    who = Principal(FEED_USER, org, frozenset({AR_CLERK}))
    try:
        options = ImportOptions(source="partner_feed", legal_entity_id=entity)
        # The name is no part of the file: the same content is the same file.
        body = SubmitImport(options=options, file_hash=digest, file_bytes=path.stat().st_size)
        said = Submission(
            "import.submit", f"/feeds/{entity}", body, digest, True, new_id("req"), import_id, import_id,
            workflow_id=workflow_id(OPERATIONS["import.submit"].execution, import_id, ""),
        )  # fmt: skip
        kept = submit(engine, who, said)
        import_id = kept.resource_id or import_id
        if kept.answer is None:
            with path.open("rb") as file:
                files.keep_file(engine, org, import_id, iter(lambda: file.read(files.PIECE), b""))
            execute_kept(engine, org, kept)
    except (Refusal, ValueError) as no:
        _reject(engine, org, path, digest, no.code if isinstance(no, Refusal) else "FEED_FOLDER_INVALID")
        return None
    return Collected(org, import_id, kept.command_id)


def _reject(engine: Engine, org: str, path: Path, digest: str, code: str) -> None:
    with transaction(engine, org) as tx:
        work = own_work(tx, "import.run", new_id("req"), None, org)
        work.open_exception("partner_feed", code, f"feed:{digest[:24]}", owner_role="ops", detail={"file": path.name})
        work.flush()
    _move(path, "rejected")


def _move(path: Path, to: str) -> None:
    target = path.parent / to
    target.mkdir(exist_ok=True)
    path.replace(target / f"{time.time_ns()}-{path.name}")
