"""What the doors of credit notes take. Amounts in minor units; see `models.values` for the fields' types."""

from typing import Annotated, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from models.cash.requests import MAX_APPLICATIONS
from models.values import (
    Body,
    CurrencyCode,
    ExternalId,
    IsoDate,
    NonNegativeMinor,
    PositiveMinor,
    ReasonCode,
    RecordId,
    Text,
)


class CreateCreditNote(Body):
    """`total_minor` includes the tax, which is given, or follows from the invoice as the legal entity's rule says, or is 0."""

    customer_id: RecordId
    external_id: ExternalId
    legal_entity_id: RecordId | None = None
    issue_date: IsoDate
    currency_code: CurrencyCode
    total_minor: PositiveMinor
    tax_minor: NonNegativeMinor | None = None
    reason_code: ReasonCode
    invoice_id: RecordId | None = None
    note: Text | None = None

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if self.tax_minor is not None and self.tax_minor > self.total_minor:
            raise PydanticCustomError("TAX_EXCEEDS_TOTAL", "The tax is more than the total that includes it")
        return self


class CreditNoteLine(Body):
    """So much of the note to one invoice."""

    invoice_id: RecordId
    applied_minor: PositiveMinor


def _each_once(keys: list[str]) -> None:
    if len(set(keys)) < len(keys):
        raise PydanticCustomError("INVOICE_REPEATED", "An invoice appears more than once")


class ApplyCreditNote(Body):
    """The invoices that the note settles."""

    applications: Annotated[list[CreditNoteLine], Field(min_length=1, max_length=MAX_APPLICATIONS)]
    external_id: ExternalId | None = None

    @model_validator(mode="after")
    def _each_invoice_once(self) -> Self:
        _each_once([line.invoice_id for line in self.applications])
        return self


class VoidCreditNote(Body):
    """Why a note that settles nothing is taken back."""

    reason_code: ReasonCode
    note: Text | None = None


class UnapplyCreditNote(Body):
    """Why an invoice is no longer settled by a note, and from when (today, UTC, unless given)."""

    reason_code: ReasonCode
    note: Text | None = None
    effective_date: IsoDate | None = None
