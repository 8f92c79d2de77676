"""Rates, periods, settings and master data."""

from datetime import date
from typing import Annotated

from fastapi import Request
from pydantic import Field
from starlette.responses import Response

from api.answering import shown
from api.deps import ORGANISATION, RECORD, IdempotencyKey, Paging, Principal, requires
from api.gate import gated_router
from api.problems import refusals
from api.reading import reading
from api.write import Write, write
from models.answers import Page
from models.cash.book_answers import (
    ChangedPeriodAnswer,
    ExchangeRateAnswer,
    PeriodAnswer,
    StoredRatesAnswer,
    exchange_rate_answer,
    period_answer,
)
from models.cash.requests import ChangePeriod, StoreRate, StoreRates
from models.db import master_data
from models.db.cash import periods, rates
from models.master_data.answers import (
    BankAccountAnswer,
    DimensionValueAnswer,
    LedgerAccountAnswer,
    LegalEntityAnswer,
    OrganisationSettingsAnswer,
    PaymentTermsAnswer,
    bank_account_answer,
    dimension_value_answer,
    ledger_account_answer,
    legal_entity_answer,
    payment_terms_answer,
    settings_answer,
)
from models.master_data.requests import (
    ChangeSettings,
    CreateAccount,
    CreateBankAccount,
    CreateDimension,
    CreateLegalEntity,
    SetPaymentTerms,
)
from models.values import CurrencyCode

router = gated_router("books")

Reader = Annotated[Principal, requires("settings.read")]
Writer = Annotated[Principal, requires("settings.write", ORGANISATION)]
OfEntity = Annotated[Principal, requires("settings.write", RECORD)]


@router.post("/v1/fx-rates", status_code=201, response_model=ExchangeRateAnswer)
async def store_rate(request: Request, body: StoreRate, who: Writer, key: IdempotencyKey) -> Response:
    """Store a rate. The same pair and date again replaces it; the audit trail keeps both."""
    return await write(request, who, key, Write("store_rate", body, who.org_id))


@router.put("/v1/fx-rates", response_model=StoredRatesAnswer)
async def store_rates(request: Request, body: StoreRates, who: Writer, key: IdempotencyKey) -> Response:
    """Store up to 500 rates at once."""
    return await write(request, who, key, Write("store_rates", body, who.org_id))


@router.get("/v1/fx-rates", response_model=Page[ExchangeRateAnswer])
def list_rates(
    request: Request, who: Reader, page: Paging,
    base_currency: CurrencyCode | None = None, quote_currency: CurrencyCode | None = None,
) -> Response:  # fmt: skip
    """Stored rates, the newest first."""
    after = page.after("fx_rates", date, str, str)
    with reading(request, who) as tx:
        found = rates.list_rates(tx, base_currency, quote_currency, after, page.fetch)
    return shown(page.of("fx_rates", found, key=lambda r: (r.rate_date, r.base, r.quote), item=exchange_rate_answer))


Period = Annotated[str, Field(pattern=r"^(19|2[0-9])[0-9]{2}-(0[1-9]|1[0-2])$")]


@router.post("/v1/periods/{period}/close", response_model=ChangedPeriodAnswer)
async def close_period(
    request: Request, period: Period, who: Writer, key: IdempotencyKey, body: ChangePeriod | None = None
) -> Response:
    """Close a period, which is a month (YYYY-MM): receipts without an entry are posted first. A closed month stays closed."""
    w = Write("close_period", body or ChangePeriod(), period, f"period_{period}")
    return await write(request, who, key, w)


@router.post("/v1/periods/{period}/reopen", response_model=ChangedPeriodAnswer)
async def reopen_period(
    request: Request, period: Period, who: Writer, key: IdempotencyKey, body: ChangePeriod | None = None
) -> Response:
    """Open a closed period again: what is dated in that month can be posted."""
    w = Write("reopen_period", body or ChangePeriod(), period, f"period_{period}")
    return await write(request, who, key, w)


@router.get("/v1/periods", response_model=Page[PeriodAnswer])
def list_periods(request: Request, who: Reader, page: Paging) -> Response:
    """Every period (month) that was ever closed; what is not listed is open."""
    with reading(request, who) as tx:
        found = periods.list_periods(tx, page.after("periods", str), page.fetch)
    return shown(page.of("periods", found, key=lambda p: (p.period,), item=period_answer))


@router.get("/v1/settings", response_model=OrganisationSettingsAnswer)
def get_settings(request: Request, who: Reader) -> Response:
    """The organisation's settings as they hold."""
    with reading(request, who) as tx:
        return shown(settings_answer(master_data.settings_of(tx)))


@router.patch("/v1/settings", response_model=OrganisationSettingsAnswer)
async def change_settings(request: Request, body: ChangeSettings, who: Writer, key: IdempotencyKey) -> Response:
    """Change settings: what is absent stays, null takes one back to its default."""
    return await write(request, who, key, Write("change_settings", body, who.org_id))


@router.get("/v1/legal-entities", response_model=Page[LegalEntityAnswer])
def list_legal_entities(request: Request, who: Reader, page: Paging) -> Response:
    """The legal entities (companies) of the organisation, by id."""
    with reading(request, who) as tx:
        found = master_data.list_legal_entities(tx, who.entities, page.after("legal_entities", str), page.fetch)
    return shown(page.of("legal_entities", found, key=lambda e: (e.id,), item=legal_entity_answer))


@router.get("/v1/bank-accounts", response_model=Page[BankAccountAnswer])
def list_bank_accounts(request: Request, who: Reader, page: Paging) -> Response:
    """The bank accounts, by id."""
    with reading(request, who) as tx:
        found = master_data.list_bank_accounts(tx, who.entities, page.after("bank_accounts", str), page.fetch)
    return shown(page.of("bank_accounts", found, key=lambda b: (b.id,), item=bank_account_answer))


@router.get("/v1/payment-terms", response_model=Page[PaymentTermsAnswer])
def list_payment_terms(request: Request, who: Reader, page: Paging) -> Response:
    """The payment terms, the shortest first."""
    with reading(request, who) as tx:
        found = master_data.list_payment_terms(tx, page.after("payment_terms", int, str), page.fetch)
    return shown(page.of("payment_terms", found, key=lambda t: (t.days, t.code), item=payment_terms_answer))


@router.get("/v1/accounts", response_model=Page[LedgerAccountAnswer])
def list_accounts(request: Request, who: Reader, page: Paging) -> Response:
    """The chart of accounts, by number."""
    with reading(request, who) as tx:
        found = master_data.list_accounts(tx, page.after("accounts", str), page.fetch)
    return shown(page.of("accounts", found, key=lambda a: (a.code,), item=ledger_account_answer))


@router.get("/v1/dimensions", response_model=Page[DimensionValueAnswer])
def list_dimensions(request: Request, who: Reader, page: Paging) -> Response:
    """The values of the analytical dimensions, by type and code."""
    with reading(request, who) as tx:
        found = master_data.list_dimensions(tx, page.after("dimensions", str, str), page.fetch)
    return shown(page.of("dimensions", found, key=lambda d: (d.type, d.code), item=dimension_value_answer))


@router.post(
    "/v1/legal-entities", status_code=201, response_model=LegalEntityAnswer, responses=refusals("ALREADY_EXISTS")
)
async def create_legal_entity(request: Request, body: CreateLegalEntity, who: Writer, key: IdempotencyKey) -> Response:
    """Add a legal entity, with the currency in which its books are kept."""
    return await write(request, who, key, Write("create_legal_entity", body, who.org_id))


@router.post(
    "/v1/bank-accounts", status_code=201, response_model=BankAccountAnswer,
    responses=refusals("ALREADY_EXISTS", "LEGAL_ENTITY_NOT_FOUND"),
)  # fmt: skip
async def create_bank_account(
    request: Request, body: CreateBankAccount, who: OfEntity, key: IdempotencyKey
) -> Response:
    """Add a bank account to a legal entity."""
    return await write(request, who, key, Write("create_bank_account", body, who.org_id))


@router.post("/v1/payment-terms", status_code=201, response_model=PaymentTermsAnswer)
async def set_payment_terms(request: Request, body: SetPaymentTerms, who: Writer, key: IdempotencyKey) -> Response:
    """Add payment terms, or give them other days."""
    return await write(request, who, key, Write("set_payment_terms", body, who.org_id))


@router.post("/v1/accounts", status_code=201, response_model=LedgerAccountAnswer, responses=refusals("ALREADY_EXISTS"))
async def create_account(request: Request, body: CreateAccount, who: Writer, key: IdempotencyKey) -> Response:
    """Add an account to the chart."""
    return await write(request, who, key, Write("create_account", body, who.org_id))


@router.post(
    "/v1/dimensions", status_code=201, response_model=DimensionValueAnswer, responses=refusals("ALREADY_EXISTS")
)
async def create_dimension(request: Request, body: CreateDimension, who: Writer, key: IdempotencyKey) -> Response:
    """Add a value of an analytical dimension."""
    return await write(request, who, key, Write("create_dimension", body, who.org_id))
