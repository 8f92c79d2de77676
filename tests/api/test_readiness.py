"""What `/readyz` and `arflow migrate` say of a database that is behind its build, or ahead of it."""

import time

import psycopg
import pytest

from models.db.engine import make_engine
from models.db.migrate import StillLocked, TooOld, migrate, pending, until_unlocked


def test_a_database_behind_its_build_is_named_with_the_migration_it_lacks(fresh_database_url: str) -> None:
    engine = make_engine(fresh_database_url, pool_size=1)
    assert not pending(engine)
    with psycopg.connect(fresh_database_url) as connection:
        ((newest,),) = connection.execute("SELECT version_num FROM alembic_version").fetchall()
        connection.execute("UPDATE alembic_version SET version_num = '0151_bank_account_numbers'")
    assert f"lacks migration {newest}: run arflow migrate" in str(pending(engine))
    engine.dispose()


def test_a_build_behind_a_database_that_was_only_added_to_is_ready_and_migrates_nothing(
    fresh_database_url: str,
) -> None:
    engine = make_engine(fresh_database_url, pool_size=1)
    with psycopg.connect(fresh_database_url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999_of_a_newer_build'")
    assert pending(engine) is None
    migrate(fresh_database_url)
    with psycopg.connect(fresh_database_url) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == ("9999_of_a_newer_build",)
        connection.execute("DELETE FROM schema_serves")  # the newer build took something away
    assert "does not serve this build" in str(pending(engine))
    with pytest.raises(TooOld, match="9999_of_a_newer_build"):
        migrate(fresh_database_url)
    engine.dispose()


def test_a_step_that_waits_for_a_lock_lets_everybody_through_and_is_tried_again(fresh_database_url: str) -> None:
    waits: list[float] = []
    with psycopg.connect(fresh_database_url) as reader, psycopg.connect(fresh_database_url) as migrating:
        reader.execute("SELECT count(*) FROM payments")

        def step() -> None:
            began = time.monotonic()
            try:
                with migrating.transaction():
                    migrating.execute("SET LOCAL lock_timeout = '300ms'")
                    migrating.execute("ALTER TABLE payments ADD COLUMN more text")
            finally:
                waits.append(time.monotonic() - began)

        with pytest.raises(StillLocked, match="nothing is half done"):
            until_unlocked(step, tries=2, pause=0.05)
        reader.rollback()
        until_unlocked(step, tries=2, pause=0.05)
    assert len(waits) == 3
    assert max(waits) < 1.0
