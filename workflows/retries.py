"""Timeouts and retries of the steps of every process, in one place (`tests/house.py` holds it).

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

FEED_TIMEOUT = timedelta(minutes=30)
"""Looking into the folder of partner feeds, or putting away what was taken from it."""

PANEL_TIMEOUT = timedelta(seconds=75)
"""Longer than the longest time-out of a connection: the source's own time-out ends the call, not this."""
PANEL = RetryPolicy(
    initial_interval=timedelta(milliseconds=500), maximum_interval=timedelta(seconds=10), maximum_attempts=5
)

ERASE_TIMEOUT = timedelta(minutes=5)
ERASE_HEARTBEAT = timedelta(seconds=30)

LOOK_TIMEOUT = timedelta(hours=1)
"""Looking at every organisation, for what a person has to be told of."""
SWEEP_TIMEOUT = timedelta(hours=2)
"""Going through every organisation's records, to seal, stamp or take them away."""
SWEEP_HEARTBEAT = timedelta(minutes=5)
SEAL_HEARTBEAT = timedelta(minutes=10)

RATES_TIMEOUT = timedelta(minutes=2)
OUTSIDE = RetryPolicy(initial_interval=timedelta(seconds=10), maximum_interval=timedelta(minutes=5), maximum_attempts=8)
"""Of a house that is not ours (a central bank, a stamping authority): a quarter of an hour; then whoever is on call is told,
and the schedule's next run asks again."""

WEBHOOK_TIMEOUT = timedelta(seconds=60)
"""One attempt, with looking up the name and recording the answer. When to try again: models/webhooks/signing.py."""
