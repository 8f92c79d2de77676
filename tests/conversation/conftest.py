"""An organisation per module, whose people speak through assistants; at its end the trail of all they did is walked."""

from collections.abc import Iterator

import pytest

from tests.api.office import Office
from tests.conversation.trail import walk
from tests.stack_fixtures.app import AppStack


@pytest.fixture(scope="module")
def office(app_stack: AppStack) -> Iterator[Office]:
    made = Office(app_stack)
    yield made
    walk(made)
    made.close()
