"""The ledger, read."""

from typing import Annotated, Any

from fastapi import Query, Request

from api.deps import Paging, Principal, requires
from api.gate import gated_router
from api.problems import refusals
from api.reading import reading, who_sees
from models.db.cash import journal_reads
from models.values import IsoDate

router = gated_router("ledger")
Reader = Annotated[Principal, requires("payments.read")]


@router.get("/v1/journal-entries")
def list_entries(
    request: Request,
    who: Reader,
    page: Paging,
    source_id: Annotated[str | None, Query(description="The payment or invoice that the entries were made for")] = None,
    since: Annotated[IsoDate | None, Query(alias="from", description="Entry date, the first")] = None,
    until: Annotated[IsoDate | None, Query(alias="to", description="Entry date, the last")] = None,
) -> dict[str, Any]:
    """Journal entries in the order of posting."""
    after = page.after("journal-entries", str)
    with reading(request, who) as tx:
        rows = journal_reads.list_entries(
            tx, who.entities, source_id, since, until, after[0] if after else None, page.fetch
        )
    return page.answer("journal-entries", rows, key=lambda r: (r["id"],), item=journal_reads.entry_body)


@router.get("/v1/journal-entries/{entry_id}", responses=refusals("JOURNAL_ENTRY_NOT_FOUND"))
def get_entry(request: Request, entry_id: str, who: Reader) -> dict[str, Any]:
    """A journal entry with its lines."""
    with reading(request, who) as tx:
        entry = journal_reads.get_entry(tx, entry_id)
    who_sees(who, entry["legal_entity_id"])
    return journal_reads.entry_body(entry)
