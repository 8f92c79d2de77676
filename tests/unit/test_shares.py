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


def test_they_come_back_at_the_pace_at_which_places_become_free() -> None:
    now = [0.0]
    shares = Shares(2, lambda: now[0])
    for seconds in (0.1,) * 20:
        with shares.place("org_quick"):
            now[0] += seconds
    quick = [shares.come_back("org_quick") for _ in range(100)]
    assert quick[0] < 2
    assert quick[-1] < 10, "a hundred of a tenth of a second, two at a time"
    with shares.place("org_slow"), shares.place("org_slow"):
        now[0] += 15
        slow = [shares.come_back("org_slow") for _ in range(100)]
        assert shares.come_back("org_other") < 2
    assert slow[0] < 11, "a place of fifteen seconds, two at a time, a quarter more or less"
    assert 60 < slow[10] < 105
    assert LATEST_SECONDS * 0.75 <= slow[-1] <= LATEST_SECONDS * 1.25
    now[0] += 1000
    assert shares.come_back("org_quick") < 2
