"""What the database itself refuses, whoever writes: entries that do not balance, anything altered, another's rows."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg
import pytest
from psycopg import errors as pg

from tests.books import Books

ENTRY = (
    "INSERT INTO journal_entries (org_id, id, entry_date, kind, source_id, legal_entity_id, functional_currency, digest)"
    " VALUES ('{org}', 'je_x', '2026-01-05', 'receipt', '{payment}', 'le_us', 'USD', '')"
)
LINES = (
    "INSERT INTO journal_lines (org_id, entry_id, line_no, account, debit_minor, credit_minor, currency_code,"
    " functional_debit_minor, functional_credit_minor) VALUES {lines}"
)


def line(number: int, account: str, debit: int, credit: int, entry: str = "je_x") -> str:
    return f"('{{org}}', '{entry}', {number}, '{account}', {debit}, {credit}, 'USD', {debit}, {credit})"


def lines(*rows: str) -> str:
    return LINES.format(lines=", ".join(rows))


@pytest.fixture(scope="module")
def names(database_url: str) -> Iterator[dict[str, str]]:
    """An organisation with an invoice, a payment, and an entry that applied the one to the other."""
    books = Books(database_url)
    customer = books.customer()
    invoice, payment = books.invoice(customer, 1000, "2026-01-05"), books.pay(customer, 400, "2026-01-15")
    entry = books.apply(payment, (invoice, 400))["journal_entry_id"]
    yield {"org": books.org, "invoice": invoice, "payment": payment, "entry": entry}
    books.close()


def attempt(database_url: str, role: str | None, org: str, *statements: str) -> None:
    """The statements in one transaction, committed; as the owner of the database, or as the application's role."""
    with closing(psycopg.connect(database_url)) as connection:
        if role:
            connection.execute(f"SET LOCAL ROLE {role}")
        connection.execute("SELECT set_config('arflow.org_id', %s, true)", (org,))
        for sql in statements:
            connection.execute(sql)
        connection.commit()


REFUSED: dict[str, tuple[Any, ...]] = {
    "an entry that does not balance": (ENTRY, lines(line(1, "cash", 5, 0), line(2, "revenue", 0, 4))),
    "an entry of one line": (ENTRY, lines(line(1, "cash", 0, 0))),
    "an entry without lines": (ENTRY,),
    "a line on both sides": (ENTRY, lines(line(1, "cash", 5, 5), line(2, "revenue", 0, 0))),
    "a negative line": (ENTRY, lines(line(1, "cash", -5, 0), line(2, "revenue", 0, -5))),
    "an account that is none": (ENTRY, lines(line(1, "pocket", 5, 0), line(2, "revenue", 0, 5))),
    "lines added to an entry later": (lines(line(8, "cash", 5, 0, "{entry}"), line(9, "revenue", 0, 5, "{entry}")),),
    "lines that balance, added in the same transaction": (
        ENTRY, lines(line(1, "cash", 5, 0), line(2, "revenue", 0, 5)), lines(line(3, "cash", 7, 0), line(4, "revenue", 0, 7)),
    ),
    "lines without an entry": (lines(line(1, "cash", 5, 0), line(2, "revenue", 0, 5)),),
    "a changed entry": ("UPDATE journal_entries SET entry_date = '2026-01-06' WHERE id = '{entry}'",),
    "a deleted entry": ("DELETE FROM journal_entries WHERE id = '{entry}'",),
    "a changed line": ("UPDATE journal_lines SET debit_minor = 1 WHERE entry_id = '{entry}'",),
    "a deleted line": ("DELETE FROM journal_lines WHERE entry_id = '{entry}'",),
    "no lines at all any more": ("TRUNCATE journal_lines CASCADE",),
    "a changed audit event": ("UPDATE audit_events SET actor = 'u_nobody' WHERE subject_id = '{payment}'",),
    "an audit event that says something else": (
        "UPDATE audit_events SET payload = '{{}}' WHERE subject_id = '{payment}'",
    ),
    "a deleted audit event": ("DELETE FROM audit_events WHERE subject_id = '{payment}'",),
    "no audit events at all any more": ("TRUNCATE audit_events",),
    "an over-applied payment": ("UPDATE payments SET applied_minor = 401 WHERE id = '{payment}'",),
    "a payment that holds more than it has": ("UPDATE payments SET credit_held_minor = 1 WHERE id = '{payment}'",),
    "an over-paid invoice": ("UPDATE invoices SET balance_due_minor = -1 WHERE id = '{invoice}'",),
    "an invoice that owes more than it was": ("UPDATE invoices SET balance_due_minor = 1001 WHERE id = '{invoice}'",),
    "a status against the amounts": ("UPDATE payments SET status = 'UNAPPLIED' WHERE id = '{payment}'",),
    "an invoice's status against its balance": ("UPDATE invoices SET status = 'PAID' WHERE id = '{invoice}'",),
}  # fmt: skip


@pytest.mark.parametrize("role", [None, "arflow_app"], ids=["owner", "application"])
@pytest.mark.parametrize("what", REFUSED)
def test_the_database_refuses(database_url: str, names: dict[str, str], what: str, role: str | None) -> None:
    with pytest.raises((pg.IntegrityError, pg.GeneratedAlways, pg.InsufficientPrivilege)):
        attempt(database_url, role, names["org"], *(sql.format(**names) for sql in REFUSED[what]))


def test_a_balanced_entry_is_taken(database_url: str, names: dict[str, str]) -> None:
    """The same statements without the fault: it is the fault that was refused."""
    with psycopg.connect(database_url) as connection:
        connection.execute("SELECT set_config('arflow.org_id', %s, true)", (names["org"],))
        for sql in (ENTRY, lines(line(1, "cash", 5, 0), line(2, "revenue", 0, 5)), "SET CONSTRAINTS ALL IMMEDIATE"):
            connection.execute(sql.format(**names))
        connection.rollback()


@pytest.mark.parametrize("isolation", [psycopg.IsolationLevel.READ_COMMITTED, psycopg.IsolationLevel.REPEATABLE_READ])
def test_lines_added_behind_an_older_snapshot_are_refused(
    database_url: str, names: dict[str, str], isolation: psycopg.IsolationLevel
) -> None:
    """Who began before the entry was committed does not see that it has its lines already."""
    entry = f"je_{isolation.name.lower()}"
    said = [
        sql.format(**names).replace("je_x", entry)
        for sql in (ENTRY, lines(line(1, "cash", 5, 0), line(2, "revenue", 0, 5)))
    ]
    with closing(psycopg.connect(database_url)) as late, closing(psycopg.connect(database_url)) as first:
        late.isolation_level = isolation
        late.execute("SELECT count(*) FROM journal_lines")
        for sql in said:
            first.execute(sql)
        first.commit()
        with pytest.raises(pg.IntegrityError):
            late.execute(lines(line(3, "cash", 5, 0, entry), line(4, "revenue", 0, 5, entry)).format(**names))


# Tables that hold nothing of one organisation's: a central bank's rates, how far readers have come, kinds of ids, which
# processes were seen, which builds are served, the migration's own mark.
EVERYBODYS = {"alembic_version", "ecb_rates", "outbox_cursors", "processes_seen", "record_kinds", "schema_serves"}


def test_every_table_of_an_organisation_is_behind_row_level_security(database_url: str) -> None:
    sql = """SELECT c.relname, c.relrowsecurity, EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid),
        EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'org_id' AND NOT a.attisdropped),
        has_any_column_privilege('arflow_app', c.oid, 'SELECT, INSERT, UPDATE')
          OR has_table_privilege('arflow_app', c.oid, 'DELETE')
      FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')"""
    with psycopg.connect(database_url) as connection:
        tables = connection.execute(sql).fetchall()
        me = connection.execute("SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = 'arflow_app'").fetchone()
        owned = connection.execute(
            "SELECT relname FROM pg_class WHERE relowner::regrole::text = 'arflow_app'"
        ).fetchall()
    assert len(tables) > 30
    open_ones = {name for name, secured, policy, _, reachable in tables if reachable and not (secured and policy)}
    assert open_ones <= EVERYBODYS, open_ones
    assert {name for name, _, _, ours, reachable in tables if reachable and not ours} <= EVERYBODYS
    assert (me, owned) == ((False, False), [])


def test_the_application_sees_and_writes_its_own_organisation_only(database_url: str, names: dict[str, str]) -> None:
    counted = "SELECT count(*) FROM payments WHERE id = %s"
    with psycopg.connect(database_url) as connection:
        connection.execute("SET ROLE arflow_app")
        for org, seen in ((names["org"], 1), ("org_another", 0), ("", 0)):
            connection.execute("SELECT set_config('arflow.org_id', %s, true)", (org,))
            assert connection.execute(counted, (names["payment"],)).fetchone() == (seen,)
    foreign = ENTRY.format(org="org_another", payment="p")
    with pytest.raises(pg.InsufficientPrivilege):
        attempt(database_url, "arflow_app", names["org"], foreign)
    with psycopg.connect(database_url) as connection:
        connection.execute("SET SESSION AUTHORIZATION arflow_app")
        for sql in ("SET ROLE postgres", "ALTER TABLE payments DISABLE ROW LEVEL SECURITY", "TRUNCATE payments"):
            with pytest.raises((pg.InsufficientPrivilege, pg.UndefinedObject)), connection.transaction():
                connection.execute(sql)
        connection.execute("SET row_security = off")  # asks for an error where rows would be filtered, not for the rows
        with pytest.raises(pg.InsufficientPrivilege):
            connection.execute("SELECT * FROM payments")
