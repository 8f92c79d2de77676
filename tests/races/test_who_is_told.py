"""A command that is carried out again, because its answer got lost on the way, is still its caller's first answer."""

import json
from collections.abc import Iterator

import pytest

from models.db.engine import make_engine
from operations.answers import waiting_for
from tests.cash_desk.desk import Desk, new_organisation


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    engine = make_engine(database_url, pool_size=2)
    yield Desk(engine, new_organisation(database_url))
    engine.dispose()


def test_the_caller_is_told_the_first_answer_whoever_carries_it_out_again(desk: Desk) -> None:
    kept = desk.submit(desk.invoice(desk.customer(), 100))
    first = desk.execute(kept.command_id)  # committed; whoever waited was never told
    with waiting_for(kept.command_id, kept.command) as told:
        again = desk.execute(kept.command_id)
    heard = told.result()
    assert heard is not None
    assert (first.replayed, again.replayed, heard.replayed) == (False, True, False)
    assert json.loads(heard.json) == again.body
