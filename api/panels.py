"""The 360 view as bytes: the JSON that the database made is put in its envelope and sent on, never parsed.

A panel's ETag covers what it says (data, state, source) and not the moment it was asked: it is weak, and a panel
that has not changed answers 304 although its `as_of` has moved on.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Final, NamedTuple

from models.answers import read_json
from models.customer_360.panels import EXTERNAL, Freshness
from models.customer_360.view_answers import PanelNpsAnswer, SnapshotAgingAnswer
from models.db.customer_360.view import FIRST_PANEL
from models.db.tx import to_json
from sources.protocol import CODES

BUILT_IN: Final = "arflow"
_DETAILS: Final = {
    **CODES,
    "FX_RATE_MISSING": "An exchange rate is missing: PUT /v1/fx-rates stores one.",
    "SOURCE_NOT_ANSWERED": "The source has not answered yet.",
}
_MORE: Final = {None: None, b"t": True, b"f": False}
_JSON: Final = {None: "null", True: "true", False: "false"}


class Panel(NamedTuple):
    """One panel: its data as JSON text, whether there may be more than it shows, its freshness."""

    name: str
    data: bytes
    more: bool | None
    as_of: datetime | None
    stale: bool
    error: str | None
    source: str


@dataclass(frozen=True)
class View:
    """What one read of the database found: the customer (JSON), the time, and panels by name."""

    legal_entity_id: str
    at: datetime
    customer: bytes
    attention: bytes
    panels: dict[str, Panel]
    external: dict[str, Freshness]

    def refreshable(self) -> list[str]:
        """Panels to ask their source for before they are shown."""
        return [p for p, f in self.external.items() if f.worth_asking(self.at)]

    def with_data(self, name: str, data: bytes) -> "View":
        """The same view with other data in one panel."""
        return replace(self, panels={**self.panels, name: self.panels[name]._replace(data=data)})

    def with_error(self, name: str, code: str) -> "View":
        """The same view with one panel that cannot be shown."""
        return replace(self, panels={**self.panels, name: self.panels[name]._replace(error=code)})


def view_of(row: tuple[bytes | None, ...], names: tuple[str, ...]) -> View:
    """From a row of the statement for these panels."""
    entity, now, customer, serving, kept, attention = row[:FIRST_PANEL]
    assert entity is not None
    assert now is not None
    assert customer is not None
    at = datetime.fromisoformat(now.decode())
    external = {}
    if serving is not None:
        snapshots = read_json(dict[str, Freshness], kept or b"{}")
        served = read_json(dict[str, str], serving).items()
        external = {p: _freshness(source, snapshots.get(p)) for p, source in served if p in EXTERNAL and p in names}
    panels = {}
    for n, name in enumerate(names, FIRST_PANEL // 2):
        panels[name] = _panel(name, row[2 * n], row[2 * n + 1], at, external.get(name))
    return View(entity.decode(), at, customer, attention or b"[]", panels, external)


def _freshness(source: str, snapshot: Freshness | None) -> Freshness:
    """Of the source that serves the panel now; what another said does not count."""
    return snapshot if snapshot is not None and snapshot.source == source else Freshness(source)


def _panel(name: str, data: bytes | None, more: bytes | None, at: datetime, f: Freshness | None) -> Panel:
    content = data or b"null"
    if f is None:
        return Panel(name, content, _MORE[more], at, False, None, BUILT_IN)
    stale = f.stale(at)
    never = "SOURCE_NOT_ANSWERED" if f.as_of is None else None
    return Panel(name, content, _MORE[more], f.as_of, stale, (f.error_code or never) if stale else None, f.source)


def panel_json(p: Panel, customer_id: str, *, invoices: bool, payments: bool) -> bytes:
    """The panel in its envelope. Everything put in by hand here is an id, a code or a time of ours: nothing to escape.

    `invoices`, `payments`: whether the caller may open those of the books.
    """
    as_of = "null" if p.as_of is None else f'"{p.as_of.isoformat()}"'
    error = "null" if p.error is None else _error(p.error)
    links = _links(p.name, customer_id, invoices, payments)
    return b'{"data":%b,%b' % (
        p.data,
        f'"as_of":{as_of},"stale":{_JSON[p.stale]},"error":{error},"source":"{p.source}","links":{links},"more":{_JSON[p.more]}}}'.encode(),
    )


def view_json(v: View, customer_id: str, *, invoices: bool, payments: bool) -> bytes:
    """The whole view."""
    shown = [
        b'"%b":%b' % (name.encode(), panel_json(p, customer_id, invoices=invoices, payments=payments))
        for name, p in v.panels.items()
    ]
    return b'{"customer":%b,"attention":%b,"panels":{%b},"as_of":"%b"}' % (
        v.customer, v.attention, b",".join(shown), v.at.isoformat().encode(),
    )  # fmt: skip


def snapshot_json(v: View, customer_id: str) -> bytes:
    """What the view shows as one flat record."""
    data = {name: p.data for name, p in v.panels.items()}
    aging = None if data["ar_aging"] == b"null" else read_json(SnapshotAgingAnswer, data["ar_aging"])
    nps = None if data["nps"] == b"null" else read_json(PanelNpsAnswer, data["nps"])
    parts = {
        "customer_id": f'"{customer_id}"'.encode(),
        "as_of": f'"{v.at.isoformat()}"'.encode(),
        "open_opportunities": data["opportunities"],
        "active_quotes": data["quotes"],
        "recent_orders": data["orders"],
        "ar_aging": to_json(aging).encode(),
        "open_cases": data["cases"],
        "active_contracts": data["contracts"],
        "nps_latest": b"null" if nps is None else str(nps.latest).encode(),
        "activities": data["activities"],
    }
    return b"{" + b",".join(f'"{name}":'.encode() + part for name, part in parts.items()) + b"}"


def panel_etag(p: Panel) -> str:
    return _etag(_compared(p))


def view_etag(v: View) -> str:
    return _etag([v.customer, v.attention, *(part for p in v.panels.values() for part in _compared(p))])


def _compared(p: Panel) -> tuple[bytes, bytes]:
    return p.data, f"|{p.stale}|{p.error}|{p.source}|{p.more}".encode()


def _etag(compared: Iterable[bytes]) -> str:
    """SHA-256 at once, which processors do: half as long as BLAKE2."""
    return f'W/"{sha256(b"".join(compared)).hexdigest()[:32]}"'


def not_modified(if_none_match: str | None, etag: str) -> bool:
    """Whether the caller has it already (weak comparison, RFC 9110 13.1.2)."""
    if if_none_match is None:
        return False
    given = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return "*" in given or etag.removeprefix("W/") in given


def _error(code: str) -> str:
    return json.dumps({"code": code, "detail": _DETAILS.get(code, "The source cannot be shown.")})


def _links(name: str, customer_id: str, invoices: bool, payments: bool) -> str:
    customer = f"/v1/customers/{customer_id}"
    if name == "ar_aging":
        own = f"{customer}/360"
        owed = f"/v1/invoices?customer_id={customer_id}&status=open" if invoices else f"{own}/invoices"
        paid = f"/v1/customer-payments?customer_id={customer_id}" if payments else f"{own}/payments"
        return f'{{"self":"{own}/panels/{name}","all":"{customer}/ar-aging","invoices":"{owed}","payments":"{paid}"}}'
    return f'{{"self":"{customer}/360/panels/{name}","all":"{customer}/{"nps-responses" if name == "nps" else name}"}}'
