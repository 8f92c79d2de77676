"""What `arflow org create` and `arflow customer create` do, without the seconds that a command takes to start."""

from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from models.db.engine import make_engine, transaction
from operations.customers.bootstrap import bootstrap_customers
from operations.organisations import create_organisation


def make_organisation(database_url: str, org: str, name: str) -> None:
    """An organisation with its defaults."""
    engine = make_engine(database_url, role=None, pool_size=1)
    try:
        with transaction(engine, org) as tx:
            create_organisation(tx, name)
    finally:
        engine.dispose()


def make_customers(database_url: str, org: str, rows: Sequence[Mapping[str, JsonValue]]) -> list[str]:
    """Customers past approval, of the entity of the United States unless the row says otherwise; their ids."""
    engine = make_engine(database_url, pool_size=1)
    try:
        with transaction(engine, org) as tx:
            return bootstrap_customers(tx, [{"legal_entity_id": "le_us", **row} for row in rows])
    finally:
        engine.dispose()
