"""The activities of a customer change: thin, each one transaction (or a refusal's two), each safe to repeat."""

from datetime import UTC, datetime

from sqlalchemy import Engine
from temporalio import activity
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from activities.errors import boundary
from models.db.engine import Tx, transaction
from models.db.organisations import all_org_ids
from models.messages.changes import (
    ActRequest,
    ChangeState,
    EraseInput,
    ExecutionResult,
    SignalInput,
    SignalResult,
    StepInput,
)
from operations import registry  # noqa: F401 - registers the operations
from operations.customers.approval_tokens import decide_by_signal
from operations.customers.certificates import watch_certificates
from operations.customers.deadlines import escalate, remind, signals_refused
from operations.customers.execution import execute_change, finished_workflows
from operations.runner import execute


class ChangeActivities:
    """Bound to the worker's engine and client."""

    def __init__(self, engine: Engine, client: Client | None = None) -> None:
        self._engine = engine
        self._client = client

    def _state(self, org_id: str, change_id: str, replayed: bool = False) -> ChangeState:
        with transaction(self._engine, org_id, durable=False) as tx:
            return read_state(tx, change_id, replayed)

    @activity.defn(name="change_act", no_thread_cancel_exception=True)
    def act(self, request: ActRequest) -> ChangeState:
        """Execute a command about the change (or none), and answer where the change stands."""
        with boundary():
            replayed = False
            if request.command_id:
                replayed = execute(self._engine, request.org_id, request.command_id).replayed
            return self._state(request.org_id, request.change_id, replayed)

    @activity.defn(name="change_execute", no_thread_cancel_exception=True)
    def carry_out(self, request: ActRequest) -> ExecutionResult:
        """Carry out what has been approved, once."""
        with boundary():
            closed = execute_change(self._engine, request.org_id, request.change_id)
            state = self._state(request.org_id, request.change_id)
            erased = state.operation == "delete" and state.status == "APPROVED"
            old = finished_workflows(self._engine, request.org_id, request.change_id) if erased else []
            return ExecutionResult(state, closed, old)

    @activity.defn(name="change_remind", no_thread_cancel_exception=True)
    def remind(self, step: StepInput) -> ChangeState:
        with boundary():
            remind(self._engine, step.org_id, step.change_id, step.round, step.step)
            return self._state(step.org_id, step.change_id)

    @activity.defn(name="change_escalate", no_thread_cancel_exception=True)
    def escalate(self, step: StepInput) -> ChangeState:
        with boundary():
            escalate(self._engine, step.org_id, step.change_id, step.round, step.step)
            return self._state(step.org_id, step.change_id)

    @activity.defn(name="change_signal", no_thread_cancel_exception=True)
    def decide_by_signal(self, signal: SignalInput) -> SignalResult:
        """Decide as the token's holder; a signal without a valid token is audited and changes nothing."""
        with boundary():
            refused = decide_by_signal(self._engine, signal.org_id, signal.change_id, signal.word)
            return SignalResult(self._state(signal.org_id, signal.change_id), refused or "")

    @activity.defn(name="change_signals_refused", no_thread_cancel_exception=True)
    def signals_refused(self, step: StepInput) -> None:
        with boundary():
            signals_refused(self._engine, step.org_id, step.change_id, step.step)

    @activity.defn(name="watch_certificates", no_thread_cancel_exception=True)
    def watch_certificates(self) -> int:
        """Each organisation in a transaction of its own; repeating it changes nothing."""
        found = 0
        with boundary():
            for org_id in all_org_ids(self._engine):
                with transaction(self._engine, org_id) as tx:
                    found += watch_certificates(tx)
                activity.heartbeat(found)
        return found

    @activity.defn(name="erase_histories")
    async def erase_histories(self, histories: EraseInput) -> None:
        """Delete the executions of an erased customer's changes. One that is still running is asked for again."""
        from temporalio.api.common.v1 import WorkflowExecution
        from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest

        client = self._client
        assert client is not None
        for workflow_id in histories.workflow_ids:
            try:
                described = await client.get_workflow_handle(workflow_id).describe()
                if described.close_time is None:
                    raise RuntimeError(f"{workflow_id} is still running")
                await client.workflow_service.delete_workflow_execution(
                    DeleteWorkflowExecutionRequest(
                        namespace=client.namespace,
                        workflow_execution=WorkflowExecution(workflow_id=workflow_id, run_id=described.run_id),
                    )
                )
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise


_STATE = """
SELECT c.status, c.operation, c.lane, c.customer_id, c.round, c.returned, s.step, s.role, s.started_at, s.remind_at, s.due_at,
       s.reminded_at, s.escalated_at,
       c.status = 'PENDING_APPROVAL' AND NOT EXISTS (
         SELECT FROM customer_change_steps o WHERE o.org_id = c.org_id AND o.change_id = c.id AND o.round = c.round
          AND o.status <> 'APPROVED') AS complete
  FROM customer_changes c LEFT JOIN customer_change_steps s
    ON s.org_id = c.org_id AND s.change_id = c.id AND s.round = c.round AND s.step = c.awaiting_step
 WHERE c.org_id = :org AND c.id = :id
"""


def read_state(tx: Tx, change_id: str, replayed: bool) -> ChangeState:
    """Where the change stands, as the process needs it; `known` is false for one that was never accepted."""
    row = tx.one(_STATE, id=change_id)
    if row is None:
        return ChangeState(replayed=replayed)
    found = ChangeState(
        known=True,
        status=row["status"],
        operation=row["operation"],
        lane=row["lane"],
        customer_id=row["customer_id"],
        round=row["round"],
        returned=row["returned"],
        complete=row["complete"],
        replayed=replayed,
    )
    if row["step"] is None:
        return found
    found.step, found.role = row["step"], row["role"]
    found.since, found.due_at = _text(row["started_at"]), _text(row["due_at"])
    if row["escalated_at"] is None:
        found.escalate_in = max(0.0, (row["due_at"] - tx.now).total_seconds())
        if row["reminded_at"] is None:
            found.remind_in = max(0.0, (row["remind_at"] - tx.now).total_seconds())
    return found


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")
