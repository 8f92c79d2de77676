"""Business counters: what was carried out, by operation; what was recorded, applied and issued, by currency."""

from typing import Final

import orjson
from prometheus_client import Counter

from api import metrics
from models.answers import JsonObject
from models.commands import Answered

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
        body = orjson.loads(done.json)
        business.labels(_currency(body)).inc()
        if operation == "record_payment" and body.get("session"):
            metrics.PAYMENTS_APPLIED.labels(_currency(body)).inc()


def _currency(body: JsonObject) -> str:
    lines = body.get("applications")
    first = lines[0] if isinstance(lines, list) and lines else {}
    applied = first.get("currency_code") if isinstance(first, dict) else None
    return str(body.get("currency_code") or applied or "none")
