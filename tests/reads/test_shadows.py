"""The application's login against whatever runs with the owner's rights: nothing of its own making may stand in the way."""

from collections.abc import Iterator
from contextlib import closing, suppress

import psycopg
import pytest
from psycopg import errors as pg

from tests.books import Books

PATH = "search_path=pg_catalog, public, pg_temp"
DEFINERS = {
    "all_org_ids()",
    "erase_customer(text,text,boolean)",
    "id_in_other_org(text)",
    "import_analyze()",
    "import_prune(text,bigint,bigint)",
    "operation_figures()",
    "outbox_lag()",
    "outbox_publish(integer)",
    "outbox_read(bigint,integer)",
    "prune_records(text,timestamp with time zone,integer)",
    "standing_work()",
    "webhook_fan_out(bigint,bigint)",
}
"""What the application executes with the owner's rights: each is needed by a process that serves it."""

TRAP = """CREATE FUNCTION pg_temp.trap() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  ALTER TABLE public.audit_events DISABLE TRIGGER USER;
  DELETE FROM public.audit_events;
  RETURN NULL;
END $$"""
SHADOWS = {
    "a table that erasing a trail writes to": (
        "CREATE TEMP TABLE audit_events (org_id text, subject_id text, payload text, salt bytea)",
        "INSERT INTO pg_temp.audit_events VALUES ('{org}', 's', 'p', '')",
        "CREATE TRIGGER t BEFORE UPDATE ON pg_temp.audit_events FOR EACH ROW EXECUTE FUNCTION pg_temp.trap()",
        "GRANT ALL ON pg_temp.audit_events TO PUBLIC",
        "SELECT audit_erase('s')",
    ),
    "a table that the relay publishes from": (
        "CREATE TEMP TABLE outbox_events (LIKE public.outbox_events INCLUDING DEFAULTS)",
        "INSERT INTO pg_temp.outbox_events (org_id, id, seq, type, subject, data) VALUES ('{org}', 'e', 1, 't', 's', '{{}}')",
        "CREATE TRIGGER t BEFORE UPDATE ON pg_temp.outbox_events FOR EACH ROW EXECUTE FUNCTION pg_temp.trap()",
        "GRANT ALL ON pg_temp.outbox_events TO PUBLIC",
        "SELECT outbox_publish(10)",
    ),
    "a table that a customer's erasure begins with": (
        "CREATE TEMP TABLE customer_changes (LIKE public.customer_changes INCLUDING DEFAULTS)",
        "CREATE TRIGGER t BEFORE UPDATE ON pg_temp.customer_changes FOR EACH STATEMENT EXECUTE FUNCTION pg_temp.trap()",
        "GRANT ALL ON pg_temp.customer_changes TO PUBLIC",
        "SELECT erase_customer('cust_none', 'chg_none', true)",
    ),
    "a view that a pruned import is looked up in": (
        "CREATE TEMP VIEW customer_imports AS SELECT '{org}'::text AS org_id, 'imp_x'::text AS id, pg_temp.says() AS ended_at",
        "GRANT ALL ON pg_temp.customer_imports TO PUBLIC",
        "SELECT import_prune('imp_x', 0, 1)",
    ),
}  # fmt: skip
SAYS = """CREATE FUNCTION pg_temp.says() RETURNS timestamptz LANGUAGE plpgsql AS $$ BEGIN
  ALTER TABLE public.audit_events DISABLE TRIGGER USER;
  DELETE FROM public.audit_events;
  RETURN now();
END $$"""


@pytest.fixture
def books(fresh_database_url: str) -> Iterator[Books]:
    made = Books(fresh_database_url)
    made.pay(made.customer(), 100, "2026-01-15")
    yield made
    made.close()


def events(database_url: str) -> int:
    with psycopg.connect(database_url) as owner:
        found = owner.execute("SELECT count(*) FROM audit_events").fetchone()
    assert found
    return int(found[0])


@pytest.mark.parametrize("what", SHADOWS)
def test_a_temporary_name_stands_in_for_nothing(books: Books, fresh_database_url: str, what: str) -> None:
    """Even where the right to make temporary tables has come back, and every function may be called."""
    with psycopg.connect(fresh_database_url, autocommit=True) as owner:
        (name,) = owner.execute("SELECT current_database()").fetchone() or ("",)
        owner.execute(f'GRANT TEMPORARY ON DATABASE "{name}" TO arflow_app')
        owner.execute("GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO arflow_app")
    before = events(fresh_database_url)
    with closing(psycopg.connect(fresh_database_url, autocommit=True)) as app:
        app.execute("SET SESSION AUTHORIZATION arflow_app")
        app.execute("SELECT set_config('arflow.org_id', %s, false)", (books.org,))
        app.execute(TRAP)
        app.execute(SAYS)
        *prepared, call = (sql.format(org=books.org) for sql in SHADOWS[what])
        for sql in prepared:
            app.execute(sql)
        with suppress(psycopg.Error):  # what the call itself makes of it does not matter
            app.execute(call)
    assert events(fresh_database_url) >= before > 0


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TEMP TABLE audit_events (n int)",
        "CREATE TEMP VIEW customers AS SELECT 1",
        "CREATE TEMP SEQUENCE outbox_position_seq",
        "CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE TYPE pg_temp.customers AS (n int)",
        "CREATE TABLE public.mine (n int)",
        "CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE SCHEMA mine",
        "SELECT audit_erase('x')",
        "CALL arflow_harden()",
    ],
)
@pytest.mark.parametrize("role", ["arflow_app", "arflow_loader"])
def test_the_application_makes_nothing_of_its_own(database_url: str, role: str, sql: str) -> None:
    with closing(psycopg.connect(database_url, autocommit=True)) as app:
        app.execute(f"SET SESSION AUTHORIZATION {role}")
        with pytest.raises(pg.InsufficientPrivilege):
            app.execute(sql)


def test_whatever_runs_for_somebody_else_looks_for_temporary_names_last(database_url: str) -> None:
    """Over the catalogue, so that functions yet to be written are held to it."""
    sql = """SELECT p.oid::regprocedure::text, p.prosecdef, coalesce(p.proconfig, '{}')
      FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
      WHERE p.pronamespace = 'public'::regnamespace AND (p.prosecdef OR l.lanname = 'plpgsql')"""
    with psycopg.connect(database_url) as owner:
        found = owner.execute(sql).fetchall()
    assert len(found) > 15
    assert {name for name, _, config in found if PATH not in config} == set()
    assert {name for name, definer, _ in found if definer} > DEFINERS


def test_nobody_executes_what_he_was_not_granted(database_url: str) -> None:
    sql = """SELECT p.oid::regprocedure::text, p.prosecdef, has_function_privilege('arflow_app', p.oid, 'EXECUTE'),
        p.proacl IS NULL OR EXISTS (SELECT FROM aclexplode(p.proacl) a WHERE a.grantee = 0), pg_get_userbyid(p.proowner),
        has_function_privilege('arflow_loader', p.oid, 'EXECUTE')
      FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace"""
    with psycopg.connect(database_url) as owner:
        found = owner.execute(sql).fetchall()
        (me,) = owner.execute("SELECT current_user").fetchone() or ("",)
        owner.execute("CREATE FUNCTION made_later() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'")
        later = "SELECT has_function_privilege('arflow_app', 'made_later()', 'EXECUTE')"
        assert owner.execute(later).fetchone() == (False,)
        owner.rollback()
    assert {name for name, definer, app, *_ in found if definer and app} == DEFINERS
    assert {name for name, _, _, everybody, *_ in found if everybody} == set()
    assert {owned for *_, owned, _ in found} == {me}
    assert {name for name, *_, loader in found if loader} == set()


def test_after_a_migration_a_function_that_forgot_is_closed(fresh_database_url: str) -> None:
    with psycopg.connect(fresh_database_url, autocommit=True) as owner:
        owner.execute("CREATE FUNCTION forgot() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'")
        owner.execute("GRANT EXECUTE ON FUNCTION forgot() TO PUBLIC")
        owner.execute("CALL arflow_harden()")
        sql = "SELECT proconfig, has_function_privilege('arflow_app', oid, 'EXECUTE') FROM pg_proc WHERE proname = 'forgot'"
        assert owner.execute(sql).fetchone() == ([PATH], False)


def test_every_table_with_an_organisation_has_its_policy_or_is_out_of_reach(database_url: str) -> None:
    sql = """SELECT c.relname, c.relrowsecurity AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid),
        coalesce((SELECT string_agg(DISTINCT a.grantee::regrole || ' ' || a.privilege_type, ', ')
                    FROM aclexplode(c.relacl) a WHERE a.grantee NOT IN (c.relowner, coalesce((SELECT oid FROM pg_roles
                      WHERE rolname = 'arflow_verifier'), 0))), '')
      FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
        AND EXISTS (SELECT FROM pg_attribute t WHERE t.attrelid = c.oid AND t.attname = 'org_id' AND NOT t.attisdropped)"""
    with psycopg.connect(database_url) as owner:
        tables = owner.execute(sql).fetchall()
    assert len(tables) > 40
    assert {name: granted for name, guarded, granted in tables if not guarded} == {
        "import_line_data": "arflow_loader INSERT",
        "import_row_data": "arflow_loader INSERT",
    }


def test_whoever_verifies_changes_nothing(books: Books, fresh_database_url: str) -> None:
    with closing(psycopg.connect(fresh_database_url, autocommit=True)) as verifier:
        verifier.execute("SET SESSION AUTHORIZATION arflow_verifier")
        assert verifier.execute("SELECT count(*) > 0 FROM audit_events").fetchone() == (True,)
        for sql in (
            "UPDATE invoices SET customer_id = NULL", "DELETE FROM payments", "INSERT INTO audit_seals DEFAULT VALUES",
            "SELECT audit_erase('x')", "SELECT outbox_publish(1)",
            "SELECT secret FROM webhook_endpoints", "CREATE TEMP TABLE audit_events (n int)",
        ):  # fmt: skip
            with pytest.raises(pg.InsufficientPrivilege):
                verifier.execute(sql)
