"""Customers: read here, changed only through approval chains."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated

from fastapi import Header, Query, Request
from starlette.responses import Response

from api.answering import shown
from api.deps import RECORD, IdempotencyKey, Paging, Principal, requires
from api.gate import gated_router
from api.problems import invalid, refusals
from api.reading import reading, who_sees
from api.write import Write, write
from models.answers import Page
from models.customers.answers import (
    ContactAnswer,
    CustomerAnswer,
    EffectiveCustomerAnswer,
    ItemPriceAnswer,
    ListedCustomerAnswer,
    contact_answers,
    customer_answer,
    effective_customer_answer,
    listed_customer_answer,
    price_answer,
)
from models.customers.bodies import CreateCustomer, Quantity
from models.customers.change_answers import SubmittedChangeAnswer
from models.customers.patch import PatchCustomer
from models.customers.pricing import price_of
from models.customers.record import EntityView, seen_by
from models.customers.records import Customer, CustomerDetails
from models.customers.requests import DeleteCustomer, DeleteMode, UpdateCustomer
from models.db import lookups
from models.db.customers import customers
from models.db.tx import Tx
from models.errors import FieldError
from models.ids import new_id
from models.master_data.records import CustomerStatus
from models.money import plain
from models.values import Body, Choice, CurrencyCode, Empty, ExternalId, InLowerCase, IsoDate, Line, ReasonCode
from operations.customers.visibility import require_visible

router = gated_router("customers")

Reader = Annotated[Principal, requires("customers.read")]
Submitter = Annotated[Principal, requires("changes.submit", RECORD)]
_DUPLICATES = ("DUPLICATE_EMAIL", "DUPLICATE_TAX_ID", "PAYMENT_TERMS_UNKNOWN", "ACCOUNT_UNKNOWN", "DIMENSION_UNKNOWN")
_PAYING = ("CUSTOMER_NOT_FOUND", "PAYS_FOR_SELF", "PAYS_FOR_CIRCLE")


@router.post(
    "/v1/customers", status_code=202, response_model=SubmittedChangeAnswer,
    responses=refusals("LEGAL_ENTITY_NOT_FOUND", "EXTERNAL_ID_CONFLICT", *_DUPLICATES, *_PAYING),
)  # fmt: skip
async def create_customer(request: Request, body: CreateCustomer, who: Submitter, key: IdempotencyKey) -> Response:
    """Submit a new customer with everything that belongs to it. It exists once two people have approved it."""
    customer_id = new_id("cust")
    w = Write("customer.create", body, customer_id, who.org_id, customer_id, summary="Create customer")
    return await write(request, who, key, w)


@router.patch(
    "/v1/customers/{customer_id}",
    status_code=202,
    response_model=SubmittedChangeAnswer,
    responses=refusals("VERSION_MISMATCH", "LEGAL_ENTITY_NOT_FOUND", "PAYS_FOR_NOT_FOUND", *_DUPLICATES, *_PAYING),
)
async def update_customer(
    request: Request,
    customer_id: str,
    body: PatchCustomer,
    who: Submitter,
    key: IdempotencyKey,
    if_match: Annotated[str | None, Header(max_length=1000)] = None,
) -> Response:
    """Submit changes of a customer: absent is unchanged, null is cleared, related records by add, update and delete."""
    given = UpdateCustomer(patch=body, if_match=_versions(if_match))
    return await write(request, who, key, _about(customer_id, "customer.update", given, "Update customer"))


@router.delete(
    "/v1/customers/{customer_id}",
    status_code=202,
    response_model=SubmittedChangeAnswer,
    responses=refusals("CUSTOMER_NOT_FOUND", "CUSTOMER_INACTIVE", "HAS_TRANSACTIONS", "REASON_REQUIRED"),
)
async def delete_customer(
    request: Request,
    customer_id: str,
    who: Submitter,
    key: IdempotencyKey,
    mode: DeleteMode = DeleteMode.SOFT,
    reason_code: ReasonCode | None = None,
    force: bool = False,
) -> Response:
    """Submit a customer's deactivation (soft) or an erasure (hard, which needs a reason_code). `force` erases one with
    transactions where policy allows it."""
    if force and mode is not DeleteMode.HARD:
        raise invalid(FieldError("/query/force", "FIELD_INVALID", "force goes with mode=hard."))
    given = DeleteCustomer(mode=mode, reason_code=reason_code, force=force)
    hard = mode is DeleteMode.HARD
    operation, summary = (
        ("customer.delete", "Delete customer") if hard else ("customer.deactivate", "Deactivate customer")
    )
    return await write(request, who, key, _about(customer_id, operation, given, summary))


@router.post(
    "/v1/customers/{customer_id}/reactivate",
    status_code=202,
    response_model=SubmittedChangeAnswer,
    responses=refusals("CUSTOMER_NOT_FOUND", "CUSTOMER_ACTIVE"),
)
async def reactivate_customer(
    request: Request, customer_id: str, who: Submitter, key: IdempotencyKey, body: Empty | None = None
) -> Response:
    """Submit that an inactive customer becomes active again."""
    return await write(request, who, key, _about(customer_id, "customer.reactivate", Empty(), "Reactivate customer"))


def _about(customer_id: str, operation: str, body: Body, summary: str) -> Write:
    return Write(operation, body, customer_id, customer_id, customer_id, summary=summary)


def _versions(if_match: str | None) -> list[str] | None:
    """The versions of an If-Match header; None where any will do."""
    if if_match is None or if_match.strip() == "*":
        return None
    return [tag.strip().removeprefix("W/").strip('"') for tag in if_match.split(",")]


@router.get("/v1/customers", response_model=Page[ListedCustomerAnswer], responses=refusals("LEGAL_ENTITY_NOT_FOUND"))
def list_customers(
    request: Request,
    page: Paging,
    who: Reader,
    status: Annotated[Choice[CustomerStatus] | None, InLowerCase] = None,
    q: Annotated[str | None, Query(min_length=1, max_length=255)] = None,
    legal_entity_id: str | None = None,
    external_id: ExternalId | None = None,
) -> Response:
    """Customers by id. `q`: a part of the name or e-mail, or a whole tax id or external id."""
    after = page.after("customers", str)
    with reading(request, who) as tx:
        if legal_entity_id is not None:
            lookups.legal_entity(tx, legal_entity_id)
        found = customers.list_customers(
            tx, who.entities, status=status, q=q, legal_entity_id=legal_entity_id, external_id=external_id,
            after=after[0] if after else None, limit=page.fetch,
        )  # fmt: skip
    return shown(page.of("customers", found, key=lambda c: (c.id,), item=listed_customer_answer))


@router.get(
    "/v1/customers/{customer_id}",
    response_model=CustomerAnswer | EffectiveCustomerAnswer,
    responses=refusals("CUSTOMER_NOT_FOUND", "LEGAL_ENTITY_NOT_FOUND"),
)
def get_customer(request: Request, customer_id: str, who: Reader, legal_entity_id: str | None = None) -> Response:
    """The customer's master, or what one legal entity sees of it. The ETag is the version, for If-Match."""
    with reading(request, who) as tx:
        customer = _get(tx, who, customer_id)
        headers = {"ETag": f'"{customer.version}"'}
        if legal_entity_id is None:
            return shown(customer_answer(customer), headers=headers)
        who_sees(who, legal_entity_id)
        view, _ = _seen_by(tx, customer.details, legal_entity_id)
        return shown(effective_customer_answer(customer, view), headers=headers)


@router.get(
    "/v1/customers/{customer_id}/contacts",
    response_model=Page[ContactAnswer],
    responses=refusals("CUSTOMER_NOT_FOUND"),
)
def list_contacts(request: Request, customer_id: str, page: Paging, who: Reader) -> Response:
    """The customer's contacts, as they were added."""
    after = page.after("contacts", str)
    with reading(request, who) as tx:
        contacts = contact_answers(_get(tx, who, customer_id).details)
    following = [c for c in contacts if after is None or c.id > after[0]]
    return shown(page.of("contacts", following[: page.fetch], key=lambda c: (c.id,), item=lambda c: c))


@router.get(
    "/v1/customers/{customer_id}/price",
    response_model=ItemPriceAnswer,
    responses=refusals("CUSTOMER_NOT_FOUND", "LEGAL_ENTITY_NOT_FOUND"),
)
def get_price(
    request: Request,
    customer_id: str,
    who: Reader,
    item: Line,
    quantity: Quantity = Decimal(1),
    date: IsoDate | None = None,
    currency_code: CurrencyCode | None = None,
    legal_entity_id: str | None = None,
) -> Response:
    """The customer's own price per unit; `price` null where the standard price holds. Date: today unless given."""
    day = date or datetime.now(UTC).date()
    with reading(request, who) as tx:
        customer = _get(tx, who, customer_id).details
        if legal_entity_id is not None:
            who_sees(who, legal_entity_id)
        view, functional = _seen_by(tx, customer, legal_entity_id or customer.legal_entity_id)
    own = view.details.currency_code or functional
    asked = currency_code or own
    tier = price_of(customer.pricing_tiers, item=item, quantity=quantity, day=day, currency=asked, default_currency=own)
    return shown(price_answer(customer_id, item, plain(quantity), day, asked, tier))


def _get(tx: Tx, who: Principal, customer_id: str) -> Customer:
    """The customer for this reader: 404, or 403 outside the token's organisation or entities."""
    found = customers.get(tx, customer_id)
    require_visible(found.details, who.entities)
    return found


def _seen_by(tx: Tx, customer: CustomerDetails, legal_entity_id: str) -> tuple[EntityView, str]:
    """What the entity sees of the customer, and its functional currency."""
    owner = lookups.legal_entity(tx, customer.legal_entity_id)
    entity = owner if legal_entity_id == owner.id else lookups.legal_entity(tx, legal_entity_id)
    view = seen_by(customer, entity.id, entity.functional_currency, owner.functional_currency)
    return view, entity.functional_currency
