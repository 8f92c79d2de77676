"""Refreshing panels: ask the source outside any transaction, keep the answer or the failure inside one."""

from collections.abc import Sequence

from sqlalchemy import Engine
from temporalio import activity

from activities.errors import boundary
from activities.shares import Shares
from models.customer_360.records import SourceFacts
from models.db.engine import transaction
from models.db.organisations import all_org_ids
from models.messages.customer_360 import PanelRefresh, PanelRefreshed
from operations.customer_360 import panels
from operations.customer_360.renewals import watch_contracts
from operations.organisations import bootstrap_work
from sources.access import Access
from sources.guard import Guards
from sources.protocol import Asked, Connection, SourceError
from sources.registry import ADAPTERS

HOT_SET_LIMIT = 200
THREADS = 32
SHARE = 12
"""So many questions at once of one organisation, whatever its connections allow: its slow systems cost its own panels."""


class PanelActivities:
    """Bound to the worker's engine, and to what the operator lets connections use."""

    def __init__(self, engine: Engine, access: Access, share: int = SHARE) -> None:
        self._engine = engine
        self._access = access
        self._guards = Guards()
        self._shares = Shares(share)

    @activity.defn(name="refresh_panel", no_thread_cancel_exception=True)
    def refresh_panel(self, start: PanelRefresh) -> PanelRefreshed:
        """One attempt; a source that fails is an answer, not an error: it is kept with the snapshot."""
        with boundary():
            with transaction(self._engine, start.org_id) as tx:
                asked = panels.begin_refresh(tx, start)
            if asked is None:
                return PanelRefreshed(start.panel)
            try:
                said = self._ask(start, asked)
            except SourceError as error:
                with transaction(self._engine, start.org_id) as tx:
                    panels.fail_refresh(tx, start, asked, error.code)
                return PanelRefreshed(start.panel, error.code)
            with transaction(self._engine, start.org_id) as tx:
                return PanelRefreshed(start.panel, None, panels.complete_refresh(tx, start, asked, said))

    def _ask(self, start: PanelRefresh, asked: panels.Question) -> Sequence[SourceFacts]:
        c = asked.connection
        connection = Connection(
            start.org_id, c.name, c.kind, c.base_url, self._access.credential(start.org_id, c.credential),
            c.timeout_ms / 1000, c.max_concurrent, self._access.hosts(c.kind),
        )  # fmt: skip
        adapter = ADAPTERS[c.kind]
        if start.panel not in adapter.panels:
            raise SourceError("SOURCE_NOT_CONFIGURED", start.panel)
        customer = Asked(start.customer_id, asked.customer.source_customer_id, asked.customer.currency_code)
        guard = self._guards.of(connection)
        with self._shares.place(start.org_id) as free:
            if not free:
                raise SourceError("SOURCE_BUSY", "the organisation's share")
            return guard.call(lambda: adapter.fetch(connection, start.panel, customer), connection.timeout_seconds)

    @activity.defn(name="hot_panels", no_thread_cancel_exception=True)
    def hot_panels(self) -> list[PanelRefresh]:
        """What to refresh of the customers that were looked at lately, in every organisation."""
        found: list[PanelRefresh] = []
        with boundary():
            for org_id in all_org_ids(self._engine):
                with transaction(self._engine, org_id) as tx:
                    found += panels.hot_set(tx, HOT_SET_LIMIT - len(found))
                if len(found) >= HOT_SET_LIMIT:
                    break
        return found

    @activity.defn(name="watch_renewals", no_thread_cancel_exception=True)
    def watch_renewals(self) -> int:
        """Renewals at risk in every organisation, on their owners' desks; answers how many."""
        at_risk = 0
        with boundary():
            for org_id in all_org_ids(self._engine):
                with transaction(self._engine, org_id) as tx:
                    work = bootstrap_work(tx, panels.SYSTEM)
                    at_risk += watch_contracts(work)
                    work.flush()
        return at_risk
