"""What a person may give away: limits as shipped, who is asked beyond them, and that parts count as one amount."""

from decimal import Decimal

import pytest

from models.authority import (
    RANKS,
    SHIPPED,
    AuthorityKind,
    AuthorityLimits,
    Limit,
    LimitChange,
    changed,
    highest,
    out_of_order,
)

LIMITS = AuthorityLimits()
W, F, C, D, S, R = (
    AuthorityKind.WRITE_OFF, AuthorityKind.BANK_FEE, AuthorityKind.CREDIT_NOTE, AuthorityKind.DEDUCTION,
    AuthorityKind.DISCOUNT, AuthorityKind.REFUND,
)  # fmt: skip


@pytest.mark.parametrize(("kind", "shipped"), [
    (W, (500, 50_000, 1_000_000, None)), (F, (5_000, 50_000, None, None)), (C, (0, 100_000, 2_500_000, None)),
    (D, (0, 100_000, 2_500_000, None)), (S, (0, 10_000, 100_000, None)), (R, (0, 0, 0, 0)),
])  # fmt: skip
def test_limits_as_shipped(kind: AuthorityKind, shipped: tuple[int | None, ...]) -> None:
    assert tuple(LIMITS.of(kind, role).limit_minor for role in RANKS) == shipped
    assert set(SHIPPED) == set(AuthorityKind)


@pytest.mark.parametrize(("kind", "amount", "role", "chain"), [
    (W, 500, "ar_clerk", ()), (W, 501, "ar_clerk", ("ar_manager",)), (W, 48_000, "ar_clerk", ("ar_manager",)),
    (W, 1_200_000, "ar_clerk", ("ar_manager", "controller", "cfo")), (W, 1_200_000, "controller", ("cfo",)),
    (W, 50_001, "ar_manager", ("controller",)), (F, 60_000, "ar_clerk", ("ar_manager", "controller")),
    (C, 1, "ar_clerk", ("ar_manager",)), (C, 2_500_001, "ar_manager", ("controller", "cfo")), (C, 9, "cfo", ()),
    (R, 1, "ar_clerk", ("ar_manager", "controller", "cfo")), (W, 1, None, ("ar_manager",)),
])  # fmt: skip
def test_the_chain_ends_with_the_first_role_that_covers(
    kind: AuthorityKind, amount: int, role: str | None, chain: tuple[str, ...]
) -> None:
    assert LIMITS.chain(kind, amount, role) == chain


def test_in_a_session_a_clerk_writes_off_one_percent_of_the_invoice_at_most() -> None:
    clerk = LIMITS.of(W, "ar_clerk")
    assert [clerk.in_session(i).limit_minor for i in (100, 10_000, 50_000, 10_000_000)] == [1, 100, 500, 500]
    assert LIMITS.of(W, "ar_manager").in_session(100) == Limit(50_000)
    assert LIMITS.first_covering(W, 200) == "ar_clerk"
    assert LIMITS.first_covering(W, 200, 10_000) == "ar_manager"
    assert Limit(None, Decimal(2)).in_session(1_000) == Limit(20)


@pytest.mark.parametrize(("roles", "found"), [
    (("ar_clerk", "controller"), "controller"), (("auditor",), None), ((), None), (("cfo", "ar_manager"), "cfo"),
])  # fmt: skip
def test_of_several_roles_the_highest_counts(roles: tuple[str, ...], found: str | None) -> None:
    assert highest(roles) == found
    assert LIMITS.of(W, None) == Limit(0)


def test_what_is_asked_for_takes_the_place_of_what_the_limits_say() -> None:
    ten, any_amount = Limit(1_000), Limit(None)
    after, changes = changed(SHIPPED, [(W, "ar_clerk", ten), (C, "ar_manager", any_amount), (R, "cfo", Limit(0))])
    assert changes == [
        LimitChange(W, "ar_clerk", Limit(500, Decimal(1)), ten),
        LimitChange(C, "ar_manager", Limit(100_000), any_amount),
    ]
    now = AuthorityLimits(limits=after, version=1)
    assert (now.of(W, "ar_clerk"), now.of(C, "ar_manager"), now.of(R, "cfo")) == (ten, any_amount, Limit(0))
    assert (now.of(W, "ar_manager"), now.of(C, "controller")) == (Limit(50_000), Limit(2_500_000))
    assert LIMITS.of(W, "ar_clerk") == Limit(500, Decimal(1)), "what was shipped stays"
    after, [change] = changed({W: {}}, [(W, "cfo", any_amount)])
    assert (change.before, after[W]) == (Limit(0), {"cfo": any_amount})


@pytest.mark.parametrize(("limits", "found"), [
    ((0, 0, 0, 0), None), ((5, 5, 6, None), None), ((None, None, None, None), None),
    ((5, 4, 6, None), "ar_manager"), ((5, None, 6, None), "controller"), ((0, 1, 2, 1), "cfo"), ((1,), "ar_manager"),
])  # fmt: skip
def test_nobody_may_give_away_less_than_a_role_below(limits: tuple[int | None, ...], found: str | None) -> None:
    of = {role: Limit(x) for role, x in zip(RANKS, limits, strict=False)}
    assert out_of_order({F: {}, W: of, S: {}}) == (None if found is None else (W, found))
    assert out_of_order(SHIPPED) is None
