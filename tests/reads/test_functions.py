"""The database's functions are what their files say, with the rights and the search path that they had."""

import psycopg

from models.db.migrate import migrate
from models.db.migrations.run_sql import replace_functions

_FUNCTIONS = """SELECT p.oid::regprocedure::text, pg_get_functiondef(p.oid), p.proacl::text FROM pg_proc p
  WHERE p.pronamespace = 'public'::regnamespace ORDER BY 1"""
_ANOTHER = "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$"


def test_replacing_the_functions_changes_nothing_of_a_migrated_database(fresh_database_url: str) -> None:
    with psycopg.connect(fresh_database_url) as connection:
        before = connection.execute(_FUNCTIONS).fetchall()
        replace_functions(connection)
        assert connection.execute(_FUNCTIONS).fetchall() == before
        connection.execute(_ANOTHER)
        assert connection.execute(_FUNCTIONS).fetchall() != before
        replace_functions(connection)
        assert connection.execute(_FUNCTIONS).fetchall() == before


def test_a_build_that_brings_no_migration_leaves_functions_alone(fresh_database_url: str) -> None:
    """One that is older than the database would take back what a newer one has replaced."""
    newer = "SELECT prosrc FROM pg_proc WHERE proname = 'refuse_change'"
    with psycopg.connect(fresh_database_url, autocommit=True) as connection:
        connection.execute(_ANOTHER)
        was = connection.execute(newer).fetchall()
        migrate(fresh_database_url)
        assert connection.execute(newer).fetchall() == was
