from collections.abc import Iterator

import pytest

from tests.customers.desk import Desk
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
