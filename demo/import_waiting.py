"""Waiting for an import."""

import time
from typing import Any, Final

from demo.console import Claim
from demo.context import Demo

SECONDS: Final = 180


def wait_for(ctx: Demo, import_id: str, *statuses: str) -> dict[str, Any]:
    """The import, once it has one of the statuses; a broken claim where it takes too long."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        now: dict[str, Any] = ctx.clerk.get(f"/v1/customer-imports/{import_id}").json()
        if now["status"] in statuses:
            return now
        time.sleep(0.2)
    raise Claim.failed(f"the import becomes {' or '.join(statuses)}", now["status"])
