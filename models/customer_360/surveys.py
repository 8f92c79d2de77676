"""Answers of an NPS survey, from the file that the survey's program exports: who answered, when, and from 0 to 10 what.

Columns are known by what the usual programs call them. A row that lacks one of the three, or whose day can be read in two ways,
is left out and named: a score that nobody can place says nothing.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Final, Literal

Part = Literal["score", "email", "customer", "at", "id"]
_COLUMNS: Final[Mapping[Part, str]] = {
    "score": "score|nps|npsscore|netpromoterscore|rating|likelihoodtorecommend|npsrating",
    "email": "email|emailaddress|contactemail|respondentemail|useremail|customeremail",
    "customer": "customerid|externalid|companyid|accountid|customerexternalid|primaryassociatedcompanyid",
    "at": "surveyedat|respondedat|surveyrespondedat|responsedate|responsetime|datesubmitted|submitdate|submitdateutc|submittedat|"
    "enddate|completedat|timestamp|date|createdat|surveydate",
    "id": "responseid|respondentid|surveyresponseid|submissionid|recordid|id",
}
_QUESTION: Final = "howlikely"
_NAMES: Final = {name: part for part, names in _COLUMNS.items() for name in names.split("|")}
_MOMENT: Final = re.compile(
    r"(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2})?)(?:\.\d+)?\s*(Z|UTC|GMT|[+-]\d{2}:?\d{2})?)?"
)


class NoSurvey(Exception):
    """The file is none of a survey: it lacks a column."""


@dataclass(frozen=True, slots=True)
class SurveyAnswer:
    """One answer. `customer` is the id that the customer has in the other system, `email` whose answer it is; one of them is
    there."""

    line: int
    external_id: str
    customer: str | None
    email: str | None
    score: int
    surveyed_at: datetime


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A row that is no answer, and why."""

    line: int
    why: str


def columns_of(header: Sequence[str]) -> dict[Part, int]:
    """Where the parts of an answer stand. Raises NoSurvey where score, day or person has no column."""
    found: dict[Part, int] = {}
    for n, name in enumerate(header):
        key = re.sub(r"[\W_]+", "", name.casefold())
        part = "score" if key.startswith(_QUESTION) else _NAMES.get(key)
        if part is not None:
            found.setdefault(part, n)
    needed = {
        "a score": "score" in found,
        "a day": "at" in found,
        "an e-mail or a customer's id": bool({"email", "customer"} & found.keys()),
    }
    lacking = [what for what, is_there in needed.items() if not is_there]
    if lacking:
        raise NoSurvey(f"No column is {' or '.join(lacking)}.")
    return found


def answer_of(line: int, cells: Sequence[str], at: Mapping[Part, int]) -> SurveyAnswer | LeftOut:
    """The answer in a row."""
    said = {part: cells[n].strip() for part, n in at.items() if n < len(cells) and cells[n].strip()}
    score = said.get("score", "")
    if not re.fullmatch(r"\d{1,2}(?:\.0+)?", score) or not 0 <= int(float(score)) <= 10:
        return LeftOut(line, "no score from 0 to 10")
    day = _moment(said.get("at", ""))
    if day is None:
        return LeftOut(line, "no day as YYYY-MM-DD: others can be read in two ways")
    customer, email = said.get("customer"), said.get("email")
    if not customer and not email:
        return LeftOut(line, "neither an e-mail nor a customer's id")
    own = f"{customer or ''}/{(email or '').casefold()}/{day.isoformat()}"
    answer_id = said.get("id") or hashlib.sha256(own.encode()).hexdigest()[:32]
    return SurveyAnswer(line, answer_id[:255], customer, email, int(float(score)), day)


def _moment(text: str) -> datetime | None:
    """The moment, UTC where it does not say otherwise; None where it is none, or may be two."""
    found = _MOMENT.fullmatch(text)
    if found is None:
        return None
    try:
        day = date.fromisoformat(found[1])
        clock = time.fromisoformat(found[2]) if found[2] else time()
        zone = found[3] or "Z"
        shift = "+00:00" if zone in ("Z", "UTC", "GMT") else zone
        return datetime.fromisoformat(f"{day.isoformat()}T{clock.isoformat()}{shift}").astimezone(UTC)
    except ValueError:
        return None
