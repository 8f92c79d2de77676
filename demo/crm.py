"""A stand-in for Salesforce on a real socket: sign-in, SOQL queries, pages. For the demo and the tests.

It speaks the shapes of the REST API (token, records with `attributes`, `nextRecordsUrl`, error lists) and misbehaves
on request: `mode` is ok, slow, held (until `released`), hang, error, huge, garbage, shapeless, redirect, limit, busy or
dies; `script` holds the modes of the next queries, one each.
"""

import json
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qs, urlsplit

from demo.crm_accounts import VERSION, Accounts

CREDENTIAL = "demo-client:demo-secret"
_FROM = re.compile(r"FROM (\w+) WHERE AccountId = '(\w+)'")


@dataclass
class Crm:
    """What the stand-in holds and how it behaves. `records` by account id and object ("Opportunity")."""

    records: dict[str, dict[str, list[dict[str, Any]]]] = field(default_factory=dict)
    mode: str = "ok"
    delay_seconds: float = 0.0
    page_size: int = 200
    lacks: frozenset[str] = frozenset({"CurrencyIsoCode", "MilestoneStatus"})
    queries: list[str] = field(default_factory=list)
    sign_ins: int = 0
    token: str = "token-1"
    refresh_token: str = "demo-refresh"
    accounts: Accounts = field(default_factory=Accounts)
    script: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.released = threading.Event()
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def hold(self, account: str, kind: str, *records: dict[str, Any]) -> None:
        """Give the account these records of one object."""
        self.records.setdefault(account, {})[kind] = list(records)

    def close(self) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


def _handler(crm: Crm) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers.get("content-length", 0))).decode())
            given = f"{form.get('client_id', [''])[0]}:{form.get('client_secret', [''])[0]}"
            refreshed = form.get("refresh_token", [crm.refresh_token])[0] == crm.refresh_token
            if self.path != "/services/oauth2/token" or given != CREDENTIAL or not refreshed:
                return self._send(400, {"error": "invalid_client", "error_description": "invalid client credentials"})
            crm.sign_ins += 1
            return self._send(200, {"access_token": crm.token, "instance_url": crm.url, "token_type": "Bearer"})

        def do_GET(self) -> None:
            if self.headers.get("authorization") != f"Bearer {crm.token}":
                return self._send(401, [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}])
            asked = parse_qs(urlsplit(self.path).query)
            soql = asked.get("q", [""])[0]
            path = urlsplit(self.path).path
            crm.queries.append(soql or path)
            if self._misbehave(crm.script.pop(0) if crm.script else crm.mode):
                return None
            if path == f"{VERSION}/sobjects/Account/describe":
                return self._send(200, crm.accounts.describe())
            if path.startswith(f"{VERSION}/query/"):
                return self._send(*crm.accounts.more(path, crm.page_size))
            if " FROM Account" in soql:
                return self._send(*crm.accounts.query(soql, crm.page_size))
            lacking = [name for name in crm.lacks if name in soql.split(" FROM ")[0]]
            if lacking:
                return self._send(400, [{"message": f"No such column '{lacking[0]}'", "errorCode": "INVALID_FIELD"}])
            found = _FROM.search(soql)
            if found is None:
                return self._send(400, [{"message": "unexpected token", "errorCode": "MALFORMED_QUERY"}])
            start = int(asked.get("from", ["0"])[0])
            return self._page(soql, crm.records.get(found[2], {}).get(found[1], []), start)

        def _page(self, soql: str, records: list[dict[str, Any]], start: int) -> None:
            from urllib.parse import quote

            shown = records[start : start + crm.page_size]
            body: dict[str, Any] = {"totalSize": len(records), "done": start + len(shown) >= len(records)}
            body["records"] = [{"attributes": {"type": "sObject"}, **r} for r in shown]
            if not body["done"]:
                path = urlsplit(self.path).path
                body["nextRecordsUrl"] = f"{path}?from={start + len(shown)}&q={quote(soql)}"
            self._send(200, body)

        def _misbehave(self, mode: str) -> bool:
            if mode == "slow":
                time.sleep(crm.delay_seconds)
            elif mode == "held" or mode == "hang":
                crm.released.wait(60)
            elif mode == "limit":
                self._send(403, [{"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}])
            elif mode == "busy":
                self._raw(429, b"[]", {"Retry-After": "1"})
            elif mode == "dies":
                self._raw(200, b'{"totalSize": 2, "done": true, "records": [', {"content-length": "5000"})
                self.close_connection = True
            elif mode == "error":
                self._send(500, [{"message": "An unexpected error occurred", "errorCode": "UNKNOWN_EXCEPTION"}])
            elif mode == "huge":
                self._raw(200, b'{"records": [' + b" " * (10 * 1024 * 1024) + b"]}")
            elif mode == "garbage":
                self._raw(200, b"<html>maintenance \xff\xfe")
            elif mode == "shapeless":
                self._send(200, {"records": [{"Id": 7, "Name": None, "CloseDate": "soon", "Amount": "much"}]})
            elif mode == "redirect":
                self.send_response(302)
                self.send_header("location", "http://169.254.169.254/latest/meta-data/")
                self.send_header("content-length", "0")
                self.end_headers()
            return mode not in ("ok", "slow", "held")

        def _send(self, status: int, body: Any) -> None:
            self._raw(status, json.dumps(body).encode())

        def _raw(self, status: int, body: bytes, headers: Mapping[str, str] = MappingProxyType({})) -> None:
            try:
                self.send_response(status)
                self.send_header("content-type", "application/json;charset=UTF-8")
                for name, value in ({"content-length": str(len(body))} | dict(headers)).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)
            except OSError:
                self.close_connection = True  # the caller had enough

        def log_message(self, format: str, *args: Any) -> None:
            """Silent: the walk prints what matters."""

    return Handler
