"""Decisions by signal and by update, sent with the Temporal CLI: only a genuine, fresh, unused token of the change counts."""

import asyncio
import json
import subprocess
import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import psycopg
import pytest
from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from settings import Settings
from stack.temporal import ensure_cli
from tests.customers.desk import Desk, ok, refused

T = TypeVar("T")
Send = Callable[..., None]


def token(desk: Desk, change: dict, user: str, *roles: str) -> str:
    found = ok(desk(user, *roles).get(f"/v1/customer-changes/{change['change_id']}/approval-token"))
    assert found["expires_at"]
    return found["token"]


@pytest.fixture
def send(temporal_address: str, temporal_namespace: str) -> Send:
    cli = ensure_cli(Settings().temporal_cli, print)

    def send(change: dict, *words: object) -> None:
        inputs = [part for word in words for part in ("--input", json.dumps(word))]
        command = [str(cli), "workflow", "signal", "--address", temporal_address, "--namespace", temporal_namespace]
        command += ["--workflow-id", change["workflow_id"], "--name", "decide", *inputs]
        subprocess.run(command, check=True, capture_output=True, timeout=120)

    return send


Update = Callable[..., str]


@pytest.fixture
def update(temporal_address: str, temporal_namespace: str) -> Update:
    """What the CLI prints of an update, failed or not."""
    cli = ensure_cli(Settings().temporal_cli, print)

    def update(change: dict, *words: object, name: str = "decide") -> str:
        command = [str(cli), "workflow", "update", "execute", "--address", temporal_address]
        command += ["--namespace", temporal_namespace, "--workflow-id", change["workflow_id"], "--name", name]
        inputs = [part for word in words for part in ("--input", json.dumps(word))]
        done = subprocess.run([*command, *inputs], check=False, capture_output=True, text=True, timeout=120)
        return done.stdout + done.stderr

    return update


async def _pester(client: Client, change: dict, times: int) -> None:
    """Signals without a valid token, sent over a connection of this loop's own."""
    here = await Client.connect(client.service_client.config.target_host, namespace=client.namespace)
    handle = here.get_workflow_handle(change["workflow_id"])
    for n in range(times):
        await handle.signal("decide", {"token": f"apt_{n}.x", "decision": "approve"})


@pytest.fixture
def reasons(database_url: str) -> Callable[[dict], list[str]]:
    """Why signals to this change were refused, as the audit trail has it."""

    def reasons(change: dict) -> list[str]:
        with psycopg.connect(database_url) as c:
            rows = c.execute(
                "SELECT reason_code FROM audit_events WHERE subject_id = %s AND action IN "
                "('customer.change.signal_refused', 'change.decide.refused') ORDER BY seq",
                (change["change_id"],),
            ).fetchall()
        return [r[0] for r in rows]

    return reasons


def wait(what: Callable[[], T], timeout: float = 90) -> T:
    deadline = time.monotonic() + timeout
    while not (found := what()):
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.05)
    return found


def test_a_change_is_approved_by_signals(desk: Desk, send: Send):
    change = desk.submit()
    send(
        change,
        {"token": token(desk, change, "u_manager"), "decision": "approve", "reason_code": None, "comment": "by signal"},
    )
    wait(lambda: desk.change(change)["awaiting_role"] == "controller")
    send(change, {"token": token(desk, change, "u_controller"), "decision": "approve"})
    wait(lambda: desk.change(change)["status"] == "APPROVED")
    seen = desk.change(change)
    assert [(d["decided_by"], d["channel"], d["comment"]) for d in seen["decisions"]] == [
        ("u_manager", "signal", "by signal"), ("u_controller", "signal", None)
    ]  # fmt: skip
    assert desk.read(change["customer_id"])["status"] == "active"


def test_a_rejection_by_signal_needs_a_reason_too(desk: Desk, send: Send, reasons):
    change = desk.submit()
    word = {"token": token(desk, change, "u_manager"), "decision": "reject"}
    send(change, word)
    wait(lambda: reasons(change) == ["REASON_REQUIRED"])
    send(change, word | {"reason_code": "DUPLICATE"})
    wait(lambda: reasons(change) == ["REASON_REQUIRED", "TOKEN_USED"])  # whoever reads the history has read it
    send(change, word | {"token": token(desk, change, "u_manager"), "reason_code": "DUPLICATE"})
    wait(lambda: desk.change(change)["status"] == "REJECTED")


def test_what_is_no_token_changes_nothing_and_is_audited(desk: Desk, send: Send, reasons, database_url):
    change, other = desk.submit(), desk.submit()
    genuine, elsewhere = token(desk, change, "u_manager"), token(desk, other, "u_manager")
    expired = token(desk, change, "u_manager")
    with psycopg.connect(database_url) as c:
        c.execute("UPDATE approval_tokens SET expires_at = now() WHERE id = %s", (expired.split(".")[0],))
    approve = {"decision": "approve"}
    flipped = genuine[:-1] + ("A" if genuine[-1] != "A" else "B")
    stolen = genuine.split(".")[0] + "." + elsewhere.split(".")[1]
    words = [
        (approve | {"token": flipped}, "TOKEN_FORGED"),
        (approve | {"token": stolen}, "TOKEN_FORGED"),
        (approve | {"token": "apt_1.x"}, "TOKEN_FORGED"),
        (approve | {"token": ""}, "TOKEN_FORGED"),
        (approve | {"token": elsewhere}, "TOKEN_OTHER_CHANGE"),
        (approve | {"token": expired}, "TOKEN_FORGED"),  # the moment is signed: moving it breaks the seal
        ("approve", "SIGNAL_MALFORMED"),
        ([genuine], "SIGNAL_MALFORMED"),
        ({"token": genuine, "decision": "sign"}, "SIGNAL_MALFORMED"),
        ({"token": genuine, "decision": "approve", "as": "u_cfo"}, "SIGNAL_MALFORMED"),
        ({"token": genuine, "decision": "approve", "reason_code": "not upper"}, "SIGNAL_MALFORMED"),
    ]

    def refused_times(of: dict, count: int) -> bool:
        return len(reasons(of)) == count

    for n, (word, reason) in enumerate(words, 1):
        send(change, word)
        wait(partial(refused_times, change, n))
        assert reasons(change)[-1] == reason, word
    assert desk.change(change)["decisions"] == []
    for shown, where in ((genuine, change), (elsewhere, other)):  # they stand in a history by now
        before = len(reasons(where))
        send(where, approve | {"token": shown})
        wait(partial(refused_times, where, before + 1))
        assert reasons(where)[-1] == "TOKEN_USED"
    send(change, approve | {"token": token(desk, change, "u_manager")})
    wait(lambda: desk.change(change)["awaiting_role"] == "controller")


def test_an_expired_token_is_refused(desk: Desk, send: Send, reasons, monkeypatch, database_url):
    change = desk.submit()
    made = _short_lived(database_url, desk.org, change, monkeypatch)
    send(change, {"token": made, "decision": "approve"})
    wait(lambda: reasons(change) == ["TOKEN_EXPIRED"])


def _short_lived(database_url: str, org: str, change: dict, monkeypatch) -> str:
    from datetime import timedelta

    from models.access import Principal
    from models.db.engine import make_engine, transaction
    from operations.approvals import tokens as approval_tokens

    monkeypatch.setattr(approval_tokens, "LIFETIME", timedelta(seconds=-1))
    engine = make_engine(database_url, pool_size=1)
    try:
        with transaction(engine, org) as tx:
            who = Principal("u_manager", org, frozenset({"ar_manager"}))
            return approval_tokens.issue(tx, who, change["change_id"]).token
    finally:
        engine.dispose()


def test_a_token_serves_once_and_for_its_step_only(desk: Desk, send: Send, reasons):
    change = desk.submit()
    first, spare = token(desk, change, "u_manager"), token(desk, change, "u_manager")
    send(change, {"token": first, "decision": "approve"})
    wait(lambda: desk.change(change)["awaiting_role"] == "controller")
    send(change, {"token": first, "decision": "approve"})
    wait(lambda: reasons(change) == ["TOKEN_USED"])
    send(change, {"token": spare, "decision": "approve"})
    wait(lambda: reasons(change) == ["TOKEN_USED", "STEP_NOT_PENDING"])


def test_a_token_of_an_earlier_round_decides_nothing(desk: Desk, send: Send, reasons):
    change = desk.submit()
    old = token(desk, change, "u_manager")
    ok(desk.decide(change, "u_manager2", "return", reason_code="TYPO"))
    ok(desk("u_clerk").post(f"/v1/customer-changes/{change['change_id']}/resubmit"))
    send(change, {"token": old, "decision": "approve"})
    wait(lambda: reasons(change) == ["APPROVAL_TOKEN_INVALID"])
    seen = desk.change(change)
    assert (seen["round"], seen["awaiting_role"], [d["round"] for d in seen["decisions"]]) == (2, "ar_manager", [1])
    send(change, {"token": token(desk, change, "u_manager"), "decision": "approve"})
    wait(lambda: desk.change(change)["awaiting_role"] == "controller")


def test_a_token_is_given_only_to_who_may_decide(desk: Desk):
    change = desk.submit("u_all")
    url = f"/v1/customer-changes/{change['change_id']}/approval-token"
    refused(desk("u_controller").get(url), 403, "FORBIDDEN")
    refused(desk("u_all").get(url), 403, "SEGREGATION_OF_DUTIES")
    refused(desk("u_clerk").get(url), 403, "FORBIDDEN")


def test_who_loses_the_role_cannot_use_an_earlier_token(desk: Desk, send: Send, reasons):
    change = desk.submit()
    made = token(desk, change, "u_demoted", "ar_manager")
    ok(desk("u_demoted", "ar_clerk").post("/v1/customers", json=desk.body()), 202)
    send(change, {"token": made, "decision": "approve"})
    wait(lambda: reasons(change) == ["FORBIDDEN"])
    assert desk.change(change)["awaiting_role"] == "ar_manager"


def test_who_loses_the_legal_entity_cannot_use_an_earlier_token(desk: Desk, update: Update, reasons):
    change = desk.submit()
    made = token(desk, change, "u_narrowed", "ar_manager")
    narrow = desk("u_narrowed", "ar_clerk", "ar_manager", entities=("le_uk",))
    ok(narrow.post("/v1/customers", json=desk.body(legal_entity_id="le_uk")), 202)
    assert "FORBIDDEN" in update(change, {"token": made, "decision": "approve"})
    assert reasons(change) == ["FORBIDDEN"]
    assert desk.change(change)["awaiting_role"] == "ar_manager"


def test_an_odd_number_of_inputs_does_not_harm_the_process(desk: Desk, send: Send, reasons):
    change = desk.submit()
    send(change)
    wait(lambda: reasons(change) == ["SIGNAL_MALFORMED"])
    send(change, {"token": "x", "decision": "approve"}, "more")
    wait(lambda: len(reasons(change)) == 2)
    assert desk.approve(change)["status"] == "APPROVED"


def test_a_decision_by_update_needs_a_token_too(desk: Desk, update: Update, reasons):
    change = desk.submit()
    nothing = update(change, {"decision": "approve"})
    forged = update(change, {"token": "apt_1.x", "decision": "approve"})
    assert ("TOKEN_FORGED" in nothing, "TOKEN_FORGED" in forged) == (True, True)
    assert reasons(change) == ["TOKEN_FORGED", "TOKEN_FORGED"]
    mine = {"token": token(desk, change, "u_manager"), "decision": "reject"}
    assert "REASON_REQUIRED" in update(change, mine)
    again = {"token": token(desk, change, "u_manager"), "decision": "approve", "comment": "by update"}
    done = update(change, again)
    assert "controller" in done
    last = {"token": token(desk, change, "u_controller"), "decision": "approve"}
    assert "APPROVED" in update(change, last)  # answered when it has been carried out
    assert desk.read(change["customer_id"])["status"] == "active"
    assert [(d["decided_by"], d["channel"], d["comment"]) for d in desk.change(change)["decisions"]] == [
        ("u_manager", "update", "by update"), ("u_controller", "update", None)
    ]  # fmt: skip


def test_an_update_is_refused_in_the_words_of_a_request_and_shows_nothing_of_the_code(desk: Desk, update: Update):
    change = desk.submit()
    mine = token(desk, change, "u_manager")
    over_http = refused(desk.decide(change, "u_manager", "reject"), 422, "REASON_REQUIRED")
    said = update(change, {"token": mine, "decision": "reject"})
    assert f"REASON_REQUIRED: {over_http['detail']}" in said
    unreadable = [
        update(change, "approve"), update(change), update(change, [1]), update(change, 7), update(change, None),
        update(change, {"token": 7, "decision": "approve"}), update(change, {"token": mine}, "more"),
        update(change, {}, name="nothing_like_it"),
    ]  # fmt: skip
    assert ["VALIDATION_FAILED" in answer for answer in unreadable] == [True] * len(unreadable)
    ok(desk("u_clerk").post(f"/v1/customer-changes/{change['change_id']}/withdraw"))
    closed = refused(desk.decide(change, "u_manager"), 409, "CHANGE_CLOSED")
    ended = update(change, {"token": mine, "decision": "approve"})
    for answer in (said, *unreadable, ended):
        for inside in (
            'File "',
            ".py",
            "Traceback",
            "pydantic",
            "RuntimeError",
            "TypeError",
            "ActInput",
            "site-packages",
        ):
            assert inside not in answer, answer
    assert closed["detail"] in ended or "workflow execution already completed" in ended


async def test_the_sdk_is_told_the_problem_whole(desk: Desk, temporal_client: Client):
    change = desk.submit()
    handle = temporal_client.get_workflow_handle(change["workflow_id"])
    with pytest.raises(WorkflowUpdateFailedError) as failed:
        await handle.execute_update("decide", {"token": "apt_1.x", "decision": "approve"})
    told = failed.value.cause
    assert isinstance(told, ApplicationError)
    assert (told.type, told.message) == ("TOKEN_FORGED", "TOKEN_FORGED: There is no such token.")
    assert told.details[0]["code"] == "TOKEN_FORGED"
    assert told.failure is not None
    assert not told.failure.stack_trace


def test_after_a_hundred_refused_signals_a_run_listens_to_no_more_and_says_so(
    desk: Desk, send: Send, update: Update, reasons, temporal_client: Client
):
    change = desk.submit()
    asyncio.run(_pester(temporal_client, change, 99))
    wait(lambda: len(reasons(change)) == 99, 180)
    genuine = {"token": token(desk, change, "u_manager"), "decision": "approve"}

    def found() -> list[dict]:
        items = ok(desk("u_ops").get("/v1/exceptions", params={"status": "open", "limit": 200}))["items"]
        return [e for e in items if e["subject_id"] == change["change_id"]]

    assert found() == []
    send(change, {"token": "apt_100.x", "decision": "approve"})
    (told,) = wait(found)
    assert (told["kind"], told["reason_code"], told["owner_role"]) == ("signals_refused", "SIGNALS_REFUSED", "ops")
    send(change, genuine)
    assert "too many refused decisions" in update(change, genuine)
    ok(desk.decide(change, "u_manager2"))  # the API is not deaf
    assert [d["channel"] for d in desk.change(change)["decisions"]] == ["api"]
    assert len(reasons(change)) == 100
