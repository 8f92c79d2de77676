"""An import as its readers see it."""

from typing import Any, Final

from models.imports.options import OPEN

_COUNTERS: Final = (
    "total_rows", "staged_rows", "validated_rows", "valid_rows", "error_rows", "warning_rows", "duplicate_rows", "executed_rows",
    "created", "updated", "skipped", "failed", "not_attempted", "batches_done", "batches_total",
)  # fmt: skip
_FACTS: Final = (
    "file_name", "file_bytes", "file_hash", "legal_entity_id", "submitted_by", "workflow_id", "options", "failure", "summary",
    "created_at", "staged_at", "validated_at", "started_at", "ended_at", "pruned_at",
)  # fmt: skip
_PULL: Final = ("connection", "pulled", "total", "complete", "failures", "error", "next_attempt_at")
_STEP: Final = ("step", "role", "status", "decided_by", "decided_at", "reason_code", "comment", "due_at")


def import_body(row: Any) -> dict[str, Any]:
    """The JSON of one import: where it stands, its steps, its counters, its summary or failure."""
    layout = row["layout"] or {}
    return (
        {
            "id": row["id"],
            "status": row["status"],
            "source": row["source"],
            "lane": row["lane"],
            "steps": import_steps(row),
        }
        | progress_body(row)
        | {f: row[f] for f in _FACTS}
        | {"columns": layout.get("columns"), "delimiter": layout.get("delimiter"), "pull": pull_body(row["pull"])}
    )


def pull_body(pull: Any) -> dict[str, Any] | None:
    """How far the records of a connection have been fetched, and what hinders it; None for an uploaded file."""
    return None if pull is None else {k: pull[k] for k in _PULL}


def import_steps(row: Any) -> list[dict[str, Any]]:
    """Step 1 is the validation, automatic; then the people of the review."""
    done = row["validated_at"] is not None
    failed = row["status"] == "FAILED" and not done
    status = "APPROVED" if done else "REJECTED" if failed else "PENDING" if row["status"] in OPEN else "SKIPPED"
    automatic = dict.fromkeys(_STEP) | {
        "step": 1,
        "role": "system",
        "status": status,
        "decided_at": row["validated_at"],
    }
    people = [{k: s.get(k) for k in _STEP} | {"step": s["step"] + 1} for s in row["steps"]]
    if row["status"] in ("CANCELLED", "STOPPED"):
        people = [s | {"status": "SKIPPED"} if s["status"] in ("PENDING", "WAITING") else s for s in people]
    if not people and not row["options"]["validate_only"]:
        waiting = "WAITING" if row["status"] in OPEN else "SKIPPED"
        people = [dict.fromkeys(_STEP) | {"step": 2, "role": "manager", "status": waiting}]
    return [automatic, *people]


def progress_body(row: Any) -> dict[str, Any]:
    """The counters alone, as the server-sent events carry them."""
    pulled = {} if row["pull"] is None else {"pull": pull_body(row["pull"])}
    return {"status": row["status"]} | {c: row[c] for c in _COUNTERS} | pulled
