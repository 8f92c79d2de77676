"""A stand-in for HubSpot on a real socket: companies in pages, contacts read many at once, searches, pipelines. For the
demo and the tests.

It speaks the shapes of the REST API v3 and misbehaves on request: `script` holds what becomes of the next requests, one each
(ok, busy, full, daily, error, garbage, forbidden, hang, dies).
"""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

TOKEN: Final = "pat-eu1-demo"
_STAGES: Final[Mapping[str, list[tuple[str, str, dict[str, str]]]]] = {
    "deals": [
        ("appointmentscheduled", "Appointment Scheduled", {"isClosed": "false"}),
        ("contractsent", "Contract Sent", {"isClosed": "false"}),
        ("closedwon", "Closed Won", {"isClosed": "true"}),
        ("closedlost", "Closed Lost", {"isClosed": "true"}),
    ],
    "tickets": [("1", "New", {"ticketState": "OPEN"}), ("4", "Closed", {"ticketState": "CLOSED"})],
}


@dataclass
class HubSpotStandIn:
    """What the stand-in holds. Objects by id: their properties; companies also the ids of their contacts, `contacts`."""

    companies: dict[str, dict[str, Any]] = field(default_factory=dict)
    contacts: dict[str, dict[str, Any]] = field(default_factory=dict)
    deals: dict[str, dict[str, Any]] = field(default_factory=dict)
    tickets: dict[str, dict[str, Any]] = field(default_factory=dict)
    notes: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: dict[str, dict[str, Any]] = field(default_factory=dict)
    emails: dict[str, dict[str, Any]] = field(default_factory=dict)
    meetings: dict[str, dict[str, Any]] = field(default_factory=dict)
    more_properties: tuple[str, ...] = ()
    page_size: int = 100
    script: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.released = threading.Event()
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def page_of_companies(self, after: str | None, limit: int, wanted: list[str]) -> dict[str, Any]:
        """The companies behind `after`, in the order of their ids."""
        ids = sorted(self.companies, key=int)
        behind = [i for i in ids if after is None or int(i) > int(after)]
        shown = behind[: min(limit, self.page_size)]
        body: dict[str, Any] = {"results": [self._company(i, wanted) for i in shown]}
        if len(behind) > len(shown):
            link = f"{self.url}/crm/v3/objects/companies?after={shown[-1]}"
            body["paging"] = {"next": {"after": shown[-1], "link": link}}
        return body

    def _company(self, i: str, wanted: list[str]) -> dict[str, Any]:
        held = dict(self.companies[i])
        contacts = held.pop("contacts", [])
        record: dict[str, Any] = {"id": i, "properties": {n: held.get(n) for n in wanted}, "archived": False}
        if contacts:
            # Each stands there once for every way in which it is associated.
            twice = [
                {"id": c, "type": t} for c in contacts for t in ("company_to_contact", "company_to_contact_unlabeled")
            ]
            record["associations"] = {"contacts": {"results": twice}}
        return record

    def found(self, objects: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """A search for what a company is associated with."""
        (condition,) = body["filterGroups"][0]["filters"]
        held: dict[str, dict[str, Any]] = getattr(self, objects)
        (order,) = body["sorts"]
        by, down = order["propertyName"], order["direction"] == "DESCENDING"
        ids = [i for i in sorted(held, key=int) if held[i].get("company") == condition["value"]]
        if by != "hs_object_id":
            ids.sort(key=lambda i: str(held[i].get(by)), reverse=down)
        start = int(body.get("after", 0))
        shown = ids[start : start + min(body["limit"], self.page_size)]
        answer: dict[str, Any] = {"total": len(ids), "results": [
            {"id": i, "properties": {n: held[i].get(n) for n in body["properties"]}} for i in shown
        ]}  # fmt: skip
        if start + len(shown) < len(ids):
            answer["paging"] = {"next": {"after": str(start + len(shown))}}
        return answer


_REFUSALS: Final[Mapping[str, tuple[int, dict[str, str], dict[str, str]]]] = {
    "busy": (429, {"status": "error", "errorType": "RATE_LIMIT", "policyName": "TEN_SECONDLY_ROLLING"}, {}),
    "full": (429, {"status": "error", "errorType": "RATE_LIMIT", "policyName": "TEN_SECONDLY_ROLLING"}, {"Retry-After": "3"}),
    "daily": (429, {"status": "error", "errorType": "RATE_LIMIT", "policyName": "DAILY"}, {}),
    "error": (502, {"status": "error", "message": "internal error"}, {}),
    "forbidden": (403, {"status": "error", "category": "MISSING_SCOPES"}, {}),
}  # fmt: skip


def _handler(hub: HubSpotStandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked = parse_qs(urlsplit(self.path).query)
            path = urlsplit(self.path).path
            if self._refused():
                return
            if path == "/crm/v3/properties/companies":
                standard = (
                    "name",
                    "domain",
                    "phone",
                    "city",
                    "country",
                    "address",
                    "zip",
                    "website",
                    *hub.more_properties,
                )
                self._send(200, {"results": [{"name": n, "type": "string"} for n in standard]})
            elif path.startswith("/crm/v3/pipelines/"):
                stages = [{"id": i, "label": label, "metadata": m} for i, label, m in _STAGES[path.rpartition("/")[2]]]
                self._send(200, {"results": [{"id": "default", "label": "Default", "stages": stages}]})
            elif path == "/crm/v3/objects/companies":
                wanted, limit = asked["properties"][0].split(","), int(asked["limit"][0])
                self._send(200, hub.page_of_companies(asked.get("after", [None])[0], limit, wanted))
            else:
                self._send(404, {"status": "error", "message": "no such path"})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))) or b"{}")
            path = urlsplit(self.path).path
            if self._refused():
                return
            if path == "/crm/v3/objects/contacts/batch/read":
                there = [i["id"] for i in body["inputs"] if i["id"] in hub.contacts]
                found = [
                    {"id": i, "properties": {n: hub.contacts[i].get(n) for n in body["properties"]}} for i in there
                ]
                self._send(200 if len(there) == len(body["inputs"]) else 207, {"status": "COMPLETE", "results": found})
            elif path.endswith("/search"):
                self._send(200, hub.found(path.split("/")[-2], body))
            else:
                self._send(404, {"status": "error", "message": "no such path"})

        def _refused(self) -> bool:
            hub.asked.append(self.path)
            if self.headers.get("authorization") != f"Bearer {TOKEN}":
                self._send(401, {"status": "error", "category": "INVALID_AUTHENTICATION"})
                return True
            mode = hub.script.pop(0) if hub.script else "ok"
            if mode in _REFUSALS:
                self._send(*_REFUSALS[mode])
            elif mode == "garbage":
                self._raw(200, b"<html>maintenance", {})
            elif mode == "dies":
                self._raw(200, b'{"results": [', {"content-length": "5000"})
                self.close_connection = True
            elif mode == "hang":
                hub.released.wait(60)
            return mode not in ("ok", "hang")

        def _send(self, status: int, body: Any, headers: Mapping[str, str] = MappingProxyType({})) -> None:
            self._raw(status, json.dumps(body).encode(), headers)

        def _raw(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
            try:
                self.send_response(status)
                self.send_header("content-type", "application/json;charset=utf-8")
                for name, value in ({"content-length": str(len(body))} | dict(headers)).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)
            except OSError:
                self.close_connection = True  # the caller had enough

        def log_message(self, *_: object) -> None: ...

    return Handler
