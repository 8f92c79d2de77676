"""What a row changes of a customer that is there: its fields, and its related records by what names them in life.

An address is named by its type, a contact by its e-mail or else its name, a tax profile by its code (and its first day), a price
by item, currency, quantity and first day, a dimension by its type, whom it pays for by that customer and the first day. A record
that the customer has is changed, another is added; none is taken away. Where two of the customer's answer to the name nobody can
tell which is meant: RELATED_AMBIGUOUS.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from typing import Final, TypeVar

from pydantic import BaseModel, JsonValue, ValidationError

from models.answers import JsonObject, read_row
from models.customers.bodies import Address, Contact, Dimension, PaysFor, PricingTier, TaxProfile
from models.customers.diff import Diff, Difference, diff_of_related, related_json
from models.customers.record import check_related
from models.customers.records import RELATED, RelatedRecords, names
from models.errors import Refusal
from models.imports.checked import Related, code_of
from models.keys import email_key, name_key
from models.money import plain_text

T = TypeVar("T")
Item = dict[str, JsonValue]
"""A related record as JSON: what a row says of one may lack fields that the record has."""
AMBIGUOUS: Final = "RELATED_AMBIGUOUS"
_MODELS: Final[Mapping[str, type[BaseModel]]] = {
    "addresses": Address, "contacts": Contact, "pricing_tiers": PricingTier, "tax_profiles": TaxProfile, "dimensions": Dimension,
    "pays_for": PaysFor,
}  # fmt: skip
_PLACE: Final = ("lines", "city", "country")


@dataclass(frozen=True, slots=True, kw_only=True)
class Updatable:
    """The fields that an import may change of a customer; of the external id no more than to give one that has none its
    first. It moves no customer to another legal entity. The credit limit is a decimal as text."""

    external_id: str | None
    name: str
    email: str
    tax_id: str | None
    phone: str | None
    website: str | None
    billing_email: str | None
    notes: str | None
    customer_type: str | None
    credit_limit: str | None
    payment_terms: str | None
    currency_code: str | None
    tax_code: str | None
    revenue_account: str | None
    metadata: JsonObject | None


UPDATABLE: Final = tuple(f.name for f in fields(Updatable))


@dataclass(frozen=True, slots=True, kw_only=True)
class MetCustomer(Updatable):
    """A customer as rows compare with it."""

    id: str
    legal_entity_id: str
    version: int
    name_key: str
    email_key: str
    tax_id_key: str | None

    @property
    def meets_by(self) -> tuple[str | None, ...]:
        """By what rows meet it."""
        return self.email_key, self.tax_id_key, self.external_id


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedRow(Updatable):
    """What a row would change its customer to; null where it says nothing."""

    row_no: int
    name_key: str
    email_key: str
    tax_id_key: str | None
    related: Related | None


@dataclass(frozen=True, slots=True)
class Update:
    """What becomes of a customer: itself and its related records afterwards, the paths that differ; or why nothing does."""

    customer: MetCustomer
    related: RelatedRecords
    diff: Diff
    refused: str | None = None


def update_of(now: MetCustomer, has: RelatedRecords, wanted: WantedRow) -> Update:
    """The customer `now` (that `has` these related records) after a row that asks for `wanted`; what is null is left alone."""
    if now.external_id is not None and wanted.external_id not in (None, now.external_id):
        return Update(now, has, [], "EXTERNAL_ID_CONFLICT")
    related = wanted.related or Related()
    metadata = wanted.metadata
    if related.metadata_keys and metadata is not None:
        metadata = {**(now.metadata or {}), **metadata}
    made = merged(has, related, _given(wanted.currency_code, now.currency_code))
    if made.refused:
        return Update(now, has, [], made.refused)
    after = replace(
        now,
        external_id=_given(wanted.external_id, now.external_id),
        name=wanted.name,
        email=wanted.email,
        tax_id=_given(wanted.tax_id, now.tax_id),
        phone=_given(wanted.phone, now.phone),
        website=_given(wanted.website, now.website),
        billing_email=_given(wanted.billing_email, now.billing_email),
        notes=_given(wanted.notes, now.notes),
        customer_type=_given(wanted.customer_type, now.customer_type),
        credit_limit=_given(wanted.credit_limit, now.credit_limit),
        payment_terms=_given(wanted.payment_terms, now.payment_terms),
        currency_code=_given(wanted.currency_code, now.currency_code),
        tax_code=_given(wanted.tax_code, now.tax_code),
        revenue_account=_given(wanted.revenue_account, now.revenue_account),
        metadata=_given(metadata, now.metadata),
        name_key=wanted.name_key,
        email_key=wanted.email_key,
        tax_id_key=_given(wanted.tax_id_key, now.tax_id_key),
    )
    changed = [
        Difference(path=f"/{name}", before=before, after=said)
        for (name, before), said in zip(_shown(now).items(), _shown(after).values(), strict=True)
        if said != before
    ]
    return Update(after, made.related, [*changed, *diff_of_related(has, made.related)])


def _given(said: T | None, now: T | None) -> T | None:
    """What the row says, where it says anything."""
    return now if said is None else said


def _shown(customer: MetCustomer) -> JsonObject:
    """The customer's fields as a diff compares them: the credit limit by its value, not by its spelling."""
    shown = {name: getattr(customer, name) for name in UPDATABLE}
    if customer.credit_limit is not None:
        shown["credit_limit"] = plain_text(Decimal(customer.credit_limit))
    return shown


@dataclass(frozen=True, slots=True)
class Merged:
    """The customer's related records after the row; or the code of why the row cannot be carried out."""

    related: RelatedRecords
    refused: str | None = None


class _Doubt(Exception):
    """Two records answer to one name."""


def merged(has: RelatedRecords, related: Related, currency: str | None) -> Merged:
    """The related records of a customer (whose currency is given) after a row that says `related`."""
    before, after = related_json(has), related_json(has)
    try:
        for name in RELATED:
            _merge(name, before[name], after[name], related.lists.get(name, ()))
        for name, items in related.incomplete.items():
            for one in items:
                _complete(name, before[name], after[name], one)
        made = read_row(RelatedRecords, after)
        check_related(made, currency)
    except _Doubt:
        return Merged(has, AMBIGUOUS)
    except ValidationError as wrong:
        return Merged(has, code_of(wrong.errors(include_url=False, include_input=False)[0]["type"]))
    except Refusal as refusal:
        return Merged(has, refusal.errors[0].code if refusal.errors else refusal.code)
    return Merged(made)


def _merge(name: str, before: Mapping[str, Item], after: dict[str, Item], wanted: Sequence[JsonObject]) -> None:
    used: set[str] = set()
    for one in wanted:
        met = _met(name, before, one)
        if met is None:
            after[str(one["id"])] = {f: one.get(f) for f in names(RELATED[name])}
        elif met in used:
            raise _Doubt
        else:
            used.add(met)
            after[met] = _judged(name, _changed(name, before[met], one))


def _complete(name: str, before: Mapping[str, Item], after: dict[str, Item], one: JsonObject) -> None:
    """What a row says of a record without all that a new one needs: it changes one that is there, or nothing."""
    met = _met(name, before, one)
    if met is None:
        return
    was = before[met]
    if not one.get("named") and any(
        one.get(part) not in (None, was[part]) for part in ("city", "country") if part in was
    ):
        return  # of another place: an address is not made of two
    after[met] = _judged(name, _filled(name, was, one))


def _met(name: str, before: Mapping[str, Item], one: JsonObject) -> str | None:
    found = _ANSWERS[name](before, one)
    if len(found) > 1:
        same = [i for i in found if _says(name, before[i], one)]
        if len(same) != 1:
            raise _Doubt
        return same[0]
    return found[0] if found else None


def _says(name: str, was: Item, one: JsonObject) -> bool:
    """Whether the record says already what the row says."""
    return all(one.get(f) in (None, was.get(f)) for f in names(RELATED[name]))


def _changed(name: str, was: Item, one: JsonObject) -> Item:
    moves = name == "addresses" and any(one[part] != was[part] for part in _PLACE)
    # A region or postal code of the place that was left belongs to no other one.
    return {f: one.get(f) for f in names(RELATED[name])} if moves else _filled(name, was, one)


def _filled(name: str, was: Item, one: JsonObject) -> Item:
    """Empty cells change nothing."""
    return {f: was.get(f) if one.get(f) is None else one[f] for f in names(RELATED[name])}


def _judged(name: str, made: Item) -> Item:
    return _MODELS[name].model_validate(made).model_dump(mode="json")


def _same(*fields: str) -> Callable[[Mapping[str, Item], JsonObject], list[str]]:
    return lambda before, one: [i for i, was in before.items() if all(was.get(f) == one.get(f) for f in fields)]


def _contact(before: Mapping[str, Item], one: JsonObject) -> list[str]:
    email, name = one.get("email"), one.get("name")
    key = email_key(str(email)) if email else None
    by_email = [i for i, c in before.items() if key and c["email"] and email_key(str(c["email"])) == key]
    if by_email or not name:
        return by_email
    # An e-mail tells two people of one name apart.
    called = name_key(str(name))
    return [i for i, c in before.items() if name_key(str(c["name"])) == called and not (email and c["email"])]


def _tax_profile(before: Mapping[str, Item], one: JsonObject) -> list[str]:
    code, since = one.get("tax_code"), one.get("effective_from")
    own = [i for i, p in before.items() if code and p["tax_code"] == code]
    exact = [i for i in own if before[i]["effective_from"] == since]
    return exact or [i for i in own if since is None or before[i]["effective_from"] is None]


_ANSWERS: Final[Mapping[str, Callable[[Mapping[str, Item], JsonObject], list[str]]]] = {
    "addresses": _same("type"),
    "contacts": _contact,
    "pricing_tiers": _same("item", "currency_code", "min_quantity", "effective_from"),
    "tax_profiles": _tax_profile,
    "dimensions": _same("type"),
    "pays_for": _same("customer_id", "valid_from"),
}
