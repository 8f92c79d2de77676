"""The protocol's own rules at `/mcp`, asked with plain HTTP: versions, sessions, methods, parameters, headers, cancellation.

Written from the specification of 2025-06-18 and 2025-11-25 (lifecycle, transports, utilities).
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from subprocess import DEVNULL, PIPE
from typing import Any

import httpx2
import pytest

from tests.api.office import Office
from tests.conversation.people import token

BOTH = "application/json, text/event-stream"


class Speaker:
    """A client that speaks JSON-RPC by hand, and sees what the wire says."""

    def __init__(self, office: Office, person: str = "u_clerk") -> None:
        self._url = f"{office.stack.base_url}/mcp"
        self.headers = {"Authorization": f"Bearer {token(office, person)}", "Accept": BOTH}
        self._http = httpx2.Client(timeout=60, trust_env=False)
        self._ids = iter(range(1, 10_000))

    def post(self, said: Any, **headers: str | None) -> httpx2.Response:
        merged = {**self.headers, "Content-Type": "application/json"}
        merged |= {name.replace("_", "-"): value for name, value in headers.items() if value is not None}
        merged = {name: value for name, value in merged.items() if headers.get(name.replace("-", "_"), "") is not None}
        content = said if isinstance(said, str | bytes) else json.dumps(said)
        return self._http.post(self._url, content=content, headers=merged)

    def ask(self, method: str, params: Any = None, **headers: str | None) -> httpx2.Response:
        said = {"jsonrpc": "2.0", "id": next(self._ids), "method": method}
        return self.post(said if params is None else {**said, "params": params}, **headers)

    def begin(self, version: str = "2025-11-25") -> dict[str, Any]:
        """The handshake; what the server said to it."""
        info = {"name": "by-hand", "version": "1"}
        answer = self.ask("initialize", {"protocolVersion": version, "capabilities": {}, "clientInfo": info})
        result: dict[str, Any] = said(answer)["result"]
        self.headers["Mcp-Session-Id"] = answer.headers["mcp-session-id"]
        self.headers["Mcp-Protocol-Version"] = result["protocolVersion"]
        assert self.post({"jsonrpc": "2.0", "method": "notifications/initialized"}).status_code == 202
        return result

    def other(self, method: str) -> httpx2.Response:
        return self._http.request(method, self._url, headers=self.headers)

    def close(self) -> None:
        self._http.close()


def said(answer: httpx2.Response) -> dict[str, Any]:
    """The message of an answer, whether as JSON or as the last event of a stream."""
    if answer.headers["content-type"].startswith("application/json"):
        found: dict[str, Any] = answer.json()
        return found
    lines = [line.removeprefix("data:").strip() for line in answer.text.splitlines() if line.startswith("data:")]
    message: dict[str, Any] = json.loads([line for line in lines if line][-1])
    return message


@pytest.fixture
def speaker(office: Office) -> Iterator[Speaker]:
    made = Speaker(office)
    yield made
    made.close()


@pytest.mark.parametrize("version", ["2025-03-26", "2025-06-18", "2025-11-25"])
def test_versions_are_agreed_upon(speaker: Speaker, version: str) -> None:
    result = speaker.begin(version)
    assert result["protocolVersion"] == version
    assert result["serverInfo"]["name"] == "arflow"
    assert {"tools", "resources", "prompts"} <= result["capabilities"].keys()
    assert said(speaker.ask("tools/list"))["result"]["tools"]


def test_a_version_that_nobody_knows_is_answered_with_one_that_we_speak(speaker: Speaker) -> None:
    assert speaker.begin("1999-01-01")["protocolVersion"].startswith("2025-")


def test_a_version_header_that_was_not_agreed_upon_is_refused(speaker: Speaker) -> None:
    speaker.begin()
    assert speaker.ask("tools/list", Mcp_Protocol_Version="1999-01-01").status_code == 400


def test_ping_is_answered_with_nothing(speaker: Speaker) -> None:
    speaker.begin()
    assert said(speaker.ask("ping"))["result"] == {}


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [
        ("tools/lisst", None, -32601),
        ("sampling/createMessage", {}, -32601),
        ("tools/call", {"name": "no_such_tool", "arguments": {}}, -32602),
        ("tools/call", {"arguments": {}}, -32602),
        ("tools/call", {"name": 7}, -32602),
        ("prompts/get", {"name": "no_such_prompt"}, -32602),
        ("resources/read", {"uri": "file:///etc/passwd"}, -32602),
        ("resources/read", {}, -32602),
    ],
)
def test_what_is_not_there_or_misshapen_is_an_error_by_its_number(
    speaker: Speaker, method: str, params: Any, code: int
) -> None:
    speaker.begin()
    answer = said(speaker.ask(method, params))
    assert answer["error"]["code"] == code
    assert "Traceback" not in str(answer)


@pytest.mark.parametrize("body", ["{", "", "[1, 2]", '{"jsonrpc": "1.0", "id": 1, "method": "ping"}', '"ping"', "null"])
def test_what_is_no_message_is_a_bad_request(speaker: Speaker, body: str) -> None:
    speaker.begin()
    answer = speaker.post(body)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] in (-32700, -32600, -32602)


def test_a_line_on_stdin_that_is_no_message_is_answered_and_the_next_one_too() -> None:
    lines = [
        "{",
        "",
        "[1, 2]",
        '{"jsonrpc": "1.0", "id": 1, "method": "ping"}',
        '{"jsonrpc":"2.0","id":7,"method":"ping"}',
    ]
    environment = {**os.environ, "ARFLOW_TOKEN": "t", "ARFLOW_URL": "http://127.0.0.1:1"}
    with subprocess.Popen(
        [sys.executable, "-m", "cli.main", "mcp"], stdin=PIPE, stdout=PIPE, stderr=DEVNULL, text=True, env=environment
    ) as speaking:  # what it still had to say when its input ends, it does not say
        assert speaking.stdin
        assert speaking.stdout
        speaking.stdin.write("".join(f"{line}\n" for line in lines))
        speaking.stdin.flush()
        answers = [speaking.stdout.readline() for _ in range(4)]
        speaking.stdin.close()
    said = [json.loads(answer) for answer in answers]
    assert [a["error"]["code"] for a in said[:-1]] == [-32700, -32600, -32600]
    assert [a["id"] for a in said] == [None, None, None, 7]
    assert "input" not in str(answers)


def test_headers_say_what_is_sent_and_taken(speaker: Speaker) -> None:
    speaker.begin()
    assert speaker.ask("ping", Content_Type="text/plain").status_code in (400, 415)
    assert speaker.ask("ping", Accept="text/html").status_code == 406
    assert speaker.ask("ping", Authorization="Bearer nonsense").status_code == 401


@pytest.mark.parametrize("origin", ["https://evil.example", "http://localhost.evil.example", "null"])
def test_a_page_of_another_site_is_refused(speaker: Speaker, origin: str) -> None:
    """DNS rebinding: a browser says whose page it is."""
    speaker.begin()
    assert speaker.ask("ping", Origin=origin).status_code == 403
    host = origin.removeprefix("https://").removeprefix("http://")
    assert speaker.ask("ping", Origin=f"http://{host}", Host=host).status_code == 403


def test_a_page_of_our_own_is_served(office: Office, speaker: Speaker) -> None:
    speaker.begin()
    assert speaker.ask("ping", Origin=office.stack.base_url).status_code == 200


def test_a_session_is_its_persons_and_ends(office: Office, speaker: Speaker) -> None:
    speaker.begin()
    other = Speaker(office, "u_clerk2")
    other.headers |= {name: speaker.headers[name] for name in ("Mcp-Session-Id", "Mcp-Protocol-Version")}
    assert other.ask("tools/list").status_code == 404
    other.close()
    assert speaker.ask("tools/list", Mcp_Session_Id="0" * 32).status_code == 404
    assert speaker.other("DELETE").status_code in (200, 204)
    assert speaker.ask("tools/list").status_code == 404


def test_other_methods_of_http_are_not_taken(speaker: Speaker) -> None:
    speaker.begin()
    assert speaker.other("PUT").status_code == 405
    assert speaker.other("PATCH").status_code == 405


def test_a_cancelled_or_unknown_request_is_passed_over(speaker: Speaker) -> None:
    speaker.begin()
    for request_id in (999, "never"):
        told = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": request_id}}
        assert speaker.post(told).status_code == 202
    assert speaker.post({"jsonrpc": "2.0", "method": "notifications/unheard_of"}).status_code == 202
    assert said(speaker.ask("ping"))["result"] == {}


def test_progress_is_said_to_who_asked_for_it(office: Office, speaker: Speaker) -> None:
    speaker.begin()
    content = b"name,email\nA,a@example.com\n"
    sent = office.clerk.post(
        "/v1/customer-imports", files={"file": ("c.csv", content)},
        data={"options": json.dumps({"source": "csv", "legal_entity_id": "le_us"})},
    )  # fmt: skip
    asked = {"name": "follow_import", "arguments": {"import_id": sent.json()["id"]}, "_meta": {"progressToken": "p1"}}
    answer = speaker.ask("tools/call", asked)
    events = [
        json.loads(line[5:]) for line in answer.text.splitlines() if line.startswith("data:") and line[5:].strip()
    ]
    told = [e["params"] for e in events if e.get("method") == "notifications/progress"]
    assert {t["progressToken"] for t in told} == {"p1"}
    assert events[-1]["result"]["structuredContent"]["id"] == sent.json()["id"]
    silent = speaker.ask("tools/call", {name: value for name, value in asked.items() if name != "_meta"})
    assert "notifications/progress" not in silent.text
