"""Which column of a file is which field of a customer: the names that each source uses, and the caller's mapping.

The plain formats (csv, xlsx, ndjson) use the field names of `POST /v1/customers` and refuse unknown columns. Exports of
CRM and ERP systems carry many columns that are none of ours: those are left out.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from models.imports.files import Unreadable
from models.imports.presets import PRESETS, normal
from models.imports.report import REPORT_COLUMNS, is_report

PLAIN_FIELDS: Final = (
    "name", "email", "legal_entity_id", "external_id", "phone", "website", "billing_email", "tax_id", "notes",
    "customer_type", "credit_limit", "payment_terms", "currency_code", "tax_code", "revenue_account", "metadata",
)  # fmt: skip
_ADDRESS: Final = ("lines", "city", "region", "postal_code", "country")
RELATED_FIELDS: Final = (
    *(f"{kind}_address.{part}" for kind in ("billing", "shipping") for part in _ADDRESS),
    "contact.name", "contact.email", "contact.phone", "contact.role",
    "tax_profile.tax_code", "tax_profile.certificate_number", "tax_profile.certificate_expires_on",
    "tax_profile.effective_from", "tax_profile.effective_to",
)  # fmt: skip
FIELDS: Final = frozenset((*PLAIN_FIELDS, *RELATED_FIELDS))
"""What a column may be mapped to; and `metadata.<key>`."""
JOINED: Final = frozenset({"contact.name", "billing_address.lines", "shipping_address.lines", "notes"})
"""Fields that several columns may fill together; of others, the first column that is not empty counts."""
COLUMN_LIMIT: Final = 2000
_BY_NORMAL: Final = {normal(field): field for field in sorted(FIELDS)}
_NUMBERED: Final = frozenset({"customer", "kunde", "debitor"})
"""Columns of a customer's number beside one of its first name line (SAP); elsewhere "Customer" is a name."""
METADATA_KEY: Final = re.compile(r"metadata\.[^.\x00-\x1f\x7f]{1,64}")


PLAIN: Final = frozenset({"csv", "xlsx", "ndjson"})


def resolve(
    header: Sequence[str], source: str, mapping: Mapping[str, str | None] | None, line: int = 1
) -> list[str | None]:
    """The field of each column, None for those left out.

    Raises COLUMN_DUPLICATE, COLUMN_UNKNOWN, COLUMN_MISSING, TOO_MANY_COLUMNS, MAPPING_INVALID with line and column.
    """
    given = {normal(name): field for name, field in (mapping or {}).items()}
    check_mapping(mapping)
    if len(header) > COLUMN_LIMIT:
        raise Unreadable("TOO_MANY_COLUMNS", f"The header has {len(header)} columns.", line, COLUMN_LIMIT + 1)
    seen: dict[str, int] = {}
    own = len(REPORT_COLUMNS) if is_report(header) else 0
    fields: list[str | None] = [None] * own
    for number, raw in enumerate(header[own:], own + 1):
        name = raw.strip()
        if not name:  # no column, as long as no row says anything in it
            fields.append(None)
            continue
        key = normal(name)
        field = given[key] if key in given else _known(name, source)
        if field is None and key not in given and source in PLAIN:
            detail = f"Column {number}, {name[:60]!r}, is no field of a customer: map it, or leave it out.{_hint(key)}"
            raise Unreadable("COLUMN_UNKNOWN", detail, line, number)
        # Of an export only the columns that count may not repeat.
        if key in seen and (field is not None or source in PLAIN):
            raise Unreadable(
                "COLUMN_DUPLICATE", f"Column {number} has the same name as column {seen[key]}.", line, number
            )
        seen.setdefault(key, number)
        fields.append(field)
    if missing := sorted(set(given) - set(seen)):
        raise Unreadable(
            "MAPPING_INVALID",
            f"The mapping names columns that the file does not have: {', '.join(missing)[:200]}.",
            line,
        )
    _complete(fields, source, line)
    return _numbered(header, fields, given) if source not in PLAIN else fields


def names_customers(header: Sequence[str], source: str, mapping: Mapping[str, str | None] | None) -> bool:
    """Whether a row of a file names columns of customers: the one that no file does without, and another."""
    given = {normal(name): field for name, field in (mapping or {}).items()}
    names = {name.strip() for name in header if name.strip()}
    found = {given[key] if (key := normal(name)) in given else _known(name, source) for name in names} - {None}
    return {"name", "email"} <= found if source in PLAIN else "name" in found and len(found) > 1


def _numbered(header: Sequence[str], fields: Sequence[str | None], given: Mapping[str, str | None]) -> list[str | None]:
    keys = [normal(name) for name in header]
    if "name1" not in keys:
        return list(fields)
    return [
        "external_id" if key in _NUMBERED and key not in given else field
        for key, field in zip(keys, fields, strict=True)
    ]


def _hint(key: str) -> str:
    """What the exports of other systems agree that such a column is."""
    meant = {known[key] for known in PRESETS.values() if key in known}
    return f" It may be {meant.pop()}." if len(meant) == 1 else ""


def nameless(header: Sequence[str], source: str) -> list[int]:
    """The columns (from 0) of a plain file that have no name: they must be empty in every row."""
    return [n for n, raw in enumerate(header) if not raw.strip()] if source in PLAIN else []


def check_mapping(mapping: Mapping[str, str | None] | None) -> None:
    """Refuse a mapping to a field that no customer has, or two columns to one plain field: MAPPING_INVALID."""
    targets = [f for f in (mapping or {}).values() if f is not None]
    for field in targets:
        if field not in FIELDS and not METADATA_KEY.fullmatch(field):
            raise Unreadable("MAPPING_INVALID", f"{field[:60]!r} is no field of a customer.")
    twice = sorted({f for f in targets if targets.count(f) > 1 and f not in JOINED})
    if twice:
        raise Unreadable("MAPPING_INVALID", f"Two columns are mapped to {', '.join(twice)}.")


def _known(name: str, source: str) -> str | None:
    if source in PLAIN:
        return _BY_NORMAL.get(normal(name)) or _own_key(name)
    if name.startswith("*") and normal(name) == "contactname":  # so Xero marks what it cannot do without
        return "name"
    found = PRESETS[source].get(normal(name))
    return found if found is not None else name if name in FIELDS else _own_key(name)


def _own_key(name: str) -> str | None:
    """A column `metadata.anything`; the key keeps its case."""
    noun, _, key = name.partition(".")
    field = f"{noun.casefold()}.{key}"
    return field if METADATA_KEY.fullmatch(field) else None


def _complete(fields: Sequence[str | None], source: str, line: int) -> None:
    plain = [f for f in fields if f is not None and f not in JOINED]
    if source in PLAIN and len(set(plain)) != len(plain):
        twice = next(f for f in plain if plain.count(f) > 1)
        raise Unreadable("COLUMN_DUPLICATE", f"Two columns are mapped to {twice}.", line)
    # Of an export the rows without an e-mail are rows to complete, and be it all of them.
    for needed in ("name", "email") if source in PLAIN else ("name",):
        if needed not in fields:
            raise Unreadable("COLUMN_MISSING", f"No column is the customer's {needed}.", line, 1)
