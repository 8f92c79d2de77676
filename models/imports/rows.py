"""One row of an import, judged: the customer it would make, or every fault of it with its column.

The rules are those of `POST /v1/customers` (models.checks, models.customers.bodies), so that an import can make nothing that a
form could not. Levels (docs/sources.md, IMP-2): fields (types, lengths, formats), foreign keys (terms, accounts, entities; small
tables, handed in), business rules of one row. Duplicates need all rows and the master: they are found set-based.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Final

from pydantic_core import PydanticCustomError

from models import checks
from models.answers import JsonObject
from models.customers.bodies import CustomerType
from models.customers.metadata import metadata
from models.imports.amounts import exported_amount, plain_amount
from models.imports.checked import Checked, RowFault, code_of
from models.imports.cleaning import (
    CLEANERS,
    NOBODY,
    NOTHING,
    address_of,
    identifier,
    one_company,
    terms_among,
    unknown_terms,
)  # fmt: skip
from models.imports.columns import JOINED, PLAIN, PLAIN_FIELDS
from models.imports.related import LISTS, RelatedColumns, doubtful_phone, lists_of
from models.imports.report import is_report
from models.imports.row_shape import Shape
from models.keys import email_key, name_key, tax_id_key
from models.spreadsheets import undone

_GUARDED: Final = frozenset("0123456789+(")
"""What programs put an apostrophe before, lest a spreadsheet reckon with it; 's-Hertogenbosch is a town."""
_COMPANIES: Final = frozenset({"Associated Company", "Associated Companies"})
"""Columns of a contacts export that name every company that the person belongs to."""
_OUR_AMOUNT: Final = re.compile(r"[+-]?[0-9]*\.?[0-9]*(?:[Ee][+-]?[0-9]+)?")
# A subset of what checks.email accepts (a property test holds that), at a fortieth of its cost.
_PLAIN_EMAIL: Final = re.compile(
    r"[a-z0-9](?:[a-z0-9_+-]{0,40})(?:\.[a-z0-9_+-]{1,20})?@(?:[a-z0-9](?:[a-z0-9]{0,40})\.){1,4}[a-z]{2,20}",
    re.IGNORECASE | re.ASCII,
)


@dataclass(frozen=True)
class Known:
    """What rows may refer to: codes of payment terms, keys of revenue accounts, legal entities (with their functional
    currencies), dimensions."""

    terms: frozenset[str]
    accounts: frozenset[str]
    entities: Mapping[str, str]
    dimensions: frozenset[tuple[str, str]] = frozenset()


def _email(value: str) -> str:
    value = value.strip()
    return value if _PLAIN_EMAIL.fullmatch(value) else checks.email(address_of(value))


def _customer_type(value: str) -> str:
    if value.strip() not in CustomerType.__members__.values():
        raise checks.invalid("CUSTOMER_TYPE_INVALID", f"One of: {', '.join(CustomerType)}.")
    return value.strip()


def _metadata(value: str | JsonObject) -> str:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise checks.invalid("FIELD_TYPE", "Metadata is a JSON object.") from None
    return json.dumps(metadata(value), ensure_ascii=False)


@lru_cache(maxsize=4096)
def _credit_limit(cell: str, exported: bool, own: str | None, functional: str | None) -> Decimal:
    """The limit in the row's own currency, else the functional one. Raises where the text has two readings, or names another
    currency."""
    if not exported and _OUR_AMOUNT.fullmatch(cell.strip()):
        return checks.credit_limit(plain_amount(cell, own))
    amount = exported_amount(cell)
    own = own or functional
    if own is not None and amount.contradicts(own):
        detail = f"The amount names another currency than the customer's, {own}: give the row its currency."
        raise checks.invalid("CURRENCY_INVALID", detail)
    return checks.credit_limit(amount.text)


_code = lru_cache(maxsize=4096)(checks.code)
CHECKS: Final[Mapping[str, Callable[[str], str]]] = {
    "name": checks.line,
    "email": _email,
    "legal_entity_id": _code,
    "external_id": identifier(checks.external_id),
    "phone": identifier(checks.phone),
    "website": checks.website,
    "billing_email": _email,
    "tax_id": identifier(checks.tax_id),
    "notes": lambda v: checks.text(v, limit=20_000, lines=True),
    "customer_type": lru_cache(maxsize=64)(_customer_type),
    "payment_terms": _code,
    "currency_code": lru_cache(maxsize=512)(lambda v: checks.currency(v.strip())),
    "tax_code": _code,
    "revenue_account": _code,
    "metadata": _metadata,
}


def _of_few(name: str) -> Callable[[str], str]:
    """A field of few values in many rows, cleaned and checked at once, and remembered."""
    clean, check = CLEANERS[name], CHECKS[name]
    return lru_cache(maxsize=512)(lambda cell: check(clean(cell)))


_OF_FEW: Final = {name: _of_few(name) for name in ("currency_code", "customer_type")}


def _name_by_person(row: Checked) -> None:
    """Of shops and small ledgers a customer without a company is the person."""
    for contact in row.related.lists.get("contacts", ())[:1] if row.related else ():
        row.values["name"] = str(contact["name"])
        row.warn("NAME_OF_CONTACT")


class RowChecker:
    """Judges the rows of one import. `columns`: the field of each column, from `import_columns.resolve`."""

    def __init__(
        self, header: Sequence[str], columns: Sequence[str | None], source: str, entity: str, known: Known
    ) -> None:
        self._header = header
        self._shape = Shape(header, columns, exported=source not in PLAIN)
        self._report = is_report(header)
        self._entity = entity
        self._known = known
        self._exported = source not in PLAIN
        self._persons_too = source in ("legacy_erp", "partner_feed")
        self._plain = [
            (i, f, _OF_FEW[f], None)
            if f in _OF_FEW
            else (i, f, CHECKS[f], one_company if header[i].strip() in _COMPANIES else CLEANERS.get(f))
            for i, f in enumerate(columns)
            if f is not None and f in CHECKS and f not in JOINED
        ]
        self._limits = [i for i, f in enumerate(columns) if f == "credit_limit"]
        rest = [
            (i, f, address_of if f == "contact.email" else CLEANERS.get(f.partition(".")[2]))
            for i, f in enumerate(columns)
            if f and (f not in PLAIN_FIELDS or f in JOINED)
        ]
        related = RelatedColumns(header, rest, source, notes=CHECKS["notes"], metadata=_metadata)
        self._related = related if related else None

    def judge_cells(self, cells: Sequence[str]) -> Checked:
        """A row of a table."""
        row = Checked()
        if len(cells) != self._shape.usual:
            cells = self._shape.fitted(cells)
            if (miscounted := self._shape.miscounted(cells)) is not None:
                row.faults.append(miscounted)
                return row
        if self._shape.beyond:
            row.warn("COLUMN_COUNT")
        whole = "".join(cells)  # what stands nowhere in the row is looked for in no cell
        if "'" in whole:
            if self._report:
                cells = [undone(cell) for cell in cells]
            if self._exported:
                cells = [cell[1:] if cell[:1] == "'" and cell[1:2] in _GUARDED else cell for cell in cells]
        if ("=" in whole or "#" in whole) and any(cell[:1] in ("=", "#") for cell in cells):
            cells = self._shape.as_meant(row, cells)
        values = row.values
        for i, name, check, clean in self._plain:
            cell = cells[i]
            if not cell or name in values or (cell in NOTHING and (name != "name" or cell in NOBODY)):
                continue
            try:
                if clean is not None:
                    cell = clean(cell)
                if not cell or cell.isspace():
                    continue
                values[name] = check(cell)
            except PydanticCustomError as wrong:
                if doubtful_phone(name, cell) or (self._exported and name == "website"):
                    row.warn(code_of(wrong.type))
                else:
                    row.faults.append(RowFault.of(name, self._header[i], i + 1, wrong))
        self._read_limit(row, cells)
        if self._related is not None:
            self._related.fill(row, cells)
        if self._persons_too and "name" not in values:
            _name_by_person(row)
        return self._judged(row, cells)

    def _read_limit(self, row: Checked, cells: Sequence[str]) -> None:
        """The credit limit, read behind the other columns, which say in which currency it is: the first that is given."""
        for i in self._limits:
            if cells[i] and not cells[i].isspace() and row.credit_limit is None and cells[i].strip() not in NOTHING:
                functional = self._known.entities.get(row.values.get("legal_entity_id", self._entity))
                try:
                    row.credit_limit = _credit_limit(
                        cells[i], self._exported, row.values.get("currency_code"), functional
                    )
                except PydanticCustomError as wrong:
                    row.faults.append(RowFault.of("credit_limit", self._header[i], i + 1, wrong))

    def judge_object(self, given: object) -> Checked:
        """A row of NDJSON: flat fields, or anything that `POST /v1/customers` takes."""
        row = Checked()
        if not isinstance(given, dict):
            row.faults.append(
                RowFault(None, None, 1, "ROW_UNREADABLE", "A row is a JSON object that names each member once.")
            )
            return row
        for name, value in given.items():
            try:
                self._read_member(row, name, value, given)
            except PydanticCustomError as wrong:
                row.faults.append(RowFault.of(name, name, None, wrong))
        if not row.faults and any(given.get(name) for name in LISTS):
            lists_of(row, given, self._entity, self._known.dimensions)
        return self._judged(row, None)

    def _read_member(self, row: Checked, name: str, value: object, given: Mapping[str, object]) -> None:
        if name not in PLAIN_FIELDS:
            if name not in LISTS:
                detail = "A customer has no such field."
                row.faults.append(RowFault(name[:100], name[:100], None, "FIELD_UNKNOWN", detail))
        elif value is None:
            return
        elif name == "metadata":
            row.values[name] = _metadata(value if isinstance(value, dict) else "")
        elif name == "credit_limit":
            currency = given.get("currency_code")
            # A number is one number; a text was written by somebody.
            text = isinstance(value, str) and plain_amount(value, currency if isinstance(currency, str) else None)
            row.credit_limit = checks.credit_limit(text or value)
        elif not isinstance(value, str):
            raise checks.invalid("FIELD_TYPE", "A text.")
        else:
            row.values[name] = CHECKS[name](value)

    def _place(self, cells: Sequence[str] | None, name: str) -> tuple[str | None, int | None]:
        """The column that filled the field; the first that could have. An object's member (no cells) has its own name."""
        if cells is None:
            return name, None
        own = [i for i, f, _, _ in self._plain if f == name]
        at = next((i for i in own if cells[i].strip()), next(iter(own), None))
        return (None, None) if at is None else (self._header[at], at + 1)

    def _judged(self, row: Checked, cells: Sequence[str] | None) -> Checked:
        """Required fields, foreign keys, warnings; the keys by which customers are compared."""
        values, faults = row.values, row.faults

        def wrong(name: str, code: str, detail: str) -> None:
            faults.append(RowFault(name, *self._place(cells, name), code, detail))

        for name in ("name", "email"):
            if name not in values and not any(f.field == name for f in faults):
                wrong(name, "FIELD_REQUIRED", "Required.")
        entity = values.setdefault("legal_entity_id", self._entity)
        if entity not in self._known.entities:
            detail = "There is no such legal entity, or your token does not cover it."
            wrong("legal_entity_id", "ENTITY_UNKNOWN", detail)
        if (said := values.get("payment_terms")) is not None:
            terms = terms_among(said, self._known.terms)
            if terms is None:
                wrong("payment_terms", "PAYMENT_TERMS_UNKNOWN", unknown_terms(said))
            else:
                values["payment_terms"] = terms
        account = values.get("revenue_account")
        if account is not None and account not in self._known.accounts:
            wrong("revenue_account", "ACCOUNT_UNKNOWN", "There is no such revenue account.")
        if faults:
            return row
        if row.credit_limit is not None and row.credit_limit > checks.LARGE_CREDIT_LIMIT:
            row.warnings.append("CREDIT_LIMIT_LARGE")
        tax = values.get("tax_id")
        row.keys = (name_key(values["name"]), email_key(values["email"]), tax_id_key(tax) if tax else None)
        return row


assert {*CHECKS, "credit_limit"} == set(PLAIN_FIELDS)
