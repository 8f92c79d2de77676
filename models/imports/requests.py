"""What the doors of imports take: the options of an upload, what people decide of it, a mapping to keep."""

import hashlib
import json
from typing import Annotated, Final, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from models import checks
from models.approvals.requests import StepNumber
from models.values import Body, Code, Line, NonNegativeMinor, ReasonCode, Text

Source = Literal["csv", "xlsx", "ndjson", "salesforce", "hubspot", "legacy_erp", "partner_feed"]
PULLED: Final = frozenset({"salesforce", "hubspot"})
"""Sources whose records can be pulled from a connection."""
OnDuplicate = Literal["skip", "update", "error"]
Encoding = Literal["utf-8", "windows-1252", "iso-8859-1", "iso-8859-15", "macintosh", "shift_jis", "gb18030", "utf-16"]
ColumnMapping = Annotated[dict[Line, Code | None], Field(max_length=500)]
"""Column name → field; null leaves the column out."""


class ImportOptions(Body):
    """What an upload may ask for. `mapping` wins over the source's own names; an upload may also name a saved one.

    A row without a legal entity of its own gets `legal_entity_id`. `batch_size` rows are committed together.
    `connection` names the source connection whose records are pulled, where no file is sent.
    """

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)  # an answer shows all of them

    source: Source
    legal_entity_id: Code
    mapping: ColumnMapping | None = None
    on_duplicate: OnDuplicate = "skip"
    batch_size: int = Field(default=100, ge=1, le=1000)
    stop_on_error: bool = False
    validate_only: bool = False
    delimiter: Literal[",", ";", "\t", "|"] | None = None
    encoding: Encoding | None = None
    connection: Code | None = None

    @model_validator(mode="after")
    def _pulled_or_sent(self) -> Self:
        if self.connection is not None and self.source not in PULLED:
            raise checks.invalid("FIELD_TYPE", f"Only {', '.join(sorted(PULLED))} can be pulled from a connection.")
        if self.connection is not None and (self.delimiter or self.encoding):
            raise checks.invalid("FIELD_TYPE", "A delimiter and an encoding are those of a file.")
        return self

    def digest(self) -> str:
        """Two uploads of the same file with the same digest are one import."""
        said = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(said.encode()).hexdigest()


MAX_SAID: Final = 200_000
"""Characters of a file that stands in a request: what people paste. Longer files are uploaded."""


class StartImport(Body):
    """An import that is proposed: a short file of text with its content, or, in the options, a connection to pull from."""

    options: ImportOptions
    file_name: Line | None = None
    content: (
        Annotated[str, Field(min_length=1, max_length=MAX_SAID, description="The file's text, such as CSV")] | None
    ) = None

    @model_validator(mode="after")
    def _said_or_pulled(self) -> Self:
        if (self.content is None) is (self.options.connection is None):
            raise checks.invalid(
                "FIELD_REQUIRED", "Give the content of a file, or in the options a connection to pull from."
            )
        return self


class SubmitImport(Body):
    """An upload, or a pull without a file, as it is kept: the file's content is known by its sha256."""

    options: ImportOptions
    file_name: str | None = None
    file_hash: str
    file_bytes: NonNegativeMinor


class ReviewDecision(Body):
    """`step` is the pending one unless given; 1 is the validation. Rejecting needs a reason_code."""

    step: StepNumber | None = None
    decision: Literal["approve", "reject"]
    reason_code: ReasonCode | None = None
    comment: Text | None = None


class SaveMapping(Body):
    """Column name → field of a customer; null leaves the column out."""

    source: Source
    mapping: ColumnMapping


class NamedMapping(SaveMapping):
    """A mapping and the name that it is saved under."""

    name: Line
