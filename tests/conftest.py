"""Fixtures for every test; `tests/stack_fixtures/__init__.py` says which there are."""

pytest_plugins = ["tests.stack_fixtures.shared", "tests.stack_fixtures.app", "tests.stack_fixtures.private"]
