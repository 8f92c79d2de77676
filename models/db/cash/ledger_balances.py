"""Balances of the ledger's accounts, in the functional currency of each legal entity."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Final

from models.cash.report_answers import AccountBalanceAnswer, EntityBalanceAnswer, TrialBalanceAnswer
from models.db.tx import Tx


def functional_currencies(tx: Tx, entities: Collection[str] | None) -> dict[str, str]:
    """The legal entities that the caller sees, and their functional currencies."""
    rows = tx.all("SELECT id, functional_currency FROM legal_entities WHERE org_id = :org ORDER BY id")
    return {r["id"]: r["functional_currency"] for r in rows if entities is None or r["id"] in entities}


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


@dataclass(frozen=True, slots=True)
class _Turnover:
    """Both sides of an account of one legal entity."""

    legal_entity_id: str
    functional_currency: str
    key: str
    code: str
    name: str
    kind: str
    debits: int
    credits: int


_TURNOVERS: Final = """SELECT e.legal_entity_id, e.functional_currency, a.key, a.code, a.name, a.kind,
    sum(l.functional_debit_minor) AS debits, sum(l.functional_credit_minor) AS credits
  FROM journal_lines l JOIN journal_entries e ON e.org_id = l.org_id AND e.id = l.entry_id
  JOIN accounts a ON a.org_id = l.org_id AND a.key = l.account
  WHERE l.org_id = :org AND e.entry_date <= :day
    AND (CAST(:entities AS text[]) IS NULL OR e.legal_entity_id = ANY(CAST(:entities AS text[])))
  GROUP BY e.legal_entity_id, e.functional_currency, a.key, a.code, a.name, a.kind
  ORDER BY e.legal_entity_id, a.code, a.key"""


def trial_balance(tx: Tx, day: date, entities: Collection[str] | None) -> TrialBalanceAnswer:
    """Every account with entries by the end of `day`, its balance on the side where it stands, and both turnovers."""
    only = None if entities is None else sorted(entities)
    accounts = [_account(t) for t in tx.records(_Turnover, _TURNOVERS, day=day, entities=only)]
    of_entity: dict[tuple[str, str], list[AccountBalanceAnswer]] = {}
    for a in accounts:
        of_entity.setdefault((a.legal_entity_id, a.currency_code), []).append(a)
    totals = [_total(entity, currency, own) for (entity, currency), own in of_entity.items()]
    return TrialBalanceAnswer(as_of=day, items=accounts, totals=totals)


def _account(t: _Turnover) -> AccountBalanceAnswer:
    return AccountBalanceAnswer(
        legal_entity_id=t.legal_entity_id,
        currency_code=t.functional_currency,
        account=t.key,
        code=t.code,
        name=t.name,
        kind=t.kind,
        debit_minor=max(t.debits - t.credits, 0),
        credit_minor=max(t.credits - t.debits, 0),
        balance_minor=t.debits - t.credits,
        turnover_debit_minor=t.debits,
        turnover_credit_minor=t.credits,
    )


def _total(entity: str, currency: str, own: Collection[AccountBalanceAnswer]) -> EntityBalanceAnswer:
    return EntityBalanceAnswer(
        legal_entity_id=entity,
        currency_code=currency,
        debit_minor=sum(a.debit_minor for a in own),
        credit_minor=sum(a.credit_minor for a in own),
        balance_minor=sum(a.balance_minor for a in own),
        turnover_debit_minor=sum(a.turnover_debit_minor for a in own),
        turnover_credit_minor=sum(a.turnover_credit_minor for a in own),
    )
