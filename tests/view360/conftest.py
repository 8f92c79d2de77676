"""Books of their own for the tests of the view, and who may do what in them."""

from collections.abc import Iterator

import pytest

from tests.books import Books


@pytest.fixture
def books(database_url: str) -> Iterator[Books]:
    """An organisation of this test's own, in the worker's database."""
    made = Books(database_url)
    yield made
    made.close()
