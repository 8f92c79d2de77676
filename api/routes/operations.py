"""Where a write stands that was answered with 202: poll until it has ended.

Whoever asked for the write is told, and whoever may read the record that it is about; its answer shows no more to anybody
than the record would.
"""

import json

from fastapi import Request
from starlette.responses import Response

from api.answering import shown
from api.deps import Somebody
from api.gate import gated_router
from api.problems import problem_body, refusals
from api.reading import reading, who_sees
from models.access import Principal
from models.cash.statement_answers import statement_answer
from models.cash.statement_records import CountedStatement, StatementStatus
from models.db.approvals import approvals
from models.db.cash import statements
from models.db.commands import covers
from models.db.lookups import bank_account, refuse_missing
from models.db.operations import command_of_process
from models.db.tx import Tx, to_json
from models.errors import Refusal
from models.inbox.wanted import kinds_seen
from models.messages.statements import statement_workflow_id
from models.operation import KeptCommand, OperationAnswer, operation_answer
from operations.execution import Approval, InPlace
from operations.runner import OPERATIONS, refusal_from

router = gated_router("operations")


@router.get(
    "/v1/operations/{workflow_id:path}", response_model=OperationAnswer, responses=refusals("OPERATION_NOT_FOUND")
)
def get_operation(request: Request, workflow_id: str, who: Somebody) -> Response:
    """What became of a write: its operation's `status` is running, completed, refused or failed; with `http_status` and
    `result` or `error` once it has ended."""
    with reading(request, who) as tx:
        command = command_of_process(tx, workflow_id, who.sub)
        if command is not None:
            _require_reader(tx, who, command)
            return shown(_of_command(workflow_id, command))
        record = workflow_id.partition("/")[0]
        statement = statements.find(tx, record)
        if statement is None or workflow_id != statement_workflow_id(record):
            refuse_missing(tx, "operation", record)
        if not who.may("payments.read"):
            raise _not_yours()
        who_sees(who, bank_account(tx, statement.bank_account_id).legal_entity_id)
        return shown(_of_statement(workflow_id, statement))


def _require_reader(tx: Tx, who: Principal, command: KeptCommand) -> None:
    """403 for who neither asked for it nor may read its record; the legal entities of the token count as for the record."""
    if command.actor == who.sub:
        return
    known = OPERATIONS.get(command.operation)
    execution = InPlace() if known is None else known.execution  # None: a later build's
    if isinstance(execution, Approval) and approvals.kind_of(tx, str(command.resource_id)) not in kinds_seen(who):
        raise _not_yours()
    if not who.may(execution.read_with) or not covers(tx, who, command):
        raise _not_yours()


def _not_yours() -> Refusal:
    return Refusal("FORBIDDEN", "Neither have you asked for this nor may you read what it is about.")


def _of_command(workflow_id: str, command: KeptCommand) -> OperationAnswer:
    if command.state == "done":
        return operation_answer(workflow_id, "completed", command.http_status, result=command.response)
    if command.state == "refused":
        problem = problem_body(refusal_from(command.response or {}))
        return operation_answer(workflow_id, "refused", problem["status"], error=problem)
    return operation_answer(workflow_id, "running")


def _of_statement(workflow_id: str, s: CountedStatement) -> OperationAnswer:
    if s.status is StatementStatus.COMPLETED:
        return operation_answer(workflow_id, "completed", 200, result=json.loads(to_json(statement_answer(s))))
    if s.status is StatementStatus.FAILED:
        return operation_answer(workflow_id, "failed", error=s.failure)
    return operation_answer(workflow_id, "running")
