"""Clients as they should be: whatever happens on the way, the same request with the same key until there is an answer."""

import time
from dataclasses import dataclass, field
from typing import Any

import httpx2

from models.ids import new_id

PATIENCE = 300.0


@dataclass
class Client:
    """One caller. `odd` collects answers that no client should ever get, such as a 500."""

    base_url: str
    token: str
    odd: list[str] = field(default_factory=list)
    retries: int = 0

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Send until it is answered with success, every time under the same Idempotency-Key; the answer's body."""
        headers = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": new_id("key")}
        deadline = time.monotonic() + PATIENCE
        last = "nothing was sent"
        while time.monotonic() < deadline:
            try:
                with httpx2.Client(base_url=self.base_url, timeout=15, trust_env=False) as http:
                    answer = http.post(path, json=body, headers=headers)
            except httpx2.HTTPError as error:
                last = type(error).__name__
            else:
                if answer.status_code in (200, 201):
                    return dict(answer.json())
                last = f"{answer.status_code} {answer.text}"
                if answer.status_code not in (202, 503):
                    self.odd.append(f"{path}: {last}")
                    if answer.status_code < 500:
                        raise AssertionError(last)
            self.retries += 1
            time.sleep(0.3)
        raise AssertionError(f"no answer in {PATIENCE} s: {last}")
