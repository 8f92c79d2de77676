"""What a source says of a customer: opportunities, quotes, orders, cases, contracts, survey answers.

Whoever writes them (PUT /v1/sources/…, an adapter) is held to these shapes. Words keep the source's spelling; our
rules compare their keys: "Closed Won", "closed-won" and "CLOSED_WON" are one stage.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Annotated, Any, Final, Self

from pydantic import AfterValidator, AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from models.invisible import without
from models.money import INT64_MAX, is_currency, round_half_even


def words(text: str) -> frozenset[str]:
    """The words of a list written as one text."""
    return frozenset(text.split())


ENDED_STAGES: Final = words(
    """WON LOST CLOSED CLOSED_WON CLOSED_LOST CLOSEDWON CLOSEDLOST CLOSED_LOST_TO_COMPETITION CANCELLED CANCELED
    DISQUALIFIED ABANDONED NO_DECISION"""
)
_ENDED: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "quotes": words(
            """ACCEPTED REJECTED DENIED DECLINED EXPIRED CANCELLED CANCELED WITHDRAWN CONVERTED ORDERED VOID WON LOST
            CLOSED"""
        ),
        "orders": words("DELIVERED COMPLETED COMPLETE CANCELLED CANCELED RETURNED CLOSED VOID"),
        "cases": words("CLOSED RESOLVED SOLVED DONE CANCELLED CANCELED DUPLICATE"),
        "contracts": words("ENDED EXPIRED CANCELLED CANCELED TERMINATED CHURNED RENEWED SUPERSEDED CLOSED"),
    }
)
_URGENCY: Final[Mapping[str, int]] = MappingProxyType(
    {
        "BLOCKER": 1, "CRITICAL": 1, "URGENT": 1, "P1": 1, "SEV1": 1, "HIGHEST": 1, "HIGH": 2, "P2": 2, "SEV2": 2,
        "MEDIUM": 3, "NORMAL": 3, "STANDARD": 3, "P3": 3, "SEV3": 3, "LOW": 4, "P4": 4, "SEV4": 4, "LOWEST": 5, "P5": 5,
    }
)  # fmt: skip
LEAST_URGENT: Final = 6
DEFAULT_NOTICE_DAYS: Final = 90
RECORDS_LIMIT: Final = 500


def word_key(word: str) -> str:
    """The word as our rules compare it: UPPER_SNAKE."""
    return re.sub(r"[^A-Z0-9]+", "_", word.strip().upper()).strip("_")


def priority_rank(priority: str) -> int:
    """1 is the most urgent; a word that we do not know sorts last."""
    return _URGENCY.get(word_key(priority), LEAST_URGENT)


def _one_line(text: str) -> str:
    if any(ord(c) < 32 or 127 <= ord(c) < 160 for c in text):
        raise PydanticCustomError("FIELD_FORMAT", "Control characters are not allowed")
    if not without(text).strip():
        raise PydanticCustomError("FIELD_REQUIRED", "The text is blank")
    return text


def _currency(code: str) -> str:
    if not (code.isupper() and is_currency(code)):
        raise PydanticCustomError("CURRENCY_INVALID", "Not a currency of ISO 4217 with minor units")
    return code


def _day(value: Any) -> Any:
    if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        try:
            value = date.fromisoformat(value)
        except ValueError:
            raise PydanticCustomError("DATE_INVALID", "There is no such day") from None
    if type(value) is not date:
        raise PydanticCustomError("DATE_INVALID", "A date is written YYYY-MM-DD")
    if not 1900 <= value.year <= 2999:
        raise PydanticCustomError("FIELD_RANGE", "A date lies between 1900-01-01 and 2999-12-31")
    return value


def _moment(value: Any) -> Any:
    """A time with its offset; a date alone is its midnight, UTC."""
    if isinstance(value, str):
        text = f"{value}T00:00:00+00:00" if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value) else value
        try:
            value = datetime.fromisoformat(text)
        except ValueError:
            raise PydanticCustomError("TIME_INVALID", "A time is written 2026-01-31T12:00:00Z") from None
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise PydanticCustomError("TIME_INVALID", "A time is written with its offset: 2026-01-31T12:00:00Z")
    if not 1900 <= value.year <= 2999:
        raise PydanticCustomError("FIELD_RANGE", "A time lies between the years 1900 and 2999")
    return value


Line = Annotated[str, Field(min_length=1, max_length=255), AfterValidator(_one_line)]
Word = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_one_line)]
Currency = Annotated[str, Field(min_length=3, max_length=3), AfterValidator(_currency)]
Amount = Annotated[int, Field(strict=True, ge=0, le=INT64_MAX)]
Day = Annotated[date, BeforeValidator(_day)]
Moment = Annotated[datetime, BeforeValidator(_moment)]


class SourceRecord(BaseModel):
    """What every record has: its id at the source and its customer."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    external_id: Line
    customer_id: Line


class OpportunityRecord(SourceRecord):
    """`value_minor` in minor units of `currency_code`. Which stages there are: `models.customer_360.stages`."""

    name: Line
    value_minor: Amount
    currency_code: Currency
    stage: Word
    close_date: Day


class QuoteRecord(SourceRecord):
    name: Line | None = None
    value_minor: Amount | None = None
    currency_code: Currency | None = None
    status: Word
    expiry_date: Day | None = None


class OrderRecord(SourceRecord):
    value_minor: Amount | None = None
    currency_code: Currency | None = None
    status: Word
    ship_date: Day | None = None
    order_date: Day | None = None


class CaseRecord(SourceRecord):
    """`sla_due_at`, where given, decides: a case past it is breached, whatever the source last said."""

    subject: Line
    priority: Word
    status: Word
    sla_status: Word | None = None
    sla_due_at: Moment | None = None


class ContractRecord(SourceRecord):
    """A contract or subscription. Of `arr_minor` and `mrr_minor` one is enough: a year is twelve months."""

    name: Line | None = None
    status: Word = "active"
    renewal_date: Day
    notice_days: Annotated[int, Field(strict=True, ge=0, le=3650)] | None = None
    arr_minor: Annotated[int, Field(strict=True, ge=0, le=INT64_MAX)] | None = None
    mrr_minor: Annotated[int, Field(strict=True, ge=0, le=INT64_MAX // 12)] | None = None
    currency_code: Currency
    owner_user: Line | None = None

    @model_validator(mode="after")
    def _recurs(self) -> Self:
        if self.arr_minor is None and self.mrr_minor is None:
            raise PydanticCustomError("FIELD_REQUIRED", "A contract has arr_minor or mrr_minor")
        return self

    @property
    def arr(self) -> int:
        return self.arr_minor if self.arr_minor is not None else 12 * (self.mrr_minor or 0)

    @property
    def mrr(self) -> int:
        return self.mrr_minor if self.mrr_minor is not None else round_half_even(Decimal(self.arr) / 12)


class NpsRecord(SourceRecord):
    """One answer, 0-10, or a score of the survey as a whole, -100-100. Also taken under the panel's name, `latest`."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    score: Annotated[int, Field(strict=True, ge=-100, le=100, validation_alias=AliasChoices("score", "latest"))]
    surveyed_at: Moment
    contact_id: Line | None = None


Row = dict[str, Any]


def _opportunity(r: Any, today: date) -> Row:
    return {**r.model_dump(), "closed": word_key(r.stage) in ENDED_STAGES}


def _quote(r: Any, today: date) -> Row:
    return {**r.model_dump(), "closed": word_key(r.status) in _ENDED["quotes"]}


def _order(r: Any, today: date) -> Row:
    ended = word_key(r.status) in _ENDED["orders"]
    return {**r.model_dump(), "recent_on": r.order_date or r.ship_date or today, "closed": ended}


def _case(r: Any, today: date) -> Row:
    said = r.sla_status or (None if r.sla_due_at else "none")
    ended = word_key(r.status) in _ENDED["cases"]
    return {**r.model_dump(), "sla_status": said, "priority_rank": priority_rank(r.priority), "closed": ended}


def _contract(r: Any, today: date) -> Row:
    notice = DEFAULT_NOTICE_DAYS if r.notice_days is None else r.notice_days
    ended = word_key(r.status) in _ENDED["contracts"]
    return {**r.model_dump(), "notice_days": notice, "arr_minor": r.arr, "mrr_minor": r.mrr, "closed": ended}


def _nps(r: Any, today: date) -> Row:
    return dict(r.model_dump())


@dataclass(frozen=True)
class Kind:
    """One kind of record: its table, its noun (singular), the prefix of its ids, its panel, and how it becomes a row."""

    table: str
    noun: str
    prefix: str
    panel: str
    record: type[SourceRecord]
    row: Callable[[Any, date], Row]

    @property
    def path(self) -> str:
        """Where its records are drilled into: `/v1/opportunities`."""
        return f"/v1/{self.table.replace('_', '-')}"


KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        k.table: k
        for k in (
            Kind("opportunities", "opportunity", "opp", "opportunities", OpportunityRecord, _opportunity),
            Kind("quotes", "quote", "quote", "quotes", QuoteRecord, _quote),
            Kind("orders", "order", "order", "orders", OrderRecord, _order),
            Kind("cases", "case", "case", "cases", CaseRecord, _case),
            Kind("contracts", "contract", "contract", "contracts", ContractRecord, _contract),
            Kind("nps_responses", "nps_response", "nps", "nps", NpsRecord, _nps),
        )
    }
)
