"""Snapshots of externally served panels, the connections that serve them, and who has been looked at lately."""

from collections.abc import Collection, Sequence
from datetime import datetime

from models.customer_360.records import PanelSnapshot, SourceConnection, SourceCustomer
from models.db.tx import Tx, as_columns


def connection_for(tx: Tx, panel: str) -> SourceConnection | None:
    """The enabled connection that serves the panel."""
    sql = """SELECT * FROM source_connections WHERE org_id = :org AND enabled AND :panel = ANY(panels)
      ORDER BY name LIMIT 1"""
    return tx.record(SourceConnection, sql, panel=panel)


def connections(tx: Tx) -> Sequence[SourceConnection]:
    """All of them, by name."""
    return tx.records(SourceConnection, "SELECT * FROM source_connections WHERE org_id = :org ORDER BY name")


def connection(tx: Tx, name: str) -> SourceConnection | None:
    """The connection of this name."""
    sql = "SELECT * FROM source_connections WHERE org_id = :org AND name = :name"
    return tx.record(SourceConnection, sql, name=name)


def put_connection(tx: Tx, c: SourceConnection) -> None:
    """Make it, or change the one of its name."""
    sets = ", ".join(f"{f} = excluded.{f}" for f in as_columns(c) if f != "name")
    tx.insert("source_connections", [c], suffix=f"ON CONFLICT (org_id, name) DO UPDATE SET {sets}")


def customer_key(tx: Tx, customer_id: str, kind: str) -> SourceCustomer | None:
    """The customer's id at systems of this kind (`metadata.<kind>_account_id`, else external_id), and its currency."""
    return tx.record(
        SourceCustomer,
        """SELECT coalesce(c.metadata ->> :key, c.external_id, '') AS source_customer_id,
             coalesce(c.currency_code, e.functional_currency) AS currency_code
           FROM customers c JOIN legal_entities e ON e.org_id = c.org_id AND e.id = c.legal_entity_id
           WHERE c.org_id = :org AND c.id = :id""",
        id=customer_id,
        key=f"{kind}_account_id",
    )


def lock_snapshot(tx: Tx, customer_id: str, panel: str) -> PanelSnapshot | None:
    """The snapshot of the customer's panel, locked."""
    sql = "SELECT * FROM panel_snapshots WHERE org_id = :org AND customer_id = :customer AND panel = :panel FOR UPDATE"
    return tx.record(PanelSnapshot, sql, customer=customer_id, panel=panel)


def save_snapshot(tx: Tx, customer_id: str, panel: str, snapshot: PanelSnapshot) -> None:
    """Make it, or put it in the place of the former one."""
    fields = as_columns(snapshot)
    sets = ", ".join(f"{f} = excluded.{f}" for f in fields)
    suffix = f"ON CONFLICT (org_id, customer_id, panel) DO UPDATE SET {sets}"
    tx.insert("panel_snapshots", [{"customer_id": customer_id, "panel": panel, **fields}], suffix=suffix)


def viewed(tx: Tx, customer_ids: Collection[str]) -> None:
    """Note that these customers are looked at; unknown ones are passed over."""
    tx.run(
        """INSERT INTO customer_360_views (org_id, customer_id, viewed_at)
           SELECT :org, c.id, :now FROM customers c WHERE c.org_id = :org AND c.id = ANY(:ids) ORDER BY c.id
           ON CONFLICT (org_id, customer_id) DO UPDATE SET viewed_at = excluded.viewed_at""",
        ids=sorted(customer_ids),
        now=tx.now,
    )


def forget_views(tx: Tx, before: datetime) -> None:
    """Nobody has looked at these customers since."""
    tx.run("DELETE FROM customer_360_views WHERE org_id = :org AND viewed_at < :before", before=before)


def cooling(tx: Tx, viewed_since: datetime, older_than: datetime, limit: int) -> Sequence[tuple[str, str]]:
    """External panels of customers looked at lately that will soon be too old, the oldest first: customer and panel."""
    rows = tx.all(
        """SELECT v.customer_id, p.panel FROM customer_360_views v
           CROSS JOIN source_connections s CROSS JOIN LATERAL unnest(s.panels) AS p(panel)
           LEFT JOIN panel_snapshots n ON n.org_id = v.org_id AND n.customer_id = v.customer_id AND n.panel = p.panel
           WHERE v.org_id = :org AND s.org_id = :org AND s.enabled AND v.viewed_at >= :since
             AND (n.as_of IS NULL OR n.as_of < :older OR n.as_of > :now)
             AND (n.next_attempt_at IS NULL OR n.next_attempt_at <= :now OR n.attempted_at > :now)
           ORDER BY n.as_of NULLS FIRST, v.customer_id, p.panel LIMIT :n""",
        since=viewed_since,
        older=older_than,
        now=tx.now,
        n=limit,
    )
    return [(row["customer_id"], row["panel"]) for row in rows]
