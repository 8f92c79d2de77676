"""Customer payments: recorded, assigned, applied, unapplied, reversed. Each write is a process."""

from typing import Annotated, Final, Literal

from fastapi import Query, Request
from starlette.responses import Response

from api.answering import shown
from api.deps import RECORD, IdempotencyKey, Paging, Principal, requires
from api.gate import gated_router
from api.problems import invalid, refusals
from api.reading import reading, who_sees
from api.write import UNDER_WAY, Write, write
from models.answers import Page
from models.cash.answers import (
    CustomerCreditAnswer,
    PaymentAnswer,
    ReversalAnswer,
    SessionAnswer,
    UnapplicationAnswer,
    credit_answer,
    payment_answer,
)
from models.cash.payment import PaymentStatus
from models.cash.requests import ApplySession, AssignPayment, RecordPayment, ReversePayment, UnapplyApplication
from models.db.cash import payment_reads, payments, sessions
from models.errors import FieldError
from models.ids import new_id
from models.values import Choice, ExternalId, InUpperCase

router = gated_router("payments")


Reader = Annotated[Principal, requires("payments.read")]
Recorder = Annotated[Principal, requires("payments.record", RECORD)]
Applier = Annotated[Principal, requires("payments.apply", RECORD)]
_OF_SESSIONS: Final = (
    "EXTERNAL_ID_CONFLICT", "INVOICE_NOT_FOUND", "PAYMENT_REVERSED", "INVOICE_VOID", "INVOICE_CUSTOMER_MISMATCH",
    "LEGAL_ENTITY_MISMATCH", "MIXED_INVOICE_CURRENCIES", "PERIOD_CLOSED", "APPLIED_EXCEEDS_PAYMENT",
    "APPLIED_EXCEEDS_BALANCE", "APPLIED_TOO_SMALL", "FX_RATE_MISSING",
)  # fmt: skip


@router.post(
    "/v1/customer-payments", status_code=201, response_model=PaymentAnswer,
    responses=refusals(
        "EXTERNAL_ID_CONFLICT", "CUSTOMER_NOT_FOUND", "LEGAL_ENTITY_NOT_FOUND", "BANK_ACCOUNT_NOT_FOUND",
        "LEGAL_ENTITY_MISMATCH", "BANK_ACCOUNT_REQUIRED", "PAYMENT_DATE_IN_FUTURE", "FX_RATE_MISSING",
    ) | UNDER_WAY,
)  # fmt: skip
async def record_payment(request: Request, body: RecordPayment, who: Recorder, key: IdempotencyKey) -> Response:
    """Record a payment, once per external_id."""
    payment_id = new_id("pay")
    return await write(
        request, who, key,
        Write(
            "record_payment", body, payment_id, body.customer_id, body.customer_id,
            f"Record payment {payment_id}", {"PaymentId": payment_id, "CustomerId": body.customer_id},
        ),
    )  # fmt: skip


@router.post(
    "/v1/customer-payments/{payment_id}/assign",
    response_model=PaymentAnswer,
    responses=refusals("PAYMENT_NOT_FOUND", "CUSTOMER_NOT_FOUND", "CUSTOMER_ALREADY_ASSIGNED") | UNDER_WAY,
)
async def assign_payment(
    request: Request, payment_id: str, body: AssignPayment, who: Applier, key: IdempotencyKey
) -> Response:
    """Say whose a payment is."""
    return await write(
        request, who, key,
        Write(
            "assign_payment", body, payment_id, None, body.customer_id,
            f"Assign payment {payment_id} to {body.customer_id}", {"PaymentId": payment_id},
        ),
    )  # fmt: skip


@router.post(
    "/v1/customer-payments/{payment_id}/apply",
    response_model=SessionAnswer,
    responses=refusals("PAYMENT_NOT_FOUND", *_OF_SESSIONS, "OVERPAYMENT_REQUIRES_CREDIT", "CUSTOMER_UNASSIGNED") | UNDER_WAY,
)  # fmt: skip
async def apply_payment(
    request: Request, payment_id: str, body: ApplySession, who: Applier, key: IdempotencyKey,
    dry: Annotated[bool, Query(alias="dry_run")] = False,
) -> Response:  # fmt: skip
    """Apply a payment to invoices and post it. `dry_run` answers the same with the entry, and changes nothing."""
    _needs_something(body, overpayment_counts=True)
    w = Write(
        "apply_payment", body, payment_id, None, None,
        f"Apply payment {payment_id} to {_invoices(body)}", {"PaymentId": payment_id},
    )  # fmt: skip
    return await write(request, who, key, w, dry_run=dry)


@router.post(
    "/v1/customer-credits/{credit_id}/apply",
    response_model=SessionAnswer,
    responses=refusals("CREDIT_NOT_FOUND", *_OF_SESSIONS) | UNDER_WAY,
)
async def apply_credit(
    request: Request, credit_id: str, body: ApplySession, who: Applier, key: IdempotencyKey,
    dry: Annotated[bool, Query(alias="dry_run")] = False,
) -> Response:  # fmt: skip
    """Spend a customer credit on invoices."""
    _needs_something(body, overpayment_counts=False)
    w = Write(
        "apply_credit", body, credit_id, None, None,
        f"Apply credit {credit_id} to {_invoices(body)}",
    )  # fmt: skip
    return await write(request, who, key, w, dry_run=dry)


@router.post(
    "/v1/customer-payments/{payment_id}/reverse",
    response_model=ReversalAnswer,
    responses=refusals("PAYMENT_NOT_FOUND", "PAYMENT_REVERSED", "RECONCILIATION_COMPLETE", "DATE_BEFORE_PAYMENT")
    | UNDER_WAY,
)
async def reverse_payment(
    request: Request, payment_id: str, body: ReversePayment, who: Applier, key: IdempotencyKey
) -> Response:
    """Reverse a payment and everything it did."""
    return await write(
        request, who, key,
        Write(
            "reverse_payment", body, payment_id, None, None,
            f"Reverse payment {payment_id}: {body.reason_code}", {"PaymentId": payment_id},
        ),
    )  # fmt: skip


@router.post(
    "/v1/payment-applications/{application_id}/unapply",
    response_model=UnapplicationAnswer,
    responses=refusals(
        "PAYMENT_APPLICATION_NOT_FOUND", "PAYMENT_REVERSED", "APPLICATION_UNAPPLIED", "DATE_BEFORE_PAYMENT"
    )
    | UNDER_WAY,
)
async def unapply_application(
    request: Request, application_id: str, body: UnapplyApplication, who: Applier, key: IdempotencyKey
) -> Response:
    """Undo one application."""
    return await write(
        request, who, key,
        Write(
            "unapply_application", body, application_id, None, None,
            f"Undo application {application_id}: {body.reason_code}",
        ),
    )  # fmt: skip


@router.get("/v1/customer-payments/{payment_id}", response_model=PaymentAnswer, responses=refusals("PAYMENT_NOT_FOUND"))
def get_payment(request: Request, payment_id: str, who: Reader) -> Response:
    """A payment with its applications."""
    with reading(request, who) as tx:
        found = payments.get(tx, payment_id)
    who_sees(who, found.payment.legal_entity_id)
    return shown(payment_answer(found.payment, found.applications, found.bank_texts))


@router.get("/v1/customer-payments", response_model=Page[PaymentAnswer])
def list_payments(
    request: Request, who: Reader, page: Paging,
    status: Annotated[Choice[PaymentStatus] | None, InUpperCase] = None, customer_id: str | None = None,
    external_id: ExternalId | None = None,
) -> Response:  # fmt: skip
    """Payments, the newest first."""
    after = page.after("payments", str)
    with reading(request, who) as tx:
        found = payment_reads.list_payments(
            tx, who.entities, status, customer_id, after[0] if after else None, page.fetch, external_id
        )
    items = page.of(
        "payments",
        found,
        key=lambda p: (p.payment.id,),
        item=lambda p: payment_answer(p.payment, p.applications, p.bank_texts),
    )
    return shown(items)


@router.get("/v1/customer-credits", response_model=Page[CustomerCreditAnswer])
def list_credits(
    request: Request, who: Reader, page: Paging, customer_id: str | None = None,
    status: Annotated[Literal["OPEN", "USED", "WITHDRAWN"] | None, InUpperCase] = None,
) -> Response:  # fmt: skip
    """Customer credits and unapplied cash, oldest first."""
    after = page.after("credits", str)
    with reading(request, who) as tx:
        found = payment_reads.list_credits(
            tx, who.entities, customer_id, status, after[0] if after else None, page.fetch
        )
    return shown(page.of("credits", found, key=lambda c: (c.id,), item=credit_answer))


@router.get(
    "/v1/customer-credits/{credit_id}", response_model=CustomerCreditAnswer, responses=refusals("CREDIT_NOT_FOUND")
)
def get_credit(request: Request, credit_id: str, who: Reader) -> Response:
    """One of them."""
    with reading(request, who) as tx:
        found = sessions.get_credit(tx, credit_id)
    who_sees(who, found.legal_entity_id)
    return shown(credit_answer(found))


def _needs_something(body: ApplySession, *, overpayment_counts: bool) -> None:
    if not body.applications and not (overpayment_counts and body.overpayment):
        raise invalid(FieldError("/applications", "FIELD_REQUIRED", "Name an invoice, or say overpayment."))


def _invoices(body: ApplySession) -> str:
    count = len(body.applications)
    return "1 invoice" if count == 1 else f"{count} invoices"
