"""Source records written by `PUT /v1/sources/…`: all of a request or none of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from models.customer_360.answers import UpsertedAnswer
from models.customer_360.kinds import KINDS, Kind
from models.customer_360.records import Opportunity, SourceFacts
from models.customer_360.source_records import PutSourceRecords, SourceRecord
from models.customer_360.stages import open_or_closed
from models.db import commands
from models.db.customer_360 import source_records as records
from models.db.lookups import refuse_missing
from models.db.master_data import settings_of
from models.errors import FieldError, Refusal
from models.facts import Facts
from operations.customer_360.escalations import resolve_closed
from operations.customer_360.renewals import watch_contracts
from operations.runner import operation
from operations.work import Outcome, Work

_FREE_TEXT = {"name", "subject"}  # may be personal: the trail says that it changed, the record says what it is


def put_operation(kind: Kind) -> str:
    """The name of the operation that writes records of this kind."""
    return f"put_{kind.table}"


def _puts(kind: Kind) -> Callable[[Work, PutSourceRecords[SourceRecord]], Outcome[UpsertedAnswer]]:
    def put(work: Work, asked: PutSourceRecords[SourceRecord]) -> Outcome[UpsertedAnswer]:
        """Upsert by external_id. What did not change is left alone and leaves no trail."""
        unknown = records.unknown_customers(work.tx, [r.customer_id for r in asked.records])
        if unknown:
            refuse_missing(work.tx, "customer", unknown[0])
        _require_theirs(work, kind, asked.records)
        said: Sequence[SourceFacts] = [r.facts(work.now.date()) for r in asked.records]
        opportunities = {f"/records/{n}/stage": r for n, r in enumerate(said) if isinstance(r, Opportunity)}
        if opportunities:
            said = with_known_stages(work, opportunities)
        ids = write_records(work, kind, records.BUILT_IN, said)
        # The request may name many customers; its text must not outlive the erasure of one. Its hash stays.
        commands.shorten(work.tx, work.cmd.id, {"kind": kind.table, "count": len(said)})
        return Outcome(UpsertedAnswer(upserted=len(said), ids=[ids[r.external_id] for r in said]))

    return put


for _kind in KINDS.values():
    operation(put_operation(_kind), _kind.takes, UpsertedAnswer)(_puts(_kind))


def _require_theirs(work: Work, kind: Kind, given: Sequence[SourceRecord]) -> None:
    """403 where a record is, or by its external_id so far was, of a customer that the caller's token does not cover."""
    if work.cmd.entities is None:
        return
    before = records.known(work.tx, kind, records.BUILT_IN, [r.external_id for r in given])
    customers = {r.customer_id for r in given} | {k.facts.customer_id for k in before.values()}
    for legal_entity_id in records.entities_of(work.tx, sorted(customers)):
        work.require_entity(legal_entity_id)


def with_known_stages(work: Work, opportunities: Mapping[str, Opportunity]) -> list[Opportunity]:
    """Opportunities, by where their stage is in the request: open or closed as the organisation knows the stage.

    `422 STAGE_UNKNOWN`, naming each, where it does not.
    """
    own = settings_of(work.tx).opportunity_stages
    known = {loc: open_or_closed(o.stage, own) for loc, o in opportunities.items()}
    wrong = "Neither a standard stage nor one of the organisation's (its setting opportunity_stages)"
    unknown = [FieldError(loc, "STAGE_UNKNOWN", wrong) for loc, s in known.items() if s is None]
    if unknown:
        stages = ", ".join(sorted({opportunities[e.loc].stage for e in unknown}))
        raise Refusal("STAGE_UNKNOWN", f"There is no stage {stages}.", errors=unknown)
    return [replace(o, closed=known[loc] == "closed") for loc, o in opportunities.items()]


def write_records(work: Work, kind: Kind, source: str, said: Sequence[SourceFacts]) -> dict[str, str]:
    """Write what differs, with its trail; the ids by external_id. Shared by the API and by the adapters."""
    before = records.known(work.tx, kind, source, [r.external_id for r in said])
    changes = {
        r.external_id: records.changed_fields(before[r.external_id].facts if r.external_id in before else None, r)
        for r in said
    }
    differing = [r for r in said if changes[r.external_id]]
    ids = {ext: k.id for ext, k in before.items()}
    ids |= records.upsert(work.tx, kind, source, differing, work.cmd.actor)
    for r in differing:
        action = f"{kind.noun}.{'updated' if r.external_id in before else 'created'}"
        fields = {f: "changed" if f in _FREE_TEXT else pair for f, pair in changes[r.external_id].items()}
        about: Facts = {"customer_id": r.customer_id, "source": source, "changes": fields}
        work.audit(ids[r.external_id], action, about)
    follow(work, kind, [ids[r.external_id] for r in differing])
    return ids


def follow(work: Work, kind: Kind, ids: Sequence[str]) -> None:
    """What a change of a record means at once: a renewal to watch, an escalation that its case's end resolves."""
    if kind.table == "contracts":
        watch_contracts(work, ids)
    elif kind.table == "cases":
        resolve_closed(work, ids)
