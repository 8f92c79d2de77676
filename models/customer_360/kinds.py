"""The kinds of source records: of each its table, its panel, what is taken, kept and answered of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from models.answers import Page
from models.customer_360 import answers, records
from models.customer_360 import source_records as said


@dataclass(frozen=True)
class Kind:
    """`noun` is singular, `prefix` that of its ids, `record` what a source says of one, `takes` the body that writes several;
    `page`: a page of its answers, for the description of the API."""

    table: str
    noun: str
    prefix: str
    panel: str
    record: type[said.SourceRecord]
    takes: type[said.PutSourceRecords[said.SourceRecord]]
    facts: type[records.SourceFacts]
    answer: type[answers.SourceRecordAnswer]
    page: object

    @property
    def plural(self) -> str:
        """What people call its records: `NPS responses`."""
        return self.table.replace("nps", "NPS").replace("_", " ")

    @property
    def path(self) -> str:
        """Where its records are drilled into: `/v1/opportunities`."""
        return f"/v1/{self.table.replace('_', '-')}"


KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        k.table: k
        for k in (
            Kind("opportunities", "opportunity", "opp", "opportunities", said.OpportunityRecord, said.PutOpportunities,
                 records.Opportunity, answers.OpportunityAnswer, Page[answers.OpportunityAnswer]),
            Kind("quotes", "quote", "quote", "quotes", said.QuoteRecord, said.PutQuotes,
                 records.Quote, answers.QuoteAnswer, Page[answers.QuoteAnswer]),
            Kind("orders", "order", "order", "orders", said.OrderRecord, said.PutOrders,
                 records.Order, answers.OrderAnswer, Page[answers.OrderAnswer]),
            Kind("cases", "case", "case", "cases", said.CaseRecord, said.PutCases,
                 records.Case, answers.CaseAnswer, Page[answers.CaseAnswer]),
            Kind("contracts", "contract", "contract", "contracts", said.ContractRecord, said.PutContracts,
                 records.Contract, answers.ContractAnswer, Page[answers.ContractAnswer]),
            Kind("nps_responses", "nps_response", "nps", "nps", said.NpsRecord, said.PutNpsResponses,
                 records.NpsResponse, answers.NpsResponseAnswer, Page[answers.NpsResponseAnswer]),
        )
    }
)  # fmt: skip
OF_PANEL: Final[Mapping[str, Kind]] = MappingProxyType({k.panel: k for k in KINDS.values()})
