"""The activity behind every posting: one command, one transaction."""

import orjson
from sqlalchemy import Engine
from temporalio import activity

from activities.errors import boundary
from models.messages.commands import CommandInput, CommandResult
from operations import registry  # noqa: F401 - registers the operations
from operations.runner import execute


class CommandActivities:
    """Bound to the worker's engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @activity.defn(name="execute_command", no_thread_cancel_exception=True)
    def execute_command(self, start: CommandInput) -> CommandResult:
        """Run the command's operation exactly once; a retry answers what the first run answered."""
        with boundary():
            outcome = execute(self._engine, start.org_id, start.command_id)
        said = orjson.loads(outcome.json)
        status, payment = (str(said.get(name) or "") for name in ("status", "payment_id"))
        return CommandResult(start.command_id, outcome.replayed, status, payment)
