"""The step that every posting process takes: execute the command in one transaction."""

from temporalio import workflow
from temporalio.exceptions import FailureError

with workflow.unsafe.imports_passed_through():
    from activities.commands import CommandActivities
    from models.messages.commands import CommandInput, CommandResult
    from workflows.in_place import at_once, refusal_code


async def execute_command(start: CommandInput) -> CommandResult:
    """Execute it exactly once. Where it is refused, the run says so to whoever looks at it, and fails with the code."""
    away = "The database does not answer; trying again until it does."
    try:
        return await at_once(CommandActivities.execute_command, start, away)
    except FailureError as error:
        if code := refusal_code(error):
            workflow.set_current_details(f"Refused, nothing was posted: {code}")
        raise
