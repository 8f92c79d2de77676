"""The rows of an import compared with the master, with pending changes and with each other: set-based.

Rows compare by the keys of models.keys: the e-mail, the tax id. Only rows that are in order take part. What is found is
written onto the rows for the review; execution looks again.
"""

from collections.abc import Generator, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from models.db.imports.rows import INVALID
from models.db.streaming import stream
from models.db.tx import Tx
from models.imports.records import Import

ANALYZE_FROM = 20_000
"""Rows from which taking statistics pays."""
LARGE = 2_000
"""Rows from which all are joined by hashing: a loop over every pair would take hours at a million."""


def plan_generally(tx: Tx, rows: int) -> None:
    """Plan for any organisation and import, not for the one at hand, which the statistics do not know yet."""
    loops, others = ("off", "on") if rows > LARGE else ("on", "off")
    tx.run(
        "SELECT set_config('plan_cache_mode', 'force_generic_plan', true), set_config('enable_nestloop', :loops, true), "
        "set_config('enable_hashjoin', :others, true), set_config('enable_mergejoin', :others, true)",
        loops=loops,
        others=others,
    )


def find_duplicates(tx: Tx, one: Import) -> None:
    """Rows whose e-mail or tax id a customer has (active or inactive), or a pending change has asked for."""
    plan_generally(tx, one.total_rows)
    if one.total_rows >= ANALYZE_FROM:
        tx.scalar("SELECT import_analyze()")
    e, t = "ce.id IS NOT NULL OR pe.key IS NOT NULL", "ct.id IS NOT NULL OR pt.key IS NOT NULL"
    tx.run(
        f"""WITH hit AS MATERIALIZED (
              SELECT r.row_no, coalesce(ce.id, ct.id) AS match_id,
                     CASE WHEN ce.id <> ct.id THEN ARRAY['DUPLICATE_AMBIGUOUS'] ELSE array_remove(ARRAY[
                       CASE WHEN {e} THEN 'DUPLICATE_EMAIL' END, CASE WHEN {t} THEN 'DUPLICATE_TAX_ID' END], NULL) END AS codes
                FROM import_rows r
                LEFT JOIN customers ce ON ce.org_id = :org AND ce.email_key = r.email_key
                LEFT JOIN customers ct ON ct.org_id = :org AND ct.tax_id_key = r.tax_id_key
                LEFT JOIN customer_claims pe ON pe.org_id = :org AND pe.kind = 'email' AND pe.key = r.email_key
                LEFT JOIN customer_claims pt ON pt.org_id = :org AND pt.kind = 'tax_id' AND pt.key = r.tax_id_key
               WHERE r.import_id = :id AND r.ok AND ({e} OR {t}))
            UPDATE import_rows r SET duplicate = hit.codes, match_id = hit.match_id
              FROM hit WHERE r.import_id = :id AND r.row_no = hit.row_no""",
        id=one.id,
    )
    tx.run(
        """UPDATE import_rows r SET duplicate = array_append(r.duplicate, 'EXTERNAL_ID_CONFLICT')
             FROM (SELECT external_id AS key, id FROM customers WHERE org_id = :org AND external_id IS NOT NULL
                   UNION ALL SELECT key, customer_id FROM customer_claims WHERE org_id = :org AND kind = 'external_id') c
            WHERE r.import_id = :id AND r.ok AND c.key = r.external_id
              AND r.match_id IS DISTINCT FROM c.id AND r.duplicate IS NULL""",
        id=one.id,
    )


def find_repeated(tx: Tx, one: Import) -> None:
    """Rows that share a key with an earlier row of the file: the first one wins."""
    plan_generally(tx, one.total_rows)
    tx.run(
        """WITH e AS MATERIALIZED (SELECT email_key AS key, min(row_no) AS first FROM import_rows
                                    WHERE import_id = :id AND ok GROUP BY 1 HAVING count(*) > 1),
                t AS MATERIALIZED (SELECT tax_id_key AS key, min(row_no) AS first FROM import_rows
                                    WHERE import_id = :id AND ok AND tax_id_key IS NOT NULL GROUP BY 1 HAVING count(*) > 1),
                later AS MATERIALIZED (
                  SELECT r.row_no, nullif(e.first, r.row_no) AS by_email, nullif(t.first, r.row_no) AS by_tax
                    FROM import_rows r LEFT JOIN e ON e.key = r.email_key LEFT JOIN t ON t.key = r.tax_id_key
                   WHERE r.import_id = :id AND r.ok AND (e.first < r.row_no OR t.first < r.row_no))
           UPDATE import_rows r SET in_file = true, duplicate = coalesce(r.duplicate,
                    CASE WHEN later.by_email <> later.by_tax AND le.row_no IS NULL AND lt.row_no IS NULL
                         THEN ARRAY['DUPLICATE_AMBIGUOUS']
                         ELSE ARRAY['DUPLICATE_IN_FILE'] END)
             FROM later
             LEFT JOIN later le ON le.row_no = later.by_email
             LEFT JOIN later lt ON lt.row_no = later.by_tax
            WHERE r.import_id = :id AND r.row_no = later.row_no""",
        id=one.id,
    )
    tx.run(
        """WITH x AS MATERIALIZED (SELECT external_id AS key, min(row_no) AS first FROM import_rows
                                    WHERE import_id = :id AND ok AND external_id IS NOT NULL GROUP BY 1 HAVING count(*) > 1)
           UPDATE import_rows r SET duplicate = ARRAY['EXTERNAL_ID_CONFLICT'] FROM x
            WHERE r.import_id = :id AND r.ok AND r.external_id = x.key AND r.row_no > x.first AND r.duplicate IS NULL""",
        id=one.id,
    )


def find_out_of_reach(tx: Tx, one: Import) -> None:
    """Rows that meet a customer of a legal entity which the uploader's token did not cover: they are not shown what it has."""
    if one.entities is None:
        return
    plan_generally(tx, one.total_rows)
    tx.run(
        """UPDATE import_rows r SET duplicate = array_append(r.duplicate, 'ENTITY_UNKNOWN') FROM customers c
            WHERE r.import_id = :id AND r.ok AND c.org_id = :org AND c.id = r.match_id
              AND NOT c.legal_entity_id = ANY(CAST(:reach AS text[])) AND NOT r.duplicate @> ARRAY['ENTITY_UNKNOWN']""",
        id=one.id,
        reach=sorted(one.entities),
    )


def find_other_external_ids(tx: Tx, one: Import) -> None:
    """Rows that would give a customer another external id than it has, or has been given by an earlier row of the file;
    or one that another customer has."""
    plan_generally(tx, one.total_rows)
    tx.run(
        """UPDATE import_rows r SET duplicate = array_append(r.duplicate, 'EXTERNAL_ID_CONFLICT') FROM customers c
            WHERE r.import_id = :id AND r.ok AND r.external_id IS NOT NULL AND c.org_id = :org
              AND NOT r.duplicate @> ARRAY['EXTERNAL_ID_CONFLICT'] AND ((c.id = r.match_id AND c.external_id <> r.external_id)
                   OR (c.external_id = r.external_id AND c.id <> r.match_id))""",
        id=one.id,
    )
    for key in ("email_key", "tax_id_key"):
        tx.run(
            f"""WITH x AS MATERIALIZED (
                  SELECT {key} AS key, (array_agg(external_id ORDER BY row_no))[1] AS first FROM import_rows
                   WHERE import_id = :id AND ok AND external_id IS NOT NULL AND {key} IS NOT NULL
                     AND NOT coalesce(duplicate, '{{}}') @> ARRAY['EXTERNAL_ID_CONFLICT'] GROUP BY 1 HAVING count(*) > 1)
                UPDATE import_rows r SET duplicate = array_append(r.duplicate, 'EXTERNAL_ID_CONFLICT') FROM x
                 WHERE r.import_id = :id AND r.ok AND r.in_file AND r.{key} = x.key AND r.external_id <> x.first
                   AND NOT r.duplicate @> ARRAY['EXTERNAL_ID_CONFLICT']""",
            id=one.id,
        )


_MEETING: Final = f"r.import_id = :id AND ok AND match_id IS NOT NULL AND NOT {INVALID}"


def rows_with_related(tx: Tx, import_id: str, after: int, limit: int) -> list[int]:
    """The next rows that meet a customer and say something of its related records."""
    sql = f"SELECT row_no FROM import_rows r WHERE {_MEETING} AND r.related IS NOT NULL AND r.row_no > :after "
    return tx.column(sql + "ORDER BY row_no LIMIT :limit", id=import_id, after=after, limit=limit)


def rows_that_meet(tx: Tx, import_id: str, limit: int) -> list[int]:
    """The first rows that meet a customer."""
    sql = f"SELECT row_no FROM import_rows r WHERE {_MEETING} ORDER BY row_no LIMIT :limit"
    return tx.column(sql, id=import_id, limit=limit)


def met_by(tx: Tx, import_id: str, numbers: Sequence[int]) -> dict[int, str]:
    """Whom each of these rows meets; those that meet nobody, or cannot be carried out, are left out."""
    return tx.pairs(
        f"SELECT row_no, match_id FROM import_rows r WHERE {_MEETING} AND row_no = ANY(:numbers)",
        id=import_id,
        numbers=list(numbers),
    )


def note_refused(tx: Tx, import_id: str, refused: Mapping[int, str]) -> None:
    """Write onto rows why they cannot be carried out."""
    for code in sorted(set(refused.values())):
        tx.run(
            "UPDATE import_rows SET duplicate = array_append(duplicate, :code) WHERE import_id = :id AND row_no = ANY(:rows)",
            id=import_id,
            code=code,
            rows=sorted(n for n, c in refused.items() if c == code),
        )


class Name(NamedTuple):
    """A name key, and the row that has it; None: a customer's."""

    key: str
    row_no: int | None


def names_in_order(tx: Tx, import_id: str, window: int) -> Generator[Name, None, None]:
    """The names of the import's new customers and of the master in the order of their keys, streamed; of the master those
    alone that stand no more than `window` places from one of the import's."""
    sql = f"""SELECT key, row_no FROM (
                SELECT key, row_no, count(row_no) OVER (ORDER BY key, row_no NULLS FIRST
                         ROWS BETWEEN {window} PRECEDING AND {window} FOLLOWING) AS near
                  FROM (SELECT name_key AS key, row_no FROM import_rows WHERE import_id = :id AND ok AND duplicate IS NULL
                        UNION ALL
                        SELECT name_key, NULL FROM customers WHERE org_id = :org AND status = 'active') n) s
              WHERE near > 0 ORDER BY key, row_no NULLS FIRST"""
    return (Name(r["key"], r["row_no"]) for r in stream(tx, sql, chunk=10_000, id=import_id))


def warn(tx: Tx, import_id: str, code: str, rows: Iterable[int]) -> None:
    """Give these rows a warning, once."""
    tx.run(
        "UPDATE import_rows SET warnings = array_append(warnings, :code) WHERE import_id = :id "
        "AND row_no = ANY(:rows) AND NOT coalesce(warnings, '{}') @> ARRAY[CAST(:code AS text)]",
        id=import_id,
        code=code,
        rows=sorted(rows),
    )
