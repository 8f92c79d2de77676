"""What a row of an import changes of the customer that it meets: what it says, and nothing else."""

from dataclasses import fields, replace
from typing import Any

import pytest

from models.answers import read_row
from models.customers.diff import Difference, related_json
from models.customers.records import RELATED, RelatedRecords, names
from models.imports.checked import Related
from models.imports.updates import AMBIGUOUS, UPDATABLE, MetCustomer, WantedRow, merged, update_of
from tests.imports.cells import ANN, HULL

TEXTS = {name: f"old {name}" for name in UPDATABLE if name not in ("metadata", "credit_limit")}
NOW = MetCustomer(
    **TEXTS, credit_limit="5000.00", metadata={"a": 1}, id="cust_1", legal_entity_id="le_us", version=3, name_key="nk",
    email_key="ek", tax_id_key="tk",
)  # fmt: skip
SILENT: dict[str, Any] = dict.fromkeys(UPDATABLE) | {"name": NOW.name, "email": NOW.email}
GOOLE = HULL | {"city": "Goole"}
TIER = {"item": "A", "price": "5", "min_quantity": "10"}
PROFILE = {"tax_code": "EX", "certificate_number": "C1"}


def has(**lists: list[dict[str, Any]]) -> RelatedRecords:
    return read_row(
        RelatedRecords, {name: {f"{name}_{n}": i for n, i in enumerate(items)} for name, items in lists.items()}
    )


def row(related: Related | None = None, **said: Any) -> WantedRow:
    given = SILENT | said
    return WantedRow(**given, row_no=1, name_key="nk2", email_key="ek2", tax_id_key=said.get("tax_id"), related=related)


def lists(related: RelatedRecords, name: str) -> list[dict[str, Any]]:
    """A list as texts, without what is empty."""
    return [{f: v for f, v in one.items() if v is not None} for one in related_json(related)[name].values()]


def full(of: str, /, **said: Any) -> dict[str, Any]:
    """A related record as a row says it: every field, and an id for a new one."""
    return dict.fromkeys(names(RELATED[of])) | said | {"id": "new_1"}


def test_a_row_that_says_nothing_leaves_everything_but_its_keys() -> None:
    found = update_of(NOW, has(contacts=[ANN]), row())
    assert (found.diff, found.refused, found.related) == ([], None, has(contacts=[ANN]))
    assert found.customer == replace(NOW, name_key="nk2", email_key="ek2")


@pytest.mark.parametrize("name", [n for n in UPDATABLE if n not in ("metadata", "external_id")])
def test_each_field_that_is_said_is_changed_and_shown(name: str) -> None:
    said = "6000" if name == "credit_limit" else f"new {name}"
    given: dict[str, Any] = {name: said}
    found = update_of(NOW, RelatedRecords(), row(**given))
    before = "5000" if name == "credit_limit" else getattr(NOW, name)
    assert found.diff == [Difference(path=f"/{name}", before=before, after=said)]
    changed = {f.name for f in fields(NOW) if getattr(NOW, f.name) != getattr(found.customer, f.name)}
    assert changed == {name, "name_key", "email_key", *({"tax_id_key"} if name == "tax_id" else ())}


def test_a_limit_is_compared_by_its_value_and_metadata_by_its_keys() -> None:
    assert update_of(NOW, RelatedRecords(), row(credit_limit="5000")).diff == []
    assert update_of(replace(NOW, credit_limit=None), RelatedRecords(), row(credit_limit="5000")).diff == [
        Difference(path="/credit_limit", before=None, after="5000")
    ]
    whole = update_of(NOW, RelatedRecords(), row(metadata={"b": 2}))
    assert whole.diff == [Difference(path="/metadata", before={"a": 1}, after={"b": 2})]
    keys = Related(metadata_keys=True)
    assert update_of(NOW, RelatedRecords(), row(keys, metadata={"b": 2})).customer.metadata == {"a": 1, "b": 2}
    assert update_of(NOW, RelatedRecords(), row(keys, metadata={"a": 2})).customer.metadata == {"a": 2}
    assert update_of(NOW, RelatedRecords(), row(keys)).customer.metadata == {"a": 1}
    assert update_of(replace(NOW, metadata=None), RelatedRecords(), row(keys, metadata={"b": 2})).customer.metadata == {
        "b": 2
    }


def test_an_external_id_is_given_once_and_never_another() -> None:
    assert NOW.meets_by == ("ek", "tk", NOW.external_id)
    refused = update_of(NOW, has(contacts=[ANN]), row(external_id="E2", name="New"))
    assert refused == replace(
        refused, customer=NOW, related=has(contacts=[ANN]), diff=[], refused="EXTERNAL_ID_CONFLICT"
    )
    assert update_of(NOW, RelatedRecords(), row(external_id=NOW.external_id)).diff == []
    first = update_of(replace(NOW, external_id=None), RelatedRecords(), row(external_id="E2"))
    assert (first.refused, first.customer.external_id) == (None, "E2")


def test_what_belongs_to_the_customer_is_changed_with_it_or_nothing_is() -> None:
    related = Related({"addresses": [full("addresses", **GOOLE)]})
    found = update_of(NOW, has(addresses=[HULL]), row(related, name="New"))
    assert [d.path for d in found.diff] == ["/name", "/addresses/addresses_0/city"]
    assert lists(found.related, "addresses") == [GOOLE]
    both = has(addresses=[HULL, GOOLE])
    refused = update_of(NOW, both, row(Related({"addresses": [full("addresses", **HULL, **{})]}), name="New"))
    assert refused.refused is None, "one of the two says just that already"
    other = full("addresses", **(HULL | {"city": "Leeds"}))
    refused = update_of(NOW, both, row(Related({"addresses": [other]}), name="New"))
    assert (refused.customer, refused.related, refused.diff, refused.refused) == (NOW, both, [], AMBIGUOUS)


@pytest.mark.parametrize(("name", "have", "said", "made"), [
    ("addresses", [], HULL, [HULL]),
    ("addresses", [HULL], GOOLE | {"region": None, "postal_code": None},
     [{k: v for k, v in GOOLE.items() if k not in ("region", "postal_code")}]),
    ("addresses", [HULL], HULL | {"region": None, "postal_code": "HU2"}, [HULL | {"postal_code": "HU2"}]),
    ("addresses", [HULL], HULL | {"type": "shipping"}, [HULL, HULL | {"type": "shipping"}]),
    ("contacts", [ANN], {"name": "Anna", "email": "ANN@K.com"}, [ANN | {"name": "Anna", "email": "ANN@K.com"}]),
    ("contacts", [ANN], {"name": "ann LEE"}, [ANN | {"name": "ann LEE"}]),
    ("contacts", [ANN], {"name": "Ann Lee", "email": "b@k.com"}, [ANN, {"name": "Ann Lee", "email": "b@k.com"}]),
    ("contacts", [{"name": "Ann Lee"}], {"name": "Ann Lee", "email": "b@k.com"}, [{"name": "Ann Lee", "email": "b@k.com"}]),
    ("contacts", [{"name": "Ann Lee"}, ANN], {"name": "X", "email": "ann@k.com"}, [{"name": "Ann Lee"}, ANN | {"name": "X"}]),
    ("pricing_tiers", [TIER], TIER | {"price": "6"}, [TIER | {"price": "6"}]),
    ("pricing_tiers", [TIER], TIER | {"item": "B"}, [TIER, TIER | {"item": "B"}]),
    ("pricing_tiers", [TIER | {"max_quantity": "19"}], TIER | {"min_quantity": "20"},
     [TIER | {"max_quantity": "19"}, TIER | {"min_quantity": "20"}]),
    ("pricing_tiers", [TIER], TIER | {"currency_code": "EUR"}, [TIER, TIER | {"currency_code": "EUR"}]),
    ("tax_profiles", [PROFILE], PROFILE | {"certificate_number": "C2"}, [PROFILE | {"certificate_number": "C2"}]),
    ("tax_profiles", [PROFILE], {"tax_code": "RED"}, [PROFILE, {"tax_code": "RED"}]),
    ("tax_profiles", [PROFILE], PROFILE | {"effective_from": "2026-01-01"}, [PROFILE | {"effective_from": "2026-01-01"}]),
    ("tax_profiles", [PROFILE | {"effective_from": "2025-01-01"}], PROFILE | {"effective_from": "2026-01-01"},
     [PROFILE | {"effective_from": "2025-01-01"}, PROFILE | {"effective_from": "2026-01-01"}]),
    ("tax_profiles", [PROFILE | {"effective_from": "2025-01-01"}], PROFILE | {"certificate_number": "C2"},
     [PROFILE | {"effective_from": "2025-01-01", "certificate_number": "C2"}]),
    ("dimensions", [{"type": "T", "code": "1"}], {"type": "T", "code": "2"}, [{"type": "T", "code": "2"}]),
    ("dimensions", [{"type": "T", "code": "1"}], {"type": "U", "code": "2"}, [{"type": "T", "code": "1"},
     {"type": "U", "code": "2"}]),
    ("pays_for", [{"customer_id": "c"}], {"customer_id": "c", "valid_until": "2026-01-01"},
     [{"customer_id": "c", "valid_until": "2026-01-01"}]),
    ("pays_for", [{"customer_id": "c"}], {"customer_id": "d"}, [{"customer_id": "c"}, {"customer_id": "d"}]),
])  # fmt: skip
def test_a_record_is_known_by_what_names_it(
    name: str, have: list[dict[str, Any]], said: dict[str, Any], made: list[dict[str, Any]]
) -> None:
    found = merged(has(**{name: have}), Related({name: [full(name, **said)]}), "USD")
    assert found.refused is None
    assert lists(found.related, name) == made


@pytest.mark.parametrize(("name", "have", "said", "refused"), [
    ("contacts", [ANN], [ANN, ANN | {"name": "X"}], AMBIGUOUS),
    ("contacts", [ANN, ANN | {"role": "CEO"}], [ANN | {"phone": "+44 9"}], AMBIGUOUS),
    ("contacts", [ANN, ANN | {"role": "CEO"}], [{"name": "Ann Lee", "role": "CEO"}], None),
    ("pricing_tiers", [TIER], [TIER | {"min_quantity": "12"}], "PRICING_TIERS_OVERLAP"),
    ("pricing_tiers", [TIER | {"currency_code": "USD"}], [TIER], "PRICING_TIERS_OVERLAP"),
    ("pricing_tiers", [TIER | {"currency_code": "EUR"}], [TIER], None),
    ("dimensions", [], [{"type": "T", "code": "1"}, {"type": "T", "code": "2"}], "FIELD_DUPLICATE"),
    ("tax_profiles", [PROFILE | {"effective_to": "2025-01-01"}], [PROFILE | {"effective_from": "2026-01-01"}],
     "EFFECTIVE_RANGE_INVALID"),
])  # fmt: skip
def test_what_does_not_fit_together_changes_nothing(
    name: str, have: list[dict[str, Any]], said: list[dict[str, Any]], refused: str | None
) -> None:
    before = has(**{name: have})
    wanted = Related({name: [full(name, **one) | {"id": f"new_{n}"} for n, one in enumerate(said)]})
    found = merged(before, wanted, "USD")
    assert found.refused == refused
    assert (found.related == before) == (refused is not None or name == "contacts")


@pytest.mark.parametrize(("name", "have", "said", "made"), [
    ("addresses", [HULL], {"type": "billing", "postal_code": "HU2"}, [HULL | {"postal_code": "HU2"}]),
    ("addresses", [HULL], {"type": "billing", "postal_code": "HU2", "city": "Hull"}, [HULL | {"postal_code": "HU2"}]),
    ("addresses", [HULL], {"type": "billing", "postal_code": "HU2", "city": "Goole"}, [HULL]),
    ("addresses", [HULL], {"type": "billing", "country": "FR"}, [HULL]),
    ("addresses", [HULL], {"type": "billing", "city": "Goole", "named": True}, [GOOLE]),
    ("addresses", [HULL], {"type": "shipping", "postal_code": "HU2"}, [HULL]),
    ("contacts", [ANN], {"email": "ann@k.com", "phone": "+44 2"}, [ANN | {"phone": "+44 2"}]),
    ("contacts", [ANN], {"phone": "+44 2"}, [ANN]),
    ("tax_profiles", [PROFILE], {"certificate_number": "C2"}, [PROFILE]),
])  # fmt: skip
def test_what_lacks_a_part_completes_one_that_is_there_or_nothing(
    name: str, have: list[dict[str, Any]], said: dict[str, Any], made: list[dict[str, Any]]
) -> None:
    found = merged(has(**{name: have}), Related(incomplete={name: [said]}), None)
    assert (found.refused, lists(found.related, name)) == (None, made)
