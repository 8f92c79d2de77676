"""Bulk import: its statuses and options, the layout of a file, and why a file cannot be read at all.

Source: the seed's "Bulk Import", contract section 5.
"""

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from models import checks


class ImportStatus(StrEnum):
    """STAGING → VALIDATING → AWAITING_REVIEW → EXECUTING ⇄ PAUSED → an end."""

    STAGING = "STAGING"
    VALIDATING = "VALIDATING"
    AWAITING_REVIEW = "AWAITING_REVIEW"
    EXECUTING = "EXECUTING"
    PAUSED = "PAUSED"
    VALIDATED = "VALIDATED"
    COMPLETED = "COMPLETED"
    COMPLETED_WITH_ERRORS = "COMPLETED_WITH_ERRORS"
    STOPPED = "STOPPED"
    REJECTED = "REJECTED"
    CANCELLED = "CANCELLED"
    FAILED = "FAILED"


OPEN: Final = frozenset(
    {
        ImportStatus.STAGING,
        ImportStatus.VALIDATING,
        ImportStatus.AWAITING_REVIEW,
        ImportStatus.EXECUTING,
        ImportStatus.PAUSED,
    }
)
"""An import in another status has ended."""

Source = Literal["csv", "xlsx", "ndjson", "salesforce", "hubspot", "legacy_erp", "partner_feed"]
PULLED: Final = frozenset({"salesforce"})
"""Sources whose records can be pulled from a connection."""
OnDuplicate = Literal["skip", "update", "error"]
Encoding = Literal["utf-8", "windows-1252", "iso-8859-1", "iso-8859-15", "shift_jis", "gb18030", "utf-16"]
_Name = Annotated[str, AfterValidator(lambda v: checks.text(v, limit=255))]
Mapping = Annotated[dict[_Name, Annotated[str, AfterValidator(checks.code)] | None], Field(max_length=500)]
"""Column name → field; null leaves the column out."""


class ImportOptions(BaseModel):
    """What an upload may ask for. `mapping` wins over the source's own names; an upload may also name a saved one.

    A row without a legal entity of its own gets `legal_entity_id`. `batch_size` rows are committed together.
    `connection` names the source connection whose records are pulled, where no file is sent.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    source: Source
    legal_entity_id: Annotated[str, AfterValidator(checks.code)]
    mapping: Mapping | None = None
    on_duplicate: OnDuplicate = "skip"
    batch_size: int = Field(default=100, ge=1, le=1000)
    stop_on_error: bool = False
    validate_only: bool = False
    delimiter: Literal[",", ";", "\t", "|"] | None = None
    encoding: Encoding | None = None
    connection: Annotated[str, AfterValidator(checks.code)] | None = None

    @model_validator(mode="after")
    def _pulled_or_sent(self) -> Self:
        if self.connection is not None and self.source not in PULLED:
            raise checks.invalid("FIELD_TYPE", f"Only {', '.join(sorted(PULLED))} can be pulled from a connection.")
        if self.connection is not None and (self.delimiter or self.encoding):
            raise checks.invalid("FIELD_TYPE", "A delimiter and an encoding are those of a file.")
        return self

    def as_json(self) -> dict[str, Any]:
        """As they are kept; without a connection where there is none, as it was before there were any."""
        return self.model_dump(mode="json", exclude={"connection"} if self.connection is None else None)

    def digest(self) -> str:
        """Two uploads of the same file with the same digest are one import."""
        said = json.dumps(self.as_json(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(said.encode()).hexdigest()


@dataclass(frozen=True)
class Layout:
    """How to read a row's raw text again.

    `format`: `csv` (raw is the record as it stood), `cells` (a JSON array of texts), `object` (a JSON object).
    `header`: the column names as they stand in the file; empty for objects, whose rows name their fields themselves.
    """

    format: str
    header: tuple[str, ...] = ()
    delimiter: str = ","
    header_line: int = 1


class Unreadable(Exception):
    """The file as a whole cannot be read. `line` and `column` count from 1; the beginning, where it is all of the file."""

    def __init__(self, code: str, detail: str, line: int = 1, column: int = 1) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.line = line
        self.column = column
