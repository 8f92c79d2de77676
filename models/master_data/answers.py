"""What master data answers."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Literal

from models.answers import answer
from models.master_data.records import (
    AccountKind,
    Agents,
    BankAccount,
    Confirmations,
    Dimension,
    DiscountTax,
    LedgerAccount,
    LegalEntity,
    OrganisationSettings,
    PaymentTerms,
    ReceiptPosting,
    Returns,
)


@answer
class LegalEntityAnswer:
    """A company of the organisation, and the currency of its books. `discount_tax`: whether a discount takes its share of
    the tax off what is payable."""

    id: str
    name: str
    functional_currency: str
    discount_tax: DiscountTax


def legal_entity_answer(e: LegalEntity) -> LegalEntityAnswer:
    return LegalEntityAnswer(
        id=e.id, name=e.name, functional_currency=e.functional_currency, discount_tax=e.discount_tax
    )


@answer
class BankAccountAnswer:
    """A bank account of a legal entity. By `iban` and `account_number` its statements are known."""

    id: str
    legal_entity_id: str
    currency_code: str
    name: str
    iban: str | None
    account_number: str | None
    bic: str | None


def bank_account_answer(b: BankAccount) -> BankAccountAnswer:
    return BankAccountAnswer(
        id=b.id,
        legal_entity_id=b.legal_entity_id,
        currency_code=b.currency_code,
        name=b.name,
        iban=b.iban,
        account_number=b.account_number,
        bic=b.bic,
    )


@answer
class PaymentTermsAnswer:
    """When an invoice with these terms is due: so many days after its issue. Who pays within `discount_days` may take
    `discount_percent` off; both are null where the terms grant none."""

    code: str
    days: int
    discount_percent: Decimal | None
    discount_days: int | None


def payment_terms_answer(t: PaymentTerms) -> PaymentTermsAnswer:
    return PaymentTermsAnswer(
        code=t.code, days=t.days, discount_percent=t.discount_percent, discount_days=t.discount_days
    )


@answer
class LedgerAccountAnswer:
    """An account of the chart. Journal lines name its `key`; `code` is its number."""

    key: str
    code: str
    name: str
    kind: AccountKind


def ledger_account_answer(a: LedgerAccount) -> LedgerAccountAnswer:
    return LedgerAccountAnswer(key=a.key, code=a.code, name=a.name, kind=a.kind)


@answer
class DimensionValueAnswer:
    """A value of an analytical dimension: `type` "department", `code` "SALES"."""

    type: str
    code: str
    name: str


def dimension_value_answer(d: Dimension) -> DimensionValueAnswer:
    return DimensionValueAnswer(type=d.type, code=d.code, name=d.name)


@answer
class OrganisationSettingsAnswer:
    """The settings as they hold: what was chosen, else the default. `case_escalation_sla_seconds` null: by the case's
    priority; `remittance_confirmation_since`: when confirmations were last switched on again."""

    receipt_posting: ReceiptPosting
    payment_date_horizon_days: int
    discount_grace_days: int
    credit_window_days: int
    remittance_confirmation: Confirmations
    mail_sender: str
    case_escalation_sla_seconds: int | None
    opportunity_stages: Mapping[str, Literal["open", "closed"]]
    remittance_confirmation_since: datetime | None
    returns: Returns
    agents: Agents
    deduction_sla_seconds: int
    deduction_owners: Mapping[str, str]


def settings_answer(s: OrganisationSettings) -> OrganisationSettingsAnswer:
    return OrganisationSettingsAnswer(
        receipt_posting=s.receipt_posting,
        payment_date_horizon_days=s.payment_date_horizon_days,
        discount_grace_days=s.discount_grace_days,
        credit_window_days=s.credit_window_days,
        remittance_confirmation=s.remittance_confirmation,
        mail_sender=s.mail_sender,
        case_escalation_sla_seconds=s.case_escalation_sla_seconds,
        opportunity_stages=s.opportunity_stages,
        remittance_confirmation_since=s.remittance_confirmation_since,
        returns=s.returns,
        agents=s.agents,
        deduction_sla_seconds=s.deduction_sla_seconds,
        deduction_owners=s.deduction_owners,
    )
