"""What the validation found, as it is kept with the import and shown to the reviewer: counts, amounts, samples of rows."""

from collections.abc import Mapping, Sequence

from models.answers import answer
from models.customers.diff import Diff


@answer
class PlannedOutcomes:
    """How many rows would create, update, skip and fail, if the import were approved."""

    create: int
    update: int
    skip: int
    fail: int


@answer
class NewCreditLimits:
    """The credit that new customers would be given in one currency, in its units; "" is the legal entity's own."""

    currency_code: str
    rows: int
    total: str
    largest: str
    largest_row: int


@answer
class BeforeAndAfter:
    """A value of a customer, and what a row makes of it."""

    before: str | None
    after: str | None


@answer
class WeightyChange:
    """A row that changes the credit limit or the payment terms of the customer that it meets."""

    row: int
    customer_id: str
    credit_limit: BeforeAndAfter
    payment_terms: BeforeAndAfter


@answer
class RowChange:
    """Everything that a row changes of the customer that it meets."""

    row: int
    customer_id: str
    diff: Diff


@answer
class ImportChanges:
    """What updates would change: how many rows touch limits or terms, those with the largest limits `first`, then whole
    changes of a few `rows`."""

    credit_limit_or_terms: int
    first: Sequence[WeightyChange]
    rows: Sequence[RowChange]


@answer
class ImportSummary:
    """What the reviewer decides by: rows by code, a few of them each; `changes` only where the import may update, and for
    whoever may see all `legal_entities` whose customers the rows would create or update."""

    codes: Mapping[str, int]
    sample_rows: Mapping[str, Sequence[int]]
    would: PlannedOutcomes
    credit_limits: Sequence[NewCreditLimits]
    changes: ImportChanges | None
    legal_entities: Sequence[str]


def of_earlier_builds(kept: object) -> object:
    """A summary as it was kept before it said whose customers it is about."""
    return {"legal_entities": [], **kept} if isinstance(kept, dict) else kept
