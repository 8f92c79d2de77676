"""The step that every posting process takes: execute the command in one transaction."""

from temporalio import workflow
from temporalio.exceptions import FailureError

with workflow.unsafe.imports_passed_through():
    from activities.commands import CommandActivities
    from models.messages.commands import CommandInput, CommandResult
    from workflows.in_place import at_once, refusal_code


async def execute_command(start: CommandInput, doing: str, done: str) -> CommandResult:
    """Execute it exactly once, and say so. Where it is refused, the run says so to whoever looks at it, and fails with the
    code."""
    workflow.set_current_details(doing)
    away = "The database does not answer; trying again until it does."
    try:
        result = await at_once(CommandActivities.execute_command, start, away)
    except FailureError as error:
        if code := refusal_code(error):
            workflow.set_current_details(f"Refused, nothing was posted: {code}")
        raise
    answered = f"{done} (answered before)" if result.replayed else done
    workflow.set_current_details(f"{answered}. Status: {result.status}" if result.status else answered)
    return result
