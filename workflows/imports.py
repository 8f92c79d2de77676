"""A bulk import, from the uploaded file to its report: stage, validate, have it reviewed, execute.

The database holds the rows, the cursor and the status; the process decides only what to do next. So a worker may die at
any moment, and a continue-as-new carries two ids. People act by updates; each is a command that was kept before.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import SearchAttributeUpdate
from temporalio.exceptions import FailureError

with workflow.unsafe.imports_passed_through():
    from activities.errors import RECORD_GONE, gone
    from activities.imports import ImportActivities
    from models.messages.imports import (
        NOT_THERE,
        PROCESS,
        ImportAct,
        ImportInput,
        ImportResult,
        ImportSignal,
        ImportState,
    )
    from workflows import retries
    from workflows.in_place import at_once, cancelled, refusal_code, until_done
    from workflows.search_attributes import DUE, ROLE, STEP

HISTORY_LIMIT = 1_000
REFUSED_SIGNALS_LIMIT = 100
"""A run that has refused so many decisions by signal hears no more of them; decisions by the API go on."""
Step = Callable[[ImportActivities, ImportAct], ImportState]
"""An activity of the process."""


@workflow.defn(name=PROCESS)
class CustomerImport:
    """STAGING → VALIDATING → AWAITING_REVIEW → EXECUTING ⇄ PAUSED → an end."""

    @workflow.init
    def __init__(self, start: ImportInput) -> None:
        self._start = start
        self._state = ImportState("")
        self._was_there = False
        self._news = 0
        self._refused_signals = 0
        self._attributes: tuple[str, str, datetime | None] | None = None

    @workflow.run
    async def run(self, start: ImportInput) -> ImportResult:
        await self._submit()
        steps: dict[str, Callable[[], Awaitable[None]]] = {
            "STAGING": self._stage,
            "VALIDATING": self._validate,
            "AWAITING_REVIEW": self._await_review,
            "EXECUTING": self._execute,
            "PAUSED": self._await_resumption,
        }
        while step := steps.get(self._state.status):
            await step()
            if workflow.info().get_current_history_length() > HISTORY_LIMIT:
                await workflow.wait_condition(workflow.all_handlers_finished)
                # Named, because an attribute that was unset is handed on as a null, on which the new run cannot begin.
                workflow.continue_as_new(
                    ImportInput(start.org_id, start.import_id),
                    search_attributes=workflow.info().typed_search_attributes,
                )
        await workflow.wait_condition(workflow.all_handlers_finished)
        if self._state.status == NOT_THERE and (self._was_there or not start.command_id):
            raise gone(start.import_id)  # one that never was there is another one's repetition
        return ImportResult(self._state.status, self._state.total_rows)

    # The steps

    async def _submit(self) -> None:
        """Record the upload. The API does so too, so that its answer waits for no worker; whoever is first has done it."""
        try:
            await self._act(self._start.command_id)
        except FailureError as refusal:
            if cancelled(refusal) or refusal_code(refusal) == RECORD_GONE:
                raise
            workflow.set_current_details("The upload was refused")

    async def _stage(self) -> None:
        """Every row of the file into the database, all or none; a source's records are fetched before, in slices."""
        await self._work(ImportActivities.stage, retries.IMPORT_FILE_TIMEOUT, "Reading the file")
        if self._state.retry_in is not None:
            workflow.set_current_details("Waiting until the source can be asked again")
            await self._news_within(self._state.retry_in)

    async def _validate(self) -> None:
        """Every row by the rules of a single customer, then all against each other and the master."""
        await self._work(ImportActivities.validate, retries.IMPORT_FILE_TIMEOUT, "Validating")

    async def _await_review(self) -> None:
        """Until the reviewers have decided; after its time the review becomes somebody's exception."""
        if not await self._news_within(self._state.due_in):
            self._show(await self._do(ImportActivities.overdue, ImportAct(self._start.org_id, self._start.import_id)))

    async def _execute(self) -> None:
        """Batches, each one transaction, as many as fit a slice."""
        await self._work(ImportActivities.execute, retries.IMPORT_SLICE_TIMEOUT, "Executing")

    async def _await_resumption(self) -> None:
        await self._news_within(None)

    # What comes in

    @workflow.update(name="act")
    async def act(self, what: ImportAct) -> ImportState:
        """A decision, a pause, a resumption, a cancellation: done in one transaction, refused with its reason."""
        await self._act(what.command_id)
        return self._state

    @workflow.signal(name="decide")
    async def decide_by_signal(self, *words: Any) -> None:
        """`{"token", "decision", "reason_code", "comment"}` from the Temporal CLI or UI, while there is something to decide."""
        if self._state.status != "AWAITING_REVIEW" or self._refused_signals >= REFUSED_SIGNALS_LIMIT:
            return
        word = words[0] if len(words) == 1 and isinstance(words[0], dict) else None
        said = ImportSignal(self._start.org_id, self._start.import_id, word)
        state = await until_done(ImportActivities.decide_by_signal, said)
        self._refused_signals += state.refused
        self._show(state)
        self._news += 1

    @workflow.signal(name="reload")
    async def reload(self) -> None:
        """Look again: something outside this process has moved the import."""
        await self._act("")

    @workflow.query(name="progress")
    def progress(self) -> ImportState:
        """Where it stood when the last slice ended; counts only."""
        return self._state

    # How

    async def _act(self, command_id: str) -> None:
        state = await self._do(ImportActivities.act, ImportAct(self._start.org_id, self._start.import_id, command_id))
        self._show(state)
        self._news += 1

    async def _do(self, step: Step, what: ImportAct) -> ImportState:
        return await at_once(step, what)

    async def _work(self, step: Step, timeout: timedelta, doing: str) -> None:
        """One slice. A person's act meanwhile has moved the row, and the slice's answer may be older than the act's."""
        self._describe(doing)
        seen = self._news
        state = await workflow.execute_activity_method(
            step,
            ImportAct(self._start.org_id, self._start.import_id),
            start_to_close_timeout=timeout,
            heartbeat_timeout=retries.IMPORT_HEARTBEAT,
            retry_policy=retries.BATCH,
        )
        if seen != self._news:
            state = await self._do(ImportActivities.act, ImportAct(self._start.org_id, self._start.import_id))
        self._show(state)

    async def _news_within(self, seconds: float | None) -> bool:
        """Wait for news; False when the time is up first."""
        seen = self._news
        timeout = None if seconds is None else timedelta(seconds=max(seconds, 0.001))
        try:
            await workflow.wait_condition(lambda: self._news != seen, timeout=timeout)
        except TimeoutError:
            return False
        return True

    def _show(self, state: ImportState) -> None:
        self._state = state
        self._was_there = self._was_there or state.status != NOT_THERE
        self._describe(state.status)
        due = None if state.due_in is None else workflow.now() + timedelta(seconds=round(state.due_in))
        now = (state.status, state.awaiting_role, due)
        if now != self._attributes:
            self._attributes = now
            workflow.upsert_search_attributes(_attributes(state, due))

    def _describe(self, doing: str) -> None:
        s = self._state
        said = {
            "AWAITING_REVIEW": f"Waiting for {s.awaiting_role}: {s.total_rows} rows, {s.error_rows} of them invalid",
            "EXECUTING": f"Executing: {s.executed_rows} of {s.total_rows} rows done, {s.failed} failed",
            "VALIDATING": f"Validating: {s.validated_rows} of {s.total_rows} rows done",
        }
        workflow.set_current_details(said.get(s.status, doing))


def _attributes(
    state: ImportState, due: datetime | None
) -> list[SearchAttributeUpdate[str] | SearchAttributeUpdate[datetime]]:
    return [
        STEP.value_set(state.status),
        ROLE.value_set(state.awaiting_role) if state.awaiting_role else ROLE.value_unset(),
        DUE.value_set(due) if due is not None else DUE.value_unset(),
    ]
