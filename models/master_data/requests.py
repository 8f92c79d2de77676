"""What the doors of master data take."""

from dataclasses import replace
from typing import Annotated, ClassVar, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from models.cash.adjustments import PERCENT_DIGITS
from models.cash.check_digits import is_iban
from models.cash.deductions import OWNERS
from models.customer_360.source_records import Word
from models.customer_360.stages import OpenOrClosed
from models.master_data.records import (
    AccountKind,
    Agents,
    BankAccount,
    Confirmations,
    DiscountTax,
    LegalEntity,
    ReceiptPosting,
    Returns,
    usual_discount_tax,
)
from models.values import (
    Body,
    Choice,
    Code,
    CurrencyCode,
    DecimalNumber,
    Grown,
    InUpperCase,
    Line,
    Patch,
    RecordId,
)

DeductionReason = Annotated[str, Field(pattern=r"^([A-Z][A-Z0-9_]{0,63}|\*)$")]
"""A reason code, or `*` for those that are not named."""
Key = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]


def _owns(role: str) -> str:
    if role not in OWNERS:
        raise PydanticCustomError("ROLE_UNKNOWN", f"Deductions are decided by {', '.join(OWNERS)}")
    return role


DeductionOwner = Annotated[str, AfterValidator(_owns)]
"""A role that may decide deductions."""


class CreateLegalEntity(Grown):
    """A company of the organisation. `discount_tax`: keep where its books are in USD, else adjust, unless given."""

    LATER: ClassVar[frozenset[str]] = frozenset({"discount_tax"})

    id: Key
    name: Line
    functional_currency: CurrencyCode
    discount_tax: Choice[DiscountTax] | None = None


class ChangeLegalEntity(Patch):
    """Absent: unchanged; `discount_tax` null: the usual one of its currency. The currency of its books is for ever."""

    name: Line = ""
    discount_tax: Choice[DiscountTax] | None = None

    def applied_to(self, entity: LegalEntity) -> LegalEntity:
        """The legal entity with what was sent."""
        sent = self.model_fields_set
        usual = usual_discount_tax(entity.functional_currency)
        return replace(
            entity,
            name=self.name if "name" in sent else entity.name,
            discount_tax=(self.discount_tax or usual) if "discount_tax" in sent else entity.discount_tax,
        )


def _iban(text: str) -> str:
    bare = "".join(text.split()).upper()
    if not is_iban(bare):
        raise PydanticCustomError("IBAN_INVALID", "Not an IBAN: its check digits do not fit")
    return bare


Iban = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_iban)]
"""An IBAN, kept without blanks."""
Bic = Annotated[str, InUpperCase, Field(pattern=r"^[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?$")]


class CreateBankAccount(Body):
    """A bank account of a legal entity. By `iban` and `account_number` its statements are known."""

    id: Key
    legal_entity_id: RecordId
    currency_code: CurrencyCode
    name: Line
    iban: Iban | None = None
    account_number: Code | None = None
    bic: Bic | None = None


class ChangeBankAccount(Patch):
    """Absent: unchanged; null: it has none."""

    name: Line = ""
    iban: Iban | None = None
    account_number: Code | None = None
    bic: Bic | None = None

    def applied_to(self, account: BankAccount) -> BankAccount:
        """The account with what was sent."""
        sent = self.model_fields_set
        return replace(
            account,
            name=self.name if "name" in sent else account.name,
            iban=self.iban if "iban" in sent else account.iban,
            account_number=self.account_number if "account_number" in sent else account.account_number,
            bic=self.bic if "bic" in sent else account.bic,
        )


class SetPaymentTerms(Grown):
    """How many days after its issue an invoice with these terms is due; whoever pays within `discount_days` may take
    `discount_percent` off (2 is 2 %)."""

    LATER: ClassVar[frozenset[str]] = frozenset({"discount_percent", "discount_days"})

    code: Annotated[str, Field(pattern=r"^[A-Z0-9][A-Z0-9_-]{0,31}$")]
    days: Annotated[int, Field(ge=0, le=3650)]
    discount_percent: Annotated[DecimalNumber, Field(gt=0, lt=100, decimal_places=PERCENT_DIGITS)] | None = None
    discount_days: Annotated[int, Field(ge=0, le=3650)] | None = None

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if (self.discount_percent is None) is not (self.discount_days is None):
            raise PydanticCustomError("DISCOUNT_INCOMPLETE", "A discount has a percentage and days, or neither")
        return self


class CreateAccount(Body):
    """An account of the chart: `key` in postings, `code` as its number."""

    key: Key
    code: Annotated[str, Field(pattern=r"^[A-Za-z0-9.-]{1,20}$")]
    name: Line
    kind: Choice[AccountKind]


class CreateDimension(Body):
    """A value of an analytical dimension: `type` "department", `code` "SALES"."""

    type: Line
    code: Line
    name: Line


class ChangeSettings(Patch):
    """Absent: unchanged; null: the default again."""

    receipt_posting: Choice[ReceiptPosting] | None = None
    remittance_confirmation: Choice[Confirmations] | None = None
    mail_sender: Annotated[str, Field(max_length=254, pattern=r"^[^@\s]+@[^@\s]+$")] | None = None
    payment_date_horizon_days: Annotated[int, Field(ge=0, le=366)] | None = None
    discount_grace_days: Annotated[int, Field(ge=0, le=90)] | None = None
    credit_window_days: Annotated[int, Field(ge=0, le=366)] | None = None
    case_escalation_sla_seconds: Annotated[int, Field(ge=1, le=366 * 86_400)] | None = None
    returns: Choice[Returns] | None = None
    deduction_sla_seconds: Annotated[int, Field(ge=1, le=366 * 86_400)] | None = None
    deduction_owners: Annotated[dict[DeductionReason, DeductionOwner], Field(max_length=200)] | None = None
    agents: Choice[Agents] | None = None
    opportunity_stages: Annotated[dict[Word, OpenOrClosed], Field(max_length=200)] | None = None
