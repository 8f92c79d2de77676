"""A change as its diff: applied it gives what was asked for, and it knows what has moved under it."""

from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.customers.diff import applied, diff, moved, value_at

TEXTS = st.one_of(st.none(), st.sampled_from(["a", "b", "9.5", "9.50", ""]))
IDS = st.sampled_from(["x1", "x2", "a/b", "t~1"])
ITEMS = st.fixed_dictionaries({"city": TEXTS, "lines": st.lists(st.sampled_from(["l", "m"]), max_size=2)})
TIER_ITEMS = st.fixed_dictionaries({"item": TEXTS, "price": st.sampled_from(["9.5", "9.50", "10"])})
OVERRIDES = st.dictionaries(
    st.sampled_from(["payment_terms", "credit_limit"]), st.sampled_from(["1", "1.0", "2"]), max_size=2
)
RECORDS = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["a", "b"]),
        "phone": TEXTS,
        "credit_limit": st.one_of(st.none(), st.sampled_from(["1", "1.00", "2"])),
        "metadata": st.dictionaries(st.sampled_from(["k", "l"]), st.sampled_from(["1", "1.0", 1]), max_size=2),
        "addresses": st.dictionaries(IDS, ITEMS, max_size=3),
        "pricing_tiers": st.dictionaries(IDS, TIER_ITEMS, max_size=3),
        "entity_overrides": st.dictionaries(st.sampled_from(["le_us", "le_uk"]), OVERRIDES, max_size=2),
    }
)


@given(RECORDS, RECORDS)
def test_a_diff_applied_to_what_it_was_made_from_gives_what_it_was_made_for(before, after):
    kept = deepcopy(before)
    changes = diff(before, after)
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
    assert all(_value(value_at(made, c["path"])) == _value(c["after"]) for c in changes)
    touched = {c["path"].split("/")[1] for c in changes}
    assert {f: v for f, v in made.items() if f not in touched} == {f: v for f, v in now.items() if f not in touched}


def _value(found: object) -> object:
    return found or None


@given(RECORDS)
def test_creating_lists_what_was_given(record):
    changes = diff(None, record)
    assert all(c["before"] is None for c in changes)
    assert {c["path"] for c in changes if c["path"].count("/") == 1} == {
        f"/{f}" for f in ("name", "phone", "credit_limit", "metadata") if record[f] not in (None, {})
    }


BASE = {
    "name": "Acme", "phone": None, "credit_limit": "100", "metadata": {"k": "9.5"},
    "addresses": {"addr_1": {"city": "Bonn", "lines": ["a"]}, "addr_2": {"city": "Ulm", "lines": ["b"]}},
    "entity_overrides": {"le_uk": {"credit_limit": "5", "payment_terms": "NET30"}},
    "pricing_tiers": {"t": {"item": "i", "price": "9.5"}},
}  # fmt: skip


def changed(**fields):
    return diff(BASE, {**deepcopy(BASE), **fields})


def test_a_master_field_is_one_path_and_metadata_whole():
    assert changed(name="Apex") == [{"path": "/name", "before": "Acme", "after": "Apex"}]
    assert changed(metadata={"k": "9.50"}) == [{"path": "/metadata", "before": {"k": "9.5"}, "after": {"k": "9.50"}}]


@pytest.mark.parametrize(
    ("addresses", "expected"),
    [
        ({"addr_2": {"city": "Ulm", "lines": ["b"]}}, [("/addresses/addr_1", {"city": "Bonn", "lines": ["a"]}, None)]),
        (
            {"addr_1": {"city": "Köln", "lines": ["a"]}, "addr_2": {"city": "Ulm", "lines": ["b", "c"]}},
            [("/addresses/addr_1/city", "Bonn", "Köln"), ("/addresses/addr_2/lines", ["b"], ["b", "c"])],
        ),
        (BASE["addresses"] | {"a/~": {"city": "x"}}, [("/addresses/a~1~0", None, {"city": "x"})]),
    ],
)
def test_a_related_record_is_one_path_or_one_per_field(addresses, expected):
    assert changed(addresses=addresses) == [{"path": p, "before": b, "after": a} for p, b, a in expected]


def test_amounts_are_compared_by_value():
    assert changed(credit_limit="100.00") == []
    assert changed(pricing_tiers={"t": {"item": "i", "price": "9.50"}}) == []
    assert changed(entity_overrides={"le_uk": {"credit_limit": "5.0", "payment_terms": "NET30"}}) == []
    assert changed(name="Acme ") != []
    assert [c["path"] for c in changed(credit_limit="100.01")] == ["/credit_limit"]
    assert [c["path"] for c in changed(pricing_tiers={"t": {"item": "i", "price": "9.51"}})] == [
        "/pricing_tiers/t/price"
    ]


def test_a_whole_related_record_is_compared_by_the_value_of_its_amounts():
    added = [{"path": "/pricing_tiers/t", "before": {"item": "i", "price": "9.50"}, "after": None}]
    assert moved(BASE, added) == []
    added[0]["before"] = {"item": "i", "price": "9.51"}
    assert moved(BASE, added) == ["/pricing_tiers/t"]


def test_a_field_given_back_to_the_master_leaves_the_override():
    changes = changed(entity_overrides={"le_uk": {"credit_limit": "5"}})
    assert changes == [{"path": "/entity_overrides/le_uk/payment_terms", "before": "NET30", "after": None}]
    assert applied(BASE, changes)["entity_overrides"] == {"le_uk": {"credit_limit": "5"}}
    gone = changed(entity_overrides={})
    assert applied(BASE, gone)["entity_overrides"] == {}


def test_a_field_of_a_related_record_is_cleared_not_removed():
    changes = changed(addresses={**BASE["addresses"], "addr_1": {"city": None, "lines": ["a"]}})
    assert applied(BASE, changes)["addresses"]["addr_1"] == {"city": None, "lines": ["a"]}
    assert applied(BASE, changed(phone="1"))["phone"] == "1"
    assert applied(BASE, changed(credit_limit=None))["credit_limit"] is None
    assert applied(BASE, changed(metadata=None))["metadata"] == {}


def test_what_moved_under_a_change_is_named():
    changes = changed(name="Apex", credit_limit="200")
    assert moved({**BASE, "name": "Other"}, changes) == ["/name"]
    assert moved({**BASE, "phone": "1"}, changes) == []
    assert moved({**BASE, "credit_limit": "100.000"}, changes) == []
    gone = [{"path": "/addresses/addr_1/city", "before": "Bonn", "after": "Köln"}]
    assert moved({**BASE, "addresses": {}}, gone) == ["/addresses/addr_1/city"]
    nothing = [{"path": "/metadata", "before": None, "after": {"k": "1"}}]
    assert moved({**BASE, "metadata": {}}, nothing) == []
    assert moved(BASE, nothing) == ["/metadata"]


def test_a_path_names_a_value():
    assert value_at(BASE, "/addresses/addr_1/city") == "Bonn"
    assert value_at({"addresses": {"a/~": 1}}, "/addresses/a~1~0") == 1
    assert value_at(BASE, "/addresses/addr_9/city") is None
    assert value_at(BASE, "/name/first") is None
