"""Fixtures for every test; `tests/stack_fixtures/__init__.py` says which there are."""

import gc
import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from logs import configure_logs
from settings import Settings

pytest_plugins = ["tests.stack_fixtures.shared", "tests.stack_fixtures.app", "tests.stack_fixtures.private"]

# A run of the tests speaks of the code alone: the same examples each time, on however slow a machine. `make soak` looks
# for new ones; what it finds becomes a test of its own.
_PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.register_profile("repeatable", _PATIENT, derandomize=True)
settings.register_profile("searching", _PATIENT)


def pytest_configure(config: pytest.Config) -> None:
    for name in ("NO_PROXY", "no_proxy"):  # what the tests ask is on this machine, whatever way the machine goes out by
        os.environ[name] = ",".join(filter(None, ("127.0.0.1", "localhost", os.environ.get(name))))
    # Unconfigured, structlog draws each frame of a failure that is logged, with all that its variables hold.
    configure_logs(Settings())
    settings.load_profile("repeatable" if "not soak" in config.option.markexpr else "searching")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """What is collected stays to the end. The collector of garbage, which would look at all of it time and again, for a third
    of the time that it takes, knows nothing of it."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()
