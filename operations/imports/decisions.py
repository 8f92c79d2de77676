"""What people do to an import: upload, decide, pause, resume, cancel. One transaction each.

The row's status is the truth; the process reads it. Pause and cancel therefore act between two batches, because a batch
locks the row and looks first.
"""

from dataclasses import replace

from models.approvals.chain import open_chain
from models.approvals.plan import FALLBACK, PlannedStep
from models.customers.approval_policy import plan
from models.db import lookups
from models.db.customer_360 import panels
from models.db.exceptions import resolve_about
from models.db.imports import files, imports
from models.db.tx import Tx
from models.errors import Refusal
from models.imports.answers import ImportAnswer, ImportMapping, import_answer, mapping_answer
from models.imports.records import Import, ImportStatus, Pull, ReviewStep, SavedMapping
from models.imports.requests import ImportOptions, NamedMapping, SubmitImport
from models.imports.review import notice_of, steps_of
from models.messages.imports import import_workflow_id
from models.values import Empty
from operations import execution
from operations.approvals import acts
from operations.customers.policies import policy_of
from operations.imports.ends import end_import
from operations.imports.reviewing import REVIEWS, must_be_open
from operations.runner import operation
from operations.work import Outcome, Work


@operation("import.submit", SubmitImport, ImportAnswer, execution.Import(begins=True))
def submit_import(work: Work, asked: SubmitImport) -> Outcome[ImportAnswer]:
    """Keep the import, to be staged by its process. The same file with the same options is the same import, unless the
    caller chose another Idempotency-Key; so is the same pull for as long as it lasts.
    Raises LEGAL_ENTITY_NOT_FOUND, SOURCE_CONNECTION_NOT_FOUND, FORBIDDEN."""
    tx, cmd, options = work.tx, work.cmd, asked.options
    import_id = str(cmd.resource_id)
    lookups.legal_entity(tx, options.legal_entity_id)
    pull = None if options.connection is None else _pull(tx, options, options.connection)
    work.require_entity(options.legal_entity_id)
    if not cmd.key_given:
        imports.lock_upload(tx, asked.file_hash)
        before = imports.same_upload(tx, asked.file_hash, options.digest())
        if before is not None:
            files.drop_file(tx, import_id)
            return Outcome(import_answer(before, notice_of(before)), 202, True)
    one = Import(
        id=import_id,
        status=ImportStatus.STAGING,
        source=options.source,
        options=options,
        options_hash=options.digest(),
        file_name=asked.file_name,
        file_hash=asked.file_hash,
        file_bytes=asked.file_bytes,
        legal_entity_id=options.legal_entity_id,
        submitted_by=cmd.actor,
        entities=cmd.entities,
        command_id=cmd.id,
        request_id=cmd.request_id,
        workflow_id=import_workflow_id(import_id),
        batch_size=options.batch_size,
        created_at=work.now,
        pull=pull,
    )
    work.add("customer_imports", [one])
    about = {"source": one.source, "options": options, "file_hash": one.file_hash, "file_bytes": one.file_bytes}
    work.audit(import_id, "import.submitted", about | {"legal_entity_id": one.legal_entity_id})
    return Outcome(import_answer(one), 202)


def _pull(tx: Tx, options: ImportOptions, name: str) -> Pull:
    found = panels.connection(tx, name)
    if found is None or not found.enabled or found.kind != options.source:
        wanted = f"There is no enabled connection {name!r} to {options.source}."
        raise Refusal("SOURCE_CONNECTION_NOT_FOUND", wanted)
    return Pull(name)


@operation("import.save_mapping", NamedMapping, ImportMapping)
def save_mapping(work: Work, asked: NamedMapping) -> Outcome[ImportMapping]:
    """Keep a mapping of column names for later uploads, under its name."""
    before = imports.saved_mapping(work.tx, asked.name)
    saved = SavedMapping(asked.name, asked.source, asked.mapping, work.now, work.cmd.actor)
    imports.save_mapping(work.tx, saved)
    changed = {"name": saved.name, "before": before and before.mapping, "after": saved.mapping}
    work.audit(work.tx.org_id, "import.mapping_saved", changed)
    return Outcome(mapping_answer(saved))


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


def begin_review(tx: Tx, one: Import) -> tuple[ReviewStep, ...]:
    """The steps of an import that has been validated; the first one waits for its decision."""
    return steps_of(open_chain(one.submitted_by, review_plan(tx, one.options), tx.now))


acts.acts_of(REVIEWS, ImportAnswer, REVIEWS.answer, lambda _: execution.Import())


@operation("import.pause", Empty, ImportAnswer, execution.Import())
def pause_import(work: Work, _: Empty) -> Outcome[ImportAnswer]:
    """Hold between two batches. Raises IMPORT_CLOSED, IMPORT_STATE."""
    return _move(work, ImportStatus.EXECUTING, ImportStatus.PAUSED, "import.paused")


@operation("import.resume", Empty, ImportAnswer, execution.Import())
def resume_import(work: Work, _: Empty) -> Outcome[ImportAnswer]:
    """Go on where it was paused. Raises IMPORT_CLOSED, IMPORT_STATE."""
    return _move(work, ImportStatus.PAUSED, ImportStatus.EXECUTING, "import.resumed")


@operation("import.cancel", Empty, ImportAnswer, execution.Import())
def cancel_import(work: Work, _: Empty) -> Outcome[ImportAnswer]:
    """End it between two batches; what was created stays. Raises IMPORT_CLOSED."""
    one = must_be_open(_locked(work))
    files.drop_file(work.tx, one.id)
    resolve_about(work.tx, REVIEWS.overdue, one.id, work.cmd.actor, "CANCELLED")
    return _answer(end_import(work, one, ImportStatus.CANCELLED))


def _move(work: Work, before: ImportStatus, after: ImportStatus, action: str) -> Outcome[ImportAnswer]:
    one = must_be_open(_locked(work))
    if one.status is not before:
        raise Refusal("IMPORT_STATE", f"The import is {one.status}, not {before}.", status_now=one.status.value)
    work.audit(one.id, action, {"executed_rows": one.executed_rows})
    return _answer(imports.save(work.tx, one, replace(one, status=after)))


def _locked(work: Work) -> Import:
    one = imports.get(work.tx, str(work.cmd.resource_id), lock=True)
    work.require_entity(one.legal_entity_id)
    return one


def _answer(one: Import) -> Outcome[ImportAnswer]:
    return Outcome(import_answer(one))
