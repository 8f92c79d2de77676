"""A payment recorded and applied in one call: the answer, the entry, refusals that keep nothing or the payment, replays."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

from tests.api.office import Office, code, day, ext, ok

PAYMENTS = "/v1/customer-payments"


def applying(*pairs: tuple[Any, int], **more: Any) -> dict[str, Any]:
    return {"applications": [{"invoice_id": i["id"], "applied_minor": minor} for i, minor in pairs], **more}


def record(office: Office, body: dict[str, Any], **options: Any) -> httpx2.Response:
    key = options.pop("key", None)
    return office.clerk.post(
        PAYMENTS, json=body, headers={"Idempotency-Key": key} if key else None, params=options
    )  # fmt: skip


def test_one_call_records_and_applies_with_one_entry_and_one_process(office: Office, customer: str):
    a, b = office.invoice(customer, 1000), office.invoice(customer, 2000)
    r = record(office, office.payment_body(customer, 2500, apply=applying((a, 1000), (b, 1500))))
    p = ok(r, 201)
    assert p["id"] in r.headers["X-Workflow-Id"]
    assert (p["status"], p["applied_minor"], p["unapplied_minor"]) == ("FULLY_APPLIED", 2500, 0)
    s = p["session"]
    assert s.items() >= {
        "payment_id": p["id"], "applied_count": 2, "unapplied_minor": 0, "available_minor": 0,
        "status": "FULLY_APPLIED", "outstanding_balances": [{"currency_code": "USD", "minor": 500}],
        "invoices": [{"id": a["id"], "status": "PAID", "balance_due_minor": 0},
                     {"id": b["id"], "status": "PARTIALLY_PAID", "balance_due_minor": 500}],
    }.items()  # fmt: skip
    assert (p["applications"], p["refusal"]) == (s["applications"], None)
    assert office.get(p["id"]) == {k: v for k, v in p.items() if k not in ("session", "refusal")}
    (entry,) = office.entries(p["id"])
    assert (entry["id"], entry["entry_date"]) == (s["journal_entry_id"], p["payment_date"])
    assert office.booked(p["id"]) == {"cash": 2500, "accounts_receivable": -2500}
    assert {e["action"] for e in office.audit(p["id"])} == {"payment.received", "payment.applied"}


def test_the_session_is_what_two_calls_would_have_made(office: Office, customer: str):
    bodies, entries = [], []
    for one_call in (True, False):
        i = office.invoice(customer, 600)
        word: dict[str, Any] = {"overpayment": "customer_credit", "posting_date": day(3)}
        if one_call:
            p = ok(record(office, office.payment_body(customer, 1000, apply=applying((i, 600), **word))), 201)
            s = p["session"]
        else:
            p = office.payment(customer, 1000)
            s = ok(office.apply(p, [(i, 600)], **word))
        assert s["credit_id"].startswith("cred_")
        shown = office.get(p["id"])
        bodies.append({k: s[k] for k in ("applied_count", "unapplied_minor", "available_minor", "status")} | {
            k: shown[k] for k in ("status", "unapplied_minor", "available_minor", "applied_minor")})  # fmt: skip
        (entry,) = office.entries(p["id"])
        entries.append(
            (entry["entry_date"], [(x["account"], x["debit_minor"], x["credit_minor"]) for x in entry["lines"]])
        )
        assert s.keys() == ok(office.apply(office.payment(customer, 5), [], overpayment="unapplied")).keys()
    assert bodies[0] == bodies[1]
    assert entries[0] == entries[1]


def test_a_payment_without_a_session_is_answered_as_ever(office: Office, customer: str):
    p = ok(record(office, office.payment_body(customer, 5)), 201)
    assert {"session", "refusal"}.isdisjoint(p)
    assert office.get(p["id"]) == p


REFUSED: list[tuple[str, int, str]] = [
    ("OVERPAYMENT_REQUIRES_CREDIT", 422, "over"), ("APPLIED_EXCEEDS_BALANCE", 422, "balance"),
    ("APPLIED_EXCEEDS_PAYMENT", 422, "payment"), ("INVOICE_NOT_FOUND", 404, "nowhere"),
    ("INVOICE_CUSTOMER_MISMATCH", 422, "stranger"), ("INVOICE_VOID", 409, "void"), ("PERIOD_CLOSED", 422, "closed"),
]  # fmt: skip


def refused_session(office: Office, customer: str, how: str) -> dict[str, Any]:
    """A session for a payment of 1000 that is refused in this way."""
    mine = office.invoice(customer, 5000)
    match how:
        case "over":
            return applying((office.invoice(customer, 900), 900))
        case "balance":
            return applying((office.invoice(customer, 500), 501), (mine, 400))
        case "payment":
            return applying((mine, 1001))
        case "nowhere":
            return applying(({"id": "invoice_none"}, 1))
        case "stranger":
            return applying((office.invoice(office.customer(), 5000), 1000))
        case "void":
            ok(office.clerk.post(f"/v1/invoices/{mine['id']}/void", json={"reason_code": "MISTAKE"}))
            return applying((mine, 1000))
        case "closed":
            ok(office.controller.post("/v1/periods/2010-01/close"))
            return applying((mine, 1000), posting_date="2010-01-05")
    raise AssertionError(how)


@pytest.mark.parametrize(("refusal", "status", "how"), REFUSED, ids=[how for *_, how in REFUSED])
def test_a_refused_session_records_nothing_or_with_the_word_the_payment(
    office: Office, customer: str, refusal: str, status: int, how: str
):
    session = refused_session(office, customer, how)
    body = office.payment_body(customer, 1000, apply=session)
    r = record(office, body)
    assert code(r) == (status, refusal)
    assert ok(office.clerk.get(PAYMENTS, params={"external_id": body["external_id"]}))["items"] == []
    refused = [e for e in office.audit(customer) if e["action"] == "record_payment.refused"]
    if not refusal.endswith("_NOT_FOUND"):
        assert [e["reason_code"] for e in refused] == [refusal]
    p = ok(record(office, body | {"on_refusal": "record"}), 201)
    assert (p["status"], p["unapplied_minor"], p["applications"], p["session"]) == ("UNAPPLIED", 1000, [], None)
    assert p["refusal"]["code"] == refusal
    assert p["refusal"].items() >= {k: v for k, v in r.json().items() if k.endswith("_minor")}.items()
    assert office.entries(p["id"]) == []
    assert [e["action"] for e in office.audit(p["id"])] == ["payment.received", "apply_payment.refused"]
    again = record(office, body | {"on_refusal": "record"})
    assert (ok(again, 201), again.headers["Idempotent-Replayed"]) == (p, "true")


def test_a_refused_receipt_is_refused_whatever_was_said_of_its_session(office: Office, customer: str):
    i = office.invoice(customer, 5)
    late = office.payment_body(customer, 5, payment_date=day(-30), apply=applying((i, 5)), on_refusal="record")
    assert code(record(office, late)) == (422, "PAYMENT_DATE_IN_FUTURE")
    nobody = office.payment_body("cust_none", 5, apply=applying((i, 5)), on_refusal="record")
    assert code(record(office, nobody)) == (404, "CUSTOMER_NOT_FOUND")


def test_the_shape_of_a_session_is_looked_at_first(office: Office, customer: str):
    i = office.invoice(customer, 5)
    line = {"invoice_id": i["id"], "applied_minor": 1}
    sessions: tuple[Any, ...] = (
        {}, {"applications": []}, applying((i, 0)), {"applications": [line, line]}, applying((i, 1), more=1), [], "x",
    )  # fmt: skip
    for session in sessions:
        r = record(office, office.payment_body("cust_none", 5, apply=session, on_refusal="record"))
        assert code(r) == (422, "VALIDATION_FAILED"), session
        assert all(e["loc"].startswith("/apply") for e in r.json()["errors"]), r.json()
    r = record(office, office.payment_body(customer, 5, apply=applying((i, 1)), on_refusal="keep"))
    assert code(r) == (422, "VALIDATION_FAILED")
    prepaid = ok(
        record(office, office.payment_body(customer, 5, apply={"applications": [], "overpayment": "unapplied"})), 201
    )
    assert prepaid["session"]["applied_count"] == 0


def test_who_may_not_apply_may_not_apply_here(office: Office, customer: str):
    i = office.invoice(customer, 5)
    body = office.payment_body(customer, 5, apply=applying((i, 5)))
    assert code(office.feed.post(PAYMENTS, json=body)) == (403, "FORBIDDEN")
    assert code(office.feed.post(PAYMENTS, json=body | {"apply": {}, "amount_minor": "x"})) == (403, "FORBIDDEN")
    plain = office.payment_body(customer, 5)
    done = ok(office.feed.post(f"{PAYMENTS}:batch", json={"payments": [body, plain]}))["items"]
    assert (done[0]["error"]["code"], done[1]["status"]) == ("FORBIDDEN", "created")


# dry runs


def test_a_dry_run_answers_the_same_and_changes_nothing(office: Office, customer: str):
    i = office.invoice(customer, 600)
    body = office.payment_body(customer, 1000, apply=applying((i, 600), overpayment="unapplied"))
    tried = ok(record(office, body, dry_run=True), 201)
    assert tried["session"]["journal_entry"]["lines"]
    assert ok(office.clerk.get(PAYMENTS, params={"external_id": body["external_id"]}))["items"] == []
    assert office.get(i["id"])["balance_due_minor"] == 600
    over = office.payment_body(customer, 1000, apply=applying((i, 600)))
    assert code(record(office, over, dry_run=True)) == (422, "OVERPAYMENT_REQUIRES_CREDIT")
    kept = ok(record(office, over | {"on_refusal": "record"}, dry_run=True), 201)
    assert (kept["session"], kept["refusal"]["code"]) == (None, "OVERPAYMENT_REQUIRES_CREDIT")
    assert ok(record(office, office.payment_body(customer, 7), dry_run=True), 201)["status"] == "UNAPPLIED"
    assert ok(office.clerk.get(PAYMENTS, params={"customer_id": customer}))["items"] == []
    real = ok(record(office, body), 201)
    same = ("status", "unapplied_minor", "available_minor", "applied_minor", "invoice_currency_code")
    assert {k: real[k] for k in same} == {k: tried[k] for k in same}


# sent again


def test_the_same_again_is_the_same_payment_with_the_same_session(office: Office, customer: str):
    i = office.invoice(customer, 1000)
    body = office.payment_body(customer, 600, apply=applying((i, 300), overpayment="unapplied"))
    key = ext("key")
    first = record(office, body, key=key)
    keyed = record(office, body, key=key)
    assert (ok(keyed, 201), keyed.headers["Idempotent-Replayed"]) == (ok(first, 201), "true")
    ok(office.apply(first.json(), [(i, 200)]))
    again = record(office, body)
    p = ok(again, 201)
    assert (p["id"], again.headers["Idempotent-Replayed"]) == (first.json()["id"], "true")
    assert (p["unapplied_minor"], len(p["applications"])) == (100, 2)
    assert (p["session"]["session_id"], p["session"]["unapplied_minor"]) == (first.json()["session"]["session_id"], 100)
    assert len(office.entries(p["id"])) == 2


def test_the_session_is_known_by_apply_too(office: Office, customer: str):
    i = office.invoice(customer, 1000)
    p = ok(record(office, office.payment_body(customer, 300, apply=applying((i, 300)))), 201)
    bare = office.apply(p, [(i, 300)])
    assert (ok(bare), bare.headers["Idempotent-Replayed"]) == (p["session"], "true")
    named = ext("session")
    q = ok(record(office, office.payment_body(customer, 300, apply=applying((i, 200), external_id=named))), 201)
    again = office.apply(q, [(i, 200)], external_id=named)
    assert (ok(again)["session_id"], again.headers["Idempotent-Replayed"]) == (q["session"]["session_id"], "true")
    assert code(office.apply(q, [(i, 100)], external_id=named)) == (409, "EXTERNAL_ID_CONFLICT")


@pytest.mark.parametrize("named", [False, True])
def test_another_session_under_the_same_external_id_conflicts(office: Office, customer: str, named: bool):
    a, b = office.invoice(customer, 1000), office.invoice(customer, 1000)
    more = {"external_id": ext()} if named else {}
    body = office.payment_body(customer, 600, apply=applying((a, 600), **more))
    first = ok(record(office, body), 201)
    r = record(office, body | {"apply": applying((b, 600), **more), "on_refusal": "record"})
    assert code(r) == (409, "EXTERNAL_ID_CONFLICT")
    r = record(office, body | {"amount_minor": 601})
    assert (code(r), r.json()["fields"]) == ((409, "EXTERNAL_ID_CONFLICT"), ["amount_minor"])
    # the receipt alone says nothing of how it is applied
    plain = record(office, {k: v for k, v in body.items() if k != "apply"})
    assert (ok(plain, 201), plain.headers["Idempotent-Replayed"]) == (office.get(first["id"]), "true")


def test_a_payment_recorded_before_is_applied_when_it_comes_again_with_its_session(office: Office, customer: str):
    i = office.invoice(customer, 600)
    body = office.payment_body(customer, 600)
    plain = ok(record(office, body), 201)
    r = record(office, body | {"apply": applying((i, 600))})
    p = ok(r, 201)
    assert (p["id"], p["status"], "Idempotent-Replayed" in r.headers) == (plain["id"], "FULLY_APPLIED", False)
    assert office.booked(p["id"]) == {"cash": 600, "accounts_receivable": -600}
    again = record(office, body | {"apply": applying((i, 600))})
    assert (ok(again, 201), again.headers["Idempotent-Replayed"]) == (p, "true")


def test_a_session_on_what_others_have_applied_is_not_added(office: Office, customer: str):
    a, b = office.invoice(customer, 400), office.invoice(customer, 400)
    body = office.payment_body(customer, 600)
    p = ok(record(office, body), 201)
    ok(office.apply(p, [(a, 300)], overpayment="unapplied"))
    r = record(office, body | {"apply": applying((b, 300))})
    assert (code(r), r.json()["fields"]) == ((409, "EXTERNAL_ID_CONFLICT"), ["apply"])
    # in the words of a session that is there it is that session
    same = ok(record(office, body | {"apply": applying((a, 300), overpayment="unapplied")}), 201)
    assert (same["session"]["applied_count"], office.get(p["id"])["unapplied_minor"]) == (1, 300)


def test_what_was_undone_stays_undone(office: Office, customer: str):
    i = office.invoice(customer, 600)
    body = office.payment_body(customer, 600, apply=applying((i, 600)))
    p = ok(record(office, body), 201)
    ok(office.unapply(p["applications"][0]))
    again = ok(record(office, body), 201)
    assert (again["status"], again["unapplied_minor"]) == ("UNAPPLIED", 600)
    assert again["session"]["applications"][0]["unapplied_at"]
    ok(office.reverse(p))
    assert ok(record(office, body), 201)["status"] == "REVERSED"


def test_a_refused_session_is_tried_again_when_the_payment_comes_again(office: Office, customer: str):
    small = office.invoice(customer, 500)
    body = office.payment_body(customer, 600, apply=applying((small, 500)), on_refusal="record")
    p = ok(record(office, body), 201)
    assert p["refusal"]["code"] == "OVERPAYMENT_REQUIRES_CREDIT"
    other = record(office, body | {"apply": applying((small, 400))})
    assert (code(other), other.json()["fields"]) == ((409, "EXTERNAL_ID_CONFLICT"), ["apply"])
    ok(office.apply(p, [(small, 100)], overpayment="unapplied"))
    again = record(office, body)
    shown = ok(again, 201)
    assert (shown["session"], shown["refusal"]["code"]) == (None, "EXTERNAL_ID_CONFLICT")
    assert (shown["unapplied_minor"], again.headers["Idempotent-Replayed"]) == (500, "true")


def test_with_receipts_posted_at_once_the_session_takes_from_unapplied_cash(office: Office, customer: str):
    ok(office.controller.patch("/v1/settings", json={"receipt_posting": "at_receipt"}))
    try:
        i = office.invoice(customer, 600)
        p = ok(record(office, office.payment_body(customer, 600, apply=applying((i, 600), posting_date=day(1)))), 201)
        entries = {e["entry_date"]: {x["account"] for x in e["lines"]} for e in office.entries(p["id"])}
        assert entries == {day(10): {"cash", "unapplied_cash"}, day(1): {"unapplied_cash", "accounts_receivable"}}
        assert office.booked(p["id"]) == {"cash": 600, "accounts_receivable": -600}
    finally:
        ok(office.controller.patch("/v1/settings", json={"receipt_posting": None}))


@pytest.mark.parametrize("how", ["key", "external_id"])
def test_the_same_call_from_many_at_once_is_one_payment_and_one_session(office: Office, customer: str, how: str):
    i = office.invoice(customer, 600)
    body, key = office.payment_body(customer, 600, apply=applying((i, 600))), ext("key") if how == "key" else None
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: record(office, body, key=key), range(8)))
    assert {r.status_code for r in answers} == {201}, [r.text for r in answers]
    assert len({r.json()["session"]["session_id"] for r in answers}) == 1
    assert len(ok(office.clerk.get(PAYMENTS, params={"customer_id": customer}))["items"]) == 1
    assert office.booked(answers[0].json()["id"]) == {"cash": 600, "accounts_receivable": -600}


# batches


def test_a_batch_records_and_applies_each_by_itself(office: Office, customer: str):
    a, b = office.invoice(customer, 500), office.invoice(customer, 500)
    bodies = [
        office.payment_body(customer, 500, apply=applying((a, 500))),
        office.payment_body(customer, 400),
        office.payment_body(customer, 900, apply=applying((b, 500))),
        office.payment_body(customer, 900, apply=applying((b, 500)), on_refusal="record"),
        office.payment_body(customer, 0),
        office.payment_body(customer, 5, apply={"applications": []}),
        office.payment_body(customer, 500, apply=applying((b, 500))),
    ]
    r = office.clerk.post(f"{PAYMENTS}:batch", json={"payments": bodies})
    done = ok(r)["items"]
    assert [x["index"] for x in done] == list(range(7))
    created, failed = "created", "failed"
    assert [x["status"] for x in done] == [created, created, failed, created, failed, failed, created]
    assert done[0]["payment"]["session"]["status"] == "FULLY_APPLIED"
    assert "session" not in done[1]["payment"]
    assert done[2]["error"]["code"] == "OVERPAYMENT_REQUIRES_CREDIT"
    assert done[3]["payment"]["refusal"]["code"] == "OVERPAYMENT_REQUIRES_CREDIT"
    assert [x["error"]["errors"][0]["loc"] for x in (done[4], done[5])] == ["/amount_minor", "/apply/applications"]
    again = ok(office.clerk.post(f"{PAYMENTS}:batch", json={"payments": bodies}))["items"]
    replayed = [n for n, x in enumerate(again) if x["status"] == "replayed"]
    assert replayed == [0, 1, 3, 6]
    assert [again[n]["payment"]["id"] for n in replayed] == [done[n]["payment"]["id"] for n in replayed]
    assert office.get(b["id"])["balance_due_minor"] == 0
    bare = office.apply(done[0]["payment"], [(a, 500)])
    assert (ok(bare)["session_id"], bare.headers["Idempotent-Replayed"]) == (
        done[0]["payment"]["session"]["session_id"], "true",
    )  # fmt: skip


def test_a_batch_is_once_by_its_key_and_has_its_limits(office: Office, customer: str):
    key = {"Idempotency-Key": ext("key")}
    items = {"payments": [office.payment_body(customer, 5)]}
    first, again = (office.clerk.post(f"{PAYMENTS}:batch", json=items, headers=key) for _ in range(2))
    assert (ok(first), again.headers["Idempotent-Replayed"]) == (ok(again), "true")
    shapes: tuple[Any, ...] = ({"payments": []}, {"payments": [{}] * 501}, {"payments": "x"}, {})
    for wrong in shapes:
        assert code(office.clerk.post(f"{PAYMENTS}:batch", json=wrong)) == (422, "VALIDATION_FAILED")
    (nothing,) = ok(office.clerk.post(f"{PAYMENTS}:batch", json={"payments": [{}]}))["items"]
    assert nothing["error"]["code"] == "VALIDATION_FAILED"
