"""What a customer's record names must exist: entities, payment terms, accounts, dimensions. And who has such a name."""

from collections.abc import Callable
from typing import Any, Final

from rapidfuzz import fuzz, process

from models.customers.record import Record
from models.db.customers import records as customers
from models.db.tx import Tx
from models.errors import FieldError, Refusal
from models.keys import company_key

SIMILAR_SCORE: Final = 90
_BLOCK: Final = 4  # letters of the name's beginning that candidates share


def check_references(tx: Tx, before: Record | None, after: Record) -> None:
    """Refuse unknown references that the change brings in: LEGAL_ENTITY_NOT_FOUND, then the others as 422."""
    old = before or {}
    entities = {after["legal_entity_id"], *after["entity_overrides"]}
    known = {
        r["id"]
        for r in tx.all("SELECT id FROM legal_entities WHERE org_id = :org AND id = ANY(:ids)", ids=sorted(entities))
    }
    for missing in sorted(entities - known):
        raise Refusal(
            "LEGAL_ENTITY_NOT_FOUND", f"There is no legal entity {missing}.", errors=_entity_errors(after, missing)
        )
    errors = [
        *_unknown(old, after, "payment_terms", "PAYMENT_TERMS_UNKNOWN", lambda code: _terms(tx, code)),
        *_unknown(old, after, "revenue_account", "ACCOUNT_UNKNOWN", lambda key: _revenue(tx, key)),
        *_dimensions(tx, old, after),
    ]
    if errors:
        raise Refusal(errors[0].code, errors[0].detail, errors=errors)


def _entity_errors(after: Record, missing: str) -> list[FieldError]:
    loc = "/legal_entity_id" if after["legal_entity_id"] == missing else "/entity_overrides"
    return [FieldError(loc, "ENTITY_UNKNOWN", "There is no such legal entity.")]


def _terms(tx: Tx, code: str) -> bool:
    return tx.scalar("SELECT 1 FROM payment_terms WHERE org_id = :org AND code = :code", code=code) is not None


def _revenue(tx: Tx, key: str) -> bool:
    sql = "SELECT 1 FROM accounts WHERE org_id = :org AND key = :key AND kind = 'revenue'"
    return tx.scalar(sql, key=key) is not None


def _unknown(
    old: dict[str, Any], after: Record, field: str, code: str, exists: Callable[[str], bool]
) -> list[FieldError]:
    """The places that newly name something which does not exist."""
    old_overrides = old.get("entity_overrides", {})
    named = [(f"/{field}", after[field], old.get(field))]
    named += [
        (f"/entity_overrides/{e}/{field}", o.get(field), old_overrides.get(e, {}).get(field))
        for e, o in after["entity_overrides"].items()
    ]
    noun = field.replace("_", " ")
    return [
        FieldError(loc, code, f"There is no {noun} {value}.")
        for loc, value, was in named
        if value is not None and value != was and not exists(value)
    ]


def _dimensions(tx: Tx, old: dict[str, Any], after: Record) -> list[FieldError]:
    new = {i: d for i, d in after["dimensions"].items() if old.get("dimensions", {}).get(i) != d}
    if not new:
        return []
    sql = "SELECT type, code FROM dimensions WHERE org_id = :org AND type = ANY(:types)"
    known = {(r["type"], r["code"]) for r in tx.all(sql, types=sorted({d["type"] for d in new.values()}))}
    return [
        FieldError("/dimensions", "DIMENSION_UNKNOWN", f"There is no {d['type']} {d['code']}.")
        for d in new.values()
        if (d["type"], d["code"]) not in known
    ]


def similar_customer(tx: Tx, name: str, but_not: str) -> str | None:
    """The customer whose name is most like this one, legal forms aside; None where no name is much alike."""
    key = company_key(name)
    if len(key) < 3:
        return None
    candidates = {
        r["id"]: company_key(r["name_key"]) for r in customers.similar_names(tx, key[:_BLOCK]) if r["id"] != but_not
    }
    best = process.extractOne(key, candidates, scorer=fuzz.token_sort_ratio, score_cutoff=SIMILAR_SCORE)
    return None if best is None else str(best[2])
