"""Exchange rates stored by a controller. A rate stored again for the same day replaces it; the trail keeps both."""

from models.cash.book_answers import ExchangeRateAnswer, StoredRatesAnswer, exchange_rate_answer
from models.cash.records import ExchangeRate
from models.cash.requests import StoreRate, StoreRates
from models.db.cash import rates
from operations.runner import operation
from operations.work import Outcome, Work


@operation("store_rate", StoreRate, ExchangeRateAnswer)
def store_rate(work: Work, asked: StoreRate) -> Outcome[ExchangeRateAnswer]:
    """Store one rate."""
    (stored,) = _store(work, [asked])
    return Outcome(exchange_rate_answer(stored), 201)


@operation("store_rates", StoreRates, StoredRatesAnswer)
def store_rates(work: Work, asked: StoreRates) -> Outcome[StoredRatesAnswer]:
    """Store several at once."""
    return Outcome(StoredRatesAnswer(stored=len(_store(work, asked.rates))))


def _store(work: Work, asked: list[StoreRate]) -> list[ExchangeRate]:
    new = [
        ExchangeRate(
            base=r.base_currency,
            quote=r.quote_currency,
            rate_date=r.rate_date,
            rate=r.rate,
            source=r.source,
            recorded_at=work.now,
            recorded_by=work.cmd.actor,
        )
        for r in asked
    ]
    before = rates.store_rates(work.tx, new)
    changed = {"before": [_audited(r) for r in before], "after": [_audited(r) for r in new]}
    work.audit(work.tx.org_id, "rates.stored", changed)
    return new


def _audited(r: ExchangeRate) -> dict[str, str]:
    return {
        "base": r.base, "quote": r.quote, "rate_date": str(r.rate_date), "rate": f"{r.rate:f}", "source": r.source,
    }  # fmt: skip
