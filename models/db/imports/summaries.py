"""What a reviewer of an import is shown: counts per code, what would happen, samples by row number."""

from dataclasses import dataclass
from typing import Final

from models.db.imports.matching import plan_generally
from models.db.imports.rows import INVALID
from models.db.tx import Tx
from models.imports.records import Import
from models.imports.summary import (
    ImportChanges,
    ImportSummary,
    NewCreditLimits,
    PlannedOutcomes,
    WeightyChange,
)

SAMPLES: Final = 20


@dataclass(frozen=True, slots=True)
class Counted:
    """How many rows of an import are of which kind."""

    valid_rows: int
    error_rows: int
    warning_rows: int
    duplicate_rows: int


@dataclass(frozen=True, slots=True)
class _Counts(Counted):
    """And how many of the valid rows meet a customer."""

    repeated_rows: int


@dataclass(frozen=True, slots=True)
class _Code:
    """What is said of rows: of how many, and which are the first."""

    code: str
    rows: int
    sample: list[int]


def summary(tx: Tx, one: Import) -> tuple[ImportSummary, Counted]:
    """What the reviewer sees (counts per code, what would happen, samples by row number), and the import's counters."""
    plan_generally(tx, one.total_rows)
    import_id, mode = one.id, one.options.on_duplicate
    n = tx.record(
        _Counts,
        f"""SELECT count(*) FILTER (WHERE NOT {INVALID}) AS valid_rows, count(*) FILTER (WHERE {INVALID}) AS error_rows,
                  count(*) FILTER (WHERE warnings IS NOT NULL) AS warning_rows,
                  count(*) FILTER (WHERE duplicate IS NOT NULL) AS duplicate_rows,
                  count(*) FILTER (WHERE duplicate IS NOT NULL AND NOT {INVALID}) AS repeated_rows
             FROM import_rows r WHERE import_id = :id""",
        id=import_id,
    )
    assert n is not None
    codes = tx.records(
        _Code,
        """SELECT code, count(*) AS rows, (array_agg(row_no ORDER BY row_no))[1:5] AS sample FROM (
             SELECT row_no, jsonb_array_elements(errors) ->> 'code' AS code FROM import_rows
              WHERE import_id = :id AND errors IS NOT NULL
             UNION ALL SELECT row_no, unnest(warnings) FROM import_rows WHERE import_id = :id AND warnings IS NOT NULL
             UNION ALL SELECT row_no, unnest(duplicate) FROM import_rows WHERE import_id = :id AND duplicate IS NOT NULL) said
           GROUP BY code ORDER BY rows DESC, code""",
        id=import_id,
    )
    repeated = n.repeated_rows
    would = PlannedOutcomes(
        create=n.valid_rows - repeated,
        update=repeated if mode == "update" else 0,
        skip=repeated if mode == "skip" else 0,
        fail=n.error_rows + (repeated if mode == "error" else 0),
    )
    found = ImportSummary(
        codes={c.code: c.rows for c in codes},
        sample_rows={c.code: c.sample for c in codes},
        would=would,
        credit_limits=_new_limits(tx, import_id),
        changes=_weighty_changes(tx, import_id) if mode == "update" else None,
        legal_entities=_touched(tx, one),
    )
    return found, Counted(n.valid_rows, n.error_rows, n.warning_rows, n.duplicate_rows)


def _touched(tx: Tx, one: Import) -> list[str]:
    """The legal entities whose customers the rows would create, and update where they may."""
    met = "c.legal_entity_id" if one.options.on_duplicate == "update" else "NULL"
    found = tx.all(
        f"""SELECT DISTINCT coalesce({met}, r.legal_entity_id) AS id FROM import_rows r
              LEFT JOIN customers c ON c.org_id = :org AND c.id = r.match_id
             WHERE r.import_id = :id AND NOT {INVALID} ORDER BY 1""",
        id=one.id,
    )
    return [f["id"] or one.legal_entity_id for f in found]


def _new_limits(tx: Tx, import_id: str) -> list[NewCreditLimits]:
    """The credit that the new customers would be given: rows, sum and largest by currency; "" is the entity's own."""
    return tx.records(
        NewCreditLimits,
        f"""SELECT coalesce(currency_code, '') AS currency_code, count(*) AS rows, sum(credit_limit)::text AS total,
                   max(credit_limit)::text AS largest, (array_agg(row_no ORDER BY credit_limit DESC, row_no))[1] AS largest_row
              FROM import_rows r WHERE import_id = :id AND ok AND credit_limit > 0 AND duplicate IS NULL AND NOT {INVALID}
             GROUP BY 1 ORDER BY sum(credit_limit) DESC, 1""",
        id=import_id,
    )


def _weighty_changes(tx: Tx, import_id: str) -> ImportChanges:
    """The updates that touch a credit limit or terms, the largest limit first: what a reviewer looks at."""
    where = f"""FROM import_rows r JOIN customers c ON c.org_id = :org AND c.id = r.match_id
                WHERE r.import_id = :id AND NOT {INVALID}
                  AND (r.credit_limit <> coalesce(c.credit_limit, -1) OR r.payment_terms <> coalesce(c.payment_terms, ''))"""
    first = tx.records(
        WeightyChange,
        f"""SELECT r.row_no AS row, c.id AS customer_id, json_build_object('before', c.credit_limit::text,
                     'after', coalesce(r.credit_limit, c.credit_limit)::text) AS credit_limit,
                   json_build_object('before', c.payment_terms,
                     'after', coalesce(nullif(r.payment_terms, ''), c.payment_terms)) AS payment_terms {where}
             ORDER BY r.credit_limit DESC NULLS LAST, r.row_no LIMIT {SAMPLES}""",
        id=import_id,
    )
    total: int = tx.scalar(f"SELECT count(*) {where}", id=import_id)
    return ImportChanges(credit_limit_or_terms=total, first=first, rows=[])
