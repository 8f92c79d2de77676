"""Cash application: each thing that happens to a payment is a process of its own.

What runs here reads as the process on paper: the request is executed in one transaction; what follows a posting
(remittance confirmation, webhooks) is started by the event that the transaction wrote, and never waited for.
"""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from models.messages.commands import CommandInput, CommandResult
    from workflows.posting import execute_command


async def _post(start: CommandInput, doing: str, done: str) -> CommandResult:
    workflow.set_current_details(doing)
    result = await execute_command(start)
    answered = f"{done} (answered before)" if result.replayed else done
    workflow.set_current_details(f"{answered}. Status: {result.status}" if result.status else answered)
    return result


@workflow.defn(name="RecordPayment")
class RecordPayment:
    """A payment arrives and is recorded, once per external_id."""

    @workflow.run
    async def run(self, start: CommandInput) -> CommandResult:
        return await _post(start, "Recording the payment", "Recorded, waiting to be applied")


@workflow.defn(name="AssignPayment")
class AssignPayment:
    """A payment of an unknown payer is given its customer."""

    @workflow.run
    async def run(self, start: CommandInput) -> CommandResult:
        return await _post(start, "Assigning the payment", "Assigned")


@workflow.defn(name="ApplyPayment")
class ApplyPayment:
    """A payment is matched to invoices and posted, in one transaction."""

    @workflow.run
    async def run(self, start: CommandInput) -> CommandResult:
        return await _post(start, "Applying and posting", "Applied and posted")


@workflow.defn(name="ApplyCredit")
class ApplyCredit:
    """A customer credit is spent on invoices."""

    @workflow.run
    async def run(self, start: CommandInput) -> CommandResult:
        return await _post(start, "Applying the credit", "Credit applied and posted")


@workflow.defn(name="UnapplyApplication")
class UnapplyApplication:
    """One application is undone."""

    @workflow.run
    async def run(self, start: CommandInput) -> CommandResult:
        return await _post(start, "Undoing the application", "Undone and posted")


@workflow.defn(name="ReversePayment")
class ReversePayment:
    """A payment is reversed with everything it did."""

    @workflow.run
    async def run(self, start: CommandInput) -> CommandResult:
        return await _post(start, "Reversing the payment", "Reversed and posted")


@workflow.defn(name="ReconcileBank")
class ReconcileBank:
    """A bank reconciliation is drafted, completed or reopened."""

    @workflow.run
    async def run(self, start: CommandInput) -> CommandResult:
        return await _post(start, "Reconciling", "Reconciliation recorded")


POSTING_WORKFLOWS = (
    RecordPayment, AssignPayment, ApplyPayment, ApplyCredit, UnapplyApplication, ReversePayment, ReconcileBank,
)  # fmt: skip
