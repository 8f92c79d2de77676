"""Carrying out what was proposed: exactly the effect that was shown, once, after a person has said yes."""

from collections.abc import Sequence

from models.commands import Answered
from models.conversation.proposals import ProposalRecord, ProposalStatus, committing, require_budget, stale
from models.db import master_data, proposals
from models.errors import Refusal
from models.master_data.records import Agents
from operations.effects import effect_of
from operations.work import Work


def open_proposal(work: Work) -> ProposalRecord | None:
    """The proposal that the command is to carry out, locked, where it came through one; it may be, or is refused."""
    proposal_id = committing(work.cmd.path)
    if proposal_id is None or work.cmd.operation.startswith("proposal."):
        return None
    p = proposals.get(work.tx, proposal_id, lock=True)
    _require_the_same(work, p)
    p.require_committable(work.now)
    require_agents(master_data.settings_of(work.tx).agents, writes=True)
    work.conversation = p.conversation
    _require_budget(work, p)
    return p


def commit_proposal(work: Work, p: ProposalRecord, done: Answered, made: Sequence[str]) -> None:
    """It has been done, in the transaction of its command. Nothing of it stays unless it is what was shown. `made`: the ids
    that were made for it."""
    if effect_of(work, done, made).hash != p.effect_hash:
        raise stale(None)
    proposals.end(
        work.tx, p.id, ProposalStatus.COMMITTED, confirmed_by=p.confirmed_by or "page", command_id=work.cmd.id
    )
    work.audit(p.id, "proposal.committed", {"operation": p.operation, "record_id": p.record_id})


def name_the_proposal(work: Work) -> None:
    """What is said of the command is said with the proposal that it would have carried out."""
    proposal_id = committing(work.cmd.path)
    found = None if proposal_id is None else proposals.find(work.tx, proposal_id)
    if found is not None:
        work.conversation = found.conversation


def require_agents(agents: Agents, *, writes: bool) -> None:
    """403 where the organisation has switched assistants off, or lets them read only."""
    if agents is Agents.OFF:
        raise Refusal("AGENTS_OFF", "The organisation has switched assistants off.")
    if writes and agents is Agents.READ_ONLY:
        raise Refusal("AGENTS_READ_ONLY", "The organisation lets assistants read, and propose or commit nothing.")


def _require_the_same(work: Work, p: ProposalRecord) -> None:
    cmd = work.cmd
    if (p.actor, p.operation, p.record_id) != (cmd.actor, cmd.operation, cmd.resource_id):
        raise Refusal("FORBIDDEN", "This is another person's proposal.")
    if p.confirmed_by is None:
        raise Refusal("PERSON_REQUIRED", "Nobody has confirmed the proposal.")


def _require_budget(work: Work, p: ProposalRecord) -> None:
    if p.writes_per_hour is None and p.amount_minor_per_day is None:
        return
    proposals.hold_agent(work.tx, p.actor, p.agent)
    require_budget(p, proposals.spent(work.tx, p.actor, p.agent, p.amount_currency, work.now))
