"""What the doors of master data take."""

from typing import Annotated

from pydantic import Field

from models.customer_360.source_records import Word
from models.customer_360.stages import Standing
from models.master_data.records import AccountKind, Confirmations, ReceiptPosting
from models.values import Body, Choice, CurrencyCode, Line, Patch, RecordId

Key = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]


class CreateLegalEntity(Body):
    """A company of the organisation."""

    id: Key
    name: Line
    functional_currency: CurrencyCode


class CreateBankAccount(Body):
    """A bank account of a legal entity."""

    id: Key
    legal_entity_id: RecordId
    currency_code: CurrencyCode
    name: Line


class SetPaymentTerms(Body):
    """How many days after its issue an invoice with these terms is due."""

    code: Annotated[str, Field(pattern=r"^[A-Z0-9][A-Z0-9_-]{0,31}$")]
    days: Annotated[int, Field(ge=0, le=3650)]


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
    case_escalation_sla_seconds: Annotated[int, Field(ge=1, le=366 * 86_400)] | None = None
    opportunity_stages: Annotated[dict[Word, Standing], Field(max_length=200)] | None = None
