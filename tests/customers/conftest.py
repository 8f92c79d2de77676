from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from models.db.engine import make_engine, transaction
from operations.organisations import create_organisation
from tests.customers.desk import Desk, fresh
from tests.customers.office import ByHand, Office
from tests.stack_fixtures.app import AppStack


@pytest.fixture(scope="session")
def desk(app_stack: AppStack) -> Iterator[Desk]:
    """An organisation that the tests of customers share; what must be alone makes its own."""
    made = Desk(app_stack, app_stack.organisation("Customers"))
    yield made
    made.close()


@pytest.fixture
def own_desk(app_stack: AppStack) -> Iterator[Desk]:
    """An organisation of the test's own."""
    made = Desk(app_stack, app_stack.organisation("Own"))
    yield made
    made.close()


@pytest.fixture
def office(database_url: str):
    owner = make_engine(database_url, pool_size=1, role=None)
    engine = make_engine(database_url, pool_size=4)
    org = f"org_{fresh('t')[:12]}"
    with transaction(owner, org) as tx:
        create_organisation(tx, "Time")
    owner.dispose()
    yield Office(engine, org)
    engine.dispose()


@pytest.fixture(scope="module")
def quiet_engine(quiet_database_url: str) -> Iterator[Engine]:
    made = make_engine(quiet_database_url, pool_size=2)
    yield made
    made.dispose()


@pytest.fixture
def by_hand(quiet_engine: Engine, quiet_database_url: str) -> ByHand:
    """An organisation of the test's own whose changes no process carries."""
    made = ByHand(quiet_engine, f"org_{fresh('h')[:12]}")
    owner = make_engine(quiet_database_url, pool_size=1, role=None)
    with transaction(owner, made.org) as tx:
        create_organisation(tx, "By hand")
    owner.dispose()
    return made
