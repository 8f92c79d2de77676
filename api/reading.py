"""Reads: one transaction as the caller's organisation, on the request's thread."""

from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import Request

from models.access import Principal
from models.db import lookups
from models.db.engine import transaction
from models.db.tx import Tx
from models.errors import Refusal


@contextmanager
def reading(request: Request, who: Principal, *, snapshot: bool = False) -> Iterator[Tx]:
    """A transaction for a read; row-level security shows the caller's organisation only.

    `snapshot`: for several statements whose figures must tie to each other.
    """
    with transaction(request.app.state.engine, who.org_id, durable=False, snapshot=snapshot) as tx:
        yield tx


def sees_customer(tx: Tx, who: Principal, customer_id: str) -> None:
    """404 where there is no such customer, 403 for one outside the entities of the caller's token."""
    who_sees(who, lookups.customer(tx, customer_id).legal_entity_id)


def who_sees(who: Principal, legal_entity_id: str) -> None:
    """403 for a record outside the entities of the caller's token."""
    if not who.sees_entity(legal_entity_id):
        raise Refusal("FORBIDDEN", f"Your token does not cover legal entity {legal_entity_id}.")
