"""Cash application: each thing that happens to a payment is a process of its own.

What runs here reads as the process on paper: the request is executed in one transaction; what follows a posting
(remittance confirmation, webhooks) is started by the event that the transaction wrote, and never waited for.
"""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from models.messages.commands import CommandInput, CommandResult
    from workflows.credit_notes import CREDIT_NOTE_WORKFLOWS
    from workflows.deductions import DecideDeduction
    from workflows.posting import execute_command
    from workflows.search_attributes import PAYMENT


async def _execute_and_say_whose(start: CommandInput, doing: str, done: str) -> CommandResult:
    """`execute_command` for what is asked of a credit or an application: its payment is known when it is locked, not before.

    The attribute travels with the run's last word. Results recorded before they named the payment replay without it.
    """
    result = await execute_command(start, doing, done)
    if result.payment_id:
        workflow.upsert_search_attributes([PAYMENT.value_set(result.payment_id)])
    return result


@workflow.defn(name="RecordPayment")
class RecordPayment:
    """A payment arrives and is recorded, once per external_id; applied and posted in the same transaction where it says how."""

    @workflow.run
    async def run(self, start: CommandInput) -> CommandResult:
        return await execute_command(start, "Recording the payment", "Recorded")


@workflow.defn(name="AssignPayment")
class AssignPayment:
    """A payment of an unknown payer is given its customer."""

    @workflow.run
    async def run(self, start: CommandInput) -> CommandResult:
        return await execute_command(start, "Assigning the payment", "Assigned")


@workflow.defn(name="ApplyPayment")
class ApplyPayment:
    """A payment is matched to invoices and posted, in one transaction."""

    @workflow.run
    async def run(self, start: CommandInput) -> CommandResult:
        return await execute_command(start, "Applying and posting", "Applied and posted")


@workflow.defn(name="ApplyCredit")
class ApplyCredit:
    """A customer credit is spent on invoices."""

    @workflow.run
    async def run(self, start: CommandInput) -> CommandResult:
        return await _execute_and_say_whose(start, "Applying the credit", "Credit applied and posted")


@workflow.defn(name="UnapplyApplication")
class UnapplyApplication:
    """One application is undone."""

    @workflow.run
    async def run(self, start: CommandInput) -> CommandResult:
        return await _execute_and_say_whose(start, "Undoing the application", "Undone and posted")


@workflow.defn(name="UndoAdjustment")
class UndoAdjustment:
    """One adjustment is undone; the application that it stood beside stays."""

    @workflow.run
    async def run(self, start: CommandInput) -> CommandResult:
        return await _execute_and_say_whose(start, "Undoing the adjustment", "Undone and posted")


@workflow.defn(name="ReversePayment")
class ReversePayment:
    """A payment is reversed with everything it did."""

    @workflow.run
    async def run(self, start: CommandInput) -> CommandResult:
        return await execute_command(start, "Reversing the payment", "Reversed and posted")


@workflow.defn(name="WriteOff")
class WriteOff:
    """An invoice's balance is given up: posted, or brought before those who may."""

    @workflow.run
    async def run(self, start: CommandInput) -> CommandResult:
        return await execute_command(start, "Writing off", "Written off, or asked for")


@workflow.defn(name="ReverseWriteOff")
class ReverseWriteOff:
    """A write-off is taken back: the invoice owes it again."""

    @workflow.run
    async def run(self, start: CommandInput) -> CommandResult:
        return await execute_command(start, "Reversing the write-off", "Reversed and posted")


@workflow.defn(name="ReconcileBank")
class ReconcileBank:
    """A bank reconciliation is drafted, completed or reopened."""

    @workflow.run
    async def run(self, start: CommandInput) -> CommandResult:
        return await execute_command(start, "Reconciling", "Reconciliation recorded")


POSTING_WORKFLOWS = (
    RecordPayment, AssignPayment, ApplyPayment, ApplyCredit, UnapplyApplication, UndoAdjustment, ReversePayment,
    WriteOff, ReverseWriteOff, ReconcileBank, *CREDIT_NOTE_WORKFLOWS, DecideDeduction,
)  # fmt: skip
