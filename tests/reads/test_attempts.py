"""A transaction that another one was in the way of is begun anew, a few times; what is refused for good is not."""

from collections.abc import Iterator

import pytest
from psycopg import errors as pg
from sqlalchemy import Engine

from models.db.attempts import TIMES, attempts
from models.db.engine import make_engine, transaction
from models.db.refused import CODE, RefusedByDatabase
from models.errors import Refusal
from tests.cash_desk.desk import new_organisation


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    made = make_engine(database_url, pool_size=2)
    yield made
    made.dispose()


@pytest.fixture
def org(database_url: str) -> str:
    return new_organisation(database_url)


class Work:
    """What is to be done in one transaction: new terms, unless it fails; how often it was begun."""

    def __init__(self, engine: Engine, org: str, code: str, *failures: Exception) -> None:
        self.engine, self.org, self.code, self.failures, self.begun = engine, org, code, list(failures), 0
        self.before = self.terms()

    def do(self, *, rehearsal: bool = False) -> None:
        for attempt in attempts(self.engine, self.org, rehearsal=rehearsal):
            with attempt as tx:
                self.begun += 1
                tx.run("INSERT INTO payment_terms (org_id, code, days) VALUES (:org, :code, 1)", code=self.code)
                if self.failures:
                    raise self.failures.pop()

    def terms(self) -> int:
        with transaction(self.engine, self.org) as tx:
            return int(tx.scalar("SELECT count(*) FROM payment_terms WHERE org_id = :org"))

    @property
    def added(self) -> int:
        return self.terms() - self.before


def test_it_is_done_once_after_the_races_were_lost(engine: Engine, org: str) -> None:
    work = Work(engine, org, "ONCE", *[pg.SerializationFailure()] * (TIMES - 1))
    work.do()
    assert (work.begun, work.added) == (TIMES, 1)


def test_a_race_that_is_lost_each_time_is_raised_as_it_came(engine: Engine, org: str) -> None:
    work = Work(engine, org, "NEVER", *[pg.DeadlockDetected()] * TIMES)
    with pytest.raises(pg.DeadlockDetected):
        work.do()
    assert (work.begun, work.added) == (TIMES, 0)


def test_what_the_database_refuses_each_time_is_its_refusal(engine: Engine, org: str) -> None:
    work = Work(engine, org, "NET30")
    with pytest.raises(RefusedByDatabase) as refused:
        work.do()
    assert (refused.value.code, work.begun, work.added) == (CODE, TIMES, 0)


@pytest.mark.parametrize("failure", [Refusal("INVOICE_VOID", "no"), pg.LockNotAvailable(), KeyError("x")], ids=str)
def test_anything_else_ends_it_at_once(engine: Engine, org: str, failure: Exception) -> None:
    work = Work(engine, org, "NEVER", failure)
    with pytest.raises(type(failure)):
        work.do()
    assert (work.begun, work.added) == (1, 0)


def test_a_rehearsal_leaves_nothing(engine: Engine, org: str) -> None:
    work = Work(engine, org, "DRY")
    work.do(rehearsal=True)
    assert (work.begun, work.added) == (1, 0)
