"""A customer's own server: takes webhooks on a real socket, and answers as it is told to."""

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Got:
    """One request as it arrived, and what it was answered."""

    path: str
    headers: dict[str, str]
    body: bytes
    status: int

    @property
    def event(self) -> dict[str, Any]:
        return json.loads(self.body)

    def signed_with(self, secret: str) -> bool:
        """Standard Webhooks, computed here from its text: HMAC-SHA256 over id.timestamp.body, base64, `v1,` in front."""
        key = base64.b64decode(secret.removeprefix("whsec_"))
        said = f"{self.headers['webhook-id']}.{self.headers['webhook-timestamp']}.".encode() + self.body
        mark = "v1," + base64.b64encode(hmac.new(key, said, hashlib.sha256).digest()).decode()
        fresh = abs(time.time() - int(self.headers["webhook-timestamp"])) < 300
        return fresh and mark in self.headers["webhook-signature"].split(" ")


@dataclass
class Receiver:
    """`answers` are used up one a request; then `usually`."""

    url: str
    got: list[Got] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    usually: int = 204
    elsewhere: list[str] = field(default_factory=list)
    """What was asked at the address that a redirect names."""

    def wait(self, count: int, seconds: float = 120) -> list[Got]:
        deadline = time.monotonic() + seconds
        while len(self.got) < count:
            assert time.monotonic() < deadline, f"{len(self.got)} of {count} arrived: {[g.body for g in self.got]}"
            time.sleep(0.05)
        return list(self.got)


@contextmanager
def receiver() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            r.elsewhere.append(self.path)
            self.send_response(204)
            self.end_headers()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.path.startswith("/elsewhere"):
                r.elsewhere.append(self.path)
            status = r.answers.pop(0) if r.answers else r.usually
            r.got.append(Got(self.path, {k.lower(): v for k, v in self.headers.items()}, body, status))
            self.send_response(status)
            if status == 302:
                self.send_header("location", r.url.replace("/hook", "/elsewhere"))
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    r = Receiver(f"http://127.0.0.1:{server.server_port}/hook?of=arflow")
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield r
    finally:
        server.shutdown()
        server.server_close()
