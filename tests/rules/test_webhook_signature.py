"""Standard Webhooks: what the standard's own library signs, the schedule, and where a production worker does not send."""

import base64
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from activities.webhooks import https_sender
from models.webhooks.signing import RETRIES, retry_after, signature_headers
from operations.webhook_deliveries import Answer, Parcel


def test_the_signature_is_that_of_the_reference_implementation() -> None:
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLjSw")
    at = datetime.fromtimestamp(1614265330, UTC)
    headers = signature_headers("msg_p5jXN8AQM9LWM0D4loKWxJek", at, b'{"test": 2432232314}', [key])
    assert headers["webhook-signature"] == "v1,q6KMVIJHk4Gs770FfR5f591Ftx7uVJSGl5wHV1ri978="
    assert headers["webhook-timestamp"] == "1614265330"


def test_attempts_are_spread_over_three_days_and_then_given_up() -> None:
    assert retry_after(1) == timedelta(seconds=5)
    assert all(a < b for a, b in pairwise(RETRIES))
    assert timedelta(days=3) <= sum(RETRIES, timedelta(0)) <= timedelta(days=4)
    assert retry_after(len(RETRIES) + 1) is None


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/x",
        "https://localhost/x",
        "https://10.1.2.3/",
        "https://169.254.169.254/latest",
        "https://[::1]/",
    ],
)
def test_in_production_nothing_is_sent_into_a_private_network(url: str) -> None:
    assert https_sender(anywhere=False)(Parcel(url, {}, b"{}")) == Answer(None, "ADDRESS_NOT_PUBLIC")
