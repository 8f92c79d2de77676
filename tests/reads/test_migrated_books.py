"""Books of an earlier schema still verify once they are migrated, and are held as closely as those written since."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from alembic import command

from models.db.engine import transaction
from models.db.migrate import config, migrate
from operations.seals import seal
from tests.books import Books
from tests.reads.test_verify import Worked
from tests.stack_fixtures.shared import SharedServers

DATA = Path(__file__).parents[1] / "data" / "books_at_0151.sql"
ERASED = "cust_01m82dgvvjejfa8f73j7s1hkwp"
PAYMENT = "pay_01m82dgvrrekfaq6hej7x4kexg"


class Migrated(Books):
    """The organisation of the file, which is there already."""

    def __init__(self, owner_url: str) -> None:
        super().__init__(owner_url)
        self.org = "org_before"
        self.who = replace(self.who, org_id=self.org)


@pytest.fixture(scope="module")
def migrated(shared_servers: SharedServers) -> Iterator[Worked]:
    name = f"arflow_migrated_{os.urandom(6).hex()}"
    with psycopg.connect(shared_servers.postgres_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    url = shared_servers.database_url(name)
    command.upgrade(config(url.replace("postgresql://", "postgresql+psycopg://", 1)), "0151_bank_account_numbers")
    with psycopg.connect(url) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(DATA.read_text())
    migrate(url)
    books = Migrated(url)
    yield Worked(books, {})
    books.close()
    shared_servers.drop_database(name)


def test_earlier_books_verify_and_go_on(migrated: Worked) -> None:
    assert migrated.breaches() == {}
    books = migrated.books
    told = [e for e in books.get("/v1/audit-events", subject_id="org_before")["items"] if e["action"] == "trail.erased"]
    assert [e["payload"] for e in told] == [{"subjects": {ERASED: 2}}]
    customer = books.get(f"/v1/customer-payments/{PAYMENT}")["customer_id"]
    books.reverse(PAYMENT, "2026-01-25")
    books.apply(books.pay(customer, 30, "2026-01-26"), (books.invoice(customer, 30, "2026-01-26"), 30))
    with transaction(books.engine, books.org, snapshot=True) as tx:
        seal(tx)
    assert migrated.breaches() == {}


def test_the_entries_of_a_payment_keep_their_order(migrated: Worked) -> None:
    entries = migrated.books.get("/v1/journal-entries", source_id=PAYMENT)["items"]
    assert [e["kind"] for e in entries][:2] == ["application", "application"]
    assert [e["created_at"] for e in entries] == sorted(e["created_at"] for e in entries)


EARLIER = {
    "an event's content": (PAYMENT, f"UPDATE audit_events SET payload = NULL, salt = NULL WHERE subject_id = '{PAYMENT}'"),
    "a sealed head": ("2026-11-22T20:00:22.892488", "DELETE FROM audit_seal_heads WHERE subject_id = 'org_before' AND seq = 1"),
    "what an erased customer's event was": (ERASED, f"UPDATE audit_events SET action = 'x' WHERE subject_id = '{ERASED}'"),
}  # fmt: skip


@pytest.mark.parametrize("what", EARLIER)
def test_what_is_done_to_earlier_rows_is_named(migrated: Worked, what: str) -> None:
    record, sql = EARLIER[what]
    found = migrated.breaches_after(sql)
    assert any(record in text for texts in found.values() for text in texts), found
