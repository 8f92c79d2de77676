"""Fair shares: what one organisation holds is not the others'."""

from contextlib import ExitStack

from activities.shares import LATEST_SECONDS, Shares


def test_an_organisation_has_its_share_and_no_more_and_the_others_theirs() -> None:
    shares = Shares(2)
    with ExitStack() as held:
        assert [held.enter_context(shares.place("org_a")) for _ in range(4)] == [True, True, False, False]
        assert [held.enter_context(shares.place("org_b")) for _ in range(2)] == [True, True]
    with shares.place("org_a") as free:
        assert free


def test_a_place_is_given_back_whatever_happens() -> None:
    shares = Shares(1)
    for _ in range(3):
        try:
            with shares.place("org_a") as free:
                assert free
                raise ValueError
        except ValueError:
            continue


def test_the_more_wait_the_later_each_comes_back_and_a_minute_at_most() -> None:
    now = [0.0]
    shares = Shares(2, lambda: now[0])
    waits = [shares.come_back("org_a") for _ in range(1000)]
    assert 0.5 < waits[0] < 2
    assert waits[0] < waits[50] < waits[-1] <= LATEST_SECONDS * 1.25
    assert shares.come_back("org_b") < 2
    now[0] = 1000
    assert shares.come_back("org_a") < 2
