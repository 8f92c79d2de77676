"""Credit notes of which something was left on a day."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenNote:
    """What a credit note took back that no invoice had taken on a day, in its currency and in the functional one."""

    id: str
    external_id: str
    customer_id: str
    legal_entity_id: str
    issue_date: date
    currency_code: str
    functional_currency: str
    fx_rate: Decimal
    total_minor: int
    balance_minor: int
    functional_balance_minor: int
