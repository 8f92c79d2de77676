"""Remittance confirmation: tell the customer what was paid with their money, once per application session."""

from dataclasses import replace
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError
from temporalio.workflow import LocalActivityConfig

with workflow.unsafe.imports_passed_through():
    from activities.confirmations import ConfirmationActivities
    from activities.errors import SEE_LOG
    from models.messages.confirmations import ConfirmationInput, ConfirmationResult
    from workflows import retries
    from workflows.in_place import NotDone, tried, until_done

PATIENCE = timedelta(minutes=15)
"""How long the mail server may be away before a person is told; the process goes on trying."""

ENDS = {
    "SENT": "Sent to the customer",
    "NO_ADDRESS": "Not sent: the customer has no address",
    "SWITCHED_OFF": "Not sent: the organisation has switched confirmations off",
}


@workflow.defn(name="ConfirmRemittance")
class ConfirmRemittance:
    """Send the confirmation; while the mail server is away, keep trying; after some hours, also tell a person."""

    @workflow.run
    async def run(self, start: ConfirmationInput) -> ConfirmationResult:
        workflow.set_current_details("Sending the confirmation")
        result = await self._deliver(start)
        workflow.set_current_details(ENDS.get(result.status, result.status))
        return result

    async def _deliver(self, start: ConfirmationInput) -> ConfirmationResult:
        # The usual case costs one workflow task; only a mail server that is away costs more. Runs of before say it by a
        # patch, which costs a marker and an upsert of search attributes each.
        if start.first_try_in_place or workflow.patched("first-try-in-place"):
            first = LocalActivityConfig(start_to_close_timeout=retries.MAIL_FIRST_TRY, retry_policy=retries.ONCE)
            done = await tried(ConfirmationActivities.send_confirmation, start, first)
            if not isinstance(done, NotDone):
                return done
            workflow.set_current_details("The mail server did not take the message; trying again")
        try:
            return await self._send(start, PATIENCE)
        except ActivityError as error:
            workflow.set_current_details("The mail server does not take the message; a person has been told")
            await until_done(ConfirmationActivities.report_undelivered, replace(start, failing_with=_said_by(error)))
            return await self._send(start, None)

    async def _send(self, start: ConfirmationInput, within: timedelta | None) -> ConfirmationResult:
        return await workflow.execute_activity_method(
            ConfirmationActivities.send_confirmation,
            start,
            start_to_close_timeout=retries.MAIL_TIMEOUT,
            schedule_to_close_timeout=within,
            retry_policy=retries.MAIL,
        )


def _said_by(error: ActivityError) -> str:
    """What it was that failed: the type of an error, with our words about a certificate; no text of the server's."""
    cause = error.cause
    while cause is not None and not isinstance(cause, ApplicationError) and cause.__cause__ is not None:
        cause = cause.__cause__
    return (cause.message if isinstance(cause, ApplicationError) else "TimeoutError").removesuffix(SEE_LOG)
