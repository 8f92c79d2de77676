"""Proposals, kept and moved."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Final

from models.conversation.proposals import Confirmation, ProposalRecord, ProposalStatus, Spent, committing
from models.db.lookups import found
from models.db.tx import Tx

_GET: Final = "SELECT * FROM proposals WHERE org_id = :org AND id = :id"


def get(tx: Tx, proposal_id: str, *, lock: bool = False) -> ProposalRecord:
    """The proposal; 404 or 403 otherwise."""
    sql = _GET + (" FOR UPDATE" if lock else "")
    return found(tx, "proposal", proposal_id, tx.record(ProposalRecord, sql, id=proposal_id))


def find(tx: Tx, proposal_id: str) -> ProposalRecord | None:
    """The proposal, if it is there."""
    return tx.record(ProposalRecord, _GET, id=proposal_id)


def that_began(tx: Tx, workflow_ids: Collection[str]) -> Mapping[str, ProposalRecord]:
    """The proposals whose commits began these processes, by process. What only moved one on began none."""
    first = tx.all(
        """SELECT DISTINCT ON (workflow_id) workflow_id, path FROM commands
             WHERE org_id = :org AND workflow_id = ANY(:ids) ORDER BY workflow_id, created_at, id""",
        ids=list(workflow_ids),
    )
    began = {row["workflow_id"]: proposal for row in first if (proposal := committing(row["path"])) is not None}
    sql = "SELECT * FROM proposals WHERE org_id = :org AND id = ANY(:ids)"
    kept = {p.id: p for p in tx.records(ProposalRecord, sql, ids=list(began.values()))} if began else {}
    return {workflow_id: kept[proposal] for workflow_id, proposal in began.items() if proposal in kept}


def names_of(tx: Tx, ids: Collection[str], customer_id: str | None) -> Mapping[str, str]:
    """What people know records by: the numbers of these invoices and credit notes, and the name of this customer."""
    return tx.pairs(
        """SELECT id, external_id AS name FROM invoices WHERE org_id = :org AND id = ANY(:ids)
           UNION ALL SELECT id, external_id FROM credit_notes WHERE org_id = :org AND id = ANY(:ids)
           UNION ALL SELECT id, name FROM customers WHERE org_id = :org AND id = :customer""",
        ids=list(ids), customer=customer_id,
    )  # fmt: skip


def confirm(tx: Tx, proposal_id: str, by: Confirmation) -> None:
    """The person has said yes, that way."""
    sql = "UPDATE proposals SET confirmed_by = :by WHERE org_id = :org AND id = :id"
    tx.later(sql, id=proposal_id, by=by)


def end(
    tx: Tx, proposal_id: str, status: ProposalStatus, *, confirmed_by: Confirmation | None = None,
    command_id: str | None = None, successor_id: str | None = None,
) -> None:  # fmt: skip
    """It is committed, declined or stale, for ever."""
    tx.later(
        """UPDATE proposals SET status = :status, ended_at = :at, command_id = :command, successor_id = :successor,
             confirmed_by = coalesce(CAST(:by AS text), confirmed_by) WHERE org_id = :org AND id = :id""",
        id=proposal_id, status=status.value, at=tx.now, by=confirmed_by, command=command_id, successor=successor_id,
    )  # fmt: skip


def hold_agent(tx: Tx, actor: str, agent: str | None) -> None:
    """Nobody else has anything carried out for this agent and person until this transaction has ended."""
    key = f"agent:{tx.org_id}:{actor}:{agent or ''}"
    tx.run("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))", key=key)


def spent(tx: Tx, actor: str, agent: str | None, currency: str | None, now: datetime) -> Spent:
    """What an agent has had carried out for a person, in this currency (None: in any). The day is UTC's."""
    row = tx.one(
        """SELECT count(*) FILTER (WHERE ended_at > :hour) AS writes,
                  coalesce(sum(amount_minor) FILTER (WHERE ended_at >= :day
                    AND (amount_currency = :currency) IS NOT FALSE), 0) AS minor
             FROM proposals WHERE org_id = :org AND actor = :actor AND agent IS NOT DISTINCT FROM :agent
              AND status = 'COMMITTED' AND ended_at >= :since""",
        actor=actor, agent=agent, currency=currency,
        hour=now - timedelta(hours=1), day=now.replace(hour=0, minute=0, second=0, microsecond=0),
        since=now - timedelta(days=1),
    )  # fmt: skip
    assert row is not None
    return Spent(int(row["writes"]), int(row["minor"]))
