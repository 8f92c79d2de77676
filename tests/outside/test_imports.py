"""Bulk import, sentence by sentence of docs/api.md, section 5."""

import json
import uuid
from typing import Any

import httpx2
import pytest

from tests.customers.desk import Desk, ok
from tests.imports.support import code, completed, counts, decide, mark, outcomes, reviewed, send, table, until

PATH = "/v1/customer-imports"
HEADER = "name,email,tax_id,credit_limit"
MANY = 12_000
"""Rows, a batch each: more than are executed while a busy machine brings the next request."""


@pytest.fixture
def clerk(desk: Desk) -> httpx2.Client:
    return desk("u_clerk")


@pytest.fixture
def manager(desk: Desk) -> httpx2.Client:
    return desk("u_manager")


def duplicates(desk: Desk) -> list[tuple[str, str, str, str]]:
    """New; e-mail known; two customers hit; in the file before; tax id known; invalid; new."""
    u = mark()
    desk.customer(email=f"{u}.known@example.com", tax_id=f"T{u}1", name=f"{u} Known")
    desk.customer(email=f"{u}.other@example.com", tax_id=f"T{u}2", name=f"Other {u}")
    return [
        (f"New {u}", f"{u}.1@example.com", "", ""),
        (f"Mail {u}", f"{u}.KNOWN@example.com", "", "55000"),
        (f"Both {u}", f"{u}.known@example.com", f"t{u}2", ""),
        (f"Again {u}", f"{u}.1@EXAMPLE.com", "", "77"),
        (f"Tax {u}", f"{u}.2@example.com", f"t{u}2", ""),
        ("", f"{u}.3@example.com", "", ""),
        (f"Last {u}", f"{u}.4@example.com", "", ""),
    ]


OUTCOMES = {
    "skip": ("created skipped failed skipped skipped failed created", "COMPLETED_WITH_ERRORS"),
    "update": ("created updated failed updated updated failed created", "COMPLETED_WITH_ERRORS"),
    "error": ("created failed failed failed failed failed created", "COMPLETED_WITH_ERRORS"),
}
CODES = ["", "DUPLICATE_EMAIL", "DUPLICATE_AMBIGUOUS", "DUPLICATE_IN_FILE", "DUPLICATE_TAX_ID", "FIELD_REQUIRED", ""]


@pytest.mark.parametrize("mode", list(OUTCOMES))
def test_duplicates_follow_the_option_and_two_customers_at_once_are_an_error(desk: Desk, clerk, manager, mode: str):
    rows = duplicates(desk)
    review = reviewed(clerk, table(rows, HEADER), on_duplicate=mode)
    assert (review["status"], review["duplicate_rows"], review["error_rows"], review["valid_rows"]) == (
        "AWAITING_REVIEW",
        4,
        2,
        5,
    )
    assert [r[0] for r in outcomes(clerk, review["id"], outcome="error")] == [3, 6]
    assert not any(review[c] for c in ("created", "updated", "skipped"))
    ok(decide(manager, review["id"]))
    done = until(clerk, review["id"])
    said = outcomes(clerk, done["id"])
    expected, status = OUTCOMES[mode]
    assert ([o for _, o, _ in said], done["status"]) == (expected.split(), status)
    assert [" ".join(c) for _, _, c in said] == CODES
    assert sum(counts(done).values()) == done["total_rows"] == 7
    for outcome in ("created", "updated", "skipped", "failed"):
        assert len(outcomes(clerk, done["id"], outcome=outcome)) == done[outcome]
    found = ok(clerk.get("/v1/customers", params={"q": rows[1][1]}))["items"][0]
    assert found["credit_limit"] == ("55000" if mode == "update" else None)


def test_a_dry_run_ends_validated_and_creates_nothing(desk: Desk, clerk):
    rows = duplicates(desk)
    done = reviewed(clerk, table(rows, HEADER), validate_only=True)
    assert (done["status"], done["error_rows"], counts(done)) == ("VALIDATED", 2, {"failed": 2, "not_attempted": 5})
    assert not ok(clerk.get("/v1/customers", params={"q": rows[0][1]}))["items"]
    assert code(decide(desk("u_manager"), done["id"])) == (409, "IMPORT_CLOSED")
    for verb in ("pause", "resume", "cancel"):
        assert code(clerk.post(f"{PATH}/{done['id']}/{verb}")) == (409, "IMPORT_CLOSED")


def test_every_row_code(desk: Desk, clerk):
    u = mark()
    desk.customer(name=f"{u} Existing Ltd")
    header = "name,email,credit_limit,payment_terms,currency_code,revenue_account,customer_type,legal_entity_id"
    wrong = [
        ("FIELD_REQUIRED", {"name": ""}), ("FIELD_LENGTH", {"name": "N" * 256}), ("EMAIL_INVALID", {"email": "nonsense"}),
        ("FIELD_TYPE", {"credit_limit": "abc"}), ("CREDIT_LIMIT_NEGATIVE", {"credit_limit": "-5"}),
        ("PAYMENT_TERMS_UNKNOWN", {"payment_terms": "NET99"}), ("CURRENCY_INVALID", {"currency_code": "ZZZ"}),
        ("ACCOUNT_UNKNOWN", {"revenue_account": "nope"}), ("CUSTOMER_TYPE_INVALID", {"customer_type": "alien"}),
        ("ENTITY_UNKNOWN", {"legal_entity_id": "le_none"}),
        ("CREDIT_LIMIT_LARGE", {"credit_limit": "1000000.01"}), ("NAME_SIMILAR", {"name": f"{u} Existing Limited"}),
    ]  # fmt: skip
    rows = []
    for n, (_, change) in enumerate(wrong):
        given = {"name": f"{'abcdefghijkl'[n] * 9} {u}", "email": f"{u}.{n}@example.com"} | change
        rows.append([given.get(column, "") for column in header.split(",")])
    done = reviewed(clerk, table([tuple(r) for r in rows], header), validate_only=True)
    assert [(n, (c,)) for n, (c, _) in enumerate(wrong, 1)] == [
        (n, codes) for n, _, codes in outcomes(clerk, done["id"])
    ]
    assert (done["error_rows"], done["warning_rows"], done["valid_rows"]) == (10, 2, 2)
    lines = clerk.get(f"{PATH}/{done['id']}/report.csv").text.splitlines()
    assert len(lines) == 13
    assert all(c in line for (c, _), line in zip(wrong, lines[1:], strict=True))


def test_stop_on_error_keeps_what_came_before_and_attempts_nothing_after(clerk, manager):
    u = mark()
    rows = [(f"{u} {n}", f"{u}.{n}@example.com") for n in range(9)]
    rows[5] = ("", rows[5][1])
    done = completed(clerk, manager, table(rows), stop_on_error=True, batch_size=3)
    assert (done["status"], counts(done)) == ("STOPPED", {"created": 5, "failed": 1, "not_attempted": 3})
    assert [o for _, o, _ in outcomes(clerk, done["id"])] == ["created"] * 5 + ["failed"] + ["not_attempted"] * 3


def test_who_may_upload_decide_and_look(desk: Desk, stranger: Desk, clerk, manager):
    for user, roles in (("u_ops", ()), ("u_ae", ()), ("u_cfo", ()), ("u_auditor", ()), ("u_bank", ("bank_feed",))):
        assert code(send(desk(user, *roles), table([("A", "a@example.com")]))) == (403, "FORBIDDEN"), user
    uk = desk("u_uk", "ar_clerk", entities=("le_uk",))
    assert code(send(uk, table([("A", "a@example.com")]))) == (403, "FORBIDDEN")
    u = mark()
    review = reviewed(manager, table([(u, f"{u}@example.com")]))
    at = f"{PATH}/{review['id']}"
    assert code(decide(manager, review["id"])) == (403, "SEGREGATION_OF_DUTIES")
    assert code(decide(clerk, review["id"])) == (403, "FORBIDDEN")
    assert code(decide(desk("u_controller"), review["id"])) == (403, "FORBIDDEN")
    assert code(decide(desk("u_manager2"), review["id"], "reject")) == (422, "REASON_REQUIRED")
    for path in ("", "/rows", "/report.csv", "/events"):
        assert code(stranger("u_clerk").get(f"{at}{path}")) == (403, "ORG_CONTEXT_MISMATCH")
        assert code(uk.get(f"{at}{path}")) == (403, "FORBIDDEN")
        assert code(clerk.get(f"{PATH}/imp_none{path}")) == (404, "IMPORT_NOT_FOUND")
    for verb in ("pause", "resume", "cancel"):
        assert code(stranger("u_clerk").post(f"{at}/{verb}")) == (403, "ORG_CONTEXT_MISMATCH")
    assert code(stranger("u_manager").post(f"{at}/decisions", json={"decision": "approve"})) == (
        403,
        "ORG_CONTEXT_MISMATCH",
    )
    rejected = ok(decide(desk("u_plain"), review["id"], "reject", reason_code="BAD_FILE", comment="no"))
    assert (rejected["status"], counts(rejected)) == ("REJECTED", {"not_attempted": 1})
    step = rejected["steps"][-1]
    assert (step["role"], step["status"], step["decided_by"], step["reason_code"]) == (
        "manager",
        "REJECTED",
        "u_plain",
        "BAD_FILE",
    )


def test_the_same_file_is_the_same_import_unless_the_key_says_otherwise(clerk):
    u = mark()
    content = table([(u, f"{u}@example.com")])
    first, again = send(clerk, content), send(clerk, content)
    assert (again.json()["id"], again.headers["Idempotent-Replayed"]) == (first.json()["id"], "true")
    others = [send(clerk, content, batch_size=7), send(clerk, content, key=(key := uuid.uuid4().hex))]
    assert len({r.json()["id"] for r in (first, *others)}) == 3
    assert send(clerk, content, key=key).json() == others[1].json()
    assert code(send(clerk, table([("B", "b@example.com")]), key=key)) == (409, "IDEMPOTENCY_KEY_CONFLICT")


@pytest.mark.parametrize("wrong", [
    {"batch_size": 0}, {"batch_size": 1001}, {"on_duplicate": "merge"}, {"source": "fax"}, {"surprise": 1},
    {"stop_on_error": "yes"}, {"mapping": {"name": "no_field"}}, {"legal_entity_id": None},
])  # fmt: skip
def test_options_that_are_none_are_refused(clerk, wrong: dict[str, Any]):
    assert code(send(clerk, table([("A", "a@example.com")]), **wrong)) == (422, "VALIDATION_FAILED")


def test_progress_pause_resume_and_cancel(clerk, manager):
    u = mark()
    review = reviewed(clerk, table([(f"{u} {n}", f"{u}.{n}@example.com") for n in range(MANY)]), batch_size=1)
    at = f"{PATH}/{review['id']}"
    assert code(clerk.post(f"{at}/pause")) == (409, "IMPORT_STATE")
    ok(decide(manager, review["id"]))
    assert ok(clerk.post(f"{at}/pause"))["status"] == "PAUSED"
    assert code(clerk.post(f"{at}/pause")) == (409, "IMPORT_STATE")
    assert ok(clerk.post(f"{at}/resume"))["status"] == "EXECUTING"
    assert ok(clerk.post(f"{at}/cancel"))["status"] == "CANCELLED"
    done = ok(clerk.get(at))
    assert sum(counts(done).values()) == done["total_rows"] == MANY
    with clerk.stream("GET", f"{at}/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        data = [line for line in stream.read().decode().splitlines() if line.startswith("data: ")]
    assert json.loads(data[-1].removeprefix("data: "))["status"] == "CANCELLED"
