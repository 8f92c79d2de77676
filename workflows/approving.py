"""What every process of approval does: it keeps the deadlines, carries decisions one at a time, and shows where it stands.

The database decides everything. The process' summary, its current details and its search attributes hold no personal data.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, Literal

from temporalio import workflow
from temporalio.common import SearchAttributeUpdate
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory, FailureError

with workflow.unsafe.imports_passed_through():
    from activities.changes import ChangeActivities
    from activities.errors import RECORD_GONE, gone
    from models.messages.changes import (
        ACT_SIGNAL,
        ActInput,
        ActRequest,
        ChangeInput,
        ChangeState,
        ExecutionResult,
        SignalInput,
        SignalResult,
        StepInput,
    )
    from workflows.in_place import at_once, cancelled, refusal_code, until_done
    from workflows.search_attributes import CUSTOMER, DUE, LANE, ROLE, STEP

REFUSED_SIGNALS_LIMIT = 100


class Approving:
    """The steps of which processes of approval are made, and what comes in meanwhile."""

    def __init__(self, start: ChangeInput) -> None:
        self._start = start
        self._state = ChangeState()
        self._submitted = self._was_known = False
        self._refusal: FailureError | None = None
        self._moved = 0
        self._read_at = workflow.now()
        self._refused_signals = 0
        self._shown: tuple[Any, ...] = ()
        self._turn = asyncio.Lock()

    # The steps

    async def _look(self) -> None:
        """See where it stands."""
        self._show(await at_once(ChangeActivities.act, self._asked()))
        self._submitted = True

    async def _decided_before_the_deadline(self) -> bool:
        """Wait for a decision until the next deadline, for ever once there is none."""
        seen = self._moved
        try:
            await workflow.wait_condition(
                lambda: self._moved != seen, timeout=self._next_deadline(), timeout_summary=self._deadline_summary()
            )
        except TimeoutError:
            return False
        return True

    async def _remind_or_escalate(self) -> None:
        """Once each; a decision that arrives in the same moment wins, because the database asks again."""
        s = self._state
        step = StepInput(self._start.org_id, self._start.change_id, s.round, s.step)
        async with self._turn:
            if (s.round, s.step) != (self._state.round, self._state.step):
                return
            reminds = s.remind_in is not None
            done = ChangeActivities.remind if reminds else ChangeActivities.escalate
            self._show(await until_done(done, step))
            if reminds and self._state.step == s.step:
                self._state.remind_in = None
            elif self._state.step == s.step:
                self._state.escalate_in = None

    async def _carry_out(self) -> ExecutionResult:
        """Do what was approved, exactly once."""
        workflow.set_current_details("Approved by all; carrying it out")
        async with self._turn:
            result: ExecutionResult = await at_once(ChangeActivities.carry_out, self._asked())
            self._show(result.state)
        return result

    # What comes in

    @workflow.update(name="submitted")
    async def submitted(self) -> ChangeState:
        """Answers when the submission has been accepted; fails with its refusal."""
        await workflow.wait_condition(lambda: self._submitted)
        if self._refusal is not None:
            raise self._refusal
        return self._state

    @workflow.update(name="decide")
    async def decide(self, act: ActInput) -> ChangeState:
        """An approver's decision, kept by the API or proved by a token. After the last one, answers when it is done."""
        if act.command_id:
            return await self._act(act)
        await workflow.wait_condition(lambda: self._submitted)
        word = {k: v for k, v in asdict(act).items() if k != "command_id"}
        async with self._turn:
            result = await self._decide_by_token(word, "update")
        if result.refused:
            raise _refusal(result.refused, str(result.problem.get("detail", "")), result.problem)
        return await self._settled()

    @workflow.update(name="withdraw")
    async def withdraw(self, act: ActInput) -> ChangeState:
        return await self._act(act)

    @workflow.update(name="delegate")
    async def delegate(self, act: ActInput) -> ChangeState:
        return await self._act(act)

    @workflow.update(name="resubmit")
    async def resubmit(self, act: ActInput) -> ChangeState:
        return await self._act(act)

    @decide.validator
    @withdraw.validator
    @delegate.validator
    @resubmit.validator
    def _must_be_open(self, act: ActInput) -> None:
        # Nothing but the process' own state: who may, and whether, is asked in the transaction that records it.
        if self._submitted and not self._open:
            if act.command_id:
                raise _refusal("PROCESS_ENDED", "the process has ended", {})
            closed = f"The change is closed: {self._state.status}."
            raise _refusal("CHANGE_CLOSED", closed, {"status_now": self._state.status})
        if not act.command_id and self._refused_signals >= REFUSED_SIGNALS_LIMIT:
            raise _refusal("SIGNALS_REFUSED", "too many refused decisions", {})

    @workflow.signal(name="decide")
    async def decide_by_signal(self, *words: Any) -> None:
        """`{"token", "decision", "reason_code", "comment"}` from the Temporal CLI or UI, through the same code."""
        await workflow.wait_condition(lambda: self._submitted)
        if not self._open or self._refused_signals >= REFUSED_SIGNALS_LIMIT:
            return
        async with self._turn:
            # A surplus of inputs must not break the process, nor what cannot be written as JSON (bytes, a protobuf).
            word = words[0] if len(words) == 1 and isinstance(words[0], dict) else None
            await self._decide_by_token(word, "signal")
        self._moved += 1

    @workflow.signal(name=ACT_SIGNAL)
    async def act_by_signal(self, act: ActInput) -> None:
        """A command whose update no worker had taken when its caller was told that the work goes on. At most once, as any."""
        if not act.command_id:
            return
        try:
            await self._act(act)
        except FailureError as refusal:  # the command's record says so to whoever asks
            if cancelled(refusal):
                raise

    @workflow.signal(name="reload")
    async def reload(self) -> None:
        """Look again: something outside this process has moved the change."""
        async with self._turn:
            self._show(await at_once(ChangeActivities.act, self._asked()))

    # How

    def _must_be_there(self) -> None:
        """Ends the run as RECORD_GONE where its record is not in the books any more. What never was there is another one's
        repetition, or refused."""
        lost = self._refusal and refusal_code(self._refusal) == RECORD_GONE
        if not self._state.known and (lost or self._was_known or not self._start.command_id):
            raise gone(self._start.change_id)

    @property
    def _open(self) -> bool:
        """A failed change stays open: its submitter re-bases or withdraws it."""
        return self._state.known and self._state.status in {"PENDING_APPROVAL", "FAILED"}

    async def _act(self, act: ActInput) -> ChangeState:
        """Have a person's act carried out, one at a time."""
        await workflow.wait_condition(lambda: self._submitted)
        async with self._turn:
            self._show(await at_once(ChangeActivities.act, self._asked(act.command_id)))
        return await self._settled()

    async def _decide_by_token(self, word: Any, channel: Literal["signal", "update"]) -> SignalResult:
        """Decide as the token's holder. What was refused is audited."""
        said = SignalInput(self._start.org_id, self._start.change_id, word, channel)
        result = await until_done(ChangeActivities.decide_by_signal, said)
        self._show(result.state)
        if result.refused:
            await self._count_refused()
        return result

    async def _settled(self) -> ChangeState:
        """Where the change stands once what was approved has been carried out."""
        if self._state.complete:
            await workflow.wait_condition(lambda: not self._state.complete)
        return self._state

    def _asked(self, command_id: str = "") -> ActRequest:
        return ActRequest(self._start.org_id, self._start.change_id, command_id)

    async def _count_refused(self) -> None:
        self._refused_signals += 1
        if self._refused_signals == REFUSED_SIGNALS_LIMIT:
            step = StepInput(self._start.org_id, self._start.change_id, self._state.round, self._refused_signals)
            await until_done(ChangeActivities.signals_refused, step)

    def _next_deadline(self) -> timedelta | None:
        s = self._state
        seconds = s.remind_in if s.remind_in is not None else s.escalate_in
        if seconds is None or s.status != "PENDING_APPROVAL":
            return None
        return max(timedelta(seconds=seconds) - (workflow.now() - self._read_at), timedelta(milliseconds=1))

    def _deadline_summary(self) -> str | None:
        if self._next_deadline() is None:
            return None
        return f"step {self._state.step}: {'reminder' if self._state.remind_in is not None else 'escalation'}"

    def _show(self, state: ChangeState) -> None:
        """Take the new state over, and show it in the Temporal UI."""
        self._state, self._read_at = state, workflow.now()
        self._was_known = self._was_known or state.known
        self._moved += 1
        workflow.set_current_details(self._details())
        shown = (state.lane, state.step, state.role, state.due_at, state.status)
        passing = state.complete and self._start.edition >= 2
        if state.known and shown != self._shown and not passing:
            self._shown = shown
            workflow.upsert_search_attributes(self._attributes())

    def _details(self) -> str:
        s = self._state
        if s.returned:
            return "Returned for correction; waiting for the submitter"
        if s.status == "FAILED":
            return "**FAILED**: could not be carried out; waiting for the submitter to re-base or withdraw"
        if s.step:
            overdue = "" if s.escalate_in is not None else " (overdue, escalated)"
            return f"Step {s.step}: waiting for **{s.role}** since {s.since}, due {s.due_at}{overdue}"
        return s.status

    def _attributes(self) -> Sequence[SearchAttributeUpdate[Any]]:
        s = self._state
        updates: list[SearchAttributeUpdate[Any]] = [LANE.value_set(s.lane), CUSTOMER.value_set(s.customer_id)]
        if not s.step or not s.due_at:
            return [*updates, STEP.value_set(s.status), ROLE.value_unset(), DUE.value_unset()]
        due = datetime.fromisoformat(s.due_at)
        return [*updates, STEP.value_set(str(s.step)), ROLE.value_set(s.role), DUE.value_set(due)]


def _refusal(code: str, detail: str, problem: Mapping[str, Any]) -> ApplicationError:
    """What an update is answered, in the shape in which refusals leave activities."""
    said = f"{code}: {detail}" if detail else code
    return ApplicationError(
        said, dict(problem), type=code, non_retryable=True, category=ApplicationErrorCategory.BENIGN
    )
