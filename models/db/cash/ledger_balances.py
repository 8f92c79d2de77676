"""Balances of the ledger's accounts, in the functional currency of each legal entity."""

from collections.abc import Collection
from datetime import date
from typing import Any

from models.db.tx import Tx


def balances(tx: Tx, day: date, account: str) -> dict[str, int]:
    """Debit less credit of one account by the end of `day`, by legal entity; entry dates count."""
    rows = tx.all(
        """SELECT e.legal_entity_id, sum(l.functional_debit_minor::numeric - l.functional_credit_minor) AS minor
             FROM journal_lines l JOIN journal_entries e ON e.org_id = l.org_id AND e.id = l.entry_id
            WHERE l.org_id = :org AND l.account = :account AND e.entry_date <= :day GROUP BY e.legal_entity_id""",
        account=account,
        day=day,
    )
    return {r["legal_entity_id"]: int(r["minor"]) for r in rows}


def trial_balance(tx: Tx, day: date, entities: Collection[str] | None) -> dict[str, Any]:
    """Every account with entries by the end of `day`, its balance on the side where it stands, and both turnovers."""
    where = "" if entities is None else " AND e.legal_entity_id = ANY(:entities)"
    rows = tx.all(
        f"""SELECT e.legal_entity_id, e.functional_currency, a.key, a.code, a.name, a.kind,
              sum(l.functional_debit_minor) AS debits, sum(l.functional_credit_minor) AS credits
             FROM journal_lines l JOIN journal_entries e ON e.org_id = l.org_id AND e.id = l.entry_id
             JOIN accounts a ON a.org_id = l.org_id AND a.key = l.account
            WHERE l.org_id = :org AND e.entry_date <= :day{where}
            GROUP BY e.legal_entity_id, e.functional_currency, a.key, a.code, a.name, a.kind
            ORDER BY e.legal_entity_id, a.code, a.key""",
        day=day,
        **({} if entities is None else {"entities": sorted(entities)}),
    )
    items, totals = [], dict[str, dict[str, Any]]()
    for r in rows:
        debits, credits = int(r["debits"]), int(r["credits"])
        figures = {
            "debit_minor": max(debits - credits, 0),
            "credit_minor": max(credits - debits, 0),
            "balance_minor": debits - credits,
            "turnover_debit_minor": debits,
            "turnover_credit_minor": credits,
        }
        where_from = {"legal_entity_id": r["legal_entity_id"], "currency_code": r["functional_currency"]}
        named = {"account": r["key"], "code": r["code"], "name": r["name"], "kind": r["kind"]}
        items.append(where_from | named | figures)
        total = totals.setdefault(r["legal_entity_id"], where_from | dict.fromkeys(figures, 0))
        for name, value in figures.items():
            total[name] += value
    return {"as_of": day.isoformat(), "items": items, "totals": list(totals.values())}
