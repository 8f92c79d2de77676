"""Cash application under random work: whatever is done in whatever order, the books are right after each step."""

import os
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from models.db.engine import make_engine
from tests.cash_desk.books import opened
from tests.cash_desk.desk import new_organisation
from tests.properties.session_machine import DeskOfSessions


@pytest.fixture
def random_work(fresh_database_url: str) -> "Callable[[int, int], int]":
    """Runs so many desks for so many steps each, every desk an organisation of its own, where no worker looks.

    Answers how many application sessions there are since the beginning.
    """

    def work(desks: int, steps: int) -> int:
        engine, owner = make_engine(fresh_database_url, pool_size=2), opened(fresh_database_url)

        class Anew(DeskOfSessions):
            def __init__(self) -> None:
                super().__init__(engine, owner, new_organisation(fresh_database_url))

        try:
            run_state_machine_as_test(
                Anew,
                settings=settings(
                    max_examples=desks, stateful_step_count=steps, deadline=None, print_blob=True,
                    suppress_health_check=list(HealthCheck), phases=set(Phase) - {Phase.explain},
                ),
            )  # fmt: skip
            return int(owner.execute("SELECT count(*) AS n FROM application_sessions").fetchall()[0]["n"])
        finally:
            owner.close()
            engine.dispose()

    return work


@pytest.mark.timeout(1800)
def test_the_books_are_right_after_every_step_of_random_work(random_work: Callable[[int, int], int]) -> None:
    random_work(15, 40)


@pytest.mark.soak
def test_the_books_are_right_after_every_step_until_ten_thousand_random_sessions(
    random_work: Callable[[int, int], int],
) -> None:
    """`ARFLOW_SOAK_SESSIONS`: fewer or more, for whoever has less time or more."""
    wanted, desks, sessions = int(os.environ.get("ARFLOW_SOAK_SESSIONS", "10000")), 0, 0
    while sessions < wanted:
        sessions = random_work(20, 60)
        desks += 20
        print(f"{desks} desks, {sessions} sessions")  # noqa: T201 - make soak reports its figures
