"""The tool that reads dates, amounts and terms as the person said them."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated

from pydantic import Field, JsonValue

from conversation.jobs import Talk, job
from models.answers import JsonObject, answer
from models.conversation.words import amount_of, date_of, terms_of
from models.values import Body, CurrencyCode, Line


class ReadWords(Body):
    """The person's own words, as they said them."""

    date: Annotated[Line, Field(description="Such as `3 April`, `yesterday`, `3/4`")] | None = None
    amount: Annotated[Line, Field(description="Such as `a hundred thousand dollars`, `£1.2k`")] | None = None
    terms: Annotated[Line, Field(description="Such as `net 45`, `2/10 net 30`")] | None = None
    default_currency: Annotated[CurrencyCode, Field(description="Where an amount goes without one")] | None = None


@answer
class AmountRead:
    """In minor units of its currency."""

    minor: int
    currency_code: str


@answer
class TermsRead:
    """`code` as an organisation calls such terms unless it has names of its own."""

    code: str
    days: int
    discount_percent: Decimal | None
    discount_days: int | None


@answer
class WordsRead:
    """What the words mean; null with a question where they can be read in two ways: ask the person, and do not choose."""

    date: date | None
    amount: AmountRead | None
    terms: TermsRead | None
    questions: Sequence[str]


@job("read_words", "Read dates, amounts and terms", ReadWords, WordsRead)
async def read_words(_: Talk, asked: ReadWords) -> JsonObject:
    """Turn the person's words into a date, an amount in minor units, or payment terms. Give the words as they were said: what is
    read differently in the US and in the UK (3/4) comes back as a question."""
    today = datetime.now(UTC).date()
    day = None if asked.date is None else date_of(asked.date, today)
    amount = None if asked.amount is None else amount_of(asked.amount, asked.default_currency)
    terms = None if asked.terms is None else terms_of(asked.terms)
    questions: list[JsonValue] = [h.question for h in (day, amount, terms) if h is not None and h.question is not None]
    found: dict[str, JsonValue] = {"date": None, "amount": None, "terms": None, "questions": questions}
    if day is not None and day.value is not None:
        found["date"] = day.value.isoformat()
    if amount is not None and amount.value is not None:
        found["amount"] = {"minor": amount.value.minor, "currency_code": amount.value.currency_code}
    if terms is not None and terms.value is not None:
        t = terms.value
        percent = None if t.discount_percent is None else format(t.discount_percent, "f")
        found["terms"] = {
            "code": t.code, "days": t.days, "discount_percent": percent, "discount_days": t.discount_days,
        }  # fmt: skip
    return found
