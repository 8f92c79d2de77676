"""Customers: read here, changed only through approval chains."""

from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

from fastapi import Header, Query, Request
from pydantic import BeforeValidator
from starlette.responses import Response

from api.deps import RECORD, IdempotencyKey, Paging, Principal, requires
from api.gate import gated_router
from api.problems import invalid, refusals
from api.reading import reading, who_sees
from api.write import Write, write
from models.checks import decimal, decimal_text
from models.customers.bodies import CustomerCreate
from models.customers.patch import CustomerPatch
from models.customers.pricing import price_of
from models.customers.record import Record, effective
from models.customers.view import effective_body, items_body, master_body, summary_body
from models.db import lookups
from models.db.customers import records as customers
from models.db.tx import Tx, to_json
from models.errors import FieldError, Refusal
from models.ids import new_id
from models.values import CurrencyCode, Empty, ExternalId, InLowerCase, IsoDate, Line, ReasonCode
from operations.customers.visibility import visible

router = gated_router("customers")

Reader = Annotated[Principal, requires("customers.read")]
Submitter = Annotated[Principal, requires("changes.submit", RECORD)]
_DUPLICATES = ("DUPLICATE_EMAIL", "DUPLICATE_TAX_ID", "PAYMENT_TERMS_UNKNOWN", "ACCOUNT_UNKNOWN", "DIMENSION_UNKNOWN")


class Status(StrEnum):
    """Of a customer."""

    ACTIVE = "active"
    INACTIVE = "inactive"


class DeleteMode(StrEnum):
    """Soft deactivates, hard erases."""

    SOFT = "soft"
    HARD = "hard"


@router.post(
    "/v1/customers", status_code=202, responses=refusals("LEGAL_ENTITY_NOT_FOUND", "EXTERNAL_ID_CONFLICT", *_DUPLICATES)
)
async def create_customer(request: Request, body: CustomerCreate, who: Submitter, key: IdempotencyKey) -> Response:
    """Submit a new customer with everything that belongs to it. It exists once two people have approved it."""
    w = Write("customer.create", body.dump(), new_id("cust"), who.org_id, summary="Create customer")
    return await write(request, who, key, w)


@router.patch(
    "/v1/customers/{customer_id}",
    status_code=202,
    responses=refusals("CUSTOMER_NOT_FOUND", "VERSION_MISMATCH", "LEGAL_ENTITY_NOT_FOUND", *_DUPLICATES),
)
async def update_customer(
    request: Request,
    customer_id: str,
    body: CustomerPatch,
    who: Submitter,
    key: IdempotencyKey,
    if_match: Annotated[str | None, Header(max_length=1000)] = None,
) -> Response:
    """Submit changes: absent is unchanged, null is cleared, related records by add, update and delete."""
    given = {"patch": body.dump(), "if_match": _versions(if_match)}
    return await write(request, who, key, _about(customer_id, "customer.update", given, "Update customer"))


@router.delete(
    "/v1/customers/{customer_id}",
    status_code=202,
    responses=refusals("CUSTOMER_NOT_FOUND", "CUSTOMER_INACTIVE", "HAS_TRANSACTIONS"),
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
    """Submit a deactivation (soft) or an erasure (hard). `force` erases one with transactions where policy allows it."""
    if force and mode is not DeleteMode.HARD:
        raise invalid(FieldError("/query/force", "FIELD_INVALID", "force goes with mode=hard."))
    given = {"mode": mode.value, "reason_code": reason_code, "force": force}
    hard = mode is DeleteMode.HARD
    operation, summary = (
        ("customer.delete", "Delete customer") if hard else ("customer.deactivate", "Deactivate customer")
    )
    return await write(request, who, key, _about(customer_id, operation, given, summary))


@router.post(
    "/v1/customers/{customer_id}/reactivate",
    status_code=202,
    responses=refusals("CUSTOMER_NOT_FOUND", "CUSTOMER_ACTIVE"),
)
async def reactivate_customer(
    request: Request, customer_id: str, who: Submitter, key: IdempotencyKey, body: Empty | None = None
) -> Response:
    """Submit that an inactive customer becomes active again."""
    return await write(request, who, key, _about(customer_id, "customer.reactivate", {}, "Reactivate customer"))


def _about(customer_id: str, operation: str, body: dict[str, Any], summary: str) -> Write:
    return Write(operation, body, customer_id, customer_id, customer_id, summary=summary)


def _versions(if_match: str | None) -> list[str] | None:
    """The versions of an If-Match header; None where any will do."""
    if if_match is None or if_match.strip() == "*":
        return None
    return [tag.strip().removeprefix("W/").strip('"') for tag in if_match.split(",")]


@router.get("/v1/customers", responses=refusals("LEGAL_ENTITY_NOT_FOUND"))
def list_customers(
    request: Request,
    page: Paging,
    who: Reader,
    status: Annotated[Status | None, InLowerCase] = None,
    q: Annotated[str | None, Query(min_length=1, max_length=255)] = None,
    legal_entity_id: str | None = None,
    external_id: ExternalId | None = None,
) -> Response:
    """Customers by id. `q`: a part of the name or e-mail, or a whole tax id or external id."""
    after = page.after("customers", str)
    with reading(request, who) as tx:
        if legal_entity_id is not None:
            lookups.legal_entity(tx, legal_entity_id)
        rows = customers.page(
            tx,
            status=status,
            q=q,
            legal_entity_id=legal_entity_id,
            entities=None if who.entities is None else sorted(who.entities),
            after=after[0] if after else None,
            limit=page.fetch,
            external_id=external_id,
        )
    body = page.answer("customers", rows, key=lambda r: (r["id"],), item=summary_body)
    return Response(to_json(body), media_type="application/json")


@router.get("/v1/customers/{customer_id}", responses=refusals("CUSTOMER_NOT_FOUND", "LEGAL_ENTITY_NOT_FOUND"))
def read_customer(request: Request, customer_id: str, who: Reader, legal_entity_id: str | None = None) -> Response:
    """The master, or what one legal entity sees of it. The ETag is the version, for If-Match."""
    with reading(request, who) as tx:
        record, row = found(tx, who, customer_id)
        if legal_entity_id is None:
            body = master_body(record, row)
        else:
            who_sees(who, legal_entity_id)
            body = effective_body(record, row, legal_entity_id, _functional(tx, record, legal_entity_id))
    return Response(to_json(body), headers={"ETag": f'"{row["version"]}"'}, media_type="application/json")


@router.get("/v1/customers/{customer_id}/contacts", responses=refusals("CUSTOMER_NOT_FOUND"))
def list_contacts(request: Request, customer_id: str, page: Paging, who: Reader) -> dict[str, Any]:
    """The customer's contacts, as they were added."""
    after = page.after("contacts", str)
    with reading(request, who) as tx:
        record, _ = found(tx, who, customer_id)
    items = [c for c in items_body(record["contacts"]) if after is None or c["id"] > after[0]]
    return page.answer("contacts", items[: page.fetch], key=lambda c: (c["id"],))


def _quantity(value: Any) -> Decimal:
    return decimal(value, digits=12, places=6)


@router.get("/v1/customers/{customer_id}/price", responses=refusals("CUSTOMER_NOT_FOUND", "LEGAL_ENTITY_NOT_FOUND"))
def read_price(
    request: Request,
    customer_id: str,
    who: Reader,
    item: Line,
    quantity: Annotated[Decimal, BeforeValidator(_quantity)] = Decimal(1),
    date: IsoDate | None = None,
    currency_code: CurrencyCode | None = None,
    legal_entity_id: str | None = None,
) -> dict[str, Any]:
    """The customer's own price per unit; `price` null where the standard price holds. Date: today unless given."""
    day = date or datetime.now(UTC).date()
    with reading(request, who) as tx:
        record, _ = found(tx, who, customer_id)
        seller = legal_entity_id or record["legal_entity_id"]
        if legal_entity_id is not None:
            who_sees(who, legal_entity_id)
        functional = _functional(tx, record, seller)
    seen = effective(record, seller, functional[seller], functional[record["legal_entity_id"]])
    own = seen["currency_code"] or functional[seller]
    asked = currency_code or own
    tier = price_of(
        record["pricing_tiers"], item=item, quantity=quantity, day=day, currency=asked, default_currency=own
    )
    return {
        "customer_id": customer_id,
        "item": item,
        "quantity": decimal_text(quantity),
        "date": day,
        "currency_code": asked,
        "price": tier[1]["price"] if tier else None,
        "pricing_tier_id": tier[0] if tier else None,
        "source": "customer" if tier else "standard",
    }


def found(tx: Tx, who: Principal, customer_id: str) -> tuple[Record, Any]:
    """The customer for this reader: 404, or 403 outside the token's organisation or entities."""
    loaded = customers.load(tx, customer_id)
    if loaded is None:
        lookups.refuse_missing(tx, "customer", customer_id)
    if not visible(loaded[0], who.entities):
        raise Refusal("FORBIDDEN", "Your token does not cover this customer's legal entity.")
    return loaded


def _functional(tx: Tx, record: Record, legal_entity_id: str) -> dict[str, str]:
    """The functional currencies of the entity and of the customer's owner."""
    ids = {legal_entity_id, record["legal_entity_id"]}
    return {i: lookups.legal_entity(tx, i).functional_currency for i in ids}
