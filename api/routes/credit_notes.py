"""Credit notes: recorded, applied to invoices alone, unapplied, voided. Each write is a process."""

from typing import Annotated, Final

from fastapi import Query, Request
from starlette.responses import Response

from api.answering import posted_or_approved, shown
from api.deps import RECORD, IdempotencyKey, Paging, Principal, requires
from api.gate import gated_router
from api.problems import refusals
from api.reading import reading, who_sees
from api.write import UNDER_WAY, Write, write
from models.answers import Page
from models.cash.credit_note_answers import (
    CreditNoteAnswer,
    CreditNoteAppliedAnswer,
    CreditNoteUnappliedAnswer,
    credit_note_answer,
)
from models.cash.credit_note_requests import ApplyCreditNote, CreateCreditNote, UnapplyCreditNote, VoidCreditNote
from models.cash.credit_notes import CreditNoteStatus
from models.db.cash import credit_notes
from models.ids import new_id
from models.values import Choice, ExternalId, InUpperCase

router = gated_router("credit notes")
Reader = Annotated[Principal, requires("payments.read")]
Writer = Annotated[Principal, requires("payments.apply", RECORD)]
_OF_PAIRS: Final = (
    "INVOICE_NOT_FOUND", "INVOICE_VOID", "INVOICE_CUSTOMER_MISMATCH", "LEGAL_ENTITY_MISMATCH",
    "CREDIT_NOTE_CURRENCY_MISMATCH", "EXTERNAL_ID_CONFLICT",
)  # fmt: skip


@router.post(
    "/v1/credit-notes", status_code=201, response_model=CreditNoteAnswer,
    responses=refusals(
        *_OF_PAIRS, "CUSTOMER_NOT_FOUND", "LEGAL_ENTITY_NOT_FOUND", "FX_RATE_MISSING"
    ) | posted_or_approved(CreditNoteAnswer),
)  # fmt: skip
async def create_credit_note(request: Request, body: CreateCreditNote, who: Writer, key: IdempotencyKey) -> Response:
    """Record a credit note: DR revenue and tax_payable, CR accounts_receivable. Once per external_id. Within the caller's
    authority it is posted at once; beyond it those above decide, and it is posted when they have approved."""
    note_id = new_id("cn")
    return await write(
        request, who, key,
        Write(
            "create_credit_note", body, note_id, body.customer_id, body.customer_id,
            f"Issue credit note {note_id}: {body.reason_code}", {"CustomerId": body.customer_id},
        ),
    )  # fmt: skip


@router.post(
    "/v1/credit-notes/{credit_note_id}/apply",
    response_model=CreditNoteAppliedAnswer,
    responses=refusals(
        "CREDIT_NOTE_NOT_FOUND", "CREDIT_NOTE_NOT_OPEN", *_OF_PAIRS, "APPLIED_EXCEEDS_CREDIT", "APPLIED_EXCEEDS_BALANCE"
    )
    | UNDER_WAY,
)
async def apply_credit_note(
    request: Request, credit_note_id: str, body: ApplyCreditNote, who: Writer, key: IdempotencyKey,
    dry: Annotated[bool, Query(alias="dry_run")] = False,
) -> Response:  # fmt: skip
    """Settle invoices with a credit note. No entry is made but for what exchange has won or lost. `dry_run` answers the same
    with that entry, and changes nothing."""
    count = len(body.applications)
    summary = f"Apply credit note {credit_note_id} to {'1 invoice' if count == 1 else f'{count} invoices'}"
    w = Write("apply_credit_note", body, credit_note_id, None, None, summary)
    return await write(request, who, key, w, dry_run=dry)


@router.post(
    "/v1/credit-notes/{credit_note_id}/void",
    response_model=CreditNoteAnswer,
    responses=refusals("CREDIT_NOTE_NOT_FOUND", "CREDIT_NOTE_NOT_OPEN", "CREDIT_NOTE_HAS_APPLICATIONS") | UNDER_WAY,
)
async def void_credit_note(
    request: Request, credit_note_id: str, body: VoidCreditNote, who: Writer, key: IdempotencyKey
) -> Response:
    """Take back a credit note that settles nothing: its entry is reversed."""
    summary = f"Void credit note {credit_note_id}: {body.reason_code}"
    return await write(request, who, key, Write("void_credit_note", body, credit_note_id, None, None, summary))


@router.post(
    "/v1/credit-note-applications/{application_id}/unapply",
    response_model=CreditNoteUnappliedAnswer,
    responses=refusals("CREDIT_NOTE_APPLICATION_NOT_FOUND", "APPLICATION_UNAPPLIED", "DATE_BEFORE_CREDIT_NOTE")
    | UNDER_WAY,
)
async def unapply_credit_note(
    request: Request, application_id: str, body: UnapplyCreditNote, who: Writer, key: IdempotencyKey
) -> Response:
    """Undo what a credit note settled of one invoice, alone or in a payment's session: both are open again."""
    summary = f"Undo credit note application {application_id}: {body.reason_code}"
    return await write(request, who, key, Write("unapply_credit_note", body, application_id, None, None, summary))


@router.get(
    "/v1/credit-notes/{credit_note_id}", response_model=CreditNoteAnswer, responses=refusals("CREDIT_NOTE_NOT_FOUND")
)
def get_credit_note(request: Request, credit_note_id: str, who: Reader) -> Response:
    """A credit note with what it settles."""
    with reading(request, who) as tx:
        note = credit_notes.get(tx, credit_note_id)
        lines = credit_notes.applications_of(tx, [note.id])
    who_sees(who, note.legal_entity_id)
    return shown(credit_note_answer(note, lines.get(note.id, ())))


@router.get("/v1/credit-notes", response_model=Page[CreditNoteAnswer])
def list_credit_notes(
    request: Request, who: Reader, page: Paging, customer_id: str | None = None, invoice_id: str | None = None,
    status: Annotated[Choice[CreditNoteStatus] | None, InUpperCase] = None, external_id: ExternalId | None = None,
) -> Response:  # fmt: skip
    """Credit notes, the newest first. `invoice_id`: those that correct the invoice or settle it."""
    after = page.after("credit_notes", str)
    with reading(request, who) as tx:
        found = credit_notes.list_notes(
            tx, who.entities, after[0] if after else None, page.fetch, customer_id=customer_id, invoice_id=invoice_id,
            status=status, external_id=external_id,
        )  # fmt: skip
        lines = credit_notes.applications_of(tx, [n.id for n in found])
    return shown(
        page.of(
            "credit_notes",
            found,
            key=lambda n: (n.id,),
            item=lambda n: credit_note_answer(n, lines.get(n.id, ())),
        )
    )
