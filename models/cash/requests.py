"""What the doors of cash application take. Amounts in minor units; see `models.values` for the fields' types."""

from typing import Annotated, Final

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from models.cash.payment import Overpayment
from models.values import (
    Body,
    Choice,
    CurrencyCode,
    ExchangeRate,
    ExternalId,
    IsoDate,
    Line,
    PositiveMinor,
    ReasonCode,
    RecordId,
    Text,
)

MAX_APPLICATIONS: Final = 500


class RecordPayment(Body):
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


class AssignPayment(Body):
    """Whose a payment is."""

    customer_id: RecordId


class ApplyLine(Body):
    """`applied_minor` in the payment's currency; `fx_rate` invoice-currency units per payment-currency unit."""

    invoice_id: RecordId
    applied_minor: PositiveMinor
    fx_rate: ExchangeRate | None = None
    invoice_applied_minor: PositiveMinor | None = None


class ApplySession(Body):
    """One application session: the invoices, and what becomes of the rest."""

    applications: Annotated[list[ApplyLine], Field(max_length=MAX_APPLICATIONS)]
    overpayment: Choice[Overpayment] | None = None
    posting_date: IsoDate | None = None
    external_id: ExternalId | None = None

    @field_validator("applications")
    @classmethod
    def _each_invoice_once(cls, lines: list[ApplyLine]) -> list[ApplyLine]:
        if len({line.invoice_id for line in lines}) < len(lines):
            raise PydanticCustomError("INVOICE_REPEATED", "An invoice appears more than once")
        return lines

    @property
    def invoice_ids(self) -> list[str]:
        """The invoices, as they were named."""
        return [line.invoice_id for line in self.applications]


class ReversePayment(Body):
    """Why a payment is taken back, and from when (today, UTC, unless given)."""

    reason_code: ReasonCode
    note: Text | None = None
    reversal_date: IsoDate | None = None


class UnapplyApplication(Body):
    """Why an application is undone, and from when (today, UTC, unless given)."""

    reason_code: ReasonCode
    note: Text | None = None
    effective_date: IsoDate | None = None
