"""Customer payments: recorded, assigned, applied, unapplied, reversed. Each write is a process."""

from typing import Annotated, Any, Final, Literal

from fastapi import Query, Request
from pydantic import Field, ValidationError
from starlette.responses import Response

from api.answering import shown
from api.batch import write_batch
from api.deps import RECORD, IdempotencyKey, Paging, Principal, requires
from api.gate import gated_router, require
from api.invalid import field_errors
from api.problems import invalid, refusals
from api.reading import reading, who_sees
from api.write import UNDER_WAY, Write, write
from models.answers import JsonObject, Page
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
from models.cash.receipt_answers import PaymentBatchAnswer, RecordedPaymentAnswer
from models.cash.requests import ApplySession, AssignPayment, RecordPayment, ReversePayment, UnapplyApplication
from models.db.cash import payment_reads, payments, sessions
from models.errors import FieldError
from models.ids import new_id
from models.values import Body, Choice, ExternalId, InUpperCase

router = gated_router("payments")
BATCH_LIMIT: Final = 500
_ITEMS: Final[dict[str, Any]] = {"items": {"$ref": "#/components/schemas/RecordPayment"}}


class PaymentBatch(Body):
    """Up to 500 payments, each as `POST /v1/customer-payments` takes it; one that is not valid fails alone."""

    payments: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=BATCH_LIMIT, json_schema_extra=_ITEMS)]


Reader = Annotated[Principal, requires("payments.read")]
Recorder = Annotated[Principal, requires("payments.record", RECORD, also={"apply": "payments.apply"})]
Applier = Annotated[Principal, requires("payments.apply", RECORD)]
_OF_RECEIPTS: Final = (
    "CUSTOMER_NOT_FOUND", "LEGAL_ENTITY_NOT_FOUND", "BANK_ACCOUNT_NOT_FOUND", "LEGAL_ENTITY_MISMATCH",
    "BANK_ACCOUNT_REQUIRED", "PAYMENT_DATE_IN_FUTURE",
)  # fmt: skip
_OF_SESSIONS: Final = (
    "EXTERNAL_ID_CONFLICT", "INVOICE_NOT_FOUND", "PAYMENT_REVERSED", "INVOICE_VOID", "INVOICE_CUSTOMER_MISMATCH",
    "LEGAL_ENTITY_MISMATCH", "MIXED_INVOICE_CURRENCIES", "PERIOD_CLOSED", "APPLIED_EXCEEDS_PAYMENT",
    "APPLIED_EXCEEDS_BALANCE", "APPLIED_TOO_SMALL", "CREDIT_NOTE_NOT_FOUND", "CREDIT_NOTE_NOT_OPEN",
    "CREDIT_NOTE_CURRENCY_MISMATCH", "APPLIED_EXCEEDS_CREDIT", "FX_RATE_MISSING", "DISCOUNT_NOT_EARNED", "APPROVAL_REQUIRED",
)  # fmt: skip


@router.post(
    "/v1/customer-payments", status_code=201, response_model=RecordedPaymentAnswer | PaymentAnswer,
    responses=refusals(*dict.fromkeys((*_OF_RECEIPTS, *_OF_SESSIONS, "OVERPAYMENT_REQUIRES_CREDIT"))) | UNDER_WAY,
)  # fmt: skip
async def record_payment(
    request: Request, body: RecordPayment, who: Recorder, key: IdempotencyKey,
    dry: Annotated[bool, Query(alias="dry_run")] = False,
) -> Response:  # fmt: skip
    """Record a payment, once per external_id. With `apply` its first session is made in the same transaction, and answered as
    `session`: a refusal of it refuses the whole, or with `on_refusal` "record" is answered as `refusal` of a payment that is
    kept. `dry_run` answers the same, and changes nothing."""
    if wrong := _nothing_in(body.apply, at="/apply", overpayment_counts=True):
        raise invalid(wrong)
    return await write(request, who, key, Write("record_payment", body, *_recorded(body)), dry_run=dry)


@router.post("/v1/customer-payments:batch", response_model=PaymentBatchAnswer)
async def record_payments(request: Request, body: PaymentBatch, who: Recorder, key: IdempotencyKey) -> Response:
    """Record up to 500 payments, each in a transaction of its own, with its session where it has `apply`; answers one result
    per item, in order."""

    def parse(item: JsonObject) -> Write | list[dict[str, str]]:
        try:
            asked = RecordPayment.model_validate(item)
        except ValidationError as wrong:
            return [e.as_dict() for e in field_errors(wrong.errors())]
        if asked.apply is not None:
            require(who, "payments.apply")
        nothing = _nothing_in(asked.apply, at="/apply", overpayment_counts=True)
        return [nothing.as_dict()] if nothing else Write("record_payment", asked, *_recorded(asked))

    return await write_batch(request, who, key, "record_payments", "payment", body.payments, parse)


def _recorded(body: RecordPayment) -> tuple[str, str, str, str, dict[str, str]]:
    """Which payment it becomes, whom it concerns, what is told of it and how it is found."""
    payment_id = new_id("pay")
    summary = f"Record payment {payment_id}" + (f" and apply it to {_invoices(body.apply)}" if body.apply else "")
    found_by = {"PaymentId": payment_id, "CustomerId": body.customer_id}
    return payment_id, body.customer_id, body.customer_id, summary, found_by


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
    if wrong := _nothing_in(body, overpayment_counts=True):
        raise invalid(wrong)
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
    if wrong := _nothing_in(body, overpayment_counts=False):
        raise invalid(wrong)
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
    """Undo one application of a payment and its adjustments: the invoice owes the amount again, and the payment has it back."""
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
    return shown(payment_answer(found.payment, found.applications, found.bank_texts, found.adjustments))


@router.get("/v1/customer-payments", response_model=Page[PaymentAnswer])
def list_payments(
    request: Request, who: Reader, page: Paging,
    status: Annotated[Choice[PaymentStatus] | None, InUpperCase] = None, customer_id: str | None = None,
    external_id: ExternalId | None = None,
) -> Response:  # fmt: skip
    """Payments of customers, the newest first."""
    after = page.after("payments", str)
    with reading(request, who) as tx:
        found = payment_reads.list_payments(
            tx, who.entities, status, customer_id, after[0] if after else None, page.fetch, external_id
        )
    items = page.of(
        "payments",
        found,
        key=lambda p: (p.payment.id,),
        item=lambda p: payment_answer(p.payment, p.applications, p.bank_texts, p.adjustments),
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
    """One customer credit with its amount and what remains of it, in minor units of its currency."""
    with reading(request, who) as tx:
        found = sessions.get_credit(tx, credit_id)
    who_sees(who, found.legal_entity_id)
    return shown(credit_answer(found))


def _nothing_in(body: ApplySession | None, *, overpayment_counts: bool, at: str = "") -> FieldError | None:
    """What is wrong with a session that asks for nothing."""
    if body is None or body.applications or body.credit_notes or (overpayment_counts and body.overpayment):
        return None
    return FieldError(f"{at}/applications", "FIELD_REQUIRED", "Name an invoice, or say overpayment.")


def _invoices(body: ApplySession) -> str:
    count = len(body.applications)
    return "1 invoice" if count == 1 else f"{count} invoices"
