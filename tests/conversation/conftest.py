"""An organisation per module, whose people speak through assistants."""

from collections.abc import Iterator

import pytest

from tests.api.office import Office
from tests.stack_fixtures.app import AppStack


@pytest.fixture(scope="module")
def office(app_stack: AppStack) -> Iterator[Office]:
    made = Office(app_stack)
    yield made
    made.close()
