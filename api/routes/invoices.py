"""Invoices: issued alone or in batches, voided, disputed."""

from datetime import date
from typing import Annotated, Any, Final, Literal, Self

from fastapi import Request
from pydantic import BeforeValidator, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError
from starlette.responses import Response

from api.batch import run_batch
from api.deps import RECORD, IdempotencyKey, Paging, Principal, requires
from api.gate import gated_router
from api.invalid import field_errors
from api.problems import refusals
from api.process import Write, write_now
from api.reading import reading, who_sees
from api.schema import (
    Body,
    CurrencyCode,
    DecimalNumber,
    ExternalId,
    IsoDate,
    Line,
    Minor,
    NonNegativeMinor,
    PositiveMinor,
    ReasonCode,
    RecordId,
    Text,
)
from models.db.cash.invoices import GET, invoice_body
from models.db.cash.payment_reads import list_invoices
from models.db.lookups import find
from models.ids import new_id

router = gated_router("invoices")
BATCH_LIMIT: Final = 500
_STATUS: Final = BeforeValidator(lambda s: s.upper() if isinstance(s, str) and s != "open" else s)
"""`open` is what is still to be paid, `OPEN` the status of that name; the others in either case."""


class InvoiceLine(Body):
    """One line, for the record: the total stands on the invoice."""

    description: Text | None = None
    item: Line | None = None
    quantity: DecimalNumber | None = None
    unit_price_minor: Minor | None = None
    amount_minor: Minor | None = None
    tax_minor: Minor | None = None
    tax_code: Line | None = None


class NewInvoice(Body):
    """`total_minor` includes the tax. The due date: given, else by payment_terms, the customer's terms, NET30."""

    customer_id: RecordId
    external_id: ExternalId
    legal_entity_id: RecordId | None = None
    issue_date: IsoDate
    due_date: IsoDate | None = None
    payment_terms: Line | None = None
    currency_code: CurrencyCode
    total_minor: PositiveMinor
    tax_minor: NonNegativeMinor = 0
    lines: Annotated[list[InvoiceLine], Field(max_length=1000)] = Field(default_factory=list)

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if self.due_date is not None and self.due_date < self.issue_date:
            raise PydanticCustomError("DUE_BEFORE_ISSUE", "The due date is before the issue date")
        if self.tax_minor > self.total_minor:
            raise PydanticCustomError("TAX_EXCEEDS_TOTAL", "The tax is more than the total that includes it")
        amounts = [line.amount_minor for line in self.lines if line.amount_minor is not None]
        both = (self.total_minor, self.total_minor - self.tax_minor)
        if amounts and len(amounts) == len(self.lines) and sum(amounts) not in both:
            raise PydanticCustomError("LINES_DO_NOT_ADD_UP", "The lines add up to neither the total nor the net amount")
        return self


class InvoiceBatch(Body):
    invoices: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=BATCH_LIMIT)]


class Reason(Body):
    reason_code: ReasonCode
    note: Text | None = None


Reader = Annotated[Principal, requires("invoices.read")]
Writer = Annotated[Principal, requires("invoices.write", RECORD)]


def _write(body: NewInvoice) -> Write:
    invoice_id = new_id("invoice")
    return Write("create_invoice", body.model_dump(mode="json"), invoice_id, body.customer_id, body.customer_id)


@router.post(
    "/v1/invoices", status_code=201,
    responses=refusals(
        "EXTERNAL_ID_CONFLICT", "CUSTOMER_NOT_FOUND", "LEGAL_ENTITY_NOT_FOUND", "CUSTOMER_INACTIVE",
        "PAYMENT_TERMS_UNKNOWN", "FX_RATE_MISSING",
    ),
)  # fmt: skip
async def create_invoice(request: Request, body: NewInvoice, who: Writer, key: IdempotencyKey) -> Response:
    """Issue an invoice: DR accounts_receivable, CR revenue and tax_payable. Once per external_id."""
    return await write_now(request, who, key, _write(body))


@router.post("/v1/invoices:batch")
async def create_invoices(
    request: Request, body: InvoiceBatch, who: Writer, key: IdempotencyKey,
) -> Response:  # fmt: skip
    """Issue up to 500 invoices, each in a transaction of its own; answers one result per item, in order."""

    def parse(item: dict[str, Any]) -> Write | list[dict[str, str]]:
        try:
            return _write(NewInvoice.model_validate(item))
        except ValidationError as wrong:
            return [e.as_dict() for e in field_errors(wrong.errors())]

    return await run_batch(request, who, key, "create_invoices", "invoice", body.invoices, parse)


@router.get("/v1/invoices/{invoice_id}", responses=refusals("INVOICE_NOT_FOUND"))
def get_invoice(request: Request, invoice_id: str, who: Reader) -> dict[str, Any]:
    with reading(request, who) as tx:
        row = find(tx, "invoice", GET, invoice_id)
    who_sees(who, row["legal_entity_id"])
    return invoice_body(row)


@router.get("/v1/invoices")
def get_invoices(
    request: Request, who: Reader, page: Paging, customer_id: str | None = None,
    status: Annotated[Literal["open", "OPEN", "PARTIALLY_PAID", "PAID", "VOID"] | None, _STATUS] = None,
    external_id: ExternalId | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Invoices by due date, then issue date, then id; `status=open` is OPEN and PARTIALLY_PAID."""
    after = page.after("invoices", date, date, str)
    with reading(request, who) as tx:
        rows = list_invoices(tx, who.entities, status, customer_id, after, page.fetch, external_id)
    return page.answer("invoices", rows, key=lambda r: (r["due_date"], r["issue_date"], r["id"]), item=invoice_body)


def _by_reason(operation: str, path: str, *codes: str) -> None:
    @router.post(path, responses=refusals("INVOICE_NOT_FOUND", *codes), name=operation)
    async def change(request: Request, invoice_id: str, body: Reason, who: Writer, key: IdempotencyKey) -> Response:
        return await write_now(request, who, key, Write(operation, body.model_dump(mode="json"), invoice_id))


_by_reason("void_invoice", "/v1/invoices/{invoice_id}/void", "INVOICE_VOID", "INVOICE_HAS_APPLICATIONS")
_by_reason("dispute_invoice", "/v1/invoices/{invoice_id}/dispute", "INVOICE_DISPUTED", "INVOICE_NOT_OPEN")
_by_reason("resolve_dispute", "/v1/invoices/{invoice_id}/resolve-dispute", "INVOICE_NOT_DISPUTED")
