"""What a source says of a customer: opportunities, quotes, orders, cases, contracts, survey answers.

Whoever writes them (PUT /v1/sources/…, an adapter) is held to these shapes.
"""

from abc import ABC, abstractmethod
from datetime import date
from decimal import Decimal
from typing import Annotated, Final, Generic, Self, TypeVar

from pydantic import AfterValidator, AliasChoices, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from models import checks
from models.customer_360.records import Case, Contract, NpsResponse, Opportunity, Order, Quote, SourceFacts
from models.customer_360.words import (
    ENDED_CASES,
    ENDED_CONTRACTS,
    ENDED_ORDERS,
    ENDED_QUOTES,
    ENDED_STAGES,
    has_ended,
    priority_rank,
)
from models.money import round_half_even
from models.values import (
    INT64_MAX,
    Body,
    CurrencyCode,
    ExternalId,
    IsoDate,
    Moment,
    NonNegativeMinor,
    RecordId,
    VerbatimLine,
)

DEFAULT_NOTICE_DAYS: Final = 90
RECORDS_LIMIT: Final = 500


Word = Annotated[
    str, Field(min_length=1, max_length=64), AfterValidator(checks.no_controls), AfterValidator(checks.not_blank)
]


class SourceRecord(Body, ABC):
    """What every record has: its id at the source and its customer."""

    external_id: ExternalId
    customer_id: RecordId

    @abstractmethod
    def facts(self, today: date) -> SourceFacts:
        """As it is kept, heard of `today`."""


class OpportunityRecord(SourceRecord):
    """`value_minor` in minor units of `currency_code`. Which stages there are: `models.customer_360.stages`."""

    name: VerbatimLine
    value_minor: NonNegativeMinor
    currency_code: CurrencyCode
    stage: Word
    close_date: IsoDate

    def facts(self, today: date) -> Opportunity:
        return Opportunity(**dict(self), closed=has_ended(self.stage, ENDED_STAGES))


class QuoteRecord(SourceRecord):
    """An offer. `value_minor` in minor units of `currency_code`."""

    name: VerbatimLine | None = None
    value_minor: NonNegativeMinor | None = None
    currency_code: CurrencyCode | None = None
    status: Word
    expiry_date: IsoDate | None = None

    def facts(self, today: date) -> Quote:
        return Quote(**dict(self), closed=has_ended(self.status, ENDED_QUOTES))


class OrderRecord(SourceRecord):
    """An order. `value_minor` in minor units of `currency_code`."""

    value_minor: NonNegativeMinor | None = None
    currency_code: CurrencyCode | None = None
    status: Word
    ship_date: IsoDate | None = None
    order_date: IsoDate | None = None

    def facts(self, today: date) -> Order:
        recent_on = self.order_date or self.ship_date or today
        return Order(**dict(self), recent_on=recent_on, closed=has_ended(self.status, ENDED_ORDERS))


class CaseRecord(SourceRecord):
    """`sla_due_at`, where given, decides: a case past it is breached, whatever the source last said."""

    subject: VerbatimLine
    priority: Word
    status: Word
    sla_status: Word | None = None
    sla_due_at: Moment | None = None

    def facts(self, today: date) -> Case:
        said = self.sla_status or (None if self.sla_due_at else "none")
        rank, closed = priority_rank(self.priority), has_ended(self.status, ENDED_CASES)
        return Case(**(dict(self) | {"sla_status": said}), priority_rank=rank, closed=closed)


class ContractRecord(SourceRecord):
    """A contract or subscription. Of `arr_minor` and `mrr_minor` one is enough: a year is twelve months."""

    name: VerbatimLine | None = None
    status: Word = "active"
    renewal_date: IsoDate
    notice_days: Annotated[int, Field(strict=True, ge=0, le=3650)] | None = None
    arr_minor: NonNegativeMinor | None = None
    mrr_minor: Annotated[int, Field(strict=True, ge=0, le=INT64_MAX // 12)] | None = None
    currency_code: CurrencyCode
    owner_user: VerbatimLine | None = None

    @model_validator(mode="after")
    def _recurs(self) -> Self:
        if self.arr_minor is None and self.mrr_minor is None:
            raise PydanticCustomError("FIELD_REQUIRED", "A contract has arr_minor or mrr_minor")
        return self

    def facts(self, today: date) -> Contract:
        arr = self.arr_minor if self.arr_minor is not None else 12 * (self.mrr_minor or 0)
        mrr = self.mrr_minor if self.mrr_minor is not None else round_half_even(Decimal(arr) / 12)
        notice = DEFAULT_NOTICE_DAYS if self.notice_days is None else self.notice_days
        known = dict(self) | {"notice_days": notice, "arr_minor": arr, "mrr_minor": mrr}
        return Contract(**known, closed=has_ended(self.status, ENDED_CONTRACTS))


class NpsRecord(SourceRecord):
    """One answer, 0-10, or a score of the survey as a whole, -100-100. Also taken under the panel's name, `latest`."""

    score: Annotated[int, Field(strict=True, ge=-100, le=100, validation_alias=AliasChoices("score", "latest"))]
    surveyed_at: Moment
    contact_id: RecordId | None = None

    def facts(self, today: date) -> NpsResponse:
        return NpsResponse(**dict(self))


R_co = TypeVar("R_co", bound=SourceRecord, covariant=True)


class PutSourceRecords(Body, Generic[R_co]):
    """Records to write by their external_id, each once: all of them or none."""

    records: Annotated[list[R_co], Field(min_length=1, max_length=RECORDS_LIMIT)]

    @field_validator("records")
    @classmethod
    def _each_once(cls, records: list[R_co]) -> list[R_co]:
        if len({r.external_id for r in records}) < len(records):
            raise PydanticCustomError("EXTERNAL_ID_REPEATED", "An external_id appears more than once")
        return records


class PutOpportunities(PutSourceRecords[OpportunityRecord]):
    """Opportunities to write by their external_id, each once: all of them or none."""


class PutQuotes(PutSourceRecords[QuoteRecord]):
    """Quotes to write by their external_id, each once: all of them or none."""


class PutOrders(PutSourceRecords[OrderRecord]):
    """Orders to write by their external_id, each once: all of them or none."""


class PutCases(PutSourceRecords[CaseRecord]):
    """Cases to write by their external_id, each once: all of them or none."""


class PutContracts(PutSourceRecords[ContractRecord]):
    """Contracts to write by their external_id, each once: all of them or none."""


class PutNpsResponses(PutSourceRecords[NpsRecord]):
    """Survey answers to write by their external_id, each once: all of them or none."""
