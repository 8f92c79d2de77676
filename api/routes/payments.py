"""Customer payments: recorded, assigned, applied, unapplied, reversed. Each write is a process."""

from typing import Annotated, Any, Final, Literal

from fastapi import Query, Request
from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError
from starlette.responses import Response

from api.deps import RECORD, IdempotencyKey, Paging, Principal, requires
from api.gate import gated_router
from api.problems import invalid, refusals
from api.process import Write, dry_run, run_process
from api.reading import reading, who_sees
from api.schema import (
    Body,
    Choice,
    CurrencyCode,
    ExchangeRate,
    ExternalId,
    InUpperCase,
    IsoDate,
    Line,
    PositiveMinor,
    ReasonCode,
    RecordId,
    Text,
)
from models.cash.payment import Overpayment, PaymentStatus
from models.db.cash import payment_reads, payments
from models.errors import FieldError
from models.ids import new_id

router = gated_router("payments")
MAX_APPLICATIONS: Final = 500


class NewPayment(Body):
    """A payment as it arrived. Amounts in minor units of `currency_code`; the entity and the bank account default."""

    customer_id: RecordId
    payment_date: IsoDate
    amount_minor: PositiveMinor
    currency_code: CurrencyCode
    external_id: ExternalId
    legal_entity_id: RecordId | None = None
    bank_account_id: RecordId | None = None
    method: Line | None = None
    reference: Line | None = None
    remittance_text: Text | None = None


class Assignment(Body):
    customer_id: RecordId


class ApplicationLine(Body):
    """`applied_minor` in the payment's currency; `fx_rate` invoice-currency units per payment-currency unit."""

    invoice_id: RecordId
    applied_minor: PositiveMinor
    fx_rate: ExchangeRate | None = None
    invoice_applied_minor: PositiveMinor | None = None


class Session(Body):
    """One application session: the invoices, and what becomes of the rest."""

    applications: Annotated[list[ApplicationLine], Field(max_length=MAX_APPLICATIONS)]
    overpayment: Choice[Overpayment] | None = None
    posting_date: IsoDate | None = None
    external_id: ExternalId | None = None

    @field_validator("applications")
    @classmethod
    def _each_invoice_once(cls, lines: list[ApplicationLine]) -> list[ApplicationLine]:
        if len({line.invoice_id for line in lines}) < len(lines):
            raise PydanticCustomError("INVOICE_REPEATED", "An invoice appears more than once")
        return lines


class Reversal(Body):
    reason_code: ReasonCode
    note: Text | None = None
    reversal_date: IsoDate | None = None


class Unapplication(Body):
    reason_code: ReasonCode
    note: Text | None = None
    effective_date: IsoDate | None = None


Reader = Annotated[Principal, requires("payments.read")]
Recorder = Annotated[Principal, requires("payments.record", RECORD)]
Applier = Annotated[Principal, requires("payments.apply", RECORD)]
_OF_SESSIONS: Final = (
    "EXTERNAL_ID_CONFLICT", "INVOICE_NOT_FOUND", "PAYMENT_REVERSED", "INVOICE_VOID", "INVOICE_CUSTOMER_MISMATCH",
    "LEGAL_ENTITY_MISMATCH", "MIXED_INVOICE_CURRENCIES", "PERIOD_CLOSED", "APPLIED_EXCEEDS_PAYMENT",
    "APPLIED_EXCEEDS_BALANCE", "APPLIED_TOO_SMALL", "FX_RATE_MISSING",
)  # fmt: skip


@router.post(
    "/v1/customer-payments", status_code=201,
    responses=refusals(
        "EXTERNAL_ID_CONFLICT", "CUSTOMER_NOT_FOUND", "LEGAL_ENTITY_NOT_FOUND", "BANK_ACCOUNT_NOT_FOUND",
        "LEGAL_ENTITY_MISMATCH", "BANK_ACCOUNT_REQUIRED", "PAYMENT_DATE_IN_FUTURE", "FX_RATE_MISSING",
    ),
)  # fmt: skip
async def record_payment(request: Request, body: NewPayment, who: Recorder, key: IdempotencyKey) -> Response:
    """Record a payment, once per external_id."""
    payment_id = new_id("pay")
    return await run_process(
        request, who, key,
        Write(
            "record_payment", body.model_dump(mode="json"), payment_id, body.customer_id, body.customer_id, "RecordPayment",
            f"Record payment {payment_id}", {"PaymentId": payment_id, "CustomerId": body.customer_id},
        ),
    )  # fmt: skip


@router.post(
    "/v1/customer-payments/{payment_id}/assign",
    responses=refusals("PAYMENT_NOT_FOUND", "CUSTOMER_NOT_FOUND", "CUSTOMER_ALREADY_ASSIGNED"),
)
async def assign_payment(
    request: Request, payment_id: str, body: Assignment, who: Applier, key: IdempotencyKey
) -> Response:
    """Say whose a payment is."""
    return await run_process(
        request, who, key,
        Write(
            "assign_payment", body.model_dump(mode="json"), payment_id, None, body.customer_id, "AssignPayment",
            f"Assign payment {payment_id} to {body.customer_id}", {"PaymentId": payment_id},
        ),
    )  # fmt: skip


@router.post(
    "/v1/customer-payments/{payment_id}/apply",
    responses=refusals("PAYMENT_NOT_FOUND", *_OF_SESSIONS, "OVERPAYMENT_REQUIRES_CREDIT", "CUSTOMER_UNASSIGNED"),
)  # fmt: skip
async def apply_payment(
    request: Request, payment_id: str, body: Session, who: Applier, key: IdempotencyKey,
    dry: Annotated[bool, Query(alias="dry_run")] = False,
) -> Response:  # fmt: skip
    """Apply a payment to invoices and post it. `dry_run` answers the same with the entry, and changes nothing."""
    _needs_something(body, overpayment_counts=True)
    w = Write(
        "apply_payment", body.model_dump(mode="json"), payment_id, None, None, "ApplyPayment",
        f"Apply payment {payment_id} to {_invoices(body)}", {"PaymentId": payment_id},
    )  # fmt: skip
    return await (dry_run if dry else run_process)(request, who, key, w)


@router.post("/v1/customer-credits/{credit_id}/apply", responses=refusals("CREDIT_NOT_FOUND", *_OF_SESSIONS))
async def apply_credit(
    request: Request, credit_id: str, body: Session, who: Applier, key: IdempotencyKey,
    dry: Annotated[bool, Query(alias="dry_run")] = False,
) -> Response:  # fmt: skip
    """Spend a customer credit on invoices."""
    _needs_something(body, overpayment_counts=False)
    w = Write(
        "apply_credit", body.model_dump(mode="json"), credit_id, None, None, "ApplyCredit",
        f"Apply credit {credit_id} to {_invoices(body)}",
    )  # fmt: skip
    return await (dry_run if dry else run_process)(request, who, key, w)


@router.post(
    "/v1/customer-payments/{payment_id}/reverse",
    responses=refusals("PAYMENT_NOT_FOUND", "PAYMENT_REVERSED", "RECONCILIATION_COMPLETE", "DATE_BEFORE_PAYMENT"),
)
async def reverse_payment(
    request: Request, payment_id: str, body: Reversal, who: Applier, key: IdempotencyKey
) -> Response:
    """Reverse a payment and everything it did."""
    return await run_process(
        request, who, key,
        Write(
            "reverse_payment", body.model_dump(mode="json"), payment_id, None, None, "ReversePayment",
            f"Reverse payment {payment_id}: {body.reason_code}", {"PaymentId": payment_id},
        ),
    )  # fmt: skip


@router.post(
    "/v1/payment-applications/{application_id}/unapply",
    responses=refusals(
        "PAYMENT_APPLICATION_NOT_FOUND", "PAYMENT_REVERSED", "APPLICATION_UNAPPLIED", "DATE_BEFORE_PAYMENT"
    ),
)
async def unapply(
    request: Request, application_id: str, body: Unapplication, who: Applier, key: IdempotencyKey
) -> Response:
    """Undo one application."""
    return await run_process(
        request, who, key,
        Write(
            "unapply_application", body.model_dump(mode="json"), application_id, None, None, "UnapplyApplication",
            f"Undo application {application_id}: {body.reason_code}",
        ),
    )  # fmt: skip


@router.get("/v1/customer-payments/{payment_id}", responses=refusals("PAYMENT_NOT_FOUND"))
def get_payment(request: Request, payment_id: str, who: Reader) -> dict[str, Any]:
    """A payment with its applications."""
    with reading(request, who) as tx:
        row = payments.get(tx, payment_id)
        who_sees(who, row["legal_entity_id"])
        return payments.payment_body(row)


@router.get("/v1/customer-payments")
def list_payments(
    request: Request, who: Reader, page: Paging,
    status: Annotated[Choice[PaymentStatus] | None, InUpperCase] = None, customer_id: str | None = None,
    external_id: ExternalId | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Payments, the newest first."""
    after = page.after("payments", str)
    with reading(request, who) as tx:
        rows = payment_reads.list_payments(
            tx, who.entities, status, customer_id, after[0] if after else None, page.fetch, external_id
        )
    return page.answer("payments", rows, key=lambda r: (r["id"],), item=payments.payment_body)


@router.get("/v1/customer-credits")
def list_credits(
    request: Request, who: Reader, page: Paging, customer_id: str | None = None,
    status: Annotated[Literal["OPEN", "USED", "WITHDRAWN"] | None, InUpperCase] = None,
) -> dict[str, Any]:  # fmt: skip
    """Customer credits and unapplied cash, oldest first."""
    after = page.after("credits", str)
    with reading(request, who) as tx:
        rows = payment_reads.list_credits(
            tx, who.entities, customer_id, status, after[0] if after else None, page.fetch
        )
    return page.answer("credits", rows, key=lambda r: (r["id"],), item=payment_reads.credit_body)


@router.get("/v1/customer-credits/{credit_id}", responses=refusals("CREDIT_NOT_FOUND"))
def get_credit(request: Request, credit_id: str, who: Reader) -> dict[str, Any]:
    with reading(request, who) as tx:
        row = payment_reads.get_credit(tx, credit_id)
        who_sees(who, row["legal_entity_id"])
        return payment_reads.credit_body(row)


def _needs_something(body: Session, *, overpayment_counts: bool) -> None:
    if not body.applications and not (overpayment_counts and body.overpayment):
        raise invalid(FieldError("/applications", "FIELD_REQUIRED", "Name an invoice, or say overpayment."))


def _invoices(body: Session) -> str:
    count = len(body.applications)
    return "1 invoice" if count == 1 else f"{count} invoices"
