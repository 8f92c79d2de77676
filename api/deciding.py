"""Acts on approvals of every kind: carried by the operation that the kind has for it, answered in the one shape of approvals."""

import asyncio
import hashlib
from collections.abc import Sequence
from typing import Final, Literal

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from api.batch import batched
from api.keys import RequestKey
from api.problems import problem_body
from api.reading import reading
from api.write import Write, Written, submission, write
from models.access import Principal
from models.answers import JsonObject, answer, read_json
from models.approvals.answers import ApprovalAnswer
from models.approvals.chain import require_reason
from models.approvals.requests import DecideChange
from models.commands import Answered
from models.customers.change_answers import ChangeAnswer
from models.db.tx import to_json
from models.errors import Refusal
from models.imports.answers import ImportAnswer
from models.inbox.answers import approval_of_change, approval_of_import
from models.values import Body, RecordId
from operations.approvals.families import family_of, require_family
from operations.inbox import waiting
from operations.runner import OPERATIONS

AT_ONCE: Final = 8
"""So many decisions of a batch are carried at the same time."""


@answer
class DecidedAnswer:
    """A decision of a batch that was taken. `index` counts from 0 in the order of the request; `replayed`: its person had
    taken it before; `under_way`: its process has not ended after five seconds, and goes on."""

    index: int
    approval_id: str
    status: Literal["decided", "replayed", "under_way"]
    approval: ApprovalAnswer


@answer
class UndecidedAnswer:
    """A decision of a batch that was refused. `error` is the problem that it would have been answered alone."""

    index: int
    approval_id: str
    status: Literal["failed"]
    error: JsonObject


@answer
class _Refused:
    """What is kept of a batch: those that were refused. The others are kept with their own commands."""

    items: Sequence[UndecidedAnswer]


@answer
class DecidedBatchAnswer:
    """One item for each decision, in the order of the request."""

    items: Sequence[DecidedAnswer | UndecidedAnswer]


class DecideApproval(DecideChange):
    """One decision of several. `step` is the pending one unless given. Rejecting and returning need a reason code."""

    approval_id: RecordId

    @property
    def decision_alone(self) -> DecideChange:
        """As the approval's own door takes it."""
        return DecideChange(**{name: getattr(self, name) for name in DecideChange.model_fields})


async def act(request: Request, who: Principal, key: RequestKey, what: str, approval_id: str, body: Body) -> Response:
    """Carry an act (`decide`, `delegate`, `withdraw`) out on an approval, and answer the approval."""
    done, found = await _acted(request, who, key, what, approval_id, body)
    return done.say(found)


async def _acted(
    request: Request, who: Principal, key: RequestKey, what: str, approval_id: str, body: Body
) -> tuple[Written, ApprovalAnswer]:
    operation = f"{_noun(approval_id)}.{what}"
    if operation not in OPERATIONS:
        raise Refusal("CHANGE_CLOSED", "An import is not submitted again: upload a corrected file.")
    done = await write(request, who, key, Write(operation, body, approval_id, approval_id))
    return done, await run_in_threadpool(_as_approval, request, who, approval_id, done)


def _noun(approval_id: str) -> str:
    require_family(approval_id)
    return family_of(approval_id).noun


def _as_approval(request: Request, who: Principal, approval_id: str, written: Written) -> ApprovalAnswer:
    """What the operation answered, as an approval; while its process goes on, the approval as it stands."""
    with reading(request, who) as tx:
        if written.goes_on:
            return waiting.approval(tx, who, approval_id)
        return waiting.with_names(tx, [_read(approval_id, written.done)])[0]


def _read(approval_id: str, done: Answered) -> ApprovalAnswer:
    match approval_id.partition("_")[0]:
        case "chg":
            return approval_of_change(done.read(ChangeAnswer))
        case "imp":
            return approval_of_import(done.read(ImportAnswer))
    return done.read(ApprovalAnswer)


async def decide_many(
    request: Request, who: Principal, key: RequestKey, decisions: Sequence[DecideApproval]
) -> Response:  # fmt: skip
    """Carry out the decisions, each in a transaction of its own; those of one approval in their order. With the same key each
    is answered what it was answered first."""
    said = to_json([d.model_dump(mode="json") for d in decisions])
    whole = submission(request, key, Write("approvals.decide", {"sha256": _digest(said)}, who.org_id))
    crowd = asyncio.Semaphore(AT_ONCE)
    alike: dict[str, list[int]] = {}
    for n, d in enumerate(decisions):
        alike.setdefault(d.approval_id, []).append(n)

    async def carry(command_id: str, first: Answered | None) -> Answered:
        before = _refused_before(first)

        async def one(n: int) -> DecidedAnswer | UndecidedAnswer:
            if (refused := before.get(n)) is not None:
                return refused
            async with crowd:
                return await _decided(request, who, RequestKey(f"{command_id}:{n}", True), n, decisions[n])

        async def of_one_approval(numbers: Sequence[int]) -> list[DecidedAnswer | UndecidedAnswer]:
            return [await one(n) for n in numbers]

        found = [item for items in await asyncio.gather(*map(of_one_approval, alike.values())) for item in items]
        request.state.workflow_id = None  # of the last of many
        items = sorted(found, key=lambda item: item.index)
        refused = _Refused(items=[item for item in items if isinstance(item, UndecidedAnswer)])
        return Answered(to_json(DecidedBatchAnswer(items=items)), kept=to_json(refused))

    return await batched(request, who, whole, carry)


def _digest(text: str) -> str:
    """Of the batch only this is kept: what was said of each approval is kept with its own decision."""
    return hashlib.sha256(text.encode()).hexdigest()


def _refused_before(first: Answered | None) -> "dict[int, UndecidedAnswer]":
    """The items that the first answer to the same request had refused."""
    if first is None:
        return {}
    return {item.index: item for item in read_json(_Refused, first.json).items}


async def _decided(
    request: Request, who: Principal, key: RequestKey, n: int, d: DecideApproval
) -> "DecidedAnswer | UndecidedAnswer":
    try:
        require_reason(d.decision, d.reason_code)
        written, found = await _acted(request, who, key, "decide", d.approval_id, d.decision_alone)
    except Refusal as no:
        return UndecidedAnswer(index=n, approval_id=d.approval_id, status="failed", error=problem_body(no))
    status: Literal["decided", "replayed", "under_way"] = "replayed" if written.done.replayed else "decided"
    if written.goes_on:
        status = "under_way"
    return DecidedAnswer(index=n, approval_id=d.approval_id, status=status, approval=found)
