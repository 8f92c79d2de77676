"""What README and docs/first-payment.md tell a newcomer to type does what they say it does."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.stack_fixtures.app import AppStack

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(not (shutil.which("bash") and shutil.which("curl")), reason="types in bash, with curl")


def typed(page: str, stack: AppStack) -> str:
    """What comes of all commands of the page, in an organisation of its own."""
    commands = "".join(re.findall(r"```sh\n(.*?)```", (ROOT / page).read_text(), re.DOTALL))
    commands = re.sub(r"org_(mine|first)\b", f"org_{os.urandom(6).hex()}", commands)
    commands = commands.replace(".venv/bin/", f"{Path(sys.executable).parent}/")
    # The books of other tests are here, too, some of them altered on purpose.
    commands = re.sub(r"^\$arflow verify.*$", "", commands, flags=re.MULTILINE)
    environment = stack.environment | {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def answers(said: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in said.splitlines() if line.startswith("{")]


def test_the_first_payment_of_the_readme_leaves_the_aging_that_it_says(app_stack: AppStack) -> None:
    applied, aging = answers(typed("README.md", app_stack))
    assert applied["status"] == "FULLY_APPLIED"
    assert applied["invoices"][0]["status"] == "PARTIALLY_PAID"
    assert (aging["not_due_minor"], aging["net_minor"]) == (20_000, 20_000)


def test_the_page_of_the_first_payment_goes_as_it_is_told(app_stack: AppStack) -> None:
    said = typed("docs/first-payment.md", app_stack)
    found = answers(said)
    assert [a["code"] for a in found if "code" in a] == [
        "CUSTOMER_NOT_FOUND", "FORBIDDEN", "OVERPAYMENT_REQUIRES_CREDIT",
    ]  # fmt: skip
    (refused,) = [a for a in found if a.get("code") == "OVERPAYMENT_REQUIRES_CREDIT"]
    assert (refused["available_minor"], refused["open_balance_minor"]) == (65_000, 50_000)
    previewed, first, again = [a for a in found if "applied_count" in a]
    assert "journal_entry" in previewed
    assert first == again
    assert said.count("idempotent-replayed: true") == 1
    (aging,) = [a for a in found if "current_minor" in a]
    assert (aging["current_minor"], aging["credits_minor"], aging["net_minor"]) == (0, 15_000, -15_000)
    posted, trail, feed = [a["items"] for a in found if "items" in a]
    assert {line["account"] for line in posted[0]["lines"]} == {"cash", "accounts_receivable", "customer_credits"}
    assert [e["action"] for e in trail][:2] == ["payment.received", "apply_payment.refused"]
    assert feed
    assert [line for line in said.splitlines() if re.fullmatch(r"[A-Z_]+|\d+", line)] == [
        "PENDING_APPROVAL", "APPROVED", "REVERSED", "50000",
    ]  # fmt: skip
