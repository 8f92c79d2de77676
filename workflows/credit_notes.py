"""Credit notes: each thing that happens to one is a process of its own, as with payments."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from models.messages.commands import CommandInput, CommandResult
    from workflows.posting import execute_command


@workflow.defn(name="IssueCreditNote")
class IssueCreditNote:
    """A credit note is recorded and posted, once per external_id."""

    @workflow.run
    async def run(self, start: CommandInput) -> CommandResult:
        return await execute_command(start, "Issuing the credit note", "Issued")


@workflow.defn(name="ApplyCreditNote")
class ApplyCreditNote:
    """A credit note settles invoices."""

    @workflow.run
    async def run(self, start: CommandInput) -> CommandResult:
        return await execute_command(start, "Applying the credit note", "Applied")


@workflow.defn(name="UnapplyCreditNote")
class UnapplyCreditNote:
    """An invoice is no longer settled by a credit note."""

    @workflow.run
    async def run(self, start: CommandInput) -> CommandResult:
        return await execute_command(start, "Undoing the application", "Undone")


@workflow.defn(name="VoidCreditNote")
class VoidCreditNote:
    """A credit note that settles nothing is taken back."""

    @workflow.run
    async def run(self, start: CommandInput) -> CommandResult:
        return await execute_command(start, "Voiding the credit note", "Voided and posted")


CREDIT_NOTE_WORKFLOWS = (IssueCreditNote, ApplyCreditNote, UnapplyCreditNote, VoidCreditNote)
