"""Source records written by `PUT /v1/sources/…`: all of a request or none of it."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from models.customer_360.source_records import KINDS, Kind, SourceRecord
from models.customer_360.stages import standing
from models.db.customer_360 import source_records as records
from models.db.lookups import refuse_missing
from models.db.master_data import settings_of
from models.errors import FieldError, Refusal
from operations.customer_360.escalations import resolve_closed
from operations.customer_360.renewals import watch_contracts
from operations.runner import untyped_operation
from operations.work import Outcome, Work


@untyped_operation("put_source_records")
def put_source_records(work: Work) -> Outcome[Any]:
    """Upsert by external_id. What did not change is left alone and leaves no trail."""
    kind = KINDS[work.cmd.body["kind"]]
    given = [kind.record.model_validate(r) for r in work.cmd.body["records"]]
    unknown = records.unknown_customers(work.tx, [r.customer_id for r in given])
    if unknown:
        refuse_missing(work.tx, "customer", unknown[0])
    _require_theirs(work, kind, given)
    rows = [kind.row(r, work.now.date()) for r in given]
    if kind.table == "opportunities":
        rows = staged(work, {f"/records/{n}/stage": row for n, row in enumerate(rows)})
    ids = write_records(work, kind, records.BUILT_IN, rows)
    # The request may name many customers; its text must not outlive the erasure of one. Its hash stays.
    records.forget_request(work.tx, work.cmd.id, kind.table, len(rows))
    return Outcome({"upserted": len(rows), "ids": [ids[r["external_id"]] for r in rows]})


def _require_theirs(work: Work, kind: Kind, given: Sequence[SourceRecord]) -> None:
    """403 where a record is, or by its external_id so far was, of a customer that the caller's token does not cover."""
    if work.cmd.entities is None:
        return
    before = records.known(work.tx, kind, records.BUILT_IN, [r.external_id for r in given])
    customers = {r.customer_id for r in given} | {r["customer_id"] for r in before.values()}
    for legal_entity_id in records.entities_of(work.tx, sorted(customers)):
        work.require_entity(legal_entity_id)


def staged(work: Work, rows: Mapping[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Opportunities, by where their stage stands in the request: open or closed as the organisation knows the stage.

    `422 STAGE_UNKNOWN`, naming each, where it does not.
    """
    own = settings_of(work.tx).opportunity_stages
    said = {loc: standing(row["stage"], own) for loc, row in rows.items()}
    wrong = "Neither a standard stage nor one of the organisation's (its setting opportunity_stages)"
    unknown = [FieldError(loc, "STAGE_UNKNOWN", wrong) for loc, s in said.items() if s is None]
    if unknown:
        stages = ", ".join(sorted({rows[e.loc]["stage"] for e in unknown}))
        raise Refusal("STAGE_UNKNOWN", f"There is no stage {stages}.", errors=unknown)
    return [{**row, "closed": said[loc] == "closed"} for loc, row in rows.items()]


def write_records(work: Work, kind: Kind, source: str, rows: list[dict[str, Any]]) -> dict[str, str]:
    """Write what differs, with its trail; the ids by external_id. Shared by the API and by the adapters."""
    before = records.known(work.tx, kind, source, [r["external_id"] for r in rows])
    changes = {r["external_id"]: records.changed_fields(before.get(r["external_id"]), r) for r in rows}
    differing = [r for r in rows if changes[r["external_id"]]]
    ids = {ext: r["id"] for ext, r in before.items()}
    ids |= records.upsert(work.tx, kind, source, differing, work.cmd.actor)
    for r in differing:
        ext = r["external_id"]
        action = f"{kind.noun}.{'updated' if ext in before else 'created'}"
        work.audit(
            ids[ext], action, {"customer_id": r["customer_id"], "source": source, "changes": _told(changes[ext])}
        )
    follow(work, kind, [ids[r["external_id"]] for r in differing])
    return ids


_FREE_TEXT = {"name", "subject"}  # may be personal: the trail says that it changed, the record says what it is


def _told(changes: dict[str, list[Any]]) -> dict[str, Any]:
    return {f: "changed" if f in _FREE_TEXT else [_plain(v) for v in pair] for f, pair in changes.items()}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def follow(work: Work, kind: Kind, ids: list[str]) -> None:
    """What a change of a record means at once: a renewal to watch, an escalation that its case's end resolves."""
    if kind.table == "contracts":
        watch_contracts(work, ids)
    elif kind.table == "cases":
        resolve_closed(work, ids)
