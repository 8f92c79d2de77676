"""What the doors of cash application take. Amounts in minor units; see `models.values` for the fields' types."""

from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import (
    Field,
    JsonValue,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)
from pydantic_core import PydanticCustomError

from models.cash.adjustments import AdjustmentKind
from models.cash.deduction_requests import DeductLine
from models.cash.payment import Overpayment
from models.values import (
    Body,
    Choice,
    CurrencyCode,
    DecimalNumber,
    ExchangeRate,
    ExternalId,
    Grown,
    IsoDate,
    Line,
    Minor,
    NonNegativeMinor,
    PositiveMinor,
    ReasonCode,
    RecordId,
    Text,
    VerbatimLine,
    VerbatimText,
)

MAX_APPLICATIONS: Final = 500
MAX_ADJUSTMENTS: Final = 20
"""Of one application."""


class AssignPayment(Body):
    """Whose a payment is."""

    customer_id: RecordId


class AdjustLine(Body):
    """What the invoice owes less beside the money, in its own currency. Tax that was withheld names its certificate."""

    kind: Choice[AdjustmentKind]
    amount_minor: PositiveMinor
    reason_code: ReasonCode
    note: Text | None = None

    @model_validator(mode="after")
    def _certified(self) -> Self:
        if self.kind is AdjustmentKind.TAX_WITHHELD and not (self.note or "").strip():
            raise PydanticCustomError("CERTIFICATE_REQUIRED", "Tax withheld names its certificate in note")
        return self


class ApplyLine(Grown):
    """`applied_minor` in the payment's currency; `fx_rate` invoice-currency units per payment-currency unit.
    `adjustments`: what the invoice owes less beside it."""

    LATER: ClassVar[frozenset[str]] = frozenset({"adjustments"})

    invoice_id: RecordId
    applied_minor: PositiveMinor
    fx_rate: ExchangeRate | None = None
    invoice_applied_minor: PositiveMinor | None = None
    adjustments: Annotated[list[AdjustLine], Field(max_length=MAX_ADJUSTMENTS)] = Field(default_factory=list)


class CreditNoteToInvoice(Body):
    """So much of a credit note to one invoice, in the currency of both."""

    credit_note_id: RecordId
    invoice_id: RecordId
    applied_minor: PositiveMinor


class ApplySession(Grown):
    """One application session: the invoices, the credit notes that are netted with them, what the payer left out with his reason,
    and what becomes of the rest of the money."""

    LATER: ClassVar[frozenset[str]] = frozenset({"credit_notes", "deductions"})

    applications: Annotated[list[ApplyLine], Field(max_length=MAX_APPLICATIONS)]
    overpayment: Choice[Overpayment] | None = None
    posting_date: IsoDate | None = None
    external_id: ExternalId | None = None
    credit_notes: Annotated[list[CreditNoteToInvoice], Field(max_length=MAX_APPLICATIONS)] = Field(default_factory=list)
    deductions: Annotated[list[DeductLine], Field(max_length=MAX_APPLICATIONS)] = Field(default_factory=list)

    @field_validator("credit_notes")
    @classmethod
    def _each_pair_once(cls, lines: list[CreditNoteToInvoice]) -> list[CreditNoteToInvoice]:
        if len({(line.credit_note_id, line.invoice_id) for line in lines}) < len(lines):
            raise PydanticCustomError("INVOICE_REPEATED", "An invoice appears more than once with the same credit note")
        return lines

    @field_validator("applications")
    @classmethod
    def _each_invoice_once(cls, lines: list[ApplyLine]) -> list[ApplyLine]:
        if len({line.invoice_id for line in lines}) < len(lines):
            raise PydanticCustomError("INVOICE_REPEATED", "An invoice appears more than once")
        return lines

    @property
    def invoice_ids(self) -> list[str]:
        """The invoices, as they were named: by the money, then by credit notes alone, then by deductions alone."""
        paid, credited = (x.invoice_id for x in self.applications), (x.invoice_id for x in self.credit_notes)
        return list(dict.fromkeys([*paid, *credited, *(x.invoice_id for x in self.deductions)]))

    @property
    def credit_note_ids(self) -> list[str]:
        """The credit notes, as they were named."""
        return list(dict.fromkeys(line.credit_note_id for line in self.credit_notes))

    @property
    def adjusted_ids(self) -> list[str]:
        """The invoices that owe less by more than the money."""
        return [line.invoice_id for line in self.applications if line.adjustments]


class RecordPayment(Body):
    """A payment as it arrived. Amounts in minor units of `currency_code`; the entity and the bank account default.

    `apply`: its first application session, in the same transaction. `on_refusal` "record" keeps the payment where that
    session is refused; else nothing is recorded.
    """

    customer_id: RecordId
    payment_date: IsoDate
    amount_minor: PositiveMinor
    currency_code: CurrencyCode
    external_id: ExternalId
    legal_entity_id: RecordId | None = None
    bank_account_id: RecordId | None = None
    method: Line | None = None
    reference: VerbatimLine | None = None
    remittance_text: VerbatimText | None = None
    apply: ApplySession | None = None
    on_refusal: Literal["refuse", "record"] = "refuse"

    @model_serializer(mode="wrap")
    def _as_kept(self, dump: SerializerFunctionWrapHandler) -> dict[str, JsonValue]:
        """A payment without a session is kept as it always was: its key stays the same one across a new build."""
        alone = {"apply", "on_refusal"} if self.apply is None else set()
        return {name: value for name, value in dump(self).items() if name not in alone}


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


class UndoAdjustment(Body):
    """Why an adjustment is undone, and from when (today, UTC, unless given)."""

    reason_code: ReasonCode
    note: Text | None = None
    effective_date: IsoDate | None = None


class InvoiceLine(Body):
    """One line, for the record: the total stands on the invoice."""

    description: VerbatimText | None = None
    item: Line | None = None
    quantity: DecimalNumber | None = None
    unit_price_minor: Minor | None = None
    amount_minor: Minor | None = None
    tax_minor: Minor | None = None
    tax_code: Line | None = None


class CreateInvoice(Body):
    """`total_minor` includes the tax. The due date: given, else by payment_terms, the customer's terms, NET30."""

    customer_id: RecordId
    external_id: ExternalId
    legal_entity_id: RecordId | None = None
    issue_date: IsoDate
    due_date: IsoDate | None = None
    payment_terms: Line | None = None
    currency_code: CurrencyCode
    total_minor: PositiveMinor
    tax_minor: NonNegativeMinor = 0
    lines: Annotated[list[InvoiceLine], Field(max_length=1000)] = Field(default_factory=list)

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if self.due_date is not None and self.due_date < self.issue_date:
            raise PydanticCustomError("DUE_BEFORE_ISSUE", "The due date is before the issue date")
        if self.tax_minor > self.total_minor:
            raise PydanticCustomError("TAX_EXCEEDS_TOTAL", "The tax is more than the total that includes it")
        amounts = [line.amount_minor for line in self.lines if line.amount_minor is not None]
        both = (self.total_minor, self.total_minor - self.tax_minor)
        if amounts and len(amounts) == len(self.lines) and sum(amounts) not in both:
            raise PydanticCustomError("LINES_DO_NOT_ADD_UP", "The lines add up to neither the total nor the net amount")
        return self


class ChangeInvoice(Body):
    """Why an invoice is voided, disputed, or its dispute over."""

    reason_code: ReasonCode
    note: Text | None = None


class DraftReconciliation(Body):
    """What the bank shows through a date. `statement_balance_minor` in the bank account's currency."""

    through_date: IsoDate
    payment_ids: Annotated[list[RecordId], Field(max_length=10_000)]
    statement_balance_minor: Minor | None = None

    @field_validator("payment_ids")
    @classmethod
    def _each_once(cls, ids: list[str]) -> list[str]:
        if len(set(ids)) < len(ids):
            raise PydanticCustomError("PAYMENT_REPEATED", "A payment appears more than once")
        return ids


class DraftReconciliationOf(DraftReconciliation):
    """The draft, with the bank account that the path named."""

    bank_account_id: RecordId


class ReopenReconciliation(Body):
    """Why a completed reconciliation is taken up again."""

    reason_code: ReasonCode
    note: Text | None = None


class ChangePeriod(Body):
    """Why a month is closed or reopened, where somebody says so."""

    reason_code: ReasonCode | None = None
    note: Text | None = None


class StoreRate(Body):
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


class StoreRates(Body):
    """Up to 500 rates, each pair and date once."""

    rates: Annotated[list[StoreRate], Field(min_length=1, max_length=500)]

    @field_validator("rates")
    @classmethod
    def _distinct(cls, rates: list[StoreRate]) -> list[StoreRate]:
        if len({(r.base_currency, r.quote_currency, r.rate_date) for r in rates}) < len(rates):
            raise PydanticCustomError("RATE_REPEATED", "The same pair and date appear more than once")
        return rates
