"""An organisation of the test module's own, and its people."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import httpx2
import pytest

from tests.stack_fixtures.app import AppStack


@dataclass(frozen=True)
class People:
    org: str
    clerk: httpx2.Client
    manager: httpx2.Client
    controller: httpx2.Client
    stack: AppStack
    opened: ExitStack

    def person(self, user: str, *roles: str, org: str | None = None) -> httpx2.Client:
        """Somebody else."""
        return self.opened.enter_context(self.stack.client(org or self.org, user, *roles))


@pytest.fixture(scope="module")
def people(app_stack: AppStack) -> Iterator[People]:
    org = app_stack.organisation()
    with ExitStack() as opened:
        clerk, manager, controller = (
            opened.enter_context(app_stack.client(org, user, role))
            for user, role in (("u_clerk", "ar_clerk"), ("u_manager", "ar_manager"), ("u_controller", "controller"))
        )
        yield People(org, clerk, manager, controller, app_stack, opened)
