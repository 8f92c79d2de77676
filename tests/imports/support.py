"""Uploading, awaiting and deciding imports, as a person's client would."""

import io
import json
import time
import uuid
from typing import Any

import httpx2

ENDED = ("COMPLETED", "COMPLETED_WITH_ERRORS", "STOPPED", "FAILED", "VALIDATED", "REJECTED", "CANCELLED")


def mark() -> str:
    """A word that no other test's customers carry."""
    return uuid.uuid4().hex[:8]


def table(rows: list[tuple[Any, ...]], header: str = "name,email") -> bytes:
    """A CSV file."""
    return ("\n".join([header, *(",".join(map(str, r)) for r in rows)]) + "\n").encode()


def send(
    who: httpx2.Client, content: bytes, *, key: str | None = None, name: str = "customers.csv", **options: Any
) -> httpx2.Response:
    """Upload; the options are those of docs/api.md, section 5."""
    said = {"source": "csv", "legal_entity_id": "le_us", **options}
    headers = {"Idempotency-Key": key} if key else {}
    return who.post(
        "/v1/customer-imports",
        files={"file": (name, io.BytesIO(content))},
        data={"options": json.dumps(said)},
        headers=headers,
    )


def see(who: httpx2.Client, import_id: str) -> dict[str, Any]:
    answer = who.get(f"/v1/customer-imports/{import_id}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def until(who: httpx2.Client, import_id: str, *statuses: str, seconds: float = 240) -> dict[str, Any]:
    """Wait for one of the statuses, or for any end."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        now = see(who, import_id)
        if now["status"] in statuses or now["status"] in ENDED:
            return now
        time.sleep(0.1)
    raise AssertionError(f"still {now['status']} after {seconds} s: {now}")


def reviewed(who: httpx2.Client, content: bytes, *, seconds: float = 240, **options: Any) -> dict[str, Any]:
    """Upload and wait for the review (or an end before it)."""
    answer = send(who, content, **options)
    assert answer.status_code == 202, answer.text
    return until(who, answer.json()["id"], "AWAITING_REVIEW", seconds=seconds)


def decide(who: httpx2.Client, import_id: str, decision: str = "approve", **more: Any) -> httpx2.Response:
    return who.post(f"/v1/customer-imports/{import_id}/decisions", json={"decision": decision, **more})


def completed(
    clerk: httpx2.Client, manager: httpx2.Client, content: bytes, *, seconds: float = 240, **options: Any
) -> dict[str, Any]:
    """Upload, approve, and wait for the end."""
    ready = reviewed(clerk, content, **options)
    assert ready["status"] == "AWAITING_REVIEW", ready
    answer = decide(manager, ready["id"])
    assert answer.status_code == 200, answer.text
    return until(clerk, ready["id"], seconds=seconds)


def counts(done: dict[str, Any]) -> dict[str, int]:
    return {c: done[c] for c in ("created", "updated", "skipped", "failed", "not_attempted") if done[c]}


def outcomes(who: httpx2.Client, import_id: str, **query: Any) -> list[tuple[int, str, tuple[str, ...]]]:
    """(row, outcome, codes) of every row."""
    found, cursor = [], None
    while True:
        page = who.get(
            f"/v1/customer-imports/{import_id}/rows",
            params={"limit": 200, **({"cursor": cursor} if cursor else {}), **query},
        ).json()
        found += [(i["row"], i["outcome"], tuple(i["codes"])) for i in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            return found


def code(answer: httpx2.Response) -> tuple[int, str]:
    assert answer.headers["content-type"].startswith("application/problem+json"), answer.text
    return answer.status_code, answer.json()["code"]
