"""What an organisation's settings say where it has chosen, and where it has not."""

from datetime import UTC, datetime, timedelta

import pytest

from models.db.master_data import read_settings
from models.master_data.requests import ChangeSettings

ON_AGAIN = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_what_nobody_chose_is_the_default() -> None:
    settings = read_settings({})
    assert (settings.payment_date_horizon_days, settings.posts_at_receipt, settings.is_silent) == (7, False, False)
    assert settings.opportunity_stages == {}
    assert settings.case_escalation_sla_seconds is None


def test_what_was_chosen_holds_and_the_rest_stays_at_its_default() -> None:
    settings = read_settings({"receipt_posting": "at_receipt", "opportunity_stages": {"DEMO DONE": "closed"}})
    assert settings.posts_at_receipt
    assert settings.opportunity_stages == {"DEMO DONE": "closed"}
    assert settings.payment_date_horizon_days == 7


@pytest.mark.parametrize(
    ("chosen", "applied_at", "confirmed"),
    [
        ({}, ON_AGAIN, True),
        ({"remittance_confirmation": "off"}, ON_AGAIN, False),
        ({"remittance_confirmation_since": ON_AGAIN.isoformat()}, ON_AGAIN - timedelta(microseconds=1), False),
        ({"remittance_confirmation_since": ON_AGAIN.isoformat()}, ON_AGAIN, True),
        ({"remittance_confirmation": "off", "remittance_confirmation_since": "2026-03-01T12:00:00+00:00"},
         ON_AGAIN + timedelta(days=9), False),
    ],
)  # fmt: skip
def test_sessions_of_a_silent_time_are_never_confirmed(
    chosen: dict[str, str], applied_at: datetime, confirmed: bool
) -> None:
    assert read_settings(chosen).confirms(applied_at) is confirmed


def test_a_change_keeps_apart_what_is_absent_and_what_is_null() -> None:
    change = ChangeSettings.model_validate({"mail_sender": None, "payment_date_horizon_days": 3})
    kept = change.model_dump(mode="json")
    assert kept == {"mail_sender": None, "payment_date_horizon_days": 3}
    assert ChangeSettings.model_validate(kept) == change
    assert ChangeSettings.model_validate({}).model_dump(mode="json") == {}
