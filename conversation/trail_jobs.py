"""Tools that explain: a record from its trail, an import while it runs."""

import asyncio
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Final
from urllib.parse import quote

from pydantic import Field, JsonValue

from conversation.api import Query, Refused, listed
from conversation.jobs import Talk, job
from models.answers import JsonObject, answer
from models.imports.answers import ImportAnswer
from models.values import Body, RecordId

PATHS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "cust": "/v1/customers",
        "chg": "/v1/customer-changes",
        "imp": "/v1/customer-imports",
        "invoice": "/v1/invoices",
        "pay": "/v1/customer-payments",
        "cred": "/v1/customer-credits",
        "recon": "/v1/reconciliations",
        "stmt": "/v1/statements",
        "je": "/v1/journal-entries",
        "exc": "/v1/exceptions",
        "apr": "/v1/approvals",
        "prop": "/v1/proposals",
        "adj": "/v1/adjustments",
        "wo": "/v1/write-offs",
        "cn": "/v1/credit-notes",
        "ded": "/v1/deductions",
    }
)
"""Where the record of an id is read, by the id's prefix."""
EVENTS: Final = 100
FIRST_LINES: Final = ",".join(str(n) for n in range(1, 101))
"""Of a statement, however long it is; one line is looked at by its payment (explain_match)."""


class ExplainRecord(Body):
    """Of which record."""

    id: Annotated[
        RecordId,
        Field(
            description="Any record's id: cust_ invoice_ pay_ papp_ adj_ wo_ cn_ ded_ chg_ imp_ apr_ cred_ recon_ stmt_ je_ prop_"
        ),
    ]


@answer
class Explanation:
    """A record, the journal entries made for it, and its audit trail, oldest first. `trail` is null where the caller's roles
    do not read audit events; `more`: the trail goes on."""

    record: JsonObject | None
    journal_entries: Sequence[JsonObject]
    trail: Sequence[JsonObject] | None
    more: bool


@job("explain_record", "Explain a record", ExplainRecord, Explanation)
async def explain_record(talk: Talk, asked: ExplainRecord) -> JsonObject:
    """Why a record is as it is: the record itself, the journal entries that it made, and who did what to it, when and why,
    with the codes of refusals. Works for any id."""
    prefix = asked.id.partition("_")[0]
    path = PATHS.get(prefix)
    record, entries, (trail, more) = await asyncio.gather(
        _record(talk, path, asked.id),
        _entries(talk, prefix, asked.id),
        _trail(talk, asked.id),
    )
    if record is None and not trail:
        raise Refused(
            {"code": "NOT_FOUND", "status": 404, "detail": f"There is no record {asked.id} that you may see."}
        )
    shown: JsonValue = None if trail is None else [dict(e) for e in trail]
    return {"record": record, "journal_entries": entries, "trail": shown, "more": more}


async def _record(talk: Talk, path: str | None, record_id: str) -> dict[str, JsonValue] | None:
    if path is None:
        return None
    only: Query | None = {"lines": FIRST_LINES} if path == PATHS["stmt"] else None
    return dict(await talk.api.get(f"{path}/{quote(record_id, safe='')}", only))


async def _entries(talk: Talk, prefix: str, record_id: str) -> list[JsonValue]:
    if prefix not in ("pay", "invoice", "wo", "cn"):
        return []
    try:
        page = await talk.api.get("/v1/journal-entries", {"source_id": record_id, "limit": 50})
    except Refused as refused:
        if refused.code == "FORBIDDEN":
            return []
        raise
    return [dict(e) for e in listed(page)]


async def _trail(talk: Talk, record_id: str) -> tuple[list[JsonObject] | None, bool]:
    query: Query = {"subject_id": record_id, "limit": EVENTS}
    try:
        page = await talk.api.get("/v1/audit-events", query)
    except Refused as refused:
        if refused.code == "FORBIDDEN":
            return None, False
        raise
    return listed(page), page["next_cursor"] is not None


class ExplainMatch(Body):
    """Of which payment."""

    payment_id: Annotated[RecordId, Field(description="A payment's id (pay_…)")]


@answer
class Match:
    """What a payment says of itself and what it was applied to: everything that the bank said, the applications with their
    invoices, the statement's line with what it suggested, and the exceptions about it."""

    payment: JsonObject
    invoices: Sequence[JsonObject]
    line: JsonObject | None
    exceptions: Sequence[JsonObject]


@job("explain_match", "Explain a match", ExplainMatch, Match)
async def explain_match(talk: Talk, asked: ExplainMatch) -> JsonObject:
    """Why a payment is applied to these invoices, or to none: what the bank said, whom it names, what was suggested."""
    payment = await talk.api.get(f"/v1/customer-payments/{quote(asked.payment_id, safe='')}")
    ids = list(dict.fromkeys(str(a["invoice_id"]) for a in listed(payment, "applications")))[:50]
    invoices = await asyncio.gather(*(talk.api.get(f"/v1/invoices/{i}") for i in ids))
    line = None
    if payment["statement_id"] is not None:
        only: Query = {"lines": str(payment["statement_line"])}
        lines = listed(await talk.api.get(f"/v1/statements/{payment['statement_id']}", only), "lines")
        line = dict(lines[0]) if lines else None
    try:
        about = listed(await talk.api.get("/v1/exceptions", {"subject_id": asked.payment_id}))
    except Refused:
        about = []
    return {
        "payment": dict(payment),
        "invoices": [dict(i) for i in invoices],
        "line": line,
        "exceptions": [dict(e) for e in about],
    }


class FollowImport(Body):
    """Which import, and how long to wait for its next stop."""

    import_id: Annotated[RecordId, Field(description="An import's id (imp_…)")]
    wait_seconds: Annotated[int, Field(ge=0, le=60)] = 0


_MOVING: Final = ("STAGING", "VALIDATING", "EXECUTING")


@job("follow_import", "Follow an import", FollowImport, ImportAnswer)
async def follow_import(talk: Talk, asked: FollowImport) -> JsonObject:
    """Where an import stands: its counters, its steps, the summary of its validation. With wait_seconds it is followed
    until it needs a person or has ended, with progress. Cancelling this call ends the waiting; the import goes on, and
    propose_import pauses or cancels it."""
    path = f"/v1/customer-imports/{quote(asked.import_id, safe='')}"
    for second in range(asked.wait_seconds + 1):
        found = await talk.api.get(path)
        await talk.say(*_progress(found))
        if found["status"] not in _MOVING or second == asked.wait_seconds:
            break
        await asyncio.sleep(1)
    return found


def _progress(one: JsonObject) -> tuple[float, float | None, str]:
    total, executed, validated = (int(str(one[n])) for n in ("total_rows", "executed_rows", "validated_rows"))
    done = executed if one["status"] == "EXECUTING" else validated
    return float(done), float(total) or None, str(one["status"]).lower()
