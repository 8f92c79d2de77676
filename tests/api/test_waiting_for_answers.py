"""Who waits for a command's answer in this process is handed it once, and nobody who has gone."""

import pytest

from models.commands import Answered
from models.errors import Refusal
from operations.answers import command_kept_here, hand_over, waiting_for
from operations.commands import own_command

DONE = Answered("{}")


def test_all_who_wait_for_a_command_are_handed_its_answer_and_others_are_not() -> None:
    with waiting_for("cmd_1") as first, waiting_for("cmd_1") as second, waiting_for("cmd_2") as other:
        hand_over("cmd_1", DONE)
        assert (first.result(0), second.result(0), other.done()) == (DONE, DONE, False)
        hand_over("cmd_1", Answered('{"n": 2}'))
        assert first.result(0) is DONE
        hand_over("cmd_2", None)
        assert other.result(0) is None


def test_a_refusal_is_raised_where_it_is_waited_for() -> None:
    with waiting_for("cmd_1") as answer:
        hand_over("cmd_1", Refusal("RECORD_MOVED", "It moved."))
        with pytest.raises(Refusal, match="It moved"):
            answer.result(0)


def test_who_has_gone_is_handed_nothing_and_who_stays_still_is() -> None:
    with waiting_for("cmd_1") as stays:
        with waiting_for("cmd_1") as goes:
            pass
        hand_over("cmd_1", DONE)
    assert (stays.result(0), goes.done()) == (DONE, False)
    with waiting_for("cmd_1") as alone:
        pass
    hand_over("cmd_1", DONE)
    assert not alone.done()


def test_who_gave_up_is_passed_over() -> None:
    with waiting_for("cmd_1") as gave_up, waiting_for("cmd_1") as waits:
        gave_up.cancel()
        hand_over("cmd_1", DONE)
        assert waits.result(0) is DONE


def test_a_command_is_known_here_for_as_long_as_whoever_kept_it_waits() -> None:
    kept = own_command("test")
    with waiting_for(kept.id, kept):
        with waiting_for(kept.id):
            pass
        assert command_kept_here(kept.id) is kept
    assert command_kept_here(kept.id) is None
    with waiting_for("cmd_1"):
        assert command_kept_here("cmd_1") is None
