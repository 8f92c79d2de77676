"""The activities of a customer change: thin, each one transaction (or a refusal's two), each safe to repeat."""

from datetime import UTC, datetime

from sqlalchemy import Engine
from temporalio import activity
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from activities.errors import boundary
from models.db import changes
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
from operations.approval_tokens import decide_by_signal
from operations.certificates import watch_certificates
from operations.change_deadlines import escalate, remind, signals_refused
from operations.change_execution import execute_change, finished_workflows
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


def read_state(tx: Tx, change_id: str, replayed: bool) -> ChangeState:
    """Where the change stands, as the process needs it; `known` is false for one that was never accepted."""
    row = tx.one("SELECT * FROM customer_changes WHERE org_id = :org AND id = :id", id=change_id)
    if row is None:
        return ChangeState(replayed=replayed)
    chain = changes.chain(tx, row)
    step = chain.pending
    now = tx.now
    found = ChangeState(
        known=True,
        status=row["status"],
        operation=row["operation"],
        lane=row["lane"],
        customer_id=row["customer_id"],
        round=row["round"],
        returned=row["returned"],
        complete=chain.complete and row["status"] == "PENDING_APPROVAL",
        replayed=replayed,
    )
    if step is not None and row["status"] == "PENDING_APPROVAL":
        reminded = tx.scalar(
            "SELECT reminded_at FROM customer_change_steps WHERE org_id = :org AND change_id = :id AND round = :round "
            "AND step = :step",
            id=change_id,
            round=chain.round,
            step=step.number,
        )
        found.step, found.role = step.number, step.role
        found.since, found.due_at = _text(step.started_at), _text(step.due_at)
        if step.remind_at is not None and reminded is None and step.escalated_at is None:
            found.remind_in = max(0.0, (step.remind_at - now).total_seconds())
        if step.due_at is not None and step.escalated_at is None:
            found.escalate_in = max(0.0, (step.due_at - now).total_seconds())
    return found


def _text(at: datetime | None) -> str:
    return "" if at is None else at.astimezone(UTC).isoformat(timespec="seconds")
