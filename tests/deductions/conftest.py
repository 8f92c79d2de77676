"""Books of their own for the tests of deductions."""

from collections.abc import Iterator

import pytest

from tests.books import Books


@pytest.fixture(scope="session")
def database_url(quiet_database_url: str) -> str:
    """Not the one that the session's worker looks at: it would confirm what these tests apply, in the trails they read."""
    return quiet_database_url


@pytest.fixture
def books(database_url: str) -> Iterator[Books]:
    """An organisation of this test's own, in a database where nobody else is at work."""
    made = Books(database_url)
    yield made
    made.close()
