"""Rates, periods, settings and master data, read."""

from collections.abc import Collection, Sequence
from typing import Any

from models.db.cash.payment_reads import entity_filter
from models.db.tx import Row, Tx

DEFAULTS = {
    "receipt_posting": "on_application",
    "payment_date_horizon_days": 7,
    "remittance_confirmation": "send",
    "mail_sender": "accounts-receivable@example.com",
    "opportunity_stages": {},
}


def list_rates(tx: Tx, base: str | None, quote: str | None, after: tuple[Any, ...] | None, limit: int) -> Sequence[Row]:
    where, params = "", {}
    for name, value in (("base", base), ("quote", quote)):
        if value:
            where += f" AND {name} = :{name}"
            params[name] = value
    if after:
        where += " AND (rate_date, base, quote) < (:day, :after_base, :after_quote)"
        params |= {"day": after[0], "after_base": after[1], "after_quote": after[2]}
    sql = f"SELECT * FROM fx_rates WHERE org_id = :org{where} ORDER BY rate_date DESC, base DESC, quote DESC LIMIT :n"
    return tx.all(sql, **params, n=limit)


def rate_body(r: Any) -> dict[str, Any]:
    return {
        "base_currency": r["base"],
        "quote_currency": r["quote"],
        **{k: r[k] for k in ("source", "recorded_by")},
        "rate_date": r["rate_date"].isoformat(),
        "rate": f"{r['rate']:f}",
        "recorded_at": r["recorded_at"].isoformat(),
    }


def list_periods(tx: Tx) -> list[dict[str, Any]]:
    rows = tx.all("SELECT * FROM periods WHERE org_id = :org ORDER BY period")
    return [
        {**{k: r[k] for k in ("period", "status", "changed_by")}, "changed_at": r["changed_at"].isoformat()}
        for r in rows
    ]


def settings_of(tx: Tx) -> dict[str, Any]:
    return DEFAULTS | (tx.scalar("SELECT settings FROM organisations WHERE org_id = :org") or {})


def master_data(tx: Tx, entities: Collection[str] | None) -> dict[str, Any]:
    by_id, params = entity_filter(entities, "id")
    by_entity, _ = entity_filter(entities)
    les = f"SELECT id, name, functional_currency FROM legal_entities WHERE org_id = :org{by_id} ORDER BY id"
    banks = (
        f"SELECT id, legal_entity_id, currency_code, name FROM bank_accounts WHERE org_id = :org{by_entity} ORDER BY id"
    )
    terms = "SELECT code, days FROM payment_terms WHERE org_id = :org ORDER BY days, code"
    dimensions = "SELECT type, code, name FROM dimensions WHERE org_id = :org ORDER BY type, code"
    accounts = "SELECT key, code, name, kind FROM accounts WHERE org_id = :org ORDER BY code"
    return {
        "legal_entities": [dict(r) for r in tx.all(les, **params)],
        "bank_accounts": [dict(r) for r in tx.all(banks, **params)],
        "payment_terms": [dict(r) for r in tx.all(terms)],
        "accounts": [dict(r) for r in tx.all(accounts)],
        "dimensions": [dict(r) for r in tx.all(dimensions)],
    }
