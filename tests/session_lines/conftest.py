"""Books of their own for the tests of what a session holds."""

import pytest


@pytest.fixture(scope="session")
def database_url(quiet_database_url: str) -> str:
    """Not the one that the session's worker looks at: it would confirm what these tests apply, in the trails they read."""
    return quiet_database_url
