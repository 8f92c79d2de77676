"""The role table, written down a second time and held against the code."""

import pytest

from models.access import MEANINGS, PERMISSIONS, ROLES, Principal, roles_with

# docs/roles.md, one row each: clerk, ar_manager, controller, cfo, AE/AM/CSM, bank_feed, ops.
# W writes and reads, R reads, "o" the own ones, "-" neither.
TABLE = [
    ("invoices.read", "invoices.write", "W W W R R - -"),
    ("payments.read", "payments.record", "W W W R - W -"),
    (None, "payments.apply", "W W W R - - -"),
    ("settings.read", "settings.write", "R R W W - - -"),
    (None, "reconciliations.reopen", "R R W W - - -"),
    ("customers.read", None, "R R R R R - R"),
    ("changes.read", "changes.submit", "W W W W W - -"),
    (None, "changes.decide", "- o o o - - -"),
    (None, "imports.decide", "- o o o - - -"),
    ("imports.read", "imports.submit", "W W W - - - -"),
    (None, "activities.write", "- W - - W - -"),
    (None, "sources.write", "- - - - - - W"),
    ("audit.read", None, "- - R R - - -"),
    ("events.read", "events.use", "- - W W - - W"),
    ("exceptions.read", "exceptions.write", "o o W W o - W"),
    ("exceptions.read_all", "exceptions.write_all", "o o W W o - W"),
]
COLUMNS = [
    ["ar_clerk"],
    ["ar_manager"],
    ["controller"],
    ["cfo"],
    ["account_executive", "account_manager", "customer_success_manager"],
    ["bank_feed"],
    ["ops"],
]


def cells():
    for read, write, row in TABLE:
        for letter, roles in zip(row.split(), COLUMNS, strict=True):
            for role in roles:
                own = letter == "o" and not any((name or "").endswith("_all") for name in (read or write, write))
                if read:
                    yield read, role, letter in "RW" or own
                if write:
                    yield write, role, letter == "W" or own


def who(*roles: str, entities: frozenset[str] | None = None) -> Principal:
    return Principal("u", "org", frozenset(roles), entities)


@pytest.mark.parametrize(("permission", "role", "granted"), list(cells()))
def test_the_table_is_that_of_the_interface(permission, role, granted):
    assert who(role).may(permission) is granted


def test_every_permission_stands_in_the_table():
    assert {name for read, write, _ in TABLE for name in (read, write) if name} == set(PERMISSIONS)
    assert frozenset().union(*PERMISSIONS.values()) <= ROLES.keys()
    assert PERMISSIONS.keys() == MEANINGS.keys()


@pytest.mark.parametrize("permission", PERMISSIONS)
def test_the_auditor_reads_everything_and_writes_nothing(permission):
    assert who("auditor").may(permission) is permission.split(".")[1].startswith("read")


@pytest.mark.parametrize("permission", PERMISSIONS)
@pytest.mark.parametrize("role", ["", "AR_CLERK", "admin", "ar", "clerk"])
def test_no_other_role_may_anything(permission, role):
    assert not who(role).may(permission)
    assert not who().may(permission)


def test_only_ar_manager_includes_manager():
    assert [role for role in sorted(ROLES) if who(role).holds("manager")] == ["ar_manager", "manager"]
    assert not who("manager").holds("ar_manager")
    assert not who("controller").holds("cfo")


@pytest.mark.parametrize("permission", PERMISSIONS)
def test_the_roles_that_are_named_for_a_permission_are_those_that_have_it(permission):
    assert roles_with(permission) == [role for role in sorted(ROLES) if who(role).may(permission)]


def test_who_includes_a_role_is_named_with_it():
    assert roles_with("changes.decide") == ["ar_manager", "cfo", "controller", "manager"]


def test_a_manager_alone_decides_but_does_not_touch_the_money():
    assert who("manager").may("changes.decide")
    assert who("manager").may("changes.read")
    assert not who("manager").may("payments.apply")


def test_several_roles_add_up():
    assert who("auditor", "ops").may("sources.write")
    assert who("auditor", "ops").may("payments.read")


def test_entities_bound_what_is_seen():
    assert who("cfo").sees_entity("le_uk")
    assert who("cfo", entities=frozenset({"le_us"})).sees_entity("le_us")
    assert not who("cfo", entities=frozenset({"le_us"})).sees_entity("le_uk")
