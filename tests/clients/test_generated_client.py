"""A client generated from the description by a well-kept generator: strictly typed, and doing the main job."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from api.app import create_app
from settings import Settings
from tests.stack_fixtures.app import AppStack

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "first_payment.py"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory that holds the generated package `arflow_client`."""
    here = tmp_path_factory.mktemp("client")
    (here / "openapi.json").write_text(json.dumps(create_app(Settings(dev_token_secret="0" * 64)).openapi()))
    (here / "config.yml").write_text("post_hooks: []\n")  # nothing is formatted
    command = [sys.executable, "-m", "openapi_python_client", "generate", "--path", "openapi.json", "--meta", "none"]
    made = run(here, *command, "--output-path", "arflow_client", "--config", "config.yml", "--fail-on-warning")
    assert made.returncode == 0, made.stdout + made.stderr
    return here


def run(where: Path, *command: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, cwd=where, capture_output=True, text=True, timeout=600, check=False)


def test_every_operation_is_generated_and_the_main_job_is_strictly_typed(client: Path) -> None:
    paths = json.loads((client / "openapi.json").read_text())["paths"]
    operations = {operation["operationId"] for path in paths.values() for operation in path.values()}
    generated = {file.stem for file in (client / "arflow_client" / "api").glob("*/*.py")} - {"__init__"}
    assert generated == operations
    (client / "first_payment.py").write_text(EXAMPLE.read_text())
    checked = run(client, sys.executable, "-m", "mypy", "--strict", "--config-file=", "first_payment.py")
    assert checked.returncode == 0, checked.stdout[-4000:]


def test_the_generated_client_makes_the_first_payment(client: Path, app_stack: AppStack) -> None:
    org = app_stack.organisation("Client")
    customer = app_stack.customer(org, "Harbour", "pay@harbour.example")
    token = app_stack.token(org, "u_clerk", "ar_clerk")
    (client / "first_payment.py").write_text(EXAMPLE.read_text())
    done = run(client, sys.executable, "first_payment.py", app_stack.base_url, token, customer)
    assert done.returncode == 0, done.stdout + done.stderr
    said = done.stdout.splitlines()
    assert said[0] == "refused: OVERPAYMENT_REQUIRES_CREDIT"
    assert said[1:4] == [
        "would post: cash 65000 0", "would post: accounts_receivable 0 50000", "would post: customer_credits 0 15000",
    ]  # fmt: skip
    assert said[4].startswith("applied: PARTIALLY_APPLIED credit: cred_")
    assert said[5] == "net: -15000 USD"


SLOW = """
from importlib import import_module
from pathlib import Path
import httpx
from arflow_client import Client
slow = {"status": "running", "id": "wo_1", "workflow_id": "wo_1/WriteOff/1", "operation": "/v1/operations/x"}
for name in ("create_write_off", "create_credit_note", "resolve_deduction"):
    (found,) = Path("arflow_client/api").glob(f"*/{name}.py")
    call = import_module(".".join(found.with_suffix("").parts))
    print(type(call._parse_response(client=Client(base_url="http://x"), response=httpx.Response(202, json=slow))).__name__)
"""


def test_the_generated_client_reads_that_a_process_goes_on_where_a_202_may_be_an_approval_too(client: Path) -> None:
    done = run(client, sys.executable, "-c", SLOW)
    assert (done.stdout.split(), done.stderr) == (["UnderWay"] * 3, "")
