"""Master data as it is kept, and what a customer's master says to the ledger."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final, Literal

DEFAULT_TERMS: Final = "NET30"


class CustomerStatus(StrEnum):
    ACTIVE = "active"
    INACTIVE = "inactive"


class ReceiptPosting(StrEnum):
    """When a receipt is posted: with the first session that applies the payment, or when it is recorded."""

    ON_APPLICATION = "on_application"
    AT_RECEIPT = "at_receipt"


class Confirmations(StrEnum):
    """Whether customers are told what became of their money."""

    SEND = "send"
    OFF = "off"


class Returns(StrEnum):
    """What becomes of a payment whose receipt the bank takes back: a person is asked, or it is reversed."""

    ASK = "ask"
    REVERSE = "reverse"


class Agents(StrEnum):
    """What assistants may do in the organisation, whoever they speak for."""

    ON = "on"
    READ_ONLY = "read_only"
    OFF = "off"


class AccountKind(StrEnum):
    ASSET = "asset"
    LIABILITY = "liability"
    EQUITY = "equity"
    REVENUE = "revenue"
    EXPENSE = "expense"


class DiscountTax(StrEnum):
    """Whether a discount takes its share of the tax off what is payable (VAT), or leaves the tax as it was invoiced."""

    ADJUST = "adjust"
    KEEP = "keep"


def usual_discount_tax(functional_currency: str) -> DiscountTax:
    """Sales tax stays as invoiced, VAT follows the price: by the currency that an entity keeps its books in."""
    return DiscountTax.KEEP if functional_currency == "USD" else DiscountTax.ADJUST


@dataclass(frozen=True, slots=True, kw_only=True)
class LegalEntity:
    """A company of the organisation, and the currency of its books."""

    id: str
    name: str
    functional_currency: str
    discount_tax: DiscountTax = DiscountTax.ADJUST
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BankAccount:
    """A bank account of a legal entity. By `iban` and `account_number` its statements are known."""

    id: str
    legal_entity_id: str
    currency_code: str
    name: str
    iban: str | None = None
    account_number: str | None = None
    bic: str | None = None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentTerms:
    """When an invoice is due: so many days after its issue. Who pays within `discount_days` may take `discount_percent`."""

    code: str
    days: int
    discount_percent: Decimal | None = None
    discount_days: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerAccount:
    """An account of the chart. Postings name its `key`; `code` is its number."""

    key: str
    code: str
    name: str
    kind: AccountKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimension:
    """A value of an analytical dimension: `type` "department", `code` "SALES"."""

    type: str
    code: str
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


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganisationSettings:
    """What an organisation may choose, with the defaults of whoever has not chosen.

    `case_escalation_sla_seconds` None: by the case's priority. `opportunity_stages`: what its own stages mean.
    `remittance_confirmation_since`: when confirmations were last switched on again. `deduction_owners`: the role that decides a
    deduction, by reason code, `*` for the others (models.cash.deductions has what is shipped). `credit_window_days`: within how
    many days, this one included, what a person credits a customer without an invoice is one amount; 0: each note for itself.
    """

    receipt_posting: ReceiptPosting = ReceiptPosting.ON_APPLICATION
    payment_date_horizon_days: int = 7
    discount_grace_days: int = 0
    credit_window_days: int = 0
    remittance_confirmation: Confirmations = Confirmations.SEND
    mail_sender: str = "accounts-receivable@example.com"
    case_escalation_sla_seconds: int | None = None
    opportunity_stages: Mapping[str, Literal["open", "closed"]] = field(default_factory=dict)
    remittance_confirmation_since: datetime | None = None
    agents: Agents = Agents.ON
    returns: Returns = Returns.ASK
    deduction_sla_seconds: int = 5 * 86_400
    deduction_owners: Mapping[str, str] = field(default_factory=dict)

    @property
    def reverses_returns(self) -> bool:
        """Whether a receipt that the bank takes back is reversed without a person."""
        return self.returns is Returns.REVERSE

    @property
    def posts_at_receipt(self) -> bool:
        """Whether a receipt is posted when it is recorded."""
        return self.receipt_posting is ReceiptPosting.AT_RECEIPT

    @property
    def is_silent(self) -> bool:
        """Whether confirmations are switched off."""
        return self.remittance_confirmation is Confirmations.OFF

    def confirms(self, applied_at: datetime) -> bool:
        """Whether a session of that time is confirmed: none of a silent time is, however late it is looked at."""
        since = self.remittance_confirmation_since
        return not (self.is_silent or (since is not None and applied_at < since))
