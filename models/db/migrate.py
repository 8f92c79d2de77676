"""Applies the migrations, forward-only, and replaces the functions (migrations/run_sql.py)."""

from contextlib import suppress
from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from models.db.engine import VERIFY_ROLE, driver_url
from models.db.migrations.run_sql import replace_functions

MIGRATIONS = Path(__file__).parent / "migrations"


def config(database_url: str) -> Config:
    c = Config()
    c.set_main_option("script_location", str(MIGRATIONS))
    c.set_main_option("sqlalchemy.url", database_url.replace("%", "%%"))
    return c


def migrate(database_url: str) -> None:
    """Bring the database at `database_url` (the owner's URL) to the newest schema; make the roles first. Functions follow
    the tables, and only where these have moved: an older build that starts again takes nothing back. Afterwards nobody has
    more rights in it than each needs, a database restored or copied without its grants included."""
    with psycopg.connect(driver_url(database_url, for_sqlalchemy=False), autocommit=True) as c:
        c.execute("SELECT pg_advisory_lock(hashtext('arflow.migrate'))")
        for role in ("arflow_app", "arflow_loader"):
            if not c.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone():
                # Another database of the same cluster may be first.
                with suppress(psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
                    c.execute(f"CREATE ROLE {role} NOLOGIN NOSUPERUSER NOBYPASSRLS")
            c.execute(f"GRANT {role} TO CURRENT_USER")
        _verifier(c)
        before = _revision(c)
        command.upgrade(config(driver_url(database_url)), "head")
        with c.transaction():
            if _revision(c) != before:
                replace_functions(c)
            c.execute("CALL arflow_harden()")


def _revision(c: "psycopg.Connection[tuple[object, ...]]") -> object:
    """Where the database stands; None where it has nothing yet."""
    if c.execute("SELECT to_regclass('alembic_version')").fetchone() == (None,):
        return None
    return c.execute("SELECT version_num FROM alembic_version").fetchone()


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
    """The newest migration's name if the database does not have it yet, else None."""
    head = ScriptDirectory.from_config(config("postgresql://")).get_current_head()
    with engine.connect() as c:
        at = MigrationContext.configure(c, opts={"version_table": "alembic_version"}).get_current_revision()
    return None if at == head else head
