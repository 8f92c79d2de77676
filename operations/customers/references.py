"""What a customer's record names must exist: entities, payment terms, accounts, dimensions. And who has such a name."""

from collections.abc import Callable
from typing import Final, Literal

from rapidfuzz import fuzz, process

from models.customers.records import CustomerDetails, CustomerMaster, OverrideRecord
from models.db.customers import customers, references
from models.db.tx import Tx
from models.errors import FieldError, Refusal
from models.keys import company_key

SIMILAR_SCORE: Final = 90
_BLOCK: Final = 4  # letters of the name's beginning that candidates share


def check_references(tx: Tx, before: CustomerDetails | None, after: CustomerDetails) -> None:
    """Refuse unknown references that the change brings in: LEGAL_ENTITY_NOT_FOUND, then the others as 422."""
    entities = {after.legal_entity_id, *after.entity_overrides}
    for missing in sorted(entities - references.known_entities(tx, entities)):
        raise Refusal(
            "LEGAL_ENTITY_NOT_FOUND", f"There is no legal entity {missing}.", errors=_entity_errors(after, missing)
        )
    errors = [
        *_unknown(before, after, "payment_terms", "PAYMENT_TERMS_UNKNOWN", lambda code: references.has_terms(tx, code)),
        *_unknown(before, after, "revenue_account", "ACCOUNT_UNKNOWN", lambda k: references.has_revenue_account(tx, k)),
        *_unknown_dimensions(tx, before, after),
    ]
    if errors:
        raise Refusal(errors[0].code, errors[0].detail, errors=errors)


def _entity_errors(after: CustomerDetails, missing: str) -> list[FieldError]:
    loc = "/legal_entity_id" if after.legal_entity_id == missing else "/entity_overrides"
    return [FieldError(loc, "ENTITY_UNKNOWN", "There is no such legal entity.")]


Named = Literal["payment_terms", "revenue_account"]


def _unknown(
    before: CustomerDetails | None, after: CustomerDetails, field: Named, code: str, exists: Callable[[str], bool]
) -> list[FieldError]:
    """The places that newly name something which does not exist."""
    old = {} if before is None else before.entity_overrides
    named = [(f"/{field}", _value(after, field), _value(before, field))]
    named += [
        (f"/entity_overrides/{e}/{field}", _value(o, field), _value(old.get(e), field))
        for e, o in after.entity_overrides.items()
    ]
    noun = field.replace("_", " ")
    return [
        FieldError(loc, code, f"There is no {noun} {value}.")
        for loc, value, was in named
        if value is not None and value != was and not exists(value)
    ]


def _value(of: CustomerMaster | OverrideRecord | None, field: Named) -> str | None:
    if of is None:
        return None
    return of.payment_terms if field == "payment_terms" else of.revenue_account


def _unknown_dimensions(tx: Tx, before: CustomerDetails | None, after: CustomerDetails) -> list[FieldError]:
    old = {} if before is None else before.dimensions
    new = [d for i, d in after.dimensions.items() if old.get(i) != d]
    if not new:
        return []
    known = references.known_dimensions(tx, {d.type for d in new})
    return [
        FieldError("/dimensions", "DIMENSION_UNKNOWN", f"There is no {d.type} {d.code}.")
        for d in new
        if (d.type, d.code) not in known
    ]


def similar_customer(tx: Tx, name: str, but_not: str) -> str | None:
    """The customer whose name is most like this one, legal forms aside; None where no name is much alike."""
    key = company_key(name)
    if len(key) < 3:
        return None
    known = customers.similar_names(tx, key[:_BLOCK])
    candidates = {i: company_key(name_key) for i, name_key in known.items() if i != but_not}
    best = process.extractOne(key, candidates, scorer=fuzz.token_sort_ratio, score_cutoff=SIMILAR_SCORE)
    return None if best is None else str(best[2])
