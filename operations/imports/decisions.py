"""What people do to an import: upload, decide, pause, resume, cancel. One transaction each.

The row's status is the truth; the process reads it. Pause and cancel therefore act between two batches, because a batch
locks the row and looks first.
"""

from dataclasses import replace
from typing import Any, Final

from models.access import Principal
from models.customers.approval import Chain, Decision, decide, open_chain, repeats
from models.customers.approval_policy import FALLBACK, PlannedStep, plan
from models.db import lookups
from models.db.customer_360 import panels
from models.db.imports import records as imports
from models.db.tx import Row, Tx
from models.errors import Refusal
from models.imports.options import OPEN, ImportOptions, ImportStatus
from models.messages.imports import import_workflow_id
from operations import carried
from operations.customers.policies import policy_of
from operations.imports.ends import end_import
from operations.imports.pulling import begun
from operations.imports.view import import_body
from operations.runner import untyped_operation
from operations.work import Outcome, Work

REVIEWER: Final = "manager"


@untyped_operation("import.submit", carried.Import(begins=True))
def submit_import(work: Work) -> Outcome[Any]:
    """Keep the import, to be staged by its process. The same file with the same options is the same import, unless the
    caller chose another Idempotency-Key; so is the same pull for as long as it lasts.
    Raises LEGAL_ENTITY_NOT_FOUND, SOURCE_CONNECTION_NOT_FOUND, FORBIDDEN."""
    tx, cmd, body = work.tx, work.cmd, work.cmd.body
    options = ImportOptions.model_validate(body["options"])
    import_id = str(cmd.resource_id)
    lookups.legal_entity(tx, options.legal_entity_id)
    pull = None if options.connection is None else _pull(tx, options)
    work.require_entity(options.legal_entity_id)
    if not cmd.key_given:
        tx.run("SELECT pg_advisory_xact_lock(hashtextextended('import:' || :org || :file, 0))", file=body["file_hash"])
        before = imports.same_upload(tx, body["file_hash"], options.digest())
        if before is not None:
            imports.drop_file(tx, import_id)
            return Outcome(submitted_body(before), 202, True)
    row = {
        "id": import_id,
        "status": ImportStatus.STAGING.value,
        "source": options.source,
        "options": options.as_json(),
        "options_hash": options.digest(),
        "file_name": body["file_name"],
        "file_hash": body["file_hash"],
        "file_bytes": body["file_bytes"],
        "legal_entity_id": options.legal_entity_id,
        "submitted_by": cmd.actor,
        "entities": None if cmd.entities is None else sorted(cmd.entities),
        "command_id": cmd.id,
        "request_id": cmd.request_id,
        "workflow_id": import_workflow_id(import_id),
        "batch_size": options.batch_size,
        "created_at": work.now,
        "pull": pull,
    }
    tx.insert("customer_imports", [row])
    work.audit(
        import_id,
        "import.submitted",
        {k: row[k] for k in ("source", "options", "file_hash", "file_bytes", "legal_entity_id")},
    )
    return Outcome(submitted_body(row), 202)


def _pull(tx: Tx, options: ImportOptions) -> dict[str, Any]:
    found = panels.connection(tx, str(options.connection))
    if found is None or not found["enabled"] or found["kind"] != options.source:
        wanted = f"There is no enabled connection {options.connection!r} to {options.source}."
        raise Refusal("SOURCE_CONNECTION_NOT_FOUND", wanted)
    return begun(found["name"])


@untyped_operation("import.save_mapping")
def save_mapping(work: Work) -> Outcome[Any]:
    """Keep a mapping of column names for later uploads, under its name."""
    body, name = work.cmd.body, str(work.cmd.body["name"])
    before = imports.saved_mapping(work.tx, name)
    imports.save_mapping(work.tx, name, body["source"], body["mapping"], work.cmd.actor)
    said = {"name": name, "before": None if before is None else before["mapping"], "after": body["mapping"]}
    work.audit(work.tx.org_id, "import.mapping_saved", said)
    return Outcome(mapping_body(imports.saved_mapping(work.tx, name)))


def mapping_body(row: Any) -> dict[str, Any]:
    """A saved mapping as its readers see it."""
    return {c: row[c] for c in ("name", "source", "mapping", "updated_at", "updated_by")}


def submitted_body(row: Any) -> dict[str, Any]:
    """What the upload is answered: the ids, and that staging has begun."""
    return {"id": row["id"], "workflow_id": row["workflow_id"], "status": row["status"]}


def review_plan(tx: Tx, options: ImportOptions) -> list[PlannedStep]:
    """The steps of the review: a manager, and what the organisation's policy adds."""
    policy = policy_of(tx)
    steps = plan(policy, "import")
    if (
        policy.import_update_controller
        and options.on_duplicate == "update"
        and "controller" not in {s.role for s in steps}
    ):
        steps.append(PlannedStep("controller", fallback=FALLBACK["controller"]))
    return steps


def begin_review(tx: Tx, row: Row) -> Chain:
    """The chain of an import that has been validated."""
    return open_chain(row["submitted_by"], review_plan(tx, ImportOptions.model_validate(row["options"])), tx.now)


@untyped_operation("import.decide", carried.Import())
def decide_import(work: Work) -> Outcome[Any]:
    """The review's decision. Raises IMPORT_CLOSED, FORBIDDEN, SEGREGATION_OF_DUTIES, IMPORT_NOT_AWAITING_REVIEW,
    REASON_REQUIRED, in this order."""
    cmd = work.cmd
    row = _seen(work)
    decision, who = (
        Decision(cmd.body["decision"]),
        Principal(cmd.actor, work.tx.org_id, frozenset(cmd.roles), cmd.entities),
    )
    chain = imports.chain_of(row)
    if repeats(chain, who, decision, step=None, reason=cmd.body.get("reason_code")):
        return replace(_answer(work, row), replayed=True)
    _must_be_open(row)
    if not row["steps"]:
        raise Refusal("IMPORT_NOT_AWAITING_REVIEW", f"The import is {row['status']}: there is nothing to decide yet.")
    try:
        after = decide(chain, who, decision, work.now, reason=cmd.body.get("reason_code"))
    except Refusal as no:
        if no.code == "STEP_NOT_PENDING":
            raise Refusal("IMPORT_NOT_AWAITING_REVIEW", no.detail, **no.extra) from None
        raise
    decided = next(s for s in after.steps if s.decided_at == work.now)
    comments = {s["step"]: s.get("comment") for s in row["steps"]} | {decided.number: cmd.body.get("comment")}
    imports.update(work.tx, row["id"], steps=imports.steps_json(after, comments))
    said = {"step": decided.number, "role": decided.role, "decision": decision.value}
    work.audit(
        row["id"],
        "import.decided",
        said | {"comment": cmd.body.get("comment")},
        reason_code=cmd.body.get("reason_code"),
    )
    if decision is Decision.REJECT:
        end_import(work, imports.get(work.tx, row["id"]), ImportStatus.REJECTED)
    elif after.complete:
        imports.update(work.tx, row["id"], status=ImportStatus.EXECUTING.value, started_at=work.now)
    return _answer(work, row)


@untyped_operation("import.pause", carried.Import())
def pause_import(work: Work) -> Outcome[Any]:
    """Hold between two batches. Raises IMPORT_CLOSED, IMPORT_STATE."""
    return _move(work, ImportStatus.EXECUTING, ImportStatus.PAUSED, "import.paused")


@untyped_operation("import.resume", carried.Import())
def resume_import(work: Work) -> Outcome[Any]:
    """Go on where it was paused. Raises IMPORT_CLOSED, IMPORT_STATE."""
    return _move(work, ImportStatus.PAUSED, ImportStatus.EXECUTING, "import.resumed")


@untyped_operation("import.cancel", carried.Import())
def cancel_import(work: Work) -> Outcome[Any]:
    """End it between two batches; what was created stays. Raises IMPORT_CLOSED."""
    row = _locked(work)
    imports.drop_file(work.tx, row["id"])
    end_import(work, row, ImportStatus.CANCELLED)
    return _answer(work, row)


def _move(work: Work, before: ImportStatus, after: ImportStatus, action: str) -> Outcome[Any]:
    row = _locked(work)
    if row["status"] != before:
        raise Refusal("IMPORT_STATE", f"The import is {row['status']}, not {before.value}.", status_now=row["status"])
    imports.update(work.tx, row["id"], status=after.value)
    work.audit(row["id"], action, {"executed_rows": row["executed_rows"]})
    return _answer(work, row)


def _locked(work: Work) -> Row:
    row = _seen(work)
    _must_be_open(row)
    return row


def _seen(work: Work) -> Row:
    row = imports.get(work.tx, str(work.cmd.resource_id), lock=True)
    work.require_entity(row["legal_entity_id"])
    return row


def _must_be_open(row: Row) -> None:
    if row["status"] not in OPEN:
        raise Refusal("IMPORT_CLOSED", f"The import has ended: {row['status']}.", status_now=row["status"])


def _answer(work: Work, row: Row) -> Outcome[Any]:
    return Outcome(import_body(imports.get(work.tx, row["id"])))
