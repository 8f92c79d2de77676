"""The books' own settings: rates, periods, settings, master data."""

from datetime import date
from typing import Annotated, Any, Literal, Self

from fastapi import Request
from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError
from starlette.responses import Response

from api.deps import ORGANISATION, RECORD, IdempotencyKey, Paging, Principal, requires
from api.gate import gated_router
from api.problems import refusals
from api.reading import reading
from api.write import Write, write
from models.customer_360.source_records import Word
from models.customer_360.stages import Standing
from models.db.cash import books
from models.values import Body, CurrencyCode, ExchangeRate, IsoDate, Line, ReasonCode, RecordId, Text

router = gated_router("books")

Reader = Annotated[Principal, requires("settings.read")]
Writer = Annotated[Principal, requires("settings.write", ORGANISATION)]
OfEntity = Annotated[Principal, requires("settings.write", RECORD)]
Key = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]


class Rate(Body):
    """`rate` units of quote per one unit of base (major units); it serves its date and seven days after."""

    base_currency: CurrencyCode
    quote_currency: CurrencyCode
    rate_date: IsoDate
    rate: ExchangeRate
    source: Line = "manual"

    @model_validator(mode="after")
    def _two_currencies(self) -> Self:
        if self.base_currency == self.quote_currency:
            raise PydanticCustomError("RATE_OF_ITSELF", "A currency has no rate to itself")
        return self


class Rates(Body):
    rates: Annotated[list[Rate], Field(min_length=1, max_length=500)]

    @field_validator("rates")
    @classmethod
    def _distinct(cls, rates: list[Rate]) -> list[Rate]:
        if len({(r.base_currency, r.quote_currency, r.rate_date) for r in rates}) < len(rates):
            raise PydanticCustomError("RATE_REPEATED", "The same pair and date appear more than once")
        return rates


class Reason(Body):
    reason_code: ReasonCode | None = None
    note: Text | None = None


class SettingsChange(Body):
    """Absent: unchanged; null: the default again."""

    receipt_posting: Literal["on_application", "at_receipt"] | None = None
    remittance_confirmation: Literal["send", "off"] | None = None
    mail_sender: Annotated[str, Field(max_length=254, pattern=r"^[^@\s]+@[^@\s]+$")] | None = None
    payment_date_horizon_days: Annotated[int, Field(ge=0, le=366)] | None = None
    case_escalation_sla_seconds: Annotated[int, Field(ge=1, le=366 * 86_400)] | None = None
    opportunity_stages: Annotated[dict[Word, Standing], Field(max_length=200)] | None = None


class NewLegalEntity(Body):
    id: Key
    name: Line
    functional_currency: CurrencyCode


class NewBankAccount(Body):
    id: Key
    legal_entity_id: RecordId
    currency_code: CurrencyCode
    name: Line


class Terms(Body):
    code: Annotated[str, Field(pattern=r"^[A-Z0-9][A-Z0-9_-]{0,31}$")]
    days: Annotated[int, Field(ge=0, le=3650)]


class NewAccount(Body):
    key: Key
    code: Annotated[str, Field(pattern=r"^[A-Za-z0-9.-]{1,20}$")]
    name: Line
    kind: Literal["asset", "liability", "equity", "revenue", "expense"]


class NewDimension(Body):
    """A value of an analytical dimension: `type` "department", `code` "SALES"."""

    type: Line
    code: Line
    name: Line


@router.post("/v1/fx-rates", status_code=201)
async def store_rate(request: Request, body: Rate, who: Writer, key: IdempotencyKey) -> Response:
    """Store a rate. The same pair and date again replaces it; the audit trail keeps both."""
    said = {"rates": [body.model_dump(mode="json")]}
    return await write(request, who, key, Write("store_rates", said, who.org_id))


@router.put("/v1/fx-rates")
async def store_rates(request: Request, body: Rates, who: Writer, key: IdempotencyKey) -> Response:
    """Store up to 500 rates at once."""
    return await write(request, who, key, Write("store_rates", body.model_dump(mode="json"), who.org_id))


@router.get("/v1/fx-rates")
def get_rates(
    request: Request, who: Reader, page: Paging,
    base_currency: CurrencyCode | None = None, quote_currency: CurrencyCode | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Stored rates, the newest first."""
    after = page.after("fx_rates", date, str, str)
    with reading(request, who) as tx:
        rows = books.list_rates(tx, base_currency, quote_currency, after, page.fetch)
    return page.answer("fx_rates", rows, key=lambda r: (r["rate_date"], r["base"], r["quote"]), item=books.rate_body)


Period = Annotated[str, Field(pattern=r"^(19|2[0-9])[0-9]{2}-(0[1-9]|1[0-2])$")]


@router.post("/v1/periods/{period}/close")
async def close(
    request: Request, period: Period, who: Writer, key: IdempotencyKey, body: Reason | None = None
) -> Response:
    """Close a month (YYYY-MM): receipts without an entry are posted first. A closed month stays closed."""
    said = body.model_dump(mode="json") if body else {}
    return await write(request, who, key, Write("close_period", said, period, f"period_{period}"))


@router.post("/v1/periods/{period}/reopen")
async def reopen(
    request: Request, period: Period, who: Writer, key: IdempotencyKey, body: Reason | None = None
) -> Response:
    said = body.model_dump(mode="json") if body else {}
    return await write(request, who, key, Write("reopen_period", said, period, f"period_{period}"))


@router.get("/v1/periods")
def get_periods(request: Request, who: Reader, page: Paging) -> dict[str, Any]:
    """Every month that was ever closed; what is not listed is open."""
    with reading(request, who) as tx:
        return page.part_of("periods", books.list_periods(tx))


@router.get("/v1/settings")
def get_settings(request: Request, who: Reader) -> dict[str, Any]:
    with reading(request, who) as tx:
        return books.settings_of(tx)


@router.patch("/v1/settings")
async def change_settings(request: Request, body: SettingsChange, who: Writer, key: IdempotencyKey) -> Response:
    change = body.model_dump(mode="json", exclude_unset=True)
    return await write(request, who, key, Write("change_settings", change, who.org_id))


def _list(path: str, noun: str) -> None:
    @router.get(path, name=f"list_{noun}")
    def items(request: Request, who: Reader, page: Paging) -> dict[str, Any]:
        with reading(request, who) as tx:
            return page.part_of(noun, books.master_data(tx, who.entities)[noun])


_list("/v1/legal-entities", "legal_entities")
_list("/v1/bank-accounts", "bank_accounts")
_list("/v1/payment-terms", "payment_terms")
_list("/v1/accounts", "accounts")
_list("/v1/dimensions", "dimensions")


@router.post("/v1/legal-entities", status_code=201, responses=refusals("ALREADY_EXISTS"))
async def create_entity(request: Request, body: NewLegalEntity, who: Writer, key: IdempotencyKey) -> Response:
    return await write(request, who, key, Write("create_legal_entity", body.model_dump(), who.org_id))


@router.post("/v1/bank-accounts", status_code=201, responses=refusals("ALREADY_EXISTS", "LEGAL_ENTITY_NOT_FOUND"))
async def create_bank_account(request: Request, body: NewBankAccount, who: OfEntity, key: IdempotencyKey) -> Response:
    return await write(request, who, key, Write("create_bank_account", body.model_dump(), who.org_id))


@router.post("/v1/payment-terms", status_code=201)
async def set_terms(request: Request, body: Terms, who: Writer, key: IdempotencyKey) -> Response:
    return await write(request, who, key, Write("set_payment_terms", body.model_dump(), who.org_id))


@router.post("/v1/accounts", status_code=201, responses=refusals("ALREADY_EXISTS"))
async def create_account(request: Request, body: NewAccount, who: Writer, key: IdempotencyKey) -> Response:
    return await write(request, who, key, Write("create_account", body.model_dump(), who.org_id))


@router.post("/v1/dimensions", status_code=201, responses=refusals("ALREADY_EXISTS"))
async def create_dimension(request: Request, body: NewDimension, who: Writer, key: IdempotencyKey) -> Response:
    return await write(request, who, key, Write("create_dimension", body.model_dump(), who.org_id))
