"""A small HTTP/1.1 client on asyncio streams, so that the load generator costs next to nothing."""

import asyncio
import json
import time
from typing import Any


class Connection:
    """One kept-alive connection."""

    def __init__(self, port: int, token: str) -> None:
        self._port, self._token = port, token
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._last = 0.0
        self.etag = ""
        """Of the last answer that had one."""

    async def request(self, method: str, path: str, body: Any = None, headers: str = "") -> tuple[int, bytes, float]:
        """Status, body, seconds."""
        if self._writer is not None and time.monotonic() - self._last > 2:
            self.close()  # the server lets idle connections go
            self._writer = None
        if self._writer is None:
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port, limit=64 * 1024 * 1024)
        assert self._reader is not None
        data = b"" if body is None else json.dumps(body).encode()
        head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {self._token}\r\n{headers}"
        if data:
            head += f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n"
        began = time.perf_counter()
        self._writer.write(head.encode() + b"\r\n" + data)
        raw = await self._reader.readuntil(b"\r\n\r\n")
        status = int(raw[9:12])
        length = 0
        for line in raw.split(b"\r\n"):
            name = line[:15].lower()
            if name.startswith(b"content-length:"):
                length = int(line.split(b":")[1])
            elif name.startswith(b"etag:"):
                self.etag = line[5:].strip().decode()
        content = await self._reader.readexactly(length) if length else b""
        self._last = time.monotonic()
        return status, content, time.perf_counter() - began

    async def json(self, method: str, path: str, body: Any = None) -> Any:
        """The body of a good answer."""
        status, content, _ = await self.request(method, path, body)
        if status >= 300:
            raise RuntimeError(f"{method} {path}: {status} {content[:500]!r}")
        return json.loads(content)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
