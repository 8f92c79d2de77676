"""A call that its client cancels: before the person's yes nothing is done, after it all of it; the next call says which."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import psycopg
import pytest
from mcp_types import ElicitRequestParams, ElicitResult

from tests.api.office import Office, ext, ok
from tests.conversation.people import Dialogue, token
from tests.conversation.script import commit, say, talk
from tests.conversation.talking import WAYS, Way, assistant, told


class Silence(Dialogue):
    """A person who is asked and does not answer."""

    async def __call__(self, _: Any, params: ElicitRequestParams) -> ElicitResult:
        self.asked.append(params.message)
        await asyncio.sleep(60)
        raise AssertionError("nobody waits so long")


async def until(holds: Callable[[], bool], what: str) -> None:
    for _ in range(200):
        if await asyncio.to_thread(holds):
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"not {what} within 20 s")


async def cancelled(call: "asyncio.Task[Any]") -> None:
    """As the official client gives up on a call: it tells the server."""
    call.cancel()
    with suppress(asyncio.CancelledError):
        await call


@pytest.mark.parametrize("way", WAYS)
async def test_a_cancelled_commit_is_done_whole_or_not_at_all(office: Office, way: Way, database_url: str) -> None:
    customer = office.customer()
    invoice, payment = office.invoice(customer, 5_000), office.payment(customer, 5_000)
    lines = [{"invoice_id": invoice["id"], "applied_minor": 5_000}]
    silence, dialogue = Silence(), Dialogue()
    async with assistant(office.stack, token(office), way, elicitation_callback=silence) as client:
        shown = told(
            await client.call_tool("propose_application", {"payment_id": payment["id"], "applications": lines})
        )
        proposal = {"proposal_id": shown["proposal_id"]}
        call = asyncio.create_task(client.call_tool("commit", proposal))
        await until(lambda: bool(silence.asked), "asked")
        await cancelled(call)
    path = f"/v1/proposals/{shown['proposal_id']}"
    assert ok(office.clerk.get(path))["status"] == "OPEN"
    assert [e["action"] for e in office.audit(shown["proposal_id"])] == ["proposal.made"]
    async with assistant(office.stack, token(office), way, elicitation_callback=dialogue) as client:
        with psycopg.connect(database_url) as held, psycopg.connect(database_url, autocommit=True) as watch:
            held.execute("SELECT 1 FROM payments WHERE id = %s FOR UPDATE", (payment["id"],))
            mine = held.info.backend_pid
            waits = f"SELECT count(*) FROM pg_stat_activity WHERE {mine} = ANY(pg_blocking_pids(pid))"
            call = asyncio.create_task(client.call_tool("commit", proposal))
            await until(lambda: bool((watch.execute(waits).fetchone() or [0])[0]), "under way")
            await cancelled(call)
        await until(lambda: ok(office.clerk.get(path))["status"] == "COMMITTED", "carried out though it was cancelled")
        again = told(await client.call_tool("commit", proposal))
    assert (again["status"], again["result"]["status"]) == ("COMMITTED", "FULLY_APPLIED")
    assert len(dialogue.asked) == 1
    assert len([e for e in office.audit(payment["id"]) if e["action"] == "payment.applied"]) == 1
    assert office.booked(payment["id"]) == {"cash": 5_000, "accounts_receivable": -5_000}


@pytest.mark.parametrize("way", WAYS)
async def test_who_stops_waiting_for_an_import_does_not_stop_the_import(
    office: Office, way: Way, database_url: str
) -> None:
    mark = ext("Imp")
    start = {
        "what": "start", "content": f"name,email\n{mark},{mark}@example.com\n",
        "options": {"source": "csv", "legal_entity_id": "le_us"},
    }  # fmt: skip
    heard: list[str | None] = []

    async def progress(progress: float, total: float | None, message: str | None) -> None:
        heard.append(message)

    with psycopg.connect(database_url) as held:
        held.execute("LOCK TABLE import_rows IN EXCLUSIVE MODE")  # so it stands while we look
        said = await talk(office, "u_clerk", say("propose_import", **start), commit)
        asked = {"import_id": said[1]["result"]["id"], "wait_seconds": 60}
        async with assistant(office.stack, token(office), way) as client:
            call = asyncio.create_task(client.call_tool("follow_import", asked, progress_callback=progress))
            await until(lambda: len(heard) > 1, "heard twice of its progress")
            await cancelled(call)
            ended = len(heard)
            await asyncio.sleep(1.5)
            assert len(heard) == ended
            held.rollback()
            found = told(await client.call_tool("follow_import", asked))
    assert heard[0] in ("staging", "validating")
    assert (found["status"], found["total_rows"]) == ("AWAITING_REVIEW", 1)
