"""The ledger, read."""

from typing import Annotated

from fastapi import Query, Request
from starlette.responses import Response

from api.answering import shown
from api.deps import Paging, Principal, requires
from api.gate import gated_router
from api.problems import refusals
from api.reading import reading, who_sees
from models.answers import Page
from models.cash.book_answers import JournalEntryAnswer, journal_entry_answer
from models.db.cash import journal
from models.values import IsoDate

router = gated_router("ledger")
Reader = Annotated[Principal, requires("payments.read")]


@router.get("/v1/journal-entries", response_model=Page[JournalEntryAnswer])
def list_journal_entries(
    request: Request,
    who: Reader,
    page: Paging,
    source_id: Annotated[str | None, Query(description="The payment or invoice that the entries were made for")] = None,
    since: Annotated[IsoDate | None, Query(alias="from", description="Entry date, the first")] = None,
    until: Annotated[IsoDate | None, Query(alias="to", description="Entry date, the last")] = None,
) -> Response:
    """Journal entries in the order of posting."""
    after = page.after("journal-entries", str)
    with reading(request, who) as tx:
        found = journal.list_entries(tx, who.entities, source_id, since, until, after, page.fetch)
    items = page.of(
        "journal-entries", found, key=lambda e: (e.id,), item=lambda e: journal_entry_answer(e, e.created_at)
    )
    return shown(items)


@router.get(
    "/v1/journal-entries/{entry_id}", response_model=JournalEntryAnswer, responses=refusals("JOURNAL_ENTRY_NOT_FOUND")
)
def get_journal_entry(request: Request, entry_id: str, who: Reader) -> Response:
    """A journal entry with its lines."""
    with reading(request, who) as tx:
        entry = journal.get_entry(tx, entry_id)
    who_sees(who, entry.legal_entity_id)
    return shown(journal_entry_answer(entry, entry.created_at))
