"""A change as its diff: applied it gives what was asked for, and it knows what has moved under it."""

from copy import deepcopy
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from models.answers import read_row
from models.customers.bodies import AddressType
from models.customers.diff import (
    Difference,
    applied,
    as_json,
    diff,
    diff_of_related,
    item_json,
    moved,
    new_credit_limits,
    parts,
    touched_entities,
)
from models.customers.records import (
    FIELDS,
    RELATED,
    AddressRecord,
    CustomerDetails,
    OverrideRecord,
    RelatedRecords,
)

BLANK: dict[str, object] = {
    **dict.fromkeys(FIELDS), "name": "Acme", "email": "ap@acme.example.com", "legal_entity_id": "le_us",
    "metadata": {}, "status": "active", **{name: {} for name in RELATED}, "entity_overrides": {},
}  # fmt: skip


def customer(**fields: object) -> CustomerDetails:
    return read_row(CustomerDetails, BLANK | fields)


def address(city: str, *lines: str, region: str | None = None) -> AddressRecord:
    return AddressRecord(type=AddressType.BILLING, lines=list(lines), city=city, region=region, country="DE")


def value_at(record: CustomerDetails, path: str) -> JsonValue:
    value: JsonValue = as_json(record)
    for part in parts(path):
        value = value.get(part) if isinstance(value, dict) else None
    return value


TEXTS = st.sampled_from(["a", "b", "9.5", "9.50", ""])
IDS = st.sampled_from(["x1", "x2", "a/b", "t~1"])
ADDRESSES = st.fixed_dictionaries(
    {
        "type": st.just("billing"),
        "lines": st.lists(st.sampled_from(["l", "m"]), max_size=2),
        "city": TEXTS,
        "region": st.none() | TEXTS,
        "country": st.just("DE"),
    }
)
TIERS = st.fixed_dictionaries(
    {"item": TEXTS, "price": st.sampled_from(["9.5", "9.50", "10"]), "currency_code": st.sampled_from([None, "EUR"])}
)
OVERRIDES = st.fixed_dictionaries(
    {},
    optional={"payment_terms": st.sampled_from(["1", "1.0", "2"]), "credit_limit": st.sampled_from(["1", "1.0", "2"])},
)
RECORDS = st.builds(
    customer,
    name=st.sampled_from(["a", "b"]),
    phone=st.none() | TEXTS,
    credit_limit=st.sampled_from([None, "1", "1.00", "2"]),
    metadata=st.dictionaries(st.sampled_from(["k", "l"]), st.sampled_from(["1", "1.0", 1]), max_size=2),
    addresses=st.dictionaries(IDS, ADDRESSES, max_size=3),
    pricing_tiers=st.dictionaries(IDS, TIERS, max_size=3),
    entity_overrides=st.dictionaries(st.sampled_from(["le_us", "le_uk"]), OVERRIDES, max_size=2),
)


@given(RECORDS, RECORDS)
def test_a_diff_applied_to_what_it_was_made_from_gives_what_it_was_made_for(before, after):
    kept = deepcopy(before)
    changes = diff(before, after)
    assert applied(before, changes) == after
    assert diff(applied(before, changes), after) == []
    assert before == kept, "neither reading nor applying changes the record"
    assert moved(before, changes) == []


@given(RECORDS)
def test_what_is_the_same_is_no_change(record):
    assert diff(record, deepcopy(record)) == []
    assert applied(record, []) == record


@given(RECORDS, RECORDS, RECORDS)
def test_a_change_is_made_at_its_paths_and_nowhere_else(before, after, now):
    """The record has changed meanwhile: what the change does not touch stays as it is now."""
    changes = diff(before, after)
    if moved(now, changes):
        return
    made = applied(now, changes)
    assert all((value_at(made, c.path) or None) == (c.after or None) for c in changes)
    touched = {parts(c.path)[0] for c in changes}
    assert all(getattr(made, f) == getattr(now, f) for f in BLANK if f not in touched)


@given(RECORDS)
def test_creating_lists_what_was_given(record):
    changes = diff(None, record)
    assert all(c.before is None for c in changes)
    assert {c.path for c in changes if c.path.count("/") == 1} == {
        f"/{f}" for f in FIELDS if getattr(record, f) not in (None, {})
    }
    assert applied(None, changes) == record


BASE = customer(
    credit_limit="100",
    metadata={"k": "9.5"},
    addresses={"addr_1": address("Bonn", "a"), "addr_2": address("Ulm", "b")},
    entity_overrides={"le_uk": {"credit_limit": "5", "payment_terms": "NET30"}},
    pricing_tiers={"t": {"item": "i", "price": "9.5"}},
)


def changed(**fields: object) -> list[Difference]:
    return diff(BASE, other(**fields))


def other(**fields: object) -> CustomerDetails:
    return read_row(CustomerDetails, as_json(BASE) | fields)


def whole(city: str, *lines: str) -> dict[str, JsonValue]:
    """An address as one path has it."""
    more: dict[str, JsonValue] = {"region": None, "postal_code": None, "country": "DE"}
    return {"type": "billing", "lines": list(lines), "city": city, **more}


def tier(price: str) -> dict[str, JsonValue]:
    """A pricing tier as one path has it."""
    more = ("currency_code", "min_quantity", "max_quantity", "effective_from", "effective_to")
    return {"item": "i", "price": price} | dict.fromkeys(more)


def test_a_master_field_is_one_path_and_metadata_whole():
    assert changed(name="Apex") == [Difference(path="/name", before="Acme", after="Apex")]
    assert changed(metadata={"k": "9.50"}) == [Difference(path="/metadata", before={"k": "9.5"}, after={"k": "9.50"})]


@pytest.mark.parametrize(
    ("addresses", "expected"),
    [
        ({"addr_2": address("Ulm", "b")}, [("/addresses/addr_1", whole("Bonn", "a"), None)]),
        (
            {"addr_1": address("Köln", "a"), "addr_2": address("Ulm", "b", "c")},
            [("/addresses/addr_1/city", "Bonn", "Köln"), ("/addresses/addr_2/lines", ["b"], ["b", "c"])],
        ),
        ({**BASE.addresses, "a/~": address("x")}, [("/addresses/a~1~0", None, whole("x"))]),
    ],
)
def test_a_related_record_is_one_path_or_one_per_field(addresses, expected):
    assert changed(addresses=addresses) == [Difference(path=p, before=b, after=a) for p, b, a in expected]


def test_amounts_are_compared_by_value():
    assert changed(credit_limit="100.00") == []
    assert changed(pricing_tiers={"t": {"item": "i", "price": "9.50"}}) == []
    assert changed(entity_overrides={"le_uk": {"credit_limit": "5.0", "payment_terms": "NET30"}}) == []
    assert changed(name="Acme ") != []
    assert [c.path for c in changed(credit_limit="100.01")] == ["/credit_limit"]
    assert [c.path for c in changed(pricing_tiers={"t": {"item": "i", "price": "9.51"}})] == ["/pricing_tiers/t/price"]


def test_a_whole_related_record_is_compared_by_the_value_of_its_amounts():
    assert moved(BASE, [Difference(path="/pricing_tiers/t", before=tier("9.50"), after=None)]) == []
    assert moved(BASE, [Difference(path="/pricing_tiers/t", before=tier("9.51"), after=None)]) == ["/pricing_tiers/t"]


def test_a_field_given_back_to_the_master_leaves_the_override():
    changes = changed(entity_overrides={"le_uk": {"credit_limit": "5"}})
    assert changes == [Difference(path="/entity_overrides/le_uk/payment_terms", before="NET30", after=None)]
    assert applied(BASE, changes).entity_overrides == {"le_uk": OverrideRecord(credit_limit=Decimal(5))}
    gone = changed(entity_overrides={})
    assert applied(BASE, gone).entity_overrides == {}


def test_a_field_of_a_related_record_is_cleared_not_removed():
    here = other(addresses={"addr_1": address("Bonn", "a", region="NW")})
    cleared = address("Bonn", "a")
    changes = diff(here, replace(here, addresses={"addr_1": cleared}))
    assert changes == [Difference(path="/addresses/addr_1/region", before="NW", after=None)]
    assert applied(here, changes).addresses == {"addr_1": cleared}
    assert applied(BASE, changed(phone="1")).phone == "1"
    assert applied(BASE, changed(credit_limit=None)).credit_limit is None
    nothing = Difference(path="/metadata", before={"k": "9.5"}, after=None)
    assert applied(BASE, [nothing]).metadata == {}


def test_what_moved_under_a_change_is_named():
    changes = changed(name="Apex", credit_limit="200")
    assert moved(other(name="Other"), changes) == ["/name"]
    assert moved(other(phone="1"), changes) == []
    assert moved(other(credit_limit="100.000"), changes) == []
    gone = [Difference(path="/addresses/addr_1/city", before="Bonn", after="Köln")]
    assert moved(other(addresses={}), gone) == ["/addresses/addr_1/city"]
    nothing = [Difference(path="/metadata", before=None, after={"k": "1"})]
    assert moved(other(metadata={}), nothing) == []
    assert moved(BASE, nothing) == ["/metadata"]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("/addresses/addr_1/city", "Bonn"),
        ("/addresses/a~1~0/city", "Trier"),
        ("/name/first", None),
    ],
)
def test_a_path_names_a_value(path, value):
    here = other(addresses={**BASE.addresses, "a/~": address("Trier")})
    assert moved(here, [Difference(path=path, before=value, after="x")]) == []
    assert moved(here, [Difference(path=path, before="y", after="x")]) == [path]


def test_a_field_of_a_related_record_that_is_gone_has_moved():
    """Its field was empty before, and nothing is empty too: yet there is nothing to put the new value into."""
    before, after = (customer(addresses={"x1": address("Leeds", "1 High St", region=r)}) for r in (None, "Hull"))
    changes = diff(before, after)
    assert [c.path for c in changes] == ["/addresses/x1/region"]
    assert moved(replace(before, addresses={}), changes) == ["/addresses/x1/region"]
    assert moved(before, changes) == []


def test_whose_people_a_change_concerns_and_which_limits_it_sets() -> None:
    changes = [
        Difference(path="/entity_overrides/le_us/credit_limit", before="1", after="2.50"),
        Difference(path="/credit_limit", before=None, after="7"),
        Difference(path="/entity_overrides/le_de", before=None, after={"credit_limit": "9", "payment_terms": "NET30"}),
        Difference(path="/entity_overrides/le_at", before={"credit_limit": "3"}, after=None),
        Difference(path="/entity_overrides/le_us/payment_terms", before="NET30", after=None),
        Difference(path="/addresses/entity_overrides/city", before="a", after="b"),
        Difference(path="/name", before="a", after="credit_limit"),
    ]
    assert touched_entities(changes) == ["le_at", "le_de", "le_us"]
    assert new_credit_limits(changes) == [Decimal("2.50"), Decimal(7), Decimal(9)]
    assert (touched_entities([]), new_credit_limits([])) == ([], [])
    assert new_credit_limits([Difference(path="/credit_limit", before="7", after=None)]) == []


def test_the_related_lists_alone_differ_as_they_do_among_everything() -> None:
    before = customer(name="a", addresses={"adr_1": item_json(address("Bonn")), "adr_2": item_json(address("Ulm"))})
    after = customer(name="b", addresses={"adr_1": item_json(address("Köln")), "adr_3": item_json(address("Trier"))})
    changed = [d for d in diff(before, after) if d.path != "/name"]
    lists = [RelatedRecords(**{name: getattr(one, name) for name in RELATED}) for one in (before, after)]
    assert diff_of_related(*lists) == changed
    assert [d.path for d in changed] == ["/addresses/adr_1/city", "/addresses/adr_2", "/addresses/adr_3"]
