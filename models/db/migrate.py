"""Applies the migrations, forward-only, and replaces the functions (migrations/run_sql.py)."""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import psycopg
import structlog
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from models.db.engine import VERIFY_ROLE, driver_url
from models.db.migrations.run_sql import replace_functions
from models.db.postgres.connection import Access
from models.mendable import Mendable

MIGRATIONS = Path(__file__).parent / "migrations"
LOCK_TRIES: Final = 300
"""So often a step waits for its locks, each time for less than a second: five minutes and more of a busy table."""
SAID_EVERY: Final = 30
HELD: Final = (
    "another session holds a lock that a migration needs, for longer than it waits; nothing is half done: see who, by "
    "pg_blocking_pids in pg_stat_activity, end it or wait for it, and run it again"
)
log = structlog.get_logger("arflow.migrate")


def config(database_url: str) -> Config:
    c = Config()
    c.set_main_option("script_location", str(MIGRATIONS))
    c.set_main_option("sqlalchemy.url", database_url.replace("%", "%%"))
    return c


def migrate(database_url: str) -> None:
    """Bring the database at `database_url` (the owner's URL) to the newest schema; make the roles first. Functions follow
    the tables, and only where these have moved: an older build that starts again takes nothing back. Afterwards nobody has
    more rights in it than each needs, a database restored or copied without its grants included."""
    with psycopg.connect(**Access(driver_url(database_url, for_sqlalchemy=False), role=None).arguments) as c:
        c.execute("SELECT pg_advisory_lock(hashtext('arflow.migrate'))")
        for role in ("arflow_app", "arflow_loader"):
            if not c.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone():
                # Another database of the same cluster may be first.
                with suppress(psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
                    c.execute(f"CREATE ROLE {role} NOLOGIN NOSUPERUSER NOBYPASSRLS")
            c.execute(f"GRANT {role} TO CURRENT_USER")
        _verifier(c)
        before = _revision(c)
        if before is not None and before not in _known():
            _must_be_served(c, before)
            return
        until_unlocked(lambda: command.upgrade(config(driver_url(database_url)), "head"))
        until_unlocked(lambda: _finish(c, before))


def _finish(c: "psycopg.Connection[tuple[object, ...]]", before: str | None) -> None:
    """What follows the tables: functions, rights, and which builds may go on beside."""
    with c.transaction():
        c.execute("SET LOCAL lock_timeout = '900ms'")
        if _revision(c) != before:
            replace_functions(c)
        c.execute("CALL arflow_harden()")
        served = _served()
        c.execute("DELETE FROM schema_serves WHERE NOT revision = ANY(%s)", (served,))
        c.execute("INSERT INTO schema_serves SELECT unnest(%s::text[]) ON CONFLICT DO NOTHING", (served,))


def until_unlocked(step: Callable[[], None], tries: int = LOCK_TRIES, pause: float = 1.0) -> None:
    """Take a step whose locks are waited for less than a second, again and again: whoever waits behind it for a table waits no
    longer, and gets through in between. Raises StillLocked after the last try."""
    for left in reversed(range(tries)):
        try:
            step()
            return
        except (psycopg.errors.LockNotAvailable, OperationalError) as error:
            cause = error.orig if isinstance(error, OperationalError) else error
            if not isinstance(cause, psycopg.errors.LockNotAvailable):
                raise
            if not left:
                raise StillLocked(HELD) from None
            if left % SAID_EVERY == (tries - 1) % SAID_EVERY:
                log.warning("a migration waits for a lock that another session holds", tries_left=left)
            time.sleep(pause)


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(config("postgresql://"))


def _known() -> set[str]:
    return {script.revision for script in _scripts().walk_revisions()}


def _served() -> list[str]:
    """The heads of builds that work with this build's schema: back to the last migration that takes something away, which
    says so itself (`contracts = True`)."""
    found = []
    for script in _scripts().walk_revisions():
        found.append(script.revision)
        if getattr(script.module, "contracts", False):
            break
    return found


def _must_be_served(c: "psycopg.Connection[tuple[object, ...]]", at: str) -> None:
    """A newer build has been here: there is nothing to do where it left this one a place."""
    head = _scripts().get_current_head()
    if c.execute("SELECT 1 FROM schema_serves WHERE revision = %s", (head,)).fetchone() is None:
        raise TooOld(f"the database is at {at}, and does not serve this build ({head}) any more: start a newer one")


class StillLocked(Mendable):
    """Somebody has held a lock for as long as it was waited for."""


class TooOld(Mendable):
    """The database has gone on without this build."""


def _revision(c: "psycopg.Connection[tuple[object, ...]]") -> str | None:
    """Where the database stands; None where it has nothing yet."""
    if c.execute("SELECT to_regclass('alembic_version')").fetchone() == (None,):
        return None
    found = c.execute("SELECT version_num FROM alembic_version").fetchone()
    return None if found is None else str(found[0])


def _verifier(c: "psycopg.Connection[tuple[object, ...]]") -> None:
    """The role that `arflow verify` takes: it reads everything, row-level security aside, and changes nothing. An owner
    who may make no such role goes without, and `verify` reads as the application does."""
    with suppress(psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation, psycopg.errors.InsufficientPrivilege):
        if not c.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (VERIFY_ROLE,)).fetchone():
            c.execute(f"CREATE ROLE {VERIFY_ROLE} NOLOGIN NOSUPERUSER BYPASSRLS")
    with suppress(psycopg.errors.InsufficientPrivilege, psycopg.errors.UndefinedObject):
        if c.execute("SELECT pg_has_role(%s, 'MEMBER')", (VERIFY_ROLE,)).fetchone() != (True,):
            c.execute(f"GRANT {VERIFY_ROLE} TO CURRENT_USER")


def pending(engine: Engine) -> str | None:
    """What is wrong with the schema for this build, in a sentence; None where it serves. A newer build may have moved the
    database on: as long as it only added to it, this one goes on."""
    head = _scripts().get_current_head()
    with engine.connect() as c:
        at = MigrationContext.configure(c, opts={"version_table": "alembic_version"}).get_current_revision()
        if at == head:
            return None
        if at is None or at in _known():
            return f"the database lacks migration {head}: run arflow migrate"
        if c.execute(text("SELECT 1 FROM schema_serves WHERE revision = :head"), {"head": head}).first() is not None:
            return None
    return f"the database is at {at}, and does not serve this build ({head}) any more: start a newer one"
