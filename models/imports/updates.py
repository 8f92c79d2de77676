"""What a row changes of a customer that is there: its fields, and its related records by what names them in life.

An address is named by its type, a contact by its e-mail or else its name, a tax profile by its code (and its first day), a price
by item, currency, quantity and first day, a dimension by its type. A record that the customer has is changed, another is
added; none is taken away. Where two of the customer's answer to the name nobody can tell which is meant: RELATED_AMBIGUOUS.
"""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from models.checks import decimal_text
from models.customers.bodies import Address, Contact, Dimension, PricingTier, TaxProfile
from models.customers.diff import Diff, diff
from models.customers.record import LISTS, check
from models.errors import Refusal
from models.imports.checked import code_of
from models.keys import email_key, name_key

Item = Mapping[str, Any]
Lists = dict[str, dict[str, dict[str, Any]]]
"""The related records of a customer: list → id → fields."""

UPDATABLE: Final = (
    "external_id", "name", "email", "tax_id", "phone", "website", "billing_email", "notes", "customer_type", "credit_limit",
    "payment_terms", "currency_code", "tax_code", "revenue_account", "metadata",
)  # fmt: skip
"""The fields that an import may change of a customer; of the external id no more than to give one that has none its first.
It moves no customer to another legal entity."""
AMBIGUOUS: Final = "RELATED_AMBIGUOUS"
_MODELS: Final[Mapping[str, type[BaseModel]]] = {
    "addresses": Address, "contacts": Contact, "pricing_tiers": PricingTier, "tax_profiles": TaxProfile, "dimensions": Dimension,
}  # fmt: skip
_PLACE: Final = ("lines", "city", "country")


@dataclass(frozen=True)
class Update:
    """What becomes of a customer: its fields, its related records, the paths that differ; or why nothing does."""

    fields: dict[str, Any]
    lists: Lists
    diff: Diff
    refused: str | None = None


def update_of(now: Mapping[str, Any], lists: Lists, wanted: Mapping[str, Any]) -> Update:
    """The customer `now` (with its related records `lists`) after a row that asks for `wanted`; what is null is left alone."""
    fields = {f: wanted[f] for f in UPDATABLE if wanted[f] is not None}
    if now["external_id"] is not None and fields.get("external_id", now["external_id"]) != now["external_id"]:
        return Update({}, lists, [], "EXTERNAL_ID_CONFLICT")
    related = wanted["related"] or {}
    if related.get("metadata_keys") and "metadata" in fields:
        fields["metadata"] = (now["metadata"] or {}) | fields["metadata"]
    made = merged(lists, related, fields.get("currency_code", now["currency_code"]))
    if made.refused:
        return Update({}, lists, [], made.refused)
    changed = [
        {"path": f"/{f}", "before": _shown(f, now[f]), "after": _shown(f, v)}
        for f, v in fields.items()
        if _shown(f, v) != _shown(f, now[f])
    ]
    return Update(fields, made.lists, [*changed, *diff(lists, made.lists)])


def _shown(name: str, value: Any) -> Any:
    """The credit limit by its value, not by its spelling; the others as they are."""
    return decimal_text(Decimal(value)) if name == "credit_limit" and value is not None else value


@dataclass(frozen=True)
class Merged:
    """The customer's related records after the row; or the code of why the row cannot be carried out."""

    lists: Lists
    refused: str | None = None


class _Doubt(Exception):
    """Two records answer to one name."""


def merged(before: Lists, related: Mapping[str, Any], currency: str | None) -> Merged:
    """The related records of a customer (whose currency is given) after a row that says `related`."""
    after = deepcopy(before)
    try:
        for name in LISTS:
            _merge(name, before.get(name, {}), after.setdefault(name, {}), related.get(name, ()))
        for name, items in related.get("incomplete", {}).items():
            for one in items:
                _complete(name, before.get(name, {}), after[name], one)
        check(after | {"currency_code": currency})
    except _Doubt:
        return Merged(before, AMBIGUOUS)
    except ValidationError as wrong:
        return Merged(before, code_of(wrong.errors(include_url=False, include_input=False)[0]["type"]))
    except Refusal as refusal:
        return Merged(before, refusal.errors[0].code if refusal.errors else refusal.code)
    return Merged(after)


def _merge(name: str, before: Mapping[str, Item], after: dict[str, dict[str, Any]], wanted: Sequence[Item]) -> None:
    used: set[str] = set()
    for one in wanted:
        met = _met(name, before, one)
        if met is None:
            after[one["id"]] = {f: one.get(f) for f in LISTS[name][1]}
        elif met in used:
            raise _Doubt
        else:
            used.add(met)
            after[met] = _judged(name, _changed(name, before[met], one))


def _complete(name: str, before: Mapping[str, Item], after: dict[str, dict[str, Any]], one: Item) -> None:
    """What a row says of a record without all that a new one needs: it changes one that is there, or nothing."""
    met = _met(name, before, one)
    if met is None:
        return
    was = before[met]
    if not one.get("named") and any(
        one.get(part) not in (None, was[part]) for part in ("city", "country") if part in was
    ):
        return  # of another place: an address is not made of two
    after[met] = _judged(name, _given(name, was, one))


def _met(name: str, before: Mapping[str, Item], one: Item) -> str | None:
    found = _ANSWERS[name](before, one)
    if len(found) > 1:
        same = [i for i in found if _says(name, before[i], one)]
        if len(same) != 1:
            raise _Doubt
        return same[0]
    return found[0] if found else None


def _says(name: str, was: Item, one: Item) -> bool:
    """Whether the record says already what the row says."""
    return all(one.get(f) in (None, was.get(f)) for f in LISTS[name][1])


def _changed(name: str, was: Item, one: Item) -> dict[str, Any]:
    moves = name == "addresses" and any(one[part] != was[part] for part in _PLACE)
    # A region or postal code of the place that was left belongs to no other one.
    return {f: one.get(f) for f in LISTS[name][1]} if moves else _given(name, was, one)


def _given(name: str, was: Item, one: Item) -> dict[str, Any]:
    """Empty cells change nothing."""
    return {f: was.get(f) if one.get(f) is None else one[f] for f in LISTS[name][1]}


def _judged(name: str, made: dict[str, Any]) -> dict[str, Any]:
    return _MODELS[name].model_validate(made).model_dump(mode="json")


def _same(*fields: str) -> Callable[[Mapping[str, Item], Item], list[str]]:
    return lambda before, one: [i for i, was in before.items() if all(was.get(f) == one.get(f) for f in fields)]


def _contact(before: Mapping[str, Item], one: Item) -> list[str]:
    email, name = one.get("email"), one.get("name")
    by_email = [i for i, c in before.items() if email and c["email"] and email_key(c["email"]) == email_key(email)]
    if by_email or not name:
        return by_email
    # An e-mail tells two people of one name apart.
    return [i for i, c in before.items() if name_key(c["name"]) == name_key(name) and not (email and c["email"])]


def _tax_profile(before: Mapping[str, Item], one: Item) -> list[str]:
    code, since = one.get("tax_code"), one.get("effective_from")
    own = [i for i, p in before.items() if code and p["tax_code"] == code]
    exact = [i for i in own if before[i]["effective_from"] == since]
    return exact or [i for i in own if since is None or before[i]["effective_from"] is None]


_ANSWERS: Final[Mapping[str, Callable[[Mapping[str, Item], Item], list[str]]]] = {
    "addresses": _same("type"),
    "contacts": _contact,
    "pricing_tiers": _same("item", "currency_code", "min_quantity", "effective_from"),
    "tax_profiles": _tax_profile,
    "dimensions": _same("type"),
}
