"""Who pays for whom: see `models.customers.paying`."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from models.customers.paying import REACH, PayingLink
from models.db.tx import Tx

# From the customers that are named along everything that they pay for: entries that were seen before end it.
_LINKS: Final = """WITH RECURSIVE reached AS (
    SELECT p.id, p.paid_customer_id, 1 AS steps FROM customer_pays_for p
     WHERE p.org_id = :org AND p.customer_id = ANY(:ids)
    UNION
    SELECT p.id, p.paid_customer_id, r.steps + 1 FROM reached r
      JOIN customer_pays_for p ON p.org_id = :org AND p.customer_id = r.paid_customer_id WHERE r.steps < :reach)
  SELECT p.customer_id AS payer_id, p.paid_customer_id AS customer_id, p.valid_from, p.valid_until
    FROM customer_pays_for p WHERE p.org_id = :org AND p.id IN (SELECT id FROM reached)"""


def hold_still(tx: Tx) -> None:
    """Of two changes of who pays for whom the second waits here: what they make together could be a circle."""
    tx.run("SELECT pg_advisory_xact_lock(hashtextextended('pays_for:' || :org, 0))")


def links_from(tx: Tx, customer_ids: Collection[str]) -> dict[str, list[PayingLink]]:
    """The entries of these customers, of those for whom they pay, and so on, by payer."""
    links: dict[str, list[PayingLink]] = {}
    for link in tx.records(PayingLink, _LINKS, ids=sorted(customer_ids), reach=REACH):
        links.setdefault(link.payer_id, []).append(link)
    return links


def seen_from(tx: Tx, customer_ids: Collection[str]) -> dict[str, frozenset[str]]:
    """The legal entities that see each of these customers: the owner's, and those with something of their own about it."""
    rows = tx.all(
        """SELECT c.id, array_agg(o.legal_entity_id) FILTER (WHERE o.legal_entity_id IS NOT NULL) || c.legal_entity_id AS seen
             FROM customers c LEFT JOIN customer_entity_overrides o ON o.org_id = c.org_id AND o.customer_id = c.id
            WHERE c.org_id = :org AND c.id = ANY(:ids) AND c.erased_at IS NULL GROUP BY c.id, c.legal_entity_id""",
        ids=sorted(customer_ids),
    )
    return {r["id"]: frozenset(r["seen"]) for r in rows}


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """A payer whose entries of somebody are gone: their ids, and the version that its record has now."""

    payer_id: str
    version: int
    entries: Sequence[str]


def forget(tx: Tx, customer_id: str) -> Sequence[Forgotten]:
    """Nobody pays for this customer any more; who did."""
    return tx.records(
        Forgotten,
        """WITH gone AS (DELETE FROM customer_pays_for WHERE org_id = :org AND paid_customer_id = :id RETURNING customer_id, id)
           UPDATE customers c SET version = version + 1, updated_at = :now
             FROM (SELECT customer_id, array_agg(id ORDER BY id) AS entries FROM gone GROUP BY 1) g
            WHERE c.org_id = :org AND c.id = g.customer_id RETURNING c.id AS payer_id, c.version, g.entries""",
        id=customer_id,
        now=tx.now,
    )
