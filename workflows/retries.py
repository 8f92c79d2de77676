"""Timeouts and retries of every process, in one place.

Business refusals are raised as non-retryable ApplicationErrors at one boundary (activities/errors.py), so no list of
names is kept here: what can be retried is, what was refused is not.
"""

from datetime import timedelta

from temporalio.common import RetryPolicy

LOCAL_POSTING_TIMEOUT = timedelta(seconds=2)
LOCAL_POSTING = RetryPolicy(maximum_attempts=2, initial_interval=timedelta(milliseconds=50))
"""Two tries in place; then the regular activity, because retrying local activities hold workflow slots."""

POSTING_TIMEOUT = timedelta(seconds=10)
POSTING = RetryPolicy(initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(seconds=10))

BATCH_TIMEOUT = timedelta(seconds=120)
BATCH_HEARTBEAT = timedelta(seconds=20)
BATCH = RetryPolicy(initial_interval=timedelta(milliseconds=500), maximum_interval=timedelta(seconds=30))

ONCE = RetryPolicy(maximum_attempts=1)
MAIL_FIRST_TRY = timedelta(seconds=5)
"""In place, as a local activity."""
MAIL_TIMEOUT = timedelta(seconds=30)
MAIL = RetryPolicy(
    initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=5), backoff_coefficient=2.0
)

IMPORT_FILE_TIMEOUT = timedelta(hours=2)
IMPORT_SLICE_TIMEOUT = timedelta(minutes=10)
IMPORT_HEARTBEAT = timedelta(seconds=10)
"""A worker that died is noticed after so long; a live one beats every two seconds, also during one long statement."""

WEBHOOK_TIMEOUT = timedelta(seconds=60)
"""One attempt, with looking up the name and recording the answer. When to try again: models/webhooks/signing.py."""
