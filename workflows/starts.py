"""What each process is begun with: its input, id, queue, summary, and by what it is found. One function per process.

Whoever begins one (the API with a request, the relay with an event, the sweep for what has lost its process) begins it so.
"""

from collections.abc import Mapping

from models.empty import EMPTY
from models.messages import approvals, changes, imports
from models.messages.changes import CHANGES_QUEUE, ChangeInput
from models.messages.commands import POSTING_QUEUE, PROCESS_QUEUE, CommandInput
from models.messages.confirmations import ConfirmationInput, confirmation_workflow_id
from models.messages.customer_360 import EscalationInput, watch_workflow_id
from models.messages.deductions import PROCESS as DEDUCTION
from models.messages.deductions import DeductionInput, resolve_workflow_id
from models.messages.imports import IMPORT_QUEUE, ImportInput
from models.messages.statements import StatementInput, statement_workflow_id
from models.messages.webhooks import WEBHOOK_QUEUE, WebhookQueue, delivery_workflow_id
from workflows.starting import Start


def posting(
    org_id: str, process: str, command_id: str, workflow_id: str, summary: str = "",
    attributes: Mapping[str, str] = EMPTY,
) -> Start:  # fmt: skip
    """The process that carries one command out."""
    given = CommandInput(org_id, command_id, summary)
    return Start(process, given, workflow_id, POSTING_QUEUE, org_id, summary, attributes)


def customer_change(org_id: str, change_id: str, submission: str = "", summary: str = "") -> Start:
    """With the submission's command; without one it is the process of a change that is known, begun again."""
    given = ChangeInput(org_id, change_id, submission, changes.EDITION)
    workflow_id = changes.change_workflow_id(change_id)
    said = f"{summary or 'Customer change'} {change_id}"
    return Start(changes.PROCESS, given, workflow_id, CHANGES_QUEUE, org_id, said, {"ChangeId": change_id})


def approval(org_id: str, approval_id: str, summary: str = "") -> Start:
    """Of an approval that was asked for."""
    given = ChangeInput(org_id, approval_id, "", changes.EDITION)
    workflow_id = approvals.approval_workflow_id(approval_id)
    said = f"{summary or 'Approval'} {approval_id}"
    return Start(approvals.PROCESS, given, workflow_id, CHANGES_QUEUE, org_id, said, {"ChangeId": approval_id})


def customer_import(org_id: str, import_id: str, upload: str = "") -> Start:
    """With the upload's command; without one it is the process of an import that is known, begun again."""
    given = ImportInput(org_id, import_id, upload)
    attributes = {"ImportId": import_id, "Lane": "yellow"} | ({"CurrentStep": "STAGING"} if upload else {})
    workflow_id = imports.import_workflow_id(import_id)
    return Start(imports.PROCESS, given, workflow_id, IMPORT_QUEUE, org_id, f"Bulk import {import_id}", attributes)


def statement(org_id: str, statement_id: str, lines: int, actor: str, request_id: str = "") -> Start:
    """Of a statement that has been received; in the name of who brought it."""
    given = StatementInput(org_id, statement_id, actor, request_id)
    said = f"Bank statement {statement_id}, {lines} lines"
    return Start("ImportStatement", given, statement_workflow_id(statement_id), PROCESS_QUEUE, org_id, said)


def confirmation(org_id: str, session_id: str, payment_id: str, customer_id: str) -> Start:
    """Of one application session."""
    given = ConfirmationInput(org_id, session_id, first_try_in_place=True)
    found_by = {"PaymentId": payment_id, "CustomerId": customer_id}
    said, workflow_id = f"Confirm remittance of {payment_id}", confirmation_workflow_id(session_id)
    return Start("ConfirmRemittance", given, workflow_id, PROCESS_QUEUE, org_id, said, found_by)


def deliveries(queue: WebhookQueue) -> Start:
    """Of one endpoint's webhooks about one record."""
    workflow_id = delivery_workflow_id(queue.endpoint_id, queue.subject)
    said = f"Webhooks about {queue.subject}"
    return Start("DeliverWebhooks", queue, workflow_id, WEBHOOK_QUEUE, queue.org_id, said)


def deduction(org_id: str, deduction_id: str, customer_id: str) -> Start:
    """Of a deduction that is in the books."""
    given, workflow_id = DeductionInput(org_id, deduction_id), resolve_workflow_id(deduction_id)
    said = f"Deduction {deduction_id}"
    return Start(DEDUCTION, given, workflow_id, PROCESS_QUEUE, org_id, said, {"CustomerId": customer_id})


def escalation(org_id: str, escalation_id: str, case_id: str, command_id: str) -> Start:
    """Of an escalation that is known, begun again under the id that EscalateCase gave it."""
    workflow_id = watch_workflow_id(case_id, command_id.removeprefix("cmd_"))
    given = EscalationInput(org_id, "", escalation_id)
    return Start("WatchEscalation", given, workflow_id, PROCESS_QUEUE, org_id, f"Escalation of {case_id}")
