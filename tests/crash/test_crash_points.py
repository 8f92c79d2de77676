"""Every posting operation, interrupted before and after each SQL statement and each commit.

Afterwards either nothing of it is there or everything, and the request sent again succeeds exactly once.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import psycopg
import pytest

from models.db.engine import make_engine
from tests.cash_desk.books import opened, wrong_in
from tests.cash_desk.desk import Desk, new_organisation
from tests.crash.attempts import OPERATIONS, Attempt
from tests.crash.faults import Faults
from tests.stack_fixtures.shared import SharedServers

TABLES = (
    "invoices", "payments", "application_sessions", "payment_applications", "customer_credits", "journal_entries",
    "journal_lines", "audit_events", "audit_heads", "outbox_events", "exceptions", "reconciliations",
    "reconciliation_payments", "statements", "statement_lines", "periods", "adjustments", "credit_notes",
    "credit_note_applications",
    "write_offs", "approvals", "approval_steps",
    "approval_decisions", "authority_limits", "deductions",
)  # fmt: skip

WRITES = ("INSERT INTO", "UPDATE ", "WITH ", "audit_append")


@dataclass
class Site:
    """Where the crashes happen."""

    desk: Desk
    faults: Faults
    owner: "psycopg.Connection[dict]"

    def rows(self) -> dict[str, int]:
        """How many rows each table holds of this organisation."""
        each = (f"(SELECT count(*) FROM {t} WHERE org_id = %(org)s) AS {t}" for t in TABLES)
        return dict(self._row(f"SELECT {', '.join(each)}"))

    def picture(self) -> dict[str, int]:
        """A fingerprint of everything but the commands, table by table: a sum over its rows, each as a whole."""
        each = (
            f"(SELECT sum(hash_record_extended(t, 0)) FROM {name} t WHERE org_id = %(org)s) AS {name}"
            for name in TABLES
        )
        return dict(self._row(f"SELECT {', '.join(each)}"))

    def _row(self, sql: str) -> dict:
        row = self.owner.execute(sql, {"org": self.desk.org}).fetchone()
        self.owner.rollback()
        assert row is not None
        return row


@pytest.fixture(scope="module")
def database(shared_servers: SharedServers) -> Iterator[str]:
    """One for all of them, each in an organisation of its own: what they leave is looked at by nobody else."""
    name = f"arflow_crash_{os.urandom(6).hex()}"
    yield shared_servers.create_database(name)
    shared_servers.drop_database(name)


@pytest.fixture
def site(database: str) -> Iterator[Site]:
    engine = make_engine(database, pool_size=2)
    faults, owner = Faults(engine, database), opened(database)
    yield Site(Desk(engine, new_organisation(database)), faults, owner)
    faults.close()
    owner.close()
    engine.dispose()


@pytest.mark.parametrize("prepare", OPERATIONS, ids=lambda f: f.__name__)
def test_a_crash_at_any_moment_leaves_nothing_or_everything_and_the_retry_succeeds_once(
    site: Site, prepare: Callable[[Desk], Attempt]
) -> None:
    do = prepare(site.desk)
    before = site.rows()
    with site.faults.at(None):
        do()
    moments, whole = list(site.faults.seen), grown(before, site.rows())
    assert len(moments) >= 8
    assert {"before commit", "after commit"} <= set(moments)
    # Statements that reach the database on a way that `Faults` does not see would make this prove nothing.
    assert [m for m in moments if m.startswith("before ") and any(w in m for w in WRITES)], moments
    assert whole
    outcomes = set()
    for k, moment in enumerate(moments):
        do = prepare(site.desk)
        before, nothing = site.rows(), site.picture()
        with site.faults.at(k):
            interrupted = not succeeds(do)
        after = site.picture()
        outcomes.add(("interrupted" if interrupted else "answered", "nothing" if after == nothing else "everything"))
        do()
        where = f"crash {moment} (moment {k} of {len(moments)})"
        assert grown(before, site.rows()) == whole, where
        assert after == nothing or after == site.picture(), f"{where} left a part behind"
        do()
        assert grown(before, site.rows()) == whole, f"{where}: the third time did it again"
    assert outcomes >= {("interrupted", "nothing"), ("interrupted", "everything")}
    assert wrong_in(site.owner, site.desk.org) == []


def succeeds(do: Attempt) -> bool:
    try:
        do()
    except psycopg.Error:
        return False
    return True


def grown(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    return {t: after[t] - before[t] for t in after if after[t] != before[t]}
