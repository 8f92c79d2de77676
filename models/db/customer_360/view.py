"""The 360 view in one statement: each panel comes back as the JSON text that is sent on."""

import json
from collections.abc import Mapping, Sequence
from typing import Final

from models.customer_360.panels import PANELS, TIMELINE
from models.db.customer_360.view_aging import AGING, RECENT_PAYMENTS, SHOWN_INVOICES
from models.db.postgres.reads import Parameter
from models.db.tx import Tx, to_json

LIMIT: Final = 100

_ESCALATION: Final = """(SELECT json_build_object('id', e.id, 'owner_role', e.owner_role, 'reason_code', e.reason_code,
  'escalated_at', e.escalated_at, 'due_at', e.due_at) FROM case_escalations e
  WHERE e.org_id = r.org_id AND e.case_id = r.id AND e.status = 'OPEN')"""
_SLA: Final = """CASE WHEN r.sla_due_at < now() THEN 'breached' WHEN r.sla_status IS NOT NULL THEN r.sla_status
  WHEN r.sla_due_at < now() + interval '24 hours' THEN 'at_risk' ELSE 'on_track' END"""
_RISK: Final = """CASE WHEN r.renewal_date < CURRENT_DATE THEN 'missed' WHEN r.notice_from <= CURRENT_DATE THEN 'notice_window'
  ELSE 'none' END"""


def _records(table: str, columns: str, where: str, order: str, limit: int = LIMIT) -> str:
    return f"""SELECT coalesce(json_agg(shown ORDER BY {order}), '[]')::text AS data, count(*) = {limit} AS more
      FROM (SELECT * FROM {table} r WHERE r.org_id = :org AND r.customer_id = :customer{where}
            ORDER BY {order} LIMIT {limit}) r CROSS JOIN LATERAL (SELECT r.id, '/v1/{table}/' || r.id AS href, {columns}) shown"""


_SQL: Final[dict[str, str]] = {
    "opportunities": _records(
        "opportunities",
        "r.name, r.value_minor, r.currency_code, r.stage, r.close_date, r.close_date < CURRENT_DATE AS overdue, r.source, "
        "r.external_id",
        " AND NOT r.closed",
        "r.close_date, r.id",
    ),
    "quotes": _records(
        "quotes",
        "r.name, r.status, r.expiry_date, r.value_minor, r.currency_code, r.source, r.external_id",
        " AND NOT r.closed AND (r.expiry_date IS NULL OR r.expiry_date >= CURRENT_DATE)",
        "r.expiry_date NULLS LAST, r.id",
    ),
    "orders": _records(
        "orders",
        "r.status, r.ship_date, r.order_date, r.value_minor, r.currency_code, r.source, r.external_id",
        "",
        "r.recent_on DESC, r.id DESC",
        20,
    ),
    "cases": _records(
        "cases",
        f"r.subject, r.priority, r.status, {_SLA} AS sla_status, r.sla_due_at, {_ESCALATION} AS escalation, "
        "r.source, r.external_id",
        " AND NOT r.closed",
        "r.priority_rank, r.sla_due_at NULLS LAST, r.id",
    ),
    "contracts": _records(
        "contracts",
        f"r.name, r.status, r.renewal_date, {_RISK} AS renewal_risk, r.renewal_date - CURRENT_DATE AS days_to_renewal, "
        "r.notice_from, r.arr_minor, r.mrr_minor, r.currency_code, r.owner_user, r.source, r.external_id",
        " AND NOT r.closed",
        "r.renewal_date, r.id",
    ),
    "nps": """SELECT coalesce((SELECT json_build_object('latest', r.score, 'surveyed_at', r.surveyed_at, 'id', r.id,
        'href', '/v1/nps-responses/' || r.id, 'contact_id', r.contact_id, 'source', r.source)
      FROM nps_responses r WHERE r.org_id = :org AND r.customer_id = :customer
      ORDER BY r.surveyed_at DESC, r.id DESC LIMIT 1), 'null')::text AS data, NULL::boolean AS more""",
    "activities": _records(
        "activities",
        "r.type, r.notes, r.contact_id, r.occurred_at, r.logged_by, r.source, r.external_id",
        "",
        "r.occurred_at DESC, r.id DESC",
        TIMELINE,
    ),
    "ar_aging": AGING,
}
"""Of each panel, its JSON and whether there is more. PostgreSQL writes records as they are in three quarters of the time that
it takes to put each together name by name (json_build_object)."""

_CUSTOMER: Final = """json_build_object('id', c.id, 'href', '/v1/customers/' || c.id, 'name', c.name, 'status', c.status,
  'legal_entity_id', c.legal_entity_id, 'customer_type', c.customer_type, 'payment_terms', c.payment_terms,
  'credit_limit', c.credit_limit::text, 'currency_code', c.currency_code)::text AS customer"""
_SERVED: Final = """(SELECT json_object_agg(p.panel, s.name) FROM source_connections s, unnest(s.panels) AS p(panel)
  WHERE s.org_id = :org AND s.enabled) AS served"""
_SNAPSHOTS: Final = """(SELECT json_object_agg(s.panel, json_build_object('source', s.source, 'as_of', s.as_of,
  'error_code', s.error_code, 'attempted_at', s.attempted_at, 'next_attempt_at', s.next_attempt_at)) FROM panel_snapshots s
  WHERE s.org_id = :org AND s.customer_id = c.id) AS snapshots"""

_ATTENTION: Final = f"""(SELECT coalesce(json_agg(shown ORDER BY r.renewal_date, r.id), '[]')::text
  FROM (SELECT * FROM contracts r WHERE r.org_id = :org AND r.customer_id = c.id AND NOT r.closed
    AND r.notice_from <= CURRENT_DATE ORDER BY r.renewal_date, r.id LIMIT {LIMIT}) r
  CROSS JOIN LATERAL (SELECT
    CASE WHEN r.renewal_date < CURRENT_DATE THEN 'RENEWAL_MISSED' ELSE 'RENEWAL_IN_NOTICE_WINDOW' END AS code,
    r.id AS contract_id, '/v1/contracts/' || r.id AS href, r.name, r.renewal_date,
    r.renewal_date - CURRENT_DATE AS days_to_renewal, r.arr_minor, r.currency_code, r.owner_user) shown)"""


def _statement(panels: Sequence[str]) -> str:
    attention = _ATTENTION if len(panels) > 1 else "NULL"
    joins = " ".join(f"CROSS JOIN LATERAL ({_SQL[p]}) AS {p}" for p in panels)
    shown = ", ".join(f"{p}.data, {p}.more" for p in panels)
    return (
        f"SELECT c.legal_entity_id, now() AS at, {_CUSTOMER}, {_SERVED}, {_SNAPSHOTS}, "
        f"{attention} AS attention, {shown} FROM customers c {joins} "
        "WHERE c.org_id = :org AND c.id = :customer AND c.erased_at IS NULL"
    )


VIEW: Final = _statement(PANELS)
ONE: Final = {p: _statement((p,)) for p in PANELS}
FIRST_PANEL: Final = 6
"""Position of the first panel in a row of VIEW or ONE; two columns each: data, more."""


def parameters(
    org_id: str, customer_id: str, entities: frozenset[str] | None, *, invoices: bool, payments: bool
) -> dict[str, Parameter]:
    """`invoices`, `payments`: whether the caller may open those of the books; otherwise they lead to the view's own."""
    return {
        "org": org_id,
        "customer": customer_id,
        "entities": None if entities is None else sorted(entities),
        "invoices": "/v1/invoices/" if invoices else f"/v1/customers/{customer_id}/360/invoices/",
        "payments": "/v1/customer-payments/" if payments else f"/v1/customers/{customer_id}/360/payments/",
    }


_STATUSES: Final = "SELECT id, status FROM invoices WHERE org_id = :org AND id = ANY(:ids)"


def aging_with_links(tx: Tx, aging: str, params: Mapping[str, Parameter]) -> str:
    """An aging's JSON as the panel shows it: its first invoices with their statuses and links, and the latest payments."""
    shown = json.loads(aging)
    first = shown["invoices"][:SHOWN_INVOICES]
    rows = tx.all(_STATUSES, ids=[i["id"] for i in first])
    status = {r["id"]: r["status"] for r in rows}
    shown["invoices"] = [
        i | {"status": status[i["id"]], "href": f"{params['invoices']}{i['id']}"} for i in first
    ]  # fmt: skip
    shown["recent_payments"] = tx.scalar(f"SELECT {RECENT_PAYMENTS}", **params)
    return to_json(shown)
