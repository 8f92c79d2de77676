"""The customer 360 view: all panels at once, one panel with HTTP caching, and the snapshot as one flat record."""

import time
from collections.abc import Mapping
from typing import Annotated, Final, Never

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from api.deps import Principal, requires
from api.gate import gated_router
from api.panels import View, not_modified, panel_etag, panel_json, snapshot_json, view_etag, view_json, view_of
from api.problems import refusals
from api.read_row import read_row
from api.reading import reading, who_sees
from models.customer_360.panels import MAX_AGE, PANELS
from models.customer_360.view_answers import AnyPanelAnswer, Customer360Answer, Customer360SnapshotAnswer
from models.db.cash.aging import aging_of
from models.db.customer_360 import view as customer_360
from models.db.lookups import refuse_missing
from models.db.postgres.reads import Parameter
from models.db.tx import to_json
from models.errors import Refusal

router = gated_router("customer 360")
Reader = Annotated[Principal, requires("customers.read")]

_VARY: Final = {"Vary": "Authorization"}


@router.get(
    "/v1/customers/{customer_id}/360", response_model=Customer360Answer, responses=refusals("CUSTOMER_NOT_FOUND")
)
async def get_customer_360(request: Request, customer_id: str, who: Reader) -> Response:
    """Everything about a customer on one screen. A slow source costs its panel, never the view."""
    view = await _fresh(request, who, customer_id, PANELS)
    etag = view_etag(view)
    headers = {"ETag": etag, "Cache-Control": "private, no-cache", **_VARY}
    if not_modified(request.headers.get("if-none-match"), etag):
        return Response(status_code=304, headers=headers)
    return Response(view_json(view, customer_id, **_opens(who)), 200, headers, "application/json")


@router.get(
    "/v1/customers/{customer_id}/360/panels/{panel}",
    response_model=AnyPanelAnswer,
    responses=refusals("CUSTOMER_NOT_FOUND", "PANEL_NOT_FOUND"),
)
async def get_customer_360_panel(request: Request, customer_id: str, panel: str, who: Reader) -> Response:
    """One panel. A private cache may keep it until its data are five minutes old."""
    if panel not in PANELS:
        raise Refusal("PANEL_NOT_FOUND", f"There is no such panel; there are {', '.join(PANELS)}.")
    view = await _fresh(request, who, customer_id, (panel,))
    p = view.panels[panel]
    age = 0 if p.as_of is None else max(0, int((view.at - p.as_of).total_seconds()))
    etag = panel_etag(p)
    # What is stale has an Age beyond it, so no cache keeps it; what never was there is not to be kept at all.
    keep = "private, no-cache" if p.as_of is None else f"private, max-age={int(MAX_AGE.total_seconds())}"
    headers = {"Cache-Control": keep, "Age": str(age), "ETag": etag, **_VARY}
    if not_modified(request.headers.get("if-none-match"), etag):
        return Response(status_code=304, headers=headers)
    return Response(panel_json(p, customer_id, **_opens(who)), 200, headers, "application/json")


@router.get(
    "/v1/customers/{customer_id}/360/snapshot",
    response_model=Customer360SnapshotAnswer,
    responses=refusals("CUSTOMER_NOT_FOUND"),
)
async def get_customer_360_snapshot(request: Request, customer_id: str, who: Reader) -> Response:
    """The view as the flat data record `customer_360_snapshot`: what it shows, without freshness and links."""
    view = await _fresh(request, who, customer_id, PANELS)
    return Response(snapshot_json(view, customer_id), 200, media_type="application/json")


async def _fresh(request: Request, who: Principal, customer_id: str, panels: tuple[str, ...]) -> View:
    """The panels, after asking the sources of those that are too old for as long as a caller is kept waiting."""
    began = time.monotonic()
    view = await _read(request, who, customer_id, panels)
    refresher = getattr(request.app.state, "panel_refresher", None)
    if refresher is None or not view.external:
        return view
    refresher.viewed(who.org_id, customer_id)
    asked = view.refreshable()
    if not asked:
        return view
    if await refresher.refresh(who.org_id, customer_id, asked, since=view.at, began=began):
        view = await _read(request, who, customer_id, panels)
    return view


async def _read(request: Request, who: Principal, customer_id: str, panels: tuple[str, ...]) -> View:
    sql = customer_360.VIEW if len(panels) > 1 else customer_360.ONE[panels[0]]
    params = customer_360.parameters(who.org_id, customer_id, who.entities, **_opens(who))
    row = await read_row(request.app.state, who.org_id, sql, params)
    if row is None:
        await run_in_threadpool(_missing, request, who, customer_id)
    assert row is not None
    view = view_of(row, panels)
    who_sees(who, view.legal_entity_id)
    if "ar_aging" in panels and view.panels["ar_aging"].data == b"null":
        try:
            aging = await run_in_threadpool(_aging_in_full, request, who, customer_id, params)
            view = view.with_data("ar_aging", aging)
        except Refusal as refused:  # a rate that nobody has stored costs this panel, not the view
            view = view.with_error("ar_aging", refused.code)
    return view


def _opens(who: Principal) -> dict[str, bool]:
    return {"invoices": who.may("invoices.read"), "payments": who.may("payments.read")}


def _missing(request: Request, who: Principal, customer_id: str) -> Never:
    with reading(request, who) as tx:
        refuse_missing(tx, "customer", customer_id)


def _aging_in_full(request: Request, who: Principal, customer_id: str, params: Mapping[str, Parameter]) -> bytes:
    """For the customers whose aging the view's own statement leaves open; see `models.db.customer_360.view_aging`."""
    with reading(request, who) as tx:
        aging = to_json(aging_of(tx, customer_id, tx.now.date(), None, who.entities))
        return customer_360.aging_with_links(tx, aging, params).encode()
