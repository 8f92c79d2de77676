"""The statements of one batch: which rows are special, making customers, changing customers, writing outcomes."""

from collections.abc import Sequence
from typing import Final

from models.answers import JsonObject, read_row
from models.customers.records import RelatedRecords
from models.db.tx import Tx, as_columns, to_json
from models.imports.checked import Related
from models.imports.fate import SpecialRow
from models.imports.records import Import, RowOutcome
from models.imports.updates import UPDATABLE, MetCustomer, WantedRow


def plan_for_batches(tx: Tx) -> bool:
    """A batch looks its few keys up in the indexes, whatever the statistics say of tables that were filled just now.

    Generic plans, because of an organisation that the statistics do not know yet the planner expects one row: then any
    index that begins with org_id looks as good as the unique one (measured: 3.7 s for what takes 9 ms).
    Answers whether open changes have claimed keys, which only a look at each row can tell.
    """
    row = tx.one(
        "SELECT set_config('plan_cache_mode', 'force_generic_plan', true), set_config('enable_hashjoin', 'off', true), "
        "set_config('enable_mergejoin', 'off', true), EXISTS (SELECT FROM customer_claims WHERE org_id = :org) AS claims"
    )
    return row is not None and bool(row["claims"])


def specials(tx: Tx, import_id: str, first: int, last: int, *, flagged_only: bool) -> list[SpecialRow]:
    """The rows of a range that are not simply new customers: faulty, repeated, or met by a customer or a claim.

    `flagged_only`: only those of which validation said so.
    """
    # Whom a customer pays for is looked at when it is carried out.
    flagged = "(NOT r.ok OR r.in_file OR r.duplicate IS NOT NULL OR coalesce(r.related ? 'pays_for', false))"
    return tx.records(
        SpecialRow,
        f"""SELECT * FROM (
              SELECT r.row_no, r.ok, r.errors, r.warnings, r.in_file, r.duplicate,
                     ce.id AS by_email, ct.id AS by_tax, cx.id AS by_external,
                     r.external_id, coalesce(ce.external_id, ct.external_id) AS met_external,
                     pe.key IS NOT NULL OR pt.key IS NOT NULL AS claimed, pe.customer_id AS email_claim,
                     pt.customer_id AS tax_claim, px.customer_id AS external_claim,
                     coalesce(ce.import_id, ct.import_id) IS NOT DISTINCT FROM :id AS met_own, {flagged} AS flagged
                FROM import_rows r
                LEFT JOIN customers ce ON ce.org_id = :org AND ce.email_key = r.email_key
                LEFT JOIN customers ct ON ct.org_id = :org AND ct.tax_id_key = r.tax_id_key
                LEFT JOIN customers cx ON cx.org_id = :org AND cx.external_id = r.external_id
                LEFT JOIN customer_claims pe ON pe.org_id = :org AND pe.kind = 'email' AND pe.key = r.email_key
                LEFT JOIN customer_claims pt ON pt.org_id = :org AND pt.kind = 'tax_id' AND pt.key = r.tax_id_key
                LEFT JOIN customer_claims px ON px.org_id = :org AND px.kind = 'external_id' AND px.key = r.external_id
               WHERE r.import_id = :id AND r.row_no BETWEEN :first AND :last{f" AND {flagged}" if flagged_only else ""}) s
            WHERE flagged OR claimed OR external_claim IS NOT NULL
               OR by_email IS NOT NULL OR by_tax IS NOT NULL OR by_external IS NOT NULL
            ORDER BY row_no""",
        id=import_id,
        first=first,
        last=last,
    )


def create(tx: Tx, one: Import, first: int, last: int, but: Sequence[int], actor: str) -> int:
    """Make the customers of the rows in order but those named; with audit, outbox and outcomes. How many. Raises
    UniqueViolation (of customers) where somebody has one of their keys by now."""
    return int(
        tx.scalar(
            "SELECT import_create_customers(:org, :id, :first, :last, CAST(:but AS bigint[]), :at, :actor, :request, :workflow)",
            id=one.id,
            first=first,
            last=last,
            but=list(but),
            at=tx.now,
            actor=actor,
            request=one.request_id,
            workflow=one.workflow_id,
        )
    )


def outcomes(tx: Tx, import_id: str, rows: Sequence[RowOutcome]) -> None:
    """Write what became of rows that made no customer."""
    tx.insert("import_outcomes", [{"import_id": import_id, **as_columns(row)} for row in rows])


_FIELDS: Final = ", ".join(f"{f}::text" if f == "credit_limit" else f for f in UPDATABLE)


def wanted(tx: Tx, import_id: str, rows: Sequence[int]) -> dict[int, WantedRow]:
    """What rows would change their customers to, by their numbers."""
    found = tx.all(
        f"SELECT row_no, name_key, email_key, tax_id_key, related, {_FIELDS} FROM import_rows "
        "WHERE import_id = :id AND row_no = ANY(:rows) AND ok",
        id=import_id,
        rows=list(rows),
    )
    return {r["row_no"]: read_row(WantedRow, {**r, "related": Related.read(r["related"])}) for r in found}


def paying(tx: Tx, import_id: str, first: int, last: int, limit: int | None = None) -> dict[int, RelatedRecords]:
    """The rows of a range that say for whom their customer pays, with that alone; the first `limit` of them, in order."""
    found = tx.all(
        "SELECT row_no, related -> 'pays_for' AS said FROM import_rows WHERE import_id = :id "
        "AND row_no BETWEEN :first AND :last AND ok AND related ? 'pays_for' ORDER BY row_no LIMIT :limit",
        id=import_id,
        first=first,
        last=last,
        limit=limit,
    )
    return {r["row_no"]: read_row(RelatedRecords, {"pays_for": _by_id(r["said"])}) for r in found}


def _by_id(items: Sequence[JsonObject]) -> JsonObject:
    return {str(one["id"]): {field: value for field, value in one.items() if field != "id"} for one in items}


def lock_customers(tx: Tx, ids: Sequence[str]) -> dict[str, MetCustomer]:
    """The customers, locked in the order of their ids."""
    return met_customers(tx, ids, " FOR UPDATE")


def met_customers(tx: Tx, ids: Sequence[str], suffix: str = "") -> dict[str, MetCustomer]:
    """The customers as rows compare with them."""
    found = tx.records(
        MetCustomer,
        f"SELECT id, legal_entity_id, version, name_key, email_key, tax_id_key, {_FIELDS} FROM customers "
        f"WHERE org_id = :org AND id = ANY(:ids) ORDER BY id{suffix}",
        ids=sorted(set(ids)),
    )
    return {c.id: c for c in found}


def save_customers(tx: Tx, changed: Sequence[MetCustomer]) -> None:
    """Write changed customers back in one statement."""
    if not changed:
        return
    columns = [*UPDATABLE, "name_key", "email_key", "tax_id_key", "version"]
    sets = ", ".join(f"{c} = n.{c}" for c in columns)
    tx.run(
        f"UPDATE customers c SET {sets}, updated_at = :now FROM json_populate_recordset(NULL::customers, CAST(:rows AS json)) n "
        "WHERE c.org_id = :org AND c.id = n.id",
        now=tx.now,
        rows=to_json(list(changed)),
    )
