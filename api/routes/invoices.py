"""Invoices: issued alone or in batches, voided, disputed."""

from datetime import date
from typing import Annotated, Any, Final

from fastapi import Query, Request
from pydantic import BeforeValidator, Field, ValidationError
from starlette.responses import Response

from api.answering import shown
from api.batch import write_batch
from api.deps import RECORD, IdempotencyKey, Paging, Principal, requires
from api.gate import gated_router
from api.invalid import field_errors
from api.problems import refusals
from api.reading import reading, who_sees
from api.write import Write, write
from models.answers import JsonObject, Page
from models.cash.invoice_answers import InvoiceAnswer, InvoiceBatchAnswer, IssuedInvoiceAnswer, invoice_answer
from models.cash.requests import ChangeInvoice, CreateInvoice
from models.db.cash import invoices, payment_reads
from models.ids import new_id
from models.values import Body, ExternalId

router = gated_router("invoices")
BATCH_LIMIT: Final = 500
InvoiceFilter = Annotated[
    str,
    BeforeValidator(lambda s: s.upper() if isinstance(s, str) and s != "open" else s),
    Field(pattern="^(open|OPEN|PARTIALLY_PAID|PAID|VOID)$"),
]
"""`open` is what is still to be paid, `OPEN` the status of that name; the others in either case. A pattern, for in an enum
the two would be one name of a generated client."""


_ITEMS: Final[dict[str, Any]] = {"items": {"$ref": "#/components/schemas/CreateInvoice"}}


class InvoiceBatch(Body):
    """Up to 500 invoices, each as `POST /v1/invoices` takes it; one that is not valid fails alone."""

    invoices: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=BATCH_LIMIT, json_schema_extra=_ITEMS)]


Reader = Annotated[Principal, requires("invoices.read")]
Writer = Annotated[Principal, requires("invoices.write", RECORD)]


def _write(body: CreateInvoice) -> Write:
    invoice_id = new_id("invoice")
    return Write("create_invoice", body, invoice_id, body.customer_id, body.customer_id)


@router.post(
    "/v1/invoices", status_code=201, response_model=IssuedInvoiceAnswer,
    responses=refusals(
        "EXTERNAL_ID_CONFLICT", "CUSTOMER_NOT_FOUND", "LEGAL_ENTITY_NOT_FOUND", "CUSTOMER_INACTIVE",
        "PAYMENT_TERMS_UNKNOWN", "FX_RATE_MISSING",
    ),
)  # fmt: skip
async def create_invoice(request: Request, body: CreateInvoice, who: Writer, key: IdempotencyKey) -> Response:
    """Issue an invoice: DR accounts_receivable, CR revenue and tax_payable. Once per external_id."""
    return await write(request, who, key, _write(body))


@router.post("/v1/invoices:batch", response_model=InvoiceBatchAnswer)
async def create_invoices(
    request: Request, body: InvoiceBatch, who: Writer, key: IdempotencyKey,
) -> Response:  # fmt: skip
    """Issue up to 500 invoices, each in a transaction of its own; answers one result per item, in order."""

    def parse(item: JsonObject) -> Write | list[dict[str, str]]:
        try:
            return _write(CreateInvoice.model_validate(item))
        except ValidationError as wrong:
            return [e.as_dict() for e in field_errors(wrong.errors())]

    return await write_batch(request, who, key, "create_invoices", "invoice", body.invoices, parse)


@router.get("/v1/invoices/{invoice_id}", response_model=InvoiceAnswer, responses=refusals("INVOICE_NOT_FOUND"))
def get_invoice(request: Request, invoice_id: str, who: Reader) -> Response:
    """One invoice with its balance and what is disputed of it, in minor units of its currency."""
    with reading(request, who) as tx:
        invoice = invoices.get(tx, invoice_id)
    who_sees(who, invoice.legal_entity_id)
    return shown(invoice_answer(invoice))


@router.get("/v1/invoices", response_model=Page[InvoiceAnswer])
def list_invoices(
    request: Request, who: Reader, page: Paging, customer_id: str | None = None,
    status: Annotated[InvoiceFilter | None, Query(description="`open`: still to be paid, or a status")] = None,
    external_id: ExternalId | None = None,
) -> Response:  # fmt: skip
    """Invoices by due date, then issue date, then id; `status=open` is OPEN and PARTIALLY_PAID."""
    after = page.after("invoices", date, date, str)
    with reading(request, who) as tx:
        found = payment_reads.list_invoices(tx, who.entities, status, customer_id, after, page.fetch, external_id)
    return shown(page.of("invoices", found, key=lambda i: (i.due_date, i.issue_date, i.id), item=invoice_answer))


@router.post(
    "/v1/invoices/{invoice_id}/void",
    response_model=InvoiceAnswer,
    responses=refusals("INVOICE_NOT_FOUND", "INVOICE_VOID", "INVOICE_HAS_APPLICATIONS"),
)
async def void_invoice(
    request: Request, invoice_id: str, body: ChangeInvoice, who: Writer, key: IdempotencyKey
) -> Response:
    """Void an invoice that nothing is applied to: its entry is reversed, and it owes nothing any more."""
    return await write(request, who, key, Write("void_invoice", body, invoice_id))


@router.post(
    "/v1/invoices/{invoice_id}/dispute",
    response_model=InvoiceAnswer,
    responses=refusals("INVOICE_NOT_FOUND", "INVOICE_DISPUTED", "INVOICE_NOT_OPEN"),
)
async def dispute_invoice(
    request: Request, invoice_id: str, body: ChangeInvoice, who: Writer, key: IdempotencyKey
) -> Response:
    """Mark an open invoice as disputed: it stays due, aging shows it apart, and a manager is asked."""
    return await write(request, who, key, Write("dispute_invoice", body, invoice_id))


@router.post(
    "/v1/invoices/{invoice_id}/resolve-dispute",
    response_model=InvoiceAnswer,
    responses=refusals("INVOICE_NOT_FOUND", "INVOICE_NOT_DISPUTED"),
)
async def resolve_dispute(
    request: Request, invoice_id: str, body: ChangeInvoice, who: Writer, key: IdempotencyKey
) -> Response:
    """End a dispute; the exception of it is resolved with the same reason."""
    return await write(request, who, key, Write("resolve_dispute", body, invoice_id))
