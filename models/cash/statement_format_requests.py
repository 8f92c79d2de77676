"""A bank's CSV as it is described, and shown."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from models.answers import answer, answer_from
from models.cash.csv_formats import ColumnName, Decimal, FormatColumns, StatementFormat, date_pattern
from models.values import Body, Code, VerbatimLine

Encoding = Literal[
    "utf-8",
    "utf-16",
    "windows-1250",
    "windows-1252",
    "iso-8859-1",
    "iso-8859-2",
    "iso-8859-15",
    "cp437",
    "cp850",
    "macroman",
]
_ENCODINGS = {
    "utf8": "utf-8", "utf16": "utf-16", "cp1250": "windows-1250", "cp1252": "windows-1252", "latin1": "iso-8859-1",
    "iso88591": "iso-8859-1", "iso88592": "iso-8859-2", "iso885915": "iso-8859-15", "windows1252": "windows-1252",
    "windows1250": "windows-1250", "ansi": "windows-1252", "utf8sig": "utf-8", "utf8bom": "utf-8", "macroman": "macroman",
}  # fmt: skip


def _encoding(given: object) -> object:
    if not isinstance(given, str):
        return given
    return _ENCODINGS.get("".join(filter(str.isalnum, given.lower())), given.lower())


def _delimiter(given: object) -> object:
    words = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}
    return words.get(given.lower(), given) if isinstance(given, str) else given


def _decimal(given: object) -> object:
    words = {"comma": ",", "point": ".", "dot": "."}
    return words.get(given.lower(), given) if isinstance(given, str) else given


def _date_format(given: str) -> str:
    try:
        date_pattern(given)
    except ValueError as error:
        raise PydanticCustomError(
            "DATE_FORMAT_INVALID", "A date format names day, month and year: DD/MM/YYYY, %d/%m/%Y or dmy; {why}",
            {"why": str(error)},
        ) from None  # fmt: skip
    return given


Column = Annotated[int, Field(ge=1, le=500)] | VerbatimLine
"""A column by its header, or by its place from 1."""


def _texts(given: object) -> object:
    return given if isinstance(given, list) else [given]


class Columns(Body):
    """Which column says what; see FormatColumns."""

    date: Column
    value_date: Column | None = None
    amount: Column | None = None
    debit: Column | None = None
    credit: Column | None = None
    indicator: Column | None = None
    currency: Column | None = None
    balance: Column | None = None
    account: Column | None = None
    payer: Column | None = None
    reference: Column | None = None
    bank_reference: Column | None = None
    remittance_text: Annotated[list[Column], BeforeValidator(_texts), Field(max_length=20, default_factory=list)]

    @model_validator(mode="after")
    def _one_way_to_say_money(self) -> Self:
        apart = self.debit is not None or self.credit is not None
        if (self.amount is None) == (not apart):
            raise PydanticCustomError("FIELD_REQUIRED", "Either amount, or debit and credit")
        if apart and self.credit is None:
            raise PydanticCustomError("FIELD_REQUIRED", "The column of credits is missing")
        if self.indicator is not None and self.amount is None:
            raise PydanticCustomError("FIELD_FORMAT", "An indicator goes with an amount")
        return self

    def as_columns(self) -> FormatColumns:
        return FormatColumns(**{name: getattr(self, name) for name in type(self).model_fields})


class CreateStatementFormat(Body):
    """A bank's CSV. `skip_rows`: lines above the header, which is looked for where they are not said; a format whose columns
    are all known by their places is of a file without a header."""

    name: Annotated[Code, Field(pattern=r"^[^/?#%]+$")]
    delimiter: Annotated[Literal[",", ";", "\t", "|", ":", "~", "^"] | None, BeforeValidator(_delimiter)] = None
    encoding: Annotated[Encoding | None, BeforeValidator(_encoding)] = None
    skip_rows: Annotated[int, Field(ge=0, le=1000)] | None = None
    date_format: Annotated[Code, AfterValidator(_date_format)]
    decimal: Annotated[Literal[",", "."], BeforeValidator(_decimal)]
    columns: Columns

    def as_format(self, bank_account_id: str, at: datetime, by: str) -> StatementFormat:
        """The format as it is kept."""
        return StatementFormat(
            bank_account_id=bank_account_id,
            name=self.name,
            delimiter=self.delimiter,
            encoding=self.encoding,
            skip_rows=self.skip_rows,
            date_format=self.date_format,
            decimal=Decimal(self.decimal),
            columns=self.columns.as_columns(),
            created_at=at,
            created_by=by,
        )


@answer
class FormatColumnsAnswer:
    """Which column says what: by its header, or by its place from 1."""

    date: ColumnName
    value_date: ColumnName | None
    amount: ColumnName | None
    debit: ColumnName | None
    credit: ColumnName | None
    indicator: ColumnName | None
    currency: ColumnName | None
    balance: ColumnName | None
    account: ColumnName | None
    payer: ColumnName | None
    reference: ColumnName | None
    bank_reference: ColumnName | None
    remittance_text: Sequence[ColumnName]


@answer
class StatementFormatAnswer:
    """A bank's CSV, as it was described for a bank account. `delimiter`, `encoding` null: told from each file; `skip_rows` null:
    the header is looked for."""

    bank_account_id: str
    name: str
    delimiter: str | None
    encoding: str | None
    skip_rows: int | None
    date_format: str
    decimal: Decimal
    columns: FormatColumnsAnswer
    created_at: datetime
    created_by: str


def statement_format_answer(f: StatementFormat) -> StatementFormatAnswer:
    return StatementFormatAnswer(
        bank_account_id=f.bank_account_id,
        name=f.name,
        delimiter=f.delimiter,
        encoding=f.encoding,
        skip_rows=f.skip_rows,
        date_format=f.date_format,
        decimal=f.decimal,
        columns=answer_from(FormatColumnsAnswer, f.columns),
        created_at=f.created_at,
        created_by=f.created_by,
    )
