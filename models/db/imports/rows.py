"""Rows of an import with what became of them."""

from typing import Final

from models.db.tx import Tx
from models.imports.records import Import, ImportRow, ImportStatus

REFUSED: Final = (
    "DUPLICATE_AMBIGUOUS", "EXTERNAL_ID_CONFLICT", "RELATED_AMBIGUOUS", "PRICING_TIERS_OVERLAP", "QUANTITY_RANGE_INVALID",
    "EFFECTIVE_RANGE_INVALID", "FIELD_DUPLICATE", "PAYS_FOR_OVERLAP", "PAYS_FOR_SELF", "PAYS_FOR_CIRCLE", "CUSTOMER_NOT_FOUND",
    "ORG_CONTEXT_MISMATCH", "FORBIDDEN", "ENTITY_UNKNOWN",
)  # fmt: skip
INVALID: Final = f"(r.ok IS FALSE OR coalesce(r.duplicate && ARRAY{list(REFUSED)!r}, false))"
"""A row that cannot be executed whatever on_duplicate says: wrong in itself, meeting two customers at once, or asking of a
customer what no import may do."""

FILTERS: Final = {
    "error": "(coalesce(o.outcome, '') = 'failed' OR (o.outcome IS NULL AND " + INVALID + "))",
    "failed": "(coalesce(o.outcome, '') = 'failed' OR (o.outcome IS NULL AND " + INVALID + "))",
    "created": "o.outcome = 'created'",
    "updated": "o.outcome = 'updated'",
    "skipped": "o.outcome = 'skipped'",
    "warning": "r.warnings IS NOT NULL",
    "duplicate": "r.duplicate IS NOT NULL",
    # Of a row that was in order nothing but its outcome stays when its time is over.
    "valid": f"(r.ok OR (r.row_no IS NULL AND o.outcome IS NOT NULL)) AND NOT {INVALID}",
    "not_attempted": f"o.outcome IS NULL AND NOT {INVALID}",
}
"""The values of `?outcome=`. `error` are the rows that are invalid or failed."""


_SAYS: Final = """(r.errors @> jsonb_build_array(jsonb_build_object('code', CAST(:code AS text))) OR :code = ANY(r.warnings)
  OR :code = ANY(r.duplicate) OR :code = ANY(o.codes))"""


def page(tx: Tx, one: Import, after: int, limit: int, outcome: str | None, code: str | None = None) -> list[ImportRow]:
    """Rows in file order, of one outcome or of which one code was said.

    A row without an outcome is `error` or `pending` while the import is open; after its end it is failed where it was
    invalid, and not attempted where it was in order or lies behind a stop.
    """
    stopped = one.status is ImportStatus.STOPPED
    bad = "'not_attempted'" if stopped else "'error'" if one.is_open else "'failed'"
    rest = "'pending'" if one.is_open else "'not_attempted'"
    where = " ".join(f"AND {said}" for said in (FILTERS[outcome] if outcome else "", _SAYS if code else "") if said)
    # All three tables stand in the order of their keys: merged, not looked up, whatever the statistics say of tables
    # that were filled just now. Without a filter a page is a range of each.
    tx.run(
        "SELECT set_config('plan_cache_mode', 'force_generic_plan', true), set_config('enable_hashjoin', 'off', true), "
        "set_config('enable_nestloop', 'off', true)"
    )
    span = "{0}.row_no > :after" + (
        "" if where else " AND {0}.row_no <= CAST(:after AS bigint) + CAST(:limit AS bigint)"
    )
    return tx.records(
        ImportRow,
        f"""SELECT l.row_no, l.line, l.raw, r.errors, r.warnings, r.duplicate, o.codes, o.outcome IS NOT NULL AS executed,
                   coalesce(o.record_id, r.match_id) AS record_id,
                   coalesce(o.outcome, CASE WHEN {INVALID} THEN {bad} ELSE {rest} END) AS outcome
              FROM import_lines l
              LEFT JOIN import_rows r ON r.import_id = :id AND r.row_no = l.row_no AND {span.format("r")}
              LEFT JOIN import_outcomes o ON o.import_id = :id AND o.row_no = l.row_no AND {span.format("o")}
             WHERE l.import_id = :id AND {span.format("l")} {where} ORDER BY l.row_no LIMIT :limit""",
        id=one.id,
        after=after,
        limit=limit,
        **({"code": code} if code else {}),
    )


def count_invalid(tx: Tx, one: Import) -> int:
    """How many rows behind the import's cursor cannot be executed."""
    sql = f"SELECT count(*) FROM import_rows r WHERE r.import_id = :id AND r.row_no > :done AND {INVALID}"
    return int(tx.scalar(sql, id=one.id, done=one.executed_rows))
