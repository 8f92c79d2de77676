"""Commands kept as the API keeps them and carried by hand, for tests of the process itself."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine
from temporalio.client import Client

from models.access import Principal
from models.customers.change_records import Change
from models.db.customers import changes
from models.db.engine import transaction
from models.facts import Facts
from models.ids import new_id
from models.messages.changes import CHANGES_QUEUE, EDITION, ActInput, ChangeInput, change_workflow_id
from operations import registry  # noqa: F401 - registers the operations
from operations.approvals import tokens as approval_tokens
from operations.approvals.execution import execute as execute_approved
from operations.commands import Submission, submit
from operations.runner import execute
from tests.customers.desk import fresh
from worker import changes_worker

ROLES = {"u_clerk": "ar_clerk", "u_manager": "ar_manager", "u_controller": "controller", "u_cfo": "cfo"}


class Office:
    """Commands kept as the API keeps them, carried by hand."""

    def __init__(self, engine: Engine, org: str) -> None:
        self.engine, self.org = engine, org

    def keep(self, operation: str, user: str, body: dict, resource: str = "", workflow: str | None = None) -> str:
        who = Principal(user, self.org, frozenset({ROLES[user]}))
        kept = submit(
            self.engine,
            who,
            Submission(
                operation,
                f"/{operation}",
                body,
                new_id("k"),
                False,
                new_id("req"),
                resource,
                resource or None,
                None,
                workflow,
            ),
        )
        return kept.command_id

    def create(self, **fields: object) -> ChangeInput:
        change = new_id("chg")
        body = {"name": "Time Travellers", "email": fresh(), "legal_entity_id": "le_us"} | fields
        command = self.keep("customer.create", "u_clerk", body, "", change_workflow_id(change))
        return ChangeInput(self.org, change, command, EDITION)

    def act(self, operation: str, user: str, change: str, body: dict[str, Any]) -> ActInput:
        return ActInput(self.keep(operation, user, body, change, change_workflow_id(change)))

    def decide(self, change: str, user: str, decision: str = "approve") -> ActInput:
        reason = None if decision == "approve" else "TEST"
        return self.act("change.decide", user, change, {"decision": decision, "reason_code": reason})

    def token(self, change: str, user: str) -> str:
        with transaction(self.engine, self.org) as tx:
            return approval_tokens.issue(tx, Principal(user, self.org, frozenset({ROLES[user]})), change).token

    def policy(self, policy: dict[str, Any]) -> None:
        row: Facts = {"policy": policy, "version": 1, "updated_at": datetime.now(UTC), "updated_by": "u_controller"}
        with transaction(self.engine, self.org) as tx:
            tx.insert("approval_policies", [row])

    def open_exceptions(self, change: str) -> list[str]:
        with transaction(self.engine, self.org) as tx:
            sql = "SELECT reason_code FROM exceptions WHERE org_id = :org AND subject_id = :id AND status = 'open'"
            return [str(r["reason_code"]) for r in tx.all(sql, id=change)]

    def change(self, change: str) -> Change:
        with transaction(self.engine, self.org) as tx:
            return changes.get(tx, change)


DESK = """SELECT kind, reason_code, owner_role, owner_user, status, resolution_code, legal_entity_id, due_at, detail
  FROM exceptions WHERE org_id = :org AND subject_id = :id ORDER BY id"""
TRAIL = (
    "SELECT action, reason_code, actor, payload FROM audit_events WHERE org_id = :org AND subject_id = :id ORDER BY seq"
)
EVENTS = "SELECT type, data FROM outbox_events WHERE org_id = :org AND subject = :id ORDER BY seq"


class ByHand(Office):
    """One whose changes no process carries."""

    def submitted(self, **fields: object) -> str:
        """A new customer's change, waiting for its first step."""
        start = self.create(**fields)
        execute(self.engine, self.org, start.command_id)
        return start.change_id

    def of(self, operation: str, customer: str, **body: object) -> str:
        """A change of a customer that there is."""
        change = new_id("chg")
        command = self.keep(f"customer.{operation}", "u_clerk", body, customer, change_workflow_id(change))
        execute(self.engine, self.org, command)
        return change

    def approve(self, change: str, *people: str) -> list[str]:
        """By these, or the usual two; the processes that are over by it."""
        for user in people or ("u_manager", "u_controller"):
            self.do("change.decide", user, change, decision="approve")
        return execute_approved(self.engine, self.org, change)

    def customer(self, **fields: object) -> str:
        """A new customer, approved."""
        change = self.submitted(**fields)
        self.approve(change)
        return self.change(change).customer_id

    def do(self, operation: str, user: str, change: str, **body: object) -> None:
        execute(self.engine, self.org, self.act(operation, user, change, body).command_id)

    def away(self, user: str, stand_in: str) -> None:
        now = datetime.now(UTC)
        row: Facts = {"user_id": user, "delegate_user_id": stand_in, "starts_at": now - timedelta(days=1),
               "ends_at": now + timedelta(days=1), "updated_at": now}  # fmt: skip
        with transaction(self.engine, self.org) as tx:
            tx.insert("out_of_office", [row])

    def rows(self, sql: str, subject: str) -> list[dict[str, Any]]:
        with transaction(self.engine, self.org) as tx:
            return [dict(r) for r in tx.all(sql, id=subject)]

    def run(self, sql: str, **params: object) -> None:
        with transaction(self.engine, self.org) as tx:
            tx.run(sql, **params)

    def desk(self, change: str) -> list[tuple[Any, ...]]:
        names = ("kind", "reason_code", "owner_role", "owner_user", "status", "resolution_code")
        return [tuple(row[n] for n in names) for row in self.rows(DESK, change)]

    def trail(self, change: str) -> list[tuple[str, str | None, dict[str, Any]]]:
        found = self.rows(TRAIL, change)
        return [
            (r["action"].removeprefix("customer.change."), r["reason_code"], json.loads(r["payload"] or "{}"))
            for r in found
        ]


@asynccontextmanager
async def running(client: Client, office: Office) -> AsyncIterator[None]:
    async with changes_worker(client, office.engine, threads=4):
        yield


async def begin(client: Client, start: ChangeInput):
    return await client.start_workflow(
        "CustomerChange", start, id=change_workflow_id(start.change_id), task_queue=CHANGES_QUEUE
    )
