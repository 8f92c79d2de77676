"""Checks from outside: HTTP, the console script and the Temporal CLI, against docs/api.md alone."""

from collections.abc import Iterator

import pytest

from tests.customers.desk import Desk
from tests.stack_fixtures.app import AppStack


@pytest.fixture(scope="module")
def desk(app_stack: AppStack) -> Iterator[Desk]:
    """One organisation for the tests of a module."""
    made = Desk(app_stack, app_stack.organisation("Outside"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def stranger(app_stack: AppStack) -> Iterator[Desk]:
    """Another organisation."""
    made = Desk(app_stack, app_stack.organisation("Stranger"))
    yield made
    made.close()
