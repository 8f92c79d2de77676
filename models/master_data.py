"""Master data that every chain looks up: legal entities, bank accounts, and what a customer's master says to the ledger."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

DEFAULT_TERMS: Final = "NET30"


class CustomerStatus(StrEnum):
    ACTIVE = "active"
    INACTIVE = "inactive"


@dataclass(frozen=True, slots=True, kw_only=True)
class LegalEntity:
    """A company of the organisation, and the currency of its books."""

    id: str
    name: str
    functional_currency: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BankAccount:
    """A bank account of a legal entity."""

    id: str
    legal_entity_id: str
    currency_code: str
    name: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BilledCustomer:
    """What the master says to whoever bills or is paid; the whole record is `models.customers`'. `legal_entity_id`: the
    owner's. `credit_limit` in units of `currency_code`, else of the owner's functional currency."""

    id: str
    legal_entity_id: str
    name: str
    status: CustomerStatus
    currency_code: str | None
    payment_terms: str | None
    credit_limit: Decimal | None
    revenue_account: str | None
    email: str
    billing_email: str | None
