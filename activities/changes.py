"""The activities of a customer change: thin, each one transaction (or a refusal's two), each safe to repeat."""

from dataclasses import asdict, replace

import psycopg
import structlog
from sqlalchemy import Engine
from temporalio import activity
from temporalio.client import Client

from activities.errors import boundary, step_of
from activities.histories import erase
from models.db.announcements import announce
from models.db.customers import change_lists
from models.db.engine import transaction
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
from operations.approvals.deadlines import escalate, remind, signals_refused
from operations.approvals.execution import execute as execute_approved
from operations.approvals.families import family_of
from operations.approvals.state import state_of
from operations.approvals.tokens import decide_by_token
from operations.customers.certificates import watch_certificates
from operations.runner import execute

log = structlog.get_logger("arflow.activities")
MOST_TRIES = 30
"""Of carrying a change out, where it is no outage that keeps it from being done: some four minutes (workflows/retries.py)."""


class ChangeActivities:
    """Bound to the worker's engine and client."""

    def __init__(self, engine: Engine, client: Client | None = None) -> None:
        self._engine = engine
        self._client = client

    def _state(self, org_id: str, change_id: str, replayed: bool = False) -> ChangeState:
        return read_state(self._engine, org_id, change_id, replayed)

    @activity.defn(name="change_act", no_thread_cancel_exception=True)
    def act(self, request: ActRequest) -> ChangeState:
        """Execute a command about the change (or none), and answer where the change stands."""
        with boundary():
            if not request.command_id:
                return self._state(request.org_id, request.change_id)
            done = execute(self._engine, request.org_id, request.command_id)
            if done.aside is not None:  # as it stood when that was committed: nothing is read again
                state = replace(done.aside, replayed=done.replayed)
            else:
                state = self._state(request.org_id, request.change_id, done.replayed)
            if not state.complete:  # what is still to be carried out is answered when it is
                self._announce(request)
            return state

    def _announce(self, request: ActRequest) -> None:
        """Tell the API that it may answer; where that fails, it learns it from the end of the update."""
        try:
            announce(self._engine, request.org_id, request.command_id)
        except psycopg.Error as error:
            log.info("an answer was not announced", error=type(error).__name__)

    @activity.defn(name="change_execute", no_thread_cancel_exception=True)
    def carry_out(self, request: ActRequest) -> ExecutionResult:
        """Carry out what has been approved, once."""
        with step_of(request.change_id):
            last = activity.info().attempt >= MOST_TRIES
            closed = execute_approved(self._engine, request.org_id, request.change_id, last_try=last)
            state = self._state(request.org_id, request.change_id)
            erased = state.operation == "delete" and state.status == "APPROVED"
            return ExecutionResult(state, closed, self._workflows(request) if erased else [])

    def _workflows(self, request: ActRequest) -> list[str]:
        """The processes of all changes of the customer that was deleted, this one's among them."""
        with transaction(self._engine, request.org_id) as tx:
            return change_lists.workflows_of_customer_of(tx, request.change_id)

    @activity.defn(name="change_remind", no_thread_cancel_exception=True)
    def remind(self, step: StepInput) -> ChangeState:
        with step_of(step.change_id):
            remind(self._engine, step.org_id, step.change_id, step.round, step.step)
            return self._state(step.org_id, step.change_id)

    @activity.defn(name="change_escalate", no_thread_cancel_exception=True)
    def escalate(self, step: StepInput) -> ChangeState:
        with step_of(step.change_id):
            escalate(self._engine, step.org_id, step.change_id, step.round, step.step)
            return self._state(step.org_id, step.change_id)

    @activity.defn(name="change_signal", no_thread_cancel_exception=True)
    def decide_by_signal(self, signal: SignalInput) -> SignalResult:
        """Decide as the token's holder; a signal without a valid token is audited and changes nothing."""
        with step_of(signal.change_id):
            refused = decide_by_token(self._engine, signal.org_id, signal.change_id, signal.word, signal.channel)
            state = self._state(signal.org_id, signal.change_id)
            return SignalResult(state) if refused is None else SignalResult(state, refused.code, asdict(refused))

    @activity.defn(name="change_signals_refused", no_thread_cancel_exception=True)
    def signals_refused(self, step: StepInput) -> None:
        with step_of(step.change_id):
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
        """Delete the executions of an erased customer's changes, and end when the server has none of them any more."""
        assert self._client is not None
        await erase(self._client, histories.workflow_ids)


def read_state(engine: Engine, org_id: str, approval_id: str, replayed: bool = False) -> ChangeState:
    """Where it stands, as the process needs it; `known` is false for one that was never accepted."""
    found = family_of(approval_id).store.now_at(engine, org_id, approval_id)
    if found is None:
        return ChangeState(replayed=replayed)
    one, now = found
    return state_of(one, now, replayed=replayed)
