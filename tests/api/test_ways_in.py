"""Every write has one way in, and the description says what it is answered when its process takes longer."""

import ast
import inspect
import re
from pathlib import Path

import pytest

from api.app import ROUTERS
from api.gate import GatedRoute
from models.messages.approvals import approval_workflow_id
from models.messages.changes import change_workflow_id
from models.messages.imports import import_workflow_id
from operations import execution, registry  # noqa: F401 - registers the operations
from operations.approvals.families import FAMILIES
from operations.execution import Approval, Change, Import, InPlace, Posting
from operations.runner import OPERATIONS
from tests.stack_fixtures.described import description
from workflows.escalations import EscalateCase
from workflows.payments import POSTING_WORKFLOWS

ROOT = Path(__file__).parents[2]
WRITES = [
    route
    for router in ROUTERS
    for route in router.routes
    if isinstance(route, GatedRoute) and (route.methods or set()) - {"GET"}
]


def called_in(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text())
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return {call.attr if isinstance(call, ast.Attribute) else getattr(call, "id", "") for call in calls}


def calling(*names: str) -> set[str]:
    """The files of the product that call one of these."""
    rooms = [p for room in ("api", "activities", "operations", "workflows") for p in (ROOT / room).rglob("*.py")]
    return {p.name for p in rooms if set(names) & called_in(str(p.relative_to(ROOT)))}


def test_routes_write_by_one_function() -> None:
    inside = {"submit", "run_now", "execute", "execute_kept", "rehearse", "start_workflow", "execute_update", "start"}
    for path in (ROOT / "api/routes").glob("*.py"):
        assert not called_in(str(path.relative_to(ROOT))) & inside, path.name


def test_processes_are_started_and_races_repeated_in_one_place() -> None:
    assert calling("start_workflow", "TypedSearchAttributes") == {"starting.py"}
    assert calling("Command") == {"commands.py"}
    assert calling("posting_workflow_id") == {"execution.py"}
    assert calling("for_keyword", "for_datetime") == {"search_attributes.py"}


def test_a_posting_names_a_process_that_there_is() -> None:
    named = {o.execution.process for o in OPERATIONS.values() if isinstance(o.execution, Posting)}
    assert named == {process.__name__ for process in (*POSTING_WORKFLOWS, EscalateCase)}


def carried_by_process(route: GatedRoute) -> set[str]:
    """The operations that the route's function names and that a process carries; for an act on an approval, every family's."""
    source = inspect.getsource(route.endpoint)
    named = {n for n, o in OPERATIONS.items() if f'"{n}"' in source and not isinstance(o.execution, InPlace)}
    acts = re.findall(r'act\(request, who, key, "(\w+)"', source)
    return named | {n for f in FAMILIES.values() for a in acts if (n := f"{f.noun}.{a}") in OPERATIONS}


def test_every_such_operation_has_its_route() -> None:
    asked = {name for route in WRITES for name in carried_by_process(route)}
    assert {n for n, o in OPERATIONS.items() if not isinstance(o.execution, InPlace)} - asked == {"import.submit"}


@pytest.mark.parametrize(
    "route", [r for r in WRITES if carried_by_process(r) and not r.path.endswith(":batch")], ids=lambda r: r.name
)
def test_a_write_that_a_process_carries_says_what_its_202_is(route: GatedRoute) -> None:
    (method,) = route.methods or {""}
    accepted = description()["paths"][route.path_format][method.lower()]["responses"]["202"]
    assert accepted["content"]["application/json"]["schema"]
    assert {"Location", "Retry-After", "X-Workflow-Id"} <= set(accepted["headers"])
    if any(isinstance(OPERATIONS[name].execution, Posting) for name in carried_by_process(route)):
        assert "'#/components/schemas/UnderWay'" in str(accepted["content"]["application/json"]["schema"])


def test_the_kinds_are_those_that_the_door_knows() -> None:
    assert {type(o.execution).__name__ for o in OPERATIONS.values()} == {
        *(kind.__name__ for kind in (InPlace, Posting, Change, Approval, Import)),
        "Statement",
    }


def test_a_process_is_named_for_its_record_and_a_posting_for_its_command_too() -> None:
    def named(how: execution.Execution) -> str | None:
        return execution.workflow_id(how, "rec_1", "cmd_1")

    assert named(Posting("ApplyPayment")) == "rec_1/ApplyPayment/1"
    assert named(Approval("decide")) == approval_workflow_id("rec_1")
    assert named(Import(begins=True)) == import_workflow_id("rec_1")
    assert named(Change("decide")) == change_workflow_id("rec_1")
    assert (named(InPlace()), named(execution.Statement())) == (None, None)
    new = [named(Change("submitted")) for _ in range(2)]
    assert all(str(one).startswith("chg_") for one in new), "the change is yet to be made"
    assert new[0] != new[1]


READ_AT = {
    "/v1/bank-accounts/{bank_account_id}/reconciliations": "/v1/reconciliations",
    "/v1/bank-accounts/{bank_account_id}/statements": "/v1/statements",
    "/v1/credit-note-applications": "/v1/credit-notes",
    "/v1/customers": "/v1/customer-changes",
    "/v1/payment-applications": "/v1/customer-payments",
}
"""Where what a write answers is read, if not where its own path begins."""
OF_IMPORTS = "/v1/customer-imports"


def readers(operation: str) -> set[str]:
    """The permissions that read the records of the operation's routes; an import is one by the door of approvals too."""
    named = [route.path_format.removesuffix(":batch") for route in WRITES if operation in carried_by_process(route)]
    own = [path for path in named if not path.startswith("/v1/approvals/")] or named
    asked = [OF_IMPORTS] if operation.startswith("import.") else own
    at = {next((to for of, to in READ_AT.items() if path.startswith(of)), path.partition("/{")[0]) for path in asked}
    reads = {
        path.rpartition("/{")[0]: found.get("get", {})
        for path, found in description()["paths"].items()
        if path[-1] == "}"
    }
    return {reads[path]["x-permission"] for path in at}


@pytest.mark.parametrize("name", sorted(n for n, o in OPERATIONS.items() if not isinstance(o.execution, InPlace)))
def test_what_became_of_a_write_is_read_with_the_permission_that_reads_its_record(name: str) -> None:
    assert {OPERATIONS[name].execution.read_with} == readers(name)
