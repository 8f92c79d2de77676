"""One row of an import, judged: the customer it would make, or every fault of it with its column.

The rules are those of `POST /v1/customers` (models.checks, models.customers.bodies), so that an import can make nothing that a
form could not. Levels of the seed: fields (types, lengths, formats), foreign keys (terms, accounts, entities; small
tables, handed in), business rules of one row. Duplicates need all rows and the master: they are found set-based.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from models import checks
from models.customers.bodies import Address, Contact, CustomerCreate, CustomerType, TaxProfile
from models.imports.cleaning import CLEANERS
from models.imports.columns import JOINED, PLAIN, PLAIN_FIELDS
from models.imports.report import is_report
from models.keys import email_key, name_key, tax_id_key
from models.spreadsheets import undone

_LOST_DIGITS: Final = re.compile(r"[+-]?[0-9](?:[.,][0-9]+)?[Ee]\+[0-9]{2,3}")
# A subset of what checks.email accepts (a property test holds that), at a fortieth of its cost.
_PLAIN_EMAIL: Final = re.compile(
    r"[a-z0-9](?:[a-z0-9_+-]{0,40})(?:\.[a-z0-9_+-]{1,20})?@(?:[a-z0-9](?:[a-z0-9]{0,40})\.){1,4}[a-z]{2,20}",
    re.IGNORECASE | re.ASCII,
)
_RELATED: Final[Mapping[str, tuple[str, Any, dict[str, str]]]] = {
    "billing_address": ("addresses", Address, {"type": "billing"}),
    "shipping_address": ("addresses", Address, {"type": "shipping"}),
    "contact": ("contacts", Contact, {}),
    "tax_profile": ("tax_profiles", TaxProfile, {}),
}
_LISTS: Final = ("addresses", "contacts", "pricing_tiers", "tax_profiles", "dimensions")
Fault = dict[str, Any]
"""`{"field", "column" (its name), "column_no" (from 1), "code", "detail"}`; never the value itself."""


@dataclass(frozen=True)
class Known:
    """What rows may refer to: codes of payment terms, keys of revenue accounts, legal entities, dimensions."""

    terms: frozenset[str]
    accounts: frozenset[str]
    entities: frozenset[str]
    dimensions: frozenset[tuple[str, str]] = frozenset()


@dataclass(slots=True)
class Checked:
    """A row after all checks that it can be given alone. `values` by field; meaningless where there are faults."""

    values: dict[str, Any] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    keys: tuple[str | None, str | None, str | None] = (None, None, None)


def _email(value: str) -> str:
    value = value.strip()
    return value if _PLAIN_EMAIL.fullmatch(value) else checks.email(value)


def _identifier(check: Callable[[str], str]) -> Callable[[str], str]:
    """For ids that spreadsheets like to turn into numbers: 1.23E+19 is no id any more."""

    def checked(value: str) -> str:
        if "+" in value and _LOST_DIGITS.fullmatch(value.strip()):
            raise checks.invalid(
                "FIELD_TYPE",
                "A spreadsheet has turned this into a number and lost its digits: format the column as text.",
            )
        return check(value)

    return checked


def _customer_type(value: str) -> str:
    if value.strip() not in CustomerType.__members__.values():
        raise checks.invalid("CUSTOMER_TYPE_INVALID", f"One of: {', '.join(CustomerType)}.")
    return value.strip()


def _metadata(value: str | dict[str, Any]) -> str:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise checks.invalid("FIELD_TYPE", "Metadata is a JSON object.") from None
    return json.dumps(checks.metadata(value), ensure_ascii=False)


@lru_cache(maxsize=4096)
def _credit_limit(value: str) -> Decimal:
    return checks.credit_limit(value)


_code = lru_cache(maxsize=4096)(checks.code)
CHECKS: Final[Mapping[str, Callable[[str], Any]]] = {
    "name": checks.name,
    "email": _email,
    "legal_entity_id": _code,
    "external_id": _identifier(lambda v: checks.text(v, limit=255)),
    "phone": _identifier(checks.phone),
    "website": checks.website,
    "billing_email": _email,
    "tax_id": _identifier(checks.tax_id),
    "notes": lambda v: checks.text(v, limit=20_000, lines=True),
    "customer_type": lru_cache(maxsize=64)(_customer_type),
    "credit_limit": _credit_limit,
    "payment_terms": _code,
    "currency_code": lru_cache(maxsize=512)(lambda v: checks.currency(v.strip())),
    "tax_code": _code,
    "revenue_account": _code,
    "metadata": _metadata,
}


class RowChecker:
    """Judges the rows of one import. `columns`: the field of each column, from `import_columns.resolve`."""

    def __init__(
        self, header: Sequence[str], columns: Sequence[str | None], source: str, entity: str, known: Known
    ) -> None:
        self._header = header
        self._width = len(columns)
        self._report = is_report(header)
        self._entity = entity
        self._known = known
        cleaners = {} if source in PLAIN else CLEANERS
        self._plain = [
            (i, f, CHECKS[f], cleaners.get(f))
            for i, f in enumerate(columns)
            if f is not None and f in CHECKS and f not in JOINED
        ]
        self._rest = [
            (i, f, cleaners.get(f.partition(".")[2]))
            for i, f in enumerate(columns)
            if f and (f not in CHECKS or f in JOINED)
        ]

    def cells(self, cells: Sequence[str]) -> Checked:
        """A row of a table."""
        row = Checked()
        if len(cells) != self._width:
            extra = len(cells) > self._width
            place = self._width + 1 if extra else len(cells) + 1
            row.faults.append(
                _fault(
                    None, None, place, "COLUMN_COUNT", f"The row has {len(cells)} columns, the header {self._width}."
                )
            )
            return row
        if self._report:
            cells = [undone(cell) for cell in cells]
        values = row.values
        for i, name, check, clean in self._plain:
            cell = cells[i]
            if not cell or name in values:
                continue
            try:
                if clean is not None:
                    cell = clean(cell)
                if cell and not cell.isspace():
                    values[name] = check(cell)
            except PydanticCustomError as wrong:
                row.faults.append(_fault(name, self._header[i], i + 1, wrong.type, wrong.message()))
        if self._rest:
            self._more(row, cells)
        return self._judged(row, self._place)

    def object(self, given: Any) -> Checked:
        """A row of NDJSON: flat fields, or anything that `POST /v1/customers` takes."""
        row = Checked()
        if not isinstance(given, dict):
            row.faults.append(_fault(None, None, 1, "ROW_UNREADABLE", "A row is a JSON object."))
            return row
        for name, value in given.items():
            try:
                if name in CHECKS:
                    if value is not None:
                        row.values[name] = _typed(name, value)
                elif name not in _LISTS:
                    row.faults.append(
                        _fault(name[:100], name[:100], None, "FIELD_UNKNOWN", "A customer has no such field.")
                    )
            except PydanticCustomError as wrong:
                row.faults.append(_fault(name, name, None, wrong.type, wrong.message()))
        if not row.faults and any(given.get(name) for name in _LISTS):
            self._lists(row, given)
        return self._judged(row, lambda name: (name, None))

    def _place(self, name: str) -> tuple[str | None, int | None]:
        for i, f, _, _ in self._plain:
            if f == name:
                return self._header[i], i + 1
        return None, None

    def _judged(self, row: Checked, place: Callable[[str], tuple[str | None, int | None]]) -> Checked:
        """Required fields, foreign keys, warnings; the keys by which customers are compared."""
        values, faults = row.values, row.faults

        def fault(name: str, code: str, detail: str) -> None:
            faults.append(_fault(name, *place(name), code, detail))

        for name in ("name", "email"):
            if name not in values and not any(f["field"] == name for f in faults):
                fault(name, "FIELD_REQUIRED", "Required.")
        entity = values.setdefault("legal_entity_id", self._entity)
        if entity not in self._known.entities:
            fault(
                "legal_entity_id", "ENTITY_UNKNOWN", "There is no such legal entity, or your token does not cover it."
            )
        terms = values.get("payment_terms")
        if terms is not None and terms not in self._known.terms:
            fault("payment_terms", "PAYMENT_TERMS_UNKNOWN", "There are no such payment terms.")
        account = values.get("revenue_account")
        if account is not None and account not in self._known.accounts:
            fault("revenue_account", "ACCOUNT_UNKNOWN", "There is no such revenue account.")
        if faults:
            return row
        limit = values.get("credit_limit")
        if limit is not None and limit > checks.LARGE_CREDIT_LIMIT:
            row.warnings.append("CREDIT_LIMIT_LARGE")
        tax = values.get("tax_id")
        row.keys = (name_key(values["name"]), email_key(values["email"]), tax_id_key(tax) if tax else None)
        return row

    def _more(self, row: Checked, cells: Sequence[str]) -> None:
        """Columns that fill a field together, related records and metadata keys."""
        parts: dict[str, dict[str, str]] = {}
        first: dict[str, int] = {}
        for i, name, clean in self._rest:
            text = (clean(cells[i]) if clean else cells[i]).strip()
            if not text:
                continue
            noun, _, part = name.partition(".")
            of = parts.setdefault(noun, {})
            first.setdefault(noun, i)
            if part in of and name in JOINED:
                of[part] += ("\n" if part == "lines" else " ") + text
            else:
                of.setdefault(part, text)
        for noun, of in parts.items():
            at = first[noun]
            try:
                self._related(row, noun, of)
            except PydanticCustomError as wrong:
                row.faults.append(_fault(noun, self._header[at], at + 1, wrong.type, wrong.message()))
            except ValidationError as wrong:
                row.faults += [
                    _fault(
                        f"{noun}.{e['loc'][0] if e['loc'] else ''}",
                        self._header[at],
                        at + 1,
                        _code_of(e["type"]),
                        e["msg"],
                    )
                    for e in wrong.errors(include_url=False, include_input=False)
                ]

    def _related(self, row: Checked, noun: str, of: dict[str, str]) -> None:
        if noun == "notes":
            row.values["notes"] = CHECKS["notes"](of[""])
        elif noun == "metadata":
            row.values["metadata"] = _metadata(dict(of))
        else:
            target, model, fixed = _RELATED[noun]
            given: dict[str, Any] = {**of, **fixed}
            if "lines" in given:
                given["lines"] = [line for text in given["lines"].split("\n") if (line := text.strip())]
            made = model.model_validate(given).model_dump(mode="json")
            row.values.setdefault("related", {}).setdefault(target, []).append(made)

    def _lists(self, row: Checked, given: Mapping[str, Any]) -> None:
        """Nested lists are checked as the whole body of a create would be."""
        try:
            whole = CustomerCreate.model_validate({"legal_entity_id": self._entity, **given})
        except ValidationError as wrong:
            row.faults += [
                _fault(
                    "/".join(map(str, e["loc"]))[:100],
                    str(e["loc"][0])[:100] if e["loc"] else None,
                    None,
                    _code_of(e["type"]),
                    e["msg"],
                )
                for e in wrong.errors(include_url=False, include_input=False)
            ]
            return
        made = whole.model_dump(mode="json")
        unknown = [d for d in made["dimensions"] if (d["type"], d["code"]) not in self._known.dimensions]
        row.faults += [
            _fault("dimensions", "dimensions", None, "DIMENSION_UNKNOWN", "There is no such dimension value.")
            for _ in unknown
        ]
        row.values["related"] = {name: made[name] for name in _LISTS if made[name]}


def _typed(name: str, value: Any) -> Any:
    if name == "metadata":
        return _metadata(value if isinstance(value, dict) else "")
    if name == "credit_limit":
        return checks.credit_limit(value)
    if not isinstance(value, str):
        raise checks.invalid("FIELD_TYPE", "A text.")
    return CHECKS[name](value)


def _code_of(kind: str) -> str:
    """Our own codes pass; pydantic's are put into the contract's words."""
    if kind.isupper():
        return kind
    return (
        "FIELD_REQUIRED"
        if kind == "missing"
        else "FIELD_LENGTH"
        if kind.startswith(("too_", "string_too"))
        else "FIELD_TYPE"
    )


def _fault(name: str | None, column: str | None, number: int | None, code: str, detail: str) -> Fault:
    return {"field": name, "column": column, "column_no": number, "code": code, "detail": detail}


assert set(CHECKS) == set(PLAIN_FIELDS)
