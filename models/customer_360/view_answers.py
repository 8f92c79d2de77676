"""The 360 view as it is answered: PostgreSQL writes it as JSON, which is sent on unread; these classes say its shape.

Amounts in minor units of the currency beside them. `href` leads to the record.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Literal

from models.answers import answer
from models.customer_360.records import ActivityType


@answer
class PanelOpportunityAnswer:
    """An open opportunity; `overdue`: its close date has passed."""

    id: str
    href: str
    name: str
    value_minor: int
    currency_code: str
    stage: str
    close_date: date
    overdue: bool
    source: str
    external_id: str


@answer
class PanelQuoteAnswer:
    """A quote that can still be accepted."""

    id: str
    href: str
    name: str | None
    status: str
    expiry_date: date | None
    value_minor: int | None
    currency_code: str | None
    source: str
    external_id: str


@answer
class PanelOrderAnswer:
    """A recent order."""

    id: str
    href: str
    status: str
    ship_date: date | None
    order_date: date | None
    value_minor: int | None
    currency_code: str | None
    source: str
    external_id: str


@answer
class PanelEscalationAnswer:
    """The open escalation of a case."""

    id: str
    owner_role: str
    reason_code: str
    escalated_at: datetime
    due_at: datetime


@answer
class PanelCaseAnswer:
    """An open case. `sla_status`: `breached`, `at_risk`, `on_track`, or what its source says."""

    id: str
    href: str
    subject: str
    priority: str
    status: str
    sla_status: str
    sla_due_at: datetime | None
    escalation: PanelEscalationAnswer | None
    source: str
    external_id: str


@answer
class PanelContractAnswer:
    """An active contract. Its notice window begins on `notice_from`."""

    id: str
    href: str
    name: str | None
    status: str
    renewal_date: date
    renewal_risk: Literal["none", "notice_window", "missed"]
    days_to_renewal: int
    notice_from: date
    arr_minor: int
    mrr_minor: int
    currency_code: str
    owner_user: str | None
    source: str
    external_id: str


@answer
class PanelNpsAnswer:
    """The latest answer to a survey."""

    id: str
    href: str
    latest: int
    surveyed_at: datetime
    contact_id: str | None
    source: str


@answer
class PanelActivityAnswer:
    """An entry of the contact timeline. `notes` is text, never markup."""

    id: str
    href: str
    type: ActivityType
    notes: str
    contact_id: str | None
    occurred_at: datetime
    logged_by: str
    source: str
    external_id: str | None


@answer
class _FiguresAnswer:
    """What is owed by days past due, gross of the customer's money, and that money."""

    currency_code: str
    current_minor: int
    days_30_minor: int
    days_60_minor: int
    days_90plus_minor: int
    not_due_minor: int
    overdue_1_29_minor: int
    total_minor: int
    unapplied_minor: int
    credits_minor: int
    credit_notes_minor: int
    net_minor: int
    disputed_minor: int


@answer
class PanelCurrencyAnswer(_FiguresAnswer):
    """What is owed in one currency."""


@answer
class PanelInvoiceAnswer:
    """An open invoice, the bucket in which it is, and its balance in the books of its legal entity."""

    id: str
    href: str
    external_id: str
    legal_entity_id: str
    status: str
    issue_date: date
    due_date: date
    days_past_due: int
    bucket: Literal["current", "days_30", "days_60", "days_90plus"]
    currency_code: str
    total_minor: int
    balance_due_minor: int
    functional_currency: str
    functional_balance_minor: int
    disputed: bool
    disputed_minor: int


@answer
class PanelPaymentAnswer:
    """A recent payment."""

    id: str
    href: str
    status: str
    payment_date: date
    amount_minor: int
    unapplied_minor: int
    currency_code: str


@answer
class PanelAgingAnswer(_FiguresAnswer):
    """What the customer owes today: in one currency, in each, the first invoices that are due, the latest payments."""

    customer_id: str
    as_of: date
    known_at: datetime | None
    invoices: Sequence[PanelInvoiceAnswer]
    by_currency: Sequence[PanelCurrencyAnswer]
    recent_payments: Sequence[PanelPaymentAnswer]


@answer
class PanelErrorAnswer:
    """Why a panel shows no data, or old ones."""

    code: str
    detail: str


@answer
class PanelLinksAnswer:
    """The panel itself, and the whole list behind it."""

    self: str
    all: str


@answer
class AgingLinksAnswer(PanelLinksAnswer):
    """As of any panel; and the invoices and payments that the caller may open."""

    invoices: str
    payments: str


@answer
class _PanelAnswer:
    """A panel: when its source said so (`as_of`, null: never), whether that is too old, what went wrong, and whether the
    list behind it may hold more than is shown."""

    as_of: datetime | None
    stale: bool
    error: PanelErrorAnswer | None
    source: str
    links: PanelLinksAnswer
    more: bool | None


@answer
class OpportunitiesPanelAnswer(_PanelAnswer):
    data: Sequence[PanelOpportunityAnswer]


@answer
class QuotesPanelAnswer(_PanelAnswer):
    data: Sequence[PanelQuoteAnswer]


@answer
class OrdersPanelAnswer(_PanelAnswer):
    data: Sequence[PanelOrderAnswer]


@answer
class AgingPanelAnswer(_PanelAnswer):
    """`data` is null where an exchange rate is missing: see `error`."""

    links: AgingLinksAnswer
    data: PanelAgingAnswer | None


@answer
class CasesPanelAnswer(_PanelAnswer):
    data: Sequence[PanelCaseAnswer]


@answer
class ContractsPanelAnswer(_PanelAnswer):
    data: Sequence[PanelContractAnswer]


@answer
class NpsPanelAnswer(_PanelAnswer):
    """`data` is null where no survey was answered."""

    data: PanelNpsAnswer | None


@answer
class ActivitiesPanelAnswer(_PanelAnswer):
    data: Sequence[PanelActivityAnswer]


AnyPanelAnswer = (
    OpportunitiesPanelAnswer
    | QuotesPanelAnswer
    | OrdersPanelAnswer
    | AgingPanelAnswer
    | CasesPanelAnswer
    | ContractsPanelAnswer
    | NpsPanelAnswer
    | ActivitiesPanelAnswer
)
"""One panel, by its name in the path."""


@answer
class ViewedCustomerAnswer:
    """The customer of a view. `credit_limit` in units of `currency_code`."""

    id: str
    href: str
    name: str
    status: str
    legal_entity_id: str
    customer_type: str | None
    payment_terms: str | None
    credit_limit: str | None
    currency_code: str | None


@answer
class AttentionAnswer:
    """A renewal that somebody should look at now."""

    code: Literal["RENEWAL_MISSED", "RENEWAL_IN_NOTICE_WINDOW"]
    contract_id: str
    href: str
    name: str | None
    renewal_date: date
    days_to_renewal: int
    arr_minor: int
    currency_code: str
    owner_user: str | None


@answer
class PanelsAnswer:
    """All panels of a view."""

    opportunities: OpportunitiesPanelAnswer
    quotes: QuotesPanelAnswer
    orders: OrdersPanelAnswer
    ar_aging: AgingPanelAnswer
    cases: CasesPanelAnswer
    contracts: ContractsPanelAnswer
    nps: NpsPanelAnswer
    activities: ActivitiesPanelAnswer


@answer
class Customer360Answer:
    """Everything about a customer on one screen."""

    customer: ViewedCustomerAnswer
    attention: Sequence[AttentionAnswer]
    panels: PanelsAnswer
    as_of: datetime


@answer
class SnapshotAgingAnswer:
    """What is owed by days past due, in one currency."""

    current_minor: int
    days_30_minor: int
    days_60_minor: int
    days_90plus_minor: int
    currency_code: str


@answer
class Customer360SnapshotAnswer:
    """The view as one flat record: what it shows, without freshness and links."""

    customer_id: str
    as_of: datetime
    open_opportunities: Sequence[PanelOpportunityAnswer]
    active_quotes: Sequence[PanelQuoteAnswer]
    recent_orders: Sequence[PanelOrderAnswer]
    ar_aging: SnapshotAgingAnswer | None
    open_cases: Sequence[PanelCaseAnswer]
    active_contracts: Sequence[PanelContractAnswer]
    nps_latest: int | None
    activities: Sequence[PanelActivityAnswer]
