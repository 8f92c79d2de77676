"""Validation: every row judged by the rules of a single customer, then all of them against each other and the master.

Rows are judged in slices, each one transaction with its cursor; the comparison is a few statements over all rows, which
may be repeated without harm.
"""

import time
from collections.abc import Iterator
from typing import Any, Final

from sqlalchemy import Engine

from models.customers.record import LISTS
from models.db.engine import transaction
from models.db.imports import matching
from models.db.imports import records as imports
from models.db.tx import Row, Tx, to_json
from models.ids import new_id
from models.imports.checked import Checked
from models.imports.options import ImportStatus
from models.imports.rows import RowChecker
from operations.imports.decisions import begin_review
from operations.imports.ends import end_import, import_work
from operations.imports.names import similar_names
from operations.imports.preview import find_refused, sample
from operations.imports.raw_rows import layout_of, read_rows
from operations.imports.staging import Beat, Superseded, claim

SLICE: Final = 10_000


def validate(engine: Engine, org_id: str, import_id: str, beat: Beat, seconds: float) -> None:
    """Work for about `seconds`; the rest is for the next call. Moves the import on when every row is judged."""
    attempt = claim(engine, org_id, import_id, ImportStatus.VALIDATING)
    if attempt is None:
        return
    until = time.monotonic() + seconds
    checker: RowChecker | None = None
    while True:
        with transaction(engine, org_id) as tx:
            row = _mine(tx, import_id, attempt)
            if row["validated_rows"] >= row["total_rows"]:
                break
            checker = checker or _checker(tx, row)
            done = _slice(tx, row, checker)
        beat(done)
        if time.monotonic() > until:
            return
    for step in (matching.find_duplicates, matching.find_repeated, find_refused, similar_names, _conclude):
        with transaction(engine, org_id) as tx:
            step(tx, _mine(tx, import_id, attempt))
        beat(0)


def _mine(tx: Tx, import_id: str, attempt: int) -> Row:
    row = imports.get(tx, import_id, lock=True)
    if row["attempt"] != attempt or row["status"] != ImportStatus.VALIDATING:
        raise Superseded(import_id)
    return row


def _checker(tx: Tx, row: Row) -> RowChecker:
    said = row["layout"]
    known = imports.known(tx, row["entities"])
    return RowChecker(said["header"], said["fields"], row["source"], row["legal_entity_id"], known)


def _slice(tx: Tx, row: Row, checker: RowChecker) -> int:
    """Judge the next rows; the cursor moves with them. Answers where it stands."""
    import_id, layout = row["id"], layout_of(row)
    upto = min(row["validated_rows"] + SLICE, row["total_rows"])
    lines = imports.lines_between(tx, import_id, row["validated_rows"], upto)
    judge = checker.object if layout.format == "object" else checker.cells
    wrong = 0

    def judged() -> Iterator[tuple[Any, ...]]:
        nonlocal wrong
        for line, parsed in zip(lines, read_rows(layout, [r["raw"] for r in lines]), strict=True):
            checked = judge(parsed)
            wrong += bool(checked.faults)
            yield _tuple(import_id, line["row_no"], tx.org_id, checked)

    imports.copy_checked(tx, judged())
    tx.run(
        "UPDATE customer_imports SET validated_rows = :upto, error_rows = error_rows + :wrong, "
        "valid_rows = valid_rows + :right WHERE org_id = :org AND id = :id",
        id=import_id,
        upto=upto,
        wrong=wrong,
        right=len(lines) - wrong,
    )
    return int(upto)


def _tuple(import_id: str, row_no: int, org_id: str, c: Checked) -> tuple[Any, ...]:
    if c.faults:
        return import_id, row_no, org_id, False, *(None,) * 21, to_json(c.faults), None
    v = c.values.get
    name_key, email_key, tax_key = c.keys
    return (
        import_id, row_no, org_id, True, new_id("cust"), v("legal_entity_id"), v("external_id"), v("name"), v("email"), name_key,
        email_key,
        v("tax_id"), tax_key, v("phone"), v("website"), v("billing_email"), v("notes"), v("customer_type"), v("credit_limit"),
        v("payment_terms"), v("currency_code"), v("tax_code"), v("revenue_account"), v("metadata"),
        _named(v("related")), None, c.warnings or None,
    )  # fmt: skip


def _named(related: dict[str, Any] | None) -> str | None:
    """The related records, each with the id that it will have."""
    if not related:
        return None
    return to_json(
        {
            name: [{"id": new_id(LISTS[name][0])} | one for one in items] if name in LISTS else items
            for name, items in related.items()
        }
    )


def _conclude(tx: Tx, row: Row) -> None:
    """Count, sum up, and hand the import to its reviewers; with validate_only it ends here."""
    summary, counts = matching.summary(tx, row)
    if "changes" in summary:
        weighty = [one["row"] for one in summary["changes"]["first"]]
        summary["changes"]["rows"] = sample(tx, row, weighty)
    work = import_work(tx, row)
    imports.update(tx, row["id"], summary=summary, validated_at=tx.now, **counts)
    work.audit(row["id"], "import.validated", {"counts": counts, "codes": summary["codes"], "would": summary["would"]})
    if row["options"]["validate_only"]:
        end_import(work, imports.get(tx, row["id"]), ImportStatus.VALIDATED)
    else:
        chain = begin_review(tx, row)
        imports.update(tx, row["id"], status=ImportStatus.AWAITING_REVIEW.value, steps=imports.steps_json(chain))
    work.flush()
