"""An organisation per module for the black-box tests of docs/api.md."""

from collections.abc import Iterator

import pytest

from tests.api.office import Office
from tests.stack_fixtures.app import AppStack


@pytest.fixture(scope="module")
def office(app_stack: AppStack) -> Iterator[Office]:
    """The module's organisation."""
    made = Office(app_stack)
    yield made
    made.close()


@pytest.fixture(scope="module")
def other(app_stack: AppStack) -> Iterator[Office]:
    """Another organisation, to be kept out of."""
    made = Office(app_stack, customers=3)
    yield made
    made.close()


@pytest.fixture
def customer(office: Office) -> str:
    """A customer of this test's own."""
    return office.customer()
