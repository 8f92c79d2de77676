"""Steps that fail again and again: after a quarter of an hour somebody is told, and no more once they go through."""

import asyncio
from contextlib import suppress
from typing import Any, Final

import psycopg
from sqlalchemy import Engine
from temporalio import activity, client, worker
from temporalio.exceptions import ApplicationError

from models.stuck import Patience
from operations.stuck import report_done, report_failing

OWN_WORD: Final = frozenset({"send_confirmation", "report_undelivered"})
"""Steps whose process says itself that they do not go through."""


class FailingSteps(client.Interceptor, worker.Interceptor):
    """Given to a client, it looks at every activity of the workers that use the client."""

    def __init__(self, engine: Engine, patience: Patience | None = None) -> None:
        self._engine, self._patience = engine, patience or Patience()

    def intercept_activity(self, next: worker.ActivityInboundInterceptor) -> worker.ActivityInboundInterceptor:
        return _Looking(next, self._engine, self._patience)


class _Looking(worker.ActivityInboundInterceptor):
    def __init__(self, next: worker.ActivityInboundInterceptor, engine: Engine, patience: Patience) -> None:
        super().__init__(next)
        self._engine, self._patience = engine, patience

    async def execute_activity(self, input: worker.ExecuteActivityInput) -> Any:
        about = activity.info()
        org_id = getattr(input.args[0], "org_id", None) if input.args else None
        subject = (about.workflow_id or "").partition("/")[0]
        watched = org_id is not None and about.attempt > 1 and about.activity_type not in OWN_WORD
        try:
            result = await super().execute_activity(input)
        except ApplicationError as error:
            late = about.started_time - about.scheduled_time > self._patience.failing  # both by the server's clock
            if watched and late and not error.non_retryable:
                await self._say(report_failing, org_id, subject, about.activity_type, error.type or "UNKNOWN")
            raise
        if watched:
            await self._say(report_done, org_id, subject)
        return result

    async def _say(self, say: Any, *what: Any) -> None:
        """What cannot be told (the database is away) is told at the next attempt."""
        with suppress(psycopg.Error):
            await asyncio.to_thread(say, self._engine, *what)
