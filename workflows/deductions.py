"""Deductions: decided by a process of its own for each decision, as every posting is."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from models.messages.commands import CommandInput, CommandResult
    from workflows.posting import execute_command


@workflow.defn(name="DecideDeduction")
class DecideDeduction:
    """A deduction is rejected, or accepted by a credit note; beyond authority it is brought before those above."""

    @workflow.run
    async def run(self, start: CommandInput) -> CommandResult:
        return await execute_command(start, "Deciding the deduction", "Decided")
