"""Tools that read receipts, invoices and what waits."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import Field, JsonValue

from conversation.api import Query, Refused, listed
from conversation.customer_jobs import CustomerId, Limit
from conversation.jobs import Talk, job
from models.answers import JsonObject, answer
from models.cash.answers import PaymentAnswer
from models.cash.invoice_answers import InvoiceAnswer
from models.cash.statement_answers import SuggestionAnswer
from models.conversation.selection import Candidate, select
from models.exceptions.answers import ExceptionAnswer
from models.values import Body, Line

Cursor = Annotated[Line, Field(max_length=2000, description="`next_cursor` of the page before")]
UNMATCHED: Final = "unmatched_payment"


class UnmatchedReceipts(Body):
    """How many at once, and from where on."""

    limit: Limit = 20
    cursor: Cursor | None = None


@answer
class UnmatchedReceipt:
    """A receipt with money on it that is applied to nothing: the payment, whose it is, why it was left to a person, the
    invoices that the bank's texts suggest, and the open invoices of its customer."""

    payment: PaymentAnswer
    customer_name: str | None
    reason_code: str | None
    suggestions: Sequence[SuggestionAnswer]
    open_invoices: Sequence[InvoiceAnswer]


@answer
class UnmatchedReceipts_:
    """Receipts that wait for a clerk, the newest first; those applied in part stand before them on the first page."""

    items: Sequence[UnmatchedReceipt]
    next_cursor: str | None


@job("unmatched_receipts", "Unmatched receipts", UnmatchedReceipts, UnmatchedReceipts_)
async def unmatched_receipts(talk: Talk, asked: UnmatchedReceipts) -> JsonObject:
    """Receipts of the bank that are not applied, each with what the bank said, what it suggests, and the open invoices of
    its customer. propose_application applies one; where its customer is not known, propose_assignment comes first."""
    query: Query = {"status": "UNAPPLIED", "limit": asked.limit, "cursor": asked.cursor}
    page = await talk.api.get("/v1/customer-payments", query)
    found = [dict(p) for p in listed(page)]
    if asked.cursor is None:
        query = {"status": "PARTIALLY_APPLIED", "limit": asked.limit}
        parts = listed(await talk.api.get("/v1/customer-payments", query))
        found = [dict(p) for p in parts if p["available_minor"]] + found
    reasons = await _reasons(talk)
    lines = await _suggested(talk, found)
    customers = {str(p["customer_id"]) for p in found if p["customer_id"] is not None}
    known = dict(zip(customers, await asyncio.gather(*(_owner(talk, c) for c in customers)), strict=True))
    items: list[JsonValue] = []
    for p in found:
        name, invoices = known.get(str(p["customer_id"]), (None, []))
        said = lines.get((str(p["statement_id"]), p["statement_line"]), [])
        items.append(
            {"payment": p, "customer_name": name, "reason_code": reasons.get(str(p["id"])), "suggestions": said,
             "open_invoices": invoices}
        )  # fmt: skip
    return {"items": items, "next_cursor": page["next_cursor"]}


async def _reasons(talk: Talk) -> dict[str, str]:
    """Why receipts were left to a person, as far as their exceptions say it."""
    query: Query = {"kind": UNMATCHED, "status": "open", "limit": 200}
    said, _ = await page_of(talk, "/v1/exceptions", query)
    return {str(e["subject_id"]): str(e["reason_code"]) for e in said}


async def _suggested(talk: Talk, payments: Sequence[JsonObject]) -> dict[tuple[str, JsonValue], JsonValue]:
    """What the lines of the newest statements suggest, by statement and line."""
    wanted: dict[str, list[str]] = {}
    for p in payments:
        if p["statement_id"] is not None and p["statement_line"] is not None:
            wanted.setdefault(str(p["statement_id"]), []).append(str(p["statement_line"]))
    statements = list(wanted)[:5]
    read = await asyncio.gather(
        *(talk.api.get(f"/v1/statements/{s}", {"lines": ",".join(wanted[s])}) for s in statements)
    )
    lines = [(s, line) for s, one in zip(statements, read, strict=True) for line in listed(one, "lines")]
    return {(s, line["line"]): line["suggestions"] for s, line in lines}


async def _owner(talk: Talk, customer_id: str) -> tuple[JsonValue, JsonValue]:
    """The customer's name, and its open invoices."""
    query: Query = {"customer_id": customer_id, "status": "open", "limit": 10}
    try:
        customer = await talk.api.get(f"/v1/customers/{customer_id}")
        return customer["name"], (await talk.api.get("/v1/invoices", query))["items"]
    except Refused:  # of an entity that the token does not cover
        return None, []


class OpenInvoices(Body):
    """Whose, and which of them."""

    customer_id: CustomerId
    which: Annotated[
        Line,
        Field(description="As people say it: `the oldest three`, `everything but the disputed one`, `INV-7 and INV-9`"),
    ] | None = None  # fmt: skip
    limit: Limit = 50


@answer
class OpenInvoices_:
    """Open invoices by due date. `selected`: ids of those that `which` names; null with `question` where the words leave it
    open: ask the person."""

    items: Sequence[InvoiceAnswer]
    selected: Sequence[str] | None
    question: str | None
    next_cursor: str | None


@job("open_invoices", "Open invoices", OpenInvoices, OpenInvoices_)
async def open_invoices(talk: Talk, asked: OpenInvoices) -> JsonObject:
    """The open invoices of a customer, and which of them the person's own words mean. Give their words as they said them;
    where they are not plain, `question` says what to ask."""
    query: Query = {"customer_id": asked.customer_id, "status": "open", "limit": asked.limit}
    page = await talk.api.get("/v1/invoices", query)
    invoices = listed(page)
    selected: JsonValue = None
    question = None
    if asked.which is not None:
        found = select(asked.which, [candidate(i) for i in invoices], complete=page["next_cursor"] is None)
        selected, question = None if found.ids is None else list(found.ids), found.question
    return {"items": page["items"], "selected": selected, "question": question, "next_cursor": page["next_cursor"]}


def candidate(i: JsonObject) -> Candidate:
    """An open invoice as the words of a person choose among them."""
    return Candidate(
        id=str(i["id"]),
        external_id=str(i["external_id"]),
        issue_date=str(i["issue_date"]),
        due_date=str(i["due_date"]),
        balance_minor=int(str(i["balance_due_minor"])),
        disputed=int(str(i["disputed_minor"])) > 0,
    )


class WaitingForMe(Body):
    """How much of it."""

    limit: Limit = 20


@answer
class Waiting:
    """Something that waits for the caller: an approval to decide, or an exception to work off."""

    kind: str
    id: str
    summary: str
    due_at: datetime | None
    record: JsonObject


@answer
class WaitingForMe_:
    """What waits, the soonest due first. `more`: there is more than is shown."""

    items: Sequence[Waiting]
    more: bool


@job("waiting_for_me", "What waits for me", WaitingForMe, WaitingForMe_)
async def waiting_for_me(talk: Talk, asked: WaitingForMe) -> JsonObject:
    """What waits for the person: approvals of every kind that they may decide now, exceptions on their desk.
    propose_decision decides an approval by its id."""
    n = asked.limit
    pages = await asyncio.gather(
        page_of(talk, "/v1/approvals", {"awaiting": "me", "limit": n}),
        page_of(talk, "/v1/exceptions", {"owner": "me", "status": "open", "limit": n}),
    )
    made = (_approval, _exception)
    items = [make(item) for make, (found, _) in zip(made, pages, strict=True) for item in found]
    items.sort(key=lambda w: (w["due_at"] is None, str(w["due_at"])))
    more = len(items) > n or any(cut for _, cut in pages)
    return {"items": [dict(w) for w in items[:n]], "more": more}


async def page_of(talk: Talk, path: str, query: Query) -> tuple[list[JsonObject], bool]:
    """A list, and whether there is more; nothing where the caller's roles have no such list."""
    try:
        page = await talk.api.get(path, query)
    except Refused as refused:
        if refused.code == "FORBIDDEN":
            return [], False
        raise
    return listed(page), page["next_cursor"] is not None


def _approval(a: JsonObject) -> JsonObject:
    return {"kind": a["kind"], "id": a["id"], "summary": a["summary"], "due_at": a["due_at"], "record": dict(a)}


def _exception(e: JsonObject) -> JsonObject:
    said = f"{e['kind']} {e['reason_code']} about {e['subject_id']}"
    return {"kind": "exception", "id": e["id"], "summary": said, "due_at": e["due_at"], "record": dict(e)}


class Exceptions(Body):
    """Which."""

    status: Literal["open", "resolved"] = "open"
    kind: Annotated[Line, Field(description="Such as unmatched_payment, invoice_dispute, change_failed")] | None = None
    subject_id: Annotated[Line, Field(description="The record that it is about")] | None = None
    owner: Annotated[Line, Field(description="`me`, a person, or a role")] | None = None
    limit: Limit = 20
    cursor: Cursor | None = None


@answer
class Exceptions_:
    """Exceptions, the soonest due first."""

    items: Sequence[ExceptionAnswer]
    next_cursor: str | None


@job("exceptions", "Exceptions", Exceptions, Exceptions_)
async def exceptions(talk: Talk, asked: Exceptions) -> JsonObject:
    """What could not be done without a person, each with its owner, reason code and due time."""
    query = asked.model_dump()
    return await talk.api.get("/v1/exceptions", query)
