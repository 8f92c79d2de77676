"""What every part of the demo is given: the people, the addresses, the voice, and a mark of this walk."""

import os
import secrets
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

from api.tokens import mint_dev_token
from demo.console import Narrator
from demo.people import ORG_ID, PEOPLE, Person, person
from settings import Settings


@dataclass(frozen=True)
class Demo:
    """Handed to every `walk_…(ctx)`. The stack is running, and `org_demo` exists.

    A part of the demo says each step (`ctx.tell.step`), acts through the people (`ctx.clerk.post(…)`, which fails the
    demo where the status is not the expected one), states what came of it (`ctx.tell.same`, `ctx.tell.claim`) and
    where to see it (`ctx.tell.see`, `ctx.tell.see_run`). It must run any number of times on one database: names and
    external ids that have to be new are made by `ctx.new`.
    """

    org_id: str
    base_url: str
    settings: Settings
    people: Mapping[str, Person]
    tell: Narrator
    walk: str
    """Short mark of this run of the demo; part of every external id it makes."""
    today: date
    """UTC's, as the API counts days."""
    history_until: date | None = None
    """Load the history as if this day were the last; None: all of it."""

    @property
    def clerk(self) -> Person:
        return self.people["u_clerk"]

    @property
    def manager(self) -> Person:
        return self.people["u_manager"]

    @property
    def controller(self) -> Person:
        return self.people["u_controller"]

    @property
    def cfo(self) -> Person:
        return self.people["u_cfo"]

    @property
    def account_executive(self) -> Person:
        return self.people["u_ae"]

    @property
    def account_manager(self) -> Person:
        return self.people["u_am"]

    @property
    def customer_success(self) -> Person:
        return self.people["u_csm"]

    @property
    def auditor(self) -> Person:
        return self.people["u_auditor"]

    @property
    def ops(self) -> Person:
        return self.people["u_ops"]

    @property
    def bank(self) -> Person:
        return self.people["u_bank"]

    def new(self, name: str) -> str:
        """`name` made unique to this walk: for external ids, e-mail addresses, names."""
        return f"{name}-{self.walk}"

    def arflow(self, *arguments: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
        """Run an `arflow` command beside the stack. CalledProcessError where it fails and `check` is on."""
        command = [sys.executable, "-m", "cli.main", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=check)


def make_context(settings: Settings, history_until: date | None = None) -> Demo:
    """The context of a run against the stack that `settings` and ARFLOW_BASE_URL name."""
    base_url = os.environ.get("ARFLOW_BASE_URL", f"http://127.0.0.1:{settings.port}")
    tokens = {user: mint_dev_token(settings, ORG_ID, user, [role]) for user, (role, _) in PEOPLE.items()}
    ui = f"http://127.0.0.1:{settings.temporal_ui_port}"
    return Demo(
        org_id=ORG_ID,
        base_url=base_url,
        settings=settings,
        people={user: person(user, token, base_url) for user, token in tokens.items()},
        tell=Narrator(base_url, ui, settings.temporal_namespace),
        walk=secrets.token_hex(3),
        today=datetime.now(UTC).date(),
        history_until=history_until,
    )
