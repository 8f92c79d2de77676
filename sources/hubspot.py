"""Panels from HubSpot: deals, tickets and activities of one company, found by its id through the search of CRM objects.

Stages are ids there; what they are called and whether they are closed, the pipelines say, which are asked for with them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Final

import httpx2
from pydantic import ValidationError

from models.customer_360.records import Case, Opportunity, SourceFacts
from models.customer_360.source_records import CaseRecord, OpportunityRecord
from models.money import in_minor, is_currency
from sources.asking import session
from sources.hubspot_rest import Rest, following, properties, record_id, results
from sources.hubspot_timeline import timeline
from sources.protocol import Asked, Connection, SourceError

PAGE: Final = 100
MAX_PAGES: Final = 10


@dataclass(frozen=True, slots=True)
class Stage:
    """A pipeline's stage: what people call it, and whether what stands in it has ended."""

    label: str
    closed: bool


Stages = Mapping[str, Stage]


@dataclass(frozen=True)
class _Kind:
    """What is asked of one kind of objects, and how one of them that has not ended is read."""

    panel: str
    objects: str
    properties: tuple[str, ...]
    stage: str
    read: Callable[[Mapping[str, object], Stage, Asked], SourceFacts]


def _deal(r: Mapping[str, object], stage: Stage, asked: Asked) -> Opportunity:
    said = properties(r)
    currency = said.get("deal_currency_code") or asked.currency_code
    if not is_currency(currency):
        raise SourceError("SOURCE_RESPONSE_INVALID", "deal_currency_code")
    amount = Decimal(said.get("amount") or 0)
    record = OpportunityRecord.model_validate(
        {
            "external_id": record_id(r),
            "customer_id": asked.customer_id,
            "name": _short(said.get("dealname") or f"Deal {record_id(r)}"),
            "value_minor": in_minor(amount, currency),
            "currency_code": currency,
            "stage": stage.label,
            "close_date": _day(said.get("closedate") or said.get("createdate")),
        }
    )
    return replace(record.facts(_today()), closed=False)


def _ticket(r: Mapping[str, object], stage: Stage, asked: Asked) -> Case:
    said = properties(r)
    record = CaseRecord.model_validate(
        {
            "external_id": record_id(r),
            "customer_id": asked.customer_id,
            "subject": _short(said.get("subject") or f"Ticket {record_id(r)}"),
            "priority": (said.get("hs_ticket_priority") or "none").capitalize(),
            "status": stage.label,
            "sla_status": "none",
        }
    )
    return replace(record.facts(_today()), closed=False)


_KINDS: Final = {
    k.panel: k
    for k in (
        _Kind("opportunities", "deals", ("dealname", "amount", "deal_currency_code", "dealstage", "closedate", "createdate"),
              "dealstage", _deal),
        _Kind("cases", "tickets", ("subject", "hs_ticket_priority", "hs_pipeline_stage"), "hs_pipeline_stage", _ticket),
    )
}  # fmt: skip


def _today() -> date:
    return datetime.now(UTC).date()


def _short(value: str) -> str:
    return " ".join(value.split())[:255]


def _day(value: str | None) -> str:
    """The day of a moment ("2027-01-31T10:00:00Z")."""
    if value is None:
        raise SourceError("SOURCE_RESPONSE_INVALID", "closedate")
    return value[:10]


class HubSpot:
    """The adapter; keeps nothing between questions."""

    panels = frozenset({*_KINDS, "activities"})

    def __init__(self) -> None:
        self._rest = Rest()

    async def fetch(self, connection: Connection, panel: str, asked: Asked) -> list[SourceFacts]:
        """See `Source.fetch`."""
        company = asked.source_customer_id
        if not (company.isascii() and company.isdigit()) or len(company) > 30:
            raise SourceError("SOURCE_CUSTOMER_UNKNOWN")
        async with session(connection) as http:
            if panel == "activities":
                return [*await timeline(self._rest, http, connection, company, asked)]
            kind = _KINDS[panel]
            stages = await self._stages(http, connection, kind)
            records = await self._records(http, connection, kind, company)
        try:
            staged = [(r, _stage(r, kind, stages)) for r in records]
            return [kind.read(r, stage, asked) for r, stage in staged if not stage.closed]
        except (ValidationError, InvalidOperation, ArithmeticError, ValueError):
            raise SourceError("SOURCE_RESPONSE_INVALID") from None

    async def _records(
        self, http: httpx2.AsyncClient, c: Connection, kind: _Kind, company: str
    ) -> list[Mapping[str, object]]:
        of_company = {"propertyName": "associations.company", "operator": "EQ", "value": company}
        body: dict[str, object] = {
            "filterGroups": [{"filters": [of_company]}], "properties": list(kind.properties), "limit": PAGE,
            "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
        }  # fmt: skip
        records: list[Mapping[str, object]] = []
        for _ in range(MAX_PAGES):
            page = await self._rest.post(http, c, f"/crm/v3/objects/{kind.objects}/search", body)
            records += results(page)
            after = following(page)
            if after is None:
                return records
            body["after"] = after
        raise SourceError("SOURCE_RESPONSE_TOO_LARGE", "pages")

    async def _stages(self, http: httpx2.AsyncClient, c: Connection, kind: _Kind) -> Stages:
        found: dict[str, Stage] = {}
        for pipeline in results(await self._rest.get(http, c, f"/crm/v3/pipelines/{kind.objects}")):
            stages = pipeline.get("stages")
            if not isinstance(stages, list):
                raise SourceError("SOURCE_RESPONSE_INVALID", "stages")
            for one in stages:
                if not isinstance(one, dict) or not isinstance(one.get("id"), str):
                    raise SourceError("SOURCE_RESPONSE_INVALID", "stage")
                found[one["id"]] = Stage(_short(str(one.get("label") or one["id"])), _ended(one.get("metadata")))
        return found


def _ended(metadata: object) -> bool:
    """Deals say isClosed, as a text; tickets their state."""
    said = metadata if isinstance(metadata, dict) else {}
    return str(said.get("isClosed", "")).lower() == "true" or said.get("ticketState") == "CLOSED"


def _stage(r: Mapping[str, object], kind: _Kind, stages: Stages) -> Stage:
    stage = properties(r).get(kind.stage)
    if stage is None:
        raise SourceError("SOURCE_RESPONSE_INVALID", kind.stage)
    return stages.get(stage) or Stage(_short(stage), False)
