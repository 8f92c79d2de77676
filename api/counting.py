"""Business counters: what was carried out, by operation; what was recorded, applied and issued, by currency."""

import json
from typing import Final

from prometheus_client import Counter

from api import metrics
from operations.work import Answered

_BUSINESS: Final[dict[str, Counter]] = {
    "record_payment": metrics.PAYMENTS_RECORDED,
    "apply_payment": metrics.PAYMENTS_APPLIED,
    "apply_credit": metrics.PAYMENTS_APPLIED,
    "create_invoice": metrics.INVOICES_CREATED,
}


def count(operation: str, done: Answered) -> None:
    """One write answered. An earlier answer counts as replayed and as nothing else."""
    metrics.COMMANDS.labels(operation, "replayed" if done.replayed else "done").inc()
    business = _BUSINESS.get(operation)
    if business is not None and not done.replayed:
        business.labels(_currency(done.json)).inc()


def _currency(answered: str) -> str:
    body = json.loads(answered)
    lines = body.get("applications") or [{}]
    return str(body.get("currency_code") or lines[0].get("currency_code") or "none")
